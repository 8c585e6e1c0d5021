"""An Excel workbook: one sheet of it, and its rows from any position on.

openpyxl reads it, since it tells errors from empty cells, whole numbers from others, and formulas that
nobody has computed; it is an extra.
"""

from __future__ import annotations

import contextlib
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from xml.etree import ElementTree as ET

import polars as pl

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, RECORD_NO, Batch, Position, Sheet, SourceFile
from loader.source.columns import kept_columns
from loader.source.excel.rows import SheetRows, read_rows
from loader.source.paths import fingerprint, unreadable
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.settings import SourceOptions

_SHOWN: Final = 200
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[ >/]")
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class XlsxFile:
    """A sheet that was read once and is held in memory.

    Attributes:
        file: What others may know of it.
        rows: Its columns, LINE and PROBLEM.
        extra: Index of a row -> the cells right of the last column.
    """

    file: SourceFile
    rows: pl.DataFrame
    extra: dict[int, tuple[str, ...]]

    @property
    def height(self) -> int:
        """How many records it has."""
        return self.rows.height

    def batches(self, rows: int, start: Position, stop: int | None) -> Iterator[Batch]:
        """Gives out batches of `rows` rows from a position on.

        Args:
            rows: Rows a batch; the last one may have fewer.
            start: Where to begin.
            stop: The `seq` to stop before; None: the end of the sheet.
        """
        first = start.record_no - 1
        last = self.height if stop is None else min(self.height, first + stop - start.seq)
        for begin in range(first, last, rows):
            yield self._batch(begin, min(last, begin + rows), start.seq + begin - first)

    def _batch(self, first: int, last: int, seq: int) -> Batch:
        frame = self.rows[first:last]
        numbers = pl.Series(RECORD_NO, range(first + 1, last + 1), pl.Int64)
        columns = [*self.file.schema, RECORD_NO, LINE, PROBLEM]
        lines, file_no = frame[LINE], self.file.file_no
        return Batch(
            file=self.file,
            start=Position(seq, file_no, first + 1, lines[0]),
            end=Position(seq + last - first, file_no, last + 1, lines[-1] + 1),
            rows=frame.with_columns(numbers).select(columns),
            extra={index + 1: self.extra[index] for index in range(first, last) if index in self.extra},
        )


def open_xlsx(path: str, file_no: int, options: SourceOptions) -> XlsxFile:
    """Reads a sheet of a workbook, and fingerprints the file.

    Raises:
        SourceError: openpyxl is not installed, or the workbook, the sheet or its header cannot be used.
    """
    size, digest = fingerprint(path)
    try:
        with Path(path).open("rb") as stream, warnings.catch_warnings():  # its name says nothing to openpyxl
            warnings.simplefilter("ignore")
            sheet, notes, read = _read(path, stream, options)
    except OSError as error:
        raise unreadable(path, error) from error
    kept, dropped = kept_columns(path, read.names)
    frame = read.frame.select(*kept, LINE, PROBLEM)
    file = SourceFile(
        file_no=file_no,
        path=path,
        name=Path(path).name,
        size=size,
        fingerprint=digest,
        format="xlsx",
        dialect=None,
        schema={name: frame.schema[name] for name in kept},
        notes=(*notes, *_detected(read, options), *dropped),
        sheet=Sheet(sheet, read.first_row, read.has_header),
    )
    return XlsxFile(file, frame, read.extra)


def _read(path: str, file: BinaryIO, options: SourceOptions) -> tuple[str, list[str], SheetRows]:
    """The sheet's name, what was detected, and its rows."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra: only who reads workbooks has it
    except ImportError as error:
        raise SourceError(
            f"{path}: to read Excel workbooks, openpyxl is needed, and it is not installed",
            next_step="pip install 'loader[excel]', or save the sheet as CSV (UTF-8).",
        ) from error
    with _speaking(path):
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            sheet, notes = _sheet(path, book, options.sheet)
            return sheet.title, notes, read_rows(path, sheet, options, _uncomputed(path, sheet))
        finally:
            book.close()


@contextlib.contextmanager
def _speaking(path: str) -> Iterator[None]:
    """Turns whatever openpyxl raises of a damaged workbook into an error that names it."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SourceError(
            f"{path}: cannot be read as an Excel workbook: {why[:_SHOWN]}",
            next_step="Check that the file is whole: open it in Excel, and save it again as .xlsx.",
        ) from error


def _sheet(path: str, book: Any, wanted: str | None) -> tuple[Any, list[str]]:
    """The sheet that is meant, and a note where nobody said which."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise SourceError(f"{path}: has no sheet with cells", next_step="Check that the export wrote it.")
    if wanted is not None and wanted in sheets:
        return sheets[wanted], []
    told = ", ".join(f'"{name}"' for name in sheets)
    if wanted is not None:
        meant = nearest(wanted, list(sheets))
        hint = f'; did you mean "{meant}"?' if meant else ""
        raise SourceError(
            f'{path}: has no sheet "{wanted}"{hint}', next_step=f"Its sheets are {told}: say source.sheet."
        )
    visible = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
    sheet = (visible or list(sheets.values()))[0]
    others = ", ".join(f'"{name}"' for name in sheets if name != sheet.title)
    more = f", the first; others are {others}: say source.sheet for one of them" if others else ""
    return sheet, [f'detected: sheet "{sheet.title}"{more}']


def _detected(read: SheetRows, options: SourceOptions) -> Iterator[str]:
    if read.has_header and options.header is None:
        yield f"detected: header in row {read.first_row}"
    yield from read.changes
    for name, kinds in read.mixed:
        yield f"column {name!r} holds {' and '.join(kinds)}: read as text"


def _uncomputed(path: str, sheet: Any) -> frozenset[str]:
    """The cells that hold a formula and no value, because no program has computed it; such as `B7`."""
    part = sheet._worksheet_path  # noqa: SLF001 - openpyxl gives such a cell out as an empty one
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
        rest = block[-_SHOWN:]
    return False


def _cells_without_value(file: Any) -> Iterator[str]:
    for _, element in ET.iterparse(file):  # noqa: S314 - expat bounds what entities grow to; nothing else is resolved
        name = element.tag.rpartition("}")[2]
        if name == "c":
            inner = {each.tag.rpartition("}")[2]: each for each in element}
            value = inner.get("v")
            if "f" in inner and element.get("t") != "str" and (value is None or not value.text):
                yield element.get("r", "")
        elif name == "row":
            element.clear()
