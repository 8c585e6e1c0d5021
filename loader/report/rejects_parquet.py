"""`rejects.parquet`: rejected rows with the source's own types."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.exceptions import PolarsError

from loader.errors import Stopped
from loader.records import REJECT_COLUMNS
from loader.report.atomic import AtomicFile, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PART: Final = 50_000  # rows held in memory before they go to a file of their own


class ParquetRejects:
    """Collects rejected rows in parts, and makes one file of them in the end.

    Args:
        path: The file.
        columns: The source's columns.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self._columns = columns
        self._held: list[pl.DataFrame] = []
        self._parts: list[Path] = []
        self._present: set[str] = set()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was rejected so far."""
        return not (self._held or self._parts)

    def add(self, rows: pl.DataFrame, added: pl.DataFrame, _extra: Mapping[int, Sequence[str]]) -> None:
        """Writes rows.

        Args:
            rows: The source's columns, or some of them.
            added: REJECT_COLUMNS, a line a row.
            _extra: Not used: a Parquet row has as many cells as columns.
        """
        self._present.update(rows.columns)
        self._held.append(pl.concat([rows, added], how="horizontal"))
        if sum(each.height for each in self._held) >= _PART:
            self._spill()

    def keep(self) -> None:
        """Puts the file in its place."""
        self._spill()
        draft = AtomicFile(self.path)
        try:
            with frames_speaking(self.path):
                parts = [pl.scan_parquet(part, glob=False) for part in self._parts]
                whole = pl.concat(parts, how="diagonal_relaxed")
                columns = [name for name in self._columns if name in self._present]
                whole.select(*columns, *REJECT_COLUMNS).sink_parquet(draft.file, maintain_order=True)
        except BaseException:
            draft.drop()
            raise
        draft.keep()
        self.drop()

    def drop(self) -> None:
        """Removes the parts."""
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def _spill(self) -> None:
        if not self._held:
            return
        with frames_speaking(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix=".rejects-", dir=self.path.parent)
            part = Path(self._folder.name) / f"{len(self._parts)}.parquet"
            pl.concat(self._held, how="diagonal_relaxed").write_parquet(part)
        self._parts.append(part)
        self._held = []


@contextlib.contextmanager
def frames_speaking(path: Path) -> Iterator[None]:
    """Polars has errors of its own for a disk that is full."""
    try:
        with speaking(path):
            yield
    except PolarsError as error:
        raise Stopped(
            f"{path}: cannot be written: {error}",
            next_step="make room on that disk, or make the folder writable, then run the same command again",
        ) from error
