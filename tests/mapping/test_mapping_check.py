"""What is wrong with a mapping is found before any row is read: all at once, with place and code."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from loader.errors import MappingError
from loader.findings import CODES
from loader.mapping import check_schema, compile_mapping, read_draft
from loader.mapping.grammar import MappingSpec
from loader.resources import BUILT_IN
from tests.mapping.mapping_cases import (
    ANY,
    DATE,
    FLAG,
    LIST,
    NUMBER,
    RUN,
    TEMPLATE,
    TEXT,
    findings,
    has,
    parsed,
    places,
    rule_findings,
)

OPTIONS = "application_activation_options"
REMINDERS = "application_reminder_options.reminders"
RESTRICTION = f"{OPTIONS}.program_restriction"
RESTRICTIONS = ["exclude", "include", "none"]


@pytest.mark.parametrize(
    ("field", "rule", "code", "params"),
    [
        # unknown fields, with the nearest real one
        ("run_dat", "A", "mapping.unknown_field",
         {"name": "run_dat", "record_type": "billing-run", "suggestion": "run_date"}),
        ("RunDate", "A", "mapping.unknown_field",
         {"name": "RunDate", "record_type": "billing-run", "suggestion": "run_date"}),
        (f"{OPTIONS}.program_id", "A", "mapping.unknown_field",
         {"name": "program_id", "parent": OPTIONS, "suggestion": "program_ids"}),
        (REMINDERS, "[{reminder_notice_id: A, nmae: B}]", "mapping.unknown_field",
         {"name": "nmae", "parent": f"{REMINDERS}[0]", "suggestion": "name"}),
        ("quantum", "A", "mapping.unknown_field", {"name": "quantum", "record_type": "billing-run"}),
        (REMINDERS, "[{reminder_notice_id: A, zzz: B}]", "mapping.unknown_field",
         {"name": "zzz", "parent": f"{REMINDERS}[0]", "allowed": ["id", "name", "reminder_notice_id"]}),
        # values that a key does not take
        (TEXT, "{column: A, case: Upper}", "mapping.invalid_value",
         {"key": "case", "takes": ["upper", "lower"], "got": '"Upper"', "suggestion": "upper"}),
        (TEXT, "{column: A, trim: nope}", "mapping.invalid_value",
         {"key": "trim", "takes": ["true or false"], "got": '"nope"'}),
        (LIST, "{column: A, split: ''}", "mapping.invalid_value",
         {"key": "split", "takes": ["at least one character"], "got": '""'}),
        (NUMBER, "{column: A, number: {decimal: ',,'}}", "mapping.invalid_value",
         {"key": "number.decimal", "takes": ["one character"], "got": '",,"'}),
        # what cannot be mapped
        ("id", "A", "mapping.server_field", {}),
        ("sys_external_id", "A", "mapping.external_id_field", {}),
        ("sys_bulk_load_id", "A", "mapping.loader_field", {}),
        ("sys_bulk_load_record_no", "A", "mapping.loader_field", {}),
        # constants
        (FLAG, '{value: "yes"}', "constant.wrong_type",
         {"takes": "true or false", "role": "value", "got": '"yes"'}),
        (NUMBER, '{value: "1"}', "constant.wrong_type", {"takes": "a number", "role": "value", "got": '"1"'}),
        (TEXT, "{value: 7}", "constant.wrong_type", {"takes": "text", "role": "value", "got": "7"}),
        (DATE, "{value: 31.03.2019}", "constant.invalid", {"role": "value", "got": '"31.03.2019"'}),
        (LIST, "{value: P1}", "constant.wrong_type", {"takes": "a list", "role": "value", "got": '"P1"'}),
        (LIST, "{value: [1]}", "constant.wrong_type",
         {"takes": "text", "part": "1", "place": "[0]", "role": "value", "got": "[1]"}),
        (RESTRICTION, "{value: inclde}", "constant.enum",
         {"allowed": RESTRICTIONS, "suggestion": "include", "role": "value", "got": '"inclde"'}),
        (RESTRICTION, "{column: A, default: all}", "constant.enum",
         {"allowed": RESTRICTIONS, "role": "default", "got": '"all"'}),
        (RESTRICTION, "{column: A, map: {a: include, b: excluded}}", "constant.enum",
         {"allowed": RESTRICTIONS, "suggestion": "exclude", "role": "map", "key": "b", "got": '"excluded"'}),
        (RESTRICTION, "{column: A, map: {a: none}, otherwise: {value: x}}", "constant.enum",
         {"allowed": RESTRICTIONS, "role": "otherwise", "got": '"x"'}),
        # conversions that do not fit
        (NUMBER, '{column: A, date: "%Y-%m-%d"}', "rule.conversion_misfit",
         {"key": "date", "takes": "a number"}),
        (TEXT, "{column: A, boolean: {true: [x], false: []}}", "rule.conversion_misfit",
         {"key": "boolean", "takes": "text"}),
        (DATE, "{column: A, relative_date: true}", "rule.conversion_misfit",
         {"key": "relative_date", "takes": "a date"}),
        (TEXT, '{column: A, split: ";"}', "rule.split_misfit", {}),
        (NUMBER, '{column: A, number: {}, date: "%Y-%m-%d"}', "rule.conversions_conflict",
         {"keys": ["date", "number"]}),
        # nothing where something was meant
        ("sys_directive", "", "mapping.not_a_rule", {"empty": True}),
        ("sys_directive", "null", "mapping.not_a_rule", {"empty": True}),
        (LIST, "[A, null]", "mapping.not_a_rule", {"empty": True}),
        (DATE, "{column: A, date: }", "rule.empty_key", {"key": "date"}),
        (TEXT, "{column: }", "rule.empty_key", {"key": "column"}),
        # conversions that contradict themselves, or would do nothing
        (NUMBER, '{column: A, number: {decimal: ",", thousands: ","}}', "rule.same_signs", {"sign": ","}),
        (NUMBER, '{column: A, number: {thousands: "."}}', "rule.same_signs", {"sign": ".", "key": "decimal"}),
        (FLAG, "{column: A, boolean: {true: [Y, J], false: [N, J]}}", "rule.ambiguous_word", {"word": "J"}),
        (NUMBER, '{json: A, number: {decimal: ","}}', "rule.idle_conversion",
         {"key": "number", "origin": "json"}),
        (LIST, '{json: A, split: ";"}', "rule.idle_conversion", {"key": "split", "origin": "json"}),
        (TEXT, "{value: a, case: upper}", "rule.idle_conversion", {"key": "case", "origin": "value"}),
        (LIST, "{template: 'x{A}'}", "rule.list_expected", {}),
        ("drop_options", "{template: 'x{A}'}", "rule.objects_expected", {}),
        (DATE, "{column: A, date: x}", "rule.incomplete_format", {"format": "x", "kind": "date"}),
        (DATE, '{column: A, date: "%d.%m"}', "rule.incomplete_format", {"format": "%d.%m", "kind": "date"}),
        (DATE, '{column: A, date: "%Q"}', "rule.bad_format", {"format": "%Q", "kind": "date"}),
        (DATE, '{column: A, datetime: "%Y-%m-%d", timezone: Europe/Berln}', "rule.unknown_timezone",
         {"timezone": "Europe/Berln"}),
        # rules
        (TEXT, "{column: A, colunm: B}", "mapping.unknown_key", {"key": "colunm", "suggestion": "column"}),
        (TEXT, "{column: A, value: B}", "rule.several_origins", {"keys": ["column", "value"]}),
        (TEXT, "{case: lower}", "rule.no_origin", {}),
        (TEXT, "{columns: []}", "mapping.invalid_value",
         {"key": "columns", "takes": ["at least one item"], "got": "[]"}),
        (TEXT, "{column: A, otherwise: keep}", "rule.needs_key", {"key": "otherwise", "needs": "map"}),
        (TEXT, "{column: A, timezone: Europe/Berlin}", "rule.needs_key",
         {"key": "timezone", "needs": "datetime"}),
        (TEXT, "{column: A, split: ''}", "mapping.invalid_value",
         {"key": "split", "takes": ["at least one character"], "got": '""'}),
        (NUMBER, "{column: A, number: {decimals: ','}}", "mapping.unknown_key",
         {"key": "decimals", "allowed": ["decimal", "thousands"], "suggestion": "decimal"}),
        (TEXT, "{template: 'x {'}", "template.brace", {"brace": "{"}),
        (TEXT, "{template: 'x {}'}", "template.brace", {"brace": "{}"}),
        (TEXT, "{lookup: billing-template}", "lookup.no_column", {}),
        (TEXT, '{sql: "A +"}', "sql.syntax", {"words": "unable to parse 'A +' as Expr"}),
        (TEXT, "[A]", "mapping.not_a_list", {"takes": "text"}),
        (f"{TEXT}.x", "A", "mapping.no_members", {"takes": "text"}),
        # two rules for one path
        ("application_expiration_options.expiration_date_range_start", "B", "mapping.duplicate_rule", {}),
        ("name.x", "B", "mapping.duplicate_rule", {}),
    ],
)  # fmt: skip
def test_findings_of_a_rule(field: str, rule: str, code: str, params: dict[str, Any]) -> None:
    """Each kind of mistake is found, in its line, with what was found and what was expected."""
    found = rule_findings(field, rule)
    assert has(found, code, params), found


def test_nested_and_dotted_rules_for_one_path() -> None:
    """Both ways of writing may be mixed, but not for the same field."""
    parsed(f"{RUN}  {OPTIONS}: {{program_ids: [A]}}\n  {OPTIONS}.application_notice_id: B\n")
    found = findings(f"{RUN}  {OPTIONS}: {{program_ids: [A]}}\n  {OPTIONS}.program_ids: [B]\n")
    assert [(item.code, item.field) for item in found] == [("mapping.duplicate_rule", LIST)]
    assert places(found) == [(10, len(OPTIONS) + 4)]


@pytest.mark.parametrize(
    ("rule", "column", "suggestion"),
    [
        ("{column: Nmae}", "Nmae", "Name"),
        ("{columns: [Name, Zz]}", "Zz", None),
        ("{template: '{name} {City}'}", "name", "Name"),
        ('{sql: "COALESCE(Name, Ctiy)"}', "Ctiy", "City"),
        ("{json: Json}", "Json", None),
    ],
)
def test_unknown_columns(rule: str, column: str, suggestion: str | None) -> None:
    """A column that the source lacks is reported with the nearest that it has, and with all of them."""
    (found,) = rule_findings(TEXT, rule, {"Name": pl.String(), "City": pl.String()})
    assert (found.code, found.column) == ("mapping.unknown_column", column)
    expected = {"allowed": ["Name", "City"], **({"suggestion": suggestion} if suggestion else {})}
    assert found.params == expected


def test_all_findings_at_once_in_order_with_their_places() -> None:
    """Mistakes all over a file are reported together, each with line and column."""
    text = """\
resource: billing-run
external_id: {value: 7}
where: "State <>"
fields:
  nmae: A
  status: {value: darft}
  run_date: {column: A, date: "%Q"}
  drop_options: {drop_notice: B}
"""
    found = findings(text)
    fields = [item.field for item in found]
    assert [(*place, field) for place, field in zip(places(found), fields, strict=True)] == [
        (2, 1, "external_id"),
        (3, 8, "where"),
        (4, 1, "application_expiration_options.expiration_date_range_end"),
        (4, 1, "application_expiration_options.expiration_date_range_start"),
        (4, 1, "training_provider_billing_options.invoice_template_id"),
        (4, 1, "training_provider_billing_options.payment_terms_id"),
        (5, 3, "nmae"),
        (6, 19, "status"),
        (7, 31, "run_date"),
        (8, 18, "drop_options.drop_notice"),
    ]
    with pytest.raises(MappingError) as caught:
        parsed(text)
    assert caught.value.message.splitlines()[6] == ("m.yaml:5:3: unknown field 'nmae'; did you mean 'name'?")


@pytest.mark.parametrize(
    ("text", "code", "params"),
    [
        ("fields: {}", "mapping.missing_key", {"key": "resource"}),
        ("resource: billing-run", "mapping.missing_key", {"key": "fields"}),
        ("resource: billing-runs\nfields: {}", "mapping.unknown_record_type",
         {"record_type": "billing-runs", "suggestion": "billing-run"}),
        ("resource: quantum\nfields: {}", "mapping.unknown_record_type",
         {"record_type": "quantum", "allowed": ["billing-run", "billing-template"]}),
        (RUN + "feilds: {}", "mapping.unknown_key", {"key": "feilds", "suggestion": "fields"}),
        (RUN + "source: {delimeter: ';'}", "mapping.unknown_key",
         {"field": "source.delimeter", "key": "delimeter", "suggestion": "delimiter"}),
        (RUN + "bogus: 1", "mapping.unknown_key", {"allowed": [*MappingSpec.model_fields]}),
        (RUN + "source: {skip_lines: -1}", "mapping.invalid_value",
         {"field": "source.skip_lines", "takes": ["0 or more"], "got": "-1"}),
        (RUN + "source: {skip_lines: two}", "mapping.invalid_value",
         {"field": "source.skip_lines", "takes": ["a whole number"], "got": '"two"'}),
        (RUN + "source: {header: maybe}", "mapping.invalid_value",
         {"takes": ["true or false", "a whole number"], "got": '"maybe"'}),
        (RUN + "source: {format: xml}", "mapping.invalid_value",
         {"takes": ["csv", "parquet", "ndjson", "xlsx"], "got": '"xml"'}),
        (RUN + "source: {delimiter: ''}", "mapping.invalid_value",
         {"field": "source.delimiter", "takes": ["at least one character"], "got": '""'}),
        (RUN + "examples: [{row: 7, errors: []}]", "mapping.invalid_value",
         {"field": "examples.0.row", "takes": ["an object"], "got": '"7"'}),
        (RUN + "examples: [{row: {A: 1}, paylod: {}}]", "mapping.unknown_key",
         {"key": "paylod", "suggestion": "payload"}),
        (RUN + "external_id: {column: A, split: ';'}", "external_id.not_text", {}),
        (RUN + "external_id: {column: A, default: x}", "external_id.not_from_row", {}),
        (RUN + "where: 'COUNT(A) > 1'", "sql.many_rows", {}),
    ],
)  # fmt: skip
def test_findings_outside_of_fields(text: str, code: str, params: dict[str, Any]) -> None:
    """Unknown keys and wrong values are found in every section."""
    found = findings(text)
    assert has(found, code, params), found


def test_required_fields_that_nothing_fills() -> None:
    """They are errors, but for objects and lists that may be empty."""
    found = findings("resource: billing-template\nfields: {name: A}\n")
    assert {item.code for item in found} == {"mapping.required_unmapped"}
    assert [item.field for item in found] == [
        f"{above}.{name}.{part}"
        for above, names in {
            "fundraising_notice_options": ["expiration_date_range_end", "expiration_date_range_start"],
            "team_notice_options": ["visit_start_date_range_end", "visit_start_date_range_start"],
        }.items()
        for name in names
        for part in ("position", "relative_to")
    ]
    (null,) = findings(RUN.replace("name: {value: n}", "name: {value: null}"))
    assert (null.code, null.field) == ("mapping.required_null", "name")


def test_optional_objects_need_their_required_fields_once_mapped() -> None:
    """In a list item, or an optional object, that is mapped, what is required must be mapped."""
    (found,) = findings(RUN + f"  {REMINDERS}: [{{name: A}}]\n")
    assert (found.code, found.field) == ("mapping.required_unmapped", f"{REMINDERS}[0].reminder_notice_id")


def test_warnings_and_notes() -> None:
    """A mapping without external id, the server's own state and unused columns are reported and no errors."""
    plan = parsed(RUN + "  sys_version: {value: 1}\nignore: [Notes, 'Old_*', 'a[bc]']\n")
    schema = dict.fromkeys(["Name", "Notes", "Old_1", "old_2", "ab", "City"], pl.String())
    warnings = compile_mapping(plan, schema).warnings
    assert [(CODES[warning.code].severity, warning.code, warning.field) for warning in warnings] == [
        ("warning", "mapping.no_external_id", "external_id"),
        ("warning", "mapping.server_state", "sys_version"),
        ("note", "mapping.unused_columns", "fields"),
    ]
    assert warnings[2].params == {"names": ["Name", "old_2", "City"]}
    full = parsed(RUN + "external_id: K\n")
    assert compile_mapping(full, {"K": pl.String()}).warnings == ()


def test_columns_with_brackets_are_ignored_by_their_names() -> None:
    """A column's own name leaves it out, whatever signs it has."""
    plan = parsed(RUN + "external_id: K\nignore: ['Price [EUR]', 'What?', '[old]*']\n")
    schema = dict.fromkeys(["K", "Price [EUR]", "What?", "[old] x", "Price"], pl.String())
    (note,) = compile_mapping(plan, schema).warnings
    assert note.params == {"names": ["Price"]}


def test_relative_dates_may_be_mapped_field_by_field() -> None:
    """Their parts are fields like others; one rule for the whole needs relative_date."""
    date = "team_notice_options.visit_start_date_range_end"
    parsed(TEMPLATE + f"  {date}.position: A\n  {date}.relative_to: B\n")
    found = findings(TEMPLATE + f"  {date}: A\n", {"A": pl.String()})
    assert has(found, "column.not_objects", {"type": "text", "relative_date": True})


def test_open_objects_take_unlisted_fields() -> None:
    """A field that the page does not list may be mapped, with fields below it and any conversion."""
    parsed(RUN + f"  {ANY}: {{deep: {{er: A}}, flag: {{column: B, boolean: {{true: [x], false: [y]}}}}}}\n")


def test_empty_keys_are_absent() -> None:
    """A filter without a value filters nothing, and an empty external id is none."""
    text = RUN.replace("resource:", "where: null\nexternal_id:\nsource:\nignore: ~\nexamples:\nresource:")
    plan = parsed(text)
    assert (plan.spec.where, plan.external_id, plan.spec.ignore) == (None, None, ())
    assert [warning.code for warning in plan.warnings] == ["mapping.no_external_id"]


@pytest.mark.parametrize(
    ("field", "rule", "codes"),
    [
        (RESTRICTION, "{column: A, map: {a: inclde}, otherwise: kep, case: uper}",
         ["constant.enum", "mapping.invalid_value", "mapping.invalid_value"]),
        (DATE, '{column: Z, date: ["%d.%m", "%Q"], timezone: Europe/Berlin, bogus: 1}',
         ["mapping.unknown_column", "mapping.unknown_key", "rule.bad_format", "rule.incomplete_format",
          "rule.needs_key"]),
        (FLAG, "{column: Z, trim: , split: , boolean: {true: Y}, number: {}}",
         ["mapping.missing_key", "mapping.unknown_column", "rule.conversion_misfit", "rule.empty_key",
          "rule.empty_key"]),
        (TEXT, "{colum: A, cas: upper}", ["mapping.unknown_key", "mapping.unknown_key"]),
        (TEXT, "{column: A, value: 7, cas: upper}", ["mapping.unknown_key", "rule.several_origins"]),
        ("template_id", "{lookup: billing-templat, colum: A}", ["mapping.unknown_key"]),
        (TEXT, "{column: [A], otherwise: keep}", ["mapping.invalid_value"]),
        (DATE, "{column: A, dateime: x, timezone: Europe/Berlin}", ["mapping.unknown_key"]),
        (TEXT, "{column: A, map: x, otherwise: keep}", ["mapping.invalid_value"]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_with_a_rule_is_reported_at_once(field: str, rule: str, codes: list[str]) -> None:
    """A wrong key hides no other mistake of its rule, and brings none that is not there."""
    assert all_errors(f"{RUN}  {field}: {rule}\n") == codes


def all_errors(text: str) -> list[str]:
    """Return the codes of all errors, sorted: of the mapping by itself, and with a source of one column."""
    draft = read_draft(text, "m.yaml", BUILT_IN)
    columns = check_schema(draft, {"A": pl.String()})
    return sorted(item.code for item in (*draft.findings.errors, *columns.errors))


def test_all_that_is_wrong_with_the_external_id_is_reported_at_once() -> None:
    """A misspelled conversion hides no misspelled column."""
    text = "external_id: {column: Z, cas: upper}\n" + RUN
    assert all_errors(text) == ["mapping.unknown_column", "mapping.unknown_key"]


def test_wrong_options_of_a_second_file_hide_nothing() -> None:
    """What each row becomes is checked as well."""
    rule = "{each: {reminder_notice_id: A, nmae: B}, rows: r.csv, key: K, source: {delimitr: ';'}}"
    found = rule_findings(REMINDERS, rule)
    assert len(found) == 2
    assert has(found, "mapping.unknown_key", {"key": "delimitr"})
    assert has(found, "mapping.unknown_field", {"name": "nmae"})
