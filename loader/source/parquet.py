"""A Parquet file: what it is, and its rows from any position on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from polars.exceptions import PanicException, PolarsError

from loader.errors import SourceError
from loader.records import PROBLEM, Batch, Position, SourceFile
from loader.source.batches import Chunk, in_batches
from loader.source.columns import check_names, kept_columns
from loader.source.paths import fingerprint
from loader.source.unfixed_rejects import MARKER, with_unfixed
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polars._typing import PolarsDataType

    from loader.settings import SourceOptions
    from loader.source.bytes import FileHead

_ROWS_AT_ONCE: Final = 20_000
_MAGIC: Final = b"PAR1"
_SHOWN: Final = 200  # characters of a message of Polars


def is_parquet(head: FileHead) -> bool:
    """Return whether a file starts as Parquet files do."""
    return head.data.startswith(_MAGIC)


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file that was opened once and can be read from any row.

    Attributes:
        file: What others may know of it.
        height: How many rows it has.
        is_rejects: Whether it has the columns that a rejects file adds.
    """

    file: SourceFile
    height: int
    is_rejects: bool = False

    def batches(self, size: int, start: Position, limit: int | None) -> Iterator[Batch]:
        """Read batches of rows from a position on; as in `SourceReader`."""
        first = start.record_no - 1
        last = self.height if limit is None else min(self.height, first + limit - start.seq)
        # A whole number of batches, so that none is put together from two pieces.
        slab = max(1, _ROWS_AT_ONCE // size) * size
        return in_batches(self.file, self._chunks(first, last, slab), size, start, limit)

    def _chunks(self, first: int, last: int, slab: int) -> Iterator[Chunk]:
        for begin in range(first, last, slab):
            rows = self._read(begin, min(slab, last - begin))
            nowhere = np.zeros(rows.height, dtype=np.int64)  # Parquet has neither lines nor offsets
            yield Chunk(rows, nowhere, nowhere, nowhere, nowhere)

    def _read(self, first: int, count: int) -> pl.DataFrame:
        schema = self.file.schema
        columns = [pl.col(name).cast(dtype) for name, dtype in schema.items()]
        columns += [pl.col(MARKER)] if self.is_rejects else []
        try:
            lazy = pl.scan_parquet(self.file.path, glob=False, hive_partitioning=False).slice(first, count)
            rows = lazy.select(columns).collect()
        except (PolarsError, PanicException, OSError) as error:
            raise _unreadable(self.file.path, error) from error
        if rows.height != count:
            raise SourceError(
                f"{self.file.path}: row {first + rows.height + 1} of {self.height} is missing since the file "
                "was opened",
                next_step="Keep the file as it is while it is loaded. Restore it, and resume the load.",
            )
        rows = rows.with_columns(pl.lit(None, pl.String).alias(PROBLEM))
        return with_unfixed(rows, list(schema), None).select(*schema, PROBLEM)


def open_parquet(path: str, file_no: int, _options: SourceOptions) -> ParquetFile:
    """Read a Parquet file's schema and number of rows, and fingerprint the file.

    Raises:
        SourceError: It is not a readable Parquet file, or its columns cannot be used.
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
    return ParquetFile(file, height, is_rejects=bool(dropped))


def parquet_columns(path: str, _options: SourceOptions) -> tuple[dict[str, pl.DataType], tuple[str, ...]]:
    """Return a Parquet file's columns with their types, and what was assumed; no rows are read.

    Raises:
        SourceError: It is not a readable Parquet file, or its columns cannot be used.
    """
    try:
        types = pl.read_parquet_schema(path)
    except (PolarsError, PanicException, OSError) as error:
        raise _unreadable(path, error) from error
    check_names(path, list(types))
    kept, dropped = kept_columns(path, tuple(types))
    return {name: _plain_type(types[name]) for name in kept}, dropped


def _plain_type(dtype: PolarsDataType) -> pl.DataType:
    """Return the type with text for every category in it, and with lists for arrays."""
    if isinstance(dtype, type):
        return _plain_type(dtype())
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_plain_type(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _plain_type(field.dtype) for field in dtype.fields})
    return dtype


def _unreadable(path: str, error: BaseException) -> SourceError:
    lines = str(error).strip().splitlines()
    words = lines[0] if lines else type(error).__name__
    return SourceError(
        f"{path}: cannot be read as Parquet: {shorten(words, _SHOWN)}",
        next_step="Check that the file was written to its end. If it is CSV, set source.format to csv.",
    )
