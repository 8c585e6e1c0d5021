"""The rate that a load tries: a curve over the time since the last 429.

At first the rate climbs steeply, until something answers 429; from then on it stays a little below the rate
that the service allowed, and probes upward along a cubic: fast back towards the last known limit, level just
below it, then gently past it and faster the longer all goes well (the shape of TCP CUBIC, RFC 9438). A limit
that allows bursts (a bucket) shows its rate only in the long run: a 429 soon after the last one therefore
cuts deep, one after a long quiet time hardly at all.
"""

from __future__ import annotations

from typing import Final

FIRST_RATE: Final = 100.0
"""Requests a second at the very start, where nothing is known."""
CLIMB: Final = 10.0
"""Requests a second that each accepted request adds until the first 429: 5,000/s in half a second."""
LOWEST_RATE: Final = 0.1
"""Requests a second: no 429 brings the rate below it."""
BELOW: Final = 0.95
"""The level rate, as a share of the rate at which the last 429 came."""
LONG_TIME: Final = 8.0
"""Seconds without a 429 after which the rate in force is known to be nearly right."""
RECOVERY: Final = 12.0
"""Seconds from the cut back to the level rate."""
PROBE: Final = 12.0
"""Seconds past the recovery in which the rate doubles, slowly first."""
CONFIRMED: Final = 2.0
"""Times as long as that recovery and probe last where the last two 429s agree on the limit to a tenth."""


class RateCurve:
    """Requests a second, as a function of the time in which a load sent without a 429.

    Contract: `advance` with each request, `accept` with each answer that is not a 429, `cut` with each 429
    that counts. Pure.

    Args:
        learnt: The rate that an earlier run ended with; None where nothing is known: the rate climbs.
    """

    def __init__(self, learnt: float | None) -> None:
        self._climbing_rate = FIRST_RATE
        self._level: float | None = learnt  # None while the rate climbs
        self._floor = learnt or FIRST_RATE
        # A learnt rate is the level, so such a run starts where the recovery ends.
        self._time = RECOVERY if learnt else 0.0
        self._accepted = 0
        self._limit = 0.0
        self._stretch = 1.0

    @property
    def level(self) -> float | None:
        """Return the rate a little below the last known limit; None where no limit was ever met."""
        return self._level

    def rate(self) -> float:
        """Return the rate at this point of the curve."""
        if self._level is None:
            return self._climbing_rate
        time = self._time / self._stretch
        if time < RECOVERY:
            return self._level - (self._level - self._floor) * (1 - time / RECOVERY) ** 3
        return self._level * (1 + ((time - RECOVERY) / PROBE) ** 3)

    def advance(self, seconds: float) -> None:
        """Go on by a time in which the load sent."""
        self._time += seconds

    def accept(self) -> None:
        """Count a request that the limit let pass."""
        self._accepted += 1
        if self._level is None:
            self._climbing_rate += CLIMB

    def cut(self, rate: float) -> None:
        """Lower the curve after a 429: by a tenth after a long time without one, else by up to a half.

        Args:
            rate: The rate in force when the 429 came.
        """
        if self._level is None or self._time < LONG_TIME / 4:
            # A time this short began with a burst that a bucket had saved up: not the rate in force, but what
            # got through in it bounds the limit from above. 0.02 s: the very first answers have no rate yet.
            rate = min(rate, (self._accepted + 1) / max(self._time, 0.02))
        agrees = self._time >= LONG_TIME and abs(rate - self._limit) <= 0.1 * rate
        self._stretch, self._limit = CONFIRMED if agrees else 1.0, rate
        kept = 0.5 + 0.4 * min(self._time / LONG_TIME, 1.0)
        self._level = max(BELOW * rate, LOWEST_RATE)
        self._floor = max(kept * rate, LOWEST_RATE)
        self._time, self._accepted = 0.0, 0
