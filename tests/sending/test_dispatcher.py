"""Intents before bytes, outcomes in groups, and every way for a run to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pytest

from loader.errors import JournalFailed, SameRefusal, SourceLost, TokenRefused, TooManyErrors
from loader.findings import Finding
from loader.records import DecidedRow, Outcome, Position, Requests, SendableRow, Status
from loader.sending import Client, Dispatcher, DispatchResult, SendResult, StopLimits, VerdictKind, dispatch
from loader.settings import ErrorLimit

Answer = Callable[[int], SendResult]


def created(seq: int) -> SendResult:
    """Every row is stored."""
    return SendResult(VerdictKind.CREATED, f"id-{seq}", 200, 1)


def refused(seq: int) -> SendResult:
    """No row is, each for a reason of its own."""
    return refused_with(f"row {seq} is not good")


def refused_with(words: str) -> SendResult:
    """A row that the service refused with these words."""
    finding = Finding("answer.refused", params={"status": 400, "words": words})
    return SendResult(VerdictKind.REFUSED, None, 400, 1, (finding,))


class FakeClient:
    """Answers at once, or as the test asks; keeps what it was given and when the ledger knew of it."""

    def __init__(self, ledger: FakeLedger, answer: Answer = created, *, turns: int = 1) -> None:
        self.ledger = ledger
        self.answer = answer
        self.turns = turns
        self.posted: list[int] = []
        self.interrupted = False
        self.requests = Requests()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Nothing to close."""

    def interrupt(self) -> None:
        """Rows from now on are not sent."""
        self.interrupted = True

    async def post(self, body: bytes) -> SendResult:
        """One row; its body is its number."""
        seq = int(body)
        if self.interrupted:
            return SendResult(VerdictKind.NOT_STORED, attempts=0)
        assert seq in self.ledger.intents, "a row was sent before its intent was durable"
        self.posted.append(seq)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return self.answer(seq)


@dataclass
class FakeBatch:
    """Rows as the ledger decided them."""

    checkpoint: Position
    rows: list[SendableRow | DecidedRow]


@dataclass
class FakeLedger:
    """Keeps what a journal would, and the most rows that were ever without an outcome."""

    fail_at: int | None = None
    intents: set[int] = field(default_factory=set)
    ends: dict[int, Outcome] = field(default_factory=dict)
    decided: dict[int, Status] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    commits: int = 0
    most_open: int = 0
    checkpoints: list[Position] = field(default_factory=list)

    def decide(self, prepared: FakeBatch) -> FakeBatch:
        """As it is; every row before it must have its line."""
        assert self.order == list(range(prepared.checkpoint.seq))
        return prepared

    def commit(
        self,
        *,
        decided: Sequence[DecidedRow],
        intents: Sequence[SendableRow],
        outcomes: Sequence[Outcome],
        checkpoints: Sequence[Position],
        requests: Requests,  # noqa: ARG002 - part of what a ledger is given
    ) -> None:
        """All of it, or JournalFailed."""
        self.commits += 1
        if self.fail_at is not None and self.commits >= self.fail_at:
            raise JournalFailed("the disk is full")
        self.checkpoints += checkpoints
        self.order += sorted([row.seq for row in decided] + [row.seq for row in intents])
        self.decided |= {row.seq: row.status for row in decided}
        self.ends |= {outcome.seq: outcome for outcome in outcomes}
        self.intents |= {row.seq for row in intents}
        self.most_open = max(self.most_open, len(self.intents - set(self.ends)))


def ready(seq: int) -> SendableRow:
    """A row to send."""
    return SendableRow(seq, 0, seq + 1, f"x{seq}", str(seq).encode(), b"")


def batches(
    rows: int, size: int = 50, *, filtered: Callable[[int], bool] = lambda _: False
) -> Iterator[FakeBatch]:
    """Rows in batches; some of them filtered."""
    for start in range(0, rows, size):
        rows_of_batch: list[SendableRow | DecidedRow] = [
            DecidedRow(seq, 0, seq + 1, None, Status.FILTERED) if filtered(seq) else ready(seq)
            for seq in range(start, min(rows, start + size))
        ]
        yield FakeBatch(Position(start, 0, start + 1), rows_of_batch)


def run(
    ledger: FakeLedger,
    client: FakeClient,
    source: Iterator[FakeBatch],
    *,
    concurrency: int = 4,
    **limits: Any,
) -> DispatchResult:
    """Dispatches all of a source with fakes."""
    return dispatch(
        lambda: Dispatcher(
            source,
            ledger,
            cast("Client", client),
            concurrency=concurrency,
            limits=StopLimits(**limits),
            on_progress=lambda: None,
        )
    )


@pytest.mark.parametrize("concurrency", [1, 2, 7, 64])
@pytest.mark.parametrize("turns", [0, 1, 5])
def test_every_row_is_sent_once_and_in_doubt_stays_small(concurrency: int, turns: int) -> None:
    """Intents come first; never more than twice the concurrency wait for an outcome."""
    ledger = FakeLedger()
    client = FakeClient(ledger, turns=turns)

    ended = run(ledger, client, batches(500, filtered=lambda seq: seq % 3 == 0), concurrency=concurrency)

    assert ended == DispatchResult()
    sendable = [seq for seq in range(500) if seq % 3]
    assert sorted(client.posted) == sendable
    assert {seq: item.id for seq, item in ledger.ends.items()} == {seq: f"id-{seq}" for seq in sendable}
    assert ledger.order == list(range(500))
    assert ledger.most_open <= 2 * concurrency
    assert [checkpoint.seq for checkpoint in ledger.checkpoints] == list(range(0, 500, 50))


def test_commits_are_grouped() -> None:
    """Many rows share a commit: far fewer than two a row."""
    ledger = FakeLedger()

    run(ledger, FakeClient(ledger), batches(1000), concurrency=32)

    assert ledger.commits < 1000 / 8


def test_empty_source_ends_at_once() -> None:
    """No rows, no commits, no error."""
    ledger = FakeLedger()

    assert run(ledger, FakeClient(ledger), batches(0)) == DispatchResult()
    assert ledger.commits == 0


def test_decided_rows_need_no_worker() -> None:
    """A source without a row to send is only written down."""
    ledger = FakeLedger()
    client = FakeClient(ledger)

    run(ledger, client, batches(5000, 1000, filtered=lambda _: True))

    assert not client.posted
    assert len(ledger.decided) == 5000


def test_what_fails_every_row_leaves_the_rest_pending() -> None:
    """A refused token stops the load; rows that were read and not stored are pending."""
    ledger = FakeLedger()

    def answer(seq: int) -> SendResult:
        if seq >= 100:
            client.interrupt()
            raise TokenRefused("401: the token has expired")
        return created(seq)

    client = FakeClient(ledger, answer)

    ended = run(ledger, client, batches(1000))

    assert isinstance(ended.reason, TokenRefused)
    (stopped,) = {end.findings for end in ledger.ends.values() if end.findings}
    assert stopped == (Finding("sending.stopped", params={"words": "401: the token has expired"}),)
    stored = {seq for seq, item in ledger.ends.items() if item.status is Status.CREATED}
    assert stored == set(range(100))
    others = {seq: item.status for seq, item in ledger.ends.items() if seq not in stored} | ledger.decided
    assert set(others.values()) == {Status.PENDING}
    assert stored | set(others) == set(ledger.order) == set(range(len(ledger.order)))


def test_journal_that_cannot_be_written_stops_sending() -> None:
    """No row leaves without an intent, and none after the journal failed."""
    ledger = FakeLedger(fail_at=5)
    client = FakeClient(ledger)

    with pytest.raises(JournalFailed):
        run(ledger, client, batches(1000))

    assert set(client.posted) <= ledger.intents
    assert len(ledger.intents) < 1000


def test_bug_in_a_worker_ends_the_run() -> None:
    """An exception that nobody expected is raised, and nothing hangs."""
    ledger = FakeLedger()

    def answer(_: int) -> SendResult:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(ledger, FakeClient(ledger, answer), batches(100))


def test_source_that_breaks_off_is_reported_and_what_was_sent_counts() -> None:
    """Rows read before the source was lost keep their outcomes."""
    ledger = FakeLedger()

    def source() -> Iterator[FakeBatch]:
        yield from batches(100)
        raise SourceLost("the file ends in the middle")

    ended = run(ledger, FakeClient(ledger), source())

    assert isinstance(ended.reason, SourceLost)
    assert {seq for seq, item in ledger.ends.items() if item.status is Status.CREATED} | {
        seq for seq, status in ledger.decided.items() if status is Status.PENDING
    } | {seq for seq, item in ledger.ends.items() if item.status is Status.PENDING} == set(range(100))


def test_first_rows_refused_alike_stop_the_load() -> None:
    """Twenty refusals with the same words and no row taken: the load is wrong, not its rows."""
    ledger = FakeLedger()
    same = refused_with("unknown field 'nmae'")

    ended = run(ledger, FakeClient(ledger, lambda _: same), batches(1000))

    assert isinstance(ended.reason, SameRefusal)
    assert "unknown field 'nmae'" in ended.reason.message
    assert len(ledger.ends) < 100


def test_refusals_of_their_own_do_not_stop_the_load() -> None:
    """Rows refused for different reasons are rows' own fault."""
    ledger = FakeLedger()

    ended = run(ledger, FakeClient(ledger, refused), batches(200))

    assert ended == DispatchResult()
    assert {end.status for end in ledger.ends.values()} == {Status.REFUSED}


def test_streak_counts_for_the_first_rows_only() -> None:
    """Once a row was taken, equal refusals do not stop the load."""
    ledger = FakeLedger()
    same = refused_with("no")

    ended = run(ledger, FakeClient(ledger, lambda seq: created(seq) if seq == 0 else same), batches(200))

    assert ended == DispatchResult()


@pytest.mark.parametrize(
    ("limit", "rows", "stops"),
    [
        (ErrorLimit(count=10), 500, True),
        (ErrorLimit(count=500), 500, False),
        (ErrorLimit(share=0.05), 500, True),
        (ErrorLimit(share=1.0), 500, False),
        (ErrorLimit(share=0.05), 50, True),
    ],
)
def test_max_errors(limit: ErrorLimit, rows: int, stops: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """A number, or a share that counts from 100 rows on and at the end."""
    ledger = FakeLedger()

    def answer(seq: int) -> SendResult:
        return refused(seq) if seq % 2 else created(seq)

    ended = run(ledger, FakeClient(ledger, answer), batches(rows), max_errors=limit)

    assert isinstance(ended.reason, TooManyErrors) == stops


def test_too_many_rows_in_doubt_pause_the_run() -> None:
    """It ends early, without a reason: there is more to send once they are reconciled."""
    ledger = FakeLedger()
    doubt = SendResult(VerdictKind.IN_DOUBT, None, 500, 1, (Finding("answer.server_error"),))

    ended = run(ledger, FakeClient(ledger, lambda _: doubt), batches(1000), max_in_doubt=20)

    assert ended == DispatchResult(paused=True)
    in_doubt = [end for end in ledger.ends.values() if end.status is Status.IN_DOUBT]
    assert 20 <= len(in_doubt) <= 20 + 2 * 4
    assert set(ledger.ends) | set(ledger.decided) == set(ledger.order)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_gracefully(number: signal.Signals) -> None:
    """Requests in progress end, nothing new is sent, every row that was read has its line."""
    ledger = FakeLedger()

    def answer(seq: int) -> SendResult:
        if seq == 60:
            os.kill(os.getpid(), number)
        return created(seq)

    client = FakeClient(ledger, answer, turns=3)

    ended = run(ledger, client, batches(1000))

    assert ended.signal_number == number
    assert not ended.at_once
    assert ended.reason is None
    sent = {seq for seq, item in ledger.ends.items() if item.status is Status.CREATED}
    assert sent == set(client.posted)
    assert len(sent) < 1000
    assert set(ledger.ends) | set(ledger.decided) == set(ledger.order)


def test_second_signal_stops_at_once() -> None:
    """Rows in progress are left without an outcome: in doubt, for whoever resumes."""
    ledger = FakeLedger()

    class Stuck(FakeClient):
        async def post(self, body: bytes) -> SendResult:
            if int(body) == 60:
                os.kill(os.getpid(), signal.SIGINT)
                asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
                await asyncio.Event().wait()
            return await super().post(body)

    ended = run(ledger, Stuck(ledger), batches(1000))

    assert ended.at_once
    assert ended.signal_number == signal.SIGINT
    assert 60 in ledger.intents - set(ledger.ends)
