"""Lookups: keys go out, ids come in, and what is found wrong with a lookup before any row is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build, draft, finish
from loader.payload.results import LookupResult
from loader.records import LINE, RECORD_NO
from tests.mapping.mapping_cases import (
    ANY,
    DATE,
    FLAG,
    LIST,
    NUMBER,
    RUN,
    TEXT,
    bodies,
    findings,
    frame,
    rule_findings,
    states,
)

if TYPE_CHECKING:
    from loader.payload import PayloadDraft

IDS = {"billing-template": LookupResult({"T1": "id1", "T2": 'i"2', "7": "id7"}, {"T8": "which nobody has"})}
REMINDERS = "application_reminder_options.reminders"


def begun(rules: str, cells: dict[str, Any], *, base: str = RUN) -> PayloadDraft:
    """A draft of rows, by a mapping with these rules added."""
    rows = frame(cells)
    schema = {name: dtype for name, dtype in rows.schema.items() if not name.startswith("__")}
    return draft(rows, compile_mapping(parse_mapping(f"{base}{rules}"), schema))


def looked_up(field: str, rule: str, cells: Any) -> list[Any]:
    """What a field becomes in each row: a value, None where it is left out, or a rejected row's state."""
    payloads = finish(begun(f"  {field}: {rule}\n", cells if isinstance(cells, dict) else {"C": cells}), IDS)
    found: list[Any] = []
    for body, state in zip(bodies(payloads), states(payloads), strict=True):
        value = body
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found.append(value if state == "ready" else state)
    return found


@pytest.mark.parametrize(
    ("rule", "cells", "expected"),
    [
        ("{lookup: billing-template, column: C}", [" T1 ", "T2", "", "T3"], ["id1", 'i"2', None, "blocked"]),
        ("{lookup: billing-template, column: C, trim: false}", ["T1", "T1 "], ["id1", "blocked"]),
        ("{lookup: billing-template, column: C, null_if: [-, x]}", ["-", "T1"], [None, "id1"]),
        ("{lookup: billing-template, column: C, case: upper}", ["t1"], ["id1"]),
        ("{lookup: billing-template, column: C, map: {a: T1, b: null, c: T9}}",
         ["a", "b", "c", "d"], ["id1", None, "blocked", "invalid"]),
        ("{lookup: billing-template, column: C, map: {a: T1}, otherwise: keep}", ["a", "T2"], ["id1", 'i"2']),
        ("{lookup: billing-template, column: C, default: none}",
         ["", "T1", "T9"], ["none", "id1", "blocked"]),
        ("{lookup: billing-template, column: C}", pl.Series([7, None]), ["id7", None]),
        ("{lookup: billing-run, column: C}", ["T1"], ["blocked"]),
    ],
)  # fmt: skip
def test_conversions_apply_to_the_key(rule: str, cells: Any, expected: list[Any]) -> None:
    """What a rule makes of a cell is the key; the id goes in as it is."""
    assert looked_up(TEXT, rule, cells) == expected
    assert looked_up(ANY, rule, cells) == expected


def test_lists_of_keys_become_lists_of_ids() -> None:
    """Of a cell cut to a list, or of a column of lists; one key without an id blocks the row."""
    cut = "{lookup: billing-template, column: C, split: ','}"
    assert looked_up(LIST, cut, ["T1, T2,,", "", "T1,T3"]) == [["id1", 'i"2'], None, "blocked"]
    typed = pl.Series([["T2", None, "T1"], [], None, ["x"]], dtype=pl.List(pl.String))
    whole = "{lookup: billing-template, column: C}"
    assert looked_up(LIST, whole, typed) == [['i"2', "id1"], None, None, "blocked"]


def test_items_of_lists_are_there_for_their_keys() -> None:
    """An item whose key is null is left out; one whose key has no id blocks its row, and is not left out."""
    item = "{reminder_notice_id: {lookup: billing-template, column: C}, id: {value: 1}}"
    for cells, expected in (("T1", [{"id": 1, "reminder_notice_id": "id1"}]), ("", [])):
        (body,) = bodies(finish(begun(f"  {REMINDERS}: [{item}]\n", {"C": [cells]}), IDS))
        assert body["application_reminder_options"]["reminders"] == expected
    payloads = finish(begun(f"  {REMINDERS}: [{item}]\n", {"C": ["T9"]}), IDS)
    assert states(payloads) == ["blocked"]
    assert payloads.findings["field"].to_list() == [f"{REMINDERS}[0].reminder_notice_id"]


def test_required_fields() -> None:
    """A null key is a missing value; a key without an id is not one as well."""
    base = RUN.replace("name: {value: n}", "name: {lookup: billing-template, column: C}")
    payloads = finish(begun("", {"C": ["", "T9", "T1"]}, base=base), IDS)
    assert states(payloads) == ["invalid", "blocked", "ready"]
    assert payloads.findings["expected"].to_list() == [
        "required",
        "the external id of a billing-template that a load has created",
    ]


def test_findings_name_field_column_key_and_type() -> None:
    """One finding a key, in the order of the file, cut where it is long, with what is known of it."""
    rules = (
        f"  {LIST}: {{lookup: billing-template, column: L, split: ','}}\n"
        "  template_id: {lookup: billing-template, column: C}\n"
    )
    cells = {"L": ["T8,T1,T9,T8", "T1", "T1"], "C": ["x" * 70, "T1", "T8"]}
    payloads = finish(begun(rules, cells), IDS)
    long = "x" * 60 + "…"
    rows = payloads.findings.select(RECORD_NO, LINE, "field", "column", "value", "message").rows()
    assert rows == [
        (1, 2, LIST, "L", "T8", f'{LIST} waits for billing-template "T8" (column L), which nobody has'),
        (1, 2, LIST, "L", "T9",
         f'{LIST} waits for billing-template "T9" (column L), of which nothing is known'),
        (1, 2, "template_id", "C", long,
         f'template_id waits for billing-template "{long}" (column C), of which nothing is known'),
        (3, 4, "template_id", "C", "T8",
         'template_id waits for billing-template "T8" (column C), which nobody has'),
    ]  # fmt: skip


def test_filtered_rows_wait_for_nothing() -> None:
    """A row that `where` leaves out has no findings."""
    rules = "  template_id: {lookup: billing-template, column: C}\nwhere: \"C <> 'T9'\"\n"
    payloads = finish(begun(rules, {"C": ["T9", "T8"]}), IDS)
    assert states(payloads) == ["filtered", "blocked"]
    assert payloads.findings[RECORD_NO].to_list() == [2]


def test_keys_go_out_once_by_type() -> None:
    """The different keys of all lookups, by record type; none where there are only nulls, or no rows."""
    rules = (
        f"  {LIST}: {{lookup: billing-template, column: L, split: ','}}\n"
        "  template_id: {lookup: billing-template, column: C}\n"
        f"  {TEXT}: {{lookup: billing-run, column: R}}\n"
    )
    some = begun(rules, {"L": ["b,a", "", "a"], "C": ["c", None, "a"], "R": ["", None, " "]})
    assert some.keys == {"billing-template": ["a", "b", "c"]}
    none = draft(some.rows.clear(), some.compiled)
    assert (none.keys, finish(none, {}).rows.height) == ({}, 0)


def test_by_itself_a_batch_shows_what_would_be_looked_up() -> None:
    """Examples and previews have a text in the place of an id."""
    part = begun("  template_id: {lookup: billing-template, column: C}\n", {"C": ["T9"]})
    (body,) = bodies(build(part.rows, part.compiled))
    assert body["template_id"] == "<billing-template T9>"


@pytest.mark.parametrize(
    ("field", "rule", "message"),
    [
        (TEXT, "{lookup: billing-templates, column: A}",
         "unknown record type 'billing-templates' (did you mean 'billing-template'?)"),
        (TEXT, "{lookup: zzz, column: A}", "'zzz' (there are billing-run, billing-template)"),
        (TEXT, "{lookup: billing-template}", "a lookup names the column of the key"),
        (TEXT, "{lookup: billing-template, value: A}", "a rule has exactly one origin"),
        (TEXT, "{lookup: billing-template, column: A, otherwise: keep}", "otherwise goes with map"),
        (DATE, "{lookup: billing-template, column: A}", "run_date takes a date; a lookup gives an id"),
        (NUMBER, "{lookup: billing-template, column: A}", "takes a number; a lookup gives an id"),
        (FLAG, "{lookup: billing-template, column: A}", "takes true or false; a lookup gives an id"),
        ("drop_options", "{lookup: billing-template, column: A}", "takes an object; a lookup gives an id"),
        ("application_activation_options.program_restriction", "{lookup: billing-template, column: A}",
         "takes one of exclude, include, none; a lookup gives an id"),
        (TEXT, "{lookup: billing-template, column: A, split: ','}", "split makes a list, and notification"),
        (TEXT, '{lookup: billing-template, column: A, date: "%Y-%m-%d"}', "key is text: date does not fit"),
        (TEXT, "{lookup: billing-template, column: A, number: {}}", "a lookup's key is text: number does"),
        (TEXT, "{lookup: billing-template, column: A, default: 7}", "the default, 7, does not fit"),
        (TEXT, "{lookup: billing-template, column: A, map: {a: 7}}", "the value of 'a', 7, does not fit"),
        (ANY, "{lookup: billing-template, column: A, map: {a: 7}}", "key is text: the value of 'a' is 7"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_lookup(field: str, rule: str, message: str) -> None:
    """Each mistake is found once, in its line."""
    (found,) = rule_findings(field, rule)
    assert message in found


def test_columns_of_lookups_are_checked() -> None:
    """A column must be there, and hold what can be a key."""
    rule = "{lookup: billing-template, column: Nmae}"
    assert "did you mean 'Name'?" in rule_findings(TEXT, rule, {"Name": pl.String()})[0]
    for kind, message in (
        (pl.List(pl.String()), "the field takes text"),
        (pl.Struct({"a": pl.String()}), "a lookup's key is text"),
        (pl.Binary(), "which no payload can hold"),
    ):
        assert message in rule_findings(TEXT, rule, {"Nmae": kind})[0]
    (found,) = rule_findings(LIST, rule, {"Nmae": pl.String()})
    assert "say where to cut it" in found


def test_an_external_id_is_not_looked_up() -> None:
    """It is the row's own."""
    (found,) = findings(f"{RUN}external_id: {{lookup: billing-run, column: A}}\n")
    assert "and no lookup" in found.message


def test_the_record_type_that_a_field_refers_to() -> None:
    """Another one than the API's own is warned of."""
    base = RUN.replace("fields:", "external_id: K\nfields:")
    (warned,) = parse_mapping(f"{base}  template_id: {{lookup: billing-run, column: A}}\n").warnings
    assert warned.message == "template_id is the id of a billing-template, not of a billing-run"


def test_a_mapping_names_its_lookups() -> None:
    """Record types with the columns of their keys."""
    mapping = parse_mapping(
        f"{RUN}  template_id: {{lookup: billing-template, column: A}}\n"
        f"  {TEXT}: {{lookup: billing-template, column: B}}\n  {ANY}: {{lookup: billing-run, column: A}}\n"
    )
    assert {name: sorted(columns) for name, columns in mapping.lookups.items()} == {
        "billing-template": ["A", "B"],
        "billing-run": ["A"],
    }
