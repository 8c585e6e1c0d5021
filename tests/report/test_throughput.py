"""A load over time: bins, and stretches without a commit."""

from __future__ import annotations

import pytest

from loader.report.page import Pause, Throughput, ThroughputBin
from loader.report.throughput import RESUMED, THROTTLED, WAITING, ThroughputRecorder


def recorded(*seconds: tuple[int, int, int] | tuple[int, int, int, bool]) -> ThroughputRecorder:
    """A load: how many were created and throttled in a second, and whether work started again in it."""
    recorder = ThroughputRecorder()
    for second, created, throttled, *started in seconds:
        recorder.add(second, created=created, throttled=throttled, started=bool(started))
    return recorder


def drawn(recorder: ThroughputRecorder) -> Throughput:
    """What is drawn of it."""
    throughput = recorder.throughput()
    assert throughput is not None
    return throughput


def pauses(*seconds: tuple[int, int, int] | tuple[int, int, int, bool]) -> tuple[Pause, ...]:
    """The pauses that are shown of it."""
    return drawn(recorded(*seconds)).pauses.items


def test_nothing_was_counted() -> None:
    """Then there is nothing to draw."""
    assert recorded().throughput() is None
    assert recorded().seconds_at_work == 0


def test_a_short_load_has_a_bin_a_second() -> None:
    """From its beginning to its last second, those without a commit among them."""
    throughput = drawn(recorded((0, 0, 0), (1, 5, 0), (3, 2, 1)))
    assert (throughput.width, throughput.bins) == (
        1,
        (*(ThroughputBin(n, 0) for n in (0, 5, 0)), ThroughputBin(2, 1)),
    )


@pytest.mark.parametrize("last", [239, 240, 241, 479, 480, 100_000, 40_000_000])
def test_bins_grow_wider_as_a_load_lasts_longer(last: int) -> None:
    """There are never more than 240, none is lost, and each second is in its own."""
    seconds = sorted({0, last // 3, last // 2, last - 1, last})
    throughput = drawn(recorded(*((second, 1, 2) for second in seconds)))
    assert len(throughput.bins) <= 240
    assert last < throughput.width * len(throughput.bins) <= last + throughput.width
    assert sum(one.created for one in throughput.bins) == len(seconds)
    assert sum(one.throttled for one in throughput.bins) == 2 * len(seconds)
    assert all(throughput.bins[int(second // throughput.width)].created for second in seconds)


def test_a_pause_says_why() -> None:
    """No process at work, a service that asked to wait, or none that answered."""
    busy = [(second, 1, 0) for second in range(20)]
    assert pauses(*busy, (27, 1, 0), (40, 1, 3), (44, 1, 0), (50, 1, 0, True)) == (
        Pause(20, 27, WAITING),
        Pause(28, 40, THROTTLED),
        Pause(45, 50, RESUMED),
    )


def test_a_load_that_sends_now_and_then_does_not_pause_all_the_time() -> None:
    """What is usual for the load is no pause, however long it is."""
    slow = [(second, 1, 0) for second in range(0, 600, 20)]
    assert pauses(*slow) == ()
    assert pauses(*slow, (700, 1, 0)) == (Pause(581, 700, WAITING),)


def test_the_longest_of_many_pauses_are_shown() -> None:
    """In the order of time, with how many there are."""
    seconds, at = [], 0
    for number in range(500):
        seconds += [(second, 1, 0) for second in range(at, at + 10)]
        at += 10 + 40 + (number % 2) * 100
    shown = drawn(recorded(*seconds)).pauses
    assert (len(shown.items), shown.total) == (200, 499)
    assert list(shown.items) == sorted(shown.items, key=lambda pause: pause.start)
    assert min(pause.end - pause.start for pause in shown.items) == 140


def test_time_at_work_leaves_out_what_nobody_worked() -> None:
    """It is never more than what was spent: seconds that may not have been complete do not count."""
    recorder = recorded(*((second, 1, 0) for second in range(11)), (1000, 0, 0, True), (1005, 1, 0))
    assert 10 <= recorder.seconds_at_work <= 16
