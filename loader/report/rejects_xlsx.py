"""`rejects.xlsx`: rejected rows in a sheet like the source's, its cells typed as they were."""

from __future__ import annotations

import contextlib
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from loader.records import REJECT_COLUMNS
from loader.report.atomic import AtomicFile, speaking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl
    from openpyxl.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from loader.records import Sheet

_MOST_SAFE: Final = 10**15  # whole numbers up to here are exact in a workbook
_LONGEST_CELL: Final = 32_767  # characters
_NO_XML: Final = re.compile("[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
_FORMATS: Final = ((datetime, "yyyy-mm-dd hh:mm:ss.000"), (date, "yyyy-mm-dd"), (time, "hh:mm:ss"))


class XlsxRejects:
    """Writes rejected rows to a workbook.

    Args:
        path: The file; made when it is kept.
        sheet: The source's sheet; its name and its first row are kept.
        columns: The source's columns.
    """

    def __init__(self, path: Path, sheet: Sheet, columns: Sequence[str]) -> None:
        self.path = path
        self._sheet = sheet
        self._columns = columns
        self._book: Any = None
        self._rows: WriteOnlyWorksheet | None = None
        self._notes: dict[str, None] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was rejected so far."""
        return self._rows is None

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must know to load the file again."""
        return tuple(self._notes)

    def add(self, rows: pl.DataFrame, added: pl.DataFrame, extra: Mapping[int, Sequence[str]]) -> None:
        """Writes rows.

        Args:
            rows: The source's columns, or some of them.
            added: REJECT_COLUMNS, a line a row.
            extra: Record number -> surplus cells; of a file of another format.
        """
        sheet = self._begun()
        for cells, own in zip(rows.iter_rows(named=True), added.iter_rows(), strict=True):
            values = [*(cells.get(name) for name in self._columns), *own, *extra.get(own[1], ())]
            with speaking(self.path):
                sheet.append([self._cell(sheet, value) for value in values])

    def keep(self) -> None:
        """Writes the workbook and puts it in its place."""
        draft = AtomicFile(self.path)
        try:
            with speaking(self.path):
                self._book.save(draft.file)
        except BaseException:
            draft.drop()
            raise
        draft.keep()

    def drop(self) -> None:
        """Removes what was written and not kept."""
        rows, self._rows = self._rows, None
        if rows is None or rows.closed:
            return
        with contextlib.suppress(OSError):
            rows.close()
        with contextlib.suppress(OSError):
            rows._writer.cleanup()  # type: ignore[attr-defined]  # noqa: SLF001 - openpyxl would keep its draft until the program ends

    def _begun(self) -> WriteOnlyWorksheet:
        if self._rows is None:
            from openpyxl import Workbook  # noqa: PLC0415 - an extra: only who reads workbooks has it

            with speaking(self.path):
                self._book = Workbook(write_only=True)
                self._rows = self._book.create_sheet(self._sheet.name)
                for _ in range(self._sheet.first_row - 1):
                    self._rows.append([])
                if self._sheet.header:
                    names = (*self._columns, *REJECT_COLUMNS)
                    self._rows.append([self._cell(self._rows, name) for name in names])
        return self._rows

    def _cell(self, sheet: WriteOnlyWorksheet, value: object) -> Cell | None:
        """A cell of the value's own type; text is never a formula."""
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - likewise

        if value is None:
            return None
        plain = self._storable(value)
        cell = WriteOnlyCell(sheet, value=plain)
        if isinstance(plain, str):
            cell.data_type = "s"
        for kind, form in _FORMATS:
            if isinstance(plain, kind):
                cell.number_format = form
                break
        return cell

    def _storable(self, value: object) -> Any:
        """What a workbook can hold of a value, exactly; else its text."""
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
        return _NO_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
