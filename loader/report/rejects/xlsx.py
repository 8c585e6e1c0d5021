"""`rejects.xlsx`: rejected rows in a sheet like the source's, its cells typed as they were."""

from __future__ import annotations

import contextlib
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from loader.records import REJECT_COLUMNS, Sheet
from loader.report.atomic import replacing, write_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from openpyxl.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from loader.records import SourceFile
    from loader.report.rejects.protocol import RejectedRows

_MOST_SAFE: Final = 10**15  # whole numbers up to here are exact in a workbook
_LONGEST_CELL: Final = 32_767  # characters
_NO_XML: Final = re.compile("[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
_FORMATS: Final = ((datetime, "yyyy-mm-dd hh:mm:ss.000"), (date, "yyyy-mm-dd"), (time, "hh:mm:ss"))


class XlsxRejects:
    """Writes rejected rows to a sheet with the name and first row of the source's; see `RejectsFile`."""

    file_name: ClassVar[str] = "rejects.xlsx"
    keeps_nested: ClassVar[bool] = False

    def __init__(self, folder: Path, first: SourceFile, columns: Sequence[str]) -> None:
        self.path = folder / self.file_name
        self._sheet = first.sheet or Sheet("Sheet1", 1, header=True)
        self._columns = columns
        self._book: Any = None
        self._rows: WriteOnlyWorksheet | None = None
        self._notes: dict[str, None] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there was no row so far."""
        return self._rows is None

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must know to load the file again."""
        return tuple(self._notes)

    def add(self, rows: RejectedRows) -> None:
        """Write rows."""
        sheet, surplus = self._open_sheet(), rows.flat_surplus()
        for cells, added in zip(rows.flat_cells().iter_rows(named=True), rows.added.iter_rows(), strict=True):
            values = [*(cells.get(name) for name in self._columns), *added, *surplus.get(added[1], ())]
            with write_errors(self.path):
                sheet.append([self._cell(sheet, value) for value in values])

    def publish(self) -> None:
        """Write the workbook and give it its name."""
        with replacing(self.path) as file:
            self._book.save(file)

    def discard(self) -> None:
        """Remove what was written and not published."""
        rows, self._rows = self._rows, None
        if rows is None or rows.closed:
            return
        with contextlib.suppress(OSError):
            rows.close()
        with contextlib.suppress(OSError):
            rows._writer.cleanup()  # type: ignore[attr-defined]  # noqa: SLF001 - openpyxl would keep its draft until the program ends

    def _open_sheet(self) -> WriteOnlyWorksheet:
        if self._rows is None:
            from openpyxl import Workbook  # noqa: PLC0415 - an extra: only who reads workbooks has it

            with write_errors(self.path):
                self._book = Workbook(write_only=True)
                self._rows = self._book.create_sheet(self._sheet.name)
                for _ in range(self._sheet.first_row - 1):
                    self._rows.append([])
                if self._sheet.header:
                    names = (*self._columns, *REJECT_COLUMNS)
                    self._rows.append([self._cell(self._rows, name) for name in names])
        return self._rows

    def _cell(self, sheet: WriteOnlyWorksheet, value: object) -> Cell | None:
        """Return a cell of the value's own type; text is never a formula."""
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - likewise

        if value is None:
            return None
        content = self._storable(value)
        cell = WriteOnlyCell(sheet, value=content)
        if isinstance(content, str):
            cell.data_type = "s"
        for type_, number_format in _FORMATS:
            if isinstance(content, type_):
                cell.number_format = number_format
                break
        return cell

    def _storable(self, value: object) -> Any:
        """Return what a workbook can hold of a value exactly; else its text."""
        if isinstance(value, bool | date | time | timedelta):
            return value
        if isinstance(value, int | float):
            return value if abs(value) <= _MOST_SAFE or isinstance(value, float) else str(value)
        if isinstance(value, Decimal):
            return str(value)
        text = str(value)
        if len(text) > _LONGEST_CELL:
            note = f"cells of more than {_LONGEST_CELL} characters are cut: take those from the source"
            self._notes[note] = None
            text = text[:_LONGEST_CELL]
        return _NO_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
