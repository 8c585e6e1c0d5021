"""The pace against simulated limits: a clock of the test's own, token buckets, several workers."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.sending import RateLimiter

_LATENCY = 0.03


@dataclass
class Bucket:
    """A limit as services have it: `capacity` requests at once, `refill` a second in the long run."""

    capacity: float
    refill: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.capacity

    def takes(self, now: float) -> bool:
        """Whether one request gets through now."""
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.refill)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Run:
    """What a simulated load did: when requests left, which got through, when nothing was allowed to leave."""

    pace: RateLimiter
    left: list[tuple[float, bool]] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)

    def through(self, start: float, end: float) -> int:
        """Requests that got through from `start` to `end`."""
        return sum(1 for at, passed in self.left if passed and start <= at < end)

    def refusals(self, start: float = 0.0) -> int:
        """429s from `start` on."""
        return sum(1 for at, passed in self.left if not passed and at >= start)

    def busiest_second(self) -> int:
        """The most requests that left within one second, both ends counted."""
        times, first, most = [at for at, _ in self.left], 0, 0
        for index, at in enumerate(times):
            while at - times[first] > 1:
                first += 1
            most = max(most, index - first + 1)
        return most


@dataclass
class Load:
    """Workers that share one pace, against one bucket."""

    bucket: Bucket | None = None
    workers: int = 16
    retry_after: float | None = None
    ceiling: float | None = None
    learnt: float | None = None
    latency: float = _LATENCY
    changes: tuple[tuple[float, float], ...] = ()

    def run(self, seconds: float, seed: int = 1) -> Run:
        """Sends as fast as the pace lets, with `workers` requests in progress at most."""
        pace = RateLimiter(self.ceiling, 0.0, self.learnt)
        run, dice = Run(pace), random.Random(seed)
        under_way: list[tuple[float, float, bool]] = []
        changes, now = list(self.changes), 0.0
        while now < seconds:
            while self.bucket and changes and now >= changes[0][0]:
                self.bucket.refill = changes.pop(0)[1]
            while under_way and under_way[0][0] <= now:
                self._arrive(run, *heapq.heappop(under_way), chance=dice.random())
            wait = pace.reserve(now) if len(under_way) < self.workers else float("inf")
            if wait == 0:
                passed = self.bucket is None or self.bucket.takes(now)
                run.left.append((now, passed))
                heapq.heappush(under_way, (now + self.latency * dice.uniform(0.8, 1.2), now, passed))
            else:
                now = min(now + wait, under_way[0][0] if under_way else float("inf"))
        return run

    def _arrive(self, run: Run, now: float, sent_at: float, passed: bool, *, chance: float) -> None:  # noqa: FBT001 - from a heap
        if passed:
            run.pace.accepted()
            return
        run.pace.throttled(now, self.retry_after, sent_at=sent_at, chance=chance)
        if self.retry_after:
            run.windows.append((now, now + self.retry_after))


@pytest.mark.parametrize("workers", [4, 16, 64])
@pytest.mark.parametrize("retry_after", [1.0, None])
@pytest.mark.parametrize("capacity", [5, 50])
def test_a_hidden_limit_is_found_and_used(capacity: int, retry_after: float | None, workers: int) -> None:
    """From 20 s on at least 0.9 of 50/s gets through, with few 429s, whatever the bucket and its headers."""
    run = Load(Bucket(capacity, 50), workers=workers, retry_after=retry_after).run(200)
    assert run.through(20, 200) / (180 * 50) >= 0.9
    assert run.through(0, 20) / (20 * 50) >= 0.7
    assert run.refusals(20) <= run.through(20, 200) / 200
    assert run.refusals() <= 60
    assert 40 <= (run.pace.rate or 0) <= 65


@pytest.mark.parametrize("retry_after", [0.2, 1.0, 7.0])
def test_nothing_leaves_while_the_service_wants_to_be_left_alone(retry_after: float) -> None:
    """No request leaves between a 429 and the end of its Retry-After."""
    run = Load(Bucket(5, 50), retry_after=retry_after).run(60)
    assert run.windows
    times = [at for at, _ in run.left]
    assert not any(start < at < end - 1e-6 for start, end in run.windows for at in times)


def test_a_limit_that_changes_is_followed() -> None:
    """When 50/s becomes 20/s the load comes down within seconds, and up again within a minute."""
    changes = ((60.0, 20.0), (120.0, 50.0))
    for capacity in (5, 50):
        run = Load(Bucket(capacity, 50), retry_after=1.0, changes=changes).run(240)
        assert run.through(30, 60) / 30 >= 0.9 * 50
        assert run.through(70, 120) / 50 >= 0.8 * 20
        assert run.refusals() <= 100
        assert run.through(180, 240) / 60 >= 0.88 * 50


def test_what_was_learnt_spares_the_next_run_the_learning() -> None:
    """A run that begins with a known rate uses it from the first second and meets next to no 429."""
    run = Load(Bucket(5, 50), retry_after=1.0, learnt=48.0).run(20)
    assert run.through(0, 20) >= 0.9 * 20 * 48
    assert run.refusals() <= 2


def test_without_a_limit_the_load_is_not_held_back() -> None:
    """Where nothing says 429 the pace is out of the way within a second, and learns nothing."""
    run = Load(latency=0.002, workers=16).run(3)
    assert run.through(1, 2) >= 0.95 * 16 / 0.002
    assert run.pace.rate is None


def test_the_first_burst_is_small() -> None:
    """Against an unknown limit a load begins with few requests, however many workers it has."""
    run = Load(Bucket(5, 50), workers=64, retry_after=1.0).run(0.5)
    assert run.refusals() <= 5
    assert run.through(0, 0.1) <= 30


@given(
    ceiling=st.floats(1, 500),
    late=st.lists(st.floats(0, 0.03), min_size=50, max_size=200),
    seed=st.integers(0, 10),
)
def test_a_ceiling_is_never_exceeded(ceiling: float, late: list[float], seed: int) -> None:
    """In no second more than the ceiling and one request leave, however late the caller wakes up."""
    pace, now, times, dice = RateLimiter(ceiling, 0.0), 0.0, [], random.Random(seed)
    for delay in late * 3:
        while wait := pace.reserve(now):
            now += wait + delay * (dice.random() < 0.2)
        times.append(now)
        pace.accepted()
    run = Run(pace, [(at, True) for at in times])
    assert run.busiest_second() <= int(ceiling) + 1


@pytest.mark.parametrize("ceiling", [2.0, 50.0, 400.0])
def test_a_ceiling_is_used(ceiling: float) -> None:
    """Below the service's own limit a ceiling is reached to 3 %, never exceeded, and evenly."""
    run = Load(ceiling=ceiling).run(30)
    assert run.through(5, 25) >= 0.97 * 20 * ceiling
    assert run.busiest_second() <= ceiling + 1
    times = [at for at, _ in run.left if at > 5]
    assert min(b - a for a, b in pairwise(times)) >= 0.9 / ceiling


def test_a_ceiling_over_the_limit_still_finds_the_limit() -> None:
    """A ceiling does not keep the pace from learning a lower limit."""
    run = Load(Bucket(5, 50), ceiling=80, retry_after=1.0).run(100)
    assert run.through(20, 100) / (80 * 50) >= 0.9
    assert run.busiest_second() <= 81


def test_requests_under_way_at_a_429_are_one_event() -> None:
    """Sixteen 429s to requests sent before the first of them arrived cut the rate once."""
    once, often = RateLimiter(None, 0.0), RateLimiter(None, 0.0)
    for pace in (once, often):
        now = 0.0
        for _ in range(16):
            while wait := pace.reserve(now):
                now += wait
        pace.throttled(1.0, None, sent_at=0.9)
    for index in range(15):
        often.throttled(1.0 + index / 1000, None, sent_at=0.95)
    assert once.rate == often.rate


def test_a_pause_of_its_own_grows_while_nothing_gets_through() -> None:
    """Without Retry-After each fruitless try doubles the pause, up to half a minute or so."""
    pace, now, pauses = RateLimiter(None, 0.0), 0.0, []
    for _ in range(10):
        now += pace.hold(now)
        now += pace.reserve(now)
        pace.throttled(now, None, sent_at=now, chance=0.5)
        pauses.append(pace.hold(now))
    assert pauses[:4] == pytest.approx([0.25, 0.5, 1.0, 2.0])
    assert pauses[-1] == pytest.approx(30.0)


def test_an_idle_load_learns_nothing() -> None:
    """Hours without a request do not make the pace forget the limit that it found."""
    pace = RateLimiter(None, 0.0, learnt=50.0)
    for now in (0.0, 3600.0, 7200.0):
        assert pace.reserve(now) == 0
        pace.accepted()
    assert pace.rate == pytest.approx(50.0, rel=0.01)


def test_a_wait_is_told_and_takes_no_turn() -> None:
    """Asking too early says how long to wait and leaves the turn to whoever asks then."""
    pace = RateLimiter(10.1, 0.0)
    assert pace.reserve(0.0) == 0
    assert pace.reserve(0.0) == pace.reserve(0.0) == pytest.approx(0.1)
    assert pace.reserve(0.1) == 0
