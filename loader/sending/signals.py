"""SIGINT and SIGTERM while an event loop runs."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

_NAMES: Final = (signal.SIGINT, signal.SIGTERM)
_UNSUPPORTED: Final = (NotImplementedError, ValueError, RuntimeError)  # Windows; not the main thread


class SignalReceived(Exception):  # noqa: N818 - it is the user's wish, not an error
    """A signal ended what was going on.

    Attributes:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


@contextmanager
def caught_signals(on_signal: Callable[[int], None]) -> Iterator[None]:
    """Have each signal call a function in the running loop, and afterwards restore what was there.

    Args:
        on_signal: Is given the signal's number.
    """
    loop = asyncio.get_running_loop()
    before = {name: signal.getsignal(name) for name in _NAMES}
    for name in _NAMES:
        with suppress(*_UNSUPPORTED):
            loop.add_signal_handler(name, on_signal, name)
    try:
        yield
    finally:
        for name in _NAMES:
            with suppress(*_UNSUPPORTED):
                loop.remove_signal_handler(name)
                # Removing leaves Python's default handler, whatever was there before.
                signal.signal(name, before[name])


async def until_signal(work: Awaitable[None]) -> None:
    """Await work that a signal ends.

    Raises:
        SignalReceived: SIGINT or SIGTERM came.
    """
    numbers: list[int] = []
    task = asyncio.current_task()

    def stop(number: int) -> None:
        numbers.append(number)
        if task is not None:
            task.cancel()

    with caught_signals(stop):
        try:
            await work
        except asyncio.CancelledError:
            # Somebody else may cancel the work too: that goes on as a cancellation.
            if not numbers:
                raise
    if numbers:
        raise SignalReceived(numbers[0])


def wait(seconds: float) -> None:
    """Wait, outside any event loop.

    Raises:
        SignalReceived: SIGINT or SIGTERM came.
    """
    asyncio.run(until_signal(asyncio.sleep(seconds)))
