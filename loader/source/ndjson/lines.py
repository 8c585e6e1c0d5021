"""Read the lines of an NDJSON file, and the JSON objects in them with each number as it is in the file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loader.findings import Finding, dump_findings
from loader.records import REJECT_COLUMNS
from loader.source.bytes import BLOCK, LONGEST_RECORD, bad_bytes, kept_bytes
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.findings import JsonValue
    from loader.source.bytes import FileHead, Stream

RAW: Final = "_raw"
"""The key of a rejects file that has the text of a line that is not a JSON object."""

_KEPT: Final = 1000  # bytes of a line that is too long for a record
_JSON_TYPES: Final = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
_START: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*["}]')


class Whole(str):
    """A JSON number without fraction or exponent, as it is in the file."""

    __slots__ = ()


class Fractional(str):
    """A JSON number with a fraction or an exponent, as it is in the file."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class NdjsonLine:
    """A line that is not blank.

    Attributes:
        text: Its bytes without the line end; only its start where it is too long.
        number: Its number in the file, from 1.
        start: The offset of its first byte.
        end: The offset after its line end.
        is_too_long: Whether it is longer than any record may be.
    """

    text: bytes
    number: int
    start: int
    end: int
    is_too_long: bool = False


def is_ndjson(head: FileHead) -> bool:
    """Return whether a file starts with a JSON object, or with an array of them."""
    return _START.match(head.data) is not None


def lines_of(stream: Stream, offset: int, number: int) -> Iterator[NdjsonLine]:
    """Read the lines of a file that are not blank.

    Args:
        stream: The content from `offset` on.
        offset: Where the stream starts.
        number: The number of the line that starts there.

    Raises:
        SourceError: The file cannot be read any further.
    """
    rest = b""
    while block := stream.read(BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        for text in whole:
            end = offset + len(text) + 1
            if text and not text.isspace():
                yield NdjsonLine(text, number, offset, end)
            offset, number = end, number + 1
        if len(rest) > LONGEST_RECORD:
            # Such a line is never held in memory: the rest of it is read and forgotten.
            text, size, rest = _rest_of_line(stream, rest)
            yield NdjsonLine(text, number, offset, offset + size, is_too_long=True)
            offset, number = offset + size, number + 1
    if rest and not rest.isspace():
        yield NdjsonLine(rest, number, offset, offset + len(rest))


def _rest_of_line(stream: Stream, start: bytes) -> tuple[bytes, int, bytes]:
    """Return the start of a line that is too long, its length with its end, and what was read behind it."""
    size = len(start)
    while block := stream.read(BLOCK):
        at = block.find(b"\n")
        if at >= 0:
            return start[:_KEPT], size + at + 1, block[at + 1 :]
        size += len(block)
    return start[:_KEPT], size, b""


@dataclass(frozen=True, slots=True)
class NdjsonRecord:
    """The record of a line.

    Attributes:
        members: The object's members, without those that a rejects file adds; empty where it has a problem.
        raw: The object's text as it is in the file; of a line with a problem, what can be shown of it.
        problem: Why it cannot be read, as PROBLEM has it; None for a sound one.
        was_rejected: Whether it comes from a rejects file.
    """

    members: dict[str, Any]
    raw: str
    problem: str | None = None
    was_rejected: bool = False


def record_of(line: NdjsonLine, encoding: str) -> NdjsonRecord:
    """Return the record of a line.

    Args:
        line: The line, in UTF-8.
        encoding: The file's encoding, for findings.
    """
    if line.is_too_long:
        start = line.text.decode("utf-8", "backslashreplace")
        params: dict[str, JsonValue] = {"length": line.end - line.start, "limit": LONGEST_RECORD}
        return _unreadable(f"{start}…", Finding("row.too_long", params=params))
    try:
        text = line.text.decode().strip("\r \t")
    except UnicodeDecodeError as error:
        run = kept_bytes(line.text) if encoding != "utf-8" else line.text[error.start : error.end]
        shown = line.text.decode("utf-8", "backslashreplace")
        return _unreadable(shown, bad_bytes(encoding, run, position=error.start + 1))
    return _record_of_text(text)


def _unreadable(raw: str, *findings: Finding, was_rejected: bool = False) -> NdjsonRecord:
    return NdjsonRecord({}, raw, dump_findings(findings), was_rejected)


def _record_of_text(text: str) -> NdjsonRecord:
    try:
        members = _object(text)
    except _NotAnObjectError as error:
        return _unreadable(text, error.finding)
    if not all(name in members for name in REJECT_COLUMNS):
        return NdjsonRecord(members, text)
    for name in REJECT_COLUMNS:
        del members[name]
    if set(members) == {RAW} and isinstance(members[RAW], str):
        return _fixed_record(members[RAW])
    return NdjsonRecord(members, as_json(members), was_rejected=True)


def _fixed_record(text: str) -> NdjsonRecord:
    """Return the record of a line that was not a JSON object: somebody may have fixed its text in `_raw`."""
    try:
        return NdjsonRecord(_object(text), text, was_rejected=True)
    except _NotAnObjectError as error:
        marker = Finding("rejects.raw_not_fixed", params={"marker": RAW})
        return _unreadable(text, marker, error.finding, was_rejected=True)


class _NotAnObjectError(ValueError):
    """A text that is not a JSON object.

    Args:
        code: The code of the finding.
        params: Its parameters.
    """

    def __init__(self, code: str, **params: JsonValue) -> None:
        self.finding = Finding(code, params=params)
        super().__init__(code)


def _object(text: str) -> dict[str, Any]:
    if "\0" in text:
        raise _NotAnObjectError("row.nul_byte", position=text.index("\0") + 1)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _NotAnObjectError("row.not_json", words=error.msg, position=error.pos + 1) from None
    except RecursionError:
        raise _NotAnObjectError("row.too_deep") from None
    if type(value) is not dict:
        raise _NotAnObjectError("row.not_object", got=_JSON_TYPES.get(type(value), "a number"))
    if "\\ud" in text or "\\uD" in text:
        _refuse_half_pairs(value)
    return value


def _refuse_half_pairs(value: dict[str, Any]) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _NotAnObjectError("row.surrogate") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        key = next(name for name in members if names.count(name) > 1)
        raise _NotAnObjectError("row.duplicate_key", key=shorten(key))
    return members


def _no_constant(name: str) -> Any:
    raise _NotAnObjectError("row.not_a_number", number=name)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=Whole, parse_float=Fractional, parse_constant=_no_constant
)


def as_json(value: Any) -> str:
    """Return a value of a record as compact JSON, its numbers as they are in the file."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(name)}:{as_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return value if isinstance(value, Whole | Fractional) else json.dumps(value, ensure_ascii=False)
