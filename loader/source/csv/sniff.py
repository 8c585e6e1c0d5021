"""Find out which delimiter, quote and escape a text is written with, from its first rows.

Each candidate splits the rows, and the one that makes most of them one table wins. Marks that also occur in
ordinary text must make all rows fit.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from loader.records import REJECT_COLUMNS, Dialect
from loader.source.csv.header import find_table
from loader.source.csv.trial_splitter import split_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loader.source.csv.header import HeaderLines, Table
    from loader.source.csv.trial_splitter import TrialRow, TrialSplit

_STRONG: Final = (";", "\t", "|", ",")  # of equals the first wins: a comma is also a decimal sign
_CONTROLS: Final = ("\x1f", "\x1e", "\x1d", "\x1c", "\x01", "\x02")
_WEAK: Final = ("~", "^", ":", " ")  # in ordinary text, too
_LONG: Final = (
    *("||", "::", "~~", "^^", "@@", "##", "$$", "&&", "|||", ":::"),
    *("~|~", "|;|", "|~|", "^|^", "|^|", "|,|", "#|#", "@|@", "<|>", "|:|", "~^~"),
)
_SIGNS: Final = frozenset("|~^;:,\t#@$&<>!*§¦")  # what long delimiters are made of
_LONGEST: Final = 5
_ROWS: Final = 120
_HALF: Final = 0.5
_NEARLY_ALL: Final = 0.95
_FEW_NAMES: Final = 2  # a title may have one comma
_NAME: Final = re.compile(r"[^\W\d_](?:[\w .?/()-]{0,38}[\w?)])?")
_BROKEN: Final = 9  # so many senseless quotes are faults of their records, which must show
_REJECTS: Final = re.compile(  # the header of a rejects file, which shows all marks
    rf"(['\"]?){REJECT_COLUMNS[0]}\1(?P<mark>[^\w\r\n'\"][^\r\n]{{0,7}}?)\1"
    + r"\1(?P=mark)\1".join(REJECT_COLUMNS[1:])
    + r"\1"
)
_DECIMAL: Final = re.compile(r"(?<=\d),(?=\d)")


@dataclass(frozen=True, slots=True)
class DialectHints:
    """What the options leave open about a dialect, in Latin-1 characters.

    It is not a `Dialect`, because it has all quotes and escapes that are possible, and a dialect one of each.

    Attributes:
        delimiter: The delimiter; None: find it.
        quotes: The possible quotes, the most common one first; None among them: nothing encloses cells.
        escapes: The possible escapes, likewise; None among them: quotes are doubled.
        header: The option `source.header`.
        fixed: Whether the header, or the first record, is the first row in any case.
        encoding: The encoding of the bytes that the characters are.
    """

    delimiter: str | None
    quotes: tuple[str | None, ...]
    escapes: tuple[str | None, ...]
    header: HeaderLines
    fixed: bool
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class SniffedLayout:
    """The rows of a text by a candidate, and the table that they make.

    Attributes:
        dialect: The candidate, in Latin-1 characters.
        split: The rows.
        table: The table; None where there are no rows.
    """

    dialect: Dialect
    split: TrialSplit
    table: Table | None

    @property
    def share(self) -> float:
        """Return which part of the rows belongs to the table, 0 to 1; 0 where it has one column."""
        return self.table.share if self.table and self.table.width > 1 else 0.0

    @property
    def is_torn(self) -> bool:
        """Return whether the delimiter seems to be inside of quoted cells, which another one separates."""
        return self.split.torn > max(1, len(self.split.rows) // 4)

    @property
    def rank(self) -> tuple[float, bool, int]:
        """Return what makes it better than others: fitting rows, nothing above the table, many columns."""
        if self.table is None:
            return (0.0, False, 0)
        return (round(self.share, 2), not self.table.top, self.table.width)


def sniff(text: str, hints: DialectHints, *, lone_cr: bool, whole: bool) -> SniffedLayout:
    """Find the marks that the options leave open.

    Args:
        text: The first rows, in Latin-1 characters.
        hints: What the options say.
        lone_cr: Whether a CR alone seems to end lines.
        whole: Whether the text ends with a row.
    """
    sniffer = _Sniffer(text, _with_names(text, hints), whole=whole)
    layout = sniffer.best(lone_cr=lone_cr)
    if "\n" not in text or not re.search(r"\r(?!\n)", text):
        return layout
    # Both kinds of line ends occur: one of them may be part of a cell's text.
    other = sniffer.best(lone_cr=not lone_cr)
    return other if _ends_lines_better(other, layout) else layout


def _with_names(text: str, hints: DialectHints) -> DialectHints:
    """Return the hints that a first line of nothing but names gives.

    Where most rows are damaged, another mark may split them more evenly, and the names would pass for a
    title.
    """
    if hints.fixed:
        return hints
    line = re.match(r"[^\r\n]*", text)
    first = line[0] if line else ""
    marks = [hints.delimiter] if hints.delimiter else [mark for mark in _STRONG if mark in first]
    if len(marks) != 1:
        return hints
    names = first.split(marks[0])
    if len(names) <= _FEW_NAMES or len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        return hints
    return replace(hints, delimiter=marks[0], fixed=True)


def _ends_lines_better(other: SniffedLayout, layout: SniffedLayout) -> bool:
    """Return whether the other meaning of a CR alone gives better records."""
    clean, was_clean = _is_clean(other), _is_clean(layout)
    # A CR is more often text than a line end, so that LF alone needs no more than sound quotes.
    if not other.dialect.lone_cr:
        return clean and not was_clean
    more = len(other.split.rows) > len(layout.split.rows)
    before = (was_clean, round(layout.share, 2), False)
    return other.share > 0 and (clean, round(other.share, 2), more) > before


class _Sniffer:
    def __init__(self, text: str, hints: DialectHints, *, whole: bool) -> None:
        self._text = text
        self._rejects = _REJECTS.search(text)
        if self._rejects and self._rejects[1] in hints.quotes:
            hints = replace(hints, quotes=(self._rejects[1],))
        self._hints = hints
        self._whole = whole

    def layout(
        self, delimiter: str, quote: str | None, escape: str | None, *, lone_cr: bool
    ) -> SniffedLayout:
        dialect = Dialect(delimiter, quote, escape, encoding="latin-1", lone_cr=lone_cr)
        split = split_rows(self._text, dialect, whole=self._whole, most=_ROWS)
        table = find_table(split.rows, delimiter, self._hints.header, fixed=self._hints.fixed)
        return SniffedLayout(dialect, split, table)

    def best(self, *, lone_cr: bool) -> SniffedLayout:
        layout = self._delimited(lone_cr=lone_cr)
        spaced = f"{layout.dialect.delimiter} "
        if self._hints.delimiter is not None or f'{spaced}"' not in self._text:
            return layout
        # `"a", "b"`: a blank behind the delimiter would keep its cells from being quoted.
        other = self._with_quote(spaced, lone_cr=lone_cr)
        better = other.share >= layout.share > 0 and other.split.well > layout.split.well
        named = other.table and layout.table and other.table.lines >= layout.table.lines
        return other if better and not other.split.bad and named else layout

    # --- delimiter ---------------------------------------------------------------------------------------

    def _delimited(self, *, lone_cr: bool) -> SniffedLayout:
        if self._hints.delimiter is not None:
            return self._with_quote(self._hints.delimiter, lone_cr=lone_cr)
        if self._rejects:
            return self._with_quote(self._rejects["mark"], lone_cr=lone_cr)
        strong = [self._with_quote(mark, lone_cr=lone_cr) for mark in self._present((*_STRONG, *_CONTROLS))]
        good = [layout for layout in strong if layout.share > _HALF and not layout.is_torn]
        weak = [self._with_quote(mark, lone_cr=lone_cr) for mark in self._present(_WEAK)]
        fair = [layout for layout in weak if _is_certain(layout)]
        long = [self._with_quote(mark, lone_cr=lone_cr) for mark in self._long_ones([*good, *fair])]
        # Quotes that all make sense are better evidence than any number of cells.
        if any(map(_is_clean, (*good, *fair, *long))):
            good, fair, long = (list(filter(_is_clean, layouts)) for layouts in (good, fair, long))
        if longest := _longest_whole([layout for layout in long if layout.share >= _NEARLY_ALL], good):
            return longest
        # A long delimiter is often a short one beside empty cells, so that it must fit more rows than that.
        least = max((layout.share for layout in (*good, *fair)), default=_HALF)
        good = _without_decimals(good) + [
            layout for layout in long if layout.share > least and not layout.is_torn
        ]
        torn = [layout for layout in strong if layout.share > _HALF]
        if better := good or fair or torn or [layout for layout in strong if layout.share]:
            return max(better, key=lambda layout: layout.rank)
        return self._with_quote(_for_one_column(self._text), lone_cr=lone_cr)

    def _present(self, marks: Sequence[str]) -> list[str]:
        """Return the marks that are in the text, and that the options do not use for something else."""
        used = [options[0] for options in (self._hints.quotes, self._hints.escapes) if len(options) == 1]
        return [
            mark
            for mark in marks
            if mark in self._text and mark not in used and _decodes(mark, self._hints.encoding)
        ]

    def _long_ones(self, good: Sequence[SniffedLayout]) -> list[str]:
        """Return the possible delimiters of several characters."""
        derived = [mark for layout in good for mark in _grown(_bare_text(layout))]
        return self._present(list(dict.fromkeys([*derived, *_LONG])))

    # --- quote and escape --------------------------------------------------------------------------------

    def _with_quote(self, delimiter: str, *, lone_cr: bool) -> SniffedLayout:
        quotes = self._hints.quotes
        usual = self._with_escape(delimiter, quotes[0], lone_cr=lone_cr)
        if "'" in quotes[1:] and self._begins_cells("'", delimiter):
            other = self._with_escape(delimiter, "'", lone_cr=lone_cr)
            if (_is_quoted(other) or other.share > usual.share) and _beats(other, usual):
                return other
        # A rejects file quotes what needs it, so that a single bad quote shows that there are none.
        broken = 0 if self._rejects else _BROKEN
        if None in quotes[1:] and usual.split.bad > broken and not usual.split.well:
            bare = self.layout(delimiter, None, None, lone_cr=lone_cr)
            return bare if bare.share >= usual.share else usual
        return usual

    def _begins_cells(self, mark: str, delimiter: str) -> bool:
        return self._text.startswith(mark) or any(
            before + mark in self._text for before in ("\n", "\r", delimiter)
        )

    def _with_escape(self, delimiter: str, quote: str | None, *, lone_cr: bool) -> SniffedLayout:
        escapes = self._hints.escapes
        layout = self.layout(delimiter, quote, escapes[0] if quote else None, lone_cr=lone_cr)
        for escape in escapes[1:]:
            if not quote or not escape or escape == delimiter:
                continue
            # A rejects file may have no escaped quote left, and still escapes its escapes.
            if self._rejects and _are_all_escaped(layout, escape):
                return self.layout(delimiter, quote, escape, lone_cr=lone_cr)
            if escape + quote in self._text:
                other = self.layout(delimiter, quote, escape, lone_cr=lone_cr)
                if (-other.split.bad, other.share) > (-layout.split.bad, layout.share):
                    layout = other
        return layout


def _decodes(mark: str, encoding: str) -> bool:
    """Return whether a mark is text: in UTF-8, single bytes of a character look like signs in Latin-1."""
    try:
        mark.encode("latin-1").decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _are_all_escaped(layout: SniffedLayout, escape: str) -> bool:
    """Return whether quoted cells have escapes only where they escape, and no doubled quote."""
    mark, quote = re.escape(escape), layout.dialect.quote or ""
    sound = re.compile(rf"(?:[^{mark}]|{mark}{mark}|{mark}{re.escape(quote)})*+")
    cells = [row.cells[place] for row in layout.split.rows for place in row.quoted]
    return any(escape in cell for cell in cells) and all(
        quote * 2 not in cell and sound.fullmatch(cell) for cell in cells
    )


def _longest_whole(long: Sequence[SniffedLayout], good: Sequence[SniffedLayout]) -> SniffedLayout | None:
    """Return the longest delimiter with characters that occur only in it, if nothing else splits as well."""
    whole = [layout for layout in long if _is_whole(layout)]
    if not whole:
        return None
    best = max(whole, key=lambda layout: len(layout.dialect.delimiter))
    others = [layout.rank for layout in good if layout.dialect.delimiter not in best.dialect.delimiter]
    return best if best.rank > max(others, default=(0.0, False, 0)) else None


def _is_clean(layout: SniffedLayout) -> bool:
    """Return whether there are quoted cells, and no quote is in a wrong place."""
    split = layout.split
    return layout.share >= _NEARLY_ALL and split.well > 0 and not split.bad and not split.torn


def _is_certain(layout: SniffedLayout) -> bool:
    """Return whether a mark that occurs in ordinary text, too, makes one table of all rows."""
    table, rows = layout.table, layout.split.rows
    if table is None or layout.share < 1 or table.top or len(rows) < 2:  # noqa: PLR2004
        return False
    if layout.dialect.delimiter != " ":
        return True
    # Blanks often align columns, and words are often separated by them: neither makes cells.
    if len(rows) < 3 or any(_has_gaps(row) for row in rows):  # noqa: PLR2004
        return False
    return not all(cell.isalpha() for row in rows[table.lines :] for cell in row.cells)


def _has_gaps(row: TrialRow) -> bool:
    """Return whether a row has an empty cell that is not quoted."""
    return any(not cell and place not in row.quoted for place, cell in enumerate(row.cells))


def _without_decimals(good: list[SniffedLayout]) -> list[SniffedLayout]:
    """Drop the comma where it occurs in numbers only and something else splits as well."""
    for layout in good:
        if layout.dialect.delimiter == "," and len(good) > 1:
            text = _bare_text(layout)
            if text.count(",") == len(_DECIMAL.findall(text)):
                others = [other for other in good if other is not layout and other.share >= layout.share]
                return others or good
    return good


def _for_one_column(text: str) -> str:
    """Return a delimiter for a file without one, so that decimal commas do not split its cells."""
    decimals = ";" not in text and "," in text and text.count(",") == len(_DECIMAL.findall(text))
    lines = [line for line in text.splitlines() if line.strip()]
    return ";" if decimals and all(line.count(",") < 2 for line in lines) else ","  # noqa: PLR2004


def _bare_text(layout: SniffedLayout) -> str:
    """Return the rows with a letter for each quoted cell, so that signs inside of quotes do not count."""
    mark = layout.dialect.delimiter
    return "\n".join(_bare_row(row.cells, row.quoted, mark) for row in layout.split.rows)


def _bare_row(cells: Sequence[str], quoted: Sequence[int], mark: str) -> str:
    if not quoted:
        return mark.join(cells)
    hidden = set(quoted)
    return mark.join("x" if place in hidden else cell for place, cell in enumerate(cells))


def _grown(text: str) -> Iterator[str]:
    """Return longer delimiters that a sign may be part of: runs of it, and the signs around it."""
    signs = Counter(letter for letter in text if letter in _SIGNS)
    for sign in signs:
        # Empty cells make longer runs: the delimiter is as long as all of them can be divided by.
        runs = [len(run) for run in re.findall(f"{re.escape(sign)}+", text)]
        if 1 < (size := math.gcd(*runs)) <= _LONGEST:
            yield sign * size
        grown = re.search(rf"[^\w\s\"'.\-+/()]{{0,2}}{re.escape(sign)}[^\w\s\"'.\-+/()]{{0,2}}", text)
        if grown and 1 < len(grown[0]) <= _LONGEST and set(grown[0]) <= _SIGNS:
            yield grown[0]


def _is_whole(layout: SniffedLayout) -> bool:
    """Return whether a long delimiter is one mark: its signs occur nowhere else, and none is a delimiter."""
    if all(row.filled < 2 for row in layout.split.rows):  # noqa: PLR2004 - rows of delimiters only
        return False
    mark, text = layout.dialect.delimiter, _bare_text(layout)
    count = text.count(mark)
    if not count or any(text.count(letter) != count * mark.count(letter) for letter in set(mark)):
        return False
    table = layout.table
    if table is None or len(set(mark)) > 1:
        return True
    # `1;;2` may be two cells or three: names decide, unless the sign alone is a usual delimiter.
    named = table.lines and mark[0] not in ";,\t"
    return bool(named) or table.width > 2  # noqa: PLR2004


def _is_quoted(layout: SniffedLayout) -> bool:
    """Return whether cells between apostrophes are quoted: some need it, or a whole column is."""
    split = layout.split
    if split.needed:
        return True
    places = {place for row in split.rows for place in row.quoted}
    return len(split.rows) > 2 and any(_is_all_quoted(split, place) for place in places)  # noqa: PLR2004


def _is_all_quoted(split: TrialSplit, place: int) -> bool:
    """Return whether a column has three quoted cells or more and no bare ones, its first row aside."""
    quoted = sum(place in row.quoted for row in split.rows)
    bare = sum(
        bool(row.cells[place].strip())
        for row in split.rows[1:]
        if place < len(row.cells) and place not in row.quoted
    )
    return quoted > 2 and not bare  # noqa: PLR2004


def _beats(other: SniffedLayout, usual: SniffedLayout) -> bool:
    """Return whether the apostrophe explains more than the quotation mark."""
    # Apostrophes are common in text, so that a single one in a wrong place decides against them.
    if other.split.bad or not other.split.well:
        return False
    if not usual.split.well:
        return other.share >= usual.share
    ours, theirs = other.split, usual.split
    return (other.share, -ours.bad, ours.well) > (usual.share, -theirs.bad, theirs.well)
