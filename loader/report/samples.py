"""A few records to look at beside their source rows, chosen so that they differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.records import CORE, EXTERNAL_ID, LINE, PROBLEM, RECORD_NO, ROW_NO, STATE
from loader.report.page.values import Capped, Place, Sample
from loader.report.table_csv import cell_text, with_whole_times

if TYPE_CHECKING:
    from collections.abc import Collection

    from loader.records import Batch, Payloads

_OWN: Final = (RECORD_NO, LINE, PROBLEM, ROW_NO)
_WHY: Final = {
    "first": "is the first that would be sent",
    "most": "has the most in it",
    "least": "has the least in it",
}
_CELLS: Final = 500
_WIDEST: Final = 2_000  # characters of a cell that are kept


class Samples:
    """Keeps the first record that is right, and those with the longest and the shortest payload."""

    def __init__(self) -> None:
        self._chosen: dict[str, tuple[int, int, Sample]] = {}

    def add(self, batch: Batch, payloads: Payloads, unsent: Collection[int] = ()) -> None:
        """Looks through a batch.

        Args:
            batch: The source's rows.
            payloads: What they became.
            unsent: Numbers of records that would not be sent, though nothing may be wrong with them by
                themselves.
        """
        sent = pl.col(STATE) == "ready"
        if unsent:
            sent &= ~pl.col(RECORD_NO).is_in(list(unsent))
        ready = payloads.rows.filter(sent).select(RECORD_NO, pl.col(CORE).str.len_bytes().alias("length"))
        if not ready.height:
            return
        if "first" not in self._chosen:
            self._choose("first", ready.head(1), batch, payloads)
        longest, shortest = ready["length"].arg_max() or 0, ready["length"].arg_min() or 0
        if int(ready["length"][longest]) > self._length("most", -1):
            self._choose("most", ready[longest], batch, payloads)
        if int(ready["length"][shortest]) < self._length("least", int(ready["length"][shortest]) + 1):
            self._choose("least", ready[shortest], batch, payloads)

    def _length(self, kind: str, none: int) -> int:
        return self._chosen[kind][0] if kind in self._chosen else none

    def _choose(self, kind: str, row: pl.DataFrame, batch: Batch, payloads: Payloads) -> None:
        record_no, length = row.row(0)
        made = payloads.rows.row(by_predicate=pl.col(RECORD_NO) == record_no, named=True)
        source = with_whole_times(batch.rows.filter(pl.col(RECORD_NO) == record_no)).row(0, named=True)
        cells = [
            (name, None if cell is None else cell_text(cell)[:_WIDEST])
            for name, cell in source.items()
            if name not in _OWN
        ]
        place = Place(record_no, made[LINE], made[EXTERNAL_ID], batch.file.name)
        payload = json.dumps(json.loads(made[CORE]), ensure_ascii=False, indent=2)
        sample = Sample(place, Capped.of(cells, at_most=_CELLS, total=len(cells)), payload, _WHY[kind])
        self._chosen[kind] = (length, batch.file.file_no, sample)

    def chosen(self) -> tuple[Sample, ...]:
        """At most three, each another record, in the order of the source."""
        chosen = reversed(self._chosen.values())
        different = {(file_no, sample.place.record_no): sample for _, file_no, sample in chosen}
        return tuple(different[place] for place in sorted(different))
