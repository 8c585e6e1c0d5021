"""Where something stands in a YAML text: lines, columns, and words inside of keys and values."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that YAML knows
_SQL_PART: Final = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")*)"|`([^`]*)`|([^\W\d]\w*)|.""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text, in characters from its beginning; the end is the first one behind it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line, for people and editors.

    Attributes:
        line: From 1.
        column: From 1, in characters.
        end_column: The first column behind it; None where it has no end in this line.
    """

    line: int
    column: int
    end_column: int | None


def split_lines(text: str) -> list[str]:
    """The lines as YAML counts them, without their ends."""
    return _LINE_END.split(text)


@dataclass(slots=True)
class LineIndex:
    """A text by its lines."""

    text: str
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def place(self, span: Span) -> Place:
        """Where a stretch is; of one over several lines, its first line's part."""
        row = bisect_right(self._starts, span.start) - 1
        first = self._starts[row]
        end = _LINE_END.search(self.text, span.start, max(span.start, span.end))
        stop = end.start() if end else span.end
        column = span.start - first + 1
        return Place(row + 1, column, max(column + stop - span.start, column + 1))

    def one_line(self, span: Span) -> bool:
        """Whether a stretch ends in the line that it begins in."""
        return _LINE_END.search(self.text, span.start, span.end) is None

    def word(self, span: Span, value: str, word: str, offset: int) -> Span | None:
        """Where a word of a scalar stands.

        Args:
            span: The scalar as written, quotes and all.
            value: The scalar as read.
            word: The word; empty: nothing is looked for.
            offset: Where in the value it begins; less than 0: the first there is.

        Returns:
            None where it cannot be told, such as between escapes.
        """
        written = self.text[span.start : span.end]
        base = written.find(value) if value else -1
        at = base + offset if base >= 0 and offset >= 0 else -1
        if at < 0 or not written.startswith(word, at):
            at = written.find(word)
        if not word or at < 0:
            return None
        return Span(span.start + at, span.start + at + len(word))


def sql_name(sql: str, name: str) -> tuple[str, int]:
    """How a column stands in SQL, and where; ("", -1) where that cannot be told."""
    for part in _SQL_PART.finditer(sql):
        quoted, ticked, bare = part.groups()
        found = quoted.replace('""', '"') if quoted is not None else ticked if ticked is not None else bare
        if found == name:
            return part[0], part.start()
    return "", -1


def sql_trouble(sql: str, message: str) -> tuple[str, int]:
    """What of an SQL text a message complains about, and where; ("", -1) where that cannot be told."""
    about_parts = message.replace(sql, "")  # the whole may hold quotes, between which no part of it stands
    for quoted in re.findall(r"['`]([^'`]+)['`]", about_parts):
        match = re.search(rf"(?<!\w){re.escape(quoted)}(?!\w)", sql, re.IGNORECASE)
        if match and match[0] != sql:
            return match[0], match.start()
    if match := re.search(r"Line: (\d+), Column: (\d+)", message):
        lines = sql.splitlines(keepends=True)
        at = sum(map(len, lines[: int(match[1]) - 1])) + int(match[2]) - 1
        if at < len(sql):
            return sql[at:].splitlines()[0], at
    return "", -1
