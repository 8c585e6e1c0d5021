"""Lookups: keys go out, ids come in, and the errors of a lookup that are found before any row is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.findings import Finding
from loader.mapping import compile_mapping
from loader.payload import build, draft, findings_by_record, finish
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
    has,
    parsed,
    rule_findings,
    states,
)

if TYPE_CHECKING:
    from loader.payload import PayloadDraft

IN_DOUBT = Finding("lookup.in_doubt", params={"record_type": "billing-template", "load_id": "L1"})
IDS = {"billing-template": LookupResult({"T1": "id1", "T2": 'i"2', "7": "id7"}, {"T8": IN_DOUBT})}
REMINDERS = "application_reminder_options.reminders"


def drafted(rules: str, cells: dict[str, Any], *, base: str = RUN) -> PayloadDraft:
    """Return a draft of rows, by a mapping with these rules added."""
    rows = frame(cells)
    schema = {name: dtype for name, dtype in rows.schema.items() if not name.startswith("__")}
    return draft(rows, compile_mapping(parsed(f"{base}{rules}"), schema))


def looked_up(field: str, rule: str, cells: Any) -> list[Any]:
    """Return what a field becomes in each row: a value, None for left out, or a rejected row's state."""
    draft = drafted(f"  {field}: {rule}\n", cells if isinstance(cells, dict) else {"C": cells})
    payloads = finish(draft, IDS)
    results: list[Any] = []
    for body, state in zip(bodies(payloads), states(payloads), strict=True):
        value = body
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        results.append(value if state == "ready" else state)
    return results


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
        (body,) = bodies(finish(drafted(f"  {REMINDERS}: [{item}]\n", {"C": [cells]}), IDS))
        assert body["application_reminder_options"]["reminders"] == expected
    payloads = finish(drafted(f"  {REMINDERS}: [{item}]\n", {"C": ["T9"]}), IDS)
    assert states(payloads) == ["blocked"]
    assert payloads.findings["field"].to_list() == [f"{REMINDERS}[0].reminder_notice_id"]


def test_required_fields() -> None:
    """A null key is a missing value; a key without an id is not one as well."""
    base = RUN.replace("name: {value: n}", "name: {lookup: billing-template, column: C}")
    payloads = finish(drafted("", {"C": ["", "T9", "T1"]}, base=base), IDS)
    assert states(payloads) == ["invalid", "blocked", "ready"]
    assert payloads.findings["code"].to_list() == ["required.empty", "lookup.not_found"]


def test_findings_name_field_column_key_and_type() -> None:
    """One finding a key, in the order of the file, cut where it is long, with its reason."""
    rules = (
        f"  {LIST}: {{lookup: billing-template, column: L, split: ','}}\n"
        "  template_id: {lookup: billing-template, column: C}\n"
    )
    cells = {"L": ["T8,T1,T9,T8", "T1", "T1"], "C": ["x" * 70, "T1", "T8"]}
    payloads = finish(drafted(rules, cells), IDS)
    long = "x" * 60 + "…"
    not_found = {"record_type": "billing-template"}
    assert payloads.findings.select(RECORD_NO, LINE).rows() == [(1, 2), (1, 2), (1, 2), (3, 4)]
    assert findings_by_record(payloads) == {
        1: (
            Finding("lookup.in_doubt", LIST, "L", "T8", IN_DOUBT.params),
            Finding("lookup.not_found", LIST, "L", "T9", not_found),
            Finding("lookup.not_found", "template_id", "C", long, not_found),
        ),
        3: (Finding("lookup.in_doubt", "template_id", "C", "T8", IN_DOUBT.params),),
    }


def test_filtered_rows_wait_for_nothing() -> None:
    """A row that `where` leaves out has no findings."""
    rules = "  template_id: {lookup: billing-template, column: C}\nwhere: \"C <> 'T9'\"\n"
    payloads = finish(drafted(rules, {"C": ["T9", "T8"]}), IDS)
    assert states(payloads) == ["filtered", "blocked"]
    assert payloads.findings[RECORD_NO].to_list() == [2]


def test_keys_go_out_once_by_type() -> None:
    """The different keys of all lookups, by record type; none where there are only nulls, or no rows."""
    rules = (
        f"  {LIST}: {{lookup: billing-template, column: L, split: ','}}\n"
        "  template_id: {lookup: billing-template, column: C}\n"
        f"  {TEXT}: {{lookup: billing-run, column: R}}\n"
    )
    some = drafted(rules, {"L": ["b,a", "", "a"], "C": ["c", None, "a"], "R": ["", None, " "]})
    assert some.keys == {"billing-template": ["a", "b", "c"]}
    none = draft(some.rows.clear(), some.compiled)
    assert (none.keys, finish(none, {}).rows.height) == ({}, 0)


def test_by_itself_a_batch_shows_what_would_be_looked_up() -> None:
    """Examples and previews have a text in place of an id."""
    part = drafted("  template_id: {lookup: billing-template, column: C}\n", {"C": ["T9"]})
    (body,) = bodies(build(part.rows, part.compiled))
    assert body["template_id"] == "<billing-template T9>"


@pytest.mark.parametrize(
    ("field", "rule", "code", "params"),
    [
        (TEXT, "{lookup: billing-templates, column: A}", "mapping.unknown_record_type",
         {"record_type": "billing-templates", "suggestion": "billing-template"}),
        (TEXT, "{lookup: zzz, column: A}", "mapping.unknown_record_type",
         {"record_type": "zzz", "allowed": ["billing-run", "billing-template"]}),
        (TEXT, "{lookup: billing-template}", "lookup.no_column", {}),
        (TEXT, "{lookup: billing-template, value: A}", "rule.several_origins", {}),
        (TEXT, "{lookup: billing-template, column: A, otherwise: keep}", "rule.needs_key",
         {"key": "otherwise", "needs": "map"}),
        (DATE, "{lookup: billing-template, column: A}", "lookup.field_type", {"takes": "a date"}),
        (NUMBER, "{lookup: billing-template, column: A}", "lookup.field_type", {"takes": "a number"}),
        (FLAG, "{lookup: billing-template, column: A}", "lookup.field_type", {"takes": "true or false"}),
        ("drop_options", "{lookup: billing-template, column: A}", "lookup.field_type",
         {"takes": "an object"}),
        ("application_activation_options.program_restriction", "{lookup: billing-template, column: A}",
         "lookup.enum_field", {"allowed": ["exclude", "include", "none"]}),
        (TEXT, "{lookup: billing-template, column: A, split: ','}", "rule.split_misfit", {"field": TEXT}),
        (TEXT, '{lookup: billing-template, column: A, date: "%Y-%m-%d"}', "lookup.conversion",
         {"key": "date"}),
        (TEXT, "{lookup: billing-template, column: A, number: {}}", "lookup.conversion", {"key": "number"}),
        (TEXT, "{lookup: billing-template, column: A, default: 7}", "constant.wrong_type",
         {"role": "default", "takes": "text", "got": "7"}),
        (TEXT, "{lookup: billing-template, column: A, map: {a: 7}}", "constant.wrong_type",
         {"key": "a", "takes": "text", "got": "7"}),
        (ANY, "{lookup: billing-template, column: A, map: {a: 7}}", "lookup.key_type",
         {"key": "a", "got": "7"}),
    ],
)  # fmt: skip
def test_errors_of_a_lookup(field: str, rule: str, code: str, params: dict[str, Any]) -> None:
    """Each mistake is found once, in its line."""
    errors = rule_findings(field, rule)
    assert len(errors) == 1
    assert has(errors, code, params), errors


def test_columns_of_lookups_are_checked() -> None:
    """A column must exist, and hold what can be a key."""
    rule = "{lookup: billing-template, column: Nmae}"
    unknown = rule_findings(TEXT, rule, {"Name": pl.String()})
    assert has(unknown, "mapping.unknown_column", {"column": "Nmae", "suggestion": "Name"})
    for kind, code in (
        (pl.List(pl.String()), "column.takes_one"),
        (pl.Struct({"a": pl.String()}), "column.lookup_key_type"),
        (pl.Binary(), "column.unusable_type"),
    ):
        assert [finding.code for finding in rule_findings(TEXT, rule, {"Nmae": kind})] == [code]
    (finding,) = rule_findings(LIST, rule, {"Nmae": pl.String()})
    assert finding.code == "column.not_a_list"


def test_an_external_id_is_not_looked_up() -> None:
    """It is the row's own."""
    (finding,) = findings(f"{RUN}external_id: {{lookup: billing-run, column: A}}\n")
    assert finding.code == "external_id.not_from_row"


def test_the_record_type_that_a_field_refers_to() -> None:
    """Another one than the API's own is a warning."""
    base = RUN.replace("fields:", "external_id: K\nfields:")
    (finding,) = parsed(f"{base}  template_id: {{lookup: billing-run, column: A}}\n").warnings
    assert (finding.code, finding.field) == ("lookup.wrong_reference", "template_id")
    assert finding.params == {"record_type": "billing-run", "expected_type": "billing-template"}


def test_a_mapping_names_its_lookups() -> None:
    """Record types with the columns of their keys."""
    mapping = parsed(
        f"{RUN}  template_id: {{lookup: billing-template, column: A}}\n"
        f"  {TEXT}: {{lookup: billing-template, column: B}}\n  {ANY}: {{lookup: billing-run, column: A}}\n"
    )
    assert {name: sorted(columns) for name, columns in mapping.lookups.items()} == {
        "billing-template": ["A", "B"],
        "billing-run": ["A"],
    }
