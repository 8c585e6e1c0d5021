"""One rule, some cells, and what becomes of them: for the tests of the mapping language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.errors import MappingError
from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build
from loader.records import CORE, LINE, PROBLEM, RECORD_NO, STATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.mapping import MappingPlan
    from loader.payload.results import Payloads
    from loader.records import MappingFinding

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
"""A mapping of all that a run requires: a test adds the rule that it is about as line 9."""
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


def frame(cells: dict[str, Any]) -> pl.DataFrame:
    """Columns as the reader gives them; lists of texts, or series of any type."""
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
    """What a whole mapping makes of columns."""
    rows = frame(cells)
    parsed = parse_mapping(mapping) if isinstance(mapping, str) else mapping
    schema = {name: dtype for name, dtype in rows.schema.items() if not name.startswith("__")}
    return build(rows, compile_mapping(parsed, schema))


def bodies(payloads: Payloads) -> list[Any]:
    """The payloads, row by row; None where a row is not ready."""
    return [core and json.loads(core) for core in payloads.rows[CORE]]


def states(payloads: Payloads) -> list[str]:
    """The rows' states."""
    return payloads.rows[STATE].to_list()


def values(field: str, rule: str, cells: Any, *, base: str = RUN) -> list[Any]:
    """What a field becomes in each row: a value, None where it is left out, or the message of what is wrong.

    Args:
        field: Its dotted path.
        rule: The rule as YAML; its column is C.
        cells: The cells of C, or columns by name.
        base: The mapping that the rule is added to.
    """
    payloads = mapped(f"{base}  {field}: {rule}\n", cells if isinstance(cells, dict) else {"C": cells})
    messages = dict(payloads.findings.select(RECORD_NO, "message").iter_rows())
    found: list[Any] = []
    for number, body in enumerate(bodies(payloads), start=1):
        value = body
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found.append(messages[number] if body is None else value)
    return found


def findings(mapping: str, schema: Mapping[str, pl.DataType] | None = None) -> tuple[MappingFinding, ...]:
    """The errors of a mapping, held against columns if there are any."""

    def read() -> None:
        parsed = parse_mapping(mapping, "m.yaml")
        if schema is not None:
            compile_mapping(parsed, schema)

    with pytest.raises(MappingError) as caught:
        read()
    return caught.value.findings


def rule_findings(field: str, rule: str, schema: Mapping[str, pl.DataType] | None = None) -> list[str]:
    """The errors of one rule, in words, each checked to stand in the rule's own line."""
    found = findings(f"{RUN}  {field}: {rule}\n", schema)
    assert {(each.file, each.line) for each in found} == {("m.yaml", RULE_LINE)}
    return [f"{each.message} ({each.suggestion})" if each.suggestion else each.message for each in found]
