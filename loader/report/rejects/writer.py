"""Takes the rejected rows of a load or a dry run, in the order of its source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from loader.errors import ConfigurationError, LoaderError
from loader.records import GROUP, INCOMPLETE, LEFT_OUT, LINE, PARENT, PROBLEM, RAW, RECORD_NO
from loader.report.atomic import write_errors
from loader.report.rejects.formats import FORMATS
from loader.report.rejects.protocol import RejectedRows
from loader.report.rejects.rejected import ADDED_SCHEMA, added_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loader.records import Batch, RowResult, SourceFile
    from loader.report.rejects.rejected import RowWithFindings

_OWN: Final = (RECORD_NO, LINE, PROBLEM, PARENT, RAW)


class RejectsWriter:
    """Writes the rejected rows of a load or a dry run, in the form of its source.

    CSV sources give `rejects.csv`, in the first file's dialect, encoding, columns and frame of preamble and
    footer lines, never packed; NDJSON sources `rejects.ndjson`, each object as it was written; Parquet
    sources `rejects.parquet`, with their own types; workbooks `rejects.xlsx`, with a sheet of the same name
    that begins in the same row. The first file decides. Behind the source's columns (those that only later
    files have behind the first file's) come `REJECT_COLUMNS`, then the surplus cells of records that had
    more cells than columns. There is no file before `close`; leaving a `with` block without it drops what was
    written.

    Args:
        folder: Where the file goes; made, for its owner only, where it is missing.
        files: The source's files; at least one.

    Raises:
        ConfigurationError: The file would replace one of the source's own.
    """

    def __init__(self, folder: Path, files: Sequence[SourceFile]) -> None:
        self._folder = folder
        self._sources = frozenset(Path(file.path).resolve() for file in files)
        self._columns = tuple(dict.fromkeys(name for file in files for name in file.schema))
        self._file = FORMATS[files[0].format](folder, files[0], self._columns)
        self._mixed = _mixed_columns(files, keeps_nested=self._file.keeps_nested)
        if self._file.path.resolve() in self._sources:
            raise ConfigurationError(
                f"{self._file.path}: the rejects would replace the source",
                next_step="Name another folder for the report.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.discard()

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must know to load the file again, one line each; mostly nothing."""
        return self._file.notes

    def add(self, batch: Batch, rejected: Mapping[int, RowWithFindings]) -> None:
        """Write the rejected rows of a batch, in its order.

        Args:
            batch: The batch; batches come in the order of the source.
            rejected: Record number in the batch's file -> why.

        Raises:
            LoaderError: A record is not in the batch, or a column not in the files that were named.
            Stopped: It cannot be written.
        """
        if not rejected:
            return
        rows = _rows_of(batch).filter(pl.col(PARENT).is_in(list(rejected)))
        if rows[PARENT].n_unique() != len(rejected):
            raise LoaderError(f"{batch.file.name}: a rejected record is not in its batch")
        if unknown := set(rows.columns).difference(self._columns, _OWN):
            raise LoaderError(f"{batch.file.name}: rejects have no columns for {', '.join(sorted(unknown))}")
        added = pl.DataFrame(
            [
                added_cells(rejected[parent], number, line, parent)
                for number, line, parent in rows.select(RECORD_NO, LINE, PARENT).iter_rows()
            ],
            ADDED_SCHEMA,
            orient="row",
        )
        cells = rows.drop(_OWN, strict=False)
        self._file.add(RejectedRows(cells, added, batch.extra, _texts_of(rows), self._mixed))

    def add_rows(self, batches: Iterator[Batch], rows: Iterable[RowResult]) -> None:
        """Write the rejected rows of a load.

        Args:
            batches: All batches of its source; read as far as the last of the rows, and not at all without.
            rows: Its rejected rows, in the order of the source.

        Raises:
            Stopped: It cannot be written, or the source cannot be read again.
        """
        waiting = iter(rows)
        row = next(waiting, None)
        while row is not None:
            batch = next(batches)
            here: dict[int, RowWithFindings] = {}
            while row is not None and row.seq < batch.end.seq:
                here[row.record_no] = row
                row = next(waiting, None)
            self.add(batch, here)

    def close(self) -> Path | None:
        """Give the file its name, and remove rejects that an earlier run has left in any format.

        Returns:
            Where it is; None where nothing was rejected: then there is no file.

        Raises:
            Stopped: It cannot be written.
        """
        path = None if self._file.is_empty else self._file.path
        if path:
            self._file.publish()
        for form in FORMATS.values():
            old = self._folder / form.file_name
            if old != path and old.resolve() not in self._sources:
                with write_errors(old):
                    old.unlink(missing_ok=True)
        return path


def _rows_of(batch: Batch) -> pl.DataFrame:
    """Return all rows of the batch's records, with their PARENT, and RAW where their format keeps it."""
    if GROUP in batch.children:
        return batch.children[GROUP].drop(LEFT_OUT, INCOMPLETE)
    rows = batch.rows if batch.raw is None else batch.rows.with_columns(batch.raw.alias(RAW))
    return rows.with_columns(pl.col(RECORD_NO).alias(PARENT))


def _texts_of(rows: pl.DataFrame) -> list[tuple[str, bool]] | None:
    """Return each row's own text and whether the row is sound; None where its format keeps no text."""
    if RAW not in rows.columns:
        return None
    return list(zip(rows[RAW], rows[PROBLEM].is_null(), strict=True))


def _mixed_columns(files: Sequence[SourceFile], *, keeps_nested: bool) -> frozenset[str]:
    """Return the columns that no single type can hold: nested ones in text, or beside other types."""
    dtypes: dict[str, set[pl.DataType]] = {}
    for file in files:
        for name, dtype in file.schema.items():
            dtypes.setdefault(name, set()).add(dtype)
    return frozenset(
        name
        for name, several in dtypes.items()
        if any(dtype.is_nested() for dtype in several) and (not keeps_nested or len(several) > 1)
    )
