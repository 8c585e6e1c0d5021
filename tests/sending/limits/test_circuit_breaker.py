"""When a service is left alone, and when the load gives up."""

from __future__ import annotations

from loader.sending.limits.circuit_breaker import FAILURES_IN_A_ROW, LONGEST_HOLD, CircuitBreaker


def _broken(outage: CircuitBreaker, now: float) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        outage.failed(now, now, chance=0.5)


def test_single_failures_hold_nothing_back() -> None:
    """Failures with successes in between are no outage."""
    outage = CircuitBreaker(300)
    for now in range(100):
        outage.failed(now, now, chance=0.5)
        assert outage.hold(now) == 0
        if now % (FAILURES_IN_A_ROW - 1) == 0:
            outage.succeeded()


def test_a_row_of_failures_lets_one_probe_through_at_a_time() -> None:
    """In an outage one request leaves at a time, ever more seldom, until one succeeds."""
    outage = CircuitBreaker(1e9)
    _broken(outage, 0.0)
    now, holds = 0.0, []
    for _ in range(8):
        holds.append(outage.hold(now))
        now += holds[-1]
        assert outage.hold(now) == 0
        outage.leaving(now)
        assert outage.hold(now) > 0, "a second one may not leave beside the probe"
        outage.failed(now, now, chance=0.5)
    assert holds == [1, 2, 4, 8, 16, LONGEST_HOLD, LONGEST_HOLD, LONGEST_HOLD]
    assert outage.succeeded()
    assert outage.hold(now) == 0


def test_failures_of_requests_already_under_way_do_not_lengthen_the_hold() -> None:
    """Sixteen requests that fail together are one event."""
    outage = CircuitBreaker(300)
    for _ in range(16):
        outage.failed(1.0, 0.5, chance=0.5)
    assert outage.hold(1.0) == 1.0


def test_a_hold_is_spread_by_chance() -> None:
    """The dice move the end of a hold by up to a quarter."""
    low, high = CircuitBreaker(300), CircuitBreaker(300)
    for _ in range(FAILURES_IN_A_ROW):
        low.failed(0.0, 0.0, chance=0.0)
        high.failed(0.0, 0.0, chance=1.0)
    assert (low.hold(0.0), high.hold(0.0)) == (0.75, 1.25)


def test_a_service_that_names_a_time_is_left_alone_for_it() -> None:
    """503 with Retry-After holds the load at the first failure; a success elsewhere does not end that."""
    outage = CircuitBreaker(300)
    outage.failed(0.0, 0.0, chance=0.5, retry_after=20)
    assert outage.hold(5.0) == 15
    assert not outage.succeeded()
    assert outage.hold(5.0) == 15


def test_patience_runs_from_the_first_failure_and_ends_with_any_success() -> None:
    """The load gives up after so many seconds without one success."""
    outage = CircuitBreaker(300)
    assert outage.patience(50.0) == float("inf")
    outage.failed(100.0, 99.0, chance=0.5)
    outage.throttled(200.0)
    assert outage.patience(250.0) == 150
    assert not outage.given_up(399.9)
    assert outage.given_up(400.0)
    outage.succeeded()
    assert not outage.given_up(1e9)
    assert outage.since is None
