"""Turns of one process: who may send when, and how they end."""

from __future__ import annotations

import asyncio
import random

import pytest

from loader.errors import NoSuchTenant, ServiceDown
from loader.findings import Finding
from loader.sending.clock import Clock, Sleeper
from loader.sending.limits.rate_limiter import RateLimiter
from loader.sending.turns import STOPPED, LocalTurns, TurnOutcome

BUSY = Finding("answer.throttled", params={"status": 429})
DOWN = Finding("connection.failed", params={"words": "refused"})
INTERRUPTED = Finding("sending.interrupted")


class FakeTime:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.stuck = False

    def __call__(self) -> float:
        """The present."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Lets time pass at once, or never ends."""
        if self.stuck:
            await asyncio.Event().wait()
        self.now += seconds
        await asyncio.sleep(0)


def turns_of(time: FakeTime, *, give_up_after: float = 300.0) -> LocalTurns:
    """Turns with a clock of the test's own."""
    clock = Clock(time, time.sleep)
    return LocalTurns(
        "POST http://x/",
        rate_limiter=RateLimiter(None, time.now),
        give_up_after=give_up_after,
        clock=clock,
        sleeper=Sleeper(clock),
        chance=random.Random(1),
    )


def test_a_turn_has_its_time() -> None:
    """Without trouble the first turn is there at once."""
    time = FakeTime()
    turns = turns_of(time)
    assert asyncio.run(turns.take()) == 100.0
    turns.report(100.0, TurnOutcome("accepted"))
    assert turns.trouble is None
    assert turns.time_left() == float("inf")


def test_a_throttled_request_holds_the_next_turn() -> None:
    """As long as the service asked; meanwhile the trouble is known."""

    async def take() -> float | None:
        taken_at = await turns.take()
        assert taken_at is not None
        turns.report(taken_at, TurnOutcome("throttled", BUSY, retry_after=7.0))
        assert turns.trouble == BUSY
        return await turns.take()

    time = FakeTime()
    turns = turns_of(time)
    assert asyncio.run(take()) == pytest.approx(107.0)
    turns.report(time.now, TurnOutcome("accepted"))
    assert turns.trouble is None


def test_a_service_that_stays_down_closes_the_turns() -> None:
    """One sender gets the error, with the address and the cause; the others get no turn."""

    async def take_until_closed() -> list[object]:
        async def send() -> None:
            while (taken_at := await turns.take()) is not None:
                turns.report(taken_at, TurnOutcome("failed", DOWN))

        return await asyncio.gather(*(send() for _ in range(4)), return_exceptions=True)

    time = FakeTime()
    turns = turns_of(time, give_up_after=20.0)
    ends = asyncio.run(take_until_closed())
    (error,) = [end for end in ends if end is not None]
    assert isinstance(error, ServiceDown)
    assert error.message == "POST http://x/: no request succeeded for 20 s; no connection: refused"
    assert turns.stopped is error
    assert turns.closed == STOPPED
    assert time.now == pytest.approx(120.0, abs=1)


def test_closing_ends_those_that_wait() -> None:
    """At once, and only the first reason counts."""

    async def close() -> list[float | None]:
        waiting = [asyncio.ensure_future(turns.take()) for _ in range(3)]
        await asyncio.sleep(0)
        assert turns.close(INTERRUPTED)
        assert not turns.close(STOPPED, NoSuchTenant("no"))
        return await asyncio.gather(*waiting)

    time = FakeTime()
    time.stuck = True
    turns = turns_of(time)
    turns.report(100.0, TurnOutcome("throttled", BUSY, retry_after=60.0))
    assert asyncio.run(close()) == [None] * 3
    assert (turns.closed, turns.stopped) == (INTERRUPTED, None)
