"""Why a row was rejected, as the columns of its rejects name it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from loader.findings import Finding
from loader.records import REJECT_COLUMNS
from loader.wording import message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loader.records import Status

ADDED_SCHEMA: Final = pl.Schema(
    zip(REJECT_COLUMNS, (pl.String(), pl.Int64(), pl.Int64(), *[pl.String()] * 3), strict=True)
)
"""The columns that rejects have behind those of their source."""

_BETWEEN: Final = "; "


class RowWithFindings(Protocol):
    """A row that was rejected: a `DecidedRow`, a `RowResult` or a `Rejected`."""

    @property
    def status(self) -> Status:
        """INVALID, BLOCKED or REFUSED."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of the row."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a record was rejected.

    Attributes:
        status: INVALID, BLOCKED or REFUSED.
        findings: All findings; one with a `location` is about another row than the record's first.
    """

    status: Status
    findings: tuple[Finding, ...] = ()


def added_cells(
    row: RowWithFindings, number: int, line: int | None, record_no: int
) -> tuple[str, int, int | None, str, str, str]:
    """Return the cells of REJECT_COLUMNS for one of the rows of a record.

    Args:
        row: Why the record was rejected.
        number: The number of the row.
        line: The line of the row; None where the format has none.
        record_no: The number of the record's first row.

    Returns:
        Several findings are joined with "; ", in the same order in each of the last three cells; a record
        that was rejected before and is not fixed has the codes of its causes behind its own.
    """
    findings = _findings_of(row, number, record_no)
    fields = (
        _joined(finding.field for finding in findings) if any(finding.field for finding in findings) else ""
    )
    codes = _joined(code for finding in findings for code in _codes_of(finding))
    return row.status.value, number, line, fields, codes, _joined(map(message, findings))


def _codes_of(finding: Finding) -> list[str]:
    """Return the finding's code, then those of its causes: by them the reader knows when it is fixed."""
    causes = finding.params.get("causes")
    return [finding.code, *map(str, causes)] if isinstance(causes, list) else [finding.code]


def _joined(texts: Iterable[str]) -> str:
    return _BETWEEN.join(texts)


def _findings_of(row: RowWithFindings, number: int, record_no: int) -> list[Finding]:
    """Return what is wrong with one of a record's rows: with itself, else with its record."""
    own = [
        # These cells are in the row itself: the message need not name it.
        replace(finding, location=None) if _in_source(finding) else finding
        for finding in row.findings
        if _row_of(finding, record_no) == number
    ]
    if own or (number == record_no and not row.findings):
        return own
    params = {"record_no": record_no, "state": row.status.value}
    return [Finding("group.record_rejected", params=params)]


def _row_of(finding: Finding, record_no: int) -> int:
    """Return the row of the source that names a finding: of one in a second file, the record's first."""
    location = finding.location
    if location is None or location.record_no is None or location.file:
        return record_no
    return location.record_no


def _in_source(finding: Finding) -> bool:
    return finding.location is not None and not finding.location.file
