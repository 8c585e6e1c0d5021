"""Find where the records of a text start, and whether the first of its rows names their columns.

A record that is taken for a line above the header is never read, and a first record that is taken for the
header is lost. Both need evidence. Without any, the first row is the header, and rows that do not fit are
rejected, so that people see them.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from loader.records import REJECT_COLUMNS, REJECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.source.csv.trial_splitter import TrialRow

HeaderLines = bool | int | None
"""The option `source.header`: whether there is one, or how many lines it has; None: detect it."""

HEAD_ROWS: Final = 40  # rows in which the header is looked for
_COMPARED: Final = 60  # rows below it that it is compared with
_FOOTER: Final = 5  # rows at the end that may be a footer
_SOUND: Final = 0.75  # of the rows below must fit a table's width
_SAME_SHAPE: Final = 3  # votes of a column in which values have the same shape, as numbers of equal length do
_DISTINCT: Final = 5  # votes of one in which each value is different, too: it numbers the records
_WEAK: Final = (",", " ", ":", "~", "^")  # marks that occur in ordinary text, too

_NUMBER: Final = re.compile(r"\s*[-+]?[\d.,\ ']*\d(?:[eE][-+]?\d+)?\s*%?\s*")
_DATE: Final = re.compile(
    r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T\ ][\d:.,]+\s*(?:Z|[AaPp][Mm]|[-+][\d:]+)?)?\s*"
)
_ADDRESS: Final = re.compile(r"\S+@\S+\.\S+|https?://\S+")
_MARK: Final = codecs.BOM_UTF8.decode("latin-1")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_TITLE: Final = re.compile(r"\s*(?:#|--|//|;|\*).*|\S*[^\W\d]\S*\s+\S.*|.*\s\S*[^\W\d]\S*.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Table:
    """The place of the records in a text.

    Attributes:
        top: The index of the row that is the header or, without one, the first record.
        lines: How many rows the header takes; 0 where there is none.
        width: How many columns there are.
        fitting: How many rows belong to the table, the header included.
        share: Which part of the rows from `top` on that is, 0 to 1.
    """

    top: int
    lines: int
    width: int
    fitting: int
    share: float


def find_table(rows: Sequence[TrialRow], delimiter: str, header: HeaderLines, *, fixed: bool) -> Table | None:
    """Find the header, or the first record.

    Args:
        rows: The first rows of a text, split at the delimiter.
        delimiter: The delimiter.
        header: The option `source.header`.
        fixed: Whether the header, or the first record, is the first row in any case.

    Returns:
        The table; None where there are no rows.
    """
    if not rows:
        return None
    # A rejects file has lines above its header, and damaged records below it: only its names are sure.
    if (place := _rejects_header(rows)) is not None and header is not False:
        return _named(rows, place, max(1, int(header or 1)))
    # People counted the lines above (`skip_lines`), or the first line is nothing but names.
    if fixed:
        named = header if header is not None else _has_names(rows, 0)
        return _named(rows, 0, int(named)) if named else _unnamed(rows, 0)
    if header is False:
        return _unnamed(rows, _titles(rows, _common_width(rows)))
    return _detected(rows, delimiter, header)


def _detected(rows: Sequence[TrialRow], delimiter: str, header: HeaderLines) -> Table:
    top = _first_that_fits(rows)
    if header is not None and header > 1:
        return _named(rows, _first_of(rows, top, int(header)), int(header))
    # The rows above would be left out, so that the one below them must be sure to be a header.
    if top and not _may_be_below(rows, top, delimiter):
        if header is None and not _has_names(rows, top):
            return _headless(rows, delimiter)
        top = 0
    if header or _has_names(rows, top):
        return _named(rows, top, 1)
    return _unnamed(rows, top)


def _first_that_fits(rows: Sequence[TrialRow]) -> int:
    """Return the first row that is wider than all above it and that most rows below fit; 0 for none."""
    widest = 0
    for place, row in enumerate(rows[:HEAD_ROWS]):
        # A header is wider than titles above it: a row as narrow as one of them may be one more.
        if row.filled > widest and _share_below(rows, place) >= _SOUND:
            return place
        widest = max(widest, row.filled)
    return 0


def _headless(rows: Sequence[TrialRow], delimiter: str) -> Table:
    """Return the table where no header is sure: the first row is a title, or a record that does not fit."""
    width = _common_width(rows)
    titles = _titles(rows, width)
    names, records = _votes(rows, 0)
    if names > records and not titles:
        return _named(rows, 0, 1)
    # A name above `1,50`: one column of numbers with a decimal comma looks like two columns.
    if width == 2 and delimiter in _WEAK and len(rows[0].cells) == 1:  # noqa: PLR2004
        numbers = all(_NUMBER.fullmatch(cell) for row in rows[max(1, titles) :] for cell in row.cells)
        if numbers or not titles:
            return _named(rows, 0, 1)
    return _unnamed(rows, titles)


def _named(rows: Sequence[TrialRow], top: int, lines: int) -> Table:
    block = rows[top : top + lines]
    # In a header of several lines each may name columns that the others leave empty.
    width = max(1, *(row.filled for row in block)) if len(block) > 1 else max(1, block[0].filled)
    fitting = len(block) + sum(row.fits(width) for row in rows[top + lines :])
    return Table(top, len(block), width, fitting, fitting / (len(rows) - top))


def _unnamed(rows: Sequence[TrialRow], top: int) -> Table:
    width = _common_width(rows[top:])
    fitting = sum(row.fits(width) for row in rows[top:])
    return Table(top, 0, width, fitting, fitting / (len(rows) - top))


def _common_width(rows: Sequence[TrialRow]) -> int:
    """Return the number of cells that most rows have; of equally common ones the first, but not one cell."""
    counts = Counter(len(row.cells) for row in rows)
    return max(counts, key=lambda width: (counts[width], width > 1))


def _share_below(rows: Sequence[TrialRow], place: int) -> float:
    """Return which part of the rows below fit this one as their header."""
    width = rows[place].filled
    below = list(rows[place + 1 : place + 1 + _COMPARED])
    # Narrow lines at the end may be a footer, which says nothing about the header of a short file.
    footer = 0
    while footer < _FOOTER and len(below) > 1 and below[-1].filled < width and not below[-1].fits(width):
        footer += 1
        below.pop()
    if width < 2 or not below:  # noqa: PLR2004 - one column needs no delimiter
        return 0.0
    return sum(row.fits(width) for row in below) / len(below)


def _titles(rows: Sequence[TrialRow], width: int) -> int:
    """Return how many rows above the first record are certainly not records."""
    place = 0
    while place < min(len(rows), HEAD_ROWS) and _is_title(rows[place], width):
        place += 1
    # More titles than records are a column of remarks.
    return place if 2 * place <= len(rows) else 0


def _is_title(row: TrialRow, width: int) -> bool:
    return width > 1 and row.filled == 1 and _TITLE.fullmatch(row.cells[0]) is not None


def _may_be_below(rows: Sequence[TrialRow], top: int, delimiter: str) -> bool:
    """Return whether the rows above a header are certainly not data, and it is certainly a header."""
    above, row = rows[:top], rows[top]
    names, records = _votes(rows, top)
    if records > names:
        return False
    if names > records:
        return True
    # Nothing but words: the row must be much wider than a title, and two records must agree with it. A comma
    # between two cells (`Smith, John`) may be text, unless a blank line separates title and table.
    few = all(title.filled <= max(1, row.filled // 2) for title in above)
    apart = row.filled > 2 or delimiter not in _WEAK or _is_apart(rows, top)  # noqa: PLR2004
    return few and apart and len(rows) - top > 2  # noqa: PLR2004


def _is_apart(rows: Sequence[TrialRow], top: int) -> bool:
    """Return whether there is a blank line above a row."""
    return not rows[top - 1].quoted and rows[top].line > rows[top - 1].line + 1


def _first_of(rows: Sequence[TrialRow], last: int, lines: int) -> int:
    """Return the first row of a header of several lines, from its last one."""
    first = last
    while first > max(0, last - lines + 1) and len(rows[first - 1].cells) > 1:
        first -= 1
    return first


# --- names or data -------------------------------------------------------------------------------------


def _has_names(rows: Sequence[TrialRow], top: int) -> bool:
    """Return whether a row names the columns; a row that may be either does."""
    cells = rows[top].cells
    # Certain cases first: no name is a number or a date, and no header ends as a rejected record does.
    if all(kind_of(cell) in {"", "number", "date"} for cell in cells) or _is_rejected_record(cells):
        return False
    names, records = _votes(rows, top)
    return names >= records


def _votes(rows: Sequence[TrialRow], top: int) -> tuple[int, int]:
    """Return the votes of the columns that a row is their names, and that it is a record like those below."""
    head = rows[top].cells
    repeated = _bare_names(rows[top])
    below = [row.cells for row in rows[top + 1 : top + 1 + _COMPARED] if _bare_names(row) != repeated]
    periods = _are_periods(head)
    named: set[str] = set()
    records = 0
    for place, cell in enumerate(head):
        values = [cells[place] for cells in below if place < len(cells) and cells[place].strip()]
        # Years that name columns look like the numbers below them, and so decide nothing.
        if not values or not cell.strip() or (periods and _YEAR.fullmatch(cell.strip())):
            continue
        kind, common = kind_of(cell), _common_kind(values)
        # Text above other text may be either, and has no vote.
        if common != "text" and kind == common:
            records += _weight(cell, values)
        # Equal words count once: a header names its columns differently, and a record may repeat a word.
        elif common != "text" and kind not in {"number", "date"}:
            named.add(cell)
        elif common == "text" and cell in values and len(values) > 1:
            records += 1
    return len(named), records


def _bare_names(row: TrialRow) -> list[str]:
    """Return the cells as names are compared: exports that were joined repeat their header."""
    return [cell.strip().removeprefix(_MARK) for cell in row.cells[: row.filled]]


def _weight(cell: str, values: Sequence[str]) -> int:
    """Return how many votes a cell has that is of the same kind as those below it."""
    if len(values) < 2 or {_shape(cell)} != {*map(_shape, values)}:  # noqa: PLR2004
        return 1
    return _DISTINCT if len({cell, *values}) > len(values) else _SAME_SHAPE


def kind_of(cell: str) -> str:
    """Return what a cell looks like: empty, a number, a date, an address, the shape of a code, or text."""
    text = cell.strip()
    if not text:
        return ""
    if _DATE.fullmatch(text):
        return "date"
    if _NUMBER.fullmatch(text):
        return "number"
    if _ADDRESS.fullmatch(text):
        return "address"
    if sum(letter.isdigit() for letter in text) >= 2:  # noqa: PLR2004 - `Name1` may be a name
        return _shape(text)
    return "text"


def _shape(cell: str) -> str:
    """Return a cell with the same letter for all letters, and the same digit for all digits."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", cell.strip()))


def _common_kind(values: Sequence[str]) -> str:
    """Return what nearly all values look like; text where they differ."""
    # Nearly: a few damaged or strange values must not hide what a column is.
    kind, count = Counter(map(kind_of, values)).most_common(1)[0]
    return kind if count >= 0.9 * len(values) else "text"


def _are_periods(cells: Sequence[str]) -> bool:
    """Return whether years name columns: two or more of them, one after the other."""
    years = [int(cell) for cell in cells if _YEAR.fullmatch(cell.strip())]
    return len(years) > 1 and all(abs(after - before) == 1 for before, after in pairwise(years))


# --- rejects files -------------------------------------------------------------------------------------


def _rejects_header(rows: Sequence[TrialRow]) -> int | None:
    """Return the row that names the columns which a rejects file adds; None for none."""
    added = set(REJECT_COLUMNS)
    return next((place for place, row in enumerate(rows[:HEAD_ROWS]) if added <= set(row.cells)), None)


def _is_rejected_record(cells: Sequence[str]) -> bool:
    """Return whether a row ends in what a rejects file adds: a status, a number and a line."""
    added = cells[-len(REJECT_COLUMNS) :]
    if len(cells) <= len(REJECT_COLUMNS) or added[0] not in {str(status) for status in REJECTED}:
        return False
    return added[1].isdigit() and (added[2].isdigit() or not added[2])
