"""The values of the fields, compared with a plain count of the payloads."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader.mapping import compile_mapping
from loader.mapping.tree import leaves
from loader.payload import build as build_alone
from loader.payload import draft, finish
from loader.payload.results import LookupResult
from loader.records import CORE, RECORD_NO, STATE
from loader.report.profile import PayloadProfile
from loader.resources import BILLING_RUN, BILLING_TEMPLATE
from loader.resources.fields import FieldKind
from tests.mapping.mapping_cases import ANY, DATE, FLAG, LIST, NUMBER, RUN, TEXT, frame, parsed
from tests.payload.test_payload_property import compiled_for, frame_of
from tests.support.strategies import IDS, cases

if TYPE_CHECKING:
    from loader.payload.results import Payloads
    from loader.report.page import FieldProfile, ValueTable
    from tests.support.strategies import Case

REMINDERS = "application_reminder_options.reminders"
PLAIN = (FieldKind.TEXT, FieldKind.DATE, FieldKind.NUMBER, FieldKind.BOOLEAN)


def profile_of(mapping: str, *batches: dict[str, Any]) -> PayloadProfile:
    """The profile of some batches of columns; each may have columns of its own, as files have."""
    profile = PayloadProfile()
    for cells in batches:
        rows = frame(cells)
        schema = {name: kind for name, kind in rows.schema.items() if not name.startswith("__")}
        compiled = compile_mapping(parsed(mapping), schema)
        profile.add(build_alone(rows, compiled), compiled)
    return profile


def field_of(field: str, rule: str, *batches: Any) -> FieldProfile:
    """One field's line; the rule's column is C."""
    profile = profile_of(f"{RUN}  {field}: {rule}\n", *map(as_columns, batches))
    return {result.path: result for result in profile.fields()}[field]


def table_of(field: str, rule: str, *batches: Any) -> ValueTable:
    """One field's table."""
    profile = profile_of(f"{RUN}  {field}: {rule}\n", *map(as_columns, batches))
    return {table.field: table for table in profile.tables()}[field]


def as_columns(cells: Any) -> dict[str, Any]:
    """Columns by name; cells alone are those of C."""
    return cells if isinstance(cells, dict) else {"C": cells}


def rows_of(table: ValueTable) -> dict[tuple[str | None, str | None, bool], int]:
    """A table's rows."""
    return {(row.source, row.becomes, row.wrong): row.rows for row in table.rows.items}


# --- Against the payloads --------------------------------------------------------------------------------


def built(case: Case) -> tuple[Payloads, Any]:
    """What becomes of a case's rows, with the ids that exist."""
    compiled = compiled_for(case)
    lookups = {name: LookupResult(ids, {}) for name, ids in IDS.items()}
    return finish(draft(frame_of(case), compiled), lookups), compiled


def values_at(bodies: list[Any], path: str) -> list[Any]:
    """What the payloads have at a path without list items."""
    values = []
    for body in bodies:
        value = body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            values.append(value)
    return values


def check_field(result: FieldProfile, kind: FieldKind, values: list[Any]) -> None:
    """Compare a field with the values of the payloads."""
    assert result.filled == len(values)
    assert result.distinct is not None
    assert result.distinct.count <= len(values)
    if kind not in PLAIN:
        return
    texts = {value if isinstance(value, str) else json.dumps(value, default=str) for value in values}
    assert result.distinct.count == len(texts)
    if kind in {FieldKind.TEXT, FieldKind.DATE}:
        assert (result.smallest, result.largest) == (min(values, default=None), max(values, default=None))
    elif kind is FieldKind.NUMBER:
        bounds = [None if bound is None else float(bound) for bound in (result.smallest, result.largest)]
        floats = [float(value) for value in values]
        assert bounds == [min(floats, default=None), max(floats, default=None)]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(cases(BILLING_RUN, most_rows=6), cases(BILLING_TEMPLATE, most_rows=6)), st.integers(0, 6))
def test_figures_are_those_of_the_payloads(case: Case, cut: int) -> None:
    """Any mapping: of the valid rows, each field has as many values as the payloads have."""
    payloads, compiled = built(case)
    ready = payloads.computed.filter(pl.col(STATE) == "ready")
    profile = PayloadProfile()
    profile.add(replace(payloads, computed=ready.head(cut)), compiled)
    profile.add(replace(payloads, computed=ready.slice(cut)), compiled)
    bodies = [json.loads(core, parse_float=Decimal) for core in payloads.rows[CORE].drop_nulls()]
    assert profile.rows == len(bodies)
    kinds = {leaf.path: leaf.target.kind for leaf in leaves(compiled.mapping.tree)}
    if compiled.mapping.external_id is not None:
        kinds = {"sys_external_id": FieldKind.TEXT, **kinds}
    assert [result.path for result in profile.fields()] == list(kinds)
    for result in profile.fields():
        values = values_at(bodies, result.path)
        if "[" not in result.path and [] not in values and {} not in values:
            check_field(result, kinds[result.path], values)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(cases(BILLING_RUN, most_rows=6), cases(BILLING_TEMPLATE, most_rows=6)), st.integers(0, 6))
def test_tables_count_every_row(case: Case, cut: int) -> None:
    """Any mapping and any row: a table's rows are those read, its wrong ones those with a finding there."""
    payloads, compiled = built(case)
    profile = PayloadProfile()
    profile.add(replace(payloads, computed=payloads.computed.head(cut)), compiled)
    profile.add(replace(payloads, computed=payloads.computed.slice(cut)), compiled)
    wrong = Counter(path for _, path in set(payloads.findings.select(RECORD_NO, "field").iter_rows()))
    for table in profile.tables():
        assert sum(row.rows for row in table.rows.items) == profile.rows
        assert sum(row.rows for row in table.rows.items if row.wrong) == wrong[table.field]
        assert all(row.becomes is None for row in table.rows.items if row.wrong)


# --- Values ----------------------------------------------------------------------------------------------


def test_numbers_are_in_the_order_of_numbers() -> None:
    """9 before 10, exact to the last digit, also in a field that takes anything, over batches."""
    for field, rule in ((NUMBER, "C"), (ANY, "{column: C, number: {}}")):
        result = field_of(field, rule, ["10", "9", "250.50"], ["1234567890123456789.5", None], ["x"])
        assert (result.smallest, result.largest) == ("9", "1234567890123456789.5")
        assert (result.filled, result.distinct and result.distinct.count) == (4, 4)


def test_texts_and_numbers_may_meet() -> None:
    """A field that takes anything may have numbers in one file and texts in another: numbers come first."""
    result = field_of(ANY, "C", pl.Series([7, 30]), ["abc", "7"], pl.Series([True]))
    assert (result.smallest, result.largest) == ("7", "abc")
    assert result.filled == 5


def test_texts_have_no_quotes() -> None:
    """Text in a cell of JSON is shown as other text is."""
    result = field_of(TEXT, "{json: C}", ['"b"', '"a"', "null", None, "7x"])
    assert (result.smallest, result.largest, result.filled) == ("a", "b", 2)
    assert {example.after for example in result.examples} == {"a", "b"}


def test_distinct_values_are_counted_up_to_a_thousand() -> None:
    """1,000 is exact; one more is "more than"; what comes behind changes nothing."""
    thousand = [f"v{number}" for number in range(1000)]
    exact = field_of(TEXT, "C", thousand[:600], thousand[300:]).distinct
    capped = field_of(TEXT, "C", thousand[:600], [*thousand, "more"], thousand).distinct
    assert exact is not None
    assert capped is not None
    assert (exact.count, exact.exact) == (1000, True)
    assert (capped.count, capped.exact) == (1000, False)


def test_what_is_not_allowed_is_no_value() -> None:
    """A code outside the enum, and a list of which one item is wrong, are sent nowhere."""
    result = field_of("drop_options.zz_n", "{column: C, split: ';', number: {}}", ["1;x", "2;3", "x"])
    assert (result.filled, [example.after for example in result.examples]) == (1, ["2; 3"])
    field = "application_activation_options.program_restriction"
    result = field_of(field, "C", ["include", "inclde", "exclude", None])
    assert (result.filled, result.smallest, result.largest) == (2, "exclude", "include")


def test_defaults_are_values() -> None:
    """Rows without a cell have the default; rows with a wrong cell have nothing."""
    result = field_of(NUMBER, "{column: C, default: 3}", ["10", None, "x", ""])
    assert (result.filled, result.smallest, result.largest) == (3, "3", "10")
    assert result.distinct is not None
    assert result.distinct.count == 2
    result = field_of(LIST, "{column: C, split: ';', default: [z]}", ["a;b", None, " ; "])
    assert (result.filled, result.distinct and result.distinct.count) == (3, 2)


def test_constants_of_list_items_count_where_the_item_is() -> None:
    """A reminder without a cell is not there, and neither is its constant or default."""
    rule = "[{id: {value: 1}, reminder_notice_id: C, name: {column: N, default: n}}]"
    cells = {"C": ["r", None, None], "N": ["a", None, "b"]}
    profile = profile_of(f"{RUN}  {REMINDERS}: {rule}\n", cells)
    filled = {
        result.path.rpartition(".")[2]: result.filled for result in profile.fields() if "[0]" in result.path
    }
    assert filled == {"id": 2, "reminder_notice_id": 1, "name": 2}


def test_a_constant() -> None:
    """It fills every row, is one value and needs no example."""
    result = {field.path: field for field in profile_of(RUN, {"C": ["a", "b"]}).fields()}["status"]
    assert (result.comes_from, result.filled, result.smallest, result.largest) == (
        'always "draft"',
        2,
        "draft",
        "draft",
    )
    assert (result.distinct and result.distinct.count, result.examples) == (1, ())
    assert result.required


# --- Examples --------------------------------------------------------------------------------------------


def test_examples_show_changes_first() -> None:
    """At most three, with different values; first those that a conversion has changed."""
    result = field_of(TEXT, "{column: C, case: lower}", ["same", "A", "A", "B", "other", "C", "D"])
    assert [(example.before, example.after) for example in result.examples] == [
        ("A", "a"),
        ("B", "b"),
        ("C", "c"),
    ]
    result = field_of(TEXT, "C", ["x", "x", None], ["y", "x"])
    assert [(example.before, example.after) for example in result.examples] == [("x", "x"), ("y", "y")]


def test_examples_of_several_columns_and_other_origins() -> None:
    """`columns`, templates and SQL show each cell that they read, by its column."""
    cells = {"A": ["x", ""], "B C": ["y", "z"]}
    result = field_of(TEXT, "{columns: [A, B C]}", cells)
    assert [(example.before, example.after) for example in result.examples] == [
        ("A = x, B C = y", "x"),
        ("B C = z", "z"),
    ]
    result = field_of(TEXT, '{template: "{A}-{B C}"}', cells)
    assert [(example.before, example.after) for example in result.examples] == [("A = x, B C = y", "x-y")]
    result = field_of(TEXT, "{sql: 'A || \"B C\"'}", cells)
    assert ("A = x, B C = y", "xy") in [(example.before, example.after) for example in result.examples]
    assert result.comes_from == 'SQL: A || "B C"'


@pytest.mark.parametrize(
    ("field", "cells", "before", "after"),
    [
        (DATE, pl.Series([date(2019, 3, 31)]), "2019-03-31", "2019-03-31"),
        (
            DATE,
            pl.Series([datetime(2019, 3, 31, 8, tzinfo=UTC)]),
            "2019-03-31T08:00:00+00:00",
            "2019-03-31T08:00:00Z",
        ),
        (NUMBER, pl.Series([Decimal("12.50")]), "12.50", "12.5"),
        (FLAG, pl.Series([True]), "true", "true"),
        (LIST, pl.Series([["a", "b"]]), '["a","b"]', "a; b"),
        ("drop_options.zz_other", pl.Series([{"x": 1, "y": None}]), '{"x":1,"y":null}', '{"x":1}'),
        (TEXT, pl.Series(["a"], dtype=pl.Categorical), "a", "a"),
    ],
)
def test_typed_cells_as_they_are(field: str, cells: pl.Series, before: str, after: str) -> None:
    """Dates, decimals, flags, lists and structs of Parquet are shown as readable text."""
    (example,) = field_of(field, "C", cells).examples
    assert (example.before, example.after) == (before, after)


def test_sql_over_cells_that_no_payload_holds() -> None:
    """SQL can read bytes and durations; they are shown, too."""
    cells = {"C": pl.Series([b"\xff\x00", b"ok"]), "D": pl.Series([timedelta(seconds=3)] * 2)}
    result = field_of(TEXT, "{sql: \"CASE WHEN C IS NULL OR D IS NULL THEN 'no' ELSE 'yes' END\"}", cells)
    assert result.filled == 2
    assert [example.after for example in result.examples] == ["yes"]


# --- Tables ----------------------------------------------------------------------------------------------


def test_a_map_shows_where_each_value_goes() -> None:
    """Most frequent first; the empty cell takes the default, a value outside the table is wrong."""
    rule = "{column: C, map: {D: draft, C: completed}, default: draft}"
    base = RUN.replace("status: {value: draft}", f"status: {rule}")
    profile = profile_of(base, {"C": ["C", " C ", "D", None, "Q"]}, {"C": ["C", "Q", "NULL"]})
    (table,) = profile.tables()
    assert (table.field, table.kind, table.rows.total) == ("status", "map", 5)
    assert rows_of(table) == {
        ("C", "completed", False): 3,
        ("Q", None, True): 2,
        ("D", "draft", False): 1,
        (None, "draft", False): 1,
        ("NULL", None, True): 1,
    }
    assert table.rows.items[0].source == "C"


@pytest.mark.parametrize(
    ("otherwise", "becomes"), [("keep", "Q"), ("null", None), ("{value: other}", "other")]
)
def test_otherwise(otherwise: str, becomes: str | None) -> None:
    """What is outside the table is kept, nothing, or a constant; none of it wrong."""
    table = table_of(TEXT, f"{{column: C, map: {{A: a}}, otherwise: {otherwise}}}", ["A", "Q"])
    assert rows_of(table) == {("A", "a", False): 1, ("Q", becomes, False): 1}


def test_values_of_other_types_in_a_map() -> None:
    """Numbers, flags and nothing are shown without quotes."""
    table = table_of(ANY, "{column: C, map: {A: 1, B: true, C: text, D: null}}", ["A", "B", "C", "D"])
    assert rows_of(table) == {
        ("A", "1", False): 1,
        ("B", "true", False): 1,
        ("C", "text", False): 1,
        ("D", None, False): 1,
    }


def test_enum_and_flags() -> None:
    """An enum without a map, words of a flag; a required cell that is empty is wrong."""
    profile = profile_of(RUN.replace("status: {value: draft}", "status: S"), {"S": ["draft", "drft", None]})
    (table,) = profile.tables()
    assert table.kind == "enum"
    assert rows_of(table) == {
        ("draft", "draft", False): 1,
        ("drft", None, True): 1,
        (None, None, True): 1,
    }
    table = table_of(
        FLAG, "{column: C, boolean: {true: [J], false: [N]}, default: false}", ["J", "N", "", "X"]
    )
    assert rows_of(table) == {
        ("J", "true", False): 1,
        ("N", "false", False): 1,
        (None, "false", False): 1,
        ("X", None, True): 1,
    }


def test_lists_through_a_map() -> None:
    """A cell of several codes is one value; an empty list is nothing, or the default."""
    rule = "{column: C, split: ';', map: {A: a, B: b}, default: [z]}"
    table = table_of(LIST, rule, ["A;B", "B", "A;Q", None, " ; "])
    assert rows_of(table) == {
        ("A;B", "a; b", False): 1,
        ("B", "b", False): 1,
        ("A;Q", None, True): 1,
        (None, "z", False): 1,
        (";", "z", False): 1,
    }


def test_a_table_shows_a_hundred_of_many_values() -> None:
    """The most frequent first, and how many there are."""
    cells = [f"v{number}" for number in range(500)] + ["often"] * 3
    table = table_of(TEXT, "{column: C, map: {A: a}, otherwise: keep}", cells)
    assert (len(table.rows.items), table.rows.total) == (100, 501)
    assert (table.rows.items[0].source, table.rows.items[0].rows) == ("often", 3)


# --- Rows and files --------------------------------------------------------------------------------------


def test_no_rows_and_empty_columns() -> None:
    """The fields are there, too, without values."""
    for cells in ([], [None, ""], pl.Series([None, None]), pl.Series([None], dtype=pl.Int8)):
        result = field_of(TEXT, "C", cells)
        assert (result.filled, result.smallest, result.largest, result.examples) == (0, None, None, ())
        assert result.distinct is not None
        assert result.distinct.count == 0
    profile = profile_of(RUN, {"C": []})
    assert (profile.rows, profile.tables()) == (0, ())
    assert len(profile.fields()) == 6


def test_filtered_rows_do_not_count() -> None:
    """Rows that `where` leaves out, and records that could not be read, are no part of the figures."""
    profile = profile_of(f"where: C <> 'x'\n{RUN}  {TEXT}: C\n", {"C": ["x", "a", None]})
    assert profile.rows == 1
    assert {result.path: result.filled for result in profile.fields()}[TEXT] == 1


def test_files_with_other_columns() -> None:
    """Types and order of columns may differ from file to file."""
    result = field_of(
        NUMBER, "C", {"C": ["9"]}, {"Z": ["x"], "C": pl.Series([10])}, {"C": pl.Series([2.5]), "Y": ["y"]}
    )
    assert (result.filled, result.smallest, result.largest) == (3, "2.5", "10")
    assert [example.before for example in result.examples] == ["9", "10", "2.5"]
