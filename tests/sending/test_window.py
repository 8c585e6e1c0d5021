"""Rows between reading and the ledger: what gets an intent, and when outcomes are committed."""

from __future__ import annotations

import pytest

from loader.records import DecidedRow, Outcome, Position, SendableRow, Status
from loader.sending.window import LINGER_S, MOST_DECIDED, SendWindow, WaitingRows


def ready(seq: int) -> SendableRow:
    """A row to send."""
    return SendableRow(seq, 0, seq + 1, None, b"", b"hash")


def filtered(seq: int) -> DecidedRow:
    """A row that is not sent."""
    return DecidedRow(seq, 0, seq + 1, None, Status.FILTERED)


def created(seq: int) -> Outcome:
    """The outcome of a row."""
    return Outcome(seq, Status.CREATED, "x", 200)


def waiting(*rows: SendableRow | DecidedRow) -> WaitingRows:
    """Rows of one batch."""
    queue = WaitingRows()
    queue.add(Position(), rows)
    return queue


def test_rows_are_taken_in_order_up_to_the_room() -> None:
    """A row that finds no room holds back the decided ones behind it: the ledger takes no gaps."""
    queue = waiting(filtered(0), ready(1), ready(2), filtered(3), ready(4))
    decided, intents = queue.take(1, sending=True)
    assert [row.seq for row in decided] == [0]
    assert [row.seq for row in intents] == [1]
    decided, intents = queue.take(9, sending=True)
    assert [row.seq for row in decided] == [3]
    assert [row.seq for row in intents] == [2, 4]
    assert not queue


def test_a_load_that_stops_takes_all_rows_as_pending() -> None:
    """Rows that were read and not sent keep their payload's hash."""
    queue = waiting(ready(0), filtered(1), ready(2))
    decided, intents = queue.take(0, sending=False)
    assert [(row.seq, row.status) for row in decided] == [
        (0, Status.PENDING),
        (1, Status.FILTERED),
        (2, Status.PENDING),
    ]
    assert decided[0].payload_hash == b"hash"
    assert not intents


def test_a_commit_has_not_too_many_decided_rows() -> None:
    """The rest waits for the next one."""
    queue = waiting(*(filtered(seq) for seq in range(MOST_DECIDED + 1)))
    assert len(queue.take(0, sending=True)[0]) == MOST_DECIDED
    assert len(queue.take(0, sending=True)[0]) == 1


def test_checkpoints_are_taken_once() -> None:
    """Each batch start goes to the ledger with the first commit after it."""
    queue = waiting(ready(0))
    queue.add(Position(1), [ready(1)])
    taken = [queue.take_checkpoints(), queue.take_checkpoints()]
    assert taken == [[Position(), Position(1)], []]
    assert len(queue.take(9, sending=True)[1]) == 2


def test_an_outcome_makes_room_before_it_is_durable() -> None:
    """Twice the concurrency may be in progress; one with an outcome is not, but it counts until committed."""
    window = SendWindow(3)
    assert window.room == 6
    window.sent(6)
    assert window.room == 0
    window.add(created(0), 1.0)
    assert window.room == 1
    assert [outcome.seq for outcome in window.take()] == [0]
    assert window.room == 1
    assert bool(window)
    assert not window.has_outcomes


@pytest.mark.parametrize(
    ("under_way", "outcomes", "later", "due"),
    [
        (6, 0, 9.0, False),
        (6, 1, 0.0, False),
        (6, 1, LINGER_S, True),
        (6, 3, 0.0, True),
        (2, 2, 0.0, True),
    ],
    ids=["none", "one of many", "old enough", "a full group", "no other can come"],
)
def test_when_outcomes_are_due(under_way: int, outcomes: int, later: float, *, due: bool) -> None:
    """They wait for others, but not for long, and not where none can come."""
    window = SendWindow(3)
    window.sent(under_way)
    for seq in range(outcomes):
        window.add(created(seq), 100.0)
    assert window.is_due(100.0 + later) == due
    assert window.time_left(100.1) == (pytest.approx(LINGER_S - 0.1) if outcomes else None)
