"""The exact path: one record after another, whatever stands in it.

The rules, which the quick path follows too where it applies:

- A cell is quoted if it begins with the quote. Inside, a doubled quote is a quote, and so is an escaped
  one; an escaped escape is an escape; delimiters and line ends are text.
- After the closing quote comes a delimiter, a line end or the end of the file. Anything else is a
  problem of the record, unless a line end stands before it in the same cell: then the quote was probably
  never closed, and only the line that it was opened on is given up.
- A quote inside an unquoted cell is text.
- Nothing at all between two line ends is no record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.errors import SourceError
from loader.source.content import kept_bytes
from loader.source.form import LONGEST_RECORD, Chunk, ragged_problem, text_schema

if TYPE_CHECKING:
    from loader.source.form import Form


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was found.

    Attributes:
        cells: Its cells' text, quotes taken off; None for a blank line.
        end: The index after its line end.
        breaks: How many line ends it holds, its own among them.
        problem: Why it cannot be read as a row, not counting its number of cells; None for a sound one.
    """

    cells: list[str] | None
    end: int
    breaks: int
    problem: str | None = None


_TOO_LONG: Final = f"not closed within {LONGEST_RECORD // 2**20} MiB"


class _Unfinished(Exception):  # noqa: N818 - not an error: the data ends before the record does
    """More data is needed to tell where the record ends."""


class _Broken(Exception):  # noqa: N818 - not an error of the program: a quote that makes no sense
    """The quotes of a cell that spans lines do not close as they must."""


class Exact:
    """Reads single records.

    Args:
        form: How they are written; `columns` are only used for messages and by `chunk`.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        line_end = rb"\r\n?|\n" if form.lone_cr else rb"\n|\r\n|\r\Z"
        self._line_end = re.compile(line_end)
        self._cell_end = re.compile(re.escape(form.delimiter) + b"|" + line_end)
        self._inside = _inside_pattern(form)

    def record(self, data: bytes, at: int, line: int, *, final: bool) -> Record | None:
        """Reads the record that begins at index `at`, before the end of `data`.

        Args:
            data: The text, from anywhere before `at`.
            at: Where the record begins.
            line: The line that it begins on, for messages.
            final: Whether no more data will be given.

        Returns:
            The record; None where more data is needed to tell where it ends.

        Raises:
            SourceError: A line has no end within the longest record that is read.
        """
        try:
            cells, end, problem = self._told_apart(data, at, line, final=final)
        except _Unfinished:
            if final or len(data) - at > LONGEST_RECORD:
                raise self._endless(line) from None
            return None
        breaks = self._breaks(data, at, end)
        if cells == [b""] and self._line_end.match(data, at):
            return Record(None, end, breaks)
        texts, unreadable = self._decoded(cells, data[at:end])
        problems = [text for text in (unreadable, problem, _nul(cells)) if text]
        return Record(texts, end, breaks, "; ".join(problems) or None)

    def _told_apart(
        self, data: bytes, at: int, line: int, *, final: bool
    ) -> tuple[list[bytes], int, str | None]:
        """Cells, the index after the record, and what is wrong with its quotes."""
        why = _TOO_LONG
        try:
            cells, end, stray = self._cells(data, at, final=final)
            if end - at <= LONGEST_RECORD:
                return cells, end, None if stray is None else _stray_problem(stray, cells[stray])
        except _Broken as broken:
            why = str(broken)
        cells, end = self._line_alone(data, at, final=final)
        return cells, end, f"a quote opened in line {line} is {why}"

    def _endless(self, line: int) -> SourceError:
        return SourceError(
            f"{self._form.path}: line {line} does not end within {LONGEST_RECORD // 2**20} MiB",
            next_step="Check that the file is text, and what source.encoding and source.quote say.",
        )

    def _cells(self, data: bytes, at: int, *, final: bool) -> tuple[list[bytes], int, int | None]:
        """Cells, the index after the record, and the index of the first cell with stray text."""
        if bare := self._bare(data, at, final=final):
            return bare
        cells: list[bytes] = []
        stray: int | None = None
        while True:
            if self._form.quote is not None and data.startswith(self._form.quote, at):
                cell, at, sound = self._quoted(data, at, final=final)
                stray = len(cells) if stray is None and not sound else stray
            else:
                match = self._end_of_cell(data, at, final=final)
                stop = match.start() if match else len(data)
                cell, at = data[at:stop], stop
            cells.append(cell)
            match = self._end_of_cell(data, at, final=final)
            if match is None:
                return cells, at, stray
            at = match.end()
            if match[0] != self._form.delimiter:
                return cells, at, stray

    def _bare(self, data: bytes, at: int, *, final: bool) -> tuple[list[bytes], int, None] | None:
        """A record of one line without quotes, as `_cells` would give it; None if it is not one."""
        match = self._line_end.search(data, at)
        if match is None or (not final and match.end() == len(data) and match[0] == b"\r"):
            return None
        if self._form.quote is not None and data.find(self._form.quote, at, match.start()) >= 0:
            return None
        return data[at : match.start()].split(self._form.delimiter), match.end(), None

    def _end_of_cell(self, data: bytes, at: int, *, final: bool) -> re.Match[bytes] | None:
        """The next delimiter or line end; None at the end of the file."""
        match = self._cell_end.search(data, at)
        if not final and (match is None or (match.end() == len(data) and match[0] == b"\r")):
            raise _Unfinished
        return match

    def _quoted(self, data: bytes, at: int, *, final: bool) -> tuple[bytes, int, bool]:
        """A quoted cell's text, the index after it, and whether nothing stood after its closing quote.

        A cell with stray text is given as it stands, quotes and all.
        """
        quote, escape = self._form.quote or b"", self._form.escape or b""
        parts: list[bytes] = []
        here = at + len(quote)
        while match := self._inside.search(data, here):
            if match.end() + len(quote) > len(data) and not final:
                raise _Unfinished
            parts.append(data[here : match.start()])
            here = match.end()
            if match[0] == quote:
                break
            parts.append(match[0][len(escape) :] if escape and match[0].startswith(escape) else quote)
        else:
            if not final and len(data) - at <= LONGEST_RECORD:
                raise _Unfinished
            raise _Broken("never closed" if len(data) - at <= LONGEST_RECORD else _TOO_LONG)
        if here - at > LONGEST_RECORD:
            raise _Broken(_TOO_LONG)
        end = self._end_of_cell(data, here, final=final)
        stop = end.start() if end else len(data)
        if stop == here:
            return b"".join(parts), here, True
        if self._line_end.search(data, at, here):
            raise _Broken("not closed before other text follows")
        return data[at:stop], stop, False

    def _line_alone(self, data: bytes, at: int, *, final: bool) -> tuple[list[bytes], int]:
        match = self._line_end.search(data, at)
        if match is None and not final:
            raise _Unfinished
        stop, end = match.span() if match else (len(data), len(data))
        if end - at > LONGEST_RECORD:
            raise _Unfinished
        return data[at:stop].split(self._form.delimiter), end

    def _breaks(self, data: bytes, at: int, end: int) -> int:
        breaks = data.count(b"\n", at, end)
        if self._form.lone_cr:
            breaks += data.count(b"\r", at, end) - data.count(b"\r\n", at, end)
        return breaks

    def _decoded(self, cells: list[bytes], raw: bytes) -> tuple[list[str], str | None]:
        form = self._form
        try:
            return [cell.decode(form.scanned) for cell in cells], None
        except UnicodeDecodeError:
            texts = [_replaced(cell, form) for cell in cells]
        place = next(index for index, cell in enumerate(cells) if not _decodes(cell, form.scanned))
        column = f' (column "{form.columns[place]}")' if place < len(form.columns) else ""
        if form.scanned != form.encoding:
            return texts, f"holds bytes that are not {form.encoding}{column}: {kept_bytes(cells[place])!r}"
        bad = _first_bad(raw, form.scanned)
        advice = "; if the file is cp1252 say source.encoding: cp1252" if form.encoding == "utf-8" else ""
        found = (
            f"bytes at position {bad.start + 1}{column} are not {form.encoding}: {raw[bad.start : bad.end]!r}"
        )
        return texts, found + advice

    def chunk(self, records: list[Record], begun: int, offset: int, line: int) -> Chunk:
        """Makes a chunk of consecutive records, blank lines among them left out.

        Args:
            records: As `record` gave them; at least one.
            begun: The index that the first of them begins at.
            offset: The offset in the content of index 0.
            line: The line that the first of them begins on.
        """
        ends = np.array([record.end for record in records], dtype=np.int64) + offset
        next_lines = line + np.cumsum([record.breaks for record in records], dtype=np.int64)
        starts = np.concatenate(([begun + offset], ends[:-1])).astype(np.int64)
        lines = np.concatenate(([line], next_lines[:-1])).astype(np.int64)
        kept = np.array([record.cells is not None for record in records], dtype=np.bool_)
        rows, extra = self._rows(records)
        frame = pl.DataFrame(rows, schema=text_schema(self._form.columns), orient="row")
        return Chunk(frame, starts[kept], ends[kept], lines[kept], next_lines[kept], extra)

    def _rows(self, records: list[Record]) -> tuple[list[tuple[str | None, ...]], dict[int, tuple[str, ...]]]:
        width = len(self._form.columns)
        rows: list[tuple[str | None, ...]] = []
        extra: dict[int, tuple[str, ...]] = {}
        for record in records:
            if record.cells is None:
                continue
            surplus = tuple(record.cells[width:])
            problem = record.problem
            if any(surplus) or len(record.cells) < width:
                ragged = ragged_problem(len(record.cells), self._form)
                problem = f"{problem}; {ragged}" if problem else ragged
            if any(surplus):
                extra[len(rows)] = surplus
            missing = [None] * (width - len(record.cells))
            rows.append((*record.cells[:width], *missing, problem))
        return rows, extra


def _inside_pattern(form: Form) -> re.Pattern[bytes]:
    quote = re.escape(form.quote or b'"')
    branches = [quote + quote, quote]
    if form.escape is not None:
        mark = re.escape(form.escape)
        branches = [mark + quote, mark + mark, *branches]
    return re.compile(b"|".join(branches))


def _decodes(cell: bytes, encoding: str) -> bool:
    try:
        cell.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _first_bad(raw: bytes, encoding: str) -> UnicodeDecodeError:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return error
    raise AssertionError("a cell does not decode, and the record around it does")


def _replaced(cell: bytes, form: Form) -> str:
    if form.scanned == form.encoding:
        return cell.decode(form.scanned, "replace")
    text = cell.decode("utf-8", "surrogatepass")
    return re.sub("[\udc00-\udcff]+", "\ufffd", text)


def _nul(cells: list[bytes]) -> str | None:
    place = next((index for index, cell in enumerate(cells) if b"\0" in cell), None)
    return None if place is None else f"holds a NUL byte in cell {place + 1}"


def _stray_problem(place: int, cell: bytes) -> str:
    return f"has text after the closing quote of cell {place + 1}: {_short(cell)}"


def _short(cell: bytes) -> str:
    text = repr(cell.decode("ascii", "backslashreplace"))
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - the width that messages give to values
