"""A person's decisions about rows in doubt, and rows that are tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from loader.errors import LoaderError
from loader.findings import Finding
from loader.records import Outcome, Status
from tests.journal.journal_values import created, decided, load, ready, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from tests.journal.journals import JournalStore

ID = load().load_id
OTHER = "20261122T101500Z-00000002"
AT = datetime(2026, 11, 22, 12, 30, tzinfo=timezone(timedelta(hours=2)))
STATUSES = [
    *(Status.CREATED, Status.IN_DOUBT, Status.REFUSED, Status.REFUSED, Status.BLOCKED, Status.INVALID),
    *(Status.IN_DOUBT, Status.PENDING),
]


def fill(journal: Journal, load_id: str) -> None:
    """A load with rows of many kinds: row 2 is refused with 409, row 3 with 400."""
    journal.begin(load(load_id))
    journal.commit(
        load_id,
        intents=[ready(seq) for seq in (0, 1, 2, 3, 6, 7)],
        decided=[decided(4, Status.BLOCKED), decided(5)],
    )
    journal.commit(
        load_id,
        outcomes=[
            created(0),
            *(Outcome(seq, Status.IN_DOUBT, None, 500) for seq in (1, 6)),
            refused(2, "nothing there", 409),
            refused(3, "wrong", 400),
            Outcome(7, Status.PENDING),
        ],
    )


@pytest.fixture
def journal(store: JournalStore) -> Iterator[Journal]:
    """A journal with two loads of such rows."""
    with store.open() as journal:
        fill(journal, ID)
        fill(journal, OTHER)
        yield journal
        for load_id in (ID, OTHER):
            scanned = statuses(journal, load_id)
            counted = journal.totals(load_id)
            assert counted == {status: scanned.count(status) for status in Status}


def statuses(journal: Journal, load_id: str = ID) -> list[Status]:
    """Every row's status, in order."""
    return [row.status for row in journal.row_results(load_id)]


def test_decisions_move_rows_and_are_kept(journal: Journal) -> None:
    """Rows become created (with the id that was given) or pending; who decided and when is kept, in UTC."""
    journal.record_decisions(ID, {1: (True, "x-1"), 6: (False, None)}, by="ann", at=AT)
    results = list(journal.row_results(ID))
    expected = list(STATUSES)
    expected[1], expected[6] = Status.CREATED, Status.PENDING
    assert [row.status for row in results] == expected
    assert (results[1].id, results[6].id) == ("x-1", None)
    who = {"by": "ann", "at": "2026-11-22T10:30:00+00:00"}
    assert results[1].findings == (Finding("reconcile.reported_created", params=who),)
    assert results[6].findings == (Finding("reconcile.reported_unsent", params=who),)
    assert journal.statistics(ID).decided == 2
    assert statuses(journal, OTHER) == STATUSES


def test_an_id_goes_with_stored_rows_only(journal: Journal) -> None:
    """A row that was not stored has no record's id, whatever was decided."""
    journal.record_decisions(ID, {1: (False, "x-1"), 6: (True, None)}, by="ann", at=AT)
    results = list(journal.row_results(ID))
    assert [(results[seq].status, results[seq].id) for seq in (1, 6)] == [
        (Status.PENDING, None),
        (Status.CREATED, None),
    ]


@pytest.mark.parametrize("seq", [0, 2, 3, 4, 5, 7, 8, -1])
def test_all_decisions_or_none(journal: Journal, seq: int) -> None:
    """One row that is not in doubt, or is not there, leaves all as it was."""
    with pytest.raises(LoaderError, match=f"row {seq} is not in doubt"):
        journal.record_decisions(ID, {1: (True, "x-1"), seq: (True, None), 6: (False, None)}, by="ann", at=AT)
    assert statuses(journal) == STATUSES
    assert journal.statistics(ID).decided == 0


def test_a_row_is_decided_once(journal: Journal) -> None:
    """A decision cannot be changed afterwards."""
    journal.record_decisions(ID, {1: (True, None)}, by="ann", at=AT)
    with pytest.raises(LoaderError, match="not in doubt"):
        journal.record_decisions(ID, {1: (False, None)}, by="bob", at=AT)


def test_a_row_that_was_not_stored_may_be_sent(journal: Journal) -> None:
    """A row reported as unsent takes a new intent; one reported as created does not."""
    journal.record_decisions(ID, {1: (True, "x-1"), 6: (False, None)}, by="ann", at=datetime.now(UTC))
    assert [seq for group in journal.resume_point(ID).pending for seq in group.seqs] == [6, 7]
    journal.commit(ID, intents=[ready(6)])
    with pytest.raises(LoaderError, match="already"):
        journal.commit(ID, intents=[ready(1)])


def test_waiting_rows_are_reopened(journal: Journal) -> None:
    """Blocked rows and those refused with 409 are pending then, and no others; once."""
    assert journal.count_refused_for_now(ID) == 1
    assert journal.reopen_waiting(ID) == 2
    expected = list(STATUSES)
    expected[2] = expected[4] = Status.PENDING
    assert statuses(journal) == expected
    assert statuses(journal, OTHER) == STATUSES
    assert (journal.count_refused_for_now(ID), journal.reopen_waiting(ID)) == (0, 0)
    assert [seq for group in journal.resume_point(ID).pending for seq in group.seqs] == [2, 4, 7]


def test_reopened_rows_end_anew(journal: Journal) -> None:
    """A row that was tried again and refused for good is not tried a second time."""
    journal.reopen_waiting(ID)
    journal.commit(ID, intents=[ready(2)], decided=[decided(4, Status.BLOCKED)])
    journal.commit(ID, outcomes=[refused(2, "wrong", 400)])
    assert journal.count_refused_for_now(ID) == 0
    assert journal.reopen_waiting(ID) == 1
    assert (statuses(journal)[2], statuses(journal)[4]) == (Status.REFUSED, Status.PENDING)
