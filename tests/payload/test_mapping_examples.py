"""A mapping's examples: run as a load would run the row, and reported where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader import wording
from loader.findings import CODES, load_findings
from loader.mapping.findings import Findings
from loader.payload.examples import run_examples
from tests.mapping.mapping_cases import LIST, RUN, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding
    from loader.mapping import MappingPlan
    from loader.mapping.yaml_paths import Part

START = "application_expiration_options.expiration_date_range_start"
BASE = RUN.replace("name: {value: n}", "name: Name").replace("status: {value: draft}", "status: State")


def run(lines: str, examples: str, schema: Mapping[str, pl.DataType] | None = None) -> list[Finding]:
    """Return the findings of examples, written as a YAML list, in a mapping with more lines."""
    return run_plan(lines, examples, schema)[1]


def run_plan(
    lines: str, examples: str, schema: Mapping[str, pl.DataType] | None = None
) -> tuple[MappingPlan, list[Finding]]:
    """Return a mapping with these lines and examples, and the findings of the examples."""
    plan = parsed(f"{BASE}{lines}\nexamples: {examples}\n")
    findings = Findings(plan.document)
    run_examples(plan, findings, schema)
    return plan, findings.of()


@pytest.mark.parametrize(
    ("lines", "example"),
    [
        ("", "{row: {Name: x, State: draft}, payload: {name: x, status: draft}}"),
        ("", "{row: {Name: ' x ', State: draft}, payload: {}}"),
        ("", "{row: {State: drft}, errors: [status, name]}"),
        ("", "{row: {Name: x}, errors: status}"),
        # cells are texts as they were written, whatever YAML makes of them
        ("", "{row: {Name: 007, State: draft}, payload: {name: '007'}}"),
        ("", "{row: {Name: 1.50, State: draft}, payload: {name: '1.50'}}"),
        ("", "{row: {Name: true, State: draft}, payload: {name: 'true'}}"),
        ("", "{row: {Name: null, State: draft}, errors: name}"),
        ("  sys_locked: Flag", "{row: {Name: x, State: draft, Flag: Y}, payload: {sys_locked: true}}"),
        ("  sys_snapshot_base_version: V",
         "{row: {Name: x, State: draft, V: 12.0}, payload: {sys_snapshot_base_version: 12}}"),
        # a null is a field that is left out; dotted paths pick one field out
        ("  sys_directive: D",
         "{row: {Name: x, State: draft}, payload: {sys_directive: null, quantum: null}}"),
        ("", f"{{row: {{Name: x, State: draft}}, payload: {{{START}: 2019-01-01}}}}"),
        # the external id is compared as the field that it becomes, and named either way
        ("external_id: K", "{row: {Name: x, State: draft, K: 07}, payload: {sys_external_id: '07'}}"),
        ("external_id: K", "{row: {Name: x, State: draft}, errors: sys_external_id}"),
        ("external_id: K", "{row: {Name: x, State: draft}, errors: external_id}"),
        # SQL sees texts, and columns that no example fills
        ("  sys_directive: {sql: \"UPPER(A) || COALESCE(B, '-')\"}",
         "{row: {Name: x, State: draft, A: a}, payload: {sys_directive: A-}}"),
        # lists and objects as a typed source has them
        (f"  {LIST}: L", f"{{row: {{Name: x, State: draft, L: [a, b]}}, payload: {{{LIST}: [a, b]}}}}"),
        ("  drop_options: {json: J}",
         "{row: {Name: x, State: draft, J: '{\"a\": 1}'}, payload: {drop_options: {a: 1}}}"),
    ],
)  # fmt: skip
def test_examples_that_hold(lines: str, example: str) -> None:
    """The engine makes of the row what the example shows."""
    assert run(lines, f"[{example}]") == []


@pytest.mark.parametrize(
    ("lines", "example", "place", "code", "params"),
    [
        ("", "{row: {Name: x, State: draft}, payload: {name: y}}",
         ("payload", "name"), "example.differs", {"field": "name"}),
        ("", "{row: {Name: x, State: draft}, payload: {nmae: x}}",
         ("payload", "nmae"), "example.differs", {"field": "nmae", "suggestion": "name"}),
        ("  drop_options: {a: A, b: B}",
         "{row: {Name: x, State: draft, A: 1}, payload: {drop_options: {a: '2'}}}",
         ("payload", "drop_options", "a"), "example.differs", {"field": "drop_options.a"}),
        ("  drop_options: {a: A, b: B}",
         "{row: {Name: x, State: draft, A: 1, B: 2}, payload: {drop_options: {a: '1'}}}",
         ("payload", "drop_options"), "example.differs", {"field": "drop_options"}),
        (f"  {LIST}: {{column: L, split: ','}}",
         f"{{row: {{Name: x, State: draft, L: 'a,b'}}, payload: {{{LIST}: [a, c]}}}}",
         ("payload", LIST, 1), "example.differs", {"field": f"{LIST}.1"}),
        ("  sys_locked: Flag", "{row: {Name: x, State: draft, Flag: Y}, payload: {sys_locked: 1}}",
         ("payload", "sys_locked"), "example.differs", {"field": "sys_locked"}),
        ("", "{row: {Name: x}, payload: {name: x}}",
         ("payload",), "example.no_payload", {"field": "examples", "state": "invalid"}),
        ("where: \"State <> 'draft'\"", "{row: {Name: x, State: draft}, payload: {name: x}}",
         ("payload",), "example.no_payload", {"field": "examples", "state": "filtered", "findings": "[]"}),
        ("where: \"State <> 'draft'\"", "{row: {State: draft}, errors: name}",
         ("errors",), "example.filtered", {"field": "examples"}),
        ("", "{row: {Name: x, State: draft}, errors: name}",
         ("errors", 0), "example.no_error", {"field": "name", "became": '"x"'}),
        ("", "{row: {State: draft}, errors: [nmae]}",
         ("errors", 0), "example.no_error", {"field": "nmae", "suggestion": "name"}),
        ("", "{row: {}, errors: [name]}",
         ("errors",), "example.more_errors", {"field": "status"}),
        ("", "{row: {Name: x}}",
         (), "example.payload_or_errors", {"field": "examples", "has": "neither"}),
        ("", "{row: {Name: x}, payload: {}, errors: []}",
         (), "example.payload_or_errors", {"field": "examples", "has": "both"}),
        ("", "{row: {Nmae: x, Name: x, State: draft}, payload: {}}",
         ("row", "Nmae"), "example.unread_column", {"column": "Nmae"}),
        ("  sys_directive: City", "{row: {Ctiy: x, Name: x, State: draft}, payload: {}}",
         ("row", "Ctiy"), "example.unread_column", {"column": "Ctiy", "suggestion": "City"}),
        ("", "{row: {Name: x, State: draft}, payload: {sys_bulk_load_id: x}}",
         ("payload", "sys_bulk_load_id"), "example.filled_field", {"field": "sys_bulk_load_id"}),
    ],
)  # fmt: skip
def test_examples_that_do_not_hold(
    lines: str, example: str, place: tuple[str | int, ...], code: str, params: dict[str, Any]
) -> None:
    """Each difference is reported at the innermost place of the example that differs."""
    plan, findings = run_plan(lines, f"[{example}]")
    parts: tuple[Part, ...] = ("key", "value")
    places = [plan.document.locate(("examples", 0, *place), part) for part in parts]
    finding = next(finding for finding in findings if finding.code == code and finding.location in places)
    given = {**finding.params, "field": finding.field, "column": finding.column}
    assert {name: given.get(name) for name in params} == params
    assert ("suggestion" in given) == ("suggestion" in params)
    assert given.get("example", 1) == 1


@pytest.mark.parametrize(
    ("errors", "code", "severity"),
    [("[name]", "example.more_errors", "warning"), ("[]", "example.unexpected_error", "error")],
)
def test_other_fields_with_errors(errors: str, code: str, severity: str) -> None:
    """An example need not fill every required field to show one mistake; that there is none must hold."""
    findings = run("", f"[{{row: {{}}, errors: {errors}}}]")
    (status,) = [finding for finding in findings if finding.field == "status"]
    assert (status.code, CODES[status.code].severity) == (code, severity)
    assert wording.detail(status) == "status is required, but column 'State' is empty"


def test_differences_are_shown_line_by_line() -> None:
    """Expected and got as YAML, only the field that is compared, members in the order of the example."""
    example = (
        "{row: {Name: x, State: draft, A: 1, B: 2, C: 3}, payload: {drop_options: {c: '3', a: '1', b: '9'}}}"
    )
    (finding,) = run("  drop_options: {a: A, b: B, c: C}", f"[{example}]")
    assert wording.detail(finding).splitlines() == [
        "--- example 1, expected", "+++ example 1, got", "@@ -1,4 +1,4 @@",
        " drop_options:", "   c: '3'", "   a: '1'", "-  b: '9'", "+  b: '2'",
    ]  # fmt: skip


def test_findings_of_the_row_are_shown() -> None:
    """Where a payload was expected, the finding has those of the row."""
    (finding,) = run("", "[{row: {State: drft}, payload: {name: x}}]")
    name, status = load_findings(str(finding.params["findings"]))
    assert (name.code, name.field) == ("required.empty", "name")
    assert (status.code, status.value, status.params["suggestion"]) == ("enum.value", "drft", "draft")
    first, second = wording.detail(finding).splitlines()
    assert first == "name is required, but column 'Name' is empty"
    assert second.startswith('status: "drft" is not one of cancelled, completed, draft, ')
    assert second.endswith("; did you mean 'draft'?")


def test_a_source_has_the_types() -> None:
    """With a source's columns the cells get their types; a cell of another type is a finding."""
    lines = "source: {format: parquet}\n"
    fields = "  sys_snapshot_base_version: V\n  run_date: D\n  drop_options.fee: F\n"
    schema = {
        "Name": pl.String(), "State": pl.String(), "V": pl.Int64(), "D": pl.Date(), "F": pl.Decimal(10, 2),
    }  # fmt: skip
    good = "{row: {Name: 007, State: draft, V: 3, D: 2019-03-31, F: 12.50}, payload: {name: '007', run_date: 2019-03-31, drop_options: {fee: 12.5}}}"  # noqa: E501
    assert run(fields + lines, f"[{good}]", schema) == []
    (wrong,) = run(fields + lines, "[{row: {Name: x, State: draft, D: 31.03.2019}, payload: {}}]", schema)
    assert (wrong.code, wrong.column, wrong.params) == (
        "example.cell_type",
        "D",
        {"example": 1, "type": "a date"},
    )
    (lacking,) = run(fields + lines, "[{row: {Name: x, Stat: y, State: draft}, payload: {}}]", schema)
    assert (lacking.code, lacking.column) == ("mapping.unknown_column", "Stat")
    assert lacking.params == {"allowed": list(schema), "suggestion": "State"}


def test_objects_of_a_typed_source() -> None:
    """Structs get the members of all examples; what one leaves out is null."""
    text = "  drop_options: O\nsource: {format: parquet}\n"
    examples = (
        "[{row: {Name: x, State: draft, O: {a: 1}}, payload: {drop_options: {a: 1}}},"
        " {row: {Name: x, State: draft, O: {b: {c: [1, 2]}}}, payload: {drop_options: {b: {c: [1, 2]}}}}]"
    )
    assert run(text, examples) == []
