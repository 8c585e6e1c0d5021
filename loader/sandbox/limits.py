"""The hidden rate limit: a bucket of tokens that fills evenly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDING = 1e-9
"""What a sum of small refills may miss of a whole token."""


class Bucket:
    """Lets `rate` requests a second through, and `burst` at once after a pause.

    Not safe for use from several threads at once; the sandbox uses it from its event loop only.

    Args:
        rate: Requests a second, more than 0.
        burst: Requests that the full bucket holds; None: one second's worth, and 1 at least.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(self, rate: float, burst: int | None, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._size = float(burst if burst is not None else max(1, math.ceil(rate)))
        self._clock = clock
        self._tokens = self._size
        self._filled = clock()

    def take(self) -> float:
        """Take a token; return 0 where there was one, else the seconds until there will be."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens >= 1 - _ROUNDING:
            self._tokens -= 1
            return 0
        return (1 - self._tokens) / self._rate
