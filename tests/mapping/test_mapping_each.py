"""Lists with an item for every row: what may be said, what is found wrong, and what rows become."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.errors import MappingError
from loader.mapping import compile_mapping, parse_mapping
from loader.mapping.groups import joined_columns, joins_of
from loader.payload.groups import build_records, example_records
from loader.records import CORE, GROUP, LINE, PARENT, RECORD_NO, ROW_NO, STATE
from tests.mapping.mapping_cases import LIST, RUN, frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.mapping import CompiledMapping
    from loader.payload.results import Payloads
    from loader.records import MappingFinding

REMINDERS = "application_reminder_options.reminders"
TEXTS = {"K": pl.String(), "N": pl.String(), "L": pl.String()}
SECOND = {"F": pl.String(), "A": pl.String(), "B": pl.String()}


def grouped(rule: str, *, field: str = REMINDERS, more: str = "") -> str:
    """A mapping that groups by K, with one rule for a list."""
    return f"{RUN.replace('fields:', f'group_by: K{chr(10)}{more}fields:', 1)}  {field}: {rule}\n"


def compiled(text: str, schema: Mapping[str, pl.DataType] | None = None) -> CompiledMapping:
    """A mapping compiled for text columns, and for a second file s.csv."""
    return compile_mapping(with_second(text), schema or TEXTS)


def with_second(text: str) -> Any:
    """A mapping that knows the columns of s.csv."""
    mapping = parse_mapping(text, "m.yaml")
    return type(mapping)(
        **{name: getattr(mapping, name) for name in mapping.__slots__} | {"joined": {"s.csv": SECOND}}
    )


def made(text: str, rows: dict[str, Any], second: dict[str, Any] | None = None) -> Payloads:
    """What the rows of one group become."""
    own = frame(rows)
    schema = {name: dtype for name, dtype in own.schema.items() if not name.startswith("__")}
    program = compiled(text, schema)
    found = {} if second is None else {"s.csv": frame(second)}
    records, children = example_records(own, found, program)
    return build_records(records, children, program)


def reminders(payloads: Payloads) -> Any:
    """The reminders of the first record."""
    return json.loads(payloads.rows[CORE][0])["application_reminder_options"]["reminders"]


def errors(text: str, schema: Mapping[str, pl.DataType] | None = None) -> list[MappingFinding]:
    """What is wrong with a mapping."""
    with pytest.raises(MappingError) as caught:
        compiled(text, schema)
    return list(caught.value.findings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            RUN + f"  {REMINDERS}: {{each: {{reminder_notice_id: N}}}}\n",
            "nothing says which rows are one record",
        ),
        (grouped("{each: {reminder_notice_id: {value: x}}}"), "each reads no column of its rows"),
        (grouped("{each: {reminder_notice_id: {each: N}}}"), "each may not stand inside an item"),
        (grouped("[{reminder_notice_id: {each: N}}]"), "each may not stand inside an item"),
        (grouped("{each: [{reminder_notice_id: N}]}"), "each is one rule, or one object of rules"),
        (
            grouped("{each: N}", field="notification_email"),
            "each makes a list, and notification_email is text",
        ),
        (grouped("{each: {reminder_notice_id: N}, key: K}"), "key go with rows"),
        (grouped("{rows: s.csv, each: {reminder_notice_id: A}}"), "and key its column"),
        (grouped("{rows: s.csv, key: F}"), "the key 'each' is missing"),
        (grouped("{each: {reminder_notice_id: N}, kee: K}"), "unknown key 'kee'"),
        (grouped("{each: {reminder_notice: N}}"), "unknown field 'reminder_notice'"),
        (grouped("{each: {name: N}}"), "reminders[].reminder_notice_id is required"),
        (grouped("{each: {reminder_notice_id: {column: N, date: nope}}}"), "does not tell a whole date"),
        (grouped("{each: {reminder_notice_id: M}}"), "the source has no column 'M'"),
        (
            grouped("{each: {reminder_notice_id: N}}").replace("group_by: K", "group_by: Key"),
            "no column 'Key'",
        ),
        (grouped("{rows: s.csv, key: G, each: {reminder_notice_id: A}}"), "s.csv has no column 'G'"),
        (
            grouped("{rows: s.csv, key: F, equals: K, each: {reminder_notice_id: N}}"),
            "s.csv has no column 'N'",
        ),
        (
            grouped("{rows: s.csv, key: F, equals: Q, each: {reminder_notice_id: A}}"),
            "the source has no column 'Q'",
        ),
        (grouped("{rows: s.csv, key: F, each: {reminder_notice_id: A}}"), "the source has no column 'F'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    """Each finding names what is wrong, and stands in a line of the mapping."""
    found = errors(text)
    assert any(words in str(each) for each in found), found
    assert all(each.line for each in found)


def test_key_columns_must_tell_rows_apart() -> None:
    """A column of lists is no key."""
    text = grouped("{each: {reminder_notice_id: N}}")
    (found,) = errors(text, {**TEXTS, "K": pl.List(pl.String())})
    assert "by which no rows can be told apart" in found.message


def test_one_second_file_is_read_in_one_way() -> None:
    """Two lists that read a file by different dialects are an error; two keys of one file are not."""
    rule = "{{rows: s.csv, key: F, equals: {}, each: {}, source: {{delimiter: '{}'}}}}"
    first = grouped(rule.format("K", "{reminder_notice_id: A}", ";"))
    (found,) = errors(f"{first}  {LIST}: {rule.format('K', 'A', ',')}\n")
    assert "read in two ways" in found.message
    mapping = with_second(f"{first}  {LIST}: {rule.format('N', 'B', ';')}\n")
    joins = {(join.file, join.key, join.equals) for join in joins_of(mapping.tree)}
    assert joins == {("s.csv", "F", "K"), ("s.csv", "F", "N")}
    assert joined_columns(mapping.tree, "s.csv") == {"F", "A", "B"}


def test_groups_without_items_are_warned_of() -> None:
    """Where nothing says each, all rows but the first of a group are of no use."""
    mapping = parse_mapping(f"external_id: K\n{RUN}".replace("fields:", "group_by: K\nfields:", 1))
    assert ["each" in each.message for each in mapping.warnings] == [True]


def test_unused_columns_of_both_files_are_noted() -> None:
    """Columns that an item reads are used; those of the second file are noted by its name."""
    text = grouped("{rows: s.csv, key: F, equals: K, each: {reminder_notice_id: A}}")
    notes = [each.message for each in compiled(text).warnings if each.severity == "note"]
    assert notes == ["columns that nothing maps: N, L", "columns of s.csv that nothing maps: B"]
    notes = [each.message for each in compiled(grouped("{each: {reminder_notice_id: N}}")).warnings]
    assert "columns that nothing maps: L" in notes


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
    """A row that says otherwise makes the record invalid; one that says nothing, or the same, does not."""
    text = grouped("{each: {reminder_notice_id: N}}").replace("{value: n}", "L")
    good = made(text, {"K": ["1", "1", "1"], "N": ["a", "b", "c"], "L": ["x", "", " x "]})
    assert good.rows[STATE].to_list() == ["ready"]
    bad = made(text, {"K": ["1", "1"], "N": ["a", "b"], "L": ["x", "y"]})
    (found,) = bad.findings.to_dicts()
    assert (found["field"], found["column"], found[ROW_NO]) == ("name", "L", 2)
    assert found["message"] == '"y" is not what the first row of its record has: "x"'
    bad = made(
        text.replace("name: L", "name: {columns: [L, N]}"), {"K": ["1", "1"], "N": ["a", "a"], "L": ["", "y"]}
    )
    assert bad.findings["message"].to_list() == ['"y" is not what the first row of its record has: nothing']


def test_typed_columns_of_the_record_itself_must_not_differ() -> None:
    """Numbers and lists are compared as what they are."""
    text = grouped("{each: {reminder_notice_id: N}}") + f"  {LIST}: P\n  sys_snapshot_base_version: V\n"
    keys = {"K": pl.Series([1, 1]), "N": ["a", "b"]}
    same = {"P": pl.Series([["x"], ["x"]]), "V": pl.Series([1.0, None])}
    assert made(text, {**keys, **same}).rows[STATE].to_list() == ["ready"]
    other = {"P": pl.Series([["x"], ["z"]]), "V": pl.Series([1.0, 2.5])}
    assert set(made(text, {**keys, **other}).findings["message"]) == {
        "is not what the first row of its record has",
        '"2.5" is not what the first row of its record has: "1"',
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
    """A row that where cannot judge makes its record invalid."""
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
    """File, record and line stand in the message; the finding's own place is not one of the source."""
    text = grouped("{rows: s.csv, key: F, equals: K, each: {id: B, reminder_notice_id: A}}")
    payloads = made(text, {"K": ["1"], "N": [""], "L": [""]}, {"F": ["1"], "A": ["x"], "B": ["q"]})
    (found,) = payloads.findings.to_dicts()
    assert found["message"] == 's.csv, record 1, line 2: "q" is not a number'
    assert (found[RECORD_NO], found[LINE], found[ROW_NO]) == (1, None, None)


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
    assert [[each["reminder_notice_id"] for each in items] for items in lists] == [["a"], [], ["c", "d"]]
    assert GROUP not in children
    assert children["s.csv: F = K"][PARENT].to_list() == [1, 3, 3]
