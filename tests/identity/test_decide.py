"""Which rows must not be sent because of their external id, and what is found of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.findings import Finding
from loader.identity import decide_rows, payload_hash
from loader.records import DecidedRow, ExistingRecord, SendableRow, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.identity import KnownIds, Row

HASH = payload_hash('{"name": "One"}')
BROKEN = Finding("required.empty", "name")
WAITING = Finding("lookup.not_found", "template_id", params={"record_type": "billing-template"})


def ready(seq: int, external_id: str | None, file_no: int = 0) -> SendableRow:
    """A row that is to be sent."""
    return SendableRow(seq, file_no, seq + 1, external_id, b"{}", HASH)


def decided(seq: int, external_id: str | None, status: Status, *findings: Finding) -> DecidedRow:
    """A row that is decided by itself."""
    return DecidedRow(seq, 0, seq + 1, external_id, status, findings=findings, line=seq + 2)


def knows(**records: ExistingRecord) -> KnownIds:
    """A memory of external ids."""

    def known(external_ids: Sequence[str]) -> Mapping[str, ExistingRecord]:
        return {key: records[key] for key in external_ids if key in records}

    return known


def nothing_known(external_ids: Sequence[str]) -> Mapping[str, ExistingRecord]:  # noqa: ARG001 - it is a KnownIds
    """What is known where there is no journal: nothing."""
    return {}


def decide(
    rows: Sequence[Row], elsewhere: KnownIds = nothing_known, here: KnownIds = nothing_known
) -> list[Row]:
    """The rows as the rules decide them."""
    return decide_rows(
        rows, elsewhere=elsewhere, here=here, id_field="sys_external_id", file_names=["a.csv", "b.csv"]
    )


def existing(status: Status = Status.CREATED, payload: bytes | None = HASH) -> ExistingRecord:
    """What load L1 knows of an id, in record 7."""
    return ExistingRecord(status, "L1", 0, 7, "id-1" if status is Status.CREATED else None, payload)


def test_rows_with_ids_of_their_own_are_sent() -> None:
    """Nothing is known of them, and no two have the same id; rows without an id are never the same."""
    rows = [ready(0, "A"), ready(1, "B"), ready(2, None), ready(3, None)]
    assert decide(rows) == rows


def test_the_second_row_with_an_id_is_a_duplicate() -> None:
    """In one batch: the finding names the first row, and the file only where it is another one."""
    first, second, third = decide([ready(0, "A"), ready(1, "A"), ready(2, "A", file_no=1)])
    assert first == ready(0, "A")
    assert isinstance(second, DecidedRow)
    assert isinstance(third, DecidedRow)
    assert (second.status, second.payload_hash) == (Status.INVALID, None)
    assert second.findings == (
        Finding("external_id.duplicate", "sys_external_id", value="A", params={"record_no": 1}),
    )
    assert third.findings[0].params == {"record_no": 1, "file": "a.csv"}


def test_a_row_of_an_earlier_batch_comes_first() -> None:
    """What this load knows counts; a row that it asks for again is its own first."""
    here = knows(A=ExistingRecord(Status.PENDING, "L2", 0, 1, None, None))
    assert decide([ready(0, "A")], here=here) == [ready(0, "A")]
    (repeated,) = decide([ready(4, "A")], here=here)
    assert isinstance(repeated, DecidedRow)
    assert repeated.findings[0].params == {"record_no": 1}


def test_what_is_wrong_with_a_duplicate_by_itself_stays() -> None:
    """Its own findings come first, and its line is kept."""
    _, row = decide([ready(0, "A"), decided(1, "A", Status.INVALID, BROKEN)])
    assert isinstance(row, DecidedRow)
    assert [finding.code for finding in row.findings] == ["required.empty", "external_id.duplicate"]
    assert row.line == 3


@pytest.mark.parametrize(
    ("payload", "code"),
    [(HASH, "external_id.already_loaded"), (None, "external_id.already_loaded"), (b"x", "changed.payload")],
)
def test_a_row_that_an_earlier_load_created_is_already_loaded(payload: bytes | None, code: str) -> None:
    """With the id of its record; changed where it was created from another payload."""
    (row,) = decide([ready(0, "A")], knows(A=existing(payload=payload)))
    assert isinstance(row, DecidedRow)
    assert (row.status, row.id, row.payload_hash) == (Status.ALREADY_LOADED, "id-1", HASH)
    assert row.findings == (Finding(code, params={"load_id": "L1"}),)


def test_what_is_loaded_already_waits_for_no_lookup() -> None:
    """Its payload is not known yet, so that it is not the one that was sent."""
    (row,) = decide([decided(0, "A", Status.BLOCKED, WAITING)], knows(A=existing()))
    assert isinstance(row, DecidedRow)
    assert row.status is Status.ALREADY_LOADED
    assert [finding.code for finding in row.findings] == ["changed.payload"]


def test_a_row_in_doubt_elsewhere_is_blocked() -> None:
    """Beside what it waits for already."""
    doubt = knows(A=existing(Status.IN_DOUBT))
    for row, codes in (
        (ready(0, "A"), ["external_id.in_doubt_elsewhere"]),
        (
            decided(0, "A", Status.BLOCKED, WAITING),
            ["lookup.not_found", "external_id.in_doubt_elsewhere"],
        ),
    ):
        (blocked,) = decide([row], doubt)
        assert isinstance(blocked, DecidedRow)
        assert blocked.status is Status.BLOCKED
        assert [finding.code for finding in blocked.findings] == codes
        assert blocked.findings[-1].params == {"load_id": "L1", "record_no": 7}


def test_a_row_that_is_wrong_by_itself_stays_invalid() -> None:
    """What another load did with its id does not matter."""
    row = decided(0, "A", Status.INVALID, BROKEN)
    assert decide([row], knows(A=existing())) == [row]


def test_a_filtered_row_has_no_identity() -> None:
    """It takes no id, and is neither a duplicate nor loaded already."""
    filtered = decided(0, "A", Status.FILTERED)
    assert decide([filtered, ready(1, "A")], here=nothing_known) == [filtered, ready(1, "A")]
    assert decide([ready(0, "A"), decided(1, "A", Status.FILTERED)], knows(A=existing()))[1] == decided(
        1, "A", Status.FILTERED
    )


def test_a_long_id_is_cut_short() -> None:
    """A finding shows sixty characters of it."""
    _, row = decide([ready(0, "x" * 100), ready(1, "x" * 100)])
    assert isinstance(row, DecidedRow)
    assert row.findings[0].value == "x" * 60 + "…"
