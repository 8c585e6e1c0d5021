"""Lists with an item for every row: how they are written, what is wrong with them, and what rows become."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.errors import MappingError
from loader.findings import CODES
from loader.mapping import compile_mapping, joined_columns, joins_of
from loader.payload.finding_frames import FILE
from loader.payload.groups import build_records, example_records
from loader.records import CORE, GROUP, LINE, PARENT, RECORD_NO, ROW_NO, STATE
from tests.mapping.mapping_cases import LIST, RUN, frame, has, parsed, wrong, wrong_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding
    from loader.mapping import CompiledMapping, MappingPlan
    from loader.payload.results import Payloads

REMINDERS = "application_reminder_options.reminders"
TEXTS = {"K": pl.String(), "N": pl.String(), "L": pl.String()}
SECOND = {"F": pl.String(), "A": pl.String(), "B": pl.String()}


def grouped(rule: str, *, field: str = REMINDERS, more: str = "") -> str:
    """Return a mapping that groups by K, with one rule for a list."""
    return f"{RUN.replace('fields:', f'group_by: K{chr(10)}{more}fields:', 1)}  {field}: {rule}\n"


def compiled(text: str, schema: Mapping[str, pl.DataType] | None = None) -> CompiledMapping:
    """Return a mapping compiled for text columns, and for a second file s.csv."""
    return compile_mapping(with_second(text), schema or TEXTS)


def with_second(text: str) -> MappingPlan:
    """Return a mapping that knows the columns of s.csv."""
    return replace(parsed(text), joined={"s.csv": SECOND})


def made(text: str, rows: dict[str, Any], second: dict[str, Any] | None = None) -> Payloads:
    """Return what the rows of one group become."""
    own = frame(rows)
    schema = {name: dtype for name, dtype in own.schema.items() if not name.startswith("__")}
    program = compiled(text, schema)
    frames = {} if second is None else {"s.csv": frame(second)}
    records, children = example_records(own, frames, program)
    return build_records(records, children, program)


def reminders(payloads: Payloads) -> Any:
    """Return the reminders of the first record."""
    return json.loads(payloads.rows[CORE][0])["application_reminder_options"]["reminders"]


def errors(text: str, schema: Mapping[str, pl.DataType] | None = None) -> list[Finding]:
    """Return what is wrong with a mapping."""
    with pytest.raises(MappingError) as caught:
        compiled(text, schema)
    return list(caught.value.findings)


@pytest.mark.parametrize(
    ("text", "code", "params"),
    [
        (RUN + f"  {REMINDERS}: {{each: {{reminder_notice_id: N}}}}\n", "each.no_group",
         {"field": REMINDERS}),
        (grouped("{each: {reminder_notice_id: {value: x}}}"), "each.no_column", {}),
        (grouped("{each: {reminder_notice_id: {each: N}}}"), "each.nested", {}),
        (grouped("[{reminder_notice_id: {each: N}}]"), "each.nested", {}),
        (grouped("{each: [{reminder_notice_id: N}]}"), "each.several_rules", {}),
        (grouped("{each: N}", field="notification_email"), "each.not_a_list", {"takes": "text"}),
        (grouped("{each: {reminder_notice_id: N}, key: K}"), "each.lone_key", {"keys": ["key"]}),
        (grouped("{rows: s.csv, each: {reminder_notice_id: A}}"), "each.no_key", {}),
        (grouped("{rows: s.csv, key: F}"), "mapping.missing_key", {"key": "each"}),
        (grouped("{each: {reminder_notice_id: N}, kee: K}"), "mapping.unknown_key", {"key": "kee"}),
        (grouped("{each: {reminder_notice: N}}"), "mapping.unknown_field", {"name": "reminder_notice"}),
        (grouped("{each: {name: N}}"), "mapping.required_unmapped",
         {"field": f"{REMINDERS}[].reminder_notice_id"}),
        (grouped("{each: {reminder_notice_id: {column: N, date: nope}}}"), "rule.incomplete_format",
         {"format": "nope", "kind": "date"}),
        (grouped("{each: {reminder_notice_id: M}}"), "mapping.unknown_column",
         {"column": "M", "field": f"{REMINDERS}[].reminder_notice_id"}),
        (grouped("{each: {reminder_notice_id: N}}").replace("group_by: K", "group_by: Key"),
         "mapping.unknown_column", {"column": "Key", "field": "group_by"}),
        (grouped("{rows: s.csv, key: G, each: {reminder_notice_id: A}}"), "mapping.unknown_column",
         {"column": "G", "second_file": "s.csv"}),
        (grouped("{rows: s.csv, key: F, equals: K, each: {reminder_notice_id: N}}"), "mapping.unknown_column",
         {"column": "N", "second_file": "s.csv"}),
        (grouped("{rows: s.csv, key: F, equals: Q, each: {reminder_notice_id: A}}"),
         "mapping.unknown_column", {"column": "Q", "field": REMINDERS}),
        (grouped("{rows: s.csv, key: F, each: {reminder_notice_id: A}}"), "mapping.unknown_column",
         {"column": "F", "field": REMINDERS}),
    ],
)  # fmt: skip
def test_what_is_wrong_has_a_code_and_a_place(text: str, code: str, params: dict[str, Any]) -> None:
    """Each finding says what is wrong, in a line of the mapping."""
    found = errors(text)
    assert has(found, code, params), found
    assert all(item.location and item.location.line for item in found)


def test_key_columns_must_tell_rows_apart() -> None:
    """A column of lists is no key."""
    text = grouped("{each: {reminder_notice_id: N}}")
    (found,) = errors(text, {**TEXTS, "K": pl.List(pl.String())})
    assert (found.code, found.column, found.params) == (
        "column.not_comparable",
        "K",
        {"type": "a list of text"},
    )


def test_one_second_file_is_read_in_one_way() -> None:
    """Two lists that read a file by different dialects are an error; two keys of one file are not."""
    rule = "{{rows: s.csv, key: F, equals: {}, each: {}, source: {{delimiter: '{}'}}}}"
    first = grouped(rule.format("K", "{reminder_notice_id: A}", ";"))
    (found,) = errors(f"{first}  {LIST}: {rule.format('K', 'A', ',')}\n")
    assert (found.code, found.params) == ("each.two_sources", {"second_file": "s.csv"})
    mapping = with_second(f"{first}  {LIST}: {rule.format('N', 'B', ';')}\n")
    joins = {(join.file, join.key, join.equals) for join in joins_of(mapping.tree)}
    assert joins == {("s.csv", "F", "K"), ("s.csv", "F", "N")}
    assert joined_columns(mapping.tree, "s.csv") == {"F", "A", "B"}


def test_groups_without_items_are_warned_of() -> None:
    """Where nothing uses `each`, all rows but the first of a group are of no use."""
    mapping = parsed(f"external_id: K\n{RUN}".replace("fields:", "group_by: K\nfields:", 1))
    assert [warning.code for warning in mapping.warnings] == ["group.unused"]


def test_unused_columns_of_both_files_are_noted() -> None:
    """Columns that an item reads are used; those of the second file are noted by its name."""
    text = grouped("{rows: s.csv, key: F, equals: K, each: {reminder_notice_id: A}}")
    warnings = compiled(text).warnings
    notes = [warning.params for warning in warnings if CODES[warning.code].severity == "note"]
    assert notes == [{"names": ["N", "L"]}, {"names": ["B"], "second_file": "s.csv"}]
    warnings = compiled(grouped("{each: {reminder_notice_id: N}}")).warnings
    assert has(warnings, "mapping.unused_columns", {"names": ["L"]})


def test_every_row_is_an_item() -> None:
    """In the order of the rows, escaped as it must be; a row all of whose cells are empty makes none."""
    payloads = made(
        grouped("{each: {id: L, reminder_notice_id: N, name: {template: 'No {L}: {N}'}}}"),
        {"K": ["1", "1", "1"], "N": [' a"b ', "", "c"], "L": ["1", "", "3.50"]},
    )
    assert payloads.rows.select(RECORD_NO, LINE, STATE).rows() == [(1, 2, "ready")]
    assert reminders(payloads) == [
        {"id": 1, "name": 'No 1: a"b', "reminder_notice_id": 'a"b'},
        {"id": 3.5, "name": "No 3.50: c", "reminder_notice_id": "c"},
    ]


def test_lists_of_plain_values() -> None:
    """A bare rule makes a list of values; conversions and defaults are those of any rule."""
    rows = {"K": ["1", "1", "1"], "N": ["a", None, "B"], "L": ["x", "y", "z"]}
    for rule, expected in [
        ("{each: N}", ["a", "B"]),
        ("{each: {column: N, case: upper}}", ["A", "B"]),
        ("{each: {column: N, default: none}}", ["a", "none", "B"]),
        ("{each: {sql: \"N || '-' || L\"}}", ["a-x", "B-z"]),
    ]:
        payloads = made(grouped(rule, field=LIST), rows)
        body = json.loads(payloads.rows[CORE][0])
        assert body["application_activation_options"]["program_ids"] == expected


def test_optional_objects_without_items_are_left_out() -> None:
    """A list without items is left out, and so is an object that has nothing else; a required list is []."""
    rows = {"K": ["1"], "N": [""], "L": [""]}
    body = json.loads(made(grouped("{each: N}", field="drop_options.zz_list"), rows).rows[CORE][0])
    assert body["drop_options"] == {}
    assert reminders(made(grouped("{each: {reminder_notice_id: N}}"), rows)) == []


def test_findings_name_the_row_that_they_are_about() -> None:
    """A wrong cell in any row makes the record invalid; number and line are those of its row."""
    payloads = made(
        grouped("{each: {id: L, reminder_notice_id: N}}", more="external_id: K\n"),
        {"K": ["7", "7", "7"], "N": ["a", "", "c"], "L": ["x", "2", "3"]},
    )
    assert payloads.rows.select(STATE, CORE).rows() == [("invalid", None)]
    columns = [RECORD_NO, LINE, ROW_NO, "__external_id", "field", "column", "value"]
    assert payloads.findings.select(columns).rows() == [
        (1, 2, 1, "7", f"{REMINDERS}[].id", "L", "x"),
        (1, 3, 2, "7", f"{REMINDERS}[].reminder_notice_id", "N", None),
    ]


def test_columns_of_the_record_itself_must_not_differ() -> None:
    """A row with another value makes the record invalid; an empty one, or the same, does not."""
    text = grouped("{each: {reminder_notice_id: N}}").replace("{value: n}", "L")
    good = made(text, {"K": ["1", "1", "1"], "N": ["a", "b", "c"], "L": ["x", "", " x "]})
    assert good.rows[STATE].to_list() == ["ready"]
    bad = made(text, {"K": ["1", "1"], "N": ["a", "b"], "L": ["x", "y"]})
    (found,) = bad.findings.to_dicts()
    assert (found["field"], found["column"], found[ROW_NO]) == ("name", "L", 2)
    assert wrong_rows(bad) == {1: wrong("group.cells_differ", "y", first="x")}
    bad = made(
        text.replace("name: L", "name: {columns: [L, N]}"), {"K": ["1", "1"], "N": ["a", "a"], "L": ["", "y"]}
    )
    assert wrong_rows(bad) == {1: wrong("group.cells_differ", "y", first=None)}


def test_typed_columns_of_the_record_itself_must_not_differ() -> None:
    """Numbers and lists are compared as what they are."""
    text = grouped("{each: {reminder_notice_id: N}}") + f"  {LIST}: P\n  sys_snapshot_base_version: V\n"
    keys = {"K": pl.Series([1, 1]), "N": ["a", "b"]}
    same = {"P": pl.Series([["x"], ["x"]]), "V": pl.Series([1.0, None])}
    assert made(text, {**keys, **same}).rows[STATE].to_list() == ["ready"]
    other = {"P": pl.Series([["x"], ["z"]]), "V": pl.Series([1.0, 2.5])}
    lines = made(text, {**keys, **other}).findings.select("code", "value", "params").rows()
    assert set(lines) == {
        ("group.cells_differ", None, None),
        ("group.cells_differ", "2.5", '{"first":"1"}'),
    }


def test_where_leaves_rows_out_of_their_record() -> None:
    """The record is made of the rows that are left; where none is, it is filtered."""
    text = grouped("{each: {reminder_notice_id: N}}", more="where: L <> 'x'\n").replace("{value: n}", "L")
    rows = {"K": ["1", "1", "1"], "N": ["a", "b", "c"], "L": ["x", "y", "y"]}
    payloads = made(text, rows)
    assert payloads.rows[STATE].to_list() == ["ready"]
    assert json.loads(payloads.rows[CORE][0])["name"] == "y"
    assert reminders(payloads) == [{"reminder_notice_id": "b"}, {"reminder_notice_id": "c"}]
    payloads = made(text, {**rows, "L": ["x", "x", None], "N": ["a", "z", "c"]})
    assert payloads.rows[STATE].to_list() == ["filtered"]
    assert not payloads.findings.height


def test_where_that_cannot_be_computed_is_found_in_its_row() -> None:
    """A row for which `where` cannot be computed makes its record invalid."""
    text = grouped("{each: {reminder_notice_id: N}}", more="where: CAST(L AS INT) > 1\n")
    payloads = made(text, {"K": ["1", "1", "1"], "N": ["a", "b", "c"], "L": ["2", "1", "q"]})
    assert payloads.findings.select("field", ROW_NO, "value").rows() == [("where", 3, "L = q")]


def test_rows_of_a_second_file_find_their_record() -> None:
    """By trimmed keys, in the order of their file, read by their own null values; others are left."""
    second_file = "rows: s.csv, key: F, equals: K, source: {null_values: ['-']}"
    text = grouped(f"{{{second_file}, each: {{reminder_notice_id: A, name: B}}}}")
    second = {"F": [" 1", "2", "1", "-"], "A": ["x", "other", "y", "none"], "B": ["-", "b", "b", ""]}
    payloads = made(text, {"K": ["1 ", "1"], "N": ["", ""], "L": ["", ""]}, second)
    assert reminders(payloads) == [{"reminder_notice_id": "x"}, {"name": "b", "reminder_notice_id": "y"}]
    assert reminders(made(text, {"K": ["1"], "N": [""], "L": [""]})) == []


def test_findings_about_a_second_file_name_it() -> None:
    """File, record and line are those of the second file; RECORD_NO is the source's."""
    text = grouped("{rows: s.csv, key: F, equals: K, each: {id: B, reminder_notice_id: A}}")
    payloads = made(text, {"K": ["1"], "N": [""], "L": [""]}, {"F": ["1"], "A": ["x"], "B": ["q"]})
    (found,) = payloads.findings.to_dicts()
    assert (found["code"], found["value"]) == ("number.plain_format", "q")
    assert (found[RECORD_NO], found[FILE], found[LINE], found[ROW_NO]) == (1, "s.csv", 2, 1)


def test_rows_without_a_group_each_have_their_own_items() -> None:
    """A second file alone makes every row of the source a record."""
    text = f"{RUN}  {REMINDERS}: {{rows: s.csv, key: F, equals: K, each: {{reminder_notice_id: A}}}}\n"
    own = frame({"K": ["1", "2", "3"]})
    program = compiled(text, {"K": pl.String()})
    records, children = example_records(
        own, {"s.csv": frame({"F": ["3", "1", "3"], "A": ["c", "a", "d"]})}, program
    )
    payloads = build_records(records, children, program)
    lists = [json.loads(core)["application_reminder_options"]["reminders"] for core in payloads.rows[CORE]]
    assert [[item["reminder_notice_id"] for item in items] for items in lists] == [["a"], [], ["c", "d"]]
    assert GROUP not in children
    assert children["s.csv: F = K"][PARENT].to_list() == [1, 3, 3]
