"""`rejects.parquet`: rejected rows with the source's own types."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import polars as pl

from loader.records import REJECT_COLUMNS
from loader.report.atomic import replacing, write_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.records import SourceFile
    from loader.report.rejects.protocol import RejectedRows

_PART: Final = 50_000  # rows held in memory before they go to a file of their own


class ParquetRejects:
    """Collects rejected rows in parts, and makes one file of them in the end; see `RejectsFile`."""

    file_name: ClassVar[str] = "rejects.parquet"
    keeps_nested: ClassVar[bool] = True
    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path, first: SourceFile, columns: Sequence[str]) -> None:  # noqa: ARG002 - a RejectsFile
        self.path = folder / self.file_name
        self._columns = columns
        self._held: list[pl.DataFrame] = []
        self._parts: list[Path] = []
        self._present: set[str] = set()
        self._waiting: tempfile.TemporaryDirectory[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there was no row so far."""
        return not (self._held or self._parts)

    def add(self, rows: RejectedRows) -> None:
        """Take rows; a Parquet row has no surplus cells."""
        cells = rows.flat_cells()
        self._present.update(cells.columns)
        self._held.append(pl.concat([cells, rows.added], how="horizontal"))
        if sum(held.height for held in self._held) >= _PART:
            self._spill()

    def publish(self) -> None:
        """Join the parts and give the file its name."""
        self._spill()
        with replacing(self.path) as file:
            # Files of one load may differ in their columns, and columns in their types.
            parts = pl.concat(
                [pl.scan_parquet(part, glob=False) for part in self._parts], how="diagonal_relaxed"
            )
            columns = [name for name in self._columns if name in self._present]
            parts.select(*columns, *REJECT_COLUMNS).sink_parquet(file, maintain_order=True)
        self.discard()

    def discard(self) -> None:
        """Remove the parts."""
        if self._waiting:
            self._waiting.cleanup()
            self._waiting = None

    def _spill(self) -> None:
        if not self._held:
            return
        with write_errors(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._waiting is None:
                self._waiting = tempfile.TemporaryDirectory(prefix=".rejects-", dir=self.path.parent)
            part = Path(self._waiting.name) / f"{len(self._parts)}.parquet"
            pl.concat(self._held, how="diagonal_relaxed").write_parquet(part)
        self._parts.append(part)
        self._held = []
