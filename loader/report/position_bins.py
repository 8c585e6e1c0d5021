"""Where in a file its findings are, in memory that does not grow with the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from loader.report.page.values import Positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

_BINS: Final = 60


class PositionBins:
    """Counts findings by their record numbers, in bins that grow wider as the file grows longer."""

    def __init__(self) -> None:
        self._width = 1
        self._last = 0
        self._counts: NDArray[np.int64] = np.zeros(_BINS, dtype=np.int64)

    def add(self, record_nos: Sequence[int] | NDArray[np.int64] | pl.Series) -> None:
        """Count findings by their record numbers, from 1."""
        numbers = np.asarray(record_nos, dtype=np.int64)
        if not len(numbers):
            return
        self._last = max(self._last, int(numbers.max()))
        self._widen(self._last)
        self._counts += np.bincount((numbers - 1) // self._width, minlength=_BINS)

    def _widen(self, records: int) -> None:
        while records > self._width * _BINS:
            halves = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.concatenate((halves, np.zeros(_BINS - len(halves), dtype=np.int64)))
            self._width *= 2

    def positions(self, file: str, records: int) -> Positions:
        """Return the bins, as the page draws them.

        Args:
            file: Its name.
            records: The number of its last record, as far as that is known: where records are made of several
                rows, the last one's number is greater than their count.
        """
        records = max(records, self._last)
        self._widen(records)
        used = -(-records // self._width) if records else 0
        counts = tuple(int(count) for count in self._counts[: max(used, 1)])
        return Positions(file, records, self._width, counts)
