"""How many of the rows that a load could not create its dry run had named."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from loader.approval import same_code
from loader.report.folder import SUMMARY
from loader.report.page import ComparisonResult

if TYPE_CHECKING:
    from loader.manifest import ApprovedReport

_HELD: Final = 10_000  # rows in memory before they are looked for
_ROW: Final = {"file": pl.String(), "record_no": pl.Int64()}


@dataclass(slots=True)
class DryRunComparison:
    """What a dry run has found, for rows of a load to be looked for in it.

    Attributes:
        named: The rows that the dry run has named: `file` and `record_no`, each once.
    """

    named: pl.DataFrame
    _held: list[tuple[str, int]] = field(default_factory=list)
    _rejected: int = 0
    _predicted: int = 0

    @classmethod
    def of(cls, approved: ApprovedReport) -> Self | None:
        """Return the findings of the dry run that approved a load; None where they are no longer there."""
        folder = Path(approved.folder)
        try:
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
            if not same_code(summary["approval"]["code"], approved.code):
                return None
            findings = pl.scan_parquet(folder / "findings.parquet", glob=False)
            rows = findings.select(pl.col(name).cast(dtype) for name, dtype in _ROW.items())
            return cls(rows.unique().collect())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError):
            return None

    def add(self, file: str, record_no: int) -> None:
        """Take a row that was rejected."""
        self._held.append((file, record_no))
        if len(self._held) >= _HELD:
            self._flush()

    def result(self) -> ComparisonResult:
        """Return how many rows were rejected, and how many of them the dry run had named."""
        self._flush()
        return ComparisonResult(self._rejected, self._predicted)

    def _flush(self) -> None:
        rows = pl.DataFrame(self._held, _ROW, orient="row")
        self._rejected += rows.height
        self._predicted += rows.join(self.named, on=list(_ROW), how="semi").height
        self._held.clear()
