"""The rules of identity, for a batch of rows; pure: what is known of external ids is asked of functions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from loader.findings import Finding
from loader.records import DecidedRow, ExistingRecord, SendableRow, Status
from loader.text import shorten

Row: TypeAlias = SendableRow | DecidedRow

KnownIds: TypeAlias = Callable[[Sequence[str]], Mapping[str, ExistingRecord]]
"""What is known of external ids; ids of which nothing is known are left out."""


def payload_hash(core: str) -> bytes:
    """Return 16 bytes that identify a payload; `core` is its JSON without the bulk-load fields."""
    return hashlib.blake2b(core.encode(), digest_size=16).digest()


def decide_rows(
    rows: Sequence[Row],
    *,
    elsewhere: KnownIds,
    here: KnownIds,
    id_field: str,
    file_names: Sequence[str],
) -> list[Row]:
    """Return the rows, with those decided that must not be sent because of their external id.

    - An id that an earlier row of this load has: the row is invalid.
    - An id that an earlier load created: the row is already loaded, also where it waits for a lookup.
    - An id that an earlier load sent without learning the outcome: the row is blocked.

    Rows that the mapping's `where` leaves out have no identity, and rows without an external id cannot be
    recognized: both stay as they are.

    Args:
        rows: Consecutive rows, in order; all rows before them are decided.
        elsewhere: What other loads into the tenant and record type know.
        here: What this load knows: the first row of each external id.
        id_field: The payload's path of the external id.
        file_names: The names of the load's files, by their index.
    """
    # One call a batch and source of knowledge: each may be a query.
    ids = list({row.external_id for row in rows if row.external_id is not None})
    known_elsewhere = elsewhere(ids)
    first_places = {key: (record.file_no, record.record_no) for key, record in here(ids).items()}
    decided: list[Row] = []
    for row in rows:
        external_id = row.external_id
        if external_id is None or _is_filtered(row):
            decided.append(row)
            continue
        place = (row.file_no, row.record_no)
        first = first_places.setdefault(external_id, place)
        # A resumed load asks again about rows that are already written: such a row is its own first.
        if first != place:
            decided.append(_duplicate(row, first, id_field, file_names))
        elif (record := known_elsewhere.get(external_id)) and _is_sound(row):
            decided.append(_sent_elsewhere(row, record, id_field))
        else:
            decided.append(row)
    return decided


def _is_filtered(row: Row) -> bool:
    """Return whether the mapping's `where` leaves the row out, or it is no data at all."""
    return isinstance(row, DecidedRow) and row.status is Status.FILTERED


def _is_sound(row: Row) -> bool:
    """Return whether nothing is wrong with the row itself, so that what other loads did with it matters."""
    return isinstance(row, SendableRow) or row.status is Status.BLOCKED


def _duplicate(row: Row, first: tuple[int, int], id_field: str, file_names: Sequence[str]) -> DecidedRow:
    file_no, record_no = first
    file = {} if file_no == row.file_no else {"file": file_names[file_no]}
    finding = Finding(
        "external_id.duplicate",
        id_field,
        value=shorten(row.external_id or ""),
        params={"record_no": record_no, **file},
    )
    return _decided(row, Status.INVALID, (*_findings(row), finding))


def _sent_elsewhere(row: Row, record: ExistingRecord, id_field: str) -> DecidedRow:
    load = {"load_id": record.load_id}
    if record.status is not Status.CREATED:
        finding = Finding(
            "external_id.in_doubt_elsewhere",
            id_field,
            value=shorten(row.external_id or ""),
            params={**load, "record_no": record.record_no},
        )
        return _decided(row, Status.BLOCKED, (*_findings(row), finding))
    # A row that waits for a lookup has no payload yet: the record was created from another one.
    changed = record.payload_hash is not None and record.payload_hash != row.payload_hash
    code = "changed.payload" if changed else "external_id.already_loaded"
    return _decided(row, Status.ALREADY_LOADED, (Finding(code, params=load),), record.id)


def _findings(row: Row) -> tuple[Finding, ...]:
    return row.findings if isinstance(row, DecidedRow) else ()


def _decided(
    row: Row, status: Status, findings: tuple[Finding, ...], record_id: str | None = None
) -> DecidedRow:
    return DecidedRow(
        row.seq,
        row.file_no,
        row.record_no,
        row.external_id,
        status,
        id=record_id,
        findings=findings,
        line=row.line if isinstance(row, DecidedRow) else None,
        payload_hash=None if status is Status.INVALID else row.payload_hash,
    )
