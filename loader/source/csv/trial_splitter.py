"""Text cut into rows by marks that are only supposed, with what speaks for and against them.

The text is bytes decoded as Latin-1, so that an index in it is one in the bytes. Cutting is what the exact
path does, but never fails: what makes no sense is counted, and cut as if it were not quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_MOST_BAD: Final = 25  # each may look through all of the text, so the work stays bounded


@dataclass(frozen=True, slots=True)
class Marks:
    """What may cut a text, each written in Latin-1 characters.

    Attributes:
        delimiter: What stands between two cells.
        quote: What encloses a cell; None where nothing does.
        escape: What escapes a quote in it; None where quotes are doubled.
        lone_cr: Whether a CR alone ends a line.
    """

    delimiter: str
    quote: str | None
    escape: str | None
    lone_cr: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line that is not blank, or several that a quoted cell holds together.

    Attributes:
        cells: Their text, without the quotes around them; doubled and escaped quotes are left as they are.
        start: The index of its first character.
        stop: The index after its text.
        end: The index after its line end.
        line: The line that it begins on, from 1.
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
        """How many cells there are up to the last one that is not empty."""
        return next((place for place in range(len(self.cells), 0, -1) if self.cells[place - 1].strip()), 0)

    def fits(self, width: int) -> bool:
        """Whether it has so many cells, or more of which the last ones are empty."""
        return len(self.cells) == width or (len(self.cells) > width and self.filled <= width)


@dataclass(slots=True)
class TrialSplit:
    """The rows of a text.

    Attributes:
        rows: In order; blank lines left out.
        end: The index after the last one.
        well: Quoted cells that end where they must.
        needed: Those of them that hold a delimiter or a quote.
        bad: Cells that begin with a quote and are not quoted cells.
        torn: Other cells with an odd number of quotes in them, as where a quoted cell was cut in two.
    """

    rows: list[Row] = field(default_factory=list)
    end: int = 0
    well: int = 0
    needed: int = 0
    bad: int = 0
    torn: int = 0


def line_end(marks: Marks) -> str:
    """The pattern of a line end."""
    return r"\r\n?|\n" if marks.lone_cr else r"\r?\n|\r\Z"


def cut(text: str, marks: Marks, *, whole: bool, most: int) -> TrialSplit:
    """Cuts a text into rows.

    Args:
        text: It begins with a row.
        marks: By what.
        whole: Whether it ends with one too; else what touches its end is left out.
        most: So many rows at most.
    """
    return _Cutter(text, marks).cut(whole=whole, most=most)


class _Cutter:
    def __init__(self, text: str, marks: Marks) -> None:
        self._text = text
        self._marks = marks
        self._done = TrialSplit()
        ending = line_end(marks)
        self._line_end = re.compile(ending)
        self._cell_end = re.compile(f"{re.escape(marks.delimiter)}|{ending}")
        self._quoted = _quoted_pattern(marks, ending) if marks.quote else None

    def cut(self, *, whole: bool, most: int) -> TrialSplit:
        done, at, line = self._done, 0, 1
        while at < len(self._text) and len(done.rows) < most and done.bad < _MOST_BAD:
            row = self._row(at, line)
            if row.end == len(self._text) and not whole:
                break
            if row.stop > row.start:
                done.rows.append(row)
            breaks = len(self._line_end.findall(self._text, row.start, row.end)) if row.quoted else 1
            at, line = row.end, line + breaks
            done.end = at
        return done

    def _row(self, at: int, line: int) -> Row:
        match = self._line_end.search(self._text, at)
        stop, end = match.span() if match else (len(self._text), len(self._text))
        quote = self._marks.quote
        if quote is None or self._text.find(quote, at, stop) < 0:
            return Row(self._text[at:stop].split(self._marks.delimiter), at, stop, end, line)
        return self._row_with_quotes(at, line)

    def _row_with_quotes(self, start: int, line: int) -> Row:
        cells: list[str] = []
        quoted: list[int] = []
        at = start
        while True:
            if match := self._quoted and self._quoted.match(self._text, at):
                quoted.append(len(cells))
                cells.append(match[1])
                self._done.well += 1
                self._done.needed += self._needs_quotes(match[1])
                at = match.end()
            else:
                ending = self._cell_end.search(self._text, at)
                cells.append(self._text[at : ending.start() if ending else len(self._text)])
                self._count_quotes(cells[-1])
            ending = self._cell_end.search(self._text, at)
            if ending is None:
                return Row(cells, start, len(self._text), len(self._text), line, tuple(quoted))
            at = ending.end()
            if ending[0] != self._marks.delimiter:
                return Row(cells, start, ending.start(), at, line, tuple(quoted))

    def _count_quotes(self, cell: str) -> None:
        quote = self._marks.quote or ""
        if cell.startswith(quote):
            self._done.bad += 1
        else:
            self._done.torn += cell.count(quote) % 2

    def _needs_quotes(self, cell: str) -> bool:
        return (self._marks.quote or "") in cell or self._marks.delimiter in cell


def _quoted_pattern(marks: Marks, ending: str) -> re.Pattern[str]:
    """A quoted cell with what must follow it looked at; without backtracking, so in linear time."""
    quote = re.escape(marks.quote or '"')
    escape = re.escape(marks.escape) if marks.escape else None
    single = all(len(mark) == 1 for mark in (marks.quote or "", marks.escape or "x"))
    plain = f"[^{quote}{escape or ''}]++" if single else f"(?!{quote}{f'|{escape}' if escape else ''})."
    branches = [plain, f"{escape}." if escape else "", quote * 2]
    inside = "|".join(branch for branch in branches if branch)
    following = rf"{re.escape(marks.delimiter)}|{ending}|\Z"
    return re.compile(f"{quote}((?:{inside})*+){quote}(?={following})", re.DOTALL)
