"""Observers for a person: a progress bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from loader.cli.event_text import event_text
from loader.cli.output import error_console, is_terminal, say
from loader.pipeline import events
from loader.pipeline.events import Observers
from loader.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from loader.pipeline.events import Event

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


class _Meter:
    """Rows done and rows a second, over the run so far."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first: int | None = None
        self._dry = False

    def start(self, *, dry: bool) -> None:
        """Start to count; in a dry run valid rows are done, in a load pending ones are not."""
        self._started, self._first, self._dry = time.monotonic(), None, dry

    def done(self, event: events.Progress) -> int:
        """Return how many rows are done."""
        return sum(
            number for status, number in event.rows.items() if self._dry or status is not Status.PENDING
        )

    def rate(self, done: int) -> float:
        """Return rows a second; rows that an earlier run did are not counted."""
        # The first event of a resumed load has the rows of earlier runs: they say nothing about this one.
        if self._first is None:
            self._first = done
        return (done - self._first) / max(time.monotonic() - self._started, 1e-3)

    def counts(self, event: events.Progress) -> str:
        """Return what the rows became, as text."""
        rows = event.rows
        parts = [f"{rows[status]:,} {status.replace('_', ' ')}" for status in _SHOWN if rows.get(status)]
        if self._dry and rows.get(Status.PENDING):
            parts.insert(0, f"{rows[Status.PENDING]:,} valid")
        if event.requests.throttled:
            parts.append(f"{event.requests.throttled:,} throttled")
        return ", ".join(parts)


class Bar:
    """Shows a bar: rows done, rate, time left, what they became."""

    def __init__(self) -> None:
        self._console = error_console()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("reading", total=None, rate="", counts="", start=True)
        self._meter = _Meter()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_event(self, event: Event) -> None:
        """Move the bar, or print a line above it."""
        if isinstance(event, events.Progress):
            done = self._meter.done(event)
            self._progress.update(
                self._task,
                completed=done,
                rate=f"{self._meter.rate(done):,.0f}/s",
                counts=self._meter.counts(event),
            )
            return
        if isinstance(event, events.RunStarted):
            dry = event.load_id is None
            self._meter.start(dry=dry)
            self._progress.update(
                self._task, description="validating" if dry else "loading", total=event.total
            )
        if text := event_text(event):
            self._console.print(text, markup=False)


class ProgressLines:
    """Prints lines for a log: what happens, and every few seconds how far it is."""

    def __init__(self) -> None:
        self._total: int | None = None
        self._meter = _Meter()
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: there is nothing to clear away."""

    def on_event(self, event: Event) -> None:
        """Print a line, but not too often how far the run is."""
        if isinstance(event, events.Progress):
            self._show(event)
            return
        if isinstance(event, events.RunStarted):
            self._total = event.total
            self._meter.start(dry=event.load_id is None)
            self._last = time.monotonic()
        if text := event_text(event):
            say(text)

    def _show(self, event: events.Progress) -> None:
        done = self._meter.done(event)
        rate = self._meter.rate(done)
        now = time.monotonic()
        if now - self._last < _EVERY_S:
            return
        self._last = now
        of = f" of about {self._total:,}" if self._total else ""
        left = ""
        if self._total and rate > 0:
            left = f", {max(0, self._total - done) / rate:,.0f} s left"
        say(f"{done:,}{of} rows, {rate:,.0f}/s{left}: {self._meter.counts(event)}")


@contextmanager
def terminal_observer() -> Iterator[Observers]:
    """Give the observers of a run: the one that fits stderr, and room for more."""
    with Bar() if is_terminal() else ProgressLines() as terminal:
        yield Observers(terminal)
