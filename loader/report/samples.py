"""A few records to look at beside their source rows, chosen so that they differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.records import CORE, EXTERNAL_ID, GROUP, LINE, PARENT, RECORD_NO, ROW_NO, STATE, RowFate
from loader.report.page.values import SamplePayload
from loader.report.values import Capped, RowPlace
from loader.settings import FORMAT_TRAITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from loader.payload.results import Payloads
    from loader.records import Batch

_OWN: Final = "__"  # the columns that are not the source's begin with this
_WHY: Final = {
    "first": "is the first that would be sent",
    "most": "has the most in it",
    "least": "has the least in it",
    "next": "is the next one",
    "after": "is the one after that",
}
_CELLS: Final = 500
_MOST_SAMPLES: Final = 3
_ROWS: Final = 20  # rows of a group, or of a second file, that are kept of a record
_WIDEST: Final = 2_000  # characters of a cell that are kept


class Samples:
    """Keeps records that would be sent: the longest and the shortest payload, and the first three.

    The second and the third are only shown where there would be fewer than three otherwise.
    """

    def __init__(self) -> None:
        self._chosen: dict[str, tuple[int, SamplePayload]] = {}

    def add(self, batch: Batch, payloads: Payloads, unsent: Collection[int] = ()) -> None:
        """Look through a batch.

        Args:
            batch: The source's rows.
            payloads: What they became.
            unsent: Record numbers of rows that would not be sent, whatever they became by themselves.
        """
        lengths = payloads.rows.select(
            RECORD_NO,
            pl.when(pl.col(STATE) == RowFate.READY).then(pl.col(CORE).str.len_bytes()).alias("length"),
        )
        ready = lengths.drop_nulls("length").filter(~pl.col(RECORD_NO).is_in(list(unsent)))
        if not ready.height:
            return
        kinds = [kind for kind in ("first", "next", "after") if kind not in self._chosen]
        for place, kind in enumerate(kinds[: ready.height]):
            self._choose(kind, ready[place], batch, payloads)
        longest, shortest = ready["length"].arg_max() or 0, ready["length"].arg_min() or 0
        if int(ready["length"][longest]) > self._length("most", -1):
            self._choose("most", ready[longest], batch, payloads)
        if int(ready["length"][shortest]) < self._length("least", int(ready["length"][shortest]) + 1):
            self._choose("least", ready[shortest], batch, payloads)

    def _length(self, kind: str, none: int) -> int:
        return self._chosen[kind][0] if kind in self._chosen else none

    def _choose(self, kind: str, row: pl.DataFrame, batch: Batch, payloads: Payloads) -> None:
        record_no, length = row.row(0)
        result = payloads.rows.row(by_predicate=pl.col(RECORD_NO) == record_no, named=True)
        cells = list(_cells(batch, record_no))
        place = RowPlace(record_no, result[LINE], result[EXTERNAL_ID], batch.file.name)
        payload = json.dumps(json.loads(result[CORE]), ensure_ascii=False, indent=2)
        sample = SamplePayload(place, Capped.of(cells, at_most=_CELLS, total=len(cells)), payload, _WHY[kind])
        self._chosen[kind] = (length, sample)

    def chosen(self) -> tuple[SamplePayload, ...]:
        """Return at most three different records, in the order of the source."""
        different: dict[RowPlace, SamplePayload] = {}
        for kind in ("first", "most", "least", "next", "after"):
            if kind in self._chosen and len(different) < _MOST_SAMPLES:
                different.setdefault(self._chosen[kind][1].place, self._chosen[kind][1])
        return tuple(
            sorted(different.values(), key=lambda sample: (sample.place.file, sample.place.record_no))
        )


def _cells(batch: Batch, record_no: int) -> Iterator[tuple[str, str | None]]:
    """Yield the cells of a record's rows: its first one, then others of its group and of second files."""
    first = batch.rows.row(by_predicate=pl.col(RECORD_NO) == record_no, named=True)
    yield from _named_cells(first, batch, "")
    for name, child in batch.children.items():
        for row in child.filter(pl.col(PARENT) == record_no).head(_ROWS).iter_rows(named=True):
            if name != GROUP:
                yield from _named_cells(row, batch, f"{name.partition(': ')[0]}, record {row[RECORD_NO]}: ")
            elif row[RECORD_NO] != first.get(ROW_NO):
                yield from _named_cells(row, batch, f"record {row[RECORD_NO]}: ")


def _named_cells(row: dict[str, Any], batch: Batch, before: str) -> Iterator[tuple[str, str | None]]:
    for name, cell in row.items():
        if not name.startswith(_OWN):
            empty = cell is None or (cell == "" and FORMAT_TRAITS[batch.file.format].only_text)
            yield f"{before}{name}", None if empty else str(cell)[:_WIDEST]
