"""The lines of an NDJSON file, and the JSON objects in them with every number as it was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loader.records import REJECT_COLUMNS
from loader.source.bytes import BLOCK, kept_bytes
from loader.source.csv.bytes_dialect import LONGEST_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.source.bytes import Stream

RAW: Final = "_raw"  # holds, in a rejects file, the text of a line that is no JSON object
_SHOWN: Final = 1000  # bytes kept of a line that is too long for a record
_MADE_OF: Final = {list: "an array", str: "a text", bool: "a truth value", type(None): "null"}


class Whole(str):
    """A JSON number without fraction or exponent, as it was written."""

    __slots__ = ()


class Broken(str):
    """Any other JSON number, as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class NdjsonLine:
    """A line that is not blank.

    Attributes:
        text: Its bytes without the line end; the beginning only, where it is too long.
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


def lines_of(stream: Stream, offset: int, number: int) -> Iterator[NdjsonLine]:
    """The lines of a file that are not blank.

    Args:
        stream: The content from `offset` on.
        offset: Where it begins.
        number: The number of the line that begins there.

    Raises:
        SourceError: The file cannot be read on.
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
            shown, size, rest = _rest_of_line(stream, rest)
            yield NdjsonLine(shown, number, offset, offset + size, is_too_long=True)
            offset, number = offset + size, number + 1
    if rest and not rest.isspace():
        yield NdjsonLine(rest, number, offset, offset + len(rest))


def _rest_of_line(stream: Stream, begun: bytes) -> tuple[bytes, int, bytes]:
    """The beginning of a line that is too long, its length with its end, and what was read behind it."""
    size = len(begun)
    while block := stream.read(BLOCK):
        at = block.find(b"\n")
        if at >= 0:
            return begun[:_SHOWN], size + at + 1, block[at + 1 :]
        size += len(block)
    return begun[:_SHOWN], size, b""


@dataclass(frozen=True, slots=True)
class NdjsonRecord:
    """What a line holds.

    Attributes:
        members: The object's members, without those that a rejects file adds; empty where it has a problem.
        raw: The object's text as it was written; of a line with a problem, what can be shown of it.
        problem: Why it cannot be read; None for a sound one.
        was_rejected: Whether it comes from a rejects file.
    """

    members: dict[str, Any]
    raw: str
    problem: str | None = None
    was_rejected: bool = False


def record_of(line: NdjsonLine, encoding: str) -> NdjsonRecord:
    """Reads a line.

    Args:
        line: The line, in UTF-8.
        encoding: What the file is in, for messages.
    """
    if line.is_too_long:
        shown = line.text.decode("utf-8", "backslashreplace")
        return NdjsonRecord({}, f"{shown}…", f"is longer than {LONGEST_RECORD // 2**20} MiB")
    try:
        text = line.text.decode().strip("\r \t")
    except UnicodeDecodeError as error:
        bad = line.text[error.start : error.end]
        found = kept_bytes(line.text) if encoding != "utf-8" else bad
        shown = line.text.decode("utf-8", "backslashreplace")
        return NdjsonRecord(
            {}, shown, f"bytes at position {error.start + 1} of the line are not {encoding}: {found!r}"
        )
    return _of_text(text)


def _of_text(text: str) -> NdjsonRecord:
    try:
        members = _object(text)
    except _NoRecordError as error:
        return NdjsonRecord({}, text, str(error))
    if not all(name in members for name in REJECT_COLUMNS):
        return NdjsonRecord(members, text)
    for name in REJECT_COLUMNS:
        del members[name]
    if set(members) != {RAW} or not isinstance(members[RAW], str):
        return NdjsonRecord(members, written(members), was_rejected=True)
    return _mended(members[RAW])


def _mended(text: str) -> NdjsonRecord:
    """A line that was no JSON object when it was rejected: its text may have been mended in its place."""
    try:
        return NdjsonRecord(_object(text), text, was_rejected=True)
    except _NoRecordError as error:
        problem = f"{error}, as when it was rejected: mend the text in its {RAW}"
        return NdjsonRecord({}, text, problem, was_rejected=True)


class _NoRecordError(ValueError):
    """Why a text is no JSON object."""


def _object(text: str) -> dict[str, Any]:
    if "\0" in text:
        raise _NoRecordError(f"holds a NUL byte at character {text.index(chr(0)) + 1}")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _NoRecordError(f"is no JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise _NoRecordError("is nested too deeply") from None
    if type(value) is not dict:
        made_of = _MADE_OF.get(type(value), "a number")
        raise _NoRecordError(f"is {made_of}; a JSON object was expected")
    if "\\ud" in text or "\\uD" in text:
        _refuse_half_pairs(value)
    return value


def _refuse_half_pairs(value: dict[str, Any]) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _NoRecordError("has half of a surrogate pair, which stands for no character") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise _NoRecordError(f"has the key {twice[:60]!r} twice")
    return members


def _no_constant(name: str) -> Any:
    raise _NoRecordError(f"holds {name}, which is no number that JSON knows")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=Whole, parse_float=Broken, parse_constant=_no_constant
)


def written(value: Any) -> str:
    """A value of a record as compact JSON, its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(name)}:{written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return value if isinstance(value, Whole | Broken) else json.dumps(value, ensure_ascii=False)
