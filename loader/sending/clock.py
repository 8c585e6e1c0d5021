"""Time and its passing, given to whatever waits, so that a test has a time of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock.

    Attributes:
        now: Returns seconds that never go back.
        sleep: Waits so many seconds; it is cancelled to wake up early.
        wall_time: Returns the present moment with its zone.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    wall_time: Callable[[], datetime] = lambda: datetime.now(UTC)


REAL_CLOCK: Final = Clock()


class Sleeper:
    """Sleeps that can all be ended at once. All calls come from one event loop.

    Args:
        clock: Its `sleep` is used.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._naps: set[asyncio.Future[None]] = set()

    async def nap(self, seconds: float) -> None:
        """Sleep, until woken at the latest."""
        if seconds <= 0:
            return
        # A task of its own: `wake` cancels the sleep and not the coroutine that waits for it.
        nap = asyncio.ensure_future(self._clock.sleep(seconds))
        self._naps.add(nap)
        try:
            await asyncio.wait({nap})
        finally:
            self._naps.discard(nap)
            nap.cancel()

    def wake(self) -> None:
        """End every sleep."""
        for nap in self._naps:
            nap.cancel()
