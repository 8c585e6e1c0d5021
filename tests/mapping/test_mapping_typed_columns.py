"""Typed columns, as Parquet has them, are used as what they are."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars import Series

from tests.mapping.mapping_cases import ANY, DATE, FLAG, LIST, NUMBER, TEMPLATE, TEXT, rule_findings, values

DAY = date(2019, 3, 31)
MOMENT = datetime(2019, 7, 1, 0, 30, 0, 120_000)  # noqa: DTZ001 - a column without a zone
ZONED = Series([MOMENT, None]).dt.replace_time_zone("Europe/Berlin")
REMINDERS = "application_reminder_options.reminders"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (Series([DAY, None]), ["2019-03-31", None]),
        (Series([MOMENT]), ["2019-07-01T00:30:00.12Z"]),
        (Series([MOMENT]).cast(pl.Datetime("ms")), ["2019-07-01T00:30:00.12Z"]),
        (Series([MOMENT]).cast(pl.Datetime("ns")), ["2019-07-01T00:30:00.12Z"]),
        (ZONED, ["2019-06-30T22:30:00.12Z", None]),
    ],
)
def test_dates_and_times_are_iso(cells: Series, expected: list[Any]) -> None:
    """Dates and times are written as ISO 8601, those with a zone in UTC; in text fields, too."""
    for field in (DATE, TEXT, ANY):
        assert values(field, "C", cells) == expected


def test_date_and_datetime_conversions_of_typed_columns() -> None:
    """`date` takes the day in the column's own zone; `datetime` tells a local time by `timezone`."""
    assert values(DATE, '{column: C, date: "%d.%m.%Y"}', ZONED) == ["2019-07-01", None]
    assert values(DATE, '{column: C, date: "%d.%m.%Y"}', Series([DAY])) == ["2019-03-31"]
    rule = '{column: C, datetime: "%d.%m.%Y", timezone: Europe/Berlin}'
    assert values(DATE, rule, Series([MOMENT])) == ["2019-06-30T22:30:00.12Z"]
    assert values(DATE, rule, Series([DAY])) == ["2019-03-30T23:00:00Z"]
    skipped = Series([datetime(2019, 3, 31, 2, 30)])  # noqa: DTZ001 - a column without a zone
    assert values(DATE, rule, skipped) == [
        '"2019-03-31 02:30:00.000000" is not a time that exists once in Europe/Berlin'
    ]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (Series([5, -7, None]), [5, -7, None]),
        (Series([2**64 - 1], dtype=pl.UInt64), [2**64 - 1]),
        (Series([1.5, 3.0, 1e300]), [1.5, 3, 1e300]),
        (Series([0.1], dtype=pl.Float32), [0.1]),
        (Series([Decimal("12.50"), Decimal("-0.00"), Decimal("7.00")]), [12.5, 0, 7]),
    ],
)
def test_numbers_stay_numbers(cells: Series, expected: list[Any]) -> None:
    """Numbers are written shortest and exact, whole ones without a fraction; with `number:` as well."""
    for field, rule in (
        (NUMBER, "C"), (ANY, "C"), (NUMBER, '{column: C, number: {decimal: ",", thousands: "."}}'),
    ):  # fmt: skip
        found = values(field, rule, cells)
        assert found == expected
        assert [type(each) for each in found] == [type(each) for each in expected]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_floats_that_json_cannot_hold_are_errors(number: str) -> None:
    """NaN and infinity are errors, alone and in a list, never a silent null."""
    shown = {"nan": "NaN"}.get(number, number)
    for field in (NUMBER, TEXT, ANY):
        assert values(field, "C", Series([float(number)])) == [f'"{shown}" is not a finite number']
    listed = Series([[1.0, float(number)]])
    assert values(ANY, "C", listed) == [f'"1.0; {shown}" is not a finite number']


def test_flags_stay_flags() -> None:
    """Booleans are written as such, also where the rule has words for text."""
    cells = Series([True, False, None])
    for field, rule in ((FLAG, "C"), (ANY, "C"), (FLAG, "{column: C, boolean: {true: [J], false: [N]}}")):
        assert values(field, rule, cells) == [True, False, None]
    assert values(NUMBER, "C", Series([True])) == ['"true" is not a number']


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum([" a ", "b", ""])])
def test_categories_are_text(dtype: pl.DataType) -> None:
    """Categories are trimmed and nulled like text."""
    assert values(TEXT, "C", Series([" a ", "b", "", None], dtype=dtype)) == ["a", "b", None, None]


def test_other_plain_types() -> None:
    """A column of nulls is null for any field; a time of day is text."""
    for field in (TEXT, NUMBER, DATE, LIST, ANY, "drop_options"):
        (value,) = values(field, "C", Series([None]))
        assert value in (None, {})
    assert values(TEXT, "C", Series([time(8, 30)])) == ["08:30:00"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (Series([["a", " b ", None, ""], [], None]), [["a", "b"], None, None]),
        (Series([["a", "b"]], dtype=pl.Array(pl.String, 2)), [["a", "b"]]),
        (Series([[DAY]]), [["2019-03-31"]]),
        (Series([[1, 2]]), [["1", "2"]]),
    ],
)
def test_lists_stay_lists(cells: Series, expected: list[Any]) -> None:
    """Lists of plain values are lists, without empty items; of a list of texts the items become text."""
    assert values(LIST, "C", cells) == expected


def test_lists_in_unlisted_fields_keep_their_types() -> None:
    """Numbers and flags in a list stay what they are where the field takes anything."""
    assert values(ANY, "C", Series([[1, 2]])) == [[1, 2]]
    assert values(ANY, "C", Series([[True]])) == [[True]]


def test_structs_are_objects() -> None:
    """A struct is an object without its null members, and judged by the field's model."""
    field = "team_notice_options.visit_start_date_range_end"
    on = {"number": None, "position": "on", "relative_to": "the reference date"}
    wrong = {"number": -1, "position": "on", "relative_to": "the reference date"}
    good, bad = values(field, "C", Series([on, wrong]), base=TEMPLATE)
    assert good == {"position": "on", "relative_to": "the reference date"}
    assert bad.startswith('"{"number":-1,"position":"on",')
    assert bad.endswith('…" does not fit: number: expected 0 or more, found -1')
    empty = Series([{"number": None, "position": None, "relative_to": None}])
    assert values(field, "C", empty, base=TEMPLATE) == [f"{field} is required, and column C is empty"]


def test_lists_of_structs_are_lists_of_objects() -> None:
    """They fill a list of objects."""
    items = [{"id": 1.0, "reminder_notice_id": "R1", "name": None}]
    assert values(REMINDERS, "C", Series([items])) == [[{"id": 1, "reminder_notice_id": "R1"}]]
    (message,) = values(REMINDERS, "C", Series([[{"name": "x"}]]))
    assert message == '"[{"name":"x"}]" does not fit: [0].reminder_notice_id is missing'


def test_values_inside_structs_are_as_outside() -> None:
    """Dates, times, decimals and floats in a struct are written as those of a column."""
    struct = {
        "day": DAY,
        "time": MOMENT,
        "clock": time(8),
        "fee": Decimal("1.50"),
        "big": Decimal("12345678901234567890.25"),
        "whole": 2.0,
        "list": [DAY],
        "inner": {"none": None},
        "flag": True,
    }
    payload = values(ANY, "C", Series([struct]))
    assert payload == [
        {
            "day": "2019-03-31",
            "time": "2019-07-01T00:30:00.12Z",
            "clock": "08:00:00",
            "fee": 1.5,
            "big": 12345678901234567890.25,
            "whole": 2,
            "list": ["2019-03-31"],
            "flag": True,
        }
    ]
    (message,) = values(ANY, "C", Series([{"f": float("nan")}]))
    assert message.endswith("cannot be sent: nan is no number that JSON can hold")


@pytest.mark.parametrize(
    "cells",
    [
        Series([b"abc", b"\xff"]),
        Series([timedelta(days=1)]),
        Series([{"a": b"x"}]),
        Series([[timedelta(1)]]),
        Series("C", [object()], dtype=pl.Object),
    ],
)
def test_what_no_payload_can_hold_is_an_error_of_the_mapping(cells: Series) -> None:
    """Bytes, spans of time and objects are refused before any row is read, also inside others."""
    for field in (TEXT, ANY):
        (message,) = rule_findings(field, "C", {"C": cells.dtype})
        assert message == f"column 'C' holds {cells.dtype}, which no payload can hold"


@pytest.mark.parametrize(
    ("field", "rule", "dtype", "message"),
    [
        (TEXT, "C", pl.List(pl.String), "column 'C' holds List(String), and the field takes text"),
        (NUMBER, "C", pl.Struct({"a": pl.Int64}), "holds Struct({'a': Int64}), and the field takes a number"),
        (LIST, "C", pl.String(), 'holds text, and the field takes a list (say where to cut it, split: ";"'),
        ("drop_options", "C", pl.String(), "and the field takes objects (say json: in place of column:"),
        (REMINDERS, "{column: C, split: ';'}", pl.String(), "and the field takes objects (say json:"),
        (
            TEXT,
            "{json: C}",
            pl.Struct({"a": pl.Int64}),
            "holds Struct({'a': Int64}), and the field takes text",
        ),
        (TEXT, "{template: 'x{C}'}", pl.List(pl.Int64), "holds List(Int64), and template reads text"),
        (TEXT, "{columns: [C]}", pl.List(pl.Int64), "holds List(Int64), and columns reads text"),
        (
            TEXT,
            '{sql: "C"}',
            pl.List(pl.Int64),
            "this SQL gives List(Int64), and notification_email takes one",
        ),
        (TEXT, '{sql: "C"}', pl.Binary(), "this SQL gives Binary, which no payload can hold"),
    ],
)
def test_types_that_do_not_fit_are_errors_of_the_mapping(
    field: str, rule: str, dtype: pl.DataType, message: str
) -> None:
    """A column's type that cannot fill the field is told before any row is read, with what to do."""
    (found,) = rule_findings(field, rule, {"C": dtype})
    assert message in found


def test_years_beyond_four_digits_are_errors() -> None:
    """ISO 8601 has four digits for a year."""
    cells = Series([1_000_000_000], dtype=pl.Int32).cast(pl.Date)
    assert values(DATE, "C", cells) == ['"1000000000" is not a date of the years 1 to 9999']
    assert values(ANY, "C", cells.cast(pl.Datetime("ms")))[0].endswith("is not a date of the years 1 to 9999")
    assert values(ANY, "C", pl.DataFrame({"d": cells}).to_struct())[0].endswith("its date is out of range")
