"""What is wrong, as data: a finding has a code and the values that belong to it, and never a sentence.

The program decides by `Finding.code` alone: grouping, remedies, exit codes, statistics. `loader.wording`
turns a finding into sentences where people read it. The codes are in `loader.codes`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loader.codes import CODES, Code, Severity, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""A value that JSON can hold."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where something was found, if not simply in "this row".

    Attributes:
        file: The name of a mapping file, or of a second file; empty for the source.
        line: From 1; None where it is not known.
        column: Of a mapping file, in characters from 1; None where it is not known.
        end_column: The first column behind it in the same line; None where it is not known.
        record_no: The row, from 1, that a record of several rows is wrong in; None for the record's first.
    """

    file: str = ""
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    record_no: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: A name in `CODES`.
        field: The payload's path, or the key of a mapping; empty for the whole record or file.
        column: The source's column, or several joined with a comma; None where no column is involved.
        value: What was found, cut short; None where there is nothing to show.
        params: What the wording needs beside these; names that the code declares.
        location: Where; None for this row.

    Raises:
        ValueError: The code is not in the catalogue, or does not declare a parameter.
    """

    code: str
    field: str = ""
    column: str | None = None
    value: str | None = None
    params: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict, hash=False)
    location: Location | None = None

    def __post_init__(self) -> None:
        # A misspelt code would only show when somebody reads the report: refuse it where it is made.
        code = CODES.get(self.code)
        if code is None:
            raise ValueError(f"unknown code {self.code!r}")
        for name in self.params:
            if name not in code.params:
                raise ValueError(f"{self.code} has no parameter {name!r}; it has {', '.join(code.params)}")


def group_key(finding: Finding) -> tuple[str, str, str]:
    """Return what findings with the same cause have in common: code, field, and what does not vary, as JSON.

    Args:
        finding: Any finding; its value, column and location do not count.
    """
    varying = CODES[finding.code].varying
    kept = {name: value for name, value in finding.params.items() if name not in varying}
    return finding.code, finding.field, json.dumps(kept, sort_keys=True)


# --- As text -------------------------------------------------------------------------------------------

_TYPES: Final[Mapping[str, type]] = {
    **dict.fromkeys(("code", "field", "column", "value", "file"), str),
    **dict.fromkeys(("record_no", "line"), int),
    "params": dict,
}
"""The keys of a stored finding, with the types of their values."""

_NOWHERE: Final = Location()
_PLACE_KEYS: Final = frozenset({"file", "line", "record_no"})


def dump_findings(findings: Iterable[Finding]) -> str:
    """Return findings as compact JSON: a list of objects without the keys that have nothing to say.

    An empty location becomes none at all.

    Raises:
        ValueError: A finding is about a column of a mapping file's line, or holds a number that JSON
            cannot: such findings are never stored.
    """
    return _dumped([_as_object(finding) for finding in findings])


def _as_object(finding: Finding) -> dict[str, Any]:
    place = finding.location or _NOWHERE
    if place.column is not None or place.end_column is not None:
        raise ValueError(f"{finding.code}: a place in a line of a mapping file is not stored")
    data = {
        "code": finding.code,
        "field": finding.field or None,
        "column": finding.column,
        "value": finding.value,
        "params": dict(finding.params) or None,
        "record_no": place.record_no,
        "line": place.line,
        "file": place.file or None,
    }
    return {name: value for name, value in data.items() if value is not None}


def load_findings(text: str) -> tuple[Finding, ...]:
    """Return the findings that `dump_findings` wrote, in their order.

    Raises:
        ValueError: The text is not of that form; says which finding is wrong, and how.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"findings are not valid JSON: {error}") from None
    if not _is(data, list):
        raise ValueError(f"findings are a JSON list, not {type(data).__name__}")
    return tuple(_from_object(number, item) for number, item in enumerate(data, start=1))


def _from_object(number: int, item: Any) -> Finding:
    if not _is(item, dict) or not _is(item.get("code"), str):
        raise ValueError(f"finding {number} is not an object with a code")
    for name, value in item.items():
        if name not in _TYPES:
            raise ValueError(f"finding {number} has the unknown key {name!r}")
        if not _is(value, _TYPES[name]):
            raise ValueError(f"finding {number}: {name} is not of type {_TYPES[name].__name__}")
    location = None
    if not _PLACE_KEYS.isdisjoint(item):
        location = Location(file=item.get("file", ""), line=item.get("line"), record_no=item.get("record_no"))
    params = item.get("params", {})
    try:
        return Finding(
            item["code"], item.get("field", ""), item.get("column"), item.get("value"), params, location
        )
    except ValueError as error:
        raise ValueError(f"finding {number}: {error}") from None


def _is(value: Any, kind: type) -> bool:
    """Whether a value of JSON is of a type; true and false are no numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


def dump_params(params: Mapping[str, JsonValue]) -> str | None:
    """Return parameters as a frame of findings carries them: a compact JSON object; None for none."""
    return _dumped(dict(params)) if params else None


def load_params(text: str | None) -> dict[str, JsonValue]:
    """Return the parameters that `dump_params` wrote.

    Raises:
        ValueError: The text is not a JSON object.
    """
    params: dict[str, JsonValue] = json.loads(text) if text else {}
    if not _is(params, dict):
        raise ValueError("params is not a JSON object")
    return params


# `json.dumps` makes an encoder for each call, which costs several times the encoding of a finding.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_ASCII_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def _dumped(data: Any) -> str:
    text = _ENCODER.encode(data)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair cannot be written to a file or to SQLite: as an escape it can.
        text = _ASCII_ENCODER.encode(data)
    return text


__all__ = [
    "CODES",
    "Code",
    "Finding",
    "JsonValue",
    "Location",
    "Severity",
    "Subject",
    "dump_findings",
    "dump_params",
    "group_key",
    "load_findings",
    "load_params",
]
