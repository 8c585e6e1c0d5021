"""A dry run's rows, judged a batch at a time: only those that would not be sent are looked at one by one."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.pipeline.rows.transform import KnownElsewhere, TransformedBatch, decide
from loader.pipeline.validation.duplicate_index import DuplicateIndex
from loader.records import (
    EXTERNAL_ID,
    LINE,
    RECORD_NO,
    ROW_NO,
    STATE,
    DecidedRow,
    ExistingRecord,
    SendableRow,
    Status,
)
from loader.report.findings import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.payload.results import Payloads
    from loader.pipeline.rows.transform import Transformer
    from loader.records import Batch

_RECORD_BITS: Final = 40
_SENT: Final = Status.PENDING  # what a row that would be sent counts as until the end


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """A batch, judged as a load would have judged it.

    Attributes:
        payloads: Its bodies and findings by themselves.
        judged: Its rows that would not be sent, the filtered ones left out.
        findings: Every finding, of `loader.report.findings.SCHEMA`, in the order of the source.
    """

    payloads: Payloads
    judged: list[DecidedRow]
    findings: pl.DataFrame


class Validator:
    """Judges the batches of a dry run, in order.

    Args:
        preparer: Maps them.
        elsewhere: What earlier loads know of external ids; None: there were none.
    """

    def __init__(self, preparer: Transformer, elsewhere: KnownElsewhere | None) -> None:
        self._preparer = preparer
        self._elsewhere = elsewhere
        self._seen = DuplicateIndex()
        self.totals: Counter[Status] = Counter()
        """Rows by what they became; those that would be sent are PENDING."""

    def judge(self, batch: Batch) -> ValidatedBatch:
        """Judges a batch."""
        payloads = self._preparer.payloads(batch)
        rows = payloads.rows
        known = self._known(rows)
        filtered = rows[STATE] == "filtered"
        odd = ~filtered & (rows[STATE] != "ready")
        again = self._again(batch, rows)
        odd |= again
        if known:
            odd |= ~filtered & rows[EXTERNAL_ID].is_in(list(known)).fill_null(value=False)
        decided = self._decided(batch, payloads, odd, known)
        self._count(rows.height, int(filtered.sum()), decided)
        judged = [row for row in decided if isinstance(row, DecidedRow)]
        return ValidatedBatch(payloads, judged, _findings(batch, payloads, judged))

    def _known(self, rows: pl.DataFrame) -> Mapping[str, ExistingRecord]:
        if self._elsewhere is None:
            return {}
        return self._elsewhere(rows[EXTERNAL_ID].drop_nulls().to_list())

    def _again(self, batch: Batch, rows: pl.DataFrame) -> pl.Series:
        """Whether a row's external id stands in an earlier one; a filtered row takes none."""
        takes = (rows[EXTERNAL_ID].is_not_null() & (rows[STATE] != "filtered")).to_numpy()
        again = np.zeros(rows.height, dtype=np.bool_)
        places = (batch.file.file_no << _RECORD_BITS) | rows[RECORD_NO].to_numpy()
        again[takes] = self._seen.add(rows[EXTERNAL_ID].filter(takes), places[takes])
        return pl.Series(again)

    def _decided(
        self, batch: Batch, payloads: Payloads, odd: pl.Series, known: Mapping[str, ExistingRecord]
    ) -> Sequence[SendableRow | DecidedRow]:
        if not odd.any():
            return []
        rows = list(self._preparer.rows(batch, payloads, odd))
        prepared = TransformedBatch(batch.start, batch.end.seq, rows)
        return decide(prepared, lambda _: known, self._first).rows

    def _first(self, ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """The first row of each external id, as `decide` asks for it."""
        places = self._seen.first(pl.Series(ids, dtype=pl.String))
        mask = (1 << _RECORD_BITS) - 1
        return {
            each: ExistingRecord(_SENT, "", place >> _RECORD_BITS, place & mask, None, None)
            for each, place in zip(ids, places, strict=True)
            if place >= 0
        }

    def _count(self, height: int, filtered: int, decided: Sequence[SendableRow | DecidedRow]) -> None:
        others = Counter(row.status for row in decided if isinstance(row, DecidedRow))
        self.totals.update(others)
        self.totals[Status.FILTERED] += filtered
        self.totals[_SENT] += height - filtered - others.total()


def _findings(batch: Batch, payloads: Payloads, judged: Sequence[DecidedRow]) -> pl.DataFrame:
    """Every finding of the rows that would not be sent; those of rows that are already loaded go."""
    status = pl.DataFrame(
        [(row.record_no, row.status.value) for row in judged],
        schema={RECORD_NO: pl.Int64, "status": pl.String},
        orient="row",
    ).filter(pl.col("status") != Status.ALREADY_LOADED.value)
    if not status.height:
        return SCHEMA.to_frame()
    own = payloads.findings.join(status, on=RECORD_NO, how="inner", maintain_order="left")
    if ROW_NO in own.columns:
        own = own.with_columns(_with_row().alias("message"))
    told = own.rename({RECORD_NO: "record_no", LINE: "line", EXTERNAL_ID: "external_id"})
    told = told.with_columns(pl.lit(batch.file.name).alias("file")).select(SCHEMA.names())
    more = _decisions(batch, payloads, judged)
    return told if not more.height else pl.concat([told, more]).sort("record_no", maintain_order=True)


def _with_row() -> pl.Expr:
    """A finding's message, with the number of its row where that is not the record's first."""
    other = pl.col(ROW_NO) != pl.col(RECORD_NO)
    told = pl.format("record {}: {}", ROW_NO, "message")
    return pl.when(other).then(told).otherwise(pl.col("message"))


def _decisions(batch: Batch, payloads: Payloads, judged: Sequence[DecidedRow]) -> pl.DataFrame:
    """What was found of rows by their external ids: it stands in none of the batch's own findings."""
    own = Counter(payloads.findings[RECORD_NO].to_list())
    found = []
    for row in judged:
        if row.status is Status.ALREADY_LOADED:
            continue
        told = json.loads(row.findings) if row.findings else [{"field": "", "message": row.message}]
        for each in told[own[row.record_no] :]:
            names = ("field", "column", "value", "expected", "message")
            place = (batch.file.name, row.record_no, None, row.external_id, row.status.value)
            found.append((*place, *(each.get(name) for name in names)))
    lines = payloads.rows.select(pl.col(RECORD_NO).alias("record_no"), pl.col(LINE).alias("line"))
    return (
        pl.DataFrame(found, schema=SCHEMA, orient="row")
        .drop("line")
        .join(lines, on="record_no", how="left", maintain_order="left")
        .select(SCHEMA.names())
    )
