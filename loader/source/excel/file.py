"""An Excel workbook: one sheet of it, and its rows from any position on.

openpyxl reads it, because it distinguishes errors from empty cells, whole numbers from others, and formulas
without a value. It is an extra.
"""

from __future__ import annotations

import contextlib
import re
import warnings
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from xml.etree import ElementTree as ET

from loader.errors import SourceError
from loader.records import Batch, Position, Sheet, SourceFile
from loader.source.batches import Chunk, in_batches
from loader.source.columns import kept_columns
from loader.source.excel.rows import SheetRows, read_rows
from loader.source.paths import fingerprint, unreadable
from loader.source.unfixed_rejects import with_unfixed
from loader.text import did_you_mean, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loader.settings import SourceOptions

_SHOWN: Final = 200  # characters of a message of openpyxl
_OVERLAP: Final = 200  # bytes at the end of a block in which a tag may start
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[ >/]")
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class XlsxFile:
    """A sheet that was read once and is held in memory.

    Attributes:
        file: What others may know of it.
        records: All of its records.
    """

    file: SourceFile
    records: Chunk

    @property
    def height(self) -> int:
        """Return how many records it has."""
        return self.records.height

    def batches(self, size: int, start: Position, limit: int | None) -> Iterator[Batch]:
        """Read batches of rows from a position on; as in `SourceReader`."""
        rest = self.records.part(start.record_no - 1, self.height)
        return in_batches(self.file, [rest] if rest.height else [], size, start, limit)


def open_xlsx(path: str, file_no: int, options: SourceOptions) -> XlsxFile:
    """Read a sheet of a workbook, and fingerprint the file.

    Raises:
        SourceError: openpyxl is not installed, or the workbook, the sheet or its header cannot be used.
    """
    size, digest = fingerprint(path)
    try:
        with (
            Path(path).open("rb") as stream,
            warnings.catch_warnings(),
        ):  # a stream: openpyxl refuses some names
            warnings.simplefilter("ignore")
            sheet, notes, read = _read(path, stream, options)
    except OSError as error:
        raise unreadable(path, error) from error
    kept, dropped = kept_columns(path, read.names)
    file = SourceFile(
        file_no=file_no,
        path=path,
        name=Path(path).name,
        size=size,
        fingerprint=digest,
        format="xlsx",
        dialect=None,
        schema={name: read.records.rows.schema[name] for name in kept},
        notes=(*notes, *_detected(read, options), *dropped),
        sheet=Sheet(sheet, read.first_row, read.has_header),
    )
    rows = with_unfixed(read.records.rows, kept, None)
    return XlsxFile(file, replace(read.records, rows=rows))


def _read(path: str, file: BinaryIO, options: SourceOptions) -> tuple[str, list[str], SheetRows]:
    """Return the sheet's name, what was detected, and its rows."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra, which only those who read workbooks install
    except ImportError as error:
        raise SourceError(
            f"{path}: openpyxl is needed to read Excel workbooks, and it is not installed",
            next_step="Run `pip install 'loader[excel]'`, or save the sheet as CSV (UTF-8).",
        ) from error
    with _translated_errors(path):
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            sheet, notes = _sheet(path, book, options.sheet)
            return sheet.title, notes, read_rows(path, sheet, options, _uncomputed(path, sheet))
        finally:
            book.close()


@contextlib.contextmanager
def _translated_errors(path: str) -> Iterator[None]:
    """Turn whatever openpyxl raises for a damaged workbook into an error that names it."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        words = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SourceError(
            f"{path}: cannot be read as an Excel workbook: {shorten(words, _SHOWN)}",
            next_step="Open the file in Excel to check it, and save it again as .xlsx.",
        ) from error


def _sheet(path: str, book: Any, option: str | None) -> tuple[Any, list[str]]:
    """Return the sheet to read, and a note where no option names it."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise SourceError(f"{path}: has no sheet with cells", next_step="Check the export that wrote it.")
    if option is not None and option in sheets:
        return sheets[option], []
    if option is not None:
        raise SourceError(
            f"{path}: has no sheet {option!r}{did_you_mean(option, list(sheets))}",
            next_step=f"Set source.sheet to one of {_quoted(sheets)}.",
        )
    visible = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
    sheet = (visible or list(sheets.values()))[0]
    others = _quoted(name for name in sheets if name != sheet.title)
    more = f", the first; set source.sheet for one of the others: {others}" if others else ""
    return sheet, [f'detected: sheet "{sheet.title}"{more}']


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _detected(read: SheetRows, options: SourceOptions) -> Iterator[str]:
    if read.has_header and options.header is None:
        yield f"detected: header in row {read.first_row}"
    yield from read.changes
    for name, kinds in read.mixed:
        yield f"column {name!r} has {' and '.join(kinds)}: read as text"


def _uncomputed(path: str, sheet: Any) -> frozenset[str]:
    """Return the cells with a formula that no program has computed, such as `B7`."""
    part = sheet._worksheet_path  # noqa: SLF001 - openpyxl shows such a cell as an empty one
    with zipfile.ZipFile(path) as archive:
        with archive.open(part) as file:
            if not _has_formula(file):
                return frozenset()
        with archive.open(part) as file:
            return frozenset(_cells_without_value(file))


def _has_formula(file: Any) -> bool:
    rest = b""
    while block := file.read(_BLOCK):
        if _FORMULA.search(rest + block):
            return True
        rest = block[-_OVERLAP:]
    return False


def _cells_without_value(file: Any) -> Iterator[str]:
    for _, element in ET.iterparse(file):  # noqa: S314 - expat bounds what entities grow to; nothing else is resolved
        name = element.tag.rpartition("}")[2]
        if name == "c":
            inner = {child.tag.rpartition("}")[2]: child for child in element}
            value = inner.get("v")
            if "f" in inner and element.get("t") != "str" and (value is None or not value.text):
                yield element.get("r", "")
        elif name == "row":
            element.clear()
