"""Broken mappings are refused with findings only; what is taken maps any cells to valid bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader import wording
from loader.errors import MappingError
from loader.mapping.expressions import columns_of, sql_columns
from loader.mapping.tree import leaves
from loader.mapping.yaml_paths import split_lines
from loader.pipeline.authoring.check import check
from loader.pipeline.events import SilentObserver
from loader.resources import BUILT_IN
from loader.resources.misfits import check_value
from tests.mapping.mapping_cases import bodies, mapped, parsed

if TYPE_CHECKING:
    from random import Random

    from loader.findings import Finding
    from loader.mapping import MappingPlan

SHIPPED = [path.read_text("utf-8") for path in sorted(Path(__file__).parents[2].glob("mappings/*.yaml"))]
CELLS = [
    "",
    " ",
    "x",
    "1",
    "-1e5",
    "J",
    "{}",
    "[1]",
    "null",
    "01.01.2019",
    "2019-02-30",
    "\0",
    "\u2028",
    None,
]
SCALARS = """\
null|[]|{}|-1|1e999|NO|""|{value: 1}|[a, b]|[[a]]|[{a: b}, [c]]|*x|&x a|!!python/name:os.system|2019-01-01
{column: x, map: {a: 1}}|{column: [a]}|{column: ""}|{sql: "C +"}|{sql: ""}|{sql: "1/0"}|{sql: "COUNT(*)"}
{template: "{"}|{template: ""}|{column: a, date: ""}|{column: a, date: "%"}|{column: a, date: []}
{column: a, datetime: "%Q"}|{column: a, datetime: "%s"}|{column: a, date: "%-d.%_m.%Y"}|{column: a, number: 5}
{column: a, number: {decimal: ""}}|{column: a, boolean: {}}|{column: a, split: ""}|{column: a, map: {}}
{json: a}|{lookup: x}|{lookup: x, column: a}|{columns: []}|{value: [1, [2]]}|{column: a, otherwise: keep}
{column: a, trim: maybe}|{"": a}|{a.b.c: x}|{".": x}|{a..b: x}|{? [a] : b}|{<<: {a: b}}|"\\ud800"|.nan"""
REPLACEMENTS = [item for line in SCALARS.splitlines() for item in line.split("|")]


def broken(text: str, chance: Random) -> str:
    """Return a mapping with one to four lines lost, doubled, replaced, moved or spoilt."""
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        number = chance.randrange(len(lines))
        line = lines[number]
        at = chance.randint(0, len(line))
        lines[number : number + 1] = chance.choice(
            [
                [],
                [line, chance.choice(lines)],
                [f"{line.partition(':')[0]}: {chance.choice(REPLACEMENTS)}"],
                [f"  {line}"],
                [line.lstrip()],
                [line[:at] + chance.choice("{}[]:,\"'#&*!|>-?%@\t x0\0é\u2028") + line[at + 1 :]],
            ]
        )
    return "\n".join(lines)


def columns_read(mapping: MappingPlan) -> set[str]:
    """Return all columns that a mapping names."""
    rules = [leaf.rule for leaf in leaves(mapping.tree)]
    rules += [mapping.external_id] if mapping.external_id else []
    found = {name for rule in rules for name in columns_of(rule)}
    return found | (set(sql_columns(mapping.spec.where)) if mapping.spec.where else set())


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SHIPPED), st.randoms(use_true_random=False))
def test_broken_mappings_are_findings_or_work(text: str, chance: Random) -> None:
    """A spoilt mapping ends in MappingError with places, or maps rows of anything to valid bodies."""
    findings: tuple[Finding, ...] = ()
    found: list[Any] = []
    try:
        mapping = parsed(broken(text, chance))
        columns = sorted(columns_read(mapping))
        cells = {name: pl.Series(chance.sample(CELLS, len(CELLS))) for name in columns}
        found = bodies(mapped(mapping, cells))
    except MappingError as error:
        findings = error.findings
    assert found or findings
    assert all(
        finding.location and finding.location.file == "m.yaml" and finding.location.line
        for finding in findings
    )
    for body in filter(None, found):
        assert list(check_value(mapping.record_type.root, body)) == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SHIPPED), st.randoms(use_true_random=False))
def test_broken_mappings_are_checked_to_the_end(text: str, chance: Random) -> None:
    """A spoilt mapping with its examples ends in findings with places: those of parsing, and more."""
    spoilt = broken(text, chance)
    checked = check(spoilt, "m.yaml", [], {}, types=BUILT_IN, observer=SilentObserver())
    lines = split_lines(spoilt)
    for finding in checked.findings:
        place = finding.location
        assert place
        assert place.file == "m.yaml"
        assert wording.line(finding)
        if place.end_column is not None:
            assert place.line
            assert place.column
            assert place.column < place.end_column <= len(lines[place.line - 1]) + 2
    errors: tuple[Finding, ...] = ()
    try:
        parsed(spoilt)
    except MappingError as error:
        errors = error.findings
    assert all(error in checked.findings for error in errors)
