"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.records import Requests, Status


class Observer(Protocol):
    """Is told how a run goes.

    Calls come from the thread that started the run, one at a time, and must return quickly: sending
    waits for them.
    """

    def note(self, text: str) -> None:
        """Something worth saying, once: what was detected, a warning about the mapping."""

    def started(self, load_id: str | None, total: int | None) -> None:
        """A run begins.

        Args:
            load_id: The load; None for a dry run.
            total: How many records there are, about; None where nobody knows.
        """

    def progress(self, rows: Mapping[Status, int], requests: Requests) -> None:
        """How far it is: rows by status over all runs of the load, and its requests."""


class SilentObserver:
    """A watcher that looks away."""

    def note(self, text: str) -> None:
        """Says nothing."""

    def started(self, load_id: str | None, total: int | None) -> None:
        """Says nothing."""

    def progress(self, rows: Mapping[Status, int], requests: Requests) -> None:
        """Says nothing."""


class Noting:
    """A watcher that keeps the notes, and tells another one all.

    Args:
        watcher: The other one.

    Attributes:
        notes: What was said, in order.
    """

    def __init__(self, watcher: Observer) -> None:
        self._watcher = watcher
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keeps it and passes it on."""
        self.notes.append(text)
        self._watcher.note(text)

    def started(self, load_id: str | None, total: int | None) -> None:
        """Passes it on."""
        self._watcher.started(load_id, total)

    def progress(self, rows: Mapping[Status, int], requests: Requests) -> None:
        """Passes it on."""
        self._watcher.progress(rows, requests)
