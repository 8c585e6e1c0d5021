"""What the report says of the fields, held against a plain count of the payloads."""

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

from loader.mapping import compile_mapping, parse_mapping
from loader.mapping.tree import leaves
from loader.payload import build as build_alone
from loader.payload import draft, finish
from loader.payload.results import LookupResult
from loader.records import CORE, RECORD_NO, STATE
from loader.report.profile import PayloadProfile
from loader.resources import BillingRun, BillingTemplate
from loader.resources.fields import FieldKind
from tests.mapping.mapping_cases import ANY, DATE, FLAG, LIST, NUMBER, RUN, TEXT, frame
from tests.payload.test_payload_property import frame_of
from tests.support.strategies import IDS, as_yaml, cases

if TYPE_CHECKING:
    from loader.payload.results import Payloads
    from loader.report.page import FieldProfile, ValueTable
    from tests.support.strategies import Case

REMINDERS = "application_reminder_options.reminders"
PLAIN = (FieldKind.TEXT, FieldKind.DATE, FieldKind.NUMBER, FieldKind.BOOLEAN)


def profile_of(mapping: str, *batches: dict[str, Any]) -> PayloadProfile:
    """The profile of some batches of columns; each may have columns of its own, as files have."""
    made = PayloadProfile()
    for cells in batches:
        rows = frame(cells)
        schema = {name: kind for name, kind in rows.schema.items() if not name.startswith("__")}
        compiled = compile_mapping(parse_mapping(mapping), schema)
        made.add(build_alone(rows, compiled), compiled)
    return made


def field_of(field: str, rule: str, *batches: Any) -> FieldProfile:
    """One field's line; the rule's column is C."""
    made = profile_of(f"{RUN}  {field}: {rule}\n", *map(as_columns, batches))
    return {each.path: each for each in made.fields()}[field]


def table_of(field: str, rule: str, *batches: Any) -> ValueTable:
    """One field's table."""
    made = profile_of(f"{RUN}  {field}: {rule}\n", *map(as_columns, batches))
    return {each.field: each for each in made.tables()}[field]


def as_columns(cells: Any) -> dict[str, Any]:
    """Columns by name; cells alone are those of C."""
    return cells if isinstance(cells, dict) else {"C": cells}


def rows_of(table: ValueTable) -> dict[tuple[str | None, str | None, bool], int]:
    """A table's rows."""
    return {(each.source, each.becomes, each.wrong): each.rows for each in table.rows.items}


# --- Against the payloads --------------------------------------------------------------------------------


def built(case: Case) -> tuple[Payloads, Any]:
    """What becomes of a case's rows, with the ids that there are."""
    compiled = compile_mapping(parse_mapping(as_yaml(case.mapping)), dict.fromkeys(case.rows[0], pl.String()))
    found = {name: LookupResult(ids, {}) for name, ids in IDS.items()}
    return finish(draft(frame_of(case), compiled), found), compiled


def values_at(bodies: list[Any], path: str) -> list[Any]:
    """What the payloads have at a path without list items."""
    found = []
    for body in bodies:
        value = body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found.append(value)
    return found


def check_field(told: FieldProfile, kind: FieldKind, values: list[Any]) -> None:
    """Holds a line against the values of the payloads."""
    assert told.filled == len(values)
    assert told.distinct is not None
    assert told.distinct.count <= len(values)
    if kind not in PLAIN:
        return
    texts = {each if isinstance(each, str) else json.dumps(each, default=str) for each in values}
    assert told.distinct.count == len(texts)
    if kind in {FieldKind.TEXT, FieldKind.DATE}:
        assert (told.smallest, told.largest) == (min(values, default=None), max(values, default=None))
    elif kind is FieldKind.NUMBER:
        bounds = [None if each is None else float(each) for each in (told.smallest, told.largest)]
        floats = [float(each) for each in values]
        assert bounds == [min(floats, default=None), max(floats, default=None)]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(cases(BillingRun, most_rows=6), cases(BillingTemplate, most_rows=6)), st.integers(0, 6))
def test_figures_are_those_of_the_payloads(case: Case, cut: int) -> None:
    """Any mapping: of the rows that are right, each field has as many values as the payloads have."""
    payloads, compiled = built(case)
    ready = payloads.computed.filter(pl.col(STATE) == "ready")
    made = PayloadProfile()
    made.add(replace(payloads, computed=ready.head(cut)), compiled)
    made.add(replace(payloads, computed=ready.slice(cut)), compiled)
    bodies = [json.loads(core, parse_float=Decimal) for core in payloads.rows[CORE].drop_nulls()]
    assert made.rows == len(bodies)
    kinds = {each.path: each.target.kind for each in leaves(compiled.mapping.tree)}
    if compiled.mapping.external_id is not None:
        kinds = {"sys_external_id": FieldKind.TEXT, **kinds}
    assert [each.path for each in made.fields()] == list(kinds)
    for told in made.fields():
        values = values_at(bodies, told.path)
        if "[" not in told.path and [] not in values and {} not in values:
            check_field(told, kinds[told.path], values)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(cases(BillingRun, most_rows=6), cases(BillingTemplate, most_rows=6)), st.integers(0, 6))
def test_tables_count_every_row(case: Case, cut: int) -> None:
    """Any mapping and any row: a table's rows are those read, its wrong ones those with a finding there."""
    payloads, compiled = built(case)
    made = PayloadProfile()
    made.add(replace(payloads, computed=payloads.computed.head(cut)), compiled)
    made.add(replace(payloads, computed=payloads.computed.slice(cut)), compiled)
    wrong = Counter(path for _, path in set(payloads.findings.select(RECORD_NO, "field").iter_rows()))
    for table in made.tables():
        assert sum(each.rows for each in table.rows.items) == made.rows
        assert sum(each.rows for each in table.rows.items if each.wrong) == wrong[table.field]
        assert all(each.becomes is None for each in table.rows.items if each.wrong)


# --- Values ----------------------------------------------------------------------------------------------


def test_numbers_are_in_the_order_of_numbers() -> None:
    """9 before 10, exact to the last digit, also in a field that takes anything, over batches."""
    for field, rule in ((NUMBER, "C"), (ANY, "{column: C, number: {}}")):
        told = field_of(field, rule, ["10", "9", "250.50"], ["1234567890123456789.5", None], ["x"])
        assert (told.smallest, told.largest) == ("9", "1234567890123456789.5")
        assert (told.filled, told.distinct and told.distinct.count) == (4, 4)


def test_texts_and_numbers_may_meet() -> None:
    """A field that takes anything may have numbers in one file and texts in another: numbers come first."""
    told = field_of(ANY, "C", pl.Series([7, 30]), ["abc", "7"], pl.Series([True]))
    assert (told.smallest, told.largest) == ("7", "abc")
    assert told.filled == 5


def test_texts_have_no_quotes() -> None:
    """Text that a cell of JSON gives is told as other text is."""
    told = field_of(TEXT, "{json: C}", ['"b"', '"a"', "null", None, "7x"])
    assert (told.smallest, told.largest, told.filled) == ("a", "b", 2)
    assert {each.after for each in told.examples} == {"a", "b"}


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
    told = field_of("drop_options.zz_n", "{column: C, split: ';', number: {}}", ["1;x", "2;3", "x"])
    assert (told.filled, [each.after for each in told.examples]) == (1, ["2; 3"])
    field = "application_activation_options.program_restriction"
    told = field_of(field, "C", ["include", "inclde", "exclude", None])
    assert (told.filled, told.smallest, told.largest) == (2, "exclude", "include")


def test_defaults_are_values() -> None:
    """Rows without a cell have the default; rows whose cell is wrong have nothing."""
    told = field_of(NUMBER, "{column: C, default: 3}", ["10", None, "x", ""])
    assert (told.filled, told.smallest, told.largest) == (3, "3", "10")
    assert told.distinct is not None
    assert told.distinct.count == 2
    told = field_of(LIST, "{column: C, split: ';', default: [z]}", ["a;b", None, " ; "])
    assert (told.filled, told.distinct and told.distinct.count) == (3, 2)


def test_constants_of_list_items_count_where_the_item_is() -> None:
    """A reminder without a cell is not there, and neither is its constant or default."""
    rule = "[{id: {value: 1}, reminder_notice_id: C, name: {column: N, default: n}}]"
    cells = {"C": ["r", None, None], "N": ["a", None, "b"]}
    made = profile_of(f"{RUN}  {REMINDERS}: {rule}\n", cells)
    filled = {each.path.rpartition(".")[2]: each.filled for each in made.fields() if "[0]" in each.path}
    assert filled == {"id": 2, "reminder_notice_id": 1, "name": 2}


def test_a_constant() -> None:
    """It fills every row, is one value and needs no example."""
    told = {each.path: each for each in profile_of(RUN, {"C": ["a", "b"]}).fields()}["status"]
    assert (told.comes_from, told.filled, told.smallest, told.largest) == (
        'always "draft"',
        2,
        "draft",
        "draft",
    )
    assert (told.distinct and told.distinct.count, told.examples) == (1, ())
    assert told.required


# --- Examples --------------------------------------------------------------------------------------------


def test_examples_show_changes_first() -> None:
    """At most three, with different values; first those that a conversion has changed."""
    told = field_of(TEXT, "{column: C, case: lower}", ["same", "A", "A", "B", "other", "C", "D"])
    assert [(each.before, each.after) for each in told.examples] == [("A", "a"), ("B", "b"), ("C", "c")]
    told = field_of(TEXT, "C", ["x", "x", None], ["y", "x"])
    assert [(each.before, each.after) for each in told.examples] == [("x", "x"), ("y", "y")]


def test_examples_of_several_columns_and_other_origins() -> None:
    """`columns`, templates and SQL show each cell that they read, by its column."""
    cells = {"A": ["x", ""], "B C": ["y", "z"]}
    told = field_of(TEXT, "{columns: [A, B C]}", cells)
    assert [(each.before, each.after) for each in told.examples] == [
        ("A = x, B C = y", "x"),
        ("B C = z", "z"),
    ]
    told = field_of(TEXT, '{template: "{A}-{B C}"}', cells)
    assert [(each.before, each.after) for each in told.examples] == [("A = x, B C = y", "x-y")]
    told = field_of(TEXT, "{sql: 'A || \"B C\"'}", cells)
    assert ("A = x, B C = y", "xy") in [(each.before, each.after) for each in told.examples]
    assert told.comes_from == 'SQL: A || "B C"'


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
        (LIST, pl.Series([["a", "b"]]), '["a", "b"]', "a; b"),
        ("drop_options.zz_other", pl.Series([{"x": 1, "y": None}]), '{"x": 1, "y": null}', '{"x":1}'),
        (TEXT, pl.Series(["a"], dtype=pl.Categorical), "a", "a"),
    ],
)
def test_typed_cells_as_they_stand(field: str, cells: pl.Series, before: str, after: str) -> None:
    """Dates, decimals, flags, lists and structs of Parquet are told as text that reads."""
    (example,) = field_of(field, "C", cells).examples
    assert (example.before, example.after) == (before, after)


def test_sql_over_cells_that_no_payload_holds() -> None:
    """Bytes and spans of time can be read by SQL; they are told all the same."""
    cells = {"C": pl.Series([b"\xff\x00", b"ok"]), "D": pl.Series([timedelta(seconds=3)] * 2)}
    told = field_of(TEXT, "{sql: \"CASE WHEN C IS NULL OR D IS NULL THEN 'no' ELSE 'yes' END\"}", cells)
    assert told.filled == 2
    assert [each.after for each in told.examples] == ["yes"]


# --- Tables ----------------------------------------------------------------------------------------------


def test_a_map_shows_where_each_value_goes() -> None:
    """Most frequent first; the empty cell takes the default, a value outside the table is wrong."""
    rule = "{column: C, map: {D: draft, C: completed}, default: draft}"
    base = RUN.replace("status: {value: draft}", f"status: {rule}")
    made = profile_of(base, {"C": ["C", " C ", "D", None, "Q"]}, {"C": ["C", "Q", "NULL"]})
    (table,) = made.tables()
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
    """Numbers, flags and nothing are told without quotes."""
    table = table_of(ANY, "{column: C, map: {A: 1, B: true, C: text, D: null}}", ["A", "B", "C", "D"])
    assert rows_of(table) == {
        ("A", "1", False): 1,
        ("B", "true", False): 1,
        ("C", "text", False): 1,
        ("D", None, False): 1,
    }


def test_enum_and_flags() -> None:
    """An enum without a map, words of a flag; a required cell that is empty is wrong."""
    made = profile_of(RUN.replace("status: {value: draft}", "status: S"), {"S": ["draft", "drft", None]})
    (table,) = made.tables()
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
    """The fields stand there all the same, with nothing in them."""
    for cells in ([], [None, ""], pl.Series([None, None]), pl.Series([None], dtype=pl.Int8)):
        told = field_of(TEXT, "C", cells)
        assert (told.filled, told.smallest, told.largest, told.examples) == (0, None, None, ())
        assert told.distinct is not None
        assert told.distinct.count == 0
    made = profile_of(RUN, {"C": []})
    assert (made.rows, made.tables()) == (0, ())
    assert len(made.fields()) == 6


def test_filtered_rows_do_not_count() -> None:
    """Rows that `where` leaves out, and records that could not be read, are no part of the figures."""
    made = profile_of(f"where: C <> 'x'\n{RUN}  {TEXT}: C\n", {"C": ["x", "a", None]})
    assert made.rows == 1
    assert {each.path: each.filled for each in made.fields()}[TEXT] == 1


def test_files_with_other_columns() -> None:
    """Types and order of columns may differ from file to file."""
    told = field_of(
        NUMBER, "C", {"C": ["9"]}, {"Z": ["x"], "C": pl.Series([10])}, {"C": pl.Series([2.5]), "Y": ["y"]}
    )
    assert (told.filled, told.smallest, told.largest) == (3, "2.5", "10")
    assert [each.before for each in told.examples] == ["9", "10", "2.5"]
