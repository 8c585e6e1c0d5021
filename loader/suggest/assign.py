"""The assignment with the greatest total: each row and each column at most once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def assign(scores: Scores) -> list[tuple[int, int]]:
    """Pair rows with columns so that the sum of their scores is greatest.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957): rows * rows * columns steps at most.

    Args:
        scores: One score a pair, 0 or more; a pair with 0 is never made.

    Returns:
        (row, column) in the order of rows.
    """
    if not scores.size:
        return []
    if scores.shape[0] > scores.shape[1]:
        return sorted((row, column) for column, row in assign(np.ascontiguousarray(scores.T)))
    row_of_column = _matched_rows(scores.max() - scores)
    pairs = ((int(row), column) for column, row in enumerate(row_of_column) if row >= 0)
    return sorted(pair for pair in pairs if scores[pair] > 0)


def _matched_rows(costs: Scores) -> NDArray[np.int64]:
    """Return the row of each column, -1 for none, at least cost; there are no more rows than columns.

    Rows are added one after the other. For each, a shortest path over reduced costs leads from it through
    matched columns to a free one, and every pair along the path changes partners.
    """
    rows, columns = costs.shape
    row_potential, column_potential = np.zeros(rows), np.zeros(columns + 1)
    row_of = np.full(columns + 1, -1, dtype=np.int64)  # the last column is where each search begins
    for row in range(rows):
        row_of[columns] = row
        at = columns
        least = np.full(columns, np.inf)
        before = np.full(columns, columns, dtype=np.int64)
        done = np.zeros(columns + 1, dtype=bool)
        while row_of[at] >= 0:
            done[at] = True
            here = row_of[at]
            reduced = costs[here] - row_potential[here] - column_potential[:columns]
            better = ~done[:columns] & (reduced < least)
            least[better], before[better] = reduced[better], at
            nearest = int(np.where(done[:columns], np.inf, least).argmin())
            step = least[nearest]
            # Shifting the potentials keeps every reduced cost at 0 or more, and makes the next edge 0.
            row_potential[row_of[done]] += step
            column_potential[done] -= step
            least[~done[:columns]] -= step
            at = nearest
        while at != columns:
            row_of[at] = row_of[before[at]]
            at = int(before[at])
    return row_of[:columns]
