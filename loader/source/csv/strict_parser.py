"""The exact path: one record after another, whatever stands in it.

The rules, which the quick path follows too where it applies:

- A cell is quoted if it begins with the quote. Inside, a doubled quote is a quote, and so is an escaped
  one; an escaped escape is an escape; delimiters and line ends are text.
- After the closing quote comes a delimiter, a line end or the end of the file. Text there is a problem of
  the record.
- A quote inside an unquoted cell is text.
- Nothing at all between two line ends is no record.
- A quote that spans lines was never closed if nothing closes it within LONGEST_RECORD, or if what closes it
  shows that it does not:

  - text follows, and the closing quote stands where a cell may begin (`1,"abc` / `2,"def"`; doubled quotes
    may stand between), or most of the lines behind the first have as many cells as there are columns (where
    only one line is behind, the first must have enough, too): `1,"abc,x` / `2,b,c` / `3,5" pipe,e`;
  - a quote stands loose further on in the same record or is never closed there, or the record has too few
    or too many cells, and the line on which the cell would end is a record with regular quotes by itself:
    `1,"abc,x` / `2,y,", z"`;
  - the record has too few or too many cells, its first line by itself has enough, and most of the lines
    behind have as many as there are columns: `1,"abc,x` / `2,b,c` / `3,d,e"`.

  Then the record ends with the line on which that quote was opened, and has a problem; the next line begins
  a new record. A record that is written by the rules and has as many cells as there are columns is never
  doubted, however many lines it has.
- A cell longer than LONGEST_CELL is a problem of its record. A line longer than LONGEST_RECORD, or
  with more than MOST_CELLS, is one record with a problem, of which only the beginning is kept.

What a record is depends on what stands behind its first byte and on nothing before it, so that reading can
begin with any record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.source.bytes import kept_bytes
from loader.source.csv.bytes_dialect import (
    LONGEST_CELL,
    LONGEST_RECORD,
    MOST_CELLS,
    Chunk,
    ragged_problem,
    text_schema,
)
from loader.source.csv.splitter import Endless, Splitter, Unclosed, Unfinished, is_ragged

if TYPE_CHECKING:
    from loader.source.csv.bytes_dialect import BytesDialect
    from loader.source.csv.splitter import SplitCells

_KEPT: Final = 4096  # bytes of a line that is too long to be read


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A record as it was found.

    Attributes:
        cells: Its cells' text, quotes taken off; None for a blank line.
        end: The index after its line end.
        breaks: How many line ends it holds, its own among them.
        problem: Why it cannot be read as a row, not counting its number of cells; None for a sound one.
        is_cut: Whether `cells` are only its beginning.
        goes_on: Whether its line end is still to come: `end` is then somewhere in it.
    """

    cells: list[str] | None
    end: int
    breaks: int
    problem: str | None = None
    is_cut: bool = False
    goes_on: bool = False


class Exact:
    """Reads single records.

    Args:
        form: How they are written; the number of `columns` helps to judge quotes.
    """

    def __init__(self, form: BytesDialect) -> None:
        self._form = form
        self.cutter = Splitter(form)

    def record(self, data: bytes, at: int, line: int, *, final: bool) -> ParsedRecord | None:
        """Reads the record that begins at index `at`, before the end of `data`.

        Args:
            data: The text, from anywhere before `at`.
            at: Where the record begins.
            line: The line that it begins on, for messages.
            final: Whether no more data will be given.

        Returns:
            The record; None where more data is needed to tell where it ends.
        """
        try:
            cut = self.cutter.cut(data, at, final=final)
        except Unclosed as unclosed:
            return self._given_up(data, at, line, unclosed, final=final)
        except Unfinished:
            return None
        except Endless as endless:
            return self._too_long(data, at, endless.seen, final=final)
        if cut.cells == [b""] and data[at : at + 1] in (b"\r", b"\n"):
            return ParsedRecord(None, cut.end, self.cutter.breaks(data, at, cut.end))
        return self._told(cut.cells, data, at, cut.end, _stray_problem(cut))

    def _told(self, cells: list[bytes], data: bytes, at: int, end: int, problem: str | None) -> ParsedRecord:
        texts, unreadable = self._decoded(cells, data[at:end])
        overlong = _overlong(cells) if end - at > LONGEST_CELL else None
        nul = _nul(cells) if data.find(b"\0", at, end) >= 0 else None
        problems = [text for text in (unreadable, problem, nul, overlong) if text]
        return ParsedRecord(texts, end, self.cutter.breaks(data, at, end), "; ".join(problems) or None)

    def _given_up(
        self, data: bytes, at: int, line: int, unclosed: Unclosed, *, final: bool
    ) -> ParsedRecord | None:
        """The record as far as the line on which the quote was opened."""
        try:
            stop, end = self.cutter.line(data, unclosed.opened, at, final=final)
        except Unfinished:
            return None
        except Endless as endless:
            return self._too_long(data, at, endless.seen, final=final)
        if data.count(self._form.delimiter, unclosed.opened, stop) >= MOST_CELLS:
            return self._too_long(data, at, unclosed.opened, final=final)
        cells = [*unclosed.before, *data[unclosed.opened : stop].split(self._form.delimiter)]
        opened = line + self.cutter.breaks(data, at, unclosed.opened)
        return self._told(cells, data, at, end, f"a quote opened in line {opened} is {unclosed.why}")

    def _too_long(self, data: bytes, at: int, seen: int, *, final: bool) -> ParsedRecord:
        """The beginning of a record that is not held; it may go on behind the data."""
        match = self.cutter.line_end(data, seen, final=final)
        # A CR at the end of the data is left for what comes, which may begin with the rest of a CRLF.
        end = match.end() if match else len(data) - (not final and data.endswith(b"\r"))
        cells = [_replaced(cell, self._form) for cell in data[at : at + _KEPT].split(self._form.delimiter)]
        return ParsedRecord(
            cells,
            end,
            self.cutter.breaks(data, at, end),
            too_long_problem(end - at),
            is_cut=True,
            goes_on=match is None and not final,
        )

    def _decoded(self, cells: list[bytes], raw: bytes) -> tuple[list[str], str | None]:
        form = self._form
        try:
            return [str(cell, form.scanned) for cell in cells], None
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

    def chunk(self, records: list[ParsedRecord], begun: int, offset: int, line: int) -> Chunk:
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
        schema = text_schema(self._form.columns)
        frame = (
            pl.DataFrame(list(zip(*rows, strict=True)), schema, orient="col")
            if rows
            else pl.DataFrame([], schema)
        )
        return Chunk(frame, starts[kept], ends[kept], lines[kept], next_lines[kept], extra)

    def _rows(
        self, records: list[ParsedRecord]
    ) -> tuple[list[tuple[str | None, ...]], dict[int, tuple[str, ...]]]:
        width = len(self._form.columns)
        rows: list[tuple[str | None, ...]] = []
        extra: dict[int, tuple[str, ...]] = {}
        for record in records:
            if record.cells is None:
                continue
            surplus = tuple(record.cells[width:])
            problem = record.problem
            if not record.is_cut and is_ragged(record.cells, width):
                ragged = ragged_problem(len(record.cells), self._form)
                problem = f"{problem}; {ragged}" if problem else ragged
            if any(surplus):
                extra[len(rows)] = surplus
            missing = [None] * (width - len(record.cells))
            rows.append((*record.cells[:width], *missing, problem))
        return rows, extra


def too_long_problem(length: int) -> str:
    """What to say of a record that is longer than LONGEST_RECORD, or has more than MOST_CELLS.

    Args:
        length: Its length in bytes.
    """
    most = f"{LONGEST_RECORD // 2**20} MiB and {MOST_CELLS:,} cells"
    return f"is {length:,} bytes long; at most {most} are read as one record: only {_KEPT:,} bytes are kept"


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


def _replaced(cell: bytes, form: BytesDialect) -> str:
    if form.scanned == form.encoding:
        return cell.decode(form.scanned, "replace")
    text = cell.decode("utf-8", "surrogatepass")
    return re.sub("[\udc00-\udcff]+", "\ufffd", text)


def _nul(cells: list[bytes]) -> str | None:
    place = next((index for index, cell in enumerate(cells) if b"\0" in cell), None)
    return None if place is None else f"holds a NUL byte in cell {place + 1}"


def _overlong(cells: list[bytes]) -> str | None:
    place = next((index for index, cell in enumerate(cells) if len(cell) > LONGEST_CELL), None)
    if place is None:
        return None
    found, most = f"{len(cells[place]):,} bytes long", f"{LONGEST_CELL // 2**20} MiB"
    return f"cell {place + 1} is {found}, and at most {most} are read as one cell"


def _stray_problem(cut: SplitCells) -> str | None:
    if cut.stray is None:
        return None
    return f"has text after the closing quote of cell {cut.stray + 1}: {_short(cut.cells[cut.stray])}"


def _short(cell: bytes) -> str:
    text = repr(cell.decode("ascii", "backslashreplace"))
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - the width that messages give to values
