"""Rows on their way: intent first, then the request, then the outcome; a few commits for many rows.

The loop below runs on one thread. Preparing a batch and writing the journal block, so each has a thread of
its own (`Threads`). Rows go from `ReadAhead` to `WaitingRows`, with a commit of their intents to `Workers`,
and their outcomes through `SendWindow` to a later commit.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from loader.errors import Stopped
from loader.sending.limits.stop_rules import StopRules
from loader.sending.read_ahead import ReadAhead
from loader.sending.signals import caught_signals
from loader.sending.threads import Threads
from loader.sending.window import SendWindow, WaitingRows
from loader.sending.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loader.records import DecidedRow, Outcome, Position, Requests, SendableRow
    from loader.sending.client import Client
    from loader.sending.limits.stop_rules import StopLimits

Prepared = TypeVar("Prepared")
Prepared_contra = TypeVar("Prepared_contra", contravariant=True)

_TICK_S: Final = 1.0
"""Seconds between two calls of `on_progress` at the most: people see the load go on while nothing comes."""


class SendBatch(Protocol):
    """Rows in file order, with the position that they begin at."""

    @property
    def checkpoint(self) -> Position:
        """Return where the batch begins."""

    @property
    def rows(self) -> list[SendableRow | DecidedRow]:
        """Return its rows."""


class Ledger(Protocol[Prepared_contra]):
    """What the dispatcher needs of the journal. Calls come from one thread, one at a time."""

    def decide(self, prepared: Prepared_contra) -> SendBatch:
        """Decide a batch by what is known; called when the ledger has every row before it."""

    def commit(
        self,
        *,
        decided: Sequence[DecidedRow],
        intents: Sequence[SendableRow],
        outcomes: Sequence[Outcome],
        checkpoints: Sequence[Position],
        requests: Requests,
    ) -> None:
        """Write all of it durably, or raise JournalFailed having written nothing."""


@dataclass(slots=True)
class DispatchResult:
    """How a run ended.

    Attributes:
        reason: What stopped it; None where it came to the end or was interrupted.
        signal_number: The signal that interrupted it; None where none did.
        at_once: Whether a second signal broke it off, so that rows in progress have no outcome.
        paused: Whether it paused because too many rows are in doubt; there is more to send.
    """

    reason: Stopped | None = None
    signal_number: int | None = None
    at_once: bool = False
    paused: bool = False

    @property
    def early(self) -> bool:
        """Tell whether something ended it before all was sent."""
        return self.reason is not None or self.signal_number is not None or self.paused


class Dispatcher(Generic[Prepared]):
    """Send the rows of one run. Make it in the event loop that runs it.

    Args:
        batches: What is to be sent, prepared; each `next` may block.
        ledger: Where intents and outcomes become durable.
        client: Sends one body and returns what became of it.
        concurrency: Requests in progress at once; twice as many rows at most have an intent and no outcome.
        limits: When to stop.
        on_progress: Called after each commit, and now and then while there is none; must return quickly.
        threads: For what blocks.
    """

    def __init__(
        self,
        batches: Iterator[Prepared],
        ledger: Ledger[Prepared],
        client: Client,
        *,
        concurrency: int,
        limits: StopLimits,
        on_progress: Callable[[], None],
        threads: Threads | None = None,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._on_progress = on_progress
        self._threads = threads or Threads()
        self._news = asyncio.Event()
        self._source = ReadAhead(batches, self._threads, self._news.set)
        self._waiting = WaitingRows()
        self._window = SendWindow(concurrency)
        self._workers = Workers(client, concurrency, self)
        self._rules = StopRules(limits)
        self._result = DispatchResult()

    @property
    def result(self) -> DispatchResult:
        """Return how the run ended, filled in as it does."""
        return self._result

    async def run(self) -> DispatchResult:
        """Send until all is sent, something stops the load, or a signal comes.

        Returns:
            How it ended; the ledger has every row taken from `batches` by then.

        Raises:
            JournalFailed: The ledger cannot be written: rows with an intent there may have been sent.
            asyncio.CancelledError: A second signal came; what was in progress is left without an outcome.
        """
        main = asyncio.current_task()
        with caught_signals(partial(self._signalled, main)), self._threads:
            async with self._client, self._workers:
                await self._feed()
        return self._result

    # --- The loop ----------------------------------------------------------------------------------

    async def _feed(self) -> None:
        while True:
            if self._workers.failure is not None:
                raise self._workers.failure
            if self._result.at_once:
                # `asyncio.timeout` in `_pause` swallows a cancellation that comes together with news.
                raise asyncio.CancelledError
            if self._result.early:
                self._take_back_queued()
            else:
                self._source.start()
            # A batch is decided by what the ledger knows, so only when it has every row before: none waits.
            # While rows are in progress the loop serves them, and does not wait for a batch.
            if self._source.under_way and not self._waiting and (self._source.ready or not self._window):
                await self._take_batch()
            elif self._is_commit_due():
                await self._commit()
            elif self._is_finished():
                self._stop(self._rules.at_end())
                return
            else:
                await self._pause()

    async def _take_batch(self) -> None:
        """Put the batch that was read in line, decided by what the ledger knows."""
        try:
            prepared = await self._source.take()
        except Stopped as reason:
            self._stop(reason)
            return
        if prepared is not None:
            batch = await self._threads.write(lambda: self._ledger.decide(prepared))
            self._waiting.add(batch.checkpoint, batch.rows)

    def _is_finished(self) -> bool:
        if self._waiting or self._window or self._waiting.has_checkpoints or self._source.under_way:
            return False
        return self._source.exhausted or self._result.early

    async def _pause(self) -> None:
        """Wait for an outcome, a batch, or the time to commit what there is."""
        self._news.clear()
        seconds = self._window.time_left(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(_TICK_S if seconds is None else seconds):
                await self._news.wait()
        except TimeoutError:
            self._on_progress()

    def _take_back_queued(self) -> None:
        """Keep the outcomes of rows that no worker has taken, and will not: they are certainly not stored."""
        now = asyncio.get_running_loop().time()
        for outcome in self._workers.drop_queued():
            self._window.add(outcome, now)

    def _is_commit_due(self) -> bool:
        """Tell whether outcomes are due, or workers run out of rows and there are enough to give them."""
        # Nothing to wait for: no more rows come that could share the commit.
        if self._result.early:
            return self._window.has_outcomes or bool(self._waiting) or self._waiting.has_checkpoints
        if self._window.is_due(asyncio.get_running_loop().time()):
            return True
        # A commit costs the same for one row as for a hundred: none for a row or two while others are queued.
        # A quarter is left in the queue, so that workers have rows while the commit is written. The window
        # holds twice the concurrency: by then it has room for three quarters, so half is soon there.
        concurrency = self._window.concurrency
        running_out = self._workers.queued <= concurrency // 4
        return running_out and bool(self._waiting) and self._window.room >= max(1, concurrency // 2)

    async def _commit(self) -> None:
        """Commit outcomes, decided rows and intents, and give the rows to the workers."""
        # Outcomes first: they make the room that the intents of this same commit may take.
        outcomes = self._window.take()
        decided, intents = self._waiting.take(self._window.room, sending=not self._result.early)
        checkpoints = self._waiting.take_checkpoints()
        if not (outcomes or decided or intents or checkpoints):
            return
        await self._threads.write(
            lambda: self._ledger.commit(
                decided=decided,
                intents=intents,
                outcomes=outcomes,
                checkpoints=checkpoints,
                requests=self._client.requests,
            )
        )
        # Only now, that they are durable, may the rows leave. Where the load was stopped meanwhile, they are
        # taken back from the queue as certainly not sent.
        self._window.sent(len(intents))
        for row in intents:
            self._workers.put(row)
        self._stop(self._rules.add(decided, len(intents), outcomes))
        if self._rules.must_pause and not self._result.early:
            self._client.interrupt()
            self._result.paused = True
        self._on_progress()

    # --- What ends it ------------------------------------------------------------------------------

    def row_ended(self, outcome: Outcome) -> None:
        """Keep a row's outcome for the next commit."""
        first = not self._window.has_outcomes
        self._window.add(outcome, asyncio.get_running_loop().time())
        # Here too, not only in the loop: the worker that calls this would take the next row before it runs.
        if self._result.early:
            self._take_back_queued()
        # The first one wakes the loop too: it sets the time at which the group is committed at the latest.
        if first or self._is_commit_due():
            self._news.set()

    def load_stopped(self, reason: Stopped) -> None:
        """Stop the run for a reason that holds for every row."""
        self._stop(reason)

    def worker_failed(self) -> None:
        """Wake the loop, which raises the worker's failure."""
        self._news.set()

    def _stop(self, reason: Stopped | None) -> None:
        """Send nothing more for a reason; the first one counts. None: go on."""
        if reason is not None:
            if not self._result.early:
                self._client.interrupt()
                self._result.reason = reason
            self._news.set()

    def _signalled(self, main: asyncio.Task[Any] | None, number: int) -> None:
        """Stop gracefully at the first signal, at once at the second."""
        self._news.set()
        if self._result.signal_number is None:
            self._client.interrupt()
            self._result.signal_number = number
            return
        self._result.at_once = True
        if main is not None:
            main.cancel()


def dispatch(make: Callable[[], Dispatcher[Prepared]]) -> DispatchResult:
    """Run a dispatcher to its end, in an event loop of its own.

    Args:
        make: Makes the dispatcher, inside the loop.

    Returns:
        How it ended. After a second signal `at_once` is set: rows in progress have no outcome.

    Raises:
        JournalFailed: The ledger cannot be written.
    """
    result = DispatchResult()

    async def run() -> None:
        nonlocal result
        dispatcher = make()
        result = dispatcher.result
        await dispatcher.run()

    with suppress(asyncio.CancelledError):
        asyncio.run(run())
    return result


__all__ = ["DispatchResult", "Dispatcher", "Ledger", "SendBatch", "dispatch"]
