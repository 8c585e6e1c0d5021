"""A Parquet file: what it is, and its rows from any position on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, RECORD_NO, Batch, Position, SourceFile
from loader.source.columns import check_names, kept_columns
from loader.source.paths import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polars._typing import PolarsDataType

_ROWS_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file that was opened once and can be read from any row.

    Attributes:
        file: What others may know of it.
        height: How many rows it has.
    """

    file: SourceFile
    height: int

    def batches(self, rows: int, start: Position, stop: int | None) -> Iterator[Batch]:
        """Reads batches of `rows` rows from a position on, a few at a time into memory.

        Args:
            rows: Rows a batch; the last one may have fewer.
            start: Where to begin.
            stop: The `seq` to stop before; None: the end of the file.

        Raises:
            SourceError: It cannot be read on.
        """
        first = start.record_no - 1
        last = self.height if stop is None else min(self.height, first + stop - start.seq)
        slab = max(1, _ROWS_AT_ONCE // rows) * rows
        for begin in range(first, last, slab):
            frame = self._read(begin, min(slab, last - begin))
            for at in range(0, frame.height, rows):
                yield self._batch(frame.slice(at, rows), begin + at, start.seq + begin + at - first)

    def _read(self, first: int, rows: int) -> pl.DataFrame:
        schema = self.file.schema
        try:
            lazy = pl.scan_parquet(self.file.path, glob=False, hive_partitioning=False).slice(first, rows)
            frame = lazy.select(pl.col(name).cast(kind) for name, kind in schema.items()).collect()
        except (PolarsError, PanicException, OSError) as error:
            raise _unreadable(self.file.path, error) from error
        if frame.height != rows:
            raise SourceError(
                f"{self.file.path}: row {first + frame.height + 1} of {self.height} is not there any more",
                next_step="Let nothing write to the file while it is loaded; give it as it was, and resume.",
            )
        return frame

    def _batch(self, frame: pl.DataFrame, first: int, seq: int) -> Batch:
        number = pl.int_range(first + 1, first + 1 + frame.height, dtype=pl.Int64).alias(RECORD_NO)
        own = (number, pl.lit(None, pl.Int64).alias(LINE), pl.lit(None, pl.String).alias(PROBLEM))
        file_no = self.file.file_no
        return Batch(
            file=self.file,
            start=Position(seq, file_no, first + 1),
            end=Position(seq + frame.height, file_no, first + 1 + frame.height),
            rows=frame.with_columns(own),
        )


def open_parquet(path: str, file_no: int) -> ParquetFile:
    """Reads a Parquet file's schema and number of rows, and fingerprints it.

    Raises:
        SourceError: It is no readable Parquet file, or its columns cannot be used.
    """
    size, digest = fingerprint(path)
    if not size:
        raise SourceError(f"{path}: is empty; a Parquet file was expected", next_step="Write it again.")
    try:
        lazy = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        types = lazy.collect_schema()
        height = lazy.select(pl.len()).collect().item()
    except (PolarsError, PanicException, OSError) as error:
        raise _unreadable(path, error) from error
    check_names(path, types.names())
    kept, dropped = kept_columns(path, tuple(types.names()))
    file = SourceFile(
        file_no=file_no,
        path=path,
        name=Path(path).name,
        size=size,
        fingerprint=digest,
        format="parquet",
        dialect=None,
        schema={name: _plain_type(types[name]) for name in kept},
        notes=dropped,
    )
    return ParquetFile(file, height)


def parquet_columns(path: str) -> tuple[dict[str, pl.DataType], tuple[str, ...]]:
    """A Parquet file's columns with their types, and what was assumed; reads no rows.

    Raises:
        SourceError: It is no readable Parquet file, or its columns cannot be used.
    """
    try:
        types = pl.read_parquet_schema(path)
    except (PolarsError, PanicException, OSError) as error:
        raise _unreadable(path, error) from error
    check_names(path, list(types))
    kept, dropped = kept_columns(path, tuple(types))
    return {name: _plain_type(types[name]) for name in kept}, dropped


def _plain_type(kind: PolarsDataType) -> pl.DataType:
    """The type with text for every category in it, and lists for arrays."""
    if isinstance(kind, type):
        return _plain_type(kind())
    if isinstance(kind, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(kind, pl.List):
        return pl.List(_plain_type(kind.inner))
    if isinstance(kind, pl.Array):
        return pl.List(_plain_type(kind.inner))
    if isinstance(kind, pl.Struct):
        return pl.Struct({field.name: _plain_type(field.dtype) for field in kind.fields})
    return kind


def _unreadable(path: str, error: BaseException) -> SourceError:
    lines = str(error).strip().splitlines()
    why = lines[0] if lines else type(error).__name__
    return SourceError(
        f"{path}: cannot be read as Parquet: {why[:200]}",
        next_step="Check that the file was written to its end; if it is CSV, say source.format: csv.",
    )
