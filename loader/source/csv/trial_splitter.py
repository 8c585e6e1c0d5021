"""Split a text into rows by a dialect that is only a candidate, and count what supports and contradicts it.

The text is bytes decoded as Latin-1, so that an index in it is one in the bytes; the dialects here have the
marks in these characters. Splitting does what the strict parser does, but never fails: what makes no sense is
counted, and split as if it were not quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loader.source.csv.line_ends import line_end

if TYPE_CHECKING:
    from loader.records import Dialect

_MOST_BAD: Final = 25  # each may search all of the text, so that the number of them must be bounded


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A line that is not blank, or several that a quoted cell joins.

    Attributes:
        cells: Their text, without the quotes around them; doubled and escaped quotes are left as they are.
        start: The index of its first character.
        stop: The index after its text.
        end: The index after its line end.
        line: The line that it starts on, from 1.
        quoted: The places of the cells that were quoted.
    """

    cells: list[str]
    start: int
    stop: int
    end: int
    line: int
    quoted: tuple[int, ...] = ()

    @property
    def filled(self) -> int:
        """Return how many cells there are up to the last one that is not empty."""
        return next((place for place in range(len(self.cells), 0, -1) if self.cells[place - 1].strip()), 0)

    def fits(self, width: int) -> bool:
        """Return whether it has this many cells, or more of which the last ones are empty."""
        return len(self.cells) == width or (len(self.cells) > width and self.filled <= width)


@dataclass(slots=True)
class TrialSplit:
    """The rows of a text, and how its quotes fit.

    Attributes:
        rows: The rows in order, without blank lines.
        end: The index after the last one.
        well: Quoted cells that end where they must.
        needed: Those of them that contain a delimiter or a quote.
        bad: Cells that start with a quote and are not quoted cells.
        torn: Other cells with an odd number of quotes in them, as where a quoted cell was split in two.
    """

    rows: list[TrialRow] = field(default_factory=list)
    end: int = 0
    well: int = 0
    needed: int = 0
    bad: int = 0
    torn: int = 0


def split_rows(text: str, dialect: Dialect, *, whole: bool, most: int) -> TrialSplit:
    """Split a text into rows.

    Args:
        text: The text; it starts with a row.
        dialect: Its marks, in Latin-1 characters, and what ends a line.
        whole: Whether it ends with a row, too; else the one that reaches its end is left out.
        most: The number of rows to stop at.
    """
    return _TrialSplitter(text, dialect).split(whole=whole, most=most)


class _TrialSplitter:
    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._delimiter = dialect.delimiter
        self._quote = dialect.quote
        self._result = TrialSplit()
        ending = line_end(lone_cr=dialect.lone_cr)
        self._line_end = re.compile(ending)
        self._cell_end = re.compile(f"{re.escape(dialect.delimiter)}|{ending}")
        self._quoted = _quoted_pattern(dialect, ending) if dialect.quote else None

    def split(self, *, whole: bool, most: int) -> TrialSplit:
        result, at, line = self._result, 0, 1
        while at < len(self._text) and len(result.rows) < most and result.bad < _MOST_BAD:
            row = self._row(at, line)
            # The row that reaches the end of a sample may go on behind it, so that it says nothing.
            if row.end == len(self._text) and not whole:
                break
            if row.stop > row.start:
                result.rows.append(row)
            breaks = len(self._line_end.findall(self._text, row.start, row.end)) if row.quoted else 1
            at, line = row.end, line + breaks
            result.end = at
        return result

    def _row(self, at: int, line: int) -> TrialRow:
        match = self._line_end.search(self._text, at)
        stop, end = match.span() if match else (len(self._text), len(self._text))
        if self._quote is None or self._text.find(self._quote, at, stop) < 0:
            return TrialRow(self._text[at:stop].split(self._delimiter), at, stop, end, line)
        return self._row_with_quotes(at, line)

    def _row_with_quotes(self, start: int, line: int) -> TrialRow:
        cells: list[str] = []
        quoted: list[int] = []
        at = start
        while True:
            if match := self._quoted and self._quoted.match(self._text, at):
                quoted.append(len(cells))
                cells.append(match[1])
                self._result.well += 1
                self._result.needed += self._needs_quotes(match[1])
                at = match.end()
            else:
                ending = self._cell_end.search(self._text, at)
                cells.append(self._text[at : ending.start() if ending else len(self._text)])
                self._count_quotes(cells[-1])
            ending = self._cell_end.search(self._text, at)
            if ending is None:
                return TrialRow(cells, start, len(self._text), len(self._text), line, tuple(quoted))
            at = ending.end()
            if ending[0] != self._delimiter:
                return TrialRow(cells, start, ending.start(), at, line, tuple(quoted))

    def _count_quotes(self, cell: str) -> None:
        quote = self._quote or ""
        if cell.startswith(quote):
            self._result.bad += 1
        else:
            # Even ones may be quotes of the text (`the "best" one`); half of a split cell has an odd one.
            self._result.torn += cell.count(quote) % 2

    def _needs_quotes(self, cell: str) -> bool:
        return (self._quote or "") in cell or self._delimiter in cell


def _quoted_pattern(dialect: Dialect, ending: str) -> re.Pattern[str]:
    """Return the pattern of a quoted cell and what must follow it; it matches in linear time."""
    quote = re.escape(dialect.quote or '"')
    escape = re.escape(dialect.escape) if dialect.escape else None
    single = all(len(mark) == 1 for mark in (dialect.quote or "", dialect.escape or "x"))
    # Possessive, because a file of nothing but open quotes would be searched again from each of them.
    plain = f"[^{quote}{escape or ''}]++" if single else f"(?!{quote}{f'|{escape}' if escape else ''})."
    branches = [plain, f"{escape}." if escape else "", quote * 2]
    inside = "|".join(branch for branch in branches if branch)
    following = rf"{re.escape(dialect.delimiter)}|{ending}|\Z"
    return re.compile(f"{quote}((?:{inside})*+){quote}(?={following})", re.DOTALL)
