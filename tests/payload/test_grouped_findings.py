"""Findings about rows of records that are made of several rows: which row each is about, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from loader import wording
from loader.findings import Finding, Location, dump_findings
from loader.mapping import compile_mapping
from loader.payload import GROUPED_SCHEMA, build, build_records, findings_by_record
from loader.payload.finding_frames import location_of
from loader.payload.groups import example_records
from loader.records import GROUP, INCOMPLETE, LINE, PROBLEM, RECORD_NO, REPEATED_HEADER, ROW_NO
from tests.mapping.mapping_cases import RUN, frame, parsed, states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.payload.results import Payloads

REMINDERS = "application_reminder_options.reminders"
OPTIONS = f"""\
{RUN.replace("fields:", "group_by: K" + chr(10) + "fields:", 1)}  notification_email: E
  {REMINDERS}:
    rows: s.csv
    key: K
    each: {{reminder_notice_id: N, id: B}}
"""
SECOND = {"K": pl.String(), "N": pl.String(), "B": pl.String()}
RAGGED = Finding("row.too_few_cells", params={"cells": 1, "columns": 2, "basis": "header"})


def payloads_of(
    rows: pl.DataFrame,
    second: pl.DataFrame,
    incomplete: Mapping[int, str] | None = None,
) -> Payloads:
    """Return what the rows of one group become, some of them marked as incomplete by their number."""
    plan = parsed(OPTIONS)
    plan = type(plan)(plan.draft, plan.record_type, joined={"s.csv": SECOND})
    compiled = compile_mapping(plan, {"K": pl.String(), "E": pl.String()})
    records, children = example_records(rows, {"s.csv": second}, compiled)
    marks = pl.col(RECORD_NO).replace_strict(incomplete or {}, default=None, return_dtype=pl.String)
    children[GROUP] = children[GROUP].with_columns(marks.alias(INCOMPLETE))
    return build_records(records, children, compiled)


def with_problem(rows: pl.DataFrame, number: int, text: str) -> pl.DataFrame:
    """Return rows one of which could not be read."""
    problem = pl.when(pl.col(RECORD_NO) == number).then(pl.lit(text)).otherwise(pl.col(PROBLEM))
    return rows.with_columns(problem.alias(PROBLEM))


def test_rows_of_the_source_come_before_those_of_second_files() -> None:
    """Each line has the number and the line of its row, and the name of its file if that is a second one."""
    rows = frame({"K": ["g", "g", "g"], "E": ["a", 'b"\n', ""]})
    second = frame({"K": ["g", "g"], "N": ["x", ""], "B": ["q", "1"]})
    payloads = payloads_of(rows, second)

    assert states(payloads) == ["invalid"]
    assert payloads.findings.schema == GROUPED_SCHEMA
    places = payloads.findings.select(RECORD_NO, ROW_NO, LINE, "file", "code").rows()
    assert places == [
        (1, 2, 3, None, "group.cells_differ"),
        (1, 1, 2, "s.csv", "number.plain_format"),
        (1, 2, 3, "s.csv", "required.empty"),
    ]
    (differing, number, _) = findings_by_record(payloads)[1]
    assert (differing.value, differing.params) == ('b"', {"first": "a"})
    assert wording.message(differing).startswith("record 2, line 3: ")
    assert wording.message(number) == 's.csv, record 1, line 2: "q" is not a number'


def test_an_empty_first_cell_is_null() -> None:
    """The first row's cell is a parameter, escaped as JSON, and null where it is empty."""
    second = frame({"K": ["g"], "N": ["x"], "B": ["1"]})
    texts = {"": None, 'say "a\\b"': 'say "a\\b"', "x" * 70: "x" * 60 + "…"}
    for cell, first in texts.items():
        payloads = payloads_of(frame({"K": ["g", "g"], "E": [cell, "b"]}), second)
        (finding,) = findings_by_record(payloads)[1]
        assert (finding.code, finding.params) == ("group.cells_differ", {"first": first})


def test_unreadable_rows_keep_their_findings() -> None:
    """Rows of either file have the reader's findings; a repeated header has none."""
    rows = frame({"K": ["g", "g", "g"], "E": ["a", "a", "a"]})
    rows = with_problem(with_problem(rows, 2, dump_findings([RAGGED])), 3, REPEATED_HEADER)
    bad_bytes = Finding("row.bad_bytes", column="N", params={"encoding": "utf-8", "bytes": "b'\\xff'"})
    second = frame({"K": ["g", "g"], "N": ["x", "x"], "B": ["1", "2"]})
    payloads = payloads_of(rows, with_problem(second, 2, dump_findings([bad_bytes, RAGGED])))

    assert states(payloads) == ["invalid"]
    assert [
        (finding.code, finding.column, finding.location) for finding in findings_by_record(payloads)[1]
    ] == [
        ("row.too_few_cells", None, Location(line=3, record_no=2)),
        ("row.bad_bytes", "N", Location(file="s.csv", line=3, record_no=2)),
        ("row.too_few_cells", None, Location(file="s.csv", line=3, record_no=2)),
    ]


def test_incomplete_records_keep_their_reasons() -> None:
    """What the grouping found keeps its column, value and parameters."""
    other_file = Finding(
        "group.in_two_files", column="K", value="g", params={"file": "b.csv", "record_no": 7}
    )
    rows, second = frame({"K": ["g"], "E": ["a"]}), frame({"K": ["g"], "N": ["x"], "B": ["1"]})
    payloads = payloads_of(rows, second, {1: dump_findings([other_file])})

    assert states(payloads) == ["invalid"]
    assert findings_by_record(payloads) == {1: (other_file,)}


def test_names_of_columns_do_not_clash() -> None:
    """A source may have columns with the names of a frame of findings."""
    names = ("field", "column", "value", "code", "params", "file")
    rows = with_problem(frame({name: ["x", "y"] for name in names}), 2, dump_findings([RAGGED]))
    plan = parsed(f"{RUN}  run_date: code\n  sys_locked: value\n")
    payloads = build(rows, compile_mapping(plan, dict.fromkeys(names, pl.String())))
    assert findings_by_record(payloads) == {
        1: (
            Finding("date.iso_format", "run_date", "code", "x"),
            Finding("boolean.default_word", "sys_locked", "value", "x"),
        ),
        2: (RAGGED,),
    }


@pytest.mark.parametrize(
    ("row_no", "file", "expected"),
    [
        (None, None, None),
        (4, None, None),
        (5, None, Location(line=9, record_no=5)),
        (4, "s.csv", Location(file="s.csv", line=9, record_no=4)),
    ],
)
def test_locations(row_no: int | None, file: str | None, expected: Location | None) -> None:
    """A finding has a location only where its row is not the record's first."""
    assert location_of(4, 9, row_no, file) == expected
