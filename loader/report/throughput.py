"""A load over time: bins that grow wider as it lasts longer, and the stretches in which nothing came in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from loader.report.page.load_values import Pause, Throughput, ThroughputBin
from loader.report.page.values import Capped

if TYPE_CHECKING:
    from collections.abc import Iterable

_BINS: Final = 240
_QUIET: Final = 5  # seconds without a commit from which on it is worth a word
_UNUSUAL: Final = 4  # times the usual distance, for loads that send a row now and then
_MOST_PAUSES: Final = 200
TAKEN_UP: Final = "interrupted or ended, then taken up again"
ASKED_TO_WAIT: Final = "the server asked to slow down"
WAITING: Final = "waiting for the service"


class ThroughputRecorder:
    """Grows with the seconds of a load that had a commit, which come in order."""

    def __init__(self) -> None:
        self._width = 1
        self._created = [0] * _BINS
        self._throttled = [0] * _BINS
        self._last: int | None = None
        self._steps: Counter[int] = Counter()
        self._pauses: list[Pause] = []
        self._idle = 0
        self._begun = 1
        self.created = 0

    def add(self, second: int, *, created: int, throttled: int, begun: bool) -> None:
        """Counts a second.

        Args:
            second: Since the load began; later than those before it.
            created: Records created in it.
            throttled: Answers that said "too many requests".
            begun: Whether work on the load began in it.
        """
        while second >= self._width * _BINS:
            self._widen()
        self._created[second // self._width] += created
        self._throttled[second // self._width] += throttled
        self.created += created
        if self._last is not None:
            self._step(self._last, second, begun=begun, throttled=throttled)
        self._last = second

    def _widen(self) -> None:
        self._width *= 2
        self._created = _halved(self._created)
        self._throttled = _halved(self._throttled)

    def _step(self, last: int, second: int, *, begun: bool, throttled: int) -> None:
        quiet = second - last - 1
        if begun:
            self._idle += max(quiet, 0)
            self._begun += 1
        else:
            self._steps[second - last] += 1
        if quiet >= (1 if begun else _QUIET):
            why = TAKEN_UP if begun else ASKED_TO_WAIT if throttled else WAITING
            self._pauses.append(Pause(last + 1, second, why))

    @property
    def seconds_at_work(self) -> int:
        """Seconds that processes have worked on the load, at least: what a killed one could not tell."""
        return 0 if self._last is None else max(0, self._last + 1 - self._idle - self._begun)

    def throughput(self) -> Throughput | None:
        """The bins, as the report draws them; None where nothing was counted."""
        if self._last is None:
            return None
        used = self._last // self._width + 1
        bins = zip(self._created[:used], self._throttled[:used], strict=True)
        return Throughput(
            width=self._width,
            bins=tuple(ThroughputBin(created, throttled) for created, throttled in bins),
            pauses=_longest(each for each in self._pauses if self._is_unusual(each)),
        )

    def _is_unusual(self, pause: Pause) -> bool:
        usual = _median(self._steps)
        return pause.why == TAKEN_UP or pause.end - pause.start >= _UNUSUAL * usual


def _halved(counts: list[int]) -> list[int]:
    pairs = [counts[at] + counts[at + 1] for at in range(0, _BINS, 2)]
    return pairs + [0] * (_BINS - len(pairs))


def _median(steps: Counter[int]) -> int:
    """The usual distance between two commits; 0 where there is none."""
    before, half = 0, steps.total() / 2
    for step in sorted(steps):
        before += steps[step]
        if before >= half:
            return step
    return 0


def _longest(pauses: Iterable[Pause]) -> Capped[Pause]:
    """The longest ones, in the order of time."""
    every = sorted(pauses, key=lambda each: each.start - each.end)
    return Capped.of(sorted(every[:_MOST_PAUSES], key=lambda each: each.start), total=len(every))
