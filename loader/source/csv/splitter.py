"""One record cut into cells, byte for byte, and whether a quote that spans lines was ever closed.

The rules stand at the top of `exact`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.source.csv.bytes_dialect import LONGEST_RECORD, MOST_CELLS

if TYPE_CHECKING:
    from loader.source.csv.bytes_dialect import BytesDialect


@dataclass(slots=True)
class SplitCells:
    """A record cut into cells.

    Attributes:
        cells: Their bytes, quotes taken off; a cell with text after its closing quote as it stands.
        end: The index after the record's line end.
        stray: The index in `cells` of the first one with text after its closing quote; None for none.
        spanning: The first quoted cell that holds a line end: its index in `cells`, the index of its
            opening quote, and the index after its closing one; None for none.
        loose: Whether a quote stands in an unquoted cell, or text after a closing one.
        loose_behind: Whether one does so behind `spanning`.
    """

    cells: list[bytes]
    end: int
    stray: int | None = None
    spanning: tuple[int, int, int] | None = None
    loose: bool = False
    loose_behind: bool = False


class Unfinished(Exception):  # noqa: N818 - not an error: the data ends before the record does
    """More data is needed to tell where the record ends."""


class Endless(Exception):  # noqa: N818 - not an error of the program: a line that nobody meant as one
    """The line is longer than a record may be, or holds more cells.

    Args:
        seen: An index on that line.
    """

    def __init__(self, seen: int) -> None:
        super().__init__(seen)
        self.seen = seen


class Unclosed(Exception):  # noqa: N818 - not an error of the program: a quote that makes no sense
    """A quote that was probably never closed.

    Args:
        before: The cells before it.
        opened: The index of it.
        why: What shows it, to stand behind "a quote opened in line 7 is".
    """

    def __init__(self, before: list[bytes], opened: int, why: str) -> None:
        super().__init__(why)
        self.before = before
        self.opened = opened
        self.why = why


_ANOTHER_LINE: Final = "not closed before the line of its next quote, which is a record by itself"
_OTHER_LINES: Final = "not closed before lines that are records by themselves"


class Splitter:
    """Cuts single records into cells.

    Args:
        form: How they are written. Where it has columns, their number helps to judge quotes.
    """

    def __init__(self, form: BytesDialect) -> None:
        self._delimiter = form.delimiter
        self._quote = form.quote
        self._escape = form.escape or b""
        self._width = len(form.columns)
        self._lone_cr = form.lone_cr
        line_end = rb"\r\n?|\n" if form.lone_cr else rb"\n|\r\n|\r\Z"
        self._line_end = re.compile(line_end)
        self._cell_end = re.compile(re.escape(form.delimiter) + b"|" + line_end)
        self._inside = _inside_pattern(form)
        regular = _regular_cell_pattern(form)
        self._regular_cell = re.compile(regular, re.DOTALL)
        self._regular_line = re.compile(b"(?:" + regular + b")*+", re.DOTALL)

    def cut(self, data: bytes, at: int, *, final: bool) -> SplitCells:
        """Cuts the record that begins at an index.

        Args:
            data: The text, from anywhere before `at`.
            at: Where the record begins.
            final: Whether no more data will be given.

        Raises:
            Unfinished: More data is needed.
            Unclosed: A quote in it was probably never closed.
            Endless: It is too long, or has too many cells.
        """
        stop, after = self.line(data, at, at, final=final)
        if self._quote is None or data.find(self._quote, at, stop) < 0:
            if stop - at > MOST_CELLS and data.count(self._delimiter, at, stop) >= MOST_CELLS:
                raise Endless(at)
            return SplitCells(data[at:stop].split(self._delimiter), after)
        if cells := self._regular(data[at:stop]):
            return SplitCells(cells, after)
        found = SplitCells([], at)
        try:
            self._add_cells(found, data, at, final=final)
        except Unclosed:
            if not self._closing_line_is_sound(data, found, final=final):
                raise
            raise _first_unclosed(found, _ANOTHER_LINE) from None
        if found.spanning and self._width and (why := self._doubt(data, at, found, final=final)):
            raise _first_unclosed(found, why)
        return found

    def line(self, data: bytes, at: int, begun: int, *, final: bool) -> tuple[int, int]:
        """The index after a line's text and the one after its line end.

        Args:
            data: The text.
            at: An index in the line.
            begun: Where the record begins that the line belongs to.
            final: Whether no more data will be given.

        Raises:
            Unfinished: More data is needed.
            Endless: It ends further from `begun` than a record may be long.
        """
        match = self.line_end(data, at, final=final)
        stop = match.start() if match else len(data)
        if stop - begun > LONGEST_RECORD:
            raise Endless(begun + LONGEST_RECORD)
        if match is None and not final:
            raise Unfinished
        return (stop, match.end()) if match else (stop, stop)

    def line_end(self, data: bytes, at: int, *, final: bool) -> re.Match[bytes] | None:
        """The next line end; None where there is none, or where it may go on behind the data."""
        match = self._line_end.search(data, at)
        return None if match and _may_go_on(match, data, final=final) else match

    def breaks(self, data: bytes, at: int, end: int) -> int:
        """How many line ends stand between two indices."""
        breaks = data.count(b"\n", at, end)
        if self._lone_cr:
            breaks += data.count(b"\r", at, end) - data.count(b"\r\n", at, end)
        return breaks

    def _regular(self, line: bytes) -> list[bytes] | None:
        """The cells of a line all of whose quotes open and close cells, or are inside; None for another."""
        line += self._delimiter
        if self._regular_line.fullmatch(line) is None:  # findall by itself would try every byte of a long one
            return None
        cells: list[bytes] = self._regular_cell.findall(line)
        if len(cells) > MOST_CELLS:
            return None
        quote = self._quote or b""
        size = len(quote)
        if quote + quote in line or (self._escape and self._escape in line):
            return [self._inner(cell[size:-size]) if cell.startswith(quote) else cell for cell in cells]
        return [cell[size:-size] if cell.startswith(quote) else cell for cell in cells]

    def _inner(self, text: bytes) -> bytes:
        """What stands between two quotes, as it is meant."""
        quote, escape = self._quote or b"", self._escape
        if escape and escape in text:
            return self._inside.sub(
                lambda match: match[0][len(escape) :] if match[0].startswith(escape) else quote, text
            )
        return text.replace(quote + quote, quote) if quote in text else text

    def _add_cells(self, found: SplitCells, data: bytes, at: int, *, final: bool) -> None:
        """Adds the cells as the quotes say, whatever they make of the record."""
        begun = at
        while True:
            if self._quote is not None and data.startswith(self._quote, at):
                at = self._add_quoted(found, data, at, begun, final=final)
            else:
                at = self._add_bare(found, data, at, begun, final=final)
            match = self._end_of_cell(found, data, at, begun, final=final)
            found.end = match.end() if match else at
            if match is None or match[0] != self._delimiter:
                return
            if len(found.cells) == MOST_CELLS:
                raise Endless(at)
            at = match.end()

    def _add_bare(self, found: SplitCells, data: bytes, at: int, begun: int, *, final: bool) -> int:
        match = self._end_of_cell(found, data, at, begun, final=final)
        stop = match.start() if match else len(data)
        cell = data[at:stop]
        if self._quote is not None and self._quote in cell:
            found.loose = True
            found.loose_behind |= found.spanning is not None
        found.cells.append(cell)
        return stop

    def _add_quoted(self, found: SplitCells, data: bytes, at: int, begun: int, *, final: bool) -> int:
        """Adds a quoted cell; the index after it, or after the text behind its closing quote."""
        text, closed = self._to_closing_quote(found, data, at, begun, final=final)
        match = self._end_of_cell(found, data, closed, begun, final=final)
        stop = match.start() if match else len(data)
        spans = self._line_end.search(data, at, closed) is not None
        if stop > closed:
            if spans and self._looks_like_an_opening(data, at, closed, begun, final=final):
                raise Unclosed(found.cells, at, "not closed before other text follows")
            text = data[at:stop]
            found.stray = len(found.cells) if found.stray is None else found.stray
            found.loose = True
            found.loose_behind |= found.spanning is not None
        if spans and found.spanning is None:
            found.spanning = (len(found.cells), at, closed)
        found.cells.append(text)
        return stop

    def _to_closing_quote(
        self, found: SplitCells, data: bytes, at: int, begun: int, *, final: bool
    ) -> tuple[bytes, int]:
        """A quoted cell's text, and the index after its closing quote."""
        quote, escape = self._quote or b"", self._escape
        parts: list[bytes] = []
        here = at + len(quote)
        while match := self._inside.search(data, here):
            if match.start() - begun > LONGEST_RECORD:
                break
            if match.end() + len(quote) > len(data) and not final:
                raise Unfinished
            parts.append(data[here : match.start()])
            here = match.end()
            if match[0] == quote:
                return b"".join(parts), here
            parts.append(match[0][len(escape) :] if escape and match[0].startswith(escape) else quote)
        if match is None and len(data) - begun <= LONGEST_RECORD:
            if not final:
                raise Unfinished
            raise Unclosed(found.cells, at, "never closed")
        raise Unclosed(found.cells, at, _too_far())

    def _end_of_cell(
        self, found: SplitCells, data: bytes, at: int, begun: int, *, final: bool
    ) -> re.Match[bytes] | None:
        """The next delimiter or line end; None at the end of the file."""
        match = self._cell_end.search(data, at)
        if (match.start() if match else len(data)) - begun > LONGEST_RECORD:
            if found.spanning is None:
                raise Endless(begun + LONGEST_RECORD)
            raise _first_unclosed(found, _too_far())
        if not final and (match is None or _may_go_on(match, data, final=final)):
            raise Unfinished
        return match

    def _looks_like_an_opening(self, data: bytes, at: int, closed: int, begun: int, *, final: bool) -> bool:
        """Whether a quote with text behind it, some lines below the one it would close, opens a cell itself.

        It does where a cell may begin (with quotes of its own, if need be). Elsewhere it does if most lines
        behind the first are records.
        """
        before = data[at:closed].rstrip(self._quote)
        if not self._width or before.endswith((self._delimiter, b"\n", b"\r")):
            return True
        try:
            _, end = self.line(data, closed, begun, final=final)
        except Endless:
            return True
        alone = self.breaks(data, at, closed) == 1
        return self._mostly_records(data, at, end) and (not alone or self._first_has_enough(data, begun))

    def _doubt(self, data: bytes, at: int, found: SplitCells, *, final: bool) -> str | None:
        """What shows that the first quoted cell that spans lines was never closed; None for nothing."""
        ragged = is_ragged(found.cells, self._width)
        if (ragged or found.loose_behind) and self._closing_line_is_sound(data, found, final=final):
            return _ANOTHER_LINE
        if ragged and self._first_has_enough(data, at) and self._mostly_records(data, at, found.end):
            return _OTHER_LINES
        return None

    def _closing_line_is_sound(self, data: bytes, found: SplitCells, *, final: bool) -> bool:
        """Whether the line on which the spanning cell closes is a record with regular quotes by itself."""
        if not found.spanning or not self._width:
            return False
        _, opened, closed = found.spanning
        last_cr = data.rfind(b"\r", opened, closed) if self._lone_cr else -1
        start = 1 + max(data.rfind(b"\n", opened, closed), last_cr)
        alone = SplitCells([], start)
        try:
            self._add_cells(alone, data, start, final=final)
        except (Unclosed, Endless):
            return False
        return not alone.loose and not is_ragged(alone.cells, self._width)

    def _first_has_enough(self, data: bytes, at: int) -> bool:
        """Whether the line has at least as many cells as there are columns, whatever its quotes say."""
        match = self._line_end.search(data, at)
        return data.count(self._delimiter, at, match.start() if match else len(data)) + 1 >= self._width

    def _mostly_records(self, data: bytes, at: int, end: int) -> bool:
        """Whether more than half of the lines behind the first have as many cells as there are columns."""
        lines = self._line_end.split(data[at:end])[1:]
        if lines and not lines[-1]:
            lines.pop()
        return sum(map(self._is_record, lines)) * 2 > len(lines)

    def _is_record(self, line: bytes) -> bool:
        """Whether a line has as many cells as there are columns, whatever its quotes say."""
        return not is_ragged(line.split(self._delimiter), self._width)


def _too_far() -> str:
    return f"not closed within {LONGEST_RECORD // 2**20} MiB"


def _first_unclosed(found: SplitCells, why: str) -> Unclosed:
    place, opened, _ = found.spanning or (0, 0, 0)
    return Unclosed(found.cells[:place], opened, why)


def is_ragged(cells: list[bytes] | list[str], width: int) -> bool:
    """Whether a record has too few cells, or too many that are not all empty."""
    return len(cells) < width or any(cells[width:])


def _may_go_on(match: re.Match[bytes], data: bytes, *, final: bool) -> bool:
    """Whether a CR at the end of the data may yet be half of a CRLF."""
    return not final and match.end() == len(data) and match[0] == b"\r"


def _inside_pattern(form: BytesDialect) -> re.Pattern[bytes]:
    quote = re.escape(form.quote or b'"')
    branches = [quote + quote, quote]
    if form.escape is not None:
        mark = re.escape(form.escape)
        branches = [mark + quote, mark + mark, *branches]
    return re.compile(b"|".join(branches))


def _regular_cell_pattern(form: BytesDialect) -> bytes:
    """One cell whose quotes are regular, and the delimiter behind it; every step of it is taken once only."""
    quote, delimiter = re.escape(form.quote or b'"'), re.escape(form.delimiter)
    escape = re.escape(form.escape) if form.escape else None
    inside = [b"(?!" + quote + b").", quote + quote]
    if escape:
        inside = [escape + b"(?:" + quote + b"|" + escape + b")", *inside]
    quoted = quote + b"(?:" + b"|".join(inside) + b")*+" + quote
    bare = b"(?:(?!" + delimiter + b"|" + quote + b").)*+"
    if len(form.quote or b'"') == len(form.delimiter) == 1 and not escape:
        quoted = quote + b"(?:[^" + quote + b"]++|" + quote + quote + b")*+" + quote
        bare = b"[^" + quote + delimiter + b"]*+"
    return b"(" + quoted + b"|" + bare + b")" + delimiter
