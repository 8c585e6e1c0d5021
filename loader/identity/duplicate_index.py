"""Which external ids a run has met, and where first, in 16 bytes a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Places = NDArray[np.int64]


class DuplicateIndex:
    """Remembers the first place of each external id.

    An id is known by a 64-bit hash: among a million ids, two have the same one with a chance of 1 to 37
    million. That is enough for a dry run. A load does not rely on it: it asks its journal.

    Ids are kept in sorted runs, and runs of similar length are merged, as in a log-structured merge tree: a
    batch then costs a few binary searches, however many batches there were.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Places]] = []

    def add(self, ids: pl.Series, places: Places) -> NDArray[np.bool_]:
        """Add the ids of a batch.

        Args:
            ids: The external ids, in order; no nulls.
            places: A number for the place of each one, growing with the order of the source.

        Returns:
            For each id, whether it occurred before, in this batch or an earlier one.
        """
        hashes = _hashes(ids)
        first = self._first(hashes)
        # np.unique gives the first index of each id, so that only later ones of a batch are repeats.
        unique, at = np.unique(hashes, return_index=True)
        new = np.zeros(len(hashes), dtype=np.bool_)
        new[at] = first[at] < 0
        kept = new[at]
        self._merge(unique[kept], places[at[kept]])
        return ~new

    def first(self, ids: pl.Series) -> Sequence[int]:
        """Return the first place of each id; -1 for one that never occurred."""
        places: list[int] = self._first(_hashes(ids)).tolist()
        return places

    def _first(self, hashes: Hashes) -> Places:
        places = np.full(len(hashes), -1, dtype=np.int64)
        for run, run_places in self._runs:
            at = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            hit = run[at] == hashes
            places[hit] = run_places[at[hit]]
        return places

    def _merge(self, hashes: Hashes, places: Places) -> None:
        if not len(hashes):
            return
        run = (hashes, places)
        while self._runs and len(self._runs[-1][0]) <= len(run[0]) * 2:
            run = _merged(self._runs.pop(), run)
        self._runs.append(run)


def _hashes(ids: pl.Series) -> Hashes:
    return ids.hash().to_numpy()


def _merged(one: tuple[Hashes, Places], other: tuple[Hashes, Places]) -> tuple[Hashes, Places]:
    hashes = np.concatenate((one[0], other[0]))
    order = np.argsort(hashes, kind="stable")
    return hashes[order], np.concatenate((one[1], other[1]))[order]
