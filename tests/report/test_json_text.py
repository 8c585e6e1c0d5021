"""Values as exact JSON, and as cells."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given

from loader.report.json_text import json_text, with_json_text
from loader.report.table_csv import cell_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_values_come_back(value: object) -> None:
    """Also behind a value that JSON does not have, and in one line."""
    text = json_text([value, Decimal(1)])
    assert json.loads(text) == [value, 1]
    assert "\n" not in text
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12345678901234567890.10"), "12345678901234567890.10"),
        (Decimal("1E+2"), "100"),
        (float("nan"), '"NaN"'),
        (float("-inf"), '"-Infinity"'),
        (date(2024, 2, 29), '"2024-02-29"'),
        (datetime(2024, 2, 29, 1, 2, tzinfo=UTC), '"2024-02-29T01:02:00+00:00"'),
        (time(1, 2), '"01:02:00"'),
        (timedelta(seconds=1.5), '"1.5 s"'),
        (b"\x00\x01", '"AAE="'),
        (pl.Series([1, None]), "[1,null]"),
        ({"a": [Decimal("1.50")], 'b"': "ü"}, '{"a":[1.50],"b\\"":"ü"}'),
    ],
)
def test_what_json_does_not_have(value: object, text: str) -> None:
    """Numbers keep their digits; the rest is text."""
    assert json_text(value) == text
    assert json.loads(json_text([value])) == [json.loads(text)]


def test_columns_as_json_text() -> None:
    """Columns that are text already stay as they are, and so do nulls."""
    rows = pl.DataFrame({"a": [[1], None], "b": ["[1]", None], "c": [1, 2]})
    written = with_json_text(rows, frozenset({"a", "b"}))
    assert written.rows() == [("[1]", "[1]", 1), (None, None, 2)]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (b"text", "text"),
        (b"\xff\x00", "ff00"),
        (Decimal("1.50"), "1.50"),
        (float("inf"), "Infinity"),
        (["a", None], '["a",null]'),
        ({"x": date(2020, 1, 1)}, '{"x":"2020-01-01"}'),
    ],
)
def test_values_as_cells(value: object, cell: str) -> None:
    """Bytes are text where they can be, lists and objects are JSON."""
    assert cell_text(value) == cell
