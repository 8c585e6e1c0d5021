"""Validate a dry run's rows, a batch at a time; only those that would not be sent become Python values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.findings import dump_params
from loader.identity import DuplicateIndex, decide_rows
from loader.mapping import EXTERNAL_ID_PATH
from loader.payload import FILE
from loader.records import (
    EXTERNAL_ID,
    LINE,
    RECORD_NO,
    ROW_NO,
    STATE,
    DecidedRow,
    ExistingRecord,
    Status,
)
from loader.report.findings import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.identity import KnownIds, Row
    from loader.payload.results import Payloads
    from loader.pipeline.rows.transform import Transformer
    from loader.records import Batch

_RECORD_BITS: Final = 40
_VALID: Final = Status.PENDING  # what a row that would be sent counts as


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """A batch, decided as a load would have decided it.

    Attributes:
        payloads: Its bodies and findings by themselves.
        decided: Its rows that would not be sent, the filtered ones left out.
        findings: Every finding, of `loader.report.findings.SCHEMA`, in the order of the source.
    """

    payloads: Payloads
    decided: list[DecidedRow]
    findings: pl.DataFrame


class Validator:
    """Validates the batches of a dry run, in order.

    Args:
        transformer: Maps them.
        file_names: The names of the source's files.
        elsewhere: What earlier loads know of external ids; None: there were none.
    """

    def __init__(
        self, transformer: Transformer, file_names: Sequence[str], elsewhere: KnownIds | None
    ) -> None:
        self._transformer = transformer
        self._file_names = file_names
        self._elsewhere = elsewhere
        self._index = DuplicateIndex()
        self.totals: Counter[Status] = Counter()
        """Rows by what they became; those that would be sent are PENDING."""

    def validate(self, batch: Batch) -> ValidatedBatch:
        """Validate a batch."""
        payloads = self._transformer.payloads(batch)
        rows = payloads.rows
        known = self._known(rows)
        filtered = rows[STATE] == "filtered"
        # Most rows of most sources are ready and new: to make a value of each would take most of the time.
        odd = ~filtered & (rows[STATE] != "ready")
        odd |= self._repeats(batch, rows)
        if known:
            odd |= ~filtered & rows[EXTERNAL_ID].is_in(list(known)).fill_null(value=False)
        rows_decided = self._decide(batch, payloads, odd, known)
        self._count(rows.height, int(filtered.sum()), rows_decided)
        decided = [row for row in rows_decided if isinstance(row, DecidedRow)]
        return ValidatedBatch(payloads, decided, _findings(batch, payloads, decided))

    def _known(self, rows: pl.DataFrame) -> Mapping[str, ExistingRecord]:
        if self._elsewhere is None:
            return {}
        return self._elsewhere(rows[EXTERNAL_ID].drop_nulls().to_list())

    def _repeats(self, batch: Batch, rows: pl.DataFrame) -> pl.Series:
        """Return whether a row's external id is that of an earlier one; a filtered row takes none."""
        takes = (rows[EXTERNAL_ID].is_not_null() & (rows[STATE] != "filtered")).to_numpy()
        repeats = np.zeros(rows.height, dtype=np.bool_)
        # File and record number in one integer: a place costs 8 bytes, and places sort as the source does.
        places = (batch.file.file_no << _RECORD_BITS) | rows[RECORD_NO].to_numpy()
        repeats[takes] = self._index.add(rows[EXTERNAL_ID].filter(takes), places[takes])
        return pl.Series(repeats)

    def _decide(
        self, batch: Batch, payloads: Payloads, odd: pl.Series, known: Mapping[str, ExistingRecord]
    ) -> Sequence[Row]:
        if not odd.any():
            return []
        return decide_rows(
            list(self._transformer.rows(batch, payloads, odd)),
            elsewhere=lambda _: known,  # asked for the whole batch already, to find these rows
            here=self._first_rows,
            id_field=EXTERNAL_ID_PATH,
            file_names=self._file_names,
        )

    def _first_rows(self, ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return the first row of each external id, as `decide_rows` asks for it."""
        places = self._index.first(pl.Series(ids, dtype=pl.String))
        mask = (1 << _RECORD_BITS) - 1
        return {
            external_id: ExistingRecord(_VALID, "", place >> _RECORD_BITS, place & mask, None, None)
            for external_id, place in zip(ids, places, strict=True)
            if place >= 0
        }

    def _count(self, height: int, filtered: int, rows: Sequence[Row]) -> None:
        others = Counter(row.status for row in rows if isinstance(row, DecidedRow))
        # Only rows that became values are counted one by one; all others are filtered or valid.
        self.totals.update(others)
        self.totals[Status.FILTERED] += filtered
        self.totals[_VALID] += height - filtered - others.total()


def _findings(batch: Batch, payloads: Payloads, decided: Sequence[DecidedRow]) -> pl.DataFrame:
    """Return every finding of the rows that would not be sent; rows that are already loaded have none."""
    status = pl.DataFrame(
        [(row.record_no, row.status.value) for row in decided if row.status is not Status.ALREADY_LOADED],
        schema={RECORD_NO: pl.Int64, "status": pl.String},
        orient="row",
    )
    if not status.height:
        return SCHEMA.to_frame()
    own = payloads.findings.join(status, on=RECORD_NO, how="inner", maintain_order="left")
    frame = _of_schema(own, batch.file.name)
    more = _of_identity(batch, payloads, decided)
    return frame if not more.height else pl.concat([frame, more]).sort("record_no", maintain_order=True)


def _of_schema(own: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return a batch's findings in SCHEMA: a row is named where it is not the record's first."""
    if ROW_NO in own.columns:
        elsewhere = pl.col(FILE).is_not_null() | (pl.col(ROW_NO) != pl.col(RECORD_NO))
        own = own.with_columns(
            pl.when(elsewhere).then(pl.col(ROW_NO)).alias("row_no"), pl.col(FILE).alias("row_file")
        )
    else:
        own = own.with_columns(
            pl.lit(None, pl.Int64).alias("row_no"), pl.lit(None, pl.String).alias("row_file")
        )
    # Rename after FILE has gone to `row_file`: `file` is that of the source.
    renamed = own.drop(FILE, strict=False).rename(
        {RECORD_NO: "record_no", LINE: "line", EXTERNAL_ID: "external_id"}
    )
    return renamed.with_columns(pl.lit(file).alias("file")).select(SCHEMA.names())


def _of_identity(batch: Batch, payloads: Payloads, decided: Sequence[DecidedRow]) -> pl.DataFrame:
    """Return what was found of rows by their external ids: the batch's own findings lack it."""
    own = Counter(payloads.findings[RECORD_NO].to_list())
    lines = [
        {
            "file": batch.file.name,
            "record_no": row.record_no,
            "external_id": row.external_id,
            "status": row.status.value,
            "field": finding.field,
            "column": finding.column,
            "value": finding.value,
            "code": finding.code,
            "params": dump_params(finding.params),
        }
        for row in decided
        if row.status is not Status.ALREADY_LOADED
        for finding in row.findings[own[row.record_no] :]
    ]
    places = payloads.rows.select(pl.col(RECORD_NO).alias("record_no"), pl.col(LINE).alias("line"))
    return (
        pl.DataFrame(lines, schema=SCHEMA)
        .drop("line")
        .join(places, on="record_no", how="left", maintain_order="left")
        .select(SCHEMA.names())
    )
