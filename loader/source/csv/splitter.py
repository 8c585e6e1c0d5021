"""Split one record into cells, byte for byte, and decide whether a quote that spans lines was ever closed.

The rules, and their numbers, are at the top of `strict_parser`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.source.bytes import LONGEST_RECORD
from loader.source.csv.layout import MOST_CELLS
from loader.source.csv.line_ends import line_end

if TYPE_CHECKING:
    from loader.source.csv.layout import CsvLayout


@dataclass(slots=True)
class SplitCells:
    """A record, split into cells.

    Attributes:
        cells: Their bytes, without the quotes; a cell with text after its closing quote as it is in the file.
        end: The index after the record's line end.
        stray: The index in `cells` of the first one with text after its closing quote; None for none.
        spanning: The first quoted cell with a line end in it: its index in `cells`, the index of its opening
            quote, and the index after its closing one; None for none.
        loose: Whether there is a quote in an unquoted cell, or text after a closing quote.
        loose_behind: Whether there is one behind `spanning`.
    """

    cells: list[bytes]
    end: int
    stray: int | None = None
    spanning: tuple[int, int, int] | None = None
    loose: bool = False
    loose_behind: bool = False


class Unfinished(Exception):  # noqa: N818 - not an error: the data ends before the record does
    """More data is needed to know where the record ends."""


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
        opened: The index of the quote.
        evidence: What shows it: one of the constants below; None where no other quote follows.
    """

    def __init__(self, before: list[bytes], opened: int, evidence: str | None) -> None:
        super().__init__(evidence)
        self.before = before
        self.opened = opened
        self.evidence = evidence


# The rules that show it.
TOO_FAR: Final = "too_far"  # 5a
_TEXT_FOLLOWS: Final = "text_follows"  # 5b
_NEXT_QUOTE: Final = "next_quote"  # 5c
_RECORDS_FOLLOW: Final = "records_follow"  # 5d


class Splitter:
    """Split single records into cells.

    Args:
        layout: How they are written. Where it has columns, their number helps to decide about quotes.
    """

    def __init__(self, layout: CsvLayout) -> None:
        self._delimiter = layout.delimiter
        self._quote = layout.quote
        self._escape = layout.escape or b""
        self._width = len(layout.columns)
        self._lone_cr = layout.lone_cr
        ending = line_end(lone_cr=layout.lone_cr).encode()
        self._line_end = re.compile(ending)
        self._cell_end = re.compile(re.escape(layout.delimiter) + b"|" + ending)
        self._inside = _inside_pattern(layout)
        regular = _regular_cell_pattern(layout)
        self._regular_cell = re.compile(regular, re.DOTALL)
        self._regular_line = re.compile(b"(?:" + regular + b")*+", re.DOTALL)

    def split(self, data: bytes, at: int, *, final: bool) -> SplitCells:
        """Split the record that starts at an index.

        Args:
            data: The text, from anywhere before `at`.
            at: Where the record starts.
            final: Whether no more data will come.

        Raises:
            Unfinished: More data is needed.
            Unclosed: A quote in it was probably never closed.
            Endless: It is too long, or has too many cells.
        """
        stop, after = self.line(data, at, at, final=final)
        # Most records have no quote, or regular ones in one line: both go without a walk from cell to cell.
        if self._quote is None or data.find(self._quote, at, stop) < 0:
            # Counted first: millions of cells would fill the memory before they can be refused.
            if stop - at > MOST_CELLS and data.count(self._delimiter, at, stop) >= MOST_CELLS:
                raise Endless(at)
            return SplitCells(data[at:stop].split(self._delimiter), after)
        if cells := self._regular(data[at:stop]):
            return SplitCells(cells, after)
        record = SplitCells([], at)
        try:
            self._add_cells(record, data, at, final=final)
        except Unclosed:
            # Rule 5c. If the line on which an earlier cell closes is a sound record by itself, that cell is
            # the one that was never closed: its quote turned the quotes of this line inside out.
            if not self._closing_line_is_sound(data, record, final=final):
                raise
            raise _first_unclosed(record, _NEXT_QUOTE) from None
        # Without columns (the header itself is split so) no number of cells can speak against a quote.
        if record.spanning and self._width:
            evidence = self._evidence_of_open_quote(data, at, record, final=final)
            if evidence:
                raise _first_unclosed(record, evidence)
        return record

    def line(self, data: bytes, at: int, start: int, *, final: bool) -> tuple[int, int]:
        """Return the index after a line's text, and the one after its line end.

        Args:
            data: The text.
            at: An index in the line.
            start: Where the record of the line starts.
            final: Whether no more data will come.

        Raises:
            Unfinished: More data is needed.
            Endless: It ends further from `start` than a record may be long.
        """
        match = self.line_end(data, at, final=final)
        stop = match.start() if match else len(data)
        if stop - start > LONGEST_RECORD:
            raise Endless(start + LONGEST_RECORD)
        if match is None and not final:
            raise Unfinished
        return (stop, match.end()) if match else (stop, stop)

    def line_end(self, data: bytes, at: int, *, final: bool) -> re.Match[bytes] | None:
        """Return the next line end; None where there is none, or where it may go on behind the data."""
        match = self._line_end.search(data, at)
        return None if match and _may_go_on(match, data, final=final) else match

    def breaks(self, data: bytes, at: int, end: int) -> int:
        """Return how many line ends there are between two indices."""
        breaks = data.count(b"\n", at, end)
        if self._lone_cr:
            # The LF of each CRLF is counted already.
            breaks += data.count(b"\r", at, end) - data.count(b"\r\n", at, end)
        return breaks

    def _regular(self, line: bytes) -> list[bytes] | None:
        """Return the cells of a line if all its quotes open or close cells or are doubled; else None.

        None only means that the line is walked from cell to cell, which finds what is wrong with it.
        """
        line += self._delimiter
        # findall by itself would not stop at the first fault: it would try each byte of a long line anew.
        if self._regular_line.fullmatch(line) is None:
            return None
        cells: list[bytes] = self._regular_cell.findall(line)
        # The walk counts cells as it goes, and raises Endless.
        if len(cells) > MOST_CELLS:
            return None
        quote = self._quote or b""
        size = len(quote)
        if quote + quote in line or (self._escape and self._escape in line):
            return [self._inner(cell[size:-size]) if cell.startswith(quote) else cell for cell in cells]
        return [cell[size:-size] if cell.startswith(quote) else cell for cell in cells]

    def _inner(self, text: bytes) -> bytes:
        """Return the text between two quotes, with single quotes for doubled and escaped ones."""
        quote, escape = self._quote or b"", self._escape
        if escape and escape in text:
            return self._inside.sub(
                lambda match: match[0][len(escape) :] if match[0].startswith(escape) else quote, text
            )
        return text.replace(quote + quote, quote) if quote in text else text

    def _add_cells(self, record: SplitCells, data: bytes, at: int, *, final: bool) -> None:
        """Add the cells that the quotes give (rules 1 to 3), however unlikely the record is."""
        start = at
        while True:
            if self._quote is not None and data.startswith(self._quote, at):
                at = self._add_quoted(record, data, at, start, final=final)
            else:
                at = self._add_bare(record, data, at, start, final=final)
            match = self._end_of_cell(record, data, at, start, final=final)
            record.end = match.end() if match else at
            if match is None or match[0] != self._delimiter:
                return
            if len(record.cells) == MOST_CELLS:
                raise Endless(at)
            at = match.end()

    def _add_bare(self, record: SplitCells, data: bytes, at: int, start: int, *, final: bool) -> int:
        """Add an unquoted cell (rule 3), and return the index after it."""
        match = self._end_of_cell(record, data, at, start, final=final)
        stop = match.start() if match else len(data)
        cell = data[at:stop]
        if self._quote is not None and self._quote in cell:
            record.loose = True
            record.loose_behind |= record.spanning is not None
        record.cells.append(cell)
        return stop

    def _add_quoted(self, record: SplitCells, data: bytes, at: int, start: int, *, final: bool) -> int:
        """Add a quoted cell, and return the index after it, or after text behind its quote (rule 2)."""
        text, closed = self._to_closing_quote(record, data, at, start, final=final)
        match = self._end_of_cell(record, data, closed, start, final=final)
        stop = match.start() if match else len(data)
        spans = self._line_end.search(data, at, closed) is not None
        if stop > closed:
            # Within one line such text is a fault of this cell only: rule 5 is about quotes that span lines.
            if spans and self._looks_like_an_opening(data, at, closed, start, final=final):
                raise Unclosed(record.cells, at, _TEXT_FOLLOWS)
            # The cell is kept as it is in the file: nobody knows which of its quotes is the wrong one.
            text = data[at:stop]
            record.stray = len(record.cells) if record.stray is None else record.stray
            record.loose = True
            record.loose_behind |= record.spanning is not None
        if spans and record.spanning is None:
            record.spanning = (len(record.cells), at, closed)
        record.cells.append(text)
        return stop

    def _to_closing_quote(
        self, record: SplitCells, data: bytes, at: int, start: int, *, final: bool
    ) -> tuple[bytes, int]:
        """Return a quoted cell's text (rule 1), and the index after its closing quote; rule 5a."""
        quote, escape = self._quote or b"", self._escape
        parts: list[bytes] = []
        here = at + len(quote)
        while match := self._inside.search(data, here):
            if match.start() - start > LONGEST_RECORD:
                break
            # A quote at the end of the data may be the first half of a doubled one.
            if match.end() + len(quote) > len(data) and not final:
                raise Unfinished
            parts.append(data[here : match.start()])
            here = match.end()
            if match[0] == quote:
                return b"".join(parts), here
            parts.append(match[0][len(escape) :] if escape and match[0].startswith(escape) else quote)
        if match is None and len(data) - start <= LONGEST_RECORD:
            if not final:
                raise Unfinished
            raise Unclosed(record.cells, at, None)
        raise Unclosed(record.cells, at, TOO_FAR)

    def _end_of_cell(
        self, record: SplitCells, data: bytes, at: int, start: int, *, final: bool
    ) -> re.Match[bytes] | None:
        """Return the next delimiter or line end; None at the end of the file."""
        match = self._cell_end.search(data, at)
        if (match.start() if match else len(data)) - start > LONGEST_RECORD:
            # Without a quoted line break the line itself is that long; with one, an open quote made it so.
            if record.spanning is None:
                raise Endless(start + LONGEST_RECORD)
            raise _first_unclosed(record, TOO_FAR)
        if not final and (match is None or _may_go_on(match, data, final=final)):
            raise Unfinished
        return match

    def _looks_like_an_opening(self, data: bytes, at: int, closed: int, start: int, *, final: bool) -> bool:
        """Return whether a quote that would close a cell some lines further up opens a cell itself.

        Rule 5b. Text follows that quote, so it is wrong as a closing one. It opens a cell where a cell may
        start, quotes of its own aside. Elsewhere it is text of another record if most lines behind the first
        are records.
        """
        before = data[at:closed].rstrip(self._quote)
        if not self._width or before.endswith((self._delimiter, b"\n", b"\r")):
            return True
        try:
            _, end = self.line(data, closed, start, final=final)
        except Endless:
            # With this line the record is longer than any may be: the quote does not close it.
            return True
        # One line is little evidence: the first one must be a record by itself, too.
        alone = self.breaks(data, at, closed) == 1
        return self._mostly_records(data, at, end) and (not alone or self._first_has_enough(data, start))

    def _evidence_of_open_quote(self, data: bytes, at: int, record: SplitCells, *, final: bool) -> str | None:
        """Return what shows that the first cell that spans lines was never closed; None for nothing."""
        # Rule 6. A record with regular quotes and the right number of cells is what somebody meant.
        ragged = is_ragged(record.cells, self._width)
        if (ragged or record.loose_behind) and self._closing_line_is_sound(data, record, final=final):
            return _NEXT_QUOTE
        if ragged and self._first_has_enough(data, at) and self._mostly_records(data, at, record.end):
            return _RECORDS_FOLLOW
        return None

    def _closing_line_is_sound(self, data: bytes, record: SplitCells, *, final: bool) -> bool:
        """Return whether the line on which the spanning cell closes is a sound record by itself: rule 5c."""
        if not record.spanning or not self._width:
            return False
        _, opened, closed = record.spanning
        last_cr = data.rfind(b"\r", opened, closed) if self._lone_cr else -1
        start = 1 + max(data.rfind(b"\n", opened, closed), last_cr)
        alone = SplitCells([], start)
        try:
            self._add_cells(alone, data, start, final=final)
        except (Unclosed, Endless):
            return False
        return not alone.loose and not is_ragged(alone.cells, self._width)

    def _first_has_enough(self, data: bytes, at: int) -> bool:
        """Return whether the line has at least as many cells as there are columns, quotes aside."""
        match = self._line_end.search(data, at)
        return data.count(self._delimiter, at, match.start() if match else len(data)) + 1 >= self._width

    def _mostly_records(self, data: bytes, at: int, end: int) -> bool:
        """Return whether more than half of the lines behind the first have a cell for each column.

        Not all of them: a line of a damaged file may be damaged in another way, too.
        """
        lines = self._line_end.split(data[at:end])[1:]
        if lines and not lines[-1]:
            lines.pop()
        return sum(map(self._is_record, lines)) * 2 > len(lines)

    def _is_record(self, line: bytes) -> bool:
        """Return whether a line has as many cells as there are columns, quotes aside."""
        return not is_ragged(line.split(self._delimiter), self._width)


def _first_unclosed(record: SplitCells, evidence: str) -> Unclosed:
    place, opened, _ = record.spanning or (0, 0, 0)
    return Unclosed(record.cells[:place], opened, evidence)


def is_ragged(cells: list[bytes] | list[str], width: int) -> bool:
    """Return whether a record has too few cells, or surplus ones that are not all empty."""
    return len(cells) < width or any(cells[width:])


def _may_go_on(match: re.Match[bytes], data: bytes, *, final: bool) -> bool:
    """Return whether a CR at the end of the data may be half of a CRLF."""
    return not final and match.end() == len(data) and match[0] == b"\r"


def _inside_pattern(layout: CsvLayout) -> re.Pattern[bytes]:
    """Return the pattern of what is not plain text inside of a quoted cell."""
    quote = re.escape(layout.quote or b'"')
    branches = [quote + quote, quote]
    if layout.escape is not None:
        mark = re.escape(layout.escape)
        # Escapes first: of the quote in `\\"` they decide what it is.
        branches = [mark + quote, mark + mark, *branches]
    return re.compile(b"|".join(branches))


def _regular_cell_pattern(layout: CsvLayout) -> bytes:
    """Return the pattern of a cell with regular quotes, and the delimiter behind it."""
    quote, delimiter = re.escape(layout.quote or b'"'), re.escape(layout.delimiter)
    escape = re.escape(layout.escape) if layout.escape else None
    # Every repetition is possessive: a damaged line must not make the search try the same bytes again.
    inside = [b"(?!" + quote + b").", quote + quote]
    if escape:
        inside = [escape + b"(?:" + quote + b"|" + escape + b")", *inside]
    quoted = quote + b"(?:" + b"|".join(inside) + b")*+" + quote
    bare = b"(?:(?!" + delimiter + b"|" + quote + b").)*+"
    # Runs of bytes at once, where each mark is one byte: many times as fast as byte by byte.
    if len(layout.quote or b'"') == len(layout.delimiter) == 1 and not escape:
        quoted = quote + b"(?:[^" + quote + b"]++|" + quote + quote + b")*+" + quote
        bare = b"[^" + quote + delimiter + b"]*+"
    return b"(" + quoted + b"|" + bare + b")" + delimiter
