"""The next batch, prepared while the one before it is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loader.sending.threads import Threads

Prepared = TypeVar("Prepared")


class ReadAhead(Generic[Prepared]):
    """Take batches from an iterator, one ahead.

    Contract: `start`, then `take` once; as often as there are batches. All calls come from one event loop.

    Args:
        batches: What to take from; each `next` may block.
        threads: Where that runs.
        on_ready: Called when a batch is there.
    """

    def __init__(self, batches: Iterator[Prepared], threads: Threads, on_ready: Callable[[], None]) -> None:
        self._batches = batches
        self._threads = threads
        self._on_ready = on_ready
        self._reading: asyncio.Future[Prepared | None] | None = None
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Tell whether the last batch was taken."""
        return self._exhausted

    @property
    def under_way(self) -> bool:
        """Tell whether a batch was started and not taken."""
        return self._reading is not None

    @property
    def ready(self) -> bool:
        """Tell whether `take` returns at once."""
        return self._reading is not None and self._reading.done()

    def start(self) -> None:
        """Have the next batch prepared, unless one is in progress or there are no more."""
        if self._reading is None and not self._exhausted:
            self._reading = asyncio.ensure_future(self._threads.read(lambda: next(self._batches, None)))
            self._reading.add_done_callback(lambda _: self._on_ready())

    async def take(self) -> Prepared | None:
        """Return the batch that is in progress; None where there are no more, or none is in progress.

        Raises:
            Exception: Whatever the iterator raised.
        """
        reading, self._reading = self._reading, None
        if reading is None:
            return None
        batch = await reading
        self._exhausted = batch is None
        return batch
