"""The formats of source files, and how a file's format is found out.

A new format is a folder beside this module and an entry in `FORMATS` (its name is one of `settings.Format`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.bytes import ENDINGS, read_head
from loader.source.csv.open import csv_columns, open_csv
from loader.source.excel.detect import is_workbook
from loader.source.excel.file import open_xlsx
from loader.source.ndjson.file import open_ndjson
from loader.source.ndjson.lines import is_ndjson
from loader.source.parquet import is_parquet, open_parquet, parquet_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from loader.settings import Format, SourceOptions
    from loader.source.batches import SourceReader
    from loader.source.bytes import FileHead

    ColumnsAndNotes = tuple[Mapping[str, pl.DataType], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """A format of source files.

    Attributes:
        name: Its name in `-s format=`, in a mapping's `source.format` and in `SourceFile.format`.
        title: Its name in messages.
        endings: The endings of file names that mean it, in lower case.
        matches: Return whether a file has this format, from its first bytes; raises a SourceError for one of
            its kind that cannot be read. None: any text may be one.
        open: Open a file: its path, its index in the load, and the options. Raises a SourceError.
        columns: Return a file's columns with their types, and notes for people, without reading its records;
            None: the file must be opened for it. Raises a SourceError.
        is_binary: Whether it is not text, and compresses itself: it cannot be inside of gzip or zstd.
        is_certain: Whether a match proves the format, so that no option or name overrules it.
    """

    name: Format
    title: str
    endings: tuple[str, ...]
    matches: Callable[[FileHead], bool] | None
    open: Callable[[str, int, SourceOptions], SourceReader]
    columns: Callable[[str, SourceOptions], ColumnsAndNotes] | None = None
    is_binary: bool = False
    is_certain: bool = False


FORMATS: Final = (
    SourceFormat(
        name="xlsx",
        title="an Excel workbook",
        endings=(".xlsx", ".xlsm"),
        matches=is_workbook,
        open=open_xlsx,
        is_binary=True,
        is_certain=True,
    ),
    SourceFormat(
        name="parquet",
        title="Parquet",
        endings=(".parquet", ".pq"),
        matches=is_parquet,
        open=open_parquet,
        columns=parquet_columns,
        is_binary=True,
    ),
    SourceFormat(
        name="ndjson",
        title="NDJSON",
        endings=(".ndjson", ".jsonl", ".json"),
        matches=is_ndjson,
        open=open_ndjson,
    ),
    SourceFormat(
        name="csv",
        title="CSV",
        endings=(".csv", ".tsv"),
        matches=None,
        open=open_csv,
        columns=csv_columns,
    ),
)
"""All formats; the first one that matches a file's content is its format, and the last one takes the rest."""


def format_of(path: str, option: Format | None) -> SourceFormat:
    """Return the format of a file: by the option, else by its name, else by its first bytes.

    Args:
        path: The file.
        option: The option `source.format`; None: detect it.

    Raises:
        SourceError: The file cannot be opened, is compressed in a way that its format does not allow, or is
            an archive or a document of another kind.
    """
    head = read_head(path)
    content = next((known for known in FORMATS if known.matches and known.matches(head)), None)
    file_format = _by_option(option) or _by_name(path) or content or FORMATS[-1]
    if head.packing and (file_format.is_binary or (content and content.is_certain)):
        inner = file_format if file_format.is_binary else content or file_format
        raise SourceError(
            f"{path}: is {head.packing} around {inner.title}, which is compressed already",
            next_step="Decompress it first.",
        )
    if content and content.is_certain and file_format is not content:
        raise SourceError(
            f"{path}: is {content.title}, not {file_format.title}",
            next_step=f"Remove source.format, or set it to {content.name} instead of {file_format.name}."
            if option
            else f"Set source.format to {content.name}, or rename the file.",
        )
    return file_format


def _by_option(option: Format | None) -> SourceFormat | None:
    return next((known for known in FORMATS if known.name == option), None)


def _by_name(path: str) -> SourceFormat | None:
    endings = [ending.lower() for ending in Path(path).suffixes if ending.lower() not in ENDINGS]
    return next((known for known in FORMATS if endings and endings[-1] in known.endings), None)
