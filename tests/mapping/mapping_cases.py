"""One rule, some cells, and what they become: for the tests of the mapping language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from loader.errors import MappingError
from loader.findings import load_params
from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build
from loader.records import CORE, LINE, PROBLEM, RECORD_NO, STATE
from loader.resources import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding
    from loader.mapping import MappingPlan
    from loader.payload.results import Payloads

RUN = """\
resource: billing-run
fields:
  name: {value: n}
  status: {value: draft}
  application_expiration_options:
    expiration_date_range_start: {value: 2019-01-01}
    expiration_date_range_end: {value: 2019-12-31}
  training_provider_billing_options: {invoice_template_id: {value: a}, payment_terms_id: {value: b}}
"""
"""A mapping of all that a run requires: a test adds the rule that it is about in line 9."""
RULE_LINE = 9

TEMPLATE = """\
resource: billing-template
fields:
  name: {value: n}
  fundraising_notice_options:
    expiration_date_range_start: {value: {position: "on", relative_to: the reference date}}
    expiration_date_range_end: {value: {position: "on", relative_to: the reference date}}
  team_notice_options:
    visit_start_date_range_start: {value: {position: "on", relative_to: the reference date}}
"""
"""Likewise of a template, but for `visit_start_date_range_end`."""

TEXT = "notification_email"
DATE = "run_date"
NUMBER = "sys_snapshot_base_version"
FLAG = "sys_locked"
LIST = "application_activation_options.program_ids"
ANY = "drop_options.zz_other"


class Wrong(NamedTuple):
    """What is wrong with a row: its first finding."""

    code: str
    value: str | None
    params: dict[str, Any]


def wrong(code: str, value: str | None = None, **params: Any) -> Wrong:
    """Return the finding that a row is expected to have."""
    return Wrong(code, value, params)


def parsed(text: str, name: str = "m.yaml") -> MappingPlan:
    """Return a mapping to one of the built-in record types."""
    return parse_mapping(text, name, BUILT_IN)


def frame(cells: dict[str, Any]) -> pl.DataFrame:
    """Return columns as the reader gives them, of lists of texts or series of any type."""
    columns = {
        name: values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        for name, values in cells.items()
    }
    height = len(next(iter(columns.values()))) if columns else 1
    return pl.DataFrame(columns).with_columns(
        pl.Series(RECORD_NO, range(1, height + 1), dtype=pl.Int64),
        pl.Series(LINE, range(2, height + 2), dtype=pl.Int64),
        pl.Series(PROBLEM, [None] * height, dtype=pl.String),
    )


def mapped(mapping: str | MappingPlan, cells: dict[str, Any]) -> Payloads:
    """Return what a whole mapping makes of columns."""
    rows = frame(cells)
    plan = parsed(mapping) if isinstance(mapping, str) else mapping
    schema = {name: dtype for name, dtype in rows.schema.items() if not name.startswith("__")}
    return build(rows, compile_mapping(plan, schema))


def bodies(payloads: Payloads) -> list[Any]:
    """Return the payloads, row by row; None where a row is not ready."""
    return [core and json.loads(core) for core in payloads.rows[CORE]]


def states(payloads: Payloads) -> list[str]:
    """Return the rows' states."""
    return payloads.rows[STATE].to_list()


def wrong_rows(payloads: Payloads) -> dict[int, Wrong]:
    """Return the findings of rows, by record number; of several, the last."""
    lines = payloads.findings.select(RECORD_NO, "code", "value", "params").iter_rows()
    return {number: Wrong(code, value, load_params(params)) for number, code, value, params in lines}


def values(field: str, rule: str, cells: Any, *, base: str = RUN) -> list[Any]:
    """Return what a field becomes in each row: a value, None where it is left out, or what is wrong.

    Args:
        field: Its dotted path.
        rule: The rule as YAML; its column is C.
        cells: The cells of C, or columns by name.
        base: The mapping that the rule is added to.
    """
    payloads = mapped(f"{base}  {field}: {rule}\n", cells if isinstance(cells, dict) else {"C": cells})
    errors = wrong_rows(payloads)
    results: list[Any] = []
    for number, body in enumerate(bodies(payloads), start=1):
        value = body
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        results.append(errors[number] if body is None else value)
    return results


def findings(mapping: str, schema: Mapping[str, pl.DataType] | None = None) -> tuple[Finding, ...]:
    """Return the errors of a mapping, held against columns if there are any."""

    def read() -> None:
        plan = parsed(mapping)
        if schema is not None:
            compile_mapping(plan, schema)

    with pytest.raises(MappingError) as caught:
        read()
    return caught.value.findings


def places(found: tuple[Finding, ...]) -> list[tuple[int | None, int | None]]:
    """Return the lines and columns of findings."""
    return [(finding.location.line, finding.location.column) for finding in found if finding.location]


def rule_findings(field: str, rule: str, schema: Mapping[str, pl.DataType] | None = None) -> list[Finding]:
    """Return the errors of one rule, each checked to be in the rule's own line."""
    found = findings(f"{RUN}  {field}: {rule}\n", schema)
    assert {line for line, _ in places(found)} == {RULE_LINE}
    assert {finding.location.file for finding in found if finding.location} == {"m.yaml"}
    return list(found)


def has(found: list[Finding] | tuple[Finding, ...], code: str, params: Mapping[str, Any]) -> bool:
    """Return whether a finding of a code has these parameters; `column` and `field` count as such."""

    def values_of(finding: Finding) -> dict[str, Any]:
        return {**finding.params, "column": finding.column, "field": finding.field}

    return any(item.code == code and params.items() <= values_of(item).items() for item in found)
