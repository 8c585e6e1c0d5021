"""Compiled columns, the record types' models and a plain interpreter hold the same rows right and wrong."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from loader import wording
from loader.findings import CODES, dump_findings, dump_params, load_findings, load_params
from loader.mapping import compile_mapping, parse_mapping
from loader.payload import FINDINGS_SCHEMA, draft, findings_by_record, finish, stamp
from loader.payload.results import LookupResult
from loader.records import BODY, CORE, EXTERNAL_ID, LINE, PROBLEM, RECORD_NO, STATE
from loader.resources import BILLING_RUN, BILLING_TEMPLATE, BUILT_IN
from tests.support.interpreter import Waiting, interpret
from tests.support.strategies import IDS, Case, as_yaml, cases

if TYPE_CHECKING:
    from loader.mapping import CompiledMapping
    from loader.payload.results import Payloads

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "60"))
"""Mappings that each test draws; set the variable to try more."""

many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
any_case = st.one_of(cases(BILLING_RUN, most_rows=6), cases(BILLING_TEMPLATE, most_rows=6))
MOMENT = datetime(2026, 11, 22, 10, 15, 0, 250_000, tzinfo=UTC)


def frame_of(case: Case) -> pl.DataFrame:
    """Return a case's rows as the reader gives them."""
    columns = list(case.rows[0])
    return pl.DataFrame(
        {name: [row[name] for row in case.rows] for name in columns},
        schema=dict.fromkeys(columns, pl.String),
    ).with_columns(
        pl.int_range(1, len(case.rows) + 1, dtype=pl.Int64).alias(RECORD_NO),
        pl.int_range(2, len(case.rows) + 2, dtype=pl.Int64).alias(LINE),
        pl.lit(None, dtype=pl.String).alias(PROBLEM),
    )


def compiled_for(case: Case) -> CompiledMapping:
    """Return a case's mapping, compiled for its columns, all of them text."""
    plan = parse_mapping(as_yaml(case.mapping), "mapping", BUILT_IN)
    return compile_mapping(plan, dict.fromkeys(case.rows[0], pl.String()))


def build(rows: pl.DataFrame, compiled: CompiledMapping) -> Payloads:
    """Return what becomes of rows, with the ids that there are."""
    return finish(draft(rows, compiled), {name: LookupResult(ids, {}) for name, ids in IDS.items()})


def stamped(payloads: Payloads) -> pl.DataFrame:
    """Return the ready rows with the bodies that would be sent."""
    ready = payloads.rows.filter(pl.col(STATE) == "ready")
    names = BILLING_RUN.bulk_load_fields
    return stamp(ready, names, load_id="L1", tenant="acme", source_file="runs.csv", processed_at=MOMENT)


def exact(text: str | bytes) -> Any:
    """Return JSON with its numbers as they are written."""
    return json.loads(text, parse_float=Decimal)


@many
@given(any_case)
def test_columns_agree_with_the_interpreter(case: Case) -> None:
    """A ready row has the interpreter's payload, an invalid or blocked one exactly its wrong fields."""
    payloads = build(frame_of(case), compiled_for(case))
    wrong = payloads.findings.group_by(RECORD_NO).agg("field")
    fields = {number: frozenset(paths) for number, paths in wrong.iter_rows()}
    for row, (number, state, core) in zip(
        case.rows, payloads.rows.select(RECORD_NO, STATE, CORE).iter_rows(), strict=True
    ):
        expected = interpret(case.mapping, case.model, row, IDS)
        if isinstance(expected, frozenset):
            rejected = "blocked" if isinstance(expected, Waiting) else "invalid"
            assert (state, core, fields.get(number)) == (rejected, None, expected)
        else:
            assert (state, fields.get(number)) == ("ready", None)
            assert exact(core) == expected


@many
@given(any_case)
def test_models_take_what_columns_call_good(case: Case) -> None:
    """A body that would be sent is valid to the model, which dumps it to the same JSON."""
    for body in stamped(build(frame_of(case), compiled_for(case)))[BODY]:
        record = case.model.model_validate_json(body, strict=True)
        assert record.model_dump(mode="json", exclude_none=True) == json.loads(body)


@many
@given(any_case)
def test_bodies_are_compact_and_stamped(case: Case) -> None:
    """A body is the core and the bulk-load fields behind it, with no blank outside its texts."""
    for number, core, body in (
        stamped(build(frame_of(case), compiled_for(case))).select(RECORD_NO, CORE, BODY).iter_rows()
    ):
        text = body.decode()
        assert exact(text) == exact(core) | {
            "sys_bulk_load_at": "2026-11-22T10:15:00.250Z",
            "sys_bulk_load_id": "L1",
            "sys_bulk_load_pk": "acme:L1",
            "sys_bulk_load_record_no": number,
            "sys_bulk_load_source_file": "runs.csv",
        }
        kept = json.loads(text, parse_float=Numeral, parse_int=Numeral, parse_constant=pytest.fail)
        assert spelled(kept) == text


class Numeral(str):
    """A number as it was written."""

    __slots__ = ()


def spelled(value: Any) -> str:
    """Return compact JSON, with numbers as they were written."""
    if isinstance(value, Numeral):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{spelled(key)}:{spelled(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@many
@given(any_case, st.data())
def test_batches_may_be_cut_anywhere(case: Case, data: st.DataObject) -> None:
    """Rows mapped in two batches, one of them perhaps empty, become what they become in one."""
    rows, compiled = frame_of(case), compiled_for(case)
    cut = data.draw(st.integers(0, rows.height))
    whole, first, second = (build(part, compiled) for part in (rows, rows[:cut], rows[cut:]))
    assert_frame_equal(pl.concat([first.rows, second.rows]), whole.rows)
    assert_frame_equal(pl.concat([first.findings, second.findings]), whole.findings)


@many
@given(any_case)
def test_results_have_their_columns_whatever_the_rows(case: Case) -> None:
    """A batch gives one line a record in its order, findings only of rejected ones, and fixed columns."""
    rows = frame_of(case)
    for part in (rows, rows.clear()):
        payloads = build(part, compiled_for(case))
        assert payloads.rows.columns == [RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE]
        assert payloads.rows[RECORD_NO].to_list() == part[RECORD_NO].to_list()
        assert payloads.findings.schema == FINDINGS_SCHEMA
        rejected = payloads.rows.filter(pl.col(STATE).is_in(["invalid", "blocked"]))[RECORD_NO]
        assert set(payloads.findings[RECORD_NO]) == set(rejected)
        assert payloads.findings.select("field", "code").null_count().row(0) == (0, 0)


@many
@given(any_case)
def test_findings_are_of_the_catalogue(case: Case) -> None:
    """Each finding has a code of the catalogue with declared parameters, as exact JSON, and a wording."""
    payloads = build(frame_of(case), compiled_for(case))
    for code, params in payloads.findings.select("code", "params").iter_rows():
        assert CODES[code].severity == "error"
        assert set(load_params(params)) <= set(CODES[code].params)
        assert params == dump_params(load_params(params))
    for record_findings in findings_by_record(payloads).values():
        for finding in record_findings:
            # A template shows `…` for a parameter that a finding lacks.
            assert "…" not in wording.line(replace(finding, value=None))
            assert wording.fix(finding)
            assert load_findings(dump_findings([finding])) == (finding,)
