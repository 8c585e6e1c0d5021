"""Whether the service is down, and how long to send nothing: pure, time and chance are passed in."""

from __future__ import annotations

from typing import Final

FAILURES_IN_A_ROW: Final = 5
"""So many failures without one answer in between are an outage; fewer may be bad luck."""
FIRST_HOLD: Final = 1.0
"""Seconds without a request once an outage shows; doubled after each probe that fails."""
LONGEST_HOLD: Final = 30.0
"""Seconds: the hold grows no longer."""


class CircuitBreaker:
    """Keep a failing service from putting rows in doubt: one probe at a time leaves, ever more seldom.

    A 500 or a lost connection leaves its row in doubt, so a service that fails for a minute would put
    thousands of rows in doubt if they were all sent to it. After `FAILURES_IN_A_ROW` the load sends nothing,
    and then one request at a time asks whether the service is back.

    Contract: a request may leave while `hold` is 0.0; `leaving` is called as it does, and after it exactly
    one of `failed`, `throttled` and `succeeded`. All calls come from one event loop; none blocks.

    Args:
        give_up_after: Seconds of failing without one success before `given_up` is True.
    """

    def __init__(self, give_up_after: float) -> None:
        self._give_up_after = give_up_after
        self._since: float | None = None
        self._in_a_row = 0
        self._hold = 0.0
        self._held_until = float("-inf")
        self._tripped_at = float("-inf")

    @property
    def give_up_after(self) -> float:
        """Return the seconds of failing after which the load gives up."""
        return self._give_up_after

    @property
    def since(self) -> float | None:
        """Return when the first failure after the last success came; None while all is well."""
        return self._since

    def given_up(self, now: float) -> bool:
        """Tell whether the service has failed for as long as the load waits."""
        return self._since is not None and now - self._since >= self._give_up_after

    def patience(self, now: float) -> float:
        """Return the seconds until the load gives up if nothing succeeds; infinite while nothing fails."""
        return float("inf") if self._since is None else max(self._since + self._give_up_after - now, 0.0)

    def hold(self, now: float) -> float:
        """Return the seconds after which to ask again; 0.0 where a request may leave now."""
        return max(self._held_until - now, 0.0)

    def leaving(self, now: float) -> None:
        """Count a request that leaves now: in an outage it is the one probe of its time."""
        if self._hold:
            # Holds the others back until the probe's answer is there, or would be late.
            self._held_until = now + self._hold

    def failed(self, now: float, sent_at: float, *, chance: float, retry_after: float | None = None) -> None:
        """Count a request that brought no connection, no whole answer or a 5xx.

        Args:
            now: The present.
            sent_at: When the request left; those that left before the hold do not lengthen it.
            chance: From 0 to 1: spreads the hold from three quarters to five quarters of its length.
            retry_after: Seconds that the service asked to wait (a 503 may); None where it did not.
        """
        self._since = now if self._since is None else self._since
        self._in_a_row += 1
        if retry_after:
            self._held_until = max(self._held_until, now + retry_after)
        if self._in_a_row >= FAILURES_IN_A_ROW and sent_at >= self._tripped_at:
            self._hold = min(max(2 * self._hold, FIRST_HOLD), LONGEST_HOLD)
            self._tripped_at = now
            self._held_until = max(self._held_until, now + self._hold * (0.75 + chance / 2))

    def throttled(self, now: float) -> None:
        """Count a 429: the service is up, and yet nothing is stored; the time to give up runs."""
        self._since = now if self._since is None else self._since
        self._in_a_row = 0
        self._hold = 0.0

    def succeeded(self) -> bool:
        """Count an answer from a service that works, whatever it says about the row.

        Returns:
            Whether this ended a hold, so that those that wait should ask again now.
        """
        was_held = self._hold > 0
        self._since, self._in_a_row, self._hold = None, 0, 0.0
        if was_held:
            self._held_until = float("-inf")
        return was_held
