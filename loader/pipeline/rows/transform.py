"""A batch of a source becomes rows to send and rows that are judged already, in the order of the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import EXTERNAL_ID_PATH, compile_mapping
from loader.payload import build_records, draft, finish, stamp
from loader.payload.results import LookupResult
from loader.records import (
    BODY,
    CORE,
    EXTERNAL_ID,
    LINE,
    PROBLEM,
    RECORD_NO,
    ROW_NO,
    STATE,
    DecidedRow,
    ExistingRecord,
    SendableRow,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from loader.mapping import CompiledMapping, MappingPlan
    from loader.payload.results import Payloads
    from loader.records import Batch, Position, SourceFile

Row = SendableRow | DecidedRow

NOBODY: Final = "nobody"
"""A tenant for bodies that are never sent."""
_SEQ: Final = "__seq"
CHANGED: Final = "changed: "
"""How the message of a row begins that is already loaded, from another payload."""

FindIds = Callable[[Mapping[str, Sequence[str]]], Mapping[str, LookupResult]]
"""What is known of keys, by record type, for lookups; what is not named is not known."""


def nothing_found(keys: Mapping[str, Sequence[str]]) -> Mapping[str, LookupResult]:  # noqa: ARG001 - it is a FindIds
    """Of keys that nobody can be asked about."""
    return {}


@dataclass(frozen=True, slots=True)
class TransformedBatch:
    """A batch, mapped and judged by itself: what the journal knows of its own ids has not been asked yet.

    Attributes:
        checkpoint: Where the batch begins.
        end_seq: The number of the first row behind it.
        rows: In file order; a `DecidedRow` row is invalid, filtered, or blocked by a lookup.
    """

    checkpoint: Position
    end_seq: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class DecidedBatch:
    """A batch, judged also by what the journal knows of its external ids."""

    checkpoint: Position
    rows: list[Row]


class Transformer:
    """Maps and judges the batches of one load.

    Args:
        mapping: How rows become records.
        load_id: The load.
        tenant: Whose records they become.
        find: Asked once a batch for the ids that its lookups want, where it has any.
        now: The time, asked once a batch; it becomes `sys_bulk_load_at`.
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
        """The mapping compiled for a file's columns.

        Raises:
            MappingError: They do not go together.
        """
        if file.file_no not in self._compiled:
            self._compiled[file.file_no] = compile_mapping(self._mapping, file.schema)
        return self._compiled[file.file_no]

    def prepare(self, batch: Batch, only: Collection[int] | None = None) -> TransformedBatch:
        """Maps and judges a batch.

        Args:
            batch: Consecutive records.
            only: The sequence numbers that are wanted; None: all.
        """
        rows = self.rows(batch, self.payloads(batch))
        wanted = [row for row in rows if only is None or row.seq in only]
        return TransformedBatch(batch.start, batch.end.seq, wanted)

    def payloads(self, batch: Batch) -> Payloads:
        """The batch's bodies and findings, as `prepare` has them."""
        compiled = self.compile(batch.file)
        if compiled.grouping is None:
            return self._built(batch.rows, compiled)
        return build_records(batch.rows, batch.children, compiled, self._built)

    def _built(self, rows: pl.DataFrame, compiled: CompiledMapping) -> Payloads:
        """Maps and judges rows, with the ids that their lookups find."""
        begun = draft(rows, compiled)
        keys = begun.keys
        return finish(begun, self._find(keys) if keys else {})

    def rows(self, batch: Batch, payloads: Payloads, wanted: pl.Series | None = None) -> Iterator[Row]:
        """A batch's rows, each for itself.

        Args:
            batch: The batch.
            payloads: What it became.
            wanted: For each row, whether it is wanted; None: all are.
        """
        first = batch.start.seq
        numbered = payloads.rows.with_columns(
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(_SEQ),
            batch.rows[PROBLEM],  # both are in the order of the file
        )
        rows = numbered if wanted is None else numbered.filter(wanted)
        findings = _by_record(payloads)
        stamped = stamp(
            rows,
            load_id=self._load_id,
            tenant=self._tenant,
            source_file=batch.file.name,
            processed_at=self._now(),
        )
        columns = [stamped[name] for name in (_SEQ, RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE, BODY, PROBLEM)]
        file_no = batch.file.file_no
        for seq, record_no, line, external_id, state, core, body, problem in zip(*columns, strict=True):
            if state == "ready":
                yield SendableRow(seq, file_no, record_no, external_id, body, payload_hash(core))
            elif state == "filtered":
                told = problem or ""
                yield DecidedRow(
                    seq, file_no, record_no, external_id, Status.FILTERED, message=told, line=line
                )
            else:
                found, status = findings[record_no], Status(state)
                yield _rejected(seq, file_no, record_no, external_id, line, found, status)


def payload_hash(core: str) -> bytes:
    """16 bytes by which a payload is known again, the bulk-load fields left out."""
    return hashlib.blake2b(core.encode(), digest_size=16).digest()


def _by_record(payloads: Payloads) -> Mapping[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for record_no, finding in findings_of(payloads):
        found.setdefault(record_no, []).append(finding)
    return found


def findings_of(payloads: Payloads) -> Iterator[tuple[int, dict[str, Any]]]:
    """The findings with the number of their record, in order, as the journal keeps them."""
    for each in payloads.findings.drop(EXTERNAL_ID).iter_rows(named=True):
        record_no, line, row_no = each.pop(RECORD_NO), each.pop(LINE), each.pop(ROW_NO, None)
        if row_no not in {None, record_no}:
            each |= {"row": row_no, "line": line}
        yield record_no, each


def told_of(finding: Mapping[str, Any]) -> str:
    """A finding's message, with the place of its row where that is not the record's first."""
    if (row := finding.get("row")) is None:
        return str(finding["message"])
    line = f", line {finding['line']}" if finding.get("line") else ""
    return f"record {row}{line}: {finding['message']}"


def _rejected(
    seq: int,
    file_no: int,
    record_no: int,
    external_id: str | None,
    line: int | None,
    found: list[dict[str, Any]],
    status: Status = Status.INVALID,
) -> DecidedRow:
    return DecidedRow(
        seq,
        file_no,
        record_no,
        external_id,
        status,
        message="; ".join(told_of(each) for each in found),
        findings=json.dumps(found, ensure_ascii=False, separators=(",", ":")),
        line=line,
    )


KnownElsewhere = Callable[[Sequence[str]], Mapping[str, ExistingRecord]]
"""What is known of these external ids; ids that nothing is known of are left out."""


def nothing_known(external_ids: Sequence[str]) -> Mapping[str, ExistingRecord]:  # noqa: ARG001 - it is a KnownElsewhere
    """Of a journal that is not there."""
    return {}


def decide(prepared: TransformedBatch, elsewhere: KnownElsewhere, here: KnownElsewhere) -> DecidedBatch:
    """Judges a batch's rows by their external ids; all rows before it must have their lines by now.

    A row whose external id an earlier load created is already loaded; one that an earlier load has sent
    without knowing what became of it is blocked until that load is reconciled; one whose external id stands
    in an earlier row of this load is invalid. What is already loaded waits for no lookup.

    Args:
        prepared: The batch.
        elsewhere: What other loads into the tenant and record type know.
        here: What this load knows: the first row of each external id.
    """
    ids = list({row.external_id for row in prepared.rows if row.external_id is not None})
    loaded = elsewhere(ids)
    firsts = {external_id: (known.file_no, known.record_no) for external_id, known in here(ids).items()}
    rows: list[Row] = []
    for row in prepared.rows:
        external_id = row.external_id
        if external_id is None or (isinstance(row, DecidedRow) and row.status is Status.FILTERED):
            rows.append(row)
            continue
        place = (row.file_no, row.record_no)
        first = firsts.setdefault(external_id, place)
        if first != place:
            rows.append(_repeated(row, first))
        elif (known := loaded.get(external_id)) and _unsent(row):
            rows.append(_known(row, known))
        else:
            rows.append(row)
    return DecidedBatch(prepared.checkpoint, rows)


def _unsent(row: Row) -> bool:
    """Whether nothing is wrong with a row by itself, so that what other loads did with it matters."""
    return isinstance(row, SendableRow) or row.status is Status.BLOCKED


def _repeated(row: Row, first: tuple[int, int]) -> DecidedRow:
    file_no, record_no = first
    where = f"record {record_no}" if file_no == row.file_no else f"record {record_no} of file {file_no + 1}"
    finding = {
        "field": EXTERNAL_ID_PATH,
        "column": None,
        "value": row.external_id,
        "expected": "an external id of its own",
        "message": f'external id "{row.external_id}" stands already in {where} of this load',
    }
    return _with_finding(row, finding, Status.INVALID)


def _with_finding(row: Row, finding: dict[str, Any], status: Status) -> DecidedRow:
    """A row rejected for one more reason."""
    found = json.loads(row.findings) if isinstance(row, DecidedRow) and row.findings else []
    line = row.line if isinstance(row, DecidedRow) else None
    place = (row.seq, row.file_no, row.record_no, row.external_id, line)
    return _rejected(*place, [*found, finding], status)


def _known(row: Row, known: ExistingRecord) -> DecidedRow:
    """A row that another load has sent; one that waits for a lookup has another payload than was sent."""
    if known.status is Status.CREATED:
        changed = known.payload_hash is not None and known.payload_hash != row.payload_hash
        status = Status.ALREADY_LOADED
        message = f"created by load {known.load_id}"
        if changed:
            message = f"{CHANGED}load {known.load_id} created it from another payload; it is not sent again"
    else:
        status = Status.BLOCKED
        message = (
            f"load {known.load_id} has sent a row with this external id (record {known.record_no}) and does "
            "not know whether it was stored"
        )
        if isinstance(row, DecidedRow):
            finding = {"field": EXTERNAL_ID_PATH, "column": None, "value": row.external_id}
            expected = {"expected": "an external id whose fate is known", "message": message}
            return _with_finding(row, finding | expected, status)
    return DecidedRow(
        row.seq,
        row.file_no,
        row.record_no,
        row.external_id,
        status,
        id=known.id,
        message=message,
        payload_hash=row.payload_hash,
    )
