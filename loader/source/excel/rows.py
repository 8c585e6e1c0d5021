"""Read a sheet's rows: its header, its records, and what is wrong with them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import polars as pl

from loader.errors import SourceError
from loader.findings import Finding, dump_findings
from loader.records import PROBLEM
from loader.source.batches import Chunk
from loader.source.columns import check_names, unique_names
from loader.source.excel.cells import ERROR, TEXT, text_and_kind, typed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from loader.findings import JsonValue
    from loader.settings import SourceOptions

_ROWS_AT_ONCE: Final = 5000  # rows that are Python values at the same time
_LETTERS: Final = 26


class SheetCell(NamedTuple):
    """A cell of a sheet.

    Attributes:
        text: Its value as text; None where it is empty or has a problem.
        kind: The kind of its value.
        problem: Why it cannot be read; None for a sound one. The column is added to it later.
    """

    text: str | None
    kind: str
    problem: Finding | None = None


Row = tuple[int, list[SheetCell]]  # with its number in the sheet, from 1


@dataclass(frozen=True, slots=True)
class SheetRows:
    """The records of a sheet.

    Attributes:
        first_row: The sheet's row of the header or, without one, of the first record.
        has_header: Whether a row names the columns.
        names: The names of the columns; those that have neither a name nor a cell are left out.
        records: The records. A rejects file's own columns are among theirs.
        mixed: Columns that are text because their cells are of several kinds, with these kinds.
        changes: What was changed in the header's names, for people.
    """

    first_row: int
    has_header: bool
    names: tuple[str, ...]
    records: Chunk
    mixed: tuple[tuple[str, tuple[str, ...]], ...]
    changes: tuple[str, ...]


def read_rows(path: str, sheet: Any, options: SourceOptions, uncomputed: Collection[str]) -> SheetRows:
    """Read a sheet to its end.

    Args:
        path: The file, for messages.
        sheet: The sheet, opened by openpyxl for reading only.
        options: How to read it: `header`, `skip_lines`, `skip_footer` and `null_values`.
        uncomputed: Cells with a formula that no program has computed, such as `B7`.

    Raises:
        SourceError: It is empty, or has no usable header.
    """
    nulls = frozenset(options.null_values or ())
    rows = _rows(sheet, options.skip_lines or 0, nulls, uncomputed)
    first = next(rows, None)
    if first is None:
        raise SourceError(
            f'{path}: the sheet "{sheet.title}" is empty; a header and rows were expected',
            next_step="Check the export that wrote it, and source.skip_lines.",
        )
    has_header = options.header is not False
    header = [cell.text for cell in first[1]] if has_header else None
    records = _RecordCollector(header)
    for number, cells in _without_last(
        path, rows if has_header else chain([first], rows), options.skip_footer or 0
    ):
        records.add(number, cells)
    return records.finished(path, first[0])


def _rows(sheet: Any, skipped: int, nulls: Collection[str], uncomputed: Collection[str]) -> Iterator[Row]:
    """Return the rows that are not empty."""
    sheet.reset_dimensions()  # the size that a workbook claims to have may be wrong
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number <= skipped:
            continue
        cells = [_cell(cell, place, number, nulls, uncomputed) for place, cell in enumerate(row)]
        # Cells that are only formatted come as empty ones, and would count as surplus.
        while cells and cells[-1].text is None and cells[-1].problem is None:
            cells.pop()
        if cells:
            yield number, cells


def _cell(
    cell: Any, place: int, number: int, nulls: Collection[str], uncomputed: Collection[str]
) -> SheetCell:
    text, kind = text_and_kind(cell.value, cell.data_type)
    if text is None:
        if uncomputed and (name := f"{_letters(place)}{number}") in uncomputed:
            return SheetCell(None, TEXT, Finding("excel.formula_without_value", params={"cell": name}))
        return SheetCell(None, TEXT)
    if kind == ERROR:
        if text in nulls:
            return SheetCell(None, TEXT)
        name = f"{_letters(place)}{number}"
        return SheetCell(None, TEXT, Finding("excel.error_value", params={"cell": name, "error": text}))
    return SheetCell(text, kind)


def _letters(place: int) -> str:
    """Return a column's letters, from its index."""
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
            f"{path}: source.skip_footer is {footer}, but there are fewer rows below the header",
            next_step="Lower source.skip_footer.",
        )


def _header_names(header: Sequence[str | None]) -> tuple[list[str], tuple[str, ...]]:
    """Return the header's names, a repeated one numbered and an empty one empty, and what was changed."""
    texts = [(text or "").strip() for text in header]
    names, _, renamed = unique_names(texts)
    return [name if text else "" for text, name in zip(texts, names, strict=True)], tuple(renamed)


class _RecordCollector:
    """Collect records, and give their columns types when all are there.

    Args:
        header: The cells of the header; None where there is none.
    """

    def __init__(self, header: Sequence[str | None] | None) -> None:
        self._header: list[str] | None = None
        self._changes: tuple[str, ...] = ()
        if header is not None:
            self._header, self._changes = _header_names(header)
        self._kinds: list[set[str]] = [set() for _ in header or ()]
        self._chunks: list[pl.DataFrame] = []
        self._held: list[list[str | None]] = []
        self._lines: list[int] = []
        self._problems: list[str | None] = []
        self._extra: dict[int, tuple[str, ...]] = {}

    def add(self, number: int, cells: Sequence[SheetCell]) -> None:
        """Add a record."""
        width = len(cells) if self._header is None else len(self._header)
        while len(self._kinds) < width:
            self._kinds.append(set())
        surplus = cells[width:]
        problems = [
            replace(cell.problem, column=self._name(place))
            for place, cell in enumerate(cells[:width])
            if cell.problem
        ]
        if surplus:
            self._extra[len(self._lines)] = tuple(cell.text or "" for cell in surplus)
            params: dict[str, JsonValue] = {"cells": len(cells), "columns": width, "basis": "header"}
            problems.append(Finding("row.too_many_cells", params=params))
        for cell, kinds in zip(cells, self._kinds, strict=False):
            if cell.text is not None:
                kinds.add(cell.kind)
        self._held.append([cell.text for cell in cells[:width]])
        self._lines.append(number)
        self._problems.append(dump_findings(problems) if problems else None)
        if len(self._held) >= _ROWS_AT_ONCE:
            self._spill()

    def finished(self, path: str, first_row: int) -> SheetRows:
        """Return the records, each column with the type of its cells."""
        self._spill()
        # Diagonal: without a header, later rows may be wider, and earlier chunks lack their columns.
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
        columns.append(pl.Series(PROBLEM, self._problems, pl.String))
        lines = np.array(self._lines, dtype=np.int64)
        nowhere = np.zeros(len(lines), dtype=np.int64)  # a sheet's rows have no offsets
        return SheetRows(
            first_row=first_row,
            has_header=self._header is not None,
            names=tuple(names),
            records=Chunk(pl.DataFrame(columns), nowhere, nowhere, lines, lines + 1, self._extra),
            mixed=tuple(mixed),
            changes=self._changes,
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
