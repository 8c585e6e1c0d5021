"""What a dry run remembers of external ids, compared with a plain dict."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import polars as pl
from hypothesis import given, settings

from loader.identity import DuplicateIndex

IDS = st.text("ab0é", max_size=3)
BATCHES = st.lists(st.lists(IDS, max_size=12), max_size=12)


def series(ids: list[str]) -> pl.Series:
    """Ids as the validator has them."""
    return pl.Series(ids, dtype=pl.String)


@settings(max_examples=200, deadline=None)
@given(BATCHES)
def test_it_is_a_dict_of_first_places(batches: list[list[str]]) -> None:
    """Whatever comes in whatever batches: the same ids are repeated, and each has the same first place."""
    seen, known = DuplicateIndex(), dict[str, int]()
    place = 0
    for ids in batches:
        places = np.arange(place, place + len(ids), dtype=np.int64)
        again = seen.add(series(ids), places)
        expected = []
        for item in ids:
            expected.append(item in known)
            known.setdefault(item, place)
            place += 1
        assert again.tolist() == expected
        asked = [*known, "never", ""]
        assert list(seen.first(series(asked))) == [known.get(item, -1) for item in asked]


def test_nothing_is_known_at_first() -> None:
    """Of nothing nothing is known; a batch of nothing adds nothing."""
    seen = DuplicateIndex()
    assert seen.add(series([]), np.array([], dtype=np.int64)).tolist() == []
    assert list(seen.first(series(["a"]))) == [-1]
    assert list(seen.first(series([]))) == []


def test_many_small_batches_stay_few_runs() -> None:
    """A batch costs a few searches, however many there were: runs of like length are merged."""
    seen = DuplicateIndex()
    for number in range(300):
        ids = [f"{number}-{item}" for item in range(10)]
        assert not seen.add(series(ids), np.arange(number * 10, number * 10 + 10, dtype=np.int64)).any()
        assert len(seen._runs) <= 12
    every = [f"{number}-{item}" for number in range(300) for item in range(10)]
    assert list(seen.first(series(every))) == list(range(3000))
    assert seen.add(series(every), np.arange(3000, 6000, dtype=np.int64)).all()


def test_a_text_in_another_frame_is_the_same_text() -> None:
    """Ids are known again whatever column, slice or chunk they come in."""
    seen = DuplicateIndex()
    seen.add(pl.concat([series(["a", "x" * 50]), series(["b"])]), np.array([1, 2, 3], dtype=np.int64))
    asked = pl.DataFrame({"other": ["z", "b", "x" * 50, "a"]})["other"].slice(1)
    assert list(seen.first(asked)) == [3, 2, 1]
