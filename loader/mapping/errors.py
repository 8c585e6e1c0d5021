"""Errors of rules, and of a mapping that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader import wording
from loader.errors import MappingError
from loader.findings import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.findings import Finding, JsonValue
    from loader.mapping.yaml_paths import Span


class RuleError(ValueError):
    """Something is wrong with a value in a rule.

    Args:
        code: Of the finding.
        span: The part of the value that is meant; None: all of it, or it is not known.
        params: Of the finding.
    """

    def __init__(self, code: str, span: Span | None = None, **params: JsonValue) -> None:
        super().__init__(code)
        self.code = code
        self.span = span
        self.params = params


def mapping_error(findings: Sequence[Finding]) -> MappingError:
    """Return the error for findings; its message has one line for each."""
    # The fix that all have in common; where they differ, there is not room for each.
    fixes = {wording.fix(finding) for finding in findings}
    next_step = (
        fixes.pop() if len(fixes) == 1 else "Run `loader check` with this mapping to see how to fix each."
    )
    return MappingError("\n".join(map(_line, findings)), findings, next_step=next_step)


def _line(finding: Finding) -> str:
    location = finding.location or Location()
    position = (location.file, location.line, location.column)
    return ": ".join(filter(None, [":".join(str(part) for part in position if part), wording.line(finding)]))
