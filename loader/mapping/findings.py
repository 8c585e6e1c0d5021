"""Collect what is wrong with a mapping, with its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.codes import CODES
from loader.findings import Finding, Location
from loader.mapping.errors import mapping_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import JsonValue, Severity
    from loader.mapping.document import Document
    from loader.mapping.errors import RuleError
    from loader.mapping.yaml_paths import Part, Span, YamlPath


class Findings:
    """A growing list of findings about one mapping file.

    Args:
        document: The file.
        earlier: What was found in it before: its places count in `wrong_at`, and it is not repeated here;
            None: nothing.
    """

    def __init__(self, document: Document, earlier: Findings | None = None) -> None:
        self._document = document
        self._earlier = earlier
        self._findings: list[Finding] = []
        self._wrong: set[YamlPath] = set()

    def add(
        self,
        code: str,
        yaml_path: YamlPath,
        field: str = "",
        *,
        part: Part = "key",
        span: Span | None = None,
        column: str | None = None,
        params: Mapping[str, JsonValue] | None = None,
        **more: JsonValue,
    ) -> None:
        """Add a finding; the catalogue says how bad it is.

        Args:
            code: Its code.
            yaml_path: Where it is in the file.
            field: The payload's path, or the mapping's own key.
            part: Whether the key at that place is meant, or its value.
            span: The stretch of the key, or of the value as read, that is meant; None: all of it.
            column: The source's column that it is about; None where there is none.
            params: The code's parameters, if they come as a mapping; None: there are none.
            more: The code's parameters by name. Those that are None are left out.

        Raises:
            ValueError: The code is unknown, or has no such parameter.
        """
        location = self._document.locate(yaml_path, part, span) or Location(file=self._document.file)
        given = {name: value for name, value in {**(params or {}), **more}.items() if value is not None}
        if CODES[code].severity == "error":
            self._wrong.add(yaml_path)
        self._findings.append(Finding(code, field, column, params=given, location=location))

    def add_error(self, error: RuleError, yaml_path: YamlPath, field: str) -> None:
        """Add what is wrong with the value at a place."""
        self.add(error.code, yaml_path, field, part="value", span=error.span, params=error.params)

    def wrong_at(self, yaml_path: YamlPath) -> bool:
        """Return whether an error was found at a place or below it."""
        if any(wrong[: len(yaml_path)] == yaml_path for wrong in self._wrong):
            return True
        return self._earlier is not None and self._earlier.wrong_at(yaml_path)

    def of(self, *severities: Severity) -> list[Finding]:
        """Return the findings of these severities, or all where none is named, in the order of the file."""
        chosen = [
            finding
            for finding in self._findings
            if not severities or CODES[finding.code].severity in severities
        ]
        return in_file_order(chosen)

    @property
    def errors(self) -> list[Finding]:
        """Return the errors, in the order of the file."""
        return self.of("error")

    def raise_errors(self) -> None:
        """Raise what keeps the mapping from being used, if there is anything.

        Raises:
            MappingError: With every error.
        """
        if errors := self.errors:
            raise mapping_error(errors)


def in_file_order(findings: list[Finding]) -> list[Finding]:
    """Return findings by line and column; those without one first, and those of one place as they came."""
    return sorted(findings, key=_position)


def _position(finding: Finding) -> tuple[int, int]:
    location = finding.location or Location()
    return location.line or 0, location.column or 0
