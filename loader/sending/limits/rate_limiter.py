"""How fast to send: one pace for the whole load, pure, time and chance are passed in.

It finds a limit that nobody published. At first the rate climbs steeply, until something says 429; from
then on it stays a little below the rate that got through, and probes upward along a cubic: fast back
towards the last known limit, level just below it, then gently past it and faster the longer all goes well
(the shape of TCP CUBIC, RFC 9438). A limit that lets bursts through (a bucket) shows its rate only in the
long run: a 429 soon after the last one therefore cuts deep, one after a long quiet run hardly at all.
"""

from __future__ import annotations

from typing import Final

FIRST_RATE: Final = 100.0
"""Requests a second at the very start, where nothing is known."""
CLIMB: Final = 10.0
"""Requests a second that each accepted request adds until the first 429: 5,000/s in half a second."""
LOWEST_RATE: Final = 0.1
"""Requests a second: no 429 brings the rate below it."""
CATCH_UP: Final = 0.01
"""Seconds by which a request may be late and keep its turn: event loops wake to a millisecond or worse."""
BELOW: Final = 0.95
"""The level rate, as a share of the rate at which the last 429 came."""
LONG_RUN: Final = 8.0
"""Seconds without a 429 after which the rate in force is known to be nearly right."""
RECOVERY: Final = 12.0
"""Seconds from the cut back to the level rate."""
PROBE: Final = 12.0
"""Seconds past the recovery in which the rate doubles, slowly first."""
CONFIRMED: Final = 2.0
"""Times as long as that recovery and probe last where the last two 429s agree on the limit to a tenth."""
FIRST_PAUSE: Final = 0.25
"""Seconds without a request after a 429 that names no time; doubled while nothing gets through."""
LONGEST_PAUSE: Final = 30.0
"""Seconds: such a pause grows no longer."""


class RateLimiter:
    """When the next request may leave.

    Contract: whoever wants to send calls `reserve` until it gives 0.0, sleeping as long as it says in
    between, and sends at once; one caller at a time waits, the others queue behind it. After the answer it
    calls `accepted` or `throttled`, or neither where no answer came. No call blocks. All calls come from
    one event loop, in the order of `now`, which never goes back. One object serves all of a load's workers.

    Args:
        ceiling: Requests a second that are never exceeded, whatever the service lets through; in any second
            at most one more is sent. None: no ceiling.
        now: The present, in seconds of a clock that only the caller knows.
        learnt: What an earlier run's `rate` was; None where nothing is known.
    """

    def __init__(self, ceiling: float | None, now: float, learnt: float | None = None) -> None:
        self._ceiling = ceiling / (1 + CATCH_UP) if ceiling else float("inf")
        self._climbing = learnt is None
        self._climbed = FIRST_RATE
        self._floor = self._level = learnt or FIRST_RATE
        self._run = RECOVERY if learnt else 0.0
        self._run_accepted = 0
        self._found = 0.0
        self._stretch = 1.0
        self._due = now
        self._last = now
        self._held_until = now
        self._cut_at = float("-inf")
        self._fruitless = 0

    @property
    def rate(self) -> float | None:
        """Requests a second that the service was found to let through; None where no limit was ever met."""
        return None if self._climbing else max(self._level, min(self._in_force(), self._ceiling))

    def hold(self, now: float) -> float:
        """Seconds for which nothing may be sent because of a 429; 0.0 where there is no such hold."""
        return max(self._held_until - now, 0.0)

    def reserve(self, now: float) -> float:
        """Asks to send one request.

        Returns:
            0.0: the turn is taken, send now. Else the seconds after which to ask again; no turn is taken.
        """
        wait = max(self._held_until, self._due) - now
        if wait > 1e-9:  # noqa: PLR2004 - less is what adding floats leaves over
            return wait
        interval = 1 / min(self._in_force(), self._ceiling)
        self._run += min(now - self._last, 3 * interval)  # an idle load learns nothing about the limit
        self._last = now
        self._due = max(self._due, now - CATCH_UP) + interval
        return 0.0

    def accepted(self, now: float) -> None:
        """Notes an answer that is no 429: the request got past the limit, whatever became of its row."""
        del now  # the run counts requests, not answers; the argument is part of the contract
        self._fruitless = 0
        self._run_accepted += 1
        if self._climbing:
            self._climbed += CLIMB

    def throttled(
        self, now: float, retry_after: float | None, *, sent_at: float | None = None, chance: float = 0.5
    ) -> None:
        """Notes a 429.

        Args:
            now: The present.
            retry_after: Seconds to send nothing, as the service asked; None where it did not say.
            sent_at: When the request left: one that left before the last cut does not cut again. None: now.
            chance: From 0 to 1: spreads a pause of the pace's own from half to one and a half of its length.
        """
        same_event = sent_at is not None and sent_at <= self._cut_at
        if retry_after is None and not same_event:
            retry_after = min(FIRST_PAUSE * 2**self._fruitless, LONGEST_PAUSE) * (0.5 + chance)
            self._fruitless = min(self._fruitless + 1, 10)
        self._held_until = max(self._held_until, now + (retry_after or 0.0))
        self._due = max(self._due, self._held_until)
        self._last = max(self._last, self._held_until)
        if not same_event:
            self._cut(now)

    def _in_force(self) -> float:
        """The rate at this point of the run, requests a second."""
        if self._climbing:
            return self._climbed
        run = self._run / self._stretch
        if run < RECOVERY:
            return self._level - (self._level - self._floor) * (1 - run / RECOVERY) ** 3
        return self._level * (1 + ((run - RECOVERY) / PROBE) ** 3)

    def _cut(self, now: float) -> None:
        """Lowers the rate: by a tenth after a long run, by up to a half after a short one."""
        found = min(self._in_force(), self._ceiling)
        if self._climbing or self._run < LONG_RUN / 4:
            # a run so short began with a burst let through: what it let through bounds the limit from above
            found = min(found, (self._run_accepted + 1) / max(self._run, 0.02))
        agrees = self._run >= LONG_RUN and abs(found - self._found) <= 0.1 * found
        self._stretch, self._found = CONFIRMED if agrees else 1.0, found
        kept = 0.5 + 0.4 * min(self._run / LONG_RUN, 1.0)
        self._level = max(BELOW * found, LOWEST_RATE)
        self._floor = max(kept * found, LOWEST_RATE)
        self._climbing = False
        self._run, self._run_accepted, self._cut_at = 0.0, 0, now
