"""Turn a batch of a source into rows to send and rows that are decided already, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from loader.findings import load_findings
from loader.identity import payload_hash
from loader.mapping import compile_mapping
from loader.payload import build_records, draft, findings_by_record, finish, stamp
from loader.payload.results import LookupResult
from loader.records import (
    BODY,
    CORE,
    EXTERNAL_ID,
    LINE,
    PROBLEM,
    RECORD_NO,
    STATE,
    DecidedRow,
    RowFate,
    SendableRow,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from loader.identity import Row
    from loader.mapping import CompiledMapping, MappingPlan
    from loader.payload.results import Payloads
    from loader.records import Batch, Position, SourceFile

NO_TENANT: Final = "no-tenant"
"""The tenant of bodies that are never sent."""

_SEQ: Final = "__seq"

FindIds: TypeAlias = Callable[[Mapping[str, Sequence[str]]], Mapping[str, LookupResult]]
"""What is known of keys, by record type, for lookups; a type that is left out is not known."""


def nothing_found(keys: Mapping[str, Sequence[str]]) -> Mapping[str, LookupResult]:  # noqa: ARG001 - it is a FindIds
    """Return what is known of keys where nobody can be asked: nothing."""
    return {}


@dataclass(frozen=True, slots=True)
class TransformedBatch:
    """A batch, mapped and validated by itself; its external ids are not compared with any others yet.

    Attributes:
        checkpoint: Where the batch begins.
        end_seq: The number of the first row behind those that were taken.
        rows: In file order; a `DecidedRow` is invalid, filtered, or blocked by a lookup.
    """

    checkpoint: Position
    end_seq: int
    rows: list[Row]


class Transformer:
    """Maps and validates the batches of one load.

    Args:
        mapping: How rows become records.
        load_id: The load.
        tenant: The tenant to load into.
        find: Asked once a batch for the ids that its lookups need, if it has any.
        now: The time, asked once a batch: when its rows were processed.
    """

    def __init__(
        self,
        mapping: MappingPlan,
        *,
        load_id: str,
        tenant: str,
        find: FindIds = nothing_found,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._mapping = mapping
        self._load_id = load_id
        self._tenant = tenant
        self._find = find
        self._now = now
        self._compiled: dict[int, CompiledMapping] = {}

    def compile(self, file: SourceFile) -> CompiledMapping:
        """Return the mapping compiled for a file's columns; compiled once a file.

        Raises:
            MappingError: They do not go together.
        """
        if file.file_no not in self._compiled:
            self._compiled[file.file_no] = compile_mapping(self._mapping, file.schema)
        return self._compiled[file.file_no]

    def transform(self, batch: Batch, only: Collection[int] | None = None) -> TransformedBatch:
        """Map and validate a batch.

        Args:
            batch: Consecutive records.
            only: The sequence numbers of the rows to return; None: all.
        """
        rows = self.rows(batch, self.payloads(batch))
        chosen = [row for row in rows if only is None or row.seq in only]
        return TransformedBatch(batch.start, batch.end.seq, chosen)

    def payloads(self, batch: Batch) -> Payloads:
        """Return the batch's bodies and findings."""
        compiled = self.compile(batch.file)
        if compiled.grouping is None:
            return self._build(batch.rows, compiled)
        return build_records(batch.rows, batch.children, compiled, self._build)

    def _build(self, rows: pl.DataFrame, compiled: CompiledMapping) -> Payloads:
        """Map and validate rows, with the ids that their lookups find."""
        payload_draft = draft(rows, compiled)
        keys = payload_draft.keys
        return finish(payload_draft, self._find(keys) if keys else {})

    def rows(self, batch: Batch, payloads: Payloads, mask: pl.Series | None = None) -> Iterator[Row]:
        """Yield a batch's rows, each decided by itself.

        Args:
            batch: The batch.
            payloads: What it became.
            mask: For each row, whether to yield it; None: all.
        """
        first = batch.start.seq
        numbered = payloads.rows.with_columns(
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(_SEQ),
            batch.rows[PROBLEM],  # both are in the order of the file
        )
        rows = numbered if mask is None else numbered.filter(mask)
        findings = findings_by_record(payloads)
        stamped = stamp(
            rows,
            self._mapping.record_type.bulk_load_fields,
            load_id=self._load_id,
            tenant=self._tenant,
            source_file=batch.file.name,
            processed_at=self._now(),
        )
        columns = [stamped[name] for name in (_SEQ, RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE, BODY, PROBLEM)]
        file_no = batch.file.file_no
        for seq, record_no, line, external_id, state, core, body, problem in zip(*columns, strict=True):
            if state == RowFate.READY:
                yield SendableRow(seq, file_no, record_no, external_id, body, payload_hash(core))
                continue
            status = Status(state)
            if status is not Status.FILTERED:
                reasons = findings[record_no]
            else:
                # A record that is no data at all (a repeated header) has its reason in PROBLEM alone.
                reasons = load_findings(problem) if problem else ()
            yield DecidedRow(seq, file_no, record_no, external_id, status, findings=reasons, line=line)
