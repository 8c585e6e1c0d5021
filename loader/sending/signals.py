"""SIGINT and SIGTERM while an event loop runs."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMES: Final = (signal.SIGINT, signal.SIGTERM)
_UNSUPPORTED: Final = (NotImplementedError, ValueError, RuntimeError)  # Windows; not the main thread


@contextmanager
def caught_signals(caught: Callable[[int], None]) -> Iterator[None]:
    """Has each signal call a function in the running loop, and afterwards puts back what was there.

    Args:
        caught: Is given the signal's number.
    """
    loop = asyncio.get_running_loop()
    before = {name: signal.getsignal(name) for name in _NAMES}
    for name in _NAMES:
        with suppress(*_UNSUPPORTED):
            loop.add_signal_handler(name, caught, name)
    try:
        yield
    finally:
        for name in _NAMES:
            with suppress(*_UNSUPPORTED):
                loop.remove_signal_handler(name)
                signal.signal(name, before[name])
