"""Live progress: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from loader.cli.output import error_console, is_terminal, say
from loader.records import Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from loader.records import Requests

_EVERY_S: Final = 5.0
_SHOWN: Final = (
    Status.CREATED,
    Status.ALREADY_LOADED,
    Status.FILTERED,
    Status.INVALID,
    Status.BLOCKED,
    Status.REFUSED,
    Status.IN_DOUBT,
)


def _told(rows: Mapping[Status, int], requests: Requests, *, dry: bool) -> str:
    parts = [f"{rows[each]:,} {each.replace('_', ' ')}" for each in _SHOWN if rows.get(each)]
    if dry and rows.get(Status.PENDING):
        parts.insert(0, f"{rows[Status.PENDING]:,} valid")
    if requests.throttled:
        parts.append(f"{requests.throttled:,} throttled")
    return ", ".join(parts)


class _Speed:
    """Rows a second, over the run so far."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first: int | None = None

    def of(self, done: int) -> float:
        if self._first is None:
            self._first = done
        return (done - self._first) / max(time.monotonic() - self._started, 1e-3)


def _done(rows: Mapping[Status, int], *, dry: bool) -> int:
    return sum(count for status, count in rows.items() if dry or status is not Status.PENDING)


class Bar:
    """A watcher with a bar: rows done, rate, time left, what they became.

    Attributes:
        load_id: The load, once it has begun; None for a dry run.
    """

    def __init__(self) -> None:
        self.load_id: str | None = None
        self._console = error_console()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("reading", total=None, rate="", told="", start=True)
        self._dry = False
        self._speed = _Speed()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Above the bar."""
        self._console.print(text, markup=False)

    def started(self, load_id: str | None, total: int | None) -> None:
        """Names the load and sets the bar's length."""
        self.load_id = load_id
        self._dry = load_id is None
        if load_id:
            self.note(f"load {load_id}")
        self._speed = _Speed()
        self._progress.update(self._task, description="validating" if self._dry else "loading", total=total)

    def progress(self, rows: Mapping[Status, int], requests: Requests) -> None:
        """Moves the bar."""
        done = _done(rows, dry=self._dry)
        self._progress.update(
            self._task,
            completed=done,
            rate=f"{self._speed.of(done):,.0f}/s",
            told=_told(rows, requests, dry=self._dry),
        )


class ProgressLines:
    """A watcher for logs: a line every few seconds.

    Attributes:
        load_id: The load, once it has begun; None for a dry run.
    """

    def __init__(self) -> None:
        self.load_id: str | None = None
        self._total: int | None = None
        self._dry = False
        self._speed = _Speed()
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to clear away."""

    def note(self, text: str) -> None:
        """A line."""
        say(text)

    def started(self, load_id: str | None, total: int | None) -> None:
        """Names the load."""
        self.load_id = load_id
        self._dry, self._total = load_id is None, total
        self._speed, self._last = _Speed(), time.monotonic()
        if load_id:
            say(f"load {load_id}")

    def progress(self, rows: Mapping[Status, int], requests: Requests) -> None:
        """A line, if the last is long enough ago."""
        done = _done(rows, dry=self._dry)
        speed = self._speed.of(done)
        now = time.monotonic()
        if now - self._last < _EVERY_S:
            return
        self._last = now
        of = f" of about {self._total:,}" if self._total else ""
        left = ""
        if self._total and speed > 0:
            left = f", {max(0, self._total - done) / speed:,.0f} s left"
        say(f"{done:,}{of} rows, {speed:,.0f}/s{left}: {_told(rows, requests, dry=self._dry)}")


def watcher() -> Bar | ProgressLines:
    """The watcher that fits stderr; a context manager, too."""
    return Bar() if is_terminal() else ProgressLines()
