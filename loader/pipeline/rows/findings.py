"""Findings of a batch: from the frame that the payload room makes to values by record."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from loader.findings import Finding, Location, load_params
from loader.records import LINE, RECORD_NO, ROW_NO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from loader.findings import JsonValue
    from loader.payload.results import Payloads

FILE: Final = "file"
"""The column, if there is one, with the name of the second file that a finding is about."""


def findings_by_record(payloads: Payloads) -> dict[int, tuple[Finding, ...]]:
    """Return the findings of each record that has any, in order, by record number."""
    records: dict[int, list[Finding]] = {}
    for line in payloads.findings.iter_rows(named=True):
        records.setdefault(line[RECORD_NO], []).append(_finding(line))
    return {record_no: tuple(findings) for record_no, findings in records.items()}


def _finding(line: Mapping[str, Any]) -> Finding:
    return Finding(
        line["code"],
        line["field"] or "",
        line["column"],
        line["value"],
        _params(line["params"]),
        location_of(line[RECORD_NO], line[LINE], line.get(ROW_NO), line.get(FILE)),
    )


def location_of(record_no: int, line: int | None, row_no: int | None, file: str | None) -> Location | None:
    """Return where a finding is, if not in the record's first row; None for that row.

    Args:
        record_no: The record's number.
        line: The line of the row that the finding is about; None where its format has none.
        row_no: The number of that row; None for the record's first.
        file: The second file that the row is in; None for the source.
    """
    if file is None and row_no in {None, record_no}:
        return None
    return Location(file=file or "", line=line, record_no=row_no)


@lru_cache(maxsize=1024)
def _params(text: str | None) -> Mapping[str, JsonValue]:
    # A batch of invalid rows repeats a handful of texts: parsing each once keeps them cheap.
    return load_params(text)
