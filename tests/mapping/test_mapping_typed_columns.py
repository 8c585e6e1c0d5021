"""Typed columns, as Parquet has them, are used as what they are."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars import Series

from loader.mapping.type_words import type_in_words
from tests.mapping.mapping_cases import (
    ANY,
    DATE,
    FLAG,
    LIST,
    NUMBER,
    TEMPLATE,
    TEXT,
    rule_findings,
    values,
    wrong,
)

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
    """`date` takes the day in the column's own zone; `datetime` reads a local time by `timezone`."""
    assert values(DATE, '{column: C, date: "%d.%m.%Y"}', ZONED) == ["2019-07-01", None]
    assert values(DATE, '{column: C, date: "%d.%m.%Y"}', Series([DAY])) == ["2019-03-31"]
    rule = '{column: C, datetime: "%d.%m.%Y", timezone: Europe/Berlin}'
    assert values(DATE, rule, Series([MOMENT])) == ["2019-06-30T22:30:00.12Z"]
    assert values(DATE, rule, Series([DAY])) == ["2019-03-30T23:00:00Z"]
    skipped = Series([datetime(2019, 3, 31, 2, 30)])  # noqa: DTZ001 - a column without a zone
    assert values(DATE, rule, skipped) == [
        wrong("datetime.not_once", "2019-03-31 02:30:00.000000", timezone="Europe/Berlin")
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
        assert [type(item) for item in found] == [type(item) for item in expected]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_floats_that_json_cannot_hold_are_errors(number: str) -> None:
    """NaN and infinity are errors, alone and in a list, never a silent null."""
    shown = {"nan": "NaN"}.get(number, number)
    for field in (NUMBER, TEXT, ANY):
        assert values(field, "C", Series([float(number)])) == [wrong("number.not_finite", shown)]
    listed = Series([[1.0, float(number)]])
    assert values(ANY, "C", listed) == [wrong("number.not_finite", f"1.0; {shown}")]


def test_flags_stay_flags() -> None:
    """Booleans are written as such, also where the rule has words for text."""
    cells = Series([True, False, None])
    for field, rule in ((FLAG, "C"), (ANY, "C"), (FLAG, "{column: C, boolean: {true: [J], false: [N]}}")):
        assert values(field, rule, cells) == [True, False, None]
    assert values(NUMBER, "C", Series([True])) == [wrong("number.plain_format", "true")]


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
    """A struct is an object without its null members, and checked against the field."""
    field = "team_notice_options.visit_start_date_range_end"
    on = {"number": None, "position": "on", "relative_to": "the reference date"}
    negative = {"number": -1, "position": "on", "relative_to": "the reference date"}
    good, bad = values(field, "C", Series([on, negative]), base=TEMPLATE)
    assert good == {"position": "on", "relative_to": "the reference date"}
    assert bad.value.startswith('{"number":-1,"position":"on",')
    assert bad == wrong("json.minimum", bad.value, place="number", member="number", minimum=0.0, part="-1")
    empty = Series([{"number": None, "position": None, "relative_to": None}])
    assert values(field, "C", empty, base=TEMPLATE) == [wrong("required.empty")]


def test_lists_of_structs_are_lists_of_objects() -> None:
    """They fill a list of objects."""
    items = [{"id": 1.0, "reminder_notice_id": "R1", "name": None}]
    assert values(REMINDERS, "C", Series([items])) == [[{"id": 1, "reminder_notice_id": "R1"}]]
    place = {"place": "[0].reminder_notice_id", "member": "[].reminder_notice_id"}
    assert values(REMINDERS, "C", Series([[{"name": "x"}]])) == [
        wrong("json.missing_field", '[{"name":"x"}]', **place)
    ]


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
    assert values(ANY, "C", Series([{"f": float("nan")}])) == [
        wrong("json.not_a_number", "{'f': nan}", number="nan")
    ]


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
        (found,) = rule_findings(field, "C", {"C": cells.dtype})
        assert (found.code, found.column) == ("column.unusable_type", "C")
        assert found.params == {"type": type_in_words(cells.dtype)}


@pytest.mark.parametrize(
    ("field", "rule", "dtype", "code", "params"),
    [
        (TEXT, "C", pl.List(pl.String), "column.takes_one", {"type": "a list of text", "takes": "text"}),
        (NUMBER, "C", pl.Struct({"a": pl.Int64}), "column.takes_one",
         {"type": "an object", "takes": "a number"}),
        (LIST, "C", pl.String(), "column.not_a_list", {"type": "text"}),
        ("drop_options", "C", pl.String(), "column.not_objects", {"type": "text"}),
        (REMINDERS, "{column: C, split: ';'}", pl.String(), "column.not_objects", {"type": "text"}),
        (TEXT, "{json: C}", pl.Struct({"a": pl.Int64}), "column.takes_one",
         {"type": "an object", "takes": "text"}),
        (TEXT, "{template: 'x{C}'}", pl.List(pl.Int64), "column.nested_type",
         {"type": "a list of whole numbers", "origin": "template"}),
        (TEXT, "{columns: [C]}", pl.List(pl.Int64), "column.nested_type",
         {"type": "a list of whole numbers", "origin": "columns"}),
        (TEXT, '{sql: "C"}', pl.List(pl.Int64), "sql.list", {"type": "a list of whole numbers"}),
        (TEXT, '{sql: "C"}', pl.Binary(), "sql.unusable_type", {"type": "bytes"}),
    ],
)  # fmt: skip
def test_types_that_do_not_fit_are_errors_of_the_mapping(
    field: str, rule: str, dtype: pl.DataType, code: str, params: dict[str, Any]
) -> None:
    """A column's type that cannot fill the field is found before any row is read."""
    (found,) = rule_findings(field, rule, {"C": dtype})
    assert (found.code, found.params) == (code, params)


def test_years_beyond_four_digits_are_errors() -> None:
    """ISO 8601 has four digits for a year."""
    cells = Series([1_000_000_000], dtype=pl.Int32).cast(pl.Date)
    assert values(DATE, "C", cells) == [wrong("date.out_of_range", "1000000000")]
    (error,) = values(ANY, "C", cells.cast(pl.Datetime("ms")))
    assert error.code == "date.out_of_range"
    assert values(ANY, "C", pl.DataFrame({"d": cells}).to_struct()) == [wrong("json.date_out_of_range")]
