"""Several files read as one source."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.errors import SourceChanged, SourceError, SourceLost
from loader.records import Position
from loader.source.csv.batches import csv_batches
from loader.source.csv.open import csv_columns, open_csv
from loader.source.excel.file import XlsxFile, open_xlsx
from loader.source.formats import kind_of
from loader.source.ndjson.file import NdjsonFile, open_ndjson
from loader.source.parquet import ParquetFile, open_parquet, parquet_columns
from loader.source.paths import expand
from loader.source.stdin import STDIN, with_stdin_spooled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loader.records import Batch, SourceFile
    from loader.settings import SourceOptions
    from loader.source.csv.file import CsvFile

    Opened = CsvFile | NdjsonFile | ParquetFile | XlsxFile

_START: Final = Position()
_CHANGED: Final = "Give the files as they were when the load began, or start a new load with the new ones."


class Source:
    """The files of a load in their order.

    Args:
        files: The opened files.
    """

    def __init__(self, files: Sequence[Opened]) -> None:
        self._files = tuple(files)

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """What is known of each file."""
        return tuple(opened.file for opened in self._files)

    def batches(self, rows: int, start: Position = _START, limit: int | None = None) -> Iterator[Batch]:
        """Reads the records from a position on.

        Args:
            rows: Records a batch. The last of a file may have fewer; none spans two files, none is empty.
            start: The start of the load, or a position that an earlier batch of the same files gave;
                what is read is then what reading from the start would have given from there on, if
                `start` is where a batch of `rows` records ended.
            limit: Stop before the record with this `seq`; None: read to the end.

        Raises:
            ValueError: `rows` is less than 1.
            SourceLost: A file cannot be read on.
        """
        if rows < 1:
            raise ValueError(f"rows is {rows}; a batch has at least one")
        at = start
        for opened in self._files[start.file_no :]:
            if at.file_no != opened.file.file_no:
                at = Position(at.seq, opened.file.file_no)
            try:
                for batch in _batches(opened, rows, at, limit):
                    yield batch
                    at = batch.end
            except SourceError as error:
                raise SourceLost(error.message, next_step=error.next_step) from error

    def checked(self, expected: Sequence[SourceFile]) -> None:
        """Checks that these are the files that a load began with.

        Args:
            expected: Its files as the journal keeps them.

        Raises:
            SourceChanged: A file is missing, is one too many, has another size or fingerprint, or would
                be read another way.
        """
        for was, now in zip(expected, self.files, strict=False):
            if difference := _difference(was, now):
                raise SourceChanged(f"{now.path}: {difference}", next_step=_CHANGED)
        if len(self.files) < len(expected):
            missing = expected[len(self.files)]
            raise SourceChanged(f"{missing.path}: belongs to the load and is missing", next_step=_CHANGED)
        if len(self.files) > len(expected):
            added = self.files[len(expected)]
            raise SourceChanged(f"{added.path}: does not belong to the load", next_step=_CHANGED)

    def total_hint(self) -> int | None:
        """About how many records there are, for a progress bar; None if that is unknown.

        Exact but for CSV files that are not small: there it is an estimate from their first bytes.
        """
        return sum(
            opened.height if isinstance(opened, ParquetFile | NdjsonFile | XlsxFile) else opened.hint
            for opened in self._files
        )


def open_source(paths: Sequence[str], options: SourceOptions, spool: Path | None = None) -> Source:
    """Finds, opens and fingerprints the files of a load.

    Args:
        paths: Paths and globs, in the order in which they are to be read; `-` is standard input.
        options: How to read them; what is left out is detected for each file.
        spool: Where standard input is kept, so that it can be read again; None: in a temporary folder,
            which goes when the source does.

    Raises:
        SourceError: A file is missing, empty or unreadable, is named twice, or has no usable header.
    """
    if STDIN not in paths or spool is not None:
        named = with_stdin_spooled(paths, spool or Path(), options.format)
        return _open_files(named, options)
    folder = Path(tempfile.mkdtemp(prefix="loader-"))
    try:
        source = _open_files(with_stdin_spooled(paths, folder, options.format), options)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """What a file's header says.

    Attributes:
        path: The file, as named or as a glob found it.
        name: Its name without folders.
        schema: Its columns in order with their types, as `SourceFile` has them.
        notes: What was detected and assumed, one line each, for people.
    """

    path: str
    name: str
    schema: Mapping[str, pl.DataType]
    notes: tuple[str, ...]


def read_columns(paths: Sequence[str], options: SourceOptions) -> list[SourceColumns]:
    """The columns of files, by their headers alone where the format has one.

    Args:
        paths: Paths and globs.
        options: How to read them; what is left out is detected for each file.

    Raises:
        SourceError: As from `open_source`.
    """
    return [_columns(path, options) for path in expand(paths)]


def _columns(path: str, options: SourceOptions) -> SourceColumns:
    kind = kind_of(path, options.format)
    name = Path(path).name
    if kind == "parquet":
        schema, notes = parquet_columns(path)
        return SourceColumns(path, name, schema, notes)
    if kind == "csv":
        names, notes = csv_columns(path, options)
        return SourceColumns(path, name, dict.fromkeys(names, pl.String()), notes)
    file = open_source([path], options).files[0]
    return SourceColumns(path, name, file.schema, file.notes)


def _open_files(paths: Sequence[str], options: SourceOptions) -> Source:
    return Source([_opened(path, file_no, options) for file_no, path in enumerate(expand(paths))])


def _opened(path: str, file_no: int, options: SourceOptions) -> Opened:
    kind = kind_of(path, options.format)
    if kind == "parquet":
        return open_parquet(path, file_no)
    if kind == "ndjson":
        return open_ndjson(path, file_no, options)
    return open_xlsx(path, file_no, options) if kind == "xlsx" else open_csv(path, file_no, options)


def _batches(opened: Opened, rows: int, start: Position, limit: int | None) -> Iterator[Batch]:
    if isinstance(opened, ParquetFile | NdjsonFile | XlsxFile):
        return opened.batches(rows, start, limit)
    return csv_batches(opened, rows, start, limit)


def _difference(was: SourceFile, now: SourceFile) -> str | None:
    """What to say of a file that is not what it was; None if it is."""
    if was.name != now.name:
        return f"stands where {was.name} stood when the load began"
    if was.size != now.size:
        return f"has {now.size} bytes, and had {was.size} when the load began"
    if was.fingerprint != now.fingerprint:
        return "has the size that it had when the load began, but other content (its SHA-256 differs)"
    if was.format != now.format:
        return f"is read as {now.format}, and was read as {was.format} when the load began"
    if was.dialect is not None and was.dialect != now.dialect:
        return f"is read as {now.dialect}, and was read as {was.dialect} when the load began"
    return None
