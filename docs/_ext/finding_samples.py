"""Made-up values for the examples of the list of finding codes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from loader.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Code, JsonValue

LOAD: Final = "20261122T101500Z-8f3a2c1d"


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """The values of an example.

    Attributes:
        field: The payload's path; empty for the whole record or file.
        column: The source's column; None where no column is involved.
        value: What the cell has; None where there is nothing to show.
        params: Values of parameters, in place of those in `PARAMS`.
    """

    field: str = "status"
    column: str | None = "State"
    value: str | None = "X"
    params: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict)


PARAMS: Final[Mapping[str, JsonValue]] = {
    "allowed": ["draft", "completed"],
    "at": "2026-11-22T10:15:00Z",
    "basis": "header",
    "became": "draft",
    "brace": "{",
    "by": "ada",
    "bytes": "E9",
    "causes": ["row.too_few_cells"],
    "cell": 3,
    "cells": 4,
    "character": "'\\x00'",
    "columns": 5,
    "decimal": ",",
    "diff": None,
    "empty": False,
    "encoding": "utf-8",
    "error": "#N/A",
    "evidence": "next_quote",
    "example": 1,
    "expected_type": "billing-template",
    "file": None,
    "findings": [],
    "first": "Spring run",
    "format": "%d.%m",
    "formats": ["%d.%m.%Y"],
    "got": "5",
    "has": "both",
    "kept": 4096,
    "key": "date",
    "keys": ["date", "number"],
    "kind": "date",
    "length": 17_000_000,
    "limit": 16 * 2**20,
    "line": 7,
    "load_id": LOAD,
    "marker": "_code",
    "max_cells": 100_000,
    "member": "[].name",
    "minimum": 0,
    "name": "stauts",
    "names": ["Notes", "Old_Id"],
    "needs": "map",
    "next_step": "Check the path and its spelling.",
    "number": "1e999",
    "origin": "value",
    "parent": None,
    "part": "5",
    "pattern": "Old_*",
    "place": "[0].name",
    "position": 12,
    "record_no": 12,
    "record_type": "billing-template",
    "relative_date": False,
    "role": "value",
    "second_file": None,
    "side": "above",
    "sign": ",",
    "sources": None,
    "state": "invalid",
    "status": 422,
    "suggestion": None,
    "takes": "text",
    "target": "https://login.example/",
    "tenant": "acme",
    "thousands": ".",
    "timezone": "Europe/Berlin",
    "type": "a list of text",
    "url": "https://api.example/billingRuns/acme",
    "word": "no",
    "words": "name is too long",
}
"""Values by the name of their parameter; None leaves one out that a message can do without."""

_JSON: Final = {"words": "expecting ',' delimiter"}
_NO_SUCH_DAY: Final = "expected a day and a time that exist, of the years 1 to 9999"
_NOTICE: Final[Mapping[str, JsonValue]] = {
    "place": "[0].reminder_notice_id",
    "member": "[].reminder_notice_id",
}
_MISSPELT: Final[Mapping[str, JsonValue]] = {"place": "[0].nmae", "member": "[].nmae", "suggestion": "name"}
_NUMBER: Final[Mapping[str, JsonValue]] = {"place": "[0].id", "member": "[].id"}
_PROGRAMS: Final = "application_activation_options.program_ids"
_FEE: Final = "renewal_forecasting_options.minimum_fee"
_TYPES: Final[JsonValue] = ["billing-run", "billing-template"]
_REMINDERS: Final = "application_reminder_options.reminders"

SAMPLES: Final[Mapping[str, Sample]] = {
    "answer": Sample("", None, None),
    "answer.bad_id": Sample("", None, None, {"status": 200, "got": "{}"}),
    "answer.connection_lost": Sample("", None, None, {"words": "the server closed the connection"}),
    "answer.forbidden": Sample("", None, None, {"status": 403, "words": "missing permission"}),
    "answer.missing_reference": Sample("", None, None, {"status": 409, "words": "unknown invoice template"}),
    "answer.no_id": Sample("", None, None, {"status": 200}),
    "answer.not_found": Sample("", None, None, {"status": 404, "words": "no such tenant"}),
    "answer.not_http": Sample("", None, None, {"words": "bad status line"}),
    "answer.not_json": Sample("", None, None, {"status": 200, "words": "<html>"}),
    "answer.redirected": Sample("", None, None, {"status": 302, "words": ""}),
    "answer.request_lost": Sample("", None, None, {"status": 408, "words": ""}),
    "answer.server_error": Sample("", None, None, {"status": 500, "words": "internal error"}),
    "answer.throttled": Sample("", None, None, {"status": 429, "words": ""}),
    "answer.timeout": Sample("", None, None, {"words": "no answer within 60 s"}),
    "answer.token_refused": Sample("", None, None, {"status": 401, "words": "token expired"}),
    "answer.unexpected_status": Sample("", None, None, {"status": 202, "words": ""}),
    "boolean": Sample("perform_drops", "Drop", "perhaps", {"allowed": ["J", "N"]}),
    "changed": Sample("", None, None),
    "column.lookup_key_type": Sample("template_id", "TemplateKey", None),
    "column.nested_type": Sample("name", "Name", None, {"origin": "template"}),
    "column.not_a_list": Sample(_PROGRAMS, "Programs", None, {"type": "text"}),
    "column.not_comparable": Sample("group_by", "RunId", None),
    "column.not_objects": Sample(_REMINDERS, "Reminders", None, {"type": "text"}),
    "column.takes_one": Sample("run_date", "Date", None, {"takes": "a date"}),
    "column.unusable_type": Sample("name", "Name", None, {"type": "Binary"}),
    "connection": Sample("", None, None, {"words": "connection refused"}),
    "connection.bad_url": Sample("", None, None, {"words": "no host in https:///"}),
    "connection.none_free": Sample("", None, None, {"words": "pool timeout"}),
    "connection.timeout": Sample("", None, None, {"words": "nothing within 10 s"}),
    "constant": Sample(
        params={"got": '"complete"', "part": '"complete"', "place": "", "suggestion": "completed"}
    ),
    "constant.invalid": Sample(
        "run_date", None, None, {"got": '"2019-02-30"', "place": "", "words": _NO_SUCH_DAY}
    ),
    "constant.minimum": Sample(
        "sys_snapshot_base_version", None, None, {"got": "-1", "part": "-1", "place": ""}
    ),
    "constant.missing_field": Sample(_REMINDERS, None, None, {"got": '[{"name": "A"}]', **_NOTICE}),
    "constant.unknown_field": Sample(_REMINDERS, None, None, {"got": '[{"nmae": "A"}]', **_MISSPELT}),
    "constant.wrong_type": Sample("name", None, None, {"place": ""}),
    "date": Sample("run_date", "Date", "31.02.2020"),
    "date.out_of_range": Sample("run_date", "Date", "0000-01-01"),
    "date.iso_format": Sample("run_date", "Date", "31.03.2019"),
    "datetime.format": Sample(
        "sys_created_at", "Created", "31.03.19 02:30", {"formats": ["%d.%m.%Y %H:%M"], "timezone": None}
    ),
    "datetime.not_once": Sample("sys_created_at", "Created", "31.03.2019 02:30"),
    "each": Sample(_REMINDERS, None, None),
    "each.lone_key": Sample(_REMINDERS, None, None, {"keys": ["key", "equals"]}),
    "each.not_a_list": Sample("name", None, None),
    "each.two_sources": Sample(_REMINDERS, None, None, {"second_file": "reminders.csv"}),
    "enum": Sample("status", "State", "drafft", {"suggestion": "draft"}),
    "example": Sample("status", None, None, {"findings": None}),
    "example.cell_type": Sample("examples", "Programs", None),
    "example.filled_field": Sample("sys_bulk_load_id", None, None),
    "example.filtered": Sample("examples", None, None),
    "example.no_error": Sample("status", None, None, {"became": '"draft"'}),
    "example.no_payload": Sample("examples", None, None, {"findings": None}),
    "example.payload_or_errors": Sample("examples", None, None),
    "example.row_or_rows": Sample("examples[0]", None, None),
    "example.rows_without_group": Sample("examples", None, None),
    "example.unknown_second_file": Sample(
        "examples", None, None, {"second_file": "reminder.csv", "suggestion": "reminders.csv"}
    ),
    "example.unread_column": Sample("examples", "Stat", None, {"suggestion": "State"}),
    "excel": Sample("name", "Name", None, {"cell": "B7"}),
    "external_id": Sample("sys_external_id", "Id", "007"),
    "external_id.already_loaded": Sample("", None, None),
    "external_id.not_from_row": Sample("sys_external_id", None, None),
    "external_id.not_text": Sample("sys_external_id", None, None),
    "group": Sample("", "RunId", "7", {"file": "runs-2.csv"}),
    "group.cells_differ": Sample("name", "Name", "Autumn run"),
    "group.neighbour_unreadable": Sample("", None, None),
    "group.record_rejected": Sample("", None, None),
    "group.unused": Sample("group_by", None, None),
    "json": Sample(_REMINDERS, "Reminders", '[{"name": 5}]', {"place": "[0].name"}),
    "json.date_out_of_range": Sample(_REMINDERS, "Reminders", None),
    "json.duplicate_key": Sample(_REMINDERS, "Reminders", '[{"name": "A", "name": "B"}]', {"key": "name"}),
    "json.invalid": Sample(
        "application_expiration_options",
        "Expiration",
        '{"expiration_date_range_end": "2019-02-30"}',
        {
            "place": "expiration_date_range_end",
            "member": "expiration_date_range_end",
            "part": '"2019-02-30"',
            "words": _NO_SUCH_DAY,
        },
    ),
    "json.minimum": Sample(_REMINDERS, "Reminders", '[{"id": -1}]', {**_NUMBER, "part": "-1"}),
    "json.missing_field": Sample(_REMINDERS, "Reminders", '[{"name": "A"}]', _NOTICE),
    "json.not_a_number": Sample(_REMINDERS, "Reminders", '[{"id": 1e999}]'),
    "json.surrogate": Sample(_REMINDERS, "Reminders", '["\\ud800"]'),
    "json.syntax": Sample(_REMINDERS, "Reminders", '[{"name": "A"', _JSON),
    "json.unknown_field": Sample(_REMINDERS, "Reminders", '[{"nmae": "A"}]', _MISSPELT),
    "json.wrong_value": Sample(
        "application_activation_options",
        "Activation",
        '{"program_restriction": "all"}',
        {
            "place": "program_restriction",
            "member": "program_restriction",
            "part": '"all"',
            "allowed": ["exclude", "include", "none"],
        },
    ),
    "lookup": Sample("template_id", "Template", "T07", {"names": ["Template"]}),
    "lookup.enum_field": Sample("status", "State", None),
    "lookup.field_type": Sample("run_date", "Date", None, {"takes": "a date"}),
    "lookup.key_type": Sample("template_id", "Template", None, {"key": "map"}),
    "lookup.own_type": Sample(
        "recurring_billing_run_id", "Series", None, {"record_type": "billing-run", "names": ["Series"]}
    ),
    "lookup.wrong_reference": Sample("template_id", "Run", None, {"record_type": "billing-run"}),
    "mapping.external_id_field": Sample("sys_external_id", "Id", None),
    "mapping.invalid_value": Sample(
        "", None, None, {"key": "source.skip_lines", "takes": ["a whole number"], "got": '"two"'}
    ),
    "mapping.loader_field": Sample("sys_bulk_load_id", None, None),
    "mapping.missing_key": Sample("", None, None, {"key": "resource"}),
    "mapping.no_members": Sample("name", None, None),
    "mapping.not_a_list": Sample("name", None, None),
    "mapping.not_object": Sample("", None, None),
    "mapping.required_null": Sample("name", None, None),
    "mapping.required_unmapped": Sample("name", None, None),
    "mapping.server_state": Sample("sys_calculated_field_errors", None, None),
    "mapping.second_file": Sample(_REMINDERS, None, None, {"words": "reminders.csv: there is no such file"}),
    "mapping.server_field": Sample("id", None, None),
    "mapping.unknown_column": Sample(
        "status", "Stat", None, {"allowed": ["Name", "State"], "suggestion": "State"}
    ),
    "mapping.unknown_field": Sample(
        "stauts", None, None, {"allowed": ["name", "status"], "suggestion": "status"}
    ),
    "mapping.unknown_key": Sample(
        "", None, None, {"key": "fileds", "allowed": ["fields", "source"], "suggestion": "fields"}
    ),
    "mapping.unknown_record_type": Sample(
        "", None, None, {"record_type": "billing-rum", "allowed": _TYPES, "suggestion": "billing-run"}
    ),
    "mapping.unused_columns": Sample("", None, None),
    "number": Sample(_FEE, "Fee", "1.5,0"),
    "number.minimum": Sample("sys_snapshot_base_version", "Version", "-1"),
    "number.not_finite": Sample(_FEE, "Fee", "NaN"),
    "readback": Sample("", None, None, {"status": 403, "words": "not allowed"}),
    "reconcile": Sample("", None, None),
    "rejects": Sample("", None, None),
    "rejects.raw_not_fixed": Sample("", None, None, {"marker": "_raw"}),
    "relative_date": Sample("team_notice_options.visit_start_date_range_start", "From", "some time in May"),
    "required": Sample("name", "Name", None),
    "row": Sample("", None, "Spring"),
    "row.duplicate_key": Sample("", None, None, {"key": "name"}),
    "row.not_json": Sample("", None, None, _JSON),
    "row.not_object": Sample("", None, None, {"got": "a list"}),
    "row.too_long": Sample("", None, None, {"length": 70_000_000, "limit": 64 * 2**20}),
    "row.too_many_cells": Sample("", None, None, {"cells": 6}),
    "rule": Sample("run_date", "Date", None),
    "rule.ambiguous_word": Sample("perform_drops", "Drop", None),
    "rule.conversion_misfit": Sample("name", "Name", None),
    "rule.list_expected": Sample(_PROGRAMS, "Program", None),
    "rule.needs_key": Sample("status", "State", None, {"key": "otherwise"}),
    "rule.no_origin": Sample("name", None, None, {"allowed": ["column", "value"]}),
    "rule.objects_expected": Sample(_REMINDERS, "Reminders", None),
    "rule.same_signs": Sample(_FEE, "Fee", None, {"key": "thousands"}),
    "rule.several_origins": Sample(
        "name", "Name", None, {"keys": ["column", "value"], "allowed": ["column", "value"]}
    ),
    "rule.unknown_timezone": Sample("sys_created_at", "Created", None, {"timezone": "Berlin"}),
    "sending": Sample("", None, None, {"words": "the token is not accepted"}),
    "source": Sample("", None, None, {"words": "runs.csv: there is no such file"}),
    "sql.columns": Sample("status", None, None, {"words": "text cannot be compared with a number"}),
    "sql.list": Sample("status", None, None),
    "sql.not_boolean": Sample("where", None, None, {"type": "String"}),
    "sql.syntax": Sample("status", None, None, {"words": "expected an expression, found WHEN"}),
    "sql.unusable_type": Sample("status", None, None, {"type": "Binary"}),
    "template": Sample("name", None, None),
    "yaml": Sample("", None, None, {"words": "a quote is not closed"}),
    "yaml.duplicate_key": Sample("fields.name", None, None, {"key": "name"}),
}
"""Values by a code, or by its first word for all codes that are not here themselves."""


def sample_of(code: Code) -> Finding:
    """Return a made-up finding with this code.

    Raises:
        KeyError: A parameter has no value here: a new one needs an entry in `PARAMS`.
    """
    sample = SAMPLES.get(code.name) or SAMPLES.get(code.name.partition(".")[0]) or Sample()
    values = {**PARAMS, **sample.params}
    params = {name: values[name] for name in code.params if values[name] is not None}
    return Finding(code.name, sample.field, sample.column, sample.value, params)
