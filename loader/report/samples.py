"""A few records to look at beside their source rows, chosen so that they differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.records import CORE, EXTERNAL_ID, LINE, PROBLEM, RECORD_NO, STATE
from loader.report.page.values import Capped, Place, Sample

if TYPE_CHECKING:
    from loader.records import Batch, Payloads

_OWN: Final = (RECORD_NO, LINE, PROBLEM)
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
        self._chosen: dict[str, tuple[int, Sample]] = {}

    def add(self, batch: Batch, payloads: Payloads) -> None:
        """Looks through a batch.

        Args:
            batch: The source's rows.
            payloads: What they became.
        """
        lengths = payloads.rows.select(
            RECORD_NO,
            pl.when(pl.col(STATE) == "ready").then(pl.col(CORE).str.len_bytes()).alias("length"),
        )
        ready = lengths.drop_nulls("length")
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
        source = batch.rows.row(by_predicate=pl.col(RECORD_NO) == record_no, named=True)
        cells = [
            (name, None if cell is None else str(cell)[:_WIDEST])
            for name, cell in source.items()
            if name not in _OWN
        ]
        place = Place(record_no, made[LINE], made[EXTERNAL_ID], batch.file.name)
        payload = json.dumps(json.loads(made[CORE]), ensure_ascii=False, indent=2)
        sample = Sample(place, Capped.of(cells, at_most=_CELLS, total=len(cells)), payload, _WHY[kind])
        self._chosen[kind] = (length, sample)

    def chosen(self) -> tuple[Sample, ...]:
        """At most three, each another record, in the order of the source."""
        different = {sample.place: sample for _, sample in reversed(self._chosen.values())}
        return tuple(sorted(different.values(), key=lambda each: (each.place.file, each.place.record_no)))
