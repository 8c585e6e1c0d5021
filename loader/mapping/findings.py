"""Collects what is wrong with a mapping, each with its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from loader.records import MappingFinding
from loader.resources.base import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import BaseModel, ValidationError

    from loader.mapping.document import Document, Path

Severity = Literal["error", "warning", "note"]


class Findings:
    """A growing list of findings about one mapping file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[MappingFinding] = []

    def add(
        self, severity: Severity, place: Path, path: str, message: str, *, suggestion: str | None = None
    ) -> None:
        """Adds a finding.

        Args:
            severity: How bad it is.
            place: Where it stands in the file.
            path: The payload's path, or the mapping's own key.
            message: What was found and what was expected.
            suggestion: What to write instead; None where nothing comes near.
        """
        line, column = self._document.place(place)
        self._found.append(
            MappingFinding(
                severity=severity,
                message=message,
                path=path,
                suggestion=suggestion,
                file=self._document.file,
                line=line,
                column=column,
            )
        )

    def error(self, place: Path, path: str, message: str, *, suggestion: str | None = None) -> None:
        """Adds an error."""
        self.add("error", place, path, message, suggestion=suggestion)

    def extend(self, more: Iterable[tuple[Path, str, str, str | None]]) -> None:
        """Adds errors given as (place, path, message, suggestion)."""
        for place, path, message, suggestion in more:
            self.error(place, path, message, suggestion=suggestion)

    def of(self, *severities: Severity) -> list[MappingFinding]:
        """The findings of these severities, in the order of the file."""
        chosen = [each for each in self._found if each.severity in severities]
        return sorted(chosen, key=lambda each: (each.line or 0, each.column or 0))


def validation_findings(
    error: ValidationError, place: Path, path: str, model: type[BaseModel]
) -> Iterator[tuple[Path, str, str, str | None]]:
    """A Pydantic error in the words of a mapping: one (place, path, message, suggestion) each."""
    for each in error.errors(include_url=False):
        loc: tuple[str | int, ...] = tuple(each["loc"])
        key = ".".join(str(part) for part in loc)
        where = (*place, *loc)
        label = path or key
        if each["type"] == "extra_forbidden":
            names = [info.alias or name for name, info in _model_at(model, loc[:-1]).model_fields.items()]
            meant = nearest(str(loc[-1]), names)
            yield where, label, f"unknown key {loc[-1]!r}", f"did you mean {meant!r}?" if meant else None
        elif each["type"] == "missing":
            yield (*place, *loc[:-1]), label, f"the key {loc[-1]!r} is missing", None
        else:
            yield where, label, _words(key, each), None


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    for part in loc:
        info = model.model_fields.get(str(part))
        inner = _model_in(info.annotation) if info else None
        if inner is None:
            break
        model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if hasattr(annotation, "model_fields"):
        return annotation  # type: ignore[no-any-return]  # only models have that attribute
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _model_in(arg))), None)


def _words(key: str, error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    found = error["input"]
    shown = f"; found {str(found)[:60]!r}" if isinstance(found, str | int | float | bool) else ""
    return f"{key}: {message}{shown}" if key else message
