"""Places in a YAML text: paths to entries, lines and columns, and words inside of keys and values."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from loader.findings import Location

YamlPath: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root."""

Part = Literal["key", "value"]
"""Which half of an entry is meant."""

_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that YAML knows


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text, in characters from its beginning; the end is the first one behind it."""

    start: int
    end: int


def split_lines(text: str) -> list[str]:
    """Return the lines as YAML counts them, without their ends."""
    return _LINE_END.split(text)


@dataclass(slots=True)
class LineIndex:
    """A text by its lines."""

    text: str
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def locate(self, span: Span) -> Location:
        """Return line and columns of a stretch; of one over several lines, those of its first line's part."""
        row = bisect_right(self._starts, span.start) - 1
        first = self._starts[row]
        line_end = _LINE_END.search(self.text, span.start, max(span.start, span.end))
        stop = line_end.start() if line_end else span.end
        column = span.start - first + 1
        # An empty stretch, such as a value that is not there, is underlined with one sign.
        return Location(line=row + 1, column=column, end_column=max(column + stop - span.start, column + 1))

    def is_one_line(self, span: Span) -> bool:
        """Return whether a stretch ends in the line that it begins in."""
        return _LINE_END.search(self.text, span.start, span.end) is None

    def part_of_scalar(self, scalar: Span, value: str, part: Span) -> Span | None:
        """Return where a part of a scalar's value is in the text.

        Args:
            scalar: The scalar as it is written, quotes and all.
            value: The scalar as it was read.
            part: A stretch of the value.

        Returns:
            None where it cannot be found, such as between escapes.
        """
        word = value[part.start : part.end]
        written = self.text[scalar.start : scalar.end]
        base = written.find(value) if value else -1
        start = base + part.start if base >= 0 else -1
        if start < 0 or not written.startswith(word, start):
            # Folded lines and doubled quotes shift what follows them: take the first such word there is.
            start = written.find(word)
        if not word or start < 0:
            return None
        return Span(scalar.start + start, scalar.start + start + len(word))
