"""What rules make together: origins, lists, required fields, external ids, whole examples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loader import wording
from loader.findings import Finding, dump_findings, load_params
from loader.mapping import compile_mapping
from loader.mapping.findings import Findings
from loader.payload import build, findings_by_record, stamp
from loader.payload.examples import run_examples
from loader.records import BODY, CORE, EXTERNAL_ID, LINE, RECORD_NO, REPEATED_HEADER
from loader.resources.fields import Role
from tests.mapping.mapping_cases import (
    ANY,
    LIST,
    RUN,
    TEXT,
    bodies,
    frame,
    mapped,
    parsed,
    states,
    values,
    wrong,
)

REMINDERS = "application_reminder_options.reminders"
MAPPINGS = Path(__file__).parents[2] / "mappings"

DOCUMENTED = """\
resource: billing-run
external_id: LegacyRunId
source: {format: csv, delimiter: ";", null_values: ["", "NULL", "n/a"]}
ignore: [Notes, "Old_*"]
where: "State <> 'TEST'"
fields:
  name: RunName
  status: {column: State, map: {D: draft, C: completed}, default: draft}
  run_date: {column: RunDate, date: ["%m/%d/%Y", "%Y-%m-%d"]}
  notification_email: {column: Email, case: lower}
  bill_training_providers: {column: BillTP, boolean: {true: [Y], false: [N]}}
  application_activation_options:
    program_restriction: {value: include}
    program_ids: {column: Programs, split: ";"}
  application_expiration_options.expiration_date_range_start: {column: ExpFrom, date: "%d.%m.%Y"}
  application_expiration_options.expiration_date_range_end: {column: ExpTo, date: "%d.%m.%Y"}
  application_reminder_options.reminders:
    - {reminder_notice_id: R1Notice, name: R1Name}
    - {reminder_notice_id: R2Notice, name: R2Name}
  training_provider_billing_options:
    invoice_template_id: {value: INV-STD}
    payment_terms_id: {sql: "CASE WHEN Net = '30' THEN 'NET30' ELSE 'DUE' END"}
examples:
  - row: {LegacyRunId: "7", RunName: " Spring ", State: C, RunDate: 03/31/2019, ExpFrom: 01.01.2019, ExpTo: 31.12.2019}
    payload: {name: Spring, status: completed, run_date: "2019-03-31"}
  - row: {LegacyRunId: "8", State: X, ExpFrom: 01.01.2019, ExpTo: 31.12.2019}
    errors: [status, name]
"""  # noqa: E501 - as the language's document has it


@pytest.mark.parametrize(
    "text", [DOCUMENTED, *(path.read_text("utf-8") for path in sorted(MAPPINGS.glob("*.yaml")))]
)
def test_examples_hold(text: str) -> None:
    """A mapping's own examples become what they show, through the real engine."""
    plan = parsed(text)
    findings = Findings(plan.document)
    assert len(plan.spec.examples) >= 2
    run_examples(plan, findings)
    assert findings.of() == []


def test_origins() -> None:
    """The first filled column, a template of trimmed cells, a constant of any type."""
    cells = {"A": [" ", "a", None], "B": ["b", "b", None]}
    assert values(TEXT, "{columns: [A, B]}", cells) == ["b", "a", None]
    assert values(TEXT, "{columns: [A, B], default: c}", cells) == ["b", "a", "c"]
    assert values(TEXT, '{template: "{A}-{{{B}}}"}', cells) == [None, "a-{b}", None]
    assert values(ANY, '{value: {a: [1, "1", true, null], b: null, c: 2.0}}', cells)[0] == {
        "a": [1, "1", True, None],
        "c": 2,
    }


def test_json_cells_go_in_as_they_are() -> None:
    """JSON for an unlisted field keeps its nulls and digits; listed members that are null are left out."""
    cells = ['{"a": null, "b": [1.50, null], "n": 0.12345678901234567890123}', "null", "", " [1.0] "]
    payloads = mapped(f"{RUN}  {ANY}: {{json: C}}\n", {"C": cells})
    assert ':{"a":null,"b":[1.5,null],"n":0.12345678901234567890123}}' in payloads.rows["__core"][0]
    assert values(ANY, "{json: C}", cells)[1:] == [None, None, [1]]
    assert values(ANY, "{json: C, null_if: [none, '-']}", ["none", "-", "[1]"]) == [None, None, [1]]
    assert values("drop_options", "{json: C}", ['{"drop_notice_id": null, "x": null}', None]) == [{}, {}]


@pytest.mark.parametrize(
    ("field", "cell", "code", "params"),
    [
        (ANY, "{x", "json.syntax",
         {"words": "Expecting property name enclosed in double quotes", "position": 2}),
        (ANY, '{"a": NaN}', "json.not_a_number", {"number": "NaN"}),
        (ANY, "1e999", "json.not_a_number", {"number": "1e999"}),
        (ANY, '{"a": 1, "a": 2}', "json.duplicate_key", {"key": "a"}),
        (ANY, r'"\ud800"', "json.surrogate", {}),
        (ANY, "[" * 100_000, "json.too_deep", {}),
        ("sys_locked", '"true"', "json.wrong_type", {"takes": "true or false", "part": '"true"'}),
        ("sys_snapshot_base_version", '"1"', "json.wrong_type", {"takes": "a number", "part": '"1"'}),
        (LIST, '["a", 1]', "json.wrong_type", {"place": "[1]", "member": "[]", "takes": "text", "part": "1"}),
        ("drop_options", "[]", "json.wrong_type", {"takes": "an object", "part": "[]"}),
        ("drop_options", '{"drop_notice": "x"}', "json.unknown_field",
         {"place": "drop_notice", "member": "drop_notice", "suggestion": "drop_notice_id"}),
        (REMINDERS, '[{"id": 1}]', "json.missing_field",
         {"place": "[0].reminder_notice_id", "member": "[].reminder_notice_id"}),
    ],
)  # fmt: skip
def test_json_that_does_not_fit(field: str, cell: str, code: str, params: dict[str, Any]) -> None:
    """JSON that is not valid, or that the field cannot hold, is a finding with the place and the cause."""
    payloads = mapped(f"{RUN}  {field}: {{json: C}}\n", {"C": [cell]})
    (finding,) = findings_by_record(payloads)[1]
    assert (finding.code, finding.params) == (code, params)


def test_list_items_without_cells_are_left_out() -> None:
    """Constants and defaults alone make no item; an item with a cell needs all its required fields."""
    rule = "[{id: {value: 1}, reminder_notice_id: A, name: {column: B, default: x}}, {reminder_notice_id: B}]"
    cells = {"A": ["a", None, None], "B": [None, None, "b"]}
    assert values(REMINDERS, rule, cells) == [
        [{"id": 1, "name": "x", "reminder_notice_id": "a"}],
        [],
        wrong("required.empty"),
    ]
    (field,) = mapped(f"{RUN}  {REMINDERS}: {rule}\n", cells).findings["field"]
    assert field == f"{REMINDERS}[0].reminder_notice_id"


def test_list_items_of_constants_are_sent() -> None:
    """An item that reads no cell is in every record; nothing of a mapping is dropped in silence."""
    rule = "[{id: {value: 1}, reminder_notice_id: {value: N}}, {reminder_notice_id: A}]"
    assert values(REMINDERS, rule, {"A": ["a", None]}) == [
        [{"id": 1, "reminder_notice_id": "N"}, {"reminder_notice_id": "a"}],
        [{"id": 1, "reminder_notice_id": "N"}],
    ]


def test_required_objects_and_lists_are_sent_empty() -> None:
    """Required fields that nothing maps are {} or []; other nulls are left out."""
    (body,) = bodies(mapped(RUN + f"  {TEXT}: C\n", {"C": [None]}))
    assert body["drop_options"] == {}
    assert body["application_reminder_options"] == {"reminders": []}
    assert TEXT not in body
    assert None not in body.values()


def test_missing_required_fields_name_their_columns() -> None:
    """A required field without a value is a finding with field and columns."""
    payloads = mapped(RUN.replace("{value: n}", "{columns: [A, B]}"), {"A": [" "], "B": [None]})
    (finding,) = findings_by_record(payloads)[1]
    assert finding == Finding("required.empty", "name", "A, B")
    assert wording.message(finding) == "name is required, but columns 'A, B' are empty"


def test_external_ids() -> None:
    """The external id is sent and shown; a row without one is invalid, whatever `null_values` are."""
    for source in ("", 'source: {null_values: ["-"]}\n'):
        payloads = mapped(f"{RUN}external_id: K\n{source}", {"K": ["007", "", None, " a "]})
        assert states(payloads) == ["ready", "invalid", "invalid", "ready"]
        assert payloads.rows[EXTERNAL_ID].to_list()[::3] == ["007", "a"]
        assert bodies(payloads)[0]["sys_external_id"] == "007"
        findings = payloads.findings.select("field", "code").unique().rows()
        assert findings == [("sys_external_id", "external_id.empty")]
    typed = mapped(f"{RUN}external_id: K\n", {"K": pl.Series([7, None])})
    assert states(typed) == ["ready", "invalid"]
    assert bodies(typed)[0]["sys_external_id"] == "7"


def test_every_finding_of_a_row_is_kept_in_mapping_order() -> None:
    """A row with several mistakes has them all, in the order of the fields, with its external id."""
    text = f"{RUN}  run_date: A\n  sys_locked: B\nexternal_id: K\n"
    payloads = mapped(text, {"K": ["k1", "k2"], "A": ["x", "y"], "B": ["z", "1"]})
    findings = payloads.findings.select(RECORD_NO, EXTERNAL_ID, "field", "column", "value")
    assert findings.rows() == [
        (1, "k1", "run_date", "A", "x"),
        (1, "k1", "sys_locked", "B", "z"),
        (2, "k2", "run_date", "A", "y"),
    ]


def test_records_that_could_not_be_read_are_invalid() -> None:
    """The reader's findings are those of the record, in their place among the others."""
    ragged = Finding("row.too_few_cells", params={"cells": 1, "columns": 3, "basis": "header"})
    damaged = Finding("row.bad_bytes", column="C", params={"encoding": "utf-8", "bytes": "b'\\xff'"})
    errors = Finding("excel.error_value", column="C", value="#N/A", params={"cell": "B7", "error": "#N/A"})
    problems = [dump_findings([ragged]), None, REPEATED_HEADER, dump_findings([damaged, errors])]
    rows = frame({"C": ["a", "b", "c", "d"], "D": ["x"] * 4}).with_columns(pl.Series("__problem", problems))
    schema = {"C": pl.String(), "D": pl.String()}
    payloads = build(rows, compile_mapping(parsed(f"{RUN}  {TEXT}: C\n  run_date: D\n"), schema))
    assert states(payloads) == ["invalid", "invalid", "filtered", "invalid"]
    assert findings_by_record(payloads) == {
        1: (ragged,),
        2: (Finding("date.iso_format", "run_date", "D", "x"),),
        4: (damaged, errors),
    }
    assert payloads.findings[LINE].to_list() == [2, 3, 5, 5]


def test_long_values_are_cut() -> None:
    """A cell of a megabyte is shown by its first 60 characters."""
    (result,) = values("run_date", "C", ["x" * 1_000_000])
    assert result == wrong("date.iso_format", f"{'x' * 60}…")


def test_the_nearest_allowed_value_is_suggested() -> None:
    """Only where one is near, beside the values that are allowed."""
    payloads = mapped(RUN.replace("{value: draft}", "{column: C}"), {"C": ["drft", "zzz", "draft"]})
    first, second = (load_params(params) for params in payloads.findings["params"])
    assert (first.pop("suggestion"), first) == ("draft", second)
    assert "suggestion" not in second
    assert "draft" in str(second["allowed"])
    assert wording.message(findings_by_record(payloads)[1][0]).endswith("; did you mean 'draft'?")


def test_bodies_are_compact_json() -> None:
    """No blanks, fields in the page's order, unlisted ones behind."""
    (core,) = mapped(f"{RUN}  {ANY}: C\n  drop_options.drop_notice_id: C\n", {"C": ["a, b"]}).rows["__core"]
    assert '"drop_options":{"drop_notice_id":"a, b","zz_other":"a, b"}' in core
    parsed: dict[str, Any] = json.loads(core)
    assert json.dumps(parsed, ensure_ascii=False, separators=(",", ":")) == core


@pytest.mark.parametrize(
    ("names", "added"),
    [
        ({}, {}),
        ({Role.RECORD_NO: "row"}, {"row": 7}),
        ({Role.LOAD_KEY: "part", Role.SOURCE_FILE: "from"}, {"part": "acme:L1", "from": "a.csv"}),
        (
            {Role.LOADED_AT: "at", Role.LOAD_ID: 'the "load"', Role.RECORD_NO: "row"},
            {"at": "2026-11-22T10:15:00.000Z", 'the "load"': "L1", "row": 7},
        ),
    ],
)
def test_bulk_load_fields_have_the_names_of_the_record_type(
    names: dict[Role, str], added: dict[str, Any]
) -> None:
    """A field goes by its record type's own name, and one that the type does not have is left out."""
    rows = pl.DataFrame({RECORD_NO: [7, 7], CORE: ['{"name":"One"}', "{}"]})
    moment = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
    stamped = stamp(rows, names, load_id="L1", tenant="acme", source_file="a.csv", processed_at=moment)
    assert [json.loads(body) for body in stamped[BODY]] == [{"name": "One", **added}, added]
