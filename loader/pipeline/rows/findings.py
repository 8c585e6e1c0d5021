"""Findings of a batch: from the frame that the payload room makes to values by record."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from loader.findings import Finding, Location, load_params
from loader.payload import FILE
from loader.records import LINE, RECORD_NO, ROW_NO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from loader.findings import JsonValue
    from loader.payload.results import Payloads


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
        _location(line),
    )


def _location(line: Mapping[str, Any]) -> Location | None:
    """Return where a finding is, if not in the record's first row; None for that row.

    Only frames of records that are made of several rows have ROW_NO and FILE.
    """
    file, row_no = line.get(FILE), line.get(ROW_NO)
    if file is None and row_no in {None, line[RECORD_NO]}:
        return None
    return Location(file=file or "", line=line[LINE], record_no=row_no)


@lru_cache(maxsize=1024)
def _params(text: str | None) -> Mapping[str, JsonValue]:
    # A batch of invalid rows repeats a handful of texts: parsing each once keeps them cheap.
    return load_params(text)
