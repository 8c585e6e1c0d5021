"""What breaks a command off from outside, and how to go on with the load that it was at work on."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from loader.cli.output import command_line
from loader.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from loader.cli.progress import Bar, ProgressLines

_FOLLOWING = "loader_following"


class Terminated(KeyboardInterrupt):
    """SIGTERM came, where nothing else watched for it."""


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


@contextmanager
def terminating() -> Iterator[None]:
    """Raises Terminated in the main thread at SIGTERM; while rows are sent, the dispatcher takes over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def resumable(watching: Bar | ProgressLines, home: Path) -> Iterator[None]:
    """Gives what breaks off a load that has begun the command that goes on with it."""
    try:
        yield
    except (LoaderError, KeyboardInterrupt, Exception) as error:
        if watching.load_id:
            setattr(error, _FOLLOWING, command_line("loader", "resume", watching.load_id, home=home))
        raise


def following_of(error: BaseException) -> str | None:
    """The command to run after this error; None where none is known."""
    found = getattr(error, _FOLLOWING, None)
    return found if isinstance(found, str) else None


def with_following(error: LoaderError, command: str) -> LoaderError:
    """Gives an error the command to run after it."""
    setattr(error, _FOLLOWING, command)
    return error
