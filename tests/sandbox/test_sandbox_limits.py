"""The rate limit's bucket, by a clock of the test's own."""

from __future__ import annotations

import pytest

from loader.sandbox.limits import Bucket


def test_a_full_bucket_lets_a_burst_through_and_fills_evenly() -> None:
    """After the burst one request goes through for each token that has come."""
    seconds = [0.0]
    bucket = Bucket(10, 3, lambda: seconds[0])
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.take() == pytest.approx(0.1)
    seconds[0] = 0.05
    assert bucket.take() == pytest.approx(0.05)
    seconds[0] = 0.1
    assert bucket.take() == 0
    seconds[0] = 100
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_what_goes_through_in_the_long_run_is_the_rate() -> None:
    """Asked far more often than allowed for 100 seconds, it lets rate times seconds plus burst through."""
    seconds = [0.0]
    bucket = Bucket(50, None, lambda: seconds[0])
    passed = 0
    for tick in range(100_000):
        seconds[0] = tick / 1000
        passed += bucket.take() == 0
    assert passed == pytest.approx(50 * 100 + 50, abs=1)


def test_a_rate_below_one_holds_one_request() -> None:
    """Half a request a second is one every two seconds, not none ever."""
    seconds = [0.0]
    bucket = Bucket(0.5, None, lambda: seconds[0])
    assert bucket.take() == 0
    assert bucket.take() == pytest.approx(2)
