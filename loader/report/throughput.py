"""A load over time: bins that grow wider as it lasts longer, and the times without a commit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from loader.report.page.load_values import Pause, Throughput, ThroughputBin
from loader.report.values import Capped

if TYPE_CHECKING:
    from collections.abc import Iterable

_BINS: Final = 240
_QUIET: Final = 5  # seconds without a commit that are shown as a pause
_UNUSUAL: Final = 4  # times the usual distance: a load may send only a row now and then
_MOST_PAUSES: Final = 200
RESUMED: Final = "interrupted or ended, then resumed"
THROTTLED: Final = "the service asked to slow down"
WAITING: Final = "waiting for the service"


class ThroughputRecorder:
    """Counts the seconds of a load that had a commit, which come in order.

    Attributes:
        created: Records created so far.
    """

    def __init__(self) -> None:
        self._width = 1
        self._created = [0] * _BINS
        self._throttled = [0] * _BINS
        self._last: int | None = None
        self._steps: Counter[int] = Counter()
        self._pauses: list[Pause] = []
        self._idle = 0
        self._starts = 1
        self.created = 0

    def add(self, second: int, *, created: int, throttled: int, started: bool) -> None:
        """Count a second.

        Args:
            second: Since the load was started; later than those before it.
            created: Records created in it.
            throttled: Answers with "too many requests".
            started: Whether a process started to work on the load in it.
        """
        while second >= self._width * _BINS:
            self._widen()
        self._created[second // self._width] += created
        self._throttled[second // self._width] += throttled
        self.created += created
        if self._last is not None:
            self._step(self._last, second, started=started, throttled=throttled)
        self._last = second

    def _widen(self) -> None:
        self._width *= 2
        self._created = _halved(self._created)
        self._throttled = _halved(self._throttled)

    def _step(self, last: int, second: int, *, started: bool, throttled: int) -> None:
        quiet = second - last - 1
        if started:
            self._idle += max(quiet, 0)
            self._starts += 1
        else:
            self._steps[second - last] += 1
        if quiet >= (1 if started else _QUIET):
            why = RESUMED if started else THROTTLED if throttled else WAITING
            self._pauses.append(Pause(last + 1, second, why))

    @property
    def seconds_at_work(self) -> int:
        """Seconds that processes have worked on the load, at least; a killed one has not recorded its own."""
        return 0 if self._last is None else max(0, self._last + 1 - self._idle - self._starts)

    def throughput(self) -> Throughput | None:
        """Return the bins, as the page draws them; None where nothing was counted."""
        if self._last is None:
            return None
        used = self._last // self._width + 1
        bins = zip(self._created[:used], self._throttled[:used], strict=True)
        return Throughput(
            width=self._width,
            bins=tuple(ThroughputBin(created, throttled) for created, throttled in bins),
            pauses=_longest(pause for pause in self._pauses if self._is_unusual(pause)),
        )

    def _is_unusual(self, pause: Pause) -> bool:
        usual = _median(self._steps)
        return pause.why == RESUMED or pause.end - pause.start >= _UNUSUAL * usual


def _halved(counts: list[int]) -> list[int]:
    pairs = [counts[at] + counts[at + 1] for at in range(0, _BINS, 2)]
    return pairs + [0] * (_BINS - len(pairs))


def _median(steps: Counter[int]) -> int:
    """Return the usual distance between two commits; 0 where there is none."""
    before, half = 0, steps.total() / 2
    for step in sorted(steps):
        before += steps[step]
        if before >= half:
            return step
    return 0


def _longest(pauses: Iterable[Pause]) -> Capped[Pause]:
    """Return the longest ones, in the order of time."""
    every = sorted(pauses, key=lambda pause: pause.start - pause.end)
    return Capped.of(sorted(every[:_MOST_PAUSES], key=lambda pause: pause.start), total=len(every))
