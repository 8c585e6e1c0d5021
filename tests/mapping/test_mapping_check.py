"""What is wrong with a mapping is told before any row is read: all at once, with place and advice."""

from __future__ import annotations

import polars as pl
import pytest

from loader.mapping import compile_mapping, examine, examine_columns, parse_mapping
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
    rule_findings,
)

OPTIONS = "application_activation_options"
REMINDERS = "application_reminder_options.reminders"


@pytest.mark.parametrize(
    ("field", "rule", "message"),
    [
        # unknown fields, with the nearest real one
        ("run_dat", "A", "unknown field 'run_dat' in this record type (did you mean 'run_date'?)"),
        ("RunDate", "A", "unknown field 'RunDate' in this record type (did you mean 'run_date'?)"),
        (f"{OPTIONS}.program_id", "A", f"field 'program_id' in {OPTIONS} (did you mean 'program_ids'?)"),
        (REMINDERS, "[{reminder_notice_id: A, nmae: B}]", "unknown field 'nmae' in"),
        ("quantum", "A", "field 'quantum' in this record type (loader schema billing-run lists the fields)"),
        (REMINDERS, "[{reminder_notice_id: A, zzz: B}]", "(there are id, name, reminder_notice_id)"),
        # values that a key does not take
        (TEXT, "{column: A, case: Upper}", "upper or lower, found \"Upper\" (did you mean 'upper'?)"),
        (TEXT, "{column: A, trim: nope}", 'trim: expected true or false, found "nope"'),
        (LIST, "{column: A, split: ''}", 'split: expected at least one character, found ""'),
        (NUMBER, "{column: A, number: {decimal: ',,'}}", 'decimal: expected one character, found ",,"'),
        # what cannot be mapped
        ("id", "A", "id cannot be mapped: the server assigns it"),
        ("sys_external_id", "A", "sys_external_id cannot be mapped: it comes from the mapping's external_id"),
        ("sys_bulk_load_id", "A", "sys_bulk_load_id cannot be mapped: the loader fills it by itself"),
        ("sys_bulk_load_record_no", "A", "sys_bulk_load_record_no cannot be mapped"),
        # constants
        (FLAG, '{value: "yes"}', 'the constant, "yes", does not fit sys_locked: expected true or false'),
        (NUMBER, '{value: "1"}', 'the constant, "1", does not fit'),
        (TEXT, "{value: 7}", "the constant, 7, does not fit notification_email: expected text, found 7"),
        (DATE, "{value: 31.03.2019}", 'the constant, "31.03.2019", does not fit run_date'),
        (LIST, "{value: P1}", 'expected a list, found "P1"'),
        (LIST, "{value: [1]}", "[0]: expected text, found 1"),
        (f"{OPTIONS}.program_restriction", "{value: inclde}",
         "the constant, \"inclde\", is not one of exclude, include, none (did you mean 'include'?)"),
        (f"{OPTIONS}.program_restriction", "{column: A, default: all}",
         'the default, "all", is not one of exclude, include, none'),
        (f"{OPTIONS}.program_restriction", "{column: A, map: {a: include, b: excluded}}",
         "the value of 'b', \"excluded\", is not one of exclude, include, none (did you mean 'exclude'?)"),
        (f"{OPTIONS}.program_restriction", "{column: A, map: {a: none}, otherwise: {value: x}}",
         "the value of 'otherwise', \"x\", is not one of"),
        # conversions that do not fit
        (NUMBER, '{column: A, date: "%Y-%m-%d"}', "date does not fit: sys_snapshot_base_version takes a"),
        (TEXT, "{column: A, boolean: {true: [x], false: []}}", "boolean does not fit: notification_email"),
        (DATE, "{column: A, relative_date: true}", "relative_date does not fit: run_date takes a date"),
        (TEXT, '{column: A, split: ";"}', "split makes a list, and notification_email takes one value"),
        (NUMBER, '{column: A, number: {}, date: "%Y-%m-%d"}', "date and number do not go together"),
        # nothing where something was meant
        ("sys_directive", "", "expected a column's name, a rule, or fields with rules; found nothing"),
        ("sys_directive", "null", "fields with rules; found nothing"),
        (LIST, "[A, null]", "fields with rules; found nothing"),
        (DATE, "{column: A, date: }", "nothing stands behind date: write its value, or leave it out"),
        (TEXT, "{column: }", "nothing stands behind column: write its value, or leave it out"),
        # conversions that contradict themselves, or would do nothing
        (NUMBER, '{column: A, number: {decimal: ",", thousands: ","}}',
         '"," cannot be both the decimal sign and what groups thousands'),
        (NUMBER, '{column: A, number: {thousands: "."}}',
         'what groups thousands (say the decimal sign, such as decimal: ",")'),
        (FLAG, "{column: A, boolean: {true: [Y, J], false: [N, J]}}", '"J" cannot mean both true and false'),
        (NUMBER, '{json: A, number: {decimal: ","}}', "number does nothing: JSON is put in as it is"),
        (LIST, '{json: A, split: ";"}', "split does nothing: JSON is put in as it is"),
        (TEXT, "{value: a, case: upper}", "case does nothing: a constant is put in as it is"),
        (LIST, "{template: 'x{A}'}", "is a list: say split:, or write a list of rules"),
        ("drop_options", "{template: 'x{A}'}", "drop_options takes objects: map their fields, or say json:"),
        (DATE, "{column: A, date: x}", "'x' does not tell a whole date"),
        (DATE, '{column: A, date: "%d.%m"}', "'%d.%m' does not tell a whole date"),
        (DATE, '{column: A, date: "%Q"}', "'%Q' is no date format; write strftime codes, such as %d.%m.%Y"),
        (DATE, '{column: A, datetime: "%Y-%m-%d", timezone: Europe/Berln}', "unknown time zone 'Europe/Be"),
        # rules
        (TEXT, "{column: A, colunm: B}", "unknown key 'colunm' (did you mean 'column'?)"),
        (TEXT, "{column: A, value: B}", "a rule has exactly one origin"),
        (TEXT, "{case: lower}", "this one has none"),
        (TEXT, "{column: A, case: Upper}", "case: "),
        (TEXT, "{columns: []}", "columns: "),
        (TEXT, "{column: A, otherwise: keep}", "otherwise goes with map"),
        (TEXT, "{column: A, timezone: Europe/Berlin}", "timezone goes with datetime"),
        (TEXT, "{column: A, split: ''}", "split: "),
        (NUMBER, "{column: A, number: {decimal: ',,'}}", "number.decimal: "),
        (NUMBER, "{column: A, number: {decimals: ','}}", "unknown key 'decimals' (did you mean 'decimal'?)"),
        (TEXT, "{template: 'x {'}", "a '{' that names no column"),
        (TEXT, "{template: 'x {}'}", "that names no column"),
        (TEXT, "{lookup: billing-template}", "a lookup names the column of the key"),
        (TEXT, '{sql: "A +"}', "this SQL does not parse"),
        (TEXT, "[A]", "notification_email is text, not a list"),
        (f"{TEXT}.x", "A", "notification_email is text: it has no fields of its own"),
        # two rules for one path
        ("application_expiration_options.expiration_date_range_start", "B", "two rules for one path"),
        ("name.x", "B", "two rules for one path: name already has a rule"),
    ],
)  # fmt: skip
def test_findings_of_a_rule(field: str, rule: str, message: str) -> None:
    """Each kind of mistake is found, in its line, and says what was found and what was expected."""
    assert any(message in found for found in rule_findings(field, rule))


def test_nested_and_dotted_rules_for_one_path() -> None:
    """Both ways of writing may be mixed, but not for the same field."""
    parse_mapping(f"{RUN}  {OPTIONS}: {{program_ids: [A]}}\n  {OPTIONS}.application_notice_id: B\n")
    (found,) = findings(f"{RUN}  {OPTIONS}: {{program_ids: [A]}}\n  {OPTIONS}.program_ids: [B]\n")
    assert (found.message, found.line) == (f"two rules for one path: {OPTIONS}.program_ids", 10)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{column: Nmae}", "the source has no column 'Nmae' (did you mean 'Name'?)"),
        ("{columns: [Name, Zz]}", "the source has no column 'Zz' (it has Name, City)"),
        ("{template: '{name} {City}'}", "the source has no column 'name' (did you mean 'Name'?)"),
        ('{sql: "COALESCE(Name, Ctiy)"}', "the source has no column 'Ctiy' (did you mean 'City'?)"),
        ("{json: Json}", "the source has no column 'Json'"),
    ],
)  # fmt: skip
def test_unknown_columns(rule: str, message: str) -> None:
    """A column that the source lacks is told with the nearest that it has."""
    schema = {"Name": pl.String(), "City": pl.String()}
    assert [each.startswith(message) for each in rule_findings(TEXT, rule, schema)] == [True]


def test_all_findings_at_once_in_order_with_their_places() -> None:
    """Mistakes all over a file are told together, each with line and column."""
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
    found = [(each.line, each.column, each.path) for each in findings(text)]
    assert found == [
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
    assert str(findings(text)[6]) == (
        "m.yaml:5:3: nmae: unknown field 'nmae' in this record type (did you mean 'name'?)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields: {}", "the key 'resource' is missing"),
        ("resource: billing-run", "the key 'fields' is missing"),
        (
            "resource: billing-runs\nfields: {}",
            "unknown record type 'billing-runs' (did you mean 'billing-run'?)",
        ),
        (RUN + "feilds: {}", "unknown key 'feilds' (did you mean 'fields'?)"),
        (RUN + "source: {delimeter: ';'}", "unknown key 'delimeter' (did you mean 'delimiter'?)"),
        ("resource: quantum\nfields: {}", "'quantum' (there are billing-run, billing-template)"),
        (RUN + "bogus: 1", "unknown key 'bogus' (there are resource, external_id, source, ignore, "),
        (RUN + "source: {skip_lines: -1}", "source.skip_lines: expected 0 or more, found -1"),
        (RUN + "source: {skip_lines: two}", 'source.skip_lines: expected a whole number, found "two"'),
        (RUN + "source: {header: maybe}", 'expected true or false or a whole number, found "maybe"'),
        (RUN + "source: {format: xml}", 'expected csv, parquet, ndjson or xlsx, found "xml"'),
        (RUN + "source: {delimiter: ''}", 'source.delimiter: expected at least one character, found ""'),
        (RUN + "examples: [{row: 7, errors: []}]", 'examples.0.row: expected an object, found "7"'),
        (RUN + "examples: [{row: {A: 1}, paylod: {}}]", "unknown key 'paylod' (did you mean 'payload'?)"),
        (RUN + "external_id: {column: A, split: ';'}", "it takes no split and no parsing conversion"),
        (RUN + "external_id: {column: A, default: x}", "it takes no value, json or default"),
        (RUN + "where: 'COUNT(A) > 1'", "this SQL looks at more than one row"),
    ],
)
def test_findings_outside_of_fields(text: str, message: str) -> None:
    """Unknown keys and wrong values are found in every section."""
    assert any(message in str(each) for each in findings(text))


def test_required_fields_that_nothing_fills() -> None:
    """They are errors, but for objects and lists that may be empty."""
    found = [each.path for each in findings("resource: billing-template\nfields: {name: A}\n")]
    assert found == [
        f"{above}.{name}.{part}"
        for above, names in {
            "fundraising_notice_options": ["expiration_date_range_end", "expiration_date_range_start"],
            "team_notice_options": ["visit_start_date_range_end", "visit_start_date_range_start"],
        }.items()
        for name in names
        for part in ("position", "relative_to")
    ]
    (null,) = findings(RUN.replace("name: {value: n}", "name: {value: null}"))
    assert null.message == "name is required, and nothing can fill it"


def test_optional_objects_need_their_required_fields_once_mapped() -> None:
    """In a list item, or an optional object, that is mapped, what is required must be mapped."""
    (found,) = findings(RUN + f"  {REMINDERS}: [{{name: A}}]\n")
    assert found.path == f"{REMINDERS}[0].reminder_notice_id"


def test_warnings_and_notes() -> None:
    """A mapping without external id, the server's own state and unused columns are told and no errors."""
    parsed = parse_mapping(RUN + "  sys_version: {value: 1}\nignore: [Notes, 'Old_*', 'a[bc]']\n")
    schema = dict.fromkeys(["Name", "Notes", "Old_1", "old_2", "ab", "City"], pl.String())
    warnings = [(each.severity, each.path, each.message) for each in compile_mapping(parsed, schema).warnings]
    assert [(severity, path) for severity, path, _ in warnings] == [
        ("warning", "external_id"), ("warning", "sys_version"), ("note", "fields"),
    ]  # fmt: skip
    assert "rows are known by file and record number only" in warnings[0][2]
    assert warnings[1][2] == "sys_version is the server's own state"
    assert warnings[2][2] == "columns that nothing maps: Name, old_2, City"
    full = parse_mapping(RUN + "external_id: K\n")
    assert compile_mapping(full, {"K": pl.String()}).warnings == ()


def test_columns_with_brackets_are_ignored_by_their_names() -> None:
    """A column's own name leaves it out, whatever signs it has."""
    parsed = parse_mapping(RUN + "external_id: K\nignore: ['Price [EUR]', 'What?', '[old]*']\n")
    schema = dict.fromkeys(["K", "Price [EUR]", "What?", "[old] x", "Price"], pl.String())
    (note,) = compile_mapping(parsed, schema).warnings
    assert note.message == "columns that nothing maps: Price"


def test_relative_dates_may_be_mapped_field_by_field() -> None:
    """Their parts are fields like others; one rule for the whole says relative_date."""
    date = "team_notice_options.visit_start_date_range_end"
    parse_mapping(TEMPLATE + f"  {date}.position: A\n  {date}.relative_to: B\n")
    found = findings(TEMPLATE + f"  {date}: A\n", {"A": pl.String()})
    assert found[0].suggestion == "say relative_date: true, or map its fields"


def test_open_objects_take_unlisted_fields() -> None:
    """A field that the page does not list may be mapped, with fields below it and any conversion."""
    parse_mapping(
        RUN + f"  {ANY}: {{deep: {{er: A}}, flag: {{column: B, boolean: {{true: [x], false: [y]}}}}}}\n"
    )


def test_empty_keys_are_absent() -> None:
    """A filter with nothing behind it filters nothing, and an empty external id is none."""
    text = RUN.replace("resource:", "where: null\nexternal_id:\nsource:\nignore: ~\nexamples:\nresource:")
    mapping = parse_mapping(text)
    assert (mapping.file.where, mapping.external_id, mapping.file.ignore) == (None, None, ())
    assert [each.path for each in mapping.warnings] == ["external_id"]


@pytest.mark.parametrize(
    ("field", "rule", "messages"),
    [
        (f"{OPTIONS}.program_restriction", "{column: A, map: {a: inclde}, otherwise: kep, case: uper}",
         ["the value of 'a', \"inclde\"", "otherwise: ", "case: "]),
        (DATE, '{column: Z, date: ["%d.%m", "%Q"], timezone: Europe/Berlin, bogus: 1}',
         ["no column 'Z'", "'%d.%m' does not tell", "'%Q' is no date format", "timezone goes", "'bogus'"]),
        (FLAG, "{column: Z, trim: , split: , boolean: {true: Y}, number: {}}",
         ["no column 'Z'", "behind trim", "behind split", "'false' is missing", "number does not fit"]),
        (TEXT, "{colum: A, cas: upper}", ["unknown key 'colum'", "unknown key 'cas'"]),
        (TEXT, "{column: A, value: 7, cas: upper}", ["unknown key 'cas'", "this one has column and value"]),
        ("template_id", "{lookup: billing-templat, colum: A}", ["unknown key 'colum'"]),
        (TEXT, "{column: [A], otherwise: keep}", ["column: "]),
        (DATE, "{column: A, dateime: x, timezone: Europe/Berlin}", ["unknown key 'dateime'"]),
        (TEXT, "{column: A, map: x, otherwise: keep}", ["map: "]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_with_a_rule_is_told_at_once(field: str, rule: str, messages: list[str]) -> None:
    """A wrong key hides no other mistake of its rule, and brings none that is not there."""
    found = examine(f"{RUN}  {field}: {rule}\n")
    errors = [*found.findings.of("error"), *examine_columns(found, {"A": pl.String()}).of("error")]
    told = [each.message for each in errors]
    assert len(told) == len(messages), told
    for message in messages:
        assert any(message in each for each in told), (message, told)


def test_all_that_is_wrong_with_the_external_id_is_told_at_once() -> None:
    """A misspelt conversion hides no misspelt column."""
    found = examine("external_id: {column: Z, cas: upper}\n" + RUN)
    columns = examine_columns(found, {"A": pl.String()})
    told = [each.message for each in (*found.findings.of("error"), *columns.of("error"))]
    assert told == ["unknown key 'cas'", "the source has no column 'Z'"]


def test_wrong_options_of_a_second_file_hide_nothing() -> None:
    """What each row becomes is checked as well."""
    rule = "{each: {reminder_notice_id: A, nmae: B}, rows: r.csv, key: K, source: {delimitr: ';'}}"
    told = rule_findings(REMINDERS, rule)
    assert len(told) == 2
    assert any("unknown key 'delimitr'" in each for each in told)
    assert any("unknown field 'nmae'" in each for each in told)
