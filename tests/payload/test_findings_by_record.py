"""Findings of a batch as values: in the order of the frame, each with the place of its row."""

from __future__ import annotations

from typing import Any

import polars as pl

from loader.findings import Finding, Location
from loader.payload import FINDINGS_SCHEMA, GROUPED_SCHEMA, findings_by_record
from loader.payload.results import Payloads

BASE = {"__external_id": "K", "field": "name", "column": "Name", "value": None, "params": None}


def payloads(schema: pl.Schema, *lines: dict[str, Any]) -> Payloads:
    """A batch with these findings."""
    empty = pl.DataFrame()
    frame = pl.DataFrame([{**BASE, **line} for line in lines], schema=schema)
    return Payloads(rows=empty, findings=frame, computed=empty)


def test_findings_of_rows() -> None:
    """By record, each with its values; parameters are read from JSON."""
    found = findings_by_record(
        payloads(
            FINDINGS_SCHEMA,
            {"__record_no": 1, "__line": 2, "code": "required.empty"},
            {
                "__record_no": 1,
                "__line": 2,
                "field": "status",
                "value": "Q",
                "code": "enum.value",
                "params": '{"allowed":["a","b"]}',
            },
            {"__record_no": 7, "__line": 9, "code": "required.empty"},
        )
    )
    empty = Finding("required.empty", "name", "Name")
    assert found == {
        1: (empty, Finding("enum.value", "status", "Name", "Q", {"allowed": ["a", "b"]})),
        7: (empty,),
    }


def test_findings_of_records_of_several_rows() -> None:
    """The first row of a record needs no place; another one has its number and line, and its second file."""
    found = findings_by_record(
        payloads(
            GROUPED_SCHEMA,
            {"__record_no": 3, "__line": 4, "code": "required.empty", "__row_no": 3},
            {"__record_no": 3, "__line": 5, "code": "required.empty", "__row_no": 4},
            {"__record_no": 3, "__line": 4, "code": "required.empty", "__row_no": 3, "file": "more.csv"},
        )
    )
    assert [finding.location for finding in found[3]] == [
        None,
        Location(line=5, record_no=4),
        Location(file="more.csv", line=4, record_no=3),
    ]


def test_no_findings() -> None:
    """A batch that is all right has no record here."""
    assert findings_by_record(payloads(FINDINGS_SCHEMA)) == {}
