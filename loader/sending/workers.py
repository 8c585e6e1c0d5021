"""Workers that send rows with a durable intent, one request each at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, Self

from loader.errors import Stopped
from loader.findings import Finding
from loader.records import Outcome, Status
from loader.sending.classify_response import VerdictKind
from loader.sending.server_words import WORDS_LIMIT, one_short_line

if TYPE_CHECKING:
    from loader.records import SendableRow
    from loader.sending.client import Client
    from loader.sending.send_result import SendResult

_STATUS_OF: Final = {
    VerdictKind.CREATED: Status.CREATED,
    VerdictKind.REFUSED: Status.REFUSED,
    VerdictKind.MISSING_REFERENCE: Status.REFUSED,
    VerdictKind.IN_DOUBT: Status.IN_DOUBT,
}


class SendObserver(Protocol):
    """Who is called as rows end; in the event loop, and must return quickly."""

    def row_ended(self, outcome: Outcome) -> None:
        """Take what became of a row."""
        ...

    def load_stopped(self, reason: Stopped) -> None:
        """Take what would fail every row the same way; called before the row's outcome."""
        ...

    def worker_failed(self) -> None:
        """Look at `Workers.failure`: the run cannot go on."""
        ...


class Workers:
    """A fixed number of workers and the queue of rows that they take from.

    Contract: enter it as an async context manager in the event loop that uses it. Leaving it cancels what is
    in progress: rows without an outcome are in doubt.

    Args:
        client: Sends one body and returns what became of it.
        concurrency: How many workers there are.
        observer: Is called as rows end.
    """

    def __init__(self, client: Client, concurrency: int, observer: SendObserver) -> None:
        self._client = client
        self._concurrency = concurrency
        self._observer = observer
        self._queue: asyncio.Queue[SendableRow] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def queued(self) -> int:
        """Return the number of rows that no worker has taken yet."""
        return self._queue.qsize()

    @property
    def failure(self) -> Exception | None:
        """Return the exception that nobody expected, which ended a worker; None where there was none."""
        return self._failure

    def put(self, row: SendableRow) -> None:
        """Queue a row; its intent must be durable."""
        self._queue.put_nowait(row)

    def drop_queued(self) -> list[Outcome]:
        """Return the outcomes of rows that no worker has taken, and forget them: certainly not stored."""
        outcomes = []
        while not self._queue.empty():
            outcomes.append(Outcome(self._queue.get_nowait().seq, Status.PENDING, attempts=0))
        return outcomes

    async def _work(self) -> None:
        while True:
            row = await self._queue.get()
            try:
                result = await self._client.post(row.body)
            except Stopped as reason:
                self._observer.load_stopped(reason)
                self._observer.row_ended(_stopped(row.seq, reason))
            except Exception as failure:  # noqa: BLE001 - whatever it is, it must end the run and not hang it
                self._failure = failure
                self._observer.worker_failed()
                return
            else:
                self._observer.row_ended(_outcome(row.seq, result))


def _outcome(seq: int, result: SendResult) -> Outcome:
    """Return what a request's end means for its row; whatever is certainly not stored stays pending."""
    status = _STATUS_OF.get(result.kind, Status.PENDING)
    return Outcome(seq, status, result.id, result.http_status, result.attempts, result.findings)


def _stopped(seq: int, reason: Stopped) -> Outcome:
    words = one_short_line(reason.message, WORDS_LIMIT)
    return Outcome(seq, Status.PENDING, findings=(Finding("sending.stopped", params={"words": words}),))
