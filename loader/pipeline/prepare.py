"""A batch of a source becomes rows to send and rows that are judged already, in the order of the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loader.groups import build_records
from loader.mapping import EXTERNAL_ID_PATH, compile_mapping
from loader.payload import build, stamp
from loader.records import (
    BODY,
    CORE,
    EXTERNAL_ID,
    LINE,
    RECORD_NO,
    ROW_NO,
    STATE,
    Judged,
    Known,
    Ready,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from loader.mapping import CompiledMapping
    from loader.mapping import Mapping as MappingRules
    from loader.records import Batch, Payloads, Position, SourceFile

Row = Ready | Judged


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch, mapped and judged by itself: what the journal knows has not been asked yet.

    Attributes:
        checkpoint: Where the batch begins.
        end_seq: The number of the first row behind it.
        rows: In file order; a `Judged` row is invalid or filtered.
    """

    checkpoint: Position
    end_seq: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Decided:
    """A batch, judged also by what the journal knows of its external ids."""

    checkpoint: Position
    rows: list[Row]


class Preparer:
    """Maps and judges the batches of one load.

    Args:
        mapping: How rows become records.
        load_id: The load.
        tenant: Whose records they become.
        now: The time, asked once a batch; it becomes `sys_bulk_load_at`.
    """

    def __init__(
        self,
        mapping: MappingRules,
        *,
        load_id: str,
        tenant: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._mapping = mapping
        self._load_id = load_id
        self._tenant = tenant
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

    def prepare(self, batch: Batch, only: Collection[int] | None = None) -> Prepared:
        """Maps and judges a batch.

        Args:
            batch: Consecutive records.
            only: The sequence numbers that are wanted; None: all.
        """
        rows = self._rows(batch, self.payloads(batch))
        wanted = [row for row in rows if only is None or row.seq in only]
        return Prepared(batch.start, batch.end.seq, wanted)

    def payloads(self, batch: Batch) -> Payloads:
        """The batch's bodies and findings, as `prepare` has them."""
        compiled = self.compile(batch.file)
        if compiled.grouping is None:
            return build(batch.rows, compiled)
        return build_records(batch.rows, batch.children, compiled, build)

    def _rows(self, batch: Batch, payloads: Payloads) -> Iterator[Row]:
        rows, findings = payloads.rows, _by_record(payloads)
        stamped = stamp(
            rows,
            load_id=self._load_id,
            tenant=self._tenant,
            source_file=batch.file.name,
            processed_at=self._now(),
        )
        columns = [stamped[name] for name in (RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE, BODY)]
        file_no, rows_of_batch = batch.file.file_no, zip(*columns, strict=True)
        for seq, (record_no, line, external_id, state, core, body) in enumerate(
            rows_of_batch, batch.start.seq
        ):
            if state == "ready":
                yield Ready(seq, file_no, record_no, external_id, body, payload_hash(core))
            elif state == "filtered":
                yield Judged(seq, file_no, record_no, external_id, Status.FILTERED, line=line)
            else:
                found = findings[record_no]
                yield _invalid(seq, file_no, record_no, external_id, line, found)


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


def _invalid(
    seq: int,
    file_no: int,
    record_no: int,
    external_id: str | None,
    line: int | None,
    found: list[dict[str, Any]],
) -> Judged:
    return Judged(
        seq,
        file_no,
        record_no,
        external_id,
        Status.INVALID,
        message="; ".join(told_of(each) for each in found),
        findings=json.dumps(found, ensure_ascii=False, separators=(",", ":")),
        line=line,
    )


KnownElsewhere = Callable[[Sequence[str]], Mapping[str, Known]]
"""What is known of these external ids; ids that nothing is known of are left out."""


def nothing_known(external_ids: Sequence[str]) -> Mapping[str, Known]:  # noqa: ARG001 - it is a KnownElsewhere
    """Of a journal that is not there."""
    return {}


def decide(prepared: Prepared, elsewhere: KnownElsewhere, here: KnownElsewhere) -> Decided:
    """Judges a batch's rows by their external ids; all rows before it must have their lines by now.

    A row whose external id an earlier load created is already loaded; one that an earlier load has sent
    without knowing what became of it is blocked until that load is settled; one whose external id stands
    in an earlier row of this load is invalid.

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
        if external_id is None or (isinstance(row, Judged) and row.status is Status.FILTERED):
            rows.append(row)
            continue
        place = (row.file_no, row.record_no)
        first = firsts.setdefault(external_id, place)
        if first != place:
            rows.append(_repeated(row, first))
        elif isinstance(row, Ready) and (known := loaded.get(external_id)):
            rows.append(_known(row, known))
        else:
            rows.append(row)
    return Decided(prepared.checkpoint, rows)


def _repeated(row: Row, first: tuple[int, int]) -> Judged:
    file_no, record_no = first
    where = f"record {record_no}" if file_no == row.file_no else f"record {record_no} of file {file_no + 1}"
    finding = {
        "field": EXTERNAL_ID_PATH,
        "column": None,
        "value": row.external_id,
        "expected": "an external id of its own",
        "message": f'external id "{row.external_id}" stands already in {where} of this load',
    }
    found = json.loads(row.findings) if isinstance(row, Judged) and row.findings else []
    line = row.line if isinstance(row, Judged) else None
    return _invalid(row.seq, row.file_no, row.record_no, row.external_id, line, [*found, finding])


def _known(row: Ready, known: Known) -> Judged:
    if known.status is Status.CREATED:
        changed = known.payload_hash is not None and known.payload_hash != row.payload_hash
        status = Status.ALREADY_LOADED
        message = f"created by load {known.load_id}"
        if changed:
            message = f"changed: load {known.load_id} created it from another payload; it is not sent again"
    else:
        status = Status.BLOCKED
        message = (
            f"load {known.load_id} has sent a row with this external id (record {known.record_no}) and does "
            "not know whether it was stored"
        )
    return Judged(
        row.seq,
        row.file_no,
        row.record_no,
        row.external_id,
        status,
        id=known.id,
        message=message,
        payload_hash=row.payload_hash,
    )
