"""A person's word for rows in doubt, and rows that are tried again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from loader.errors import LoaderError
from loader.journal import Journal
from loader.records import Outcome, Status
from tests.journal.journal_values import created, judged, load, ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
        judged=[judged(4, Status.BLOCKED), judged(5)],
    )
    journal.commit(
        load_id,
        outcomes=[
            created(0),
            *(Outcome(seq, Status.IN_DOUBT, None, 500, 1, "no answer") for seq in (1, 6)),
            Outcome(2, Status.REFUSED, None, 409, 1, "nothing there"),
            Outcome(3, Status.REFUSED, None, 400, 1, "wrong"),
            Outcome(7, Status.PENDING),
        ],
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with two loads of such rows."""
    with Journal.open(tmp_path) as journal:
        fill(journal, ID)
        fill(journal, OTHER)
        yield journal
        for load_id in (ID, OTHER):
            scanned = statuses(journal, load_id)
            counted = journal.totals(load_id)
            assert counted == {status: scanned.count(status) for status in Status}


def statuses(journal: Journal, load_id: str = ID) -> list[Status]:
    """Every row's status, in order."""
    return [each.status for each in journal.receipts(load_id)]


def decisions(folder: Path) -> list[tuple[object, ...]]:
    """What is kept of decisions, as it stands in the file."""
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        query = "SELECT load_id, seq, verdict, decided_by, decided_at FROM decision JOIN load USING (load_no)"
        return connection.execute(f"{query} ORDER BY seq").fetchall()


def test_decisions_move_rows_and_are_kept(journal: Journal, tmp_path: Path) -> None:
    """Rows become created (with the id that was told) or pending; who said so and when is kept, in UTC."""
    journal.decide(ID, {1: (True, "x-1"), 6: (False, None)}, by="ann", at=AT)
    receipts = list(journal.receipts(ID))
    expected = list(STATUSES)
    expected[1], expected[6] = Status.CREATED, Status.PENDING
    assert [each.status for each in receipts] == expected
    assert (receipts[1].id, receipts[6].id) == ("x-1", None)
    assert "stored by ann" in receipts[1].message
    assert "not stored by ann" in receipts[6].message
    assert decisions(tmp_path) == [
        (ID, 1, "created", "ann", "2026-11-22T10:30:00+00:00"),
        (ID, 6, "unsent", "ann", "2026-11-22T10:30:00+00:00"),
    ]
    assert statuses(journal, OTHER) == STATUSES


def test_an_id_goes_with_stored_rows_only(journal: Journal) -> None:
    """A row that was not stored has no record's id, whatever is said."""
    journal.decide(ID, {1: (False, "x-1"), 6: (True, None)}, by="ann", at=AT)
    receipts = list(journal.receipts(ID))
    assert [(receipts[seq].status, receipts[seq].id) for seq in (1, 6)] == [
        (Status.PENDING, None),
        (Status.CREATED, None),
    ]


@pytest.mark.parametrize("seq", [0, 2, 3, 4, 5, 7, 8, -1])
def test_all_decisions_or_none(journal: Journal, tmp_path: Path, seq: int) -> None:
    """One row that is not in doubt, or is not there, leaves all as it was."""
    with pytest.raises(LoaderError, match=f"row {seq} is not in doubt"):
        journal.decide(ID, {1: (True, "x-1"), seq: (True, None), 6: (False, None)}, by="ann", at=AT)
    assert statuses(journal) == STATUSES
    assert decisions(tmp_path) == []


def test_a_row_is_decided_once(journal: Journal) -> None:
    """What was said cannot be said otherwise afterwards."""
    journal.decide(ID, {1: (True, None)}, by="ann", at=AT)
    with pytest.raises(LoaderError, match="not in doubt"):
        journal.decide(ID, {1: (False, None)}, by="bob", at=AT)


def test_a_row_that_was_not_stored_may_be_sent(journal: Journal) -> None:
    """A row said to be unsent takes a new intent; one said to be created does not."""
    journal.decide(ID, {1: (True, "x-1"), 6: (False, None)}, by="ann", at=datetime.now(UTC))
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
    journal.commit(ID, intents=[ready(2)], judged=[judged(4, Status.BLOCKED)])
    journal.commit(ID, outcomes=[Outcome(2, Status.REFUSED, None, 400, 1, "wrong")])
    assert journal.count_refused_for_now(ID) == 0
    assert journal.reopen_waiting(ID) == 1
    assert (statuses(journal)[2], statuses(journal)[4]) == (Status.REFUSED, Status.PENDING)
