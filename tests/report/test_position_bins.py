"""Where in a file its findings are."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
from hypothesis import given, settings

from loader.report.position_bins import PositionBins


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 5_000), max_size=20), max_size=8), st.integers(0, 3_000))
def test_bins_have_every_finding(batches: list[list[int]], behind: int) -> None:
    """Whatever the order: at most 60 bins, each with the findings of its records, none lost."""
    bins = PositionBins()
    for batch in batches:
        bins.add(batch)
    every = [number for batch in batches for number in batch]
    records = max(every, default=0) + behind
    positions = bins.positions("runs.csv", records)
    assert 1 <= len(positions.counts) <= 60
    assert (len(positions.counts) - 1) * positions.width < max(records, 1)
    plain = Counter((number - 1) // positions.width for number in every)
    assert {place: count for place, count in enumerate(positions.counts) if count} == plain
    assert positions.width & (positions.width - 1) == 0
    assert positions.width == 1 or records > positions.width * 30


def test_a_file_without_records_has_no_findings() -> None:
    """One empty bin, so that there is something to draw on."""
    assert PositionBins().positions("empty.csv", 0).counts == (0,)
