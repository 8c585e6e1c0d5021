"""Which delimiter, quote and escape a text is written with, from its first rows.

Each candidate cuts the rows; the one by which most of them belong to one table is taken. Marks that also
stand in ordinary text must make all rows fit.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from loader.records import REJECT_COLUMNS
from loader.source.csv.header import find_table
from loader.source.csv.trial_splitter import Marks, TrialSplit, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loader.source.csv.header import HeaderLines, Table
    from loader.source.csv.trial_splitter import Row

_STRONG: Final = (";", "\t", "|", ",")  # where all else is equal: a comma is also a decimal sign
_CONTROLS: Final = ("\x1f", "\x1e", "\x1d", "\x1c", "\x01", "\x02")
_WEAK: Final = ("~", "^", ":", " ")
_LONG: Final = (
    *("||", "::", "~~", "^^", "@@", "##", "$$", "&&", "|||", ":::"),
    *("~|~", "|;|", "|~|", "^|^", "|^|", "|,|", "#|#", "@|@", "<|>", "|:|", "~^~"),
)
_SIGNS: Final = frozenset("|~^;:,\t#@$&<>!*§¦")  # what long delimiters are made of
_LONGEST: Final = 5
_ROWS: Final = 120
_HALF: Final = 0.5
_NEARLY_ALL: Final = 0.95
_FEW_NAMES: Final = 2  # a title may have a comma, or two
_NAME: Final = re.compile(r"[^\W\d_](?:[\w .?/()-]{0,38}[\w?)])?")
_BROKEN: Final = 9  # fewer quotes that make no sense are faults of their records, which must show
_REJECTS: Final = re.compile(  # the header of a rejects file says it all
    rf"(['\"]?){REJECT_COLUMNS[0]}\1(?P<mark>[^\w\r\n'\"][^\r\n]{{0,7}}?)\1"
    + r"\1(?P=mark)\1".join(REJECT_COLUMNS[1:])
    + r"\1"
)
_DECIMAL: Final = re.compile(r"(?<=\d),(?=\d)")


@dataclass(frozen=True, slots=True)
class DialectHints:
    """What was said of the marks, in Latin-1 characters; None: nothing.

    Attributes:
        delimiter: The delimiter.
        quotes: The quote that was said, None for none, or all that may be it, the most usual one first.
        escapes: The escape, likewise.
        header: What was said of the header.
        fixed: Whether the header, or the first record, is the first row in any case.
    """

    delimiter: str | None
    quotes: tuple[str | None, ...]
    escapes: tuple[str | None, ...]
    header: HeaderLines
    fixed: bool


@dataclass(frozen=True, slots=True)
class SniffedLayout:
    """Rows as some marks cut them, and the table that they make."""

    marks: Marks
    done: TrialSplit
    table: Table | None

    @property
    def share(self) -> float:
        """Which part of the rows belongs to the table, 0 to 1; 0 where that has one column."""
        return self.table.share if self.table and self.table.width > 1 else 0.0

    @property
    def is_torn(self) -> bool:
        """Whether the delimiter seems to stand inside quoted cells, between which something else does."""
        return self.done.torn > max(1, len(self.done.rows) // 4)

    @property
    def rank(self) -> tuple[float, bool, int]:
        """By what it is better than others."""
        if self.table is None:
            return (0.0, False, 0)
        return (round(self.share, 2), not self.table.top, self.table.width)


def guess(text: str, said: DialectHints, *, lone_cr: bool, whole: bool) -> SniffedLayout:
    """Finds the marks that were not said.

    Args:
        text: The first rows.
        said: What was said.
        lone_cr: Whether a CR alone seems to end lines.
        whole: Whether the text ends with a row.
    """
    maker = _Guess(text, _with_names_seen(text, said), whole=whole)
    found = maker.best(lone_cr=lone_cr)
    if "\n" not in text or not re.search(r"\r(?!\n)", text):
        return found
    other = maker.best(lone_cr=not lone_cr)
    return other if _ends_lines_better(other, found) else found


def _with_names_seen(text: str, said: DialectHints) -> DialectHints:
    """Takes a first line of nothing but names for what it looks like, however the rows below it are torn.

    Where most rows are damaged, another mark may cut them more evenly, and the names pass for a title.
    """
    if said.fixed:
        return said
    line = re.match(r"[^\r\n]*", text)
    first = line[0] if line else ""
    marks = [said.delimiter] if said.delimiter else [mark for mark in _STRONG if mark in first]
    if len(marks) != 1:
        return said
    names = first.split(marks[0])
    if len(names) <= _FEW_NAMES or len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        return said
    return replace(said, delimiter=marks[0], fixed=True)


def _ends_lines_better(other: SniffedLayout, found: SniffedLayout) -> bool:
    """Whether records end where they are cut only if a CR alone ends lines, or only if it does not."""
    clean, was_clean = _is_clean(other), _is_clean(found)
    if not other.marks.lone_cr:
        return clean and not was_clean
    more = len(other.done.rows) > len(found.done.rows)
    return other.share > 0 and (clean, round(other.share, 2), more) > (
        was_clean,
        round(found.share, 2),
        False,
    )


class _Guess:
    def __init__(self, text: str, said: DialectHints, *, whole: bool) -> None:
        self._text = text
        self._rejects = _REJECTS.search(text)
        if self._rejects and self._rejects[1] in said.quotes:
            said = replace(said, quotes=(self._rejects[1],))
        self._said = said
        self._whole = whole

    def laid_out(self, marks: Marks) -> SniffedLayout:
        done = cut(self._text, marks, whole=self._whole, most=_ROWS)
        table = find_table(done.rows, marks.delimiter, self._said.header, fixed=self._said.fixed)
        return SniffedLayout(marks, done, table)

    def best(self, *, lone_cr: bool) -> SniffedLayout:
        found = self._delimited(lone_cr=lone_cr)
        spaced = f"{found.marks.delimiter} "
        if self._said.delimiter is not None or f'{spaced}"' not in self._text:
            return found
        other = self._with_quote(spaced, lone_cr=lone_cr)
        better = other.share >= found.share > 0 and other.done.well > found.done.well and not other.done.bad
        named = other.table and found.table and other.table.lines >= found.table.lines
        return other if better and named else found

    # --- delimiter ---------------------------------------------------------------------------------------

    def _delimited(self, *, lone_cr: bool) -> SniffedLayout:
        if self._said.delimiter is not None:
            return self._with_quote(self._said.delimiter, lone_cr=lone_cr)
        if self._rejects:
            return self._with_quote(self._rejects["mark"], lone_cr=lone_cr)
        tried = [self._with_quote(mark, lone_cr=lone_cr) for mark in self._present((*_STRONG, *_CONTROLS))]
        good = [each for each in tried if each.share > _HALF and not each.is_torn]
        weak = [self._with_quote(mark, lone_cr=lone_cr) for mark in self._present(_WEAK)]
        fair = [each for each in weak if _is_beyond_doubt(each)]
        long = [self._with_quote(mark, lone_cr=lone_cr) for mark in self._long_ones([*good, *fair])]
        if any(map(_is_clean, (*good, *fair, *long))):
            good, fair, long = (list(filter(_is_clean, each)) for each in (good, fair, long))
        if taken := _taken_whole([each for each in long if each.share >= _NEARLY_ALL], good):
            return taken
        least = max((each.share for each in (*good, *fair)), default=_HALF)
        good = _without_decimals(good) + [each for each in long if each.share > least and not each.is_torn]
        torn = [each for each in tried if each.share > _HALF]
        if better := good or fair or torn or [each for each in tried if each.share]:
            return max(better, key=lambda each: each.rank)
        return self._with_quote(_for_one_column(self._text), lone_cr=lone_cr)

    def _present(self, marks: Sequence[str]) -> list[str]:
        taken = {mark for mark in (*self._said.quotes, *self._said.escapes) if mark and self._is_said(mark)}
        return [mark for mark in marks if mark in self._text and mark not in taken]

    def _is_said(self, mark: str) -> bool:
        return self._said.quotes == (mark,) or self._said.escapes == (mark,)

    def _long_ones(self, good: Sequence[SniffedLayout]) -> list[str]:
        """Delimiters of several characters that may be it."""
        derived = [mark for each in good for mark in _grown(_bare_text(each))]
        return self._present(list(dict.fromkeys([*derived, *_LONG])))

    # --- quote and escape --------------------------------------------------------------------------------

    def _with_quote(self, delimiter: str, *, lone_cr: bool) -> SniffedLayout:
        quotes = self._said.quotes
        usual = self._with_escape(delimiter, quotes[0], lone_cr=lone_cr)
        if "'" in quotes[1:] and self._begins_cells("'", delimiter):
            other = self._with_escape(delimiter, "'", lone_cr=lone_cr)
            if (_is_quoted(other) or other.share > usual.share) and _beats(other, usual):
                return other
        broken = 0 if self._rejects else _BROKEN
        if None in quotes[1:] and usual.done.bad > broken and not usual.done.well:
            bare = self.laid_out(Marks(delimiter, None, None, lone_cr))
            return bare if bare.share >= usual.share else usual
        return usual

    def _begins_cells(self, mark: str, delimiter: str) -> bool:
        return self._text.startswith(mark) or any(
            before + mark in self._text for before in ("\n", "\r", delimiter)
        )

    def _with_escape(self, delimiter: str, quote: str | None, *, lone_cr: bool) -> SniffedLayout:
        escapes = self._said.escapes
        found = self.laid_out(Marks(delimiter, quote, escapes[0] if quote else None, lone_cr))
        for escape in escapes[1:]:
            if not quote or not escape or escape == delimiter:
                continue
            if self._rejects and _are_all_escaped(found, escape):
                return self.laid_out(replace(found.marks, escape=escape))
            if escape + quote in self._text:
                other = self.laid_out(replace(found.marks, escape=escape))
                if (-other.done.bad, other.share) > (-found.done.bad, found.share):
                    found = other
        return found


def _are_all_escaped(layout: SniffedLayout, escape: str) -> bool:
    """Whether quoted cells hold escapes only where they escape, and no doubled quote."""
    mark, quote = re.escape(escape), layout.marks.quote or ""
    sound = re.compile(rf"(?:[^{mark}]|{mark}{mark}|{mark}{re.escape(quote)})*+")
    cells = [row.cells[place] for row in layout.done.rows for place in row.quoted]
    return any(escape in cell for cell in cells) and all(
        quote * 2 not in cell and sound.fullmatch(cell) for cell in cells
    )


def _taken_whole(long: Sequence[SniffedLayout], good: Sequence[SniffedLayout]) -> SniffedLayout | None:
    """The longest delimiter whose characters stand nowhere but in it, if nothing else delimits as much."""
    whole = [each for each in long if _stands_whole(each)]
    if not whole:
        return None
    best = max(whole, key=lambda each: len(each.marks.delimiter))
    others = [each.rank for each in good if each.marks.delimiter not in best.marks.delimiter]
    return best if best.rank > max(others, default=(0.0, False, 0)) else None


def _is_clean(layout: SniffedLayout) -> bool:
    """Whether there are quoted cells, and no quote stands where it should not."""
    done = layout.done
    return layout.share >= _NEARLY_ALL and done.well > 0 and not done.bad and not done.torn


def _is_beyond_doubt(layout: SniffedLayout) -> bool:
    """Whether marks that stand in ordinary text, too, make one table of all rows."""
    table, rows = layout.table, layout.done.rows
    if table is None or layout.share < 1 or table.top or len(rows) < 2:  # noqa: PLR2004
        return False
    if layout.marks.delimiter != " ":
        return True
    if len(rows) < 3 or any(_has_gaps(row) for row in rows):  # noqa: PLR2004 - blanks that line columns up
        return False
    return not all(cell.isalpha() for row in rows[table.lines :] for cell in row.cells)


def _has_gaps(row: Row) -> bool:
    """Whether a row has an empty cell that is not quoted."""
    return any(not cell and place not in row.quoted for place, cell in enumerate(row.cells))


def _without_decimals(good: list[SniffedLayout]) -> list[SniffedLayout]:
    """Without the comma where it stands in numbers only and something else delimits as well."""
    for each in good:
        if each.marks.delimiter == "," and len(good) > 1:
            text = _bare_text(each)
            if text.count(",") == len(_DECIMAL.findall(text)):
                return [other for other in good if other is not each and other.share >= each.share] or good
    return good


def _for_one_column(text: str) -> str:
    """A delimiter for a file without one: such that decimal commas do not split its cells."""
    decimals = ";" not in text and "," in text and text.count(",") == len(_DECIMAL.findall(text))
    lines = [line for line in text.splitlines() if line.strip()]
    return ";" if decimals and all(line.count(",") < 2 for line in lines) else ","  # noqa: PLR2004


def _bare_text(layout: SniffedLayout) -> str:
    """The rows with a letter for each quoted cell."""
    mark = layout.marks.delimiter
    return "\n".join(_bare_row(row.cells, row.quoted, mark) for row in layout.done.rows)


def _bare_row(cells: Sequence[str], quoted: Sequence[int], mark: str) -> str:
    if not quoted:
        return mark.join(cells)
    hidden = set(quoted)
    return mark.join("x" if place in hidden else cell for place, cell in enumerate(cells))


def _grown(text: str) -> Iterator[str]:
    """Longer delimiters that a sign in a text may be a part of: runs of it, and what surrounds it."""
    signs = Counter(letter for letter in text if letter in _SIGNS)
    for sign in signs:
        runs = [len(run) for run in re.findall(f"{re.escape(sign)}+", text)]
        if 1 < (size := math.gcd(*runs)) <= _LONGEST:
            yield sign * size
        grown = re.search(rf"[^\w\s\"'.\-+/()]{{0,2}}{re.escape(sign)}[^\w\s\"'.\-+/()]{{0,2}}", text)
        if grown and 1 < len(grown[0]) <= _LONGEST and set(grown[0]) <= _SIGNS:
            yield grown[0]


def _stands_whole(layout: SniffedLayout) -> bool:
    """Whether a long delimiter stands whole: its signs nowhere else, and not one of them with empty cells."""
    if all(row.filled < 2 for row in layout.done.rows):  # noqa: PLR2004 - rows of delimiters only
        return False
    mark, text = layout.marks.delimiter, _bare_text(layout)
    count = text.count(mark)
    if not count or any(text.count(letter) != count * mark.count(letter) for letter in set(mark)):
        return False
    table = layout.table
    if table is None or len(set(mark)) > 1:
        return True
    named = table.lines and mark[0] not in ";,\t"
    return bool(named) or table.width > 2  # noqa: PLR2004 - `1;;2` is a row with an empty cell


def _is_quoted(layout: SniffedLayout) -> bool:
    """Whether cells between apostrophes are quoted ones: some need it, or a whole column is."""
    done = layout.done
    if done.needed:
        return True
    places = {place for row in done.rows for place in row.quoted}
    return len(done.rows) > 2 and any(_is_all_quoted(done, place) for place in places)  # noqa: PLR2004


def _is_all_quoted(done: TrialSplit, place: int) -> bool:
    """Whether no cell of a column but the first row's is bare, and there are three that are quoted."""
    quoted = sum(place in row.quoted for row in done.rows)
    bare = sum(
        bool(row.cells[place].strip())
        for row in done.rows[1:]
        if place < len(row.cells) and place not in row.quoted
    )
    return quoted > 2 and not bare  # noqa: PLR2004


def _beats(other: SniffedLayout, usual: SniffedLayout) -> bool:
    """Whether the apostrophe explains more than the quotation mark."""
    if other.done.bad or not other.done.well:
        return False
    if not usual.done.well:
        return other.share >= usual.share
    ours, theirs = other.done, usual.done
    return (other.share, -ours.bad, ours.well) > (usual.share, -theirs.bad, theirs.well)
