"""SIGTERM as an exception, as Ctrl-C is one already."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came, where nothing else watched for it."""


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


@contextmanager
def terminating() -> Iterator[None]:
    """Raise Terminated in the main thread at SIGTERM; while rows are sent, the dispatcher takes over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
