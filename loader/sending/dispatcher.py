"""Rows on their way: intent first, then the request, then the outcome; a few commits for many rows.

The loop below runs on one thread. Preparing a batch and writing the journal block, so each has a thread
of its own; the journal's sees one call at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from loader.errors import (
    Stopped,
)
from loader.records import DecidedRow, Outcome, Requests, SendableRow, Status
from loader.sending.classify_response import VerdictKind
from loader.sending.limits.stop_rules import StopRules
from loader.sending.signals import caught_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loader.records import Position
    from loader.sending.client import Client, SendResult
    from loader.sending.limits.stop_rules import StopLimits

Prepared = TypeVar("Prepared")
Taken_contra = TypeVar("Taken_contra", contravariant=True)
Done = TypeVar("Done")

_MOST_VERDICTS: Final = 2000  # rows judged without sending, in one commit
_TICK_S: Final = 1.0  # how long whoever watches is left without news
_LINGER_S: Final = 0.25  # how long an outcome waits for others before it is committed


class SendBatch(Protocol):
    """Rows in file order, with the position that they begin at."""

    @property
    def checkpoint(self) -> Position:
        """Where the batch begins."""

    @property
    def rows(self) -> list[SendableRow | DecidedRow]:
        """Its rows."""


class Ledger(Protocol[Taken_contra]):
    """What the dispatcher needs of the journal. Calls come from one thread, one at a time."""

    def decide(self, prepared: Taken_contra) -> SendBatch:
        """Judges a batch by what is known; called when every row before it has its line."""

    def commit(
        self,
        *,
        judged: Sequence[DecidedRow],
        intents: Sequence[SendableRow],
        outcomes: Sequence[Outcome],
        checkpoints: Sequence[Position],
        requests: Requests,
    ) -> None:
        """Writes all of it durably, or raises JournalFailed having written nothing."""


@dataclass(slots=True)
class Ended:
    """How a run ended.

    Attributes:
        reason: What stopped it; None where it came to the end or was interrupted.
        signal_number: The signal that interrupted it; None where none did.
        at_once: Whether a second signal broke it off, so that rows under way have no outcome.
        doubtful: Whether it paused because too many rows are in doubt; there is more to send.
    """

    reason: Stopped | None = None
    signal_number: int | None = None
    at_once: bool = False
    doubtful: bool = False


class Dispatcher(Generic[Prepared]):
    """Sends the rows of one run.

    Args:
        batches: What is to be sent, prepared; each `next` may block.
        ledger: Where intents and outcomes become durable.
        client: Sends one body and says what became of it.
        limits: When to stop.
        on_news: Told after each commit, and now and then while there is none; must return quickly.
    """

    def __init__(
        self,
        batches: Iterator[Prepared],
        ledger: Ledger[Prepared],
        client: Client,
        limits: StopLimits,
        on_news: Callable[[], None],
    ) -> None:
        self._batches = batches
        self._ledger = ledger
        self._client = client
        self._limits = limits
        self._on_news = on_news
        self._waiting: deque[SendableRow | DecidedRow] = deque()
        self._checkpoints: list[Position] = []
        self._outcomes: list[Outcome] = []
        self._queue: asyncio.Queue[SendableRow] = asyncio.Queue()
        self._news = asyncio.Event()
        self._oldest = 0.0
        self._bug: Exception | None = None
        self._main: asyncio.Task[Ended] | None = None
        self._reading: asyncio.Future[Prepared | None] | None = None
        self._doubts = 0
        self._open = 0
        self._exhausted = False
        self._ended = Ended()
        self._stopping = False
        self._verdict = StopRules(limits)
        self._reader = ThreadPoolExecutor(1, "reader")
        self._writer = ThreadPoolExecutor(1, "writer")

    @property
    def ended(self) -> Ended:
        """How it ended, filled in as it does."""
        return self._ended

    async def run(self) -> Ended:
        """Sends until all is sent, something stops the load, or a signal comes.

        Returns:
            How it ended; every row taken from `batches` has a line in the ledger by then.

        Raises:
            JournalFailed: The ledger cannot be written: rows with an intent there may have been sent.
            asyncio.CancelledError: A second signal came; what was under way is left without an outcome.
        """
        self._main = asyncio.current_task()
        with caught_signals(self._caught), self._reader, self._writer:
            async with self._client:
                workers = [asyncio.ensure_future(self._work()) for _ in range(self._limits.concurrency)]
                try:
                    await self._feed()
                finally:
                    await _cancelled(workers)
        return self._ended

    # --- The loop ----------------------------------------------------------------------------------

    async def _feed(self) -> None:
        while True:
            if self._bug is not None:
                raise self._bug
            if self._ended.at_once:
                # A cancellation that comes together with news is swallowed by the wait for news.
                raise asyncio.CancelledError
            self._read_ahead()
            if self._reading is not None and not self._waiting and (self._reading.done() or not self._open):
                await self._take()
            elif self._worth_committing():
                await self._commit()
            elif self._finished():
                self._judge([], 0, [], at_end=True)
                return
            else:
                await self._pause()

    def _read_ahead(self) -> None:
        """Has the next batch prepared while this one is sent."""
        if self._reading is None and not self._exhausted and not self._stopping:
            self._reading = asyncio.ensure_future(self._on(self._reader, self._next))
            self._reading.add_done_callback(lambda _: self._news.set())

    def _next(self) -> Prepared | None:
        return next(self._batches, None)

    async def _take(self) -> None:
        """Puts the batch that was read in line, judged by what the ledger knows."""
        reading, self._reading = self._reading, None
        if reading is None:
            return
        try:
            prepared = await reading
        except Stopped as reason:
            self._stop(reason)
            return
        if prepared is None:
            self._exhausted = True
            return
        batch = await self._on(self._writer, lambda: self._ledger.decide(prepared))
        self._waiting.extend(batch.rows)
        self._checkpoints.append(batch.checkpoint)

    def _finished(self) -> bool:
        if self._waiting or self._open or self._outcomes or self._checkpoints:
            return False
        return self._reading is None and (self._exhausted or self._stopping)

    async def _pause(self) -> None:
        """Waits for an outcome, a batch, or the time to commit what there is."""
        self._news.clear()
        left = _TICK_S
        if self._outcomes:
            left = max(0.0, self._oldest + _LINGER_S - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(left):
                await self._news.wait()
        except TimeoutError:
            self._on_news()

    def _worth_committing(self) -> bool:
        """Whether the workers run dry, a group of outcomes is full, or one has waited long enough."""
        if self._stopping:
            self._drop_queue()
            return bool(self._outcomes or self._waiting or self._checkpoints)
        many = self._limits.concurrency
        if len(self._outcomes) >= many or (self._outcomes and self._open == len(self._outcomes)):
            return True
        if self._outcomes and asyncio.get_running_loop().time() >= self._oldest + _LINGER_S:
            return True
        dry = self._queue.qsize() <= many // 4
        return dry and bool(self._waiting) and self._room() >= max(1, many // 2)

    def _room(self) -> int:
        """How many more rows may have an intent: those done and not yet committed make room."""
        return 2 * self._limits.concurrency - (self._open - len(self._outcomes))

    async def _commit(self) -> None:
        """Commits outcomes, verdicts and intents, and lets the workers have the rows."""
        outcomes, self._outcomes = self._outcomes, []
        self._open -= len(outcomes)
        judged, intents = self._portion()
        checkpoints, self._checkpoints = self._checkpoints, []
        if not (outcomes or judged or intents or checkpoints):
            return
        await self._on(
            self._writer,
            lambda: self._ledger.commit(
                judged=judged,
                intents=intents,
                outcomes=outcomes,
                checkpoints=checkpoints,
                requests=self._client.requests,
            ),
        )
        self._open += len(intents)
        for row in intents:
            self._queue.put_nowait(row)
        self._judge(judged, len(intents), outcomes, at_end=False)
        self._doubts += sum(each.status is Status.IN_DOUBT for each in outcomes)
        if self._limits.doubts is not None and self._doubts >= self._limits.doubts and not self._stopping:
            self._ended.doubtful = True
            self._stop(None)
        self._on_news()

    def _judge(
        self, judged: Sequence[DecidedRow], sent: int, outcomes: Sequence[Outcome], *, at_end: bool
    ) -> None:
        """Stops the load where its rows say that it should."""
        problem = self._verdict.add(judged, sent, outcomes, at_end=at_end)
        if problem is not None and not self._stopping:
            self._stop(problem)

    def _portion(self) -> tuple[list[DecidedRow], list[SendableRow]]:
        """The next rows to get a line; where the load stops, all that are left, unsent."""
        judged: list[DecidedRow] = []
        intents: list[SendableRow] = []
        room = min(self._room(), 2 * self._limits.concurrency)
        while self._waiting and len(judged) < _MOST_VERDICTS:
            row = self._waiting[0]
            if isinstance(row, DecidedRow):
                judged.append(row)
            elif self._stopping:
                judged.append(_unsent(row))
            elif len(intents) < room:
                intents.append(row)
            else:
                break
            self._waiting.popleft()
        return judged, intents

    def _drop_queue(self) -> None:
        """Rows with an intent that no worker has taken: certainly not stored."""
        while not self._queue.empty():
            row = self._queue.get_nowait()
            self._outcomes.append(Outcome(row.seq, Status.PENDING, attempts=0, message=""))

    # --- Workers -----------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            row = await self._queue.get()
            try:
                sent = await self._client.post(row.body)
            except Stopped as reason:
                self._stop(reason)
                self._reconcile(Outcome(row.seq, Status.PENDING, message=reason.message))
            except Exception as bug:  # noqa: BLE001 - whatever it is, it must end the run and not hang it
                self._bug = bug
                self._news.set()
                return
            else:
                self._reconcile(_outcome(row.seq, sent))

    def _reconcile(self, outcome: Outcome) -> None:
        if not self._outcomes:
            self._oldest = asyncio.get_running_loop().time()
            self._news.set()
        self._outcomes.append(outcome)
        if self._worth_committing():
            self._news.set()

    def _stop(self, reason: Stopped | None) -> None:
        if not self._stopping:
            self._stopping = True
            self._ended.reason = reason
            self._client.interrupt()
        self._news.set()

    # --- Around it ---------------------------------------------------------------------------------

    async def _on(self, thread: ThreadPoolExecutor, work: Callable[[], Done]) -> Done:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def _caught(self, number: int) -> None:
        """The first signal stops gracefully, the second at once."""
        if self._ended.signal_number is None:
            self._ended.signal_number = number
            self._stop(None)
            return
        self._ended.at_once = True
        self._news.set()
        if self._main is not None:
            self._main.cancel()


def _unsent(row: SendableRow) -> DecidedRow:
    """A row that was read and not sent, because the load stops."""
    return DecidedRow(
        row.seq, row.file_no, row.record_no, row.external_id, Status.PENDING, payload_hash=row.payload_hash
    )


_STATUS_OF: Final = {
    VerdictKind.CREATED: Status.CREATED,
    VerdictKind.REFUSED: Status.REFUSED,
    VerdictKind.DANGLING: Status.REFUSED,
    VerdictKind.IN_DOUBT: Status.IN_DOUBT,
}


def _outcome(seq: int, sent: SendResult) -> Outcome:
    """What a request's end means for its row; whatever is certainly not stored stays pending."""
    status = _STATUS_OF.get(sent.kind, Status.PENDING)
    return Outcome(seq, status, sent.id, sent.http_status, sent.attempts, sent.message)


async def _cancelled(workers: Sequence[asyncio.Future[None]]) -> None:
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


def dispatch(make: Callable[[], Dispatcher[Prepared]]) -> Ended:
    """Runs a dispatcher to its end, in an event loop of its own.

    Args:
        make: Makes the dispatcher, inside the loop.

    Returns:
        How it ended. After a second signal `at_once` is set: rows under way have no outcome.

    Raises:
        JournalFailed: The ledger cannot be written.
    """
    ended = Ended()

    async def run() -> None:
        nonlocal ended
        dispatcher = make()
        ended = dispatcher.ended
        await dispatcher.run()

    with suppress(asyncio.CancelledError):
        asyncio.run(run())
    return ended


__all__ = ["Dispatcher", "Ended", "Ledger", "SendBatch", "dispatch"]
