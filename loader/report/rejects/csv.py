"""`rejects.csv`: rejected rows in the source's own dialect and encoding."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, ClassVar, Final

import polars as pl

from loader.atomic_file import AtomicFile
from loader.records import REJECT_COLUMNS, Dialect
from loader.report.atomic import write_errors
from loader.report.csv_injection import neutralise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from loader.records import SourceFile
    from loader.report.rejects.protocol import RejectedRows

_BOM: Final = "\ufeff"
_LOST: Final = "\ufffd"  # in the place of bytes of the source that are not valid in its encoding
_USUAL: Final = "cp1252"  # the encoding that is assumed where none is detected
_BLOCK: Final = 1 << 20  # characters turned into another encoding at a time


class CsvRejects:
    """Writes rejected rows as text; see `RejectsFile`."""

    file_name: ClassVar[str] = "rejects.csv"
    keeps_nested: ClassVar[bool] = False

    def __init__(self, folder: Path, first: SourceFile, columns: Sequence[str]) -> None:
        self.path = folder / self.file_name
        self._dialect = first.dialect or Dialect()
        self._columns = columns
        self._encoding = self._dialect.encoding
        self._draft: AtomicFile | None = None
        self._notes: dict[str, None] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there was no row so far."""
        return self._draft is None

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must know to load the file again."""
        return tuple(self._notes)

    def add(self, rows: RejectedRows) -> None:
        """Write rows."""
        cells, surplus = rows.flat_cells(), rows.flat_surplus()
        absent = [pl.lit(None).alias(name) for name in self._columns if name not in cells.columns]
        cells = cells.with_columns(absent).select(self._columns)
        for source, added in zip(cells.iter_rows(), rows.added.iter_rows(), strict=True):
            status, record_no, line, *texts = added
            own = (status, record_no, line, *map(neutralise, texts))
            self._write_record(source, map(_as_text, own), surplus.get(record_no, ()))

    def publish(self) -> None:
        """Write the footer and give the file its name."""
        if self._draft:
            self._write(self._encoded(self._dialect.footer))
            with write_errors(self.path):
                self._draft.publish()

    def discard(self) -> None:
        """Remove what was written and not published."""
        if self._draft:
            self._draft.discard()

    def _write_record(self, source: Iterable[object], own: Iterable[str], surplus: Iterable[str]) -> None:
        if self._draft is None:
            with write_errors(self.path):
                self._draft = AtomicFile(self.path)
            self._note_encoding()
            self._write_head()
        delimiter = self._dialect.delimiter
        text = delimiter.join([self._cell(_as_text(value)) for value in source])
        ours = delimiter.join(["", *(self._own_cell(cell) for cell in own)])
        behind = "".join(delimiter + self._cell(cell) for cell in surplus) + self._dialect.newline
        # Encoded in this order: the source's text may change the encoding of what follows.
        front, back = self._encoded(text), self._encoded(behind)
        if self._encoding != self._dialect.encoding:
            front = text.encode(self._encoding)
        self._write(front + ours.encode(self._encoding, "replace") + back)

    def _note_encoding(self) -> None:
        """Note an encoding that the few rows of this file may not have enough letters to show."""
        encoding = self._dialect.encoding
        if not encoding.startswith("utf-") and encoding != _USUAL:
            self._notes[
                f"rejects.csv is in {encoding}, as the source is: where the mapping does not say so, load it "
                f"with -s encoding={encoding}"
            ] = None

    def _write_head(self) -> None:
        dialect = self._dialect
        if dialect.bom:
            self._write(_BOM.encode(self._encoding))
        self._write(self._encoded(dialect.preamble))
        if dialect.header:
            names = [*map(self._cell, self._columns), *map(self._own_cell, REJECT_COLUMNS)]
            self._write(self._encoded(dialect.delimiter.join(names) + dialect.newline))
            empty = dialect.delimiter * (len(names) - 1) + dialect.newline
            self._write(self._encoded(empty * (dialect.header_lines - 1)))

    def _cell(self, text: str) -> str:
        """Return a cell of the source, written so that it is read back as it is."""
        dialect = self._dialect
        quote = dialect.quote or '"'
        if not (
            _is_open(text, dialect.delimiter) or (dialect.quote and (quote in text or text != text.strip()))
        ):
            return text
        if dialect.quote is None:
            self._notes["some cells of rejects.csv are quoted: load it with -s quote='\"'"] = None
        return self._quoted(text)

    def _quoted(self, text: str) -> str:
        quote = self._dialect.quote or '"'
        escape = self._dialect.escape if self._dialect.quote else None
        if escape:
            return quote + text.replace(escape, escape * 2).replace(quote, escape + quote) + quote
        return quote + text.replace(quote, quote * 2) + quote

    def _own_cell(self, text: str) -> str:
        """Return a cell of our own: without a quote, what would end the cell becomes a blank."""
        if self._dialect.quote is None and _is_open(text, self._dialect.delimiter):
            ending = {*self._dialect.delimiter, "\r", "\n"}
            blank = "_" if " " in ending else " "
            return "".join(blank if letter in ending else letter for letter in text)
        if self._dialect.quote not in (None, '"'):
            # Without a quoted cell, a reader of the file could not detect a quote that is not the usual one.
            return self._quoted(text)
        return self._cell(text)

    def _encoded(self, text: str) -> bytes:
        """Encode the source's text; a text that does not fit turns the file into UTF-8."""
        try:
            return text.encode(self._encoding)
        except UnicodeEncodeError:
            pass
        try:
            return text.replace(_LOST, "?").encode(self._encoding)
        except UnicodeEncodeError:
            self._turn_into_utf8()
            return text.encode()

    def _turn_into_utf8(self) -> None:
        """Write the file again in UTF-8, so that text of later files that does not fit is not lost."""
        if not (narrow := self._draft):
            return
        with write_errors(self.path):
            self._draft = wide = AtomicFile(self.path)
            narrow.file.flush()
            with narrow.draft_path.open("rb") as file:
                reader = codecs.getreader(self._encoding)(file)
                wide.file.write(b"" if self._dialect.bom else _BOM.encode())
                while block := reader.read(_BLOCK):
                    wide.file.write(block.encode())
        narrow.discard()
        self._notes[f"rejects.csv is in UTF-8: {self._encoding} cannot hold what later files have"] = None
        self._encoding = "utf-8"

    def _write(self, content: bytes) -> None:
        if self._draft:
            with write_errors(self.path):
                self._draft.file.write(content)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _is_open(text: str, delimiter: str) -> bool:
    """Return whether a cell without quotes would end too early, as `a|` does before the delimiter `||`."""
    return (text + delimiter).find(delimiter) != len(text) or "\n" in text or "\r" in text
