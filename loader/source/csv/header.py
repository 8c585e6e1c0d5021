"""Where the records of a text begin, and whether the first of its rows names their columns.

What is taken for a line above the header is never read as data, and a first record that is taken for a
header is lost as a record. So both need evidence; where there is none, the first row is the header, and
what does not fit is rejected aloud.
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

    from loader.source.csv.trial_splitter import Row

HeaderLines = bool | int | None
"""What was said of the header: whether there is one, or how many lines it has; None: nothing."""

HEAD_ROWS: Final = 40  # the header is looked for in so many rows
_JUDGED: Final = 60  # and compared with so many below it
_FOOTER: Final = 5  # rows
_SOUND: Final = 0.75  # of the rows below fit a table's width
_SAME_SHAPE: Final = 3  # so many columns' word has one in which numbers are even as long as below,
_DISTINCT: Final = 5  # and so many if each of them is another: they number the records
_WEAK: Final = (",", " ", ":", "~", "^")  # marks that stand in ordinary text, too

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
    """Where the records are.

    Attributes:
        top: The index of the row that is the header or, without one, the first record.
        lines: How many rows the header takes; 0 where there is none.
        width: How many columns there are.
        fitting: How many rows, the header among them, belong to it.
        share: Which part of the rows from `top` on that is, 0 to 1.
    """

    top: int
    lines: int
    width: int
    fitting: int
    share: float


def find_table(rows: Sequence[Row], delimiter: str, header: HeaderLines, *, fixed: bool) -> Table | None:
    """Finds the header, or the first record.

    Args:
        rows: The first rows of a text, cut by the delimiter.
        delimiter: It.
        header: What was said: how many lines it has, or whether there is one; None: nothing.
        fixed: Whether the header, or the first record, is the first row in any case.

    Returns:
        What was found; None where there are no rows.
    """
    if not rows:
        return None
    if (place := _rejects_header(rows)) is not None and header is not False:
        return _named(rows, place, max(1, int(header or 1)))
    if fixed:
        named = header if header is not None else _has_names(rows, 0)
        return _named(rows, 0, int(named)) if named else _unnamed(rows, 0)
    if header is False:
        return _unnamed(rows, _titles(rows, _common_width(rows)))
    return _looked_for(rows, delimiter, header)


def _looked_for(rows: Sequence[Row], delimiter: str, header: HeaderLines) -> Table:
    top = _first_that_fits(rows)
    if header is not None and header > 1:
        return _named(rows, _first_of(rows, top, int(header)), int(header))
    if top and not _may_stand_below(rows, top, delimiter):
        if header is None and not _has_names(rows, top):
            return _headless(rows, delimiter)
        top = 0
    if header or _has_names(rows, top):
        return _named(rows, top, 1)
    return _unnamed(rows, top)


def _first_that_fits(rows: Sequence[Row]) -> int:
    """The first row that is wider than all above it and that most rows below fit; 0 where there is none."""
    widest = 0
    for place, row in enumerate(rows[:HEAD_ROWS]):
        if row.filled > widest and _share_below(rows, place) >= _SOUND:
            return place
        widest = max(widest, row.filled)
    return 0


def _headless(rows: Sequence[Row], delimiter: str) -> Table:
    """What stands above the first record that fits is a title, or a record that does not."""
    width = _common_width(rows)
    titles = _titles(rows, width)
    names, records = _votes(rows, 0)
    if names > records and not titles:
        return _named(rows, 0, 1)
    if width == 2 and delimiter in _WEAK and len(rows[0].cells) == 1:  # noqa: PLR2004 - `1,50`
        numbers = all(_NUMBER.fullmatch(cell) for row in rows[max(1, titles) :] for cell in row.cells)
        if numbers or not titles:
            return _named(rows, 0, 1)
    return _unnamed(rows, titles)


def _named(rows: Sequence[Row], top: int, lines: int) -> Table:
    block = rows[top : top + lines]
    width = max(1, *(row.filled for row in block)) if len(block) > 1 else max(1, block[0].filled)
    fitting = len(block) + sum(row.fits(width) for row in rows[top + lines :])
    return Table(top, len(block), width, fitting, fitting / (len(rows) - top))


def _unnamed(rows: Sequence[Row], top: int) -> Table:
    width = _common_width(rows[top:])
    fitting = sum(row.fits(width) for row in rows[top:])
    return Table(top, 0, width, fitting, fitting / (len(rows) - top))


def _common_width(rows: Sequence[Row]) -> int:
    """The number of cells that most rows have; of two that are as common, the first but for a single cell."""
    counted = Counter(len(row.cells) for row in rows)
    return max(counted, key=lambda width: (counted[width], width > 1))


def _share_below(rows: Sequence[Row], place: int) -> float:
    """Which part of the rows below fit this one as their header."""
    width = rows[place].filled
    below = list(rows[place + 1 : place + 1 + _JUDGED])
    footer = 0
    while footer < _FOOTER and len(below) > 1 and below[-1].filled < width and not below[-1].fits(width):
        footer += 1
        below.pop()
    if width < 2 or not below:  # noqa: PLR2004 - one column needs no delimiter
        return 0.0
    return sum(row.fits(width) for row in below) / len(below)


def _titles(rows: Sequence[Row], width: int) -> int:
    """How many rows above the first record are surely none."""
    place = 0
    while place < min(len(rows), HEAD_ROWS) and _is_title(rows[place], width):
        place += 1
    return place if 2 * place <= len(rows) else 0


def _is_title(row: Row, width: int) -> bool:
    return width > 1 and row.filled == 1 and _TITLE.fullmatch(row.cells[0]) is not None


def _may_stand_below(rows: Sequence[Row], top: int, delimiter: str) -> bool:
    """Whether the rows above a header are surely no data and it is surely a header."""
    above, row = rows[:top], rows[top]
    names, records = _votes(rows, top)
    if records > names:
        return False
    if names > records:
        return True
    few = all(each.filled <= max(1, row.filled // 2) for each in above)
    told = row.filled > 2 or delimiter not in _WEAK or _is_apart(rows, top)  # noqa: PLR2004 - `Smith, John`
    return few and told and len(rows) - top > 2  # noqa: PLR2004 - two records that agree


def _is_apart(rows: Sequence[Row], top: int) -> bool:
    """Whether a blank line stands above a row."""
    return not rows[top - 1].quoted and rows[top].line > rows[top - 1].line + 1


def _first_of(rows: Sequence[Row], last: int, lines: int) -> int:
    """The first row of a header of several lines, the last of which was found."""
    first = last
    while first > max(0, last - lines + 1) and len(rows[first - 1].cells) > 1:
        first -= 1
    return first


# --- names or data -------------------------------------------------------------------------------------


def _has_names(rows: Sequence[Row], top: int) -> bool:
    """Whether a row names the columns; where it may be either, it does."""
    cells = rows[top].cells
    if all(kind_of(cell) in {"", "number", "date"} for cell in cells) or _is_rejected_record(cells):
        return False
    names, records = _votes(rows, top)
    return names >= records


def _votes(rows: Sequence[Row], top: int) -> tuple[int, int]:
    """How many columns say that a row is their names, and how many that it is a record like those below."""
    head = rows[top].cells
    again = _bare_names(rows[top])
    below = [row.cells for row in rows[top + 1 : top + 1 + _JUDGED] if _bare_names(row) != again]
    periods = _are_periods(head)
    named: set[str] = set()
    records = 0
    for place, cell in enumerate(head):
        values = [cells[place] for cells in below if place < len(cells) and cells[place].strip()]
        if not values or not cell.strip() or (periods and _YEAR.fullmatch(cell.strip())):
            continue
        kind, common = kind_of(cell), _commonkind_of(values)
        if common != "text" and kind == common:
            records += _weight(cell, values)
        elif common != "text" and kind not in {"number", "date"}:
            named.add(cell)
        elif common == "text" and cell in values and len(values) > 1:
            records += 1
    return len(named), records


def _bare_names(row: Row) -> list[str]:
    """The cells as names are compared: exports that were glued together repeat their header."""
    return [cell.strip().removeprefix(_MARK) for cell in row.cells[: row.filled]]


def _weight(cell: str, values: Sequence[str]) -> int:
    """How much a cell of the same kind as those below it says."""
    if len(values) < 2 or {_shape(cell)} != {*map(_shape, values)}:  # noqa: PLR2004
        return 1
    return _DISTINCT if len({cell, *values}) > len(values) else _SAME_SHAPE


def kind_of(cell: str) -> str:
    """What a cell looks like: empty, a number, a date, an address, a code's exact shape, or text."""
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
    """A cell with one letter for all letters, and one digit for all digits."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", cell.strip()))


def _commonkind_of(values: Sequence[str]) -> str:
    """What nearly all values look like; text where they differ."""
    kind, count = Counter(map(kind_of, values)).most_common(1)[0]
    return kind if count >= 0.9 * len(values) else "text"


def _are_periods(cells: Sequence[str]) -> bool:
    """Whether years name columns: two or more of them, one after the other."""
    years = [int(cell) for cell in cells if _YEAR.fullmatch(cell.strip())]
    return len(years) > 1 and all(abs(after - before) == 1 for before, after in pairwise(years))


# --- rejects files -------------------------------------------------------------------------------------


def _rejects_header(rows: Sequence[Row]) -> int | None:
    """The row that names the columns which a rejects file adds."""
    wanted = set(REJECT_COLUMNS)
    return next((place for place, row in enumerate(rows[:HEAD_ROWS]) if wanted <= set(row.cells)), None)


def _is_rejected_record(cells: Sequence[str]) -> bool:
    """Whether a row ends in what a rejects file adds: its status, number and line stand where they must."""
    added = cells[-len(REJECT_COLUMNS) :]
    if len(cells) <= len(REJECT_COLUMNS) or added[0] not in {str(status) for status in REJECTED}:
        return False
    return added[1].isdigit() and (added[2].isdigit() or not added[2])
