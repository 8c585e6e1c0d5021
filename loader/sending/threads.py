"""The threads for what blocks: the event loop itself never waits for a disk."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class Threads:
    """One thread that reads and prepares batches, one that writes the journal.

    Each is one thread and not a pool: the work of each is in order, and the journal has one call at a time.
    Leaving the context waits for what is in progress.
    """

    def __init__(self) -> None:
        self._reader = ThreadPoolExecutor(1, "reader")
        self._writer = ThreadPoolExecutor(1, "writer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._writer.shutdown()
        self._reader.shutdown()

    async def read(self, work: Callable[[], Result]) -> Result:
        """Run blocking work on the reader's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    async def write(self, work: Callable[[], Result]) -> Result:
        """Run blocking work on the writer's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)
