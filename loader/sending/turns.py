"""When the next request may leave, for all senders of a load, and whether any may leave at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from loader.errors import ServiceDown, Stopped
from loader.findings import Finding
from loader.sending.limits.circuit_breaker import CircuitBreaker
from loader.wording import message

if TYPE_CHECKING:
    import random

    from loader.sending.clock import Clock, Sleeper
    from loader.sending.limits.rate_limiter import RateLimiter

STOPPED: Final = Finding("sending.stopped")
"""What to report of rows that wait when the load stops."""


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """What a request says about the service, whatever it says about its row.

    Attributes:
        kind: `accepted`: the service works. `throttled`: 429. `failed`: no connection, no whole answer, 5xx.
        finding: What went wrong; None where nothing did.
        retry_after: Seconds that the service asked to wait; None where it did not.
    """

    kind: Literal["accepted", "throttled", "failed"]
    finding: Finding | None = None
    retry_after: float | None = None


# A protocol with one implementation: senders know nothing else of the pace, so that workers in several
# processes can share one (the service limits the tenant, not the process) without a change in them.
class Turns(Protocol):
    """What a sender needs of the rate limiter and the circuit breaker.

    Contract: `take` before each request, which then leaves at once; `report` once its answer, or the lack of
    one, is there, unless the sender was cancelled meanwhile. Any number of senders may wait in `take`.
    `close` ends them all; nothing opens turns again. All calls come from one event loop; only `take` waits.
    """

    @property
    def closed(self) -> Finding | None:
        """Return why no more requests may leave; None while they may."""
        ...

    @property
    def stopped(self) -> Stopped | None:
        """Return the error that closed the turns; None where none did."""
        ...

    @property
    def trouble(self) -> Finding | None:
        """Return what keeps the service from taking rows at the moment; None while all is well."""
        ...

    async def take(self) -> float | None:
        """Wait until one request may leave.

        Returns:
            The time of the turn, for `report`; None where the turns are closed: send nothing.

        Raises:
            ServiceDown: The service was down, or asks to wait, for too long; once, to one sender.
        """
        ...

    def report(self, taken_at: float, outcome: TurnOutcome) -> None:
        """Take in what came of a request.

        Args:
            taken_at: What `take` returned for it.
            outcome: What came.
        """
        ...

    def time_left(self) -> float:
        """Return the seconds until the load gives up if nothing succeeds; infinite while nothing fails."""
        ...

    def close(self, finding: Finding, error: Stopped | None = None) -> bool:
        """Let no more requests leave; return false where the turns were closed already.

        Args:
            finding: What to report of rows that wait.
            error: What stops the load; None where nothing is wrong.
        """
        ...


class LocalTurns:
    """Turns of one process.

    Args:
        target: Where requests go, for messages.
        rate_limiter: The load's rate, of the same clock.
        give_up_after: Seconds that the service may be down.
        clock: The time.
        sleeper: Its sleeps; they end when an outage is over and when the turns are closed.
        chance: The dice for jitter.
    """

    def __init__(
        self,
        target: str,
        *,
        rate_limiter: RateLimiter,
        give_up_after: float,
        clock: Clock,
        sleeper: Sleeper,
        chance: random.Random,
    ) -> None:
        self._target = target
        self._rate_limiter = rate_limiter
        self._breaker = CircuitBreaker(give_up_after)
        self._clock = clock
        self._sleeper = sleeper
        self._chance = chance
        self._queue = asyncio.Lock()
        self._trouble: Finding | None = None
        self._closed: Finding | None = None
        self._stopped: Stopped | None = None

    @property
    def closed(self) -> Finding | None:
        """Return why no more requests may leave; None while they may."""
        return self._closed

    @property
    def stopped(self) -> Stopped | None:
        """Return the error that closed the turns; None where none did."""
        return self._stopped

    @property
    def trouble(self) -> Finding | None:
        """Return what keeps the service from taking rows at the moment; None while all is well."""
        return self._trouble if self._breaker.since is not None else None

    async def take(self) -> float | None:
        """Wait until one request may leave."""
        # One sender asks for the next turn, the others queue behind it: so a pause costs one timer and not
        # one a sender, and turns are taken in the order in which senders came.
        async with self._queue:
            while self._closed is None:
                now = self._clock.now()
                self._check_patience(now)
                wait = self._breaker.hold(now) or self._rate_limiter.reserve(now)
                if not wait:
                    self._breaker.leaving(now)
                    return now
                # Never longer than the load waits: it gives up in time, not at the end of a long pause.
                await self._sleeper.nap(min(wait, self._breaker.patience(now)))
            return None

    def report(self, taken_at: float, outcome: TurnOutcome) -> None:
        """Take in what came of a request."""
        if outcome.kind == "accepted":
            self._rate_limiter.accepted()
            if self._breaker.succeeded():
                self._sleeper.wake()
            return
        now = self._clock.now()
        self._trouble = outcome.finding
        # The dice are thrown here: limiter and breaker are pure, so that their tests need no seed.
        dice, wait = self._chance.random(), outcome.retry_after
        if outcome.kind == "throttled":
            self._breaker.throttled(now)
            self._rate_limiter.throttled(now, wait, sent_at=taken_at, chance=dice)
        else:
            self._breaker.failed(now, taken_at, chance=dice, retry_after=wait)

    def time_left(self) -> float:
        """Return the seconds until the load gives up if nothing succeeds; infinite while nothing fails."""
        return self._breaker.patience(self._clock.now())

    def close(self, finding: Finding, error: Stopped | None = None) -> bool:
        """Let no more requests leave; return false where the turns were closed already."""
        if self._closed is not None:
            return False
        self._closed, self._stopped = finding, error
        self._sleeper.wake()
        return True

    def _check_patience(self, now: float) -> None:
        """Raise where the service was down, or asks to wait, for longer than the load waits."""
        hold = self._rate_limiter.hold(now)
        if self._breaker.given_up(now):
            problem = f"no request succeeded for {self._breaker.give_up_after:g} s"
        elif hold > self._breaker.patience(now):
            problem = f"the service asks to wait another {hold:.0f} s"
        else:
            return
        detail = f"; {message(self._trouble)}" if self._trouble else ""
        error = ServiceDown(
            f"{self._target}: {problem}{detail}", next_step="resume the load when the service is back"
        )
        # Only the sender that closes the turns raises: one reason stops the load, and is reported once.
        if self.close(STOPPED, error):
            raise error
