"""A mapping's examples: run as a load would run the row, and told where they say something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from loader.mapping import parse_mapping
from loader.payload.examples import run_examples
from tests.mapping.mapping_cases import LIST, RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.payload.examples import Difference

START = "application_expiration_options.expiration_date_range_start"
BASE = RUN.replace("name: {value: n}", "name: Name").replace("status: {value: draft}", "status: State")


def run(lines: str, examples: str, schema: Mapping[str, pl.DataType] | None = None) -> list[Difference]:
    """The differences of examples, written as a YAML list, in a mapping with more lines."""
    return run_examples(parse_mapping(f"{BASE}{lines}\nexamples: {examples}\n"), schema)


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
    """What the engine makes of the row is what the example says."""
    assert run(lines, f"[{example}]") == []


@pytest.mark.parametrize(
    ("lines", "example", "place", "message", "suggestion"),
    [
        ("", "{row: {Name: x, State: draft}, payload: {name: y}}",
         ("payload", "name"), "example 1: name is not what is expected", None),
        ("", "{row: {Name: x, State: draft}, payload: {nmae: x}}",
         ("payload", "nmae"), "example 1: nmae is not what is expected", "did you mean 'name'?"),
        ("  drop_options: {a: A, b: B}",
         "{row: {Name: x, State: draft, A: 1}, payload: {drop_options: {a: '2'}}}",
         ("payload", "drop_options", "a"), "example 1: drop_options.a is not what is expected", None),
        ("  drop_options: {a: A, b: B}",
         "{row: {Name: x, State: draft, A: 1, B: 2}, payload: {drop_options: {a: '1'}}}",
         ("payload", "drop_options"), "example 1: drop_options is not what is expected", None),
        (f"  {LIST}: {{column: L, split: ','}}",
         f"{{row: {{Name: x, State: draft, L: 'a,b'}}, payload: {{{LIST}: [a, c]}}}}",
         ("payload", LIST, 1), f"example 1: {LIST}.1 is not what is expected", None),
        ("  sys_locked: Flag", "{row: {Name: x, State: draft, Flag: Y}, payload: {sys_locked: 1}}",
         ("payload", "sys_locked"), "example 1: sys_locked is not what is expected", None),
        ("", "{row: {Name: x}, payload: {name: x}}",
         ("payload",), "example 1: there is no payload: the row is found wrong", None),
        ("where: \"State <> 'draft'\"", "{row: {Name: x, State: draft}, payload: {name: x}}",
         ("payload",), "example 1: there is no payload: the row is filtered out by where", None),
        ("where: \"State <> 'draft'\"", "{row: {State: draft}, errors: name}",
         ("errors",), "example 1: the row is filtered out by where, so it is not judged", None),
        ("", "{row: {Name: x, State: draft}, errors: name}",
         ("errors", 0), "example 1: nothing is wrong with name", None),
        ("", "{row: {State: draft}, errors: [nmae]}",
         ("errors", 0), "example 1: nothing is wrong with nmae", "did you mean 'name'?"),
        ("", "{row: {}, errors: [name]}",
         ("errors",), "example 1: status is found wrong as well", None),
        ("", "{row: {Name: x}}",
         (), "example 1 has neither: it says payload (what its row becomes) or errors (what is wrong)", None),
        ("", "{row: {Name: x}, payload: {}, errors: []}",
         (), "example 1 has both: it says payload (what its row becomes) or errors (what is wrong)", None),
        ("", "{row: {Nmae: x, Name: x, State: draft}, payload: {}}",
         ("row", "Nmae"), "no rule reads the column 'Nmae'", None),
        ("  sys_directive: City", "{row: {Ctiy: x, Name: x, State: draft}, payload: {}}",
         ("row", "Ctiy"), "no rule reads the column 'Ctiy'", "did you mean 'City'?"),
        ("", "{row: {Name: x, State: draft}, payload: {sys_bulk_load_id: x}}",
         ("payload", "sys_bulk_load_id"),
         "sys_bulk_load_id is filled when the row is loaded: it is not compared", None),
    ],
)  # fmt: skip
def test_examples_that_do_not_hold(
    lines: str, example: str, place: tuple[str | int, ...], message: str, suggestion: str | None
) -> None:
    """Each difference is told at the innermost place of the example that says something else."""
    found = [(each.place, each.message, each.suggestion) for each in run(lines, f"[{example}]")]
    assert (("examples", 0, *place), message, suggestion) in found


@pytest.mark.parametrize(("errors", "severity"), [("[name]", "warning"), ("[]", "error")])
def test_fields_that_are_wrong_as_well(errors: str, severity: str) -> None:
    """An example need not fill every required field to show one mistake; that none is wrong must hold."""
    found = run("", f"[{{row: {{}}, errors: {errors}}}]")
    assert [each.severity for each in found if each.message.startswith("example 1: status is found")] == [
        severity
    ]


def test_differences_are_shown_line_by_line() -> None:
    """Expected and got as YAML, only the field that is compared, members in the order of the example."""
    example = (
        "{row: {Name: x, State: draft, A: 1, B: 2, C: 3}, payload: {drop_options: {c: '3', a: '1', b: '9'}}}"
    )
    (found,) = run("  drop_options: {a: A, b: B, c: C}", f"[{example}]")
    assert found.detail.splitlines() == [
        "--- example 1, expected", "+++ example 1, got", "@@ -1,4 +1,4 @@",
        " drop_options:", "   c: '3'", "   a: '1'", "-  b: '9'", "+  b: '2'",
    ]  # fmt: skip


def test_wrong_rows_say_what_is_wrong() -> None:
    """Where a payload was expected, the row's findings are told."""
    (found,) = run("", "[{row: {State: drft}, payload: {name: x}}]")
    first, second = found.detail.splitlines()
    assert first == "name is required, and column Name is empty"
    assert second.startswith('status: "drft" is not one of cancelled, completed, draft, ')
    assert second.endswith("; did you mean 'draft'?")


def test_a_source_tells_the_types() -> None:
    """With a source's columns the cells are made what the columns hold; others are refused by name."""
    lines = "source: {format: parquet}\n"
    fields = "  sys_snapshot_base_version: V\n  run_date: D\n  drop_options.fee: F\n"
    schema = {
        "Name": pl.String(), "State": pl.String(), "V": pl.Int64(), "D": pl.Date(), "F": pl.Decimal(10, 2),
    }  # fmt: skip
    good = "{row: {Name: 007, State: draft, V: 3, D: 2019-03-31, F: 12.50}, payload: {name: '007', run_date: 2019-03-31, drop_options: {fee: 12.5}}}"  # noqa: E501
    assert run(fields + lines, f"[{good}]", schema) == []
    (wrong,) = run(fields + lines, "[{row: {Name: x, State: draft, D: 31.03.2019}, payload: {}}]", schema)
    assert wrong.place == ("examples", 0, "row", "D")
    assert wrong.message == "example 1: the column 'D' holds Date, and this is none"
    (lacking,) = run(fields + lines, "[{row: {Name: x, Stat: y, State: draft}, payload: {}}]", schema)
    assert (lacking.message, lacking.suggestion) == (
        "the source has no column 'Stat'",
        "did you mean 'State'?",
    )


def test_objects_of_a_typed_source() -> None:
    """Structs get the members of all examples; what one leaves out is null."""
    text = "  drop_options: O\nsource: {format: parquet}\n"
    examples = (
        "[{row: {Name: x, State: draft, O: {a: 1}}, payload: {drop_options: {a: 1}}},"
        " {row: {Name: x, State: draft, O: {b: {c: [1, 2]}}}, payload: {drop_options: {b: {c: [1, 2]}}}}]"
    )
    assert run(text, examples) == []
