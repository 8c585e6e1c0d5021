"""When the next request may leave: one rate for the whole load; pure, time and chance are passed in.

It finds a limit that nobody published: `RateCurve` says which rate to try, this module turns it into turns.
"""

from __future__ import annotations

from typing import Final

from loader.sending.limits.rate_curve import RateCurve

CATCH_UP: Final = 0.01
"""Seconds by which a request may be late and keep its turn: event loops wake to a millisecond or worse."""
FIRST_PAUSE: Final = 0.25
"""Seconds without a request after a 429 that names no time; doubled while nothing gets through."""
LONGEST_PAUSE: Final = 30.0
"""Seconds: such a pause grows no longer."""


class RateLimiter:
    """When the next request may leave.

    Contract: a sender calls `reserve` until it returns 0.0, sleeping as long as it says in between, and sends
    at once; one sender at a time waits, the others queue behind it. After the answer it calls `accepted` or
    `throttled`, or neither where no answer came. No call blocks. All calls come from one event loop, in the
    order of `now`, which never goes back. One object serves all of a load's workers.

    Args:
        ceiling: Requests a second that are never exceeded, whatever the service allows; in any second at most
            one more is sent. None: no ceiling.
        now: The present, in seconds of a clock that only the caller knows.
        learnt: What an earlier run's `rate` was; None where nothing is known.
    """

    def __init__(self, ceiling: float | None, now: float, learnt: float | None = None) -> None:
        # A late request keeps its turn, so a second may hold CATCH_UP more of them: lowered by as much.
        self._ceiling = ceiling / (1 + CATCH_UP) if ceiling else float("inf")
        self._curve = RateCurve(learnt)
        self._due = now
        self._last = now
        self._held_until = now
        self._cut_at = float("-inf")
        self._pauses = 0

    @property
    def rate(self) -> float | None:
        """Return the requests a second that the service was found to allow; None where no limit was met."""
        level = self._curve.level
        return None if level is None else max(level, self._rate_in_force())

    def hold(self, now: float) -> float:
        """Return the seconds for which nothing may be sent because of a 429; 0.0 where it may."""
        return max(self._held_until - now, 0.0)

    def reserve(self, now: float) -> float:
        """Ask to send one request.

        Returns:
            0.0: the turn is taken, send now. Else the seconds after which to ask again; no turn is taken.
        """
        wait = max(self._held_until, self._due) - now
        if wait > 1e-9:  # noqa: PLR2004 - less is what adding floats leaves over
            return wait
        interval = 1 / self._rate_in_force()
        # An idle load learns nothing about the limit: the curve goes on only while requests follow closely.
        self._curve.advance(min(now - self._last, 3 * interval))
        self._last = now
        # From when the turn was due, not from now: else each late wake-up would lower the rate for good.
        self._due = max(self._due, now - CATCH_UP) + interval
        return 0.0

    def accepted(self) -> None:
        """Count an answer that is not a 429: the request passed the limit, whatever became of its row."""
        self._pauses = 0
        self._curve.accept()

    def throttled(
        self, now: float, retry_after: float | None, *, sent_at: float | None = None, chance: float = 0.5
    ) -> None:
        """Count a 429.

        Args:
            now: The present.
            retry_after: Seconds to send nothing, as the service asked; None where it did not.
            sent_at: When the request left. None: now.
            chance: From 0 to 1: spreads a pause that the service did not name from half to one and a half of
                its length.
        """
        # Many requests are in progress when a limit is hit. Those that left before the cut met the old rate:
        # they would cut once each, down to nothing.
        same_event = sent_at is not None and sent_at <= self._cut_at
        if retry_after is None and not same_event:
            retry_after = min(FIRST_PAUSE * 2**self._pauses, LONGEST_PAUSE) * (0.5 + chance)
            self._pauses = min(self._pauses + 1, 10)
        self._held_until = max(self._held_until, now + (retry_after or 0.0))
        self._due = max(self._due, self._held_until)
        self._last = max(self._last, self._held_until)
        if not same_event:
            self._curve.cut(self._rate_in_force())
            self._cut_at = now

    def _rate_in_force(self) -> float:
        return min(self._curve.rate(), self._ceiling)
