"""Reads that lag behind writes: which writes a reader sees."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Lag:
    """How far a lagging read sees.

    Args:
        seconds: How long a write stays unseen.
        clock: Seconds of a clock that never goes back.
        seen: The number of the last write that is seen from the start; 0: none is.
    """

    def __init__(self, seconds: float, clock: Callable[[], float], seen: int) -> None:
        self._seconds = seconds
        self._clock = clock
        self._seen = seen
        self._unseen: deque[tuple[float, int]] = deque()

    def wrote(self, number: int) -> None:
        """Add a write; those after it have higher numbers."""
        self._unseen.append((self._clock(), number))
        self._see()

    def seen(self) -> tuple[int, bool]:
        """Return the number of the last write that is seen, and whether there are later ones."""
        self._see()
        return self._seen, bool(self._unseen)

    def _see(self) -> None:
        past = self._clock() - self._seconds
        while self._unseen and self._unseen[0][0] <= past:
            self._seen = max(self._seen, self._unseen.popleft()[1])
