"""Every code about mappings in the catalogue is one that `loader check` gives to some bad mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader import wording
from loader.findings import CODES
from loader.pipeline.authoring.check import check
from loader.pipeline.events import SilentObserver
from loader.resources import BUILT_IN
from tests.mapping.mapping_cases import ANY, DATE, FLAG, LIST, NUMBER, RUN, TEMPLATE, TEXT

if TYPE_CHECKING:
    from pathlib import Path

REMINDERS = "application_reminder_options.reminders"
RESTRICTION = "application_activation_options.program_restriction"
NUMBERS = pl.List(pl.Int64)
OBJECTS = pl.List(pl.Struct({"a": pl.Int64}))


def rule(field: str, text: str) -> str:
    """Return a mapping with a rule."""
    return f"{RUN}  {field}: {text}\n"


def grouped(text: str, field: str = REMINDERS) -> str:
    """Return a mapping that groups rows by K, with a rule for a list."""
    return rule(field, text).replace("fields:", "group_by: K\nfields:", 1)


def example(text: str, mapping: str = f"{RUN}  {NUMBER}: A\n") -> str:
    """Return a mapping with an example."""
    return f"{mapping}examples:\n  - {text}\n"


ONE_READS = "{rows: s.csv, key: F, equals: K, each: {reminder_notice_id: F}, source: {delimiter: ';'}}"
OTHER_READS = "{rows: s.csv, key: F, equals: K, each: F, source: {delimiter: ','}}"

BAD: list[tuple[str, str, dict[str, Any]]] = [
    ("column.lookup_key_type", rule(TEXT, "{lookup: billing-run, column: A}"), {"A": OBJECTS}),
    ("column.nested_type", rule(TEXT, "{template: '{A}'}"), {"A": NUMBERS}),
    ("column.not_a_list", rule(LIST, "A"), {"A": pl.String}),
    ("column.not_comparable", grouped("{each: {reminder_notice_id: A}}"), {"A": pl.String, "K": NUMBERS}),
    ("column.not_objects", rule("drop_options", "A"), {"A": pl.String}),
    ("column.takes_one", rule(TEXT, "A"), {"A": NUMBERS}),
    ("column.unusable_type", rule(TEXT, "A"), {"A": pl.Binary}),
    ("constant.enum", rule(RESTRICTION, "{value: x}"), {}),
    ("constant.invalid", rule(DATE, "{value: 31.03.2019}"), {}),
    ("constant.minimum", TEMPLATE + "  team_notice_options.visit_start_date_range_end:\n"
     "    {value: {number: -1, position: 'on', relative_to: the reference date}}\n", {}),
    ("constant.missing_field", rule(REMINDERS, "{value: [{name: x}]}"), {}),
    ("constant.unknown_field", rule(REMINDERS, "{value: [{reminder_notice_id: x, nmae: x}]}"), {}),
    ("constant.wrong_type", rule(TEXT, "{value: 7}"), {}),
    ("each.lone_key", grouped("{each: {reminder_notice_id: N}, key: K}"), {}),
    ("each.nested", grouped("{each: {reminder_notice_id: {each: N}}}"), {}),
    ("each.no_column", grouped("{each: {reminder_notice_id: {value: x}}}"), {}),
    ("each.no_group", rule(REMINDERS, "{each: {reminder_notice_id: N}}"), {}),
    ("each.no_key", grouped("{rows: s.csv, each: {reminder_notice_id: A}}"), {}),
    ("each.not_a_list", grouped("{each: N}", TEXT), {}),
    ("each.several_rules", grouped("{each: [{reminder_notice_id: N}]}"), {}),
    ("each.two_sources", f"{grouped(ONE_READS)}  {LIST}: {OTHER_READS}\n", {}),
    ("example.cell_type", example("{row: {A: x}, errors: []}"), {"A": pl.Int64}),
    ("example.differs", example("{row: {A: 1}, payload: {name: x}}"), {}),
    ("example.filled_field", example("{row: {A: 1}, payload: {sys_bulk_load_id: x}}"), {}),
    ("example.filtered", example("{row: {A: 1}, errors: [name]}", f"{RUN}where: A = '2'\n"), {}),
    ("example.more_errors", example("{row: {A: x}, errors: [status]}"), {}),
    ("example.no_error", example("{row: {A: 1}, errors: [name]}"), {}),
    ("example.no_payload", example("{row: {A: x}, payload: {name: n}}"), {}),
    ("example.payload_or_errors", example("{row: {A: 1}}"), {}),
    ("example.row_or_rows", example("{payload: {name: x}}"), {}),
    ("example.rows_without_group", example("{rows: [{A: 1}], errors: []}"), {}),
    ("example.unexpected_error", example("{row: {A: x}, errors: []}"), {}),
    ("example.unknown_second_file", example("{row: {A: 1}, joined: {s.csv: []}, errors: []}"), {}),
    ("example.unread_column", example("{row: {A: 1, B: 1}, errors: []}", f"external_id: A\n{RUN}"), {}),
    ("external_id.not_from_row", f"external_id: {{value: 7}}\n{RUN}", {}),
    ("external_id.not_text", f"external_id: {{column: A, split: ';'}}\n{RUN}", {}),
    ("group.unused", RUN.replace("fields:", "group_by: K\nfields:", 1), {}),
    ("lookup.conversion", rule(TEXT, "{lookup: billing-run, column: A, date: '%Y-%m-%d'}"), {}),
    ("lookup.enum_field", rule(RESTRICTION, "{lookup: billing-run, column: A}"), {}),
    ("lookup.field_type", rule(NUMBER, "{lookup: billing-run, column: A}"), {}),
    ("lookup.key_type", rule(ANY, "{lookup: billing-run, column: A, map: {a: 7}}"), {}),
    ("lookup.no_column", rule(TEXT, "{lookup: billing-run}"), {}),
    ("lookup.wrong_reference", rule("template_id", "{lookup: billing-run, column: A}"), {}),
    ("mapping.duplicate_rule", rule("name.x", "A"), {}),
    ("mapping.external_id_field", rule("sys_external_id", "A"), {}),
    ("mapping.idle_pattern", f"{RUN}ignore: x*\n", {"A": pl.String}),
    ("mapping.invalid_value", rule(TEXT, "{column: A, case: Upper}"), {}),
    ("mapping.loader_field", rule("sys_bulk_load_id", "A"), {}),
    ("mapping.missing_key", "resource: billing-run\n", {}),
    ("mapping.no_external_id", RUN, {}),
    ("mapping.no_members", rule(f"{TEXT}.x", "A"), {}),
    ("mapping.not_a_list", rule(TEXT, "[A]"), {}),
    ("mapping.not_a_rule", rule(TEXT, ""), {}),
    ("mapping.not_object", "- a\n", {}),
    ("mapping.required_null", RUN.replace("{value: n}", "{value: null}"), {}),
    ("mapping.required_unmapped", RUN.replace("  name: {value: n}\n", ""), {}),
    ("mapping.second_file", grouped(ONE_READS), {"K": pl.String}),
    ("mapping.server_field", rule("id", "A"), {}),
    ("mapping.server_state", rule("sys_version", "{value: 1}"), {}),
    ("mapping.unknown_column", rule(TEXT, "B"), {"A": pl.String}),
    ("mapping.unknown_field", rule("nmae", "A"), {}),
    ("mapping.unknown_key", rule(TEXT, "{colunm: A}"), {}),
    ("mapping.unknown_record_type", "resource: quantum\nfields: {}\n", {}),
    ("mapping.unused_columns", RUN, {"A": pl.String}),
    ("rule.ambiguous_word", rule(FLAG, "{column: A, boolean: {true: [J], false: [J]}}"), {}),
    ("rule.bad_format", rule(DATE, "{column: A, date: '%Q'}"), {}),
    ("rule.conversion_misfit", rule(NUMBER, "{column: A, date: '%Y-%m-%d'}"), {}),
    ("rule.conversions_conflict", rule(NUMBER, "{column: A, number: {}, date: '%Y-%m-%d'}"), {}),
    ("rule.empty_key", rule(DATE, "{column: A, date: }"), {}),
    ("rule.idle_conversion", rule(LIST, "{json: A, split: ';'}"), {}),
    ("rule.incomplete_format", rule(DATE, "{column: A, date: '%d.%m'}"), {}),
    ("rule.list_expected", rule(LIST, "{template: 'x{A}'}"), {}),
    ("rule.needs_key", rule(TEXT, "{column: A, otherwise: keep}"), {}),
    ("rule.no_origin", rule(TEXT, "{case: lower}"), {}),
    ("rule.objects_expected", rule("drop_options", "{template: 'x{A}'}"), {}),
    ("rule.same_signs", rule(NUMBER, "{column: A, number: {thousands: '.'}}"), {}),
    ("rule.several_origins", rule(TEXT, "{column: A, value: B}"), {}),
    ("rule.split_misfit", rule(TEXT, "{column: A, split: ';'}"), {}),
    ("rule.unknown_timezone", rule(DATE, "{column: A, datetime: '%Y-%m-%d', timezone: Berlin}"), {}),
    ("sql.columns", rule(TEXT, "{sql: A.b}"), {"A": pl.String}),
    ("sql.list", rule(TEXT, "{sql: A}"), {"A": NUMBERS}),
    ("sql.many_rows", rule(TEXT, "{sql: 'COUNT(A)'}"), {}),
    ("sql.not_boolean", f"{RUN}where: A\n", {"A": pl.String}),
    ("sql.syntax", rule(TEXT, "{sql: 'A +'}"), {}),
    ("sql.unusable_type", rule(TEXT, "{sql: A}"), {"A": pl.Binary}),
    ("template.brace", rule(TEXT, "{template: 'x {'}"), {}),
    ("yaml.bad_character", "a: \0", {}),
    ("yaml.duplicate_key", f"{RUN}resource: billing-run\n", {}),
    ("yaml.surrogate", 'a: "\\ud800"', {}),
    ("yaml.syntax", "a: [1", {}),
    ("yaml.too_large", "a: &a [*a]", {}),
]  # fmt: skip
"""A code, a mapping that has it, and the columns of a source with their types: none means no source."""

NOT_BY_CHECK = {
    "lookup.nothing_created": "needs a tenant and a journal: load and validate report it",
    "lookup.not_tried": "needs a run: preview and validate report it",
    "lookup.own_type": "needs a run: preview and validate report it",
    "source.unreadable": "has no mapping at fault: `test_check_command` and the test below have it",
}


def codes_of(text: str, columns: dict[str, Any], folder: Path) -> set[str]:
    """Return the codes that a check finds; each finding has all parameters that its words need."""
    sources = []
    if columns:
        path = folder / "source.parquet"
        pl.DataFrame(schema=columns).write_parquet(path)
        sources.append(str(path))
    result = check(text, str(folder / "m.yaml"), sources, {}, types=BUILT_IN, observer=SilentObserver())
    for finding in result.findings:
        is_cut = any("…" in str(value) for value in finding.params.values())
        assert is_cut or "…" not in wording.line(finding) + wording.fix(finding), finding
    return {finding.code for finding in result.findings}


@pytest.mark.parametrize(("code", "text", "columns"), BAD, ids=[code for code, _, _ in BAD])
def test_a_bad_mapping_has_its_code(code: str, text: str, columns: dict[str, Any], tmp_path: Path) -> None:
    """A mapping with a mistake has the code of the mistake."""
    assert code in codes_of(text, columns, tmp_path)


def test_a_missing_source_has_its_code(tmp_path: Path) -> None:
    """A source that is not there is a finding, too."""
    result = check(RUN, "m.yaml", [str(tmp_path / "no.csv")], {}, types=BUILT_IN, observer=SilentObserver())
    assert result.findings[-1].code == "source.unreadable"


def test_every_code_about_mappings_is_tested() -> None:
    """The table above has every code of the catalogue but those that a check does not give."""
    catalogue = {code.name for code in CODES.values() if code.subject == "mapping"}
    assert catalogue - {code for code, _, _ in BAD} == set(NOT_BY_CHECK)
