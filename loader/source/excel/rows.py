"""A sheet's rows: its header, its records, and what is wrong with them."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, REJECT_COLUMNS
from loader.source.columns import check_names, named_once
from loader.source.excel.cells import ERROR, TEXT, told_cell, typed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from loader.settings import SourceOptions

_AT_ONCE: Final = 5000  # rows that are Python values at one time
_MESSAGE: Final = REJECT_COLUMNS[-1]
_OF_CELL: Final = re.compile(r'column "([^"]+)": the cell [A-Z]+\d+ holds ')
_LETTERS: Final = 26


class SheetCell(NamedTuple):
    """A cell of a sheet.

    Attributes:
        text: What it holds; None where it is empty or has a problem.
        kind: Of what it holds.
        problem: Why it cannot be read; None for a sound one.
    """

    text: str | None
    kind: str
    problem: str | None = None


Row = tuple[int, list[SheetCell]]  # with its number in the sheet, from 1


@dataclass(frozen=True, slots=True)
class SheetRows:
    """The records of a sheet.

    Attributes:
        first_row: The sheet's row of the header or, without one, of the first record.
        has_header: Whether a row names the columns.
        names: Of the columns; those that have neither a name nor a cell are left out.
        frame: The columns, LINE and PROBLEM.
        mixed: Columns that are text because their cells differ, with the kinds of these.
        changes: What was changed in the header's names, for people.
        extra: Index of a record -> the cells right of the last column.
    """

    first_row: int
    has_header: bool
    names: tuple[str, ...]
    frame: pl.DataFrame
    mixed: tuple[tuple[str, tuple[str, ...]], ...]
    changes: tuple[str, ...]
    extra: dict[int, tuple[str, ...]]


def read_rows(path: str, sheet: Any, options: SourceOptions, uncomputed: Collection[str]) -> SheetRows:
    """Reads a sheet to its end.

    Args:
        path: The file, for messages.
        sheet: As openpyxl opens it for reading only.
        options: `header`, `skip_lines`, `skip_footer` and `null_values` count.
        uncomputed: Cells that hold a formula and no value, such as `B7`.

    Raises:
        SourceError: It is empty, or has no usable header.
    """
    nulls = frozenset(options.null_values or ())
    rows = _rows(sheet, options.skip_lines or 0, nulls, uncomputed)
    first = next(rows, None)
    if first is None:
        raise SourceError(
            f'{path}: the sheet "{sheet.title}" is empty; a header and rows were expected',
            next_step="Check that the export wrote it, and what source.skip_lines says.",
        )
    has_header = options.header is not False
    header = [cell.text for cell in first[1]] if has_header else None
    records = _Records(header)
    for number, cells in _without_last(
        path, rows if has_header else chain([first], rows), options.skip_footer or 0
    ):
        records.add(number, cells)
    return records.finished(path, first[0])


def _rows(sheet: Any, skipped: int, nulls: Collection[str], uncomputed: Collection[str]) -> Iterator[Row]:
    """The rows that hold anything."""
    sheet.reset_dimensions()  # what a workbook says of its own size may be wrong
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number <= skipped:
            continue
        cells = [_cell(each, place, number, nulls, uncomputed) for place, each in enumerate(row)]
        while cells and cells[-1].text is None and cells[-1].problem is None:
            cells.pop()
        if cells:
            yield number, cells


def _cell(
    cell: Any, place: int, number: int, nulls: Collection[str], uncomputed: Collection[str]
) -> SheetCell:
    text, kind = told_cell(cell.value, cell.data_type)
    if text is None:
        if uncomputed and (name := f"{_letters(place)}{number}") in uncomputed:
            return SheetCell(None, TEXT, f"the cell {name} holds a formula that no program has computed")
        return SheetCell(None, TEXT)
    if kind == ERROR:
        if text in nulls:
            return SheetCell(None, TEXT)
        return SheetCell(None, TEXT, f"the cell {_letters(place)}{number} holds the error {text}")
    return SheetCell(text, kind)


def _letters(place: int) -> str:
    """A column's letters, from its index."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters


def _without_last(path: str, rows: Iterable[Row], footer: int) -> Iterator[Row]:
    held: deque[Row] = deque()
    for row in rows:
        held.append(row)
        if len(held) > footer:
            yield held.popleft()
    if len(held) < footer:
        raise SourceError(
            f"{path}: source.skip_footer says that {footer} rows at the end are not data, and fewer stand "
            "below the header",
            next_step="Lower source.skip_footer.",
        )


def _named_once(header: Sequence[str | None]) -> tuple[list[str], tuple[str, ...]]:
    """The header's names, a repeated one numbered and an empty one empty, and what was changed."""
    found = [(text or "").strip() for text in header]
    names, _, doubled = named_once(found)
    return [name if text else "" for text, name in zip(found, names, strict=True)], tuple(doubled)


class _Records:
    """Takes records, and in the end gives their columns types.

    Args:
        header: The cells of the header; None where there is none.
    """

    def __init__(self, header: Sequence[str | None] | None) -> None:
        self._header: list[str] | None = None
        self._changes: tuple[str, ...] = ()
        if header is not None:
            self._header, self._changes = _named_once(header)
        self._kinds: list[set[str]] = [set() for _ in header or ()]
        self._chunks: list[pl.DataFrame] = []
        self._held: list[list[str | None]] = []
        self._lines: list[int] = []
        self._problems: list[str | None] = []
        self._extra: dict[int, tuple[str, ...]] = {}

    def add(self, number: int, cells: Sequence[SheetCell]) -> None:
        """Takes a record."""
        width = len(cells) if self._header is None else len(self._header)
        while len(self._kinds) < width:
            self._kinds.append(set())
        surplus = cells[width:]
        problems = [
            f'column "{self._name(place)}": {cell.problem}'
            for place, cell in enumerate(cells[:width])
            if cell.problem
        ]
        if surplus:
            self._extra[len(self._lines)] = tuple(cell.text or "" for cell in surplus)
            problems.append(f"has {len(cells)} cells, the header has {width}")
        for cell, kinds in zip(cells, self._kinds, strict=False):
            if cell.text is not None:
                kinds.add(cell.kind)
        self._held.append([cell.text for cell in cells[:width]])
        self._lines.append(number)
        self._problems.append("; ".join(problems) or None)
        if len(self._held) >= _AT_ONCE:
            self._spill()

    def finished(self, path: str, first_row: int) -> SheetRows:
        """The records, each column of the type of its cells."""
        self._spill()
        texts = pl.concat(self._chunks, how="diagonal")
        places = [place for place, kinds in enumerate(self._kinds) if kinds or self._is_named(place)]
        names = [self._name(place) for place in places]
        check_names(path, names)
        columns: list[pl.Series] = []
        mixed: list[tuple[str, tuple[str, ...]]] = []
        for place, name in zip(places, names, strict=True):
            column, differs = typed(texts[str(place)].rename(name), self._kinds[place])
            columns.append(column)
            if differs:
                mixed.append((name, tuple(sorted(self._kinds[place]))))
        columns.append(pl.Series(LINE, self._lines, pl.Int64))
        columns.append(pl.Series(PROBLEM, self._problems, pl.String))
        return SheetRows(
            first_row=first_row,
            has_header=self._header is not None,
            names=tuple(names),
            frame=_with_unmended(pl.DataFrame(columns)),
            mixed=tuple(mixed),
            changes=self._changes,
            extra=self._extra,
        )

    def _is_named(self, place: int) -> bool:
        return self._header is None or bool(self._header[place])

    def _name(self, place: int) -> str:
        return (self._header and self._header[place]) or f"column_{place + 1}"

    def _spill(self) -> None:
        columns = [
            pl.Series(str(place), [row[place] if place < len(row) else None for row in self._held], pl.String)
            for place in range(len(self._kinds))
        ]
        self._chunks.append(pl.DataFrame(columns))
        self._held = []


def _with_unmended(frame: pl.DataFrame) -> pl.DataFrame:
    """Marks rows of a rejects file whose cells held errors, and are empty now.

    A rejects file has nothing to write in such a cell. Unmended, the row would now pass for a whole one.
    """
    if not set(REJECT_COLUMNS) <= set(frame.columns):
        return frame
    told = frame[_MESSAGE].cast(pl.String)
    problems = frame[PROBLEM].to_list()
    for index in told.str.contains(_OF_CELL.pattern).fill_null(False).arg_true():  # noqa: FBT003 - a value
        names = [name for name in _OF_CELL.findall(told[index]) if name in frame.columns]
        if any(frame[name][index] is None for name in names):
            problems[index] = (
                f"{told[index]}, as when it was rejected: fill it in, or empty its {_MESSAGE} cell"
            )
    return frame.with_columns(pl.Series(PROBLEM, problems, pl.String))
