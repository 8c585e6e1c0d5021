"""Collects what is wrong with a mapping, each with its place in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

from loader.mapping.document import is_null
from loader.mapping.words import shown, wanted
from loader.records import MappingFinding
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from loader.mapping.document import Document, Part, Path

Severity = Literal["error", "warning", "note"]


class More(TypedDict, total=False):
    """What else may be said of a finding: arguments of `Findings.add`."""

    suggestion: str | None
    part: Part
    word: tuple[str, int]
    detail: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """An error that a model of the grammar found.

    Attributes:
        place: Where it stands.
        path: The payload's path, or the mapping's own key.
        message: What was found and what was expected.
        suggestion: What to write instead; None where nothing comes near.
        part: Whether the key is meant or the value.
    """

    place: Path
    path: str
    message: str
    suggestion: str | None = None
    part: Part = "key"


class Findings:
    """A growing list of findings about one mapping file.

    Args:
        document: The file.
        known: What was found in it before, and need not be found again; None: nothing.
    """

    def __init__(self, document: Document, known: Findings | None = None) -> None:
        self._document = document
        self._known = known
        self._found: list[MappingFinding] = []
        self._wrong: set[Path] = set()

    def add(
        self,
        severity: Severity,
        place: Path,
        path: str,
        message: str,
        *,
        suggestion: str | None = None,
        part: Part = "key",
        word: tuple[str, int] = ("", -1),
        detail: str = "",
    ) -> None:
        """Adds a finding.

        Args:
            severity: How bad it is.
            place: Where it stands in the file.
            path: The payload's path, or the mapping's own key.
            message: What was found and what was expected.
            suggestion: What to write instead; None where nothing comes near.
            part: Whether the key at that place is meant, or its value.
            word: What of it is meant, and where in it that begins (less than 0: the first there is);
                an empty word: all of it.
            detail: More lines for people.
        """
        found = self._document.find(place, part, *word)
        finding = MappingFinding(
            severity=severity,
            message=message,
            path=path,
            suggestion=suggestion,
            file=self._document.file,
            line=found.line if found else None,
            column=found.column if found else None,
            end_column=found.end_column if found else None,
            detail=detail,
        )
        if severity == "error":
            self._wrong.add(place)
        self._found.append(finding)

    def error(self, place: Path, path: str, message: str, **more: Unpack[More]) -> None:
        """Adds an error; `more` is as in `add`."""
        self.add("error", place, path, message, **more)

    def extend(self, more: Iterable[Wrong]) -> None:
        """Adds errors."""
        for each in more:
            self.error(each.place, each.path, each.message, suggestion=each.suggestion, part=each.part)

    def wrong_at(self, place: Path) -> bool:
        """Whether an error was found at a place or below it."""
        if any(each[: len(place)] == place for each in self._wrong):
            return True
        return self._known is not None and self._known.wrong_at(place)

    def of(self, *severities: Severity) -> list[MappingFinding]:
        """The findings of these severities, in the order of the file."""
        chosen = [each for each in self._found if each.severity in severities]
        return sorted(chosen, key=lambda each: (each.line or 0, each.column or 0))


def validation_findings(
    error: ValidationError, place: Path, path: str, model: type[BaseModel]
) -> Iterator[Wrong]:
    """A Pydantic error in the words of a mapping; of the arms of a union, the one that tells most.

    A key that is missing because it is misspelt is told once, as the unknown key that it is.
    """
    errors = [(*_located(model, each), each) for each in error.errors(include_url=False)]
    below = {loc[:size] for _, loc, _ in errors for size in range(len(loc))}
    known = {loc: _keys(inner) for inner, loc, each in errors if each["type"] == "extra_forbidden"}
    meant = {loc: nearest(str(loc[-1]), keys) for loc, keys in known.items()}
    takes: dict[Path, list[str]] = {}
    for _, loc, each in errors:
        takes.setdefault(loc, []).extend(filter(None, [wanted(each)]))
    seen: set[Path] = set()
    for _, loc, each in errors:
        key = ".".join(str(part) for part in loc)
        where, label = (*place, *loc), path or key
        if loc in meant:
            advice = f"did you mean {meant[loc]!r}?" if meant[loc] else f"there are {', '.join(known[loc])}"
            yield Wrong(where, label, f"unknown key {loc[-1]!r}", advice)
        elif each["type"] == "missing":
            if not any(of[:-1] == loc[:-1] and name == loc[-1] for of, name in meant.items()):
                yield Wrong(where[:-1], label, f"the key {loc[-1]!r} is missing")
        elif each["type"] in {"value_error", "rule"}:
            wrong_key = each.get("ctx", {}).get("key")
            yield Wrong((*where, wrong_key) if wrong_key else where, label, _words(key, each))
        elif where not in seen and loc not in below:
            seen.add(where)
            yield Wrong(where, label, _words(key, each, takes[loc]), _meant(each), "value")


_ARMS: Final = frozenset({"bool", "int", "constrained-int"})
"""What Pydantic calls the types of a key that takes one of several."""


def _located(model: type[BaseModel], error: ErrorDetails) -> tuple[type[BaseModel], Path]:
    """The model that holds the last key of an error's place, and the place without the names of arms."""
    if not error["loc"]:
        return model, ()
    *above, last = error["loc"]
    kept: list[str | int] = []
    free = False
    for part in above:
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        if isinstance(part, int) or free or part in fields:
            kept.append(part)
        if not free and part in fields:
            inner = _model_in(fields[str(part)].annotation)
            model, free = inner or model, inner is None
    names = _keys(model)
    keyed = error["type"] in {"extra_forbidden", "missing"}
    free = free and last not in _ARMS
    if keyed or free or isinstance(last, int) or last in names:
        kept.append(last)
    return model, tuple(kept)


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if hasattr(annotation, "model_fields"):
        return annotation  # type: ignore[no-any-return]  # only models have that attribute
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _model_in(arg))), None)


def _words(key: str, error: ErrorDetails, takes: Sequence[str] = ()) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    found = error["input"]
    if takes:
        message = f"expected {' or '.join(dict.fromkeys(takes))}, found {_found(found)}"
    elif isinstance(found, str | int | float | bool):
        message += f"; found {_found(found)}"
    return f"{key}: {message}" if key else message


def _found(value: Any) -> str:
    return "nothing" if value is None or is_null(value) else shown(value)


def _meant(error: Any) -> str | None:
    """The word of a list of words that was meant."""
    if error["type"] != "literal_error":
        return None
    words = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    meant = nearest(str(error["input"]), words)
    return f"did you mean {meant!r}?" if meant else None
