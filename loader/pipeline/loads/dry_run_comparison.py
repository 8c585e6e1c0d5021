"""How many of the rows that a load could not create its dry run had named."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from loader.approval.approval import same_code
from loader.report.page import ComparisonResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.report.page import RowPlace

_HELD: Final = 10_000  # rows in memory before they are looked for
_ROW: Final = {"file": pl.String(), "record_no": pl.Int64()}


@dataclass(slots=True)
class DryRunComparison:
    """What a dry run has found, for rows of a load to be looked for in it.

    Attributes:
        named: The rows that the dry run has named: `file` and `record_no`, each once.
    """

    named: pl.DataFrame
    _waiting: list[tuple[str, int]] = field(default_factory=list)
    _rejected: int = 0
    _foreseen: int = 0

    @classmethod
    def of(cls, approved: Mapping[str, str]) -> Self | None:
        """The findings of the dry run that approved a load; None where they are not there any more.

        Args:
            approved: Its `code`, and the `folder` of its report.
        """
        folder = Path(approved["folder"])
        try:
            summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            if not same_code(summary["approval"]["code"], approved["code"]):
                return None
            findings = pl.scan_parquet(folder / "findings.parquet", glob=False)
            return cls(
                findings.select(pl.col(each).cast(dtype) for each, dtype in _ROW.items()).unique().collect()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError):
            return None

    def add(self, place: RowPlace) -> None:
        """Takes a row that was rejected."""
        self._waiting.append((place.file, place.record_no))
        if len(self._waiting) >= _HELD:
            self._look()

    def told(self) -> ComparisonResult:
        """How many rows were rejected, and how many of them the dry run had named."""
        self._look()
        return ComparisonResult(self._rejected, self._foreseen)

    def _look(self) -> None:
        rows = pl.DataFrame(self._waiting, _ROW, orient="row")
        self._rejected += rows.height
        self._foreseen += rows.join(self.named, on=list(_ROW), how="semi").height
        self._waiting.clear()
