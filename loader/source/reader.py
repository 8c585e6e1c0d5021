"""Read several files as one source."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import SourceChanged, SourceError, SourceLost
from loader.records import Position
from loader.source.formats import format_of
from loader.source.paths import expand
from loader.source.stdin import STDIN, with_stdin_spooled
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from loader.records import Batch, Dialect, SourceFile
    from loader.settings import SourceOptions
    from loader.source.batches import SourceReader

_START: Final = Position()
_CHANGED: Final = (
    "Restore the files as they were when the load started, or start a new load with the new ones."
)


class Source:
    """The files of a load in their order.

    Args:
        readers: The opened files.
    """

    def __init__(self, readers: Sequence[SourceReader]) -> None:
        self._readers = tuple(readers)

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """Return what is known of each file."""
        return tuple(reader.file for reader in self._readers)

    def batches(self, rows: int, start: Position = _START, limit: int | None = None) -> Iterator[Batch]:
        """Read the records from a position on.

        Args:
            rows: Records per batch. The last one of a file may have fewer; none spans two files, and none is
                empty.
            start: The start of the load, or the end of an earlier batch of the same files. If that batch had
                `rows` records, or ended its file, the batches are those that reading from the start gives.
            limit: Stop before the record with this `seq`; None: read to the end.

        Raises:
            ValueError: `rows` is less than 1.
            SourceLost: A file cannot be read any further.
        """
        if rows < 1:
            raise ValueError(f"rows is {rows}; a batch has at least one")
        at = start
        for reader in self._readers[start.file_no :]:
            if at.file_no != reader.file.file_no:
                at = Position(at.seq, reader.file.file_no)
            try:
                for batch in reader.batches(rows, at, limit):
                    yield batch
                    at = batch.end
            except SourceError as error:
                raise SourceLost(error.message, next_step=error.next_step) from error

    def checked(self, expected: Sequence[SourceFile]) -> None:
        """Check that these are the files that a load started with.

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
            raise SourceChanged(f"{missing.path}: belongs to the load but is missing", next_step=_CHANGED)
        if len(self.files) > len(expected):
            added = self.files[len(expected)]
            raise SourceChanged(f"{added.path}: does not belong to the load", next_step=_CHANGED)

    def total_hint(self) -> int | None:
        """Return about how many records there are, for a progress bar; None if that is unknown.

        It is exact except for CSV files that are not small: theirs is estimated from their first bytes.
        """
        return sum(reader.height for reader in self._readers)


def open_source(paths: Sequence[str], options: SourceOptions, spool: Path | None = None) -> Source:
    """Find, open and fingerprint the files of a load.

    Args:
        paths: Paths and globs, in the order in which they are read; `-` is standard input.
        options: How to read them; what is left out is detected for each file.
        spool: The folder that keeps standard input, so that it can be read again; None: a temporary folder,
            which is removed with the source.

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
    """The columns of a file.

    Attributes:
        path: The file, as it was named or as a glob found it.
        name: Its name without folders.
        schema: Its columns in order with their types, as `SourceFile` has them.
        notes: What was detected and assumed, for people, one line for each.
    """

    path: str
    name: str
    schema: Mapping[str, pl.DataType]
    notes: tuple[str, ...]


def read_columns(paths: Sequence[str], options: SourceOptions) -> list[SourceColumns]:
    """Return the columns of files, by their headers alone where the format has one.

    Args:
        paths: Paths and globs.
        options: How to read them; what is left out is detected for each file.

    Raises:
        SourceError: As from `open_source`.
    """
    return [_columns(path, options) for path in expand(paths)]


def _columns(path: str, options: SourceOptions) -> SourceColumns:
    file_format = format_of(path, options.format)
    if file_format.columns:
        schema, notes = file_format.columns(path, options)
    else:
        file = file_format.open(path, 0, options).file
        schema, notes = file.schema, file.notes
    return SourceColumns(path, Path(path).name, schema, notes)


def _open_files(paths: Sequence[str], options: SourceOptions) -> Source:
    return Source(
        [
            format_of(path, options.format).open(path, file_no, options)
            for file_no, path in enumerate(expand(paths))
        ]
    )


def _difference(was: SourceFile, now: SourceFile) -> str | None:
    """Return in which way a file is not what it was; None where it is."""
    if was.name != now.name:
        return f"is in the place of {was.name}, which the load started with"
    if was.size != now.size:
        return f"has {now.size} bytes, and had {was.size} when the load started"
    if was.fingerprint != now.fingerprint:
        return "has the same size as when the load started, but other content (its SHA-256 differs)"
    if was.format != now.format:
        return f"is read as {now.format}, and was read as {was.format} when the load started"
    if was.dialect and now.dialect and was.dialect != now.dialect:
        return f"is read with {_changed_options(was.dialect, now.dialect)} when the load started"
    return None


def _changed_options(was: Dialect, now: Dialect) -> str:
    """Return what differs between two dialects: `delimiter ';', and was read with delimiter ','`."""
    names = [field.name for field in dataclasses.fields(now)]
    changed = [name for name in names if getattr(was, name) != getattr(now, name)]
    before, after = (
        ", ".join(f"{name} {shorten(repr(getattr(dialect, name)))}" for name in changed)
        for dialect in (was, now)
    )
    return f"{after}, and was read with {before}"
