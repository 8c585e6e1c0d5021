"""Parse one record after another, whatever it contains: the strict path.

The rules, which the fast path follows too where it applies:

1. A cell is quoted if it starts with the quote. Inside of it a doubled quote is a quote, and so is an escaped
   one; an escaped escape is an escape; delimiters and line ends are text.
2. After the closing quote comes a delimiter, a line end or the end of the file. Other text there is a problem
   of the record.
3. A quote inside of an unquoted cell is text.
4. Nothing at all between two line ends is not a record.
5. A quote that spans lines was never closed if one of these shows it:

   a. nothing closes it within LONGEST_RECORD;
   b. text follows the closing quote, and that quote is where a cell may start (`1,"abc` / `2,"def"`; doubled
      quotes may be in between), or most of the lines behind the first have as many cells as there are columns
      (where only one line is behind it, the first must have enough, too):
      `1,"abc,x` / `2,b,c` / `3,5" pipe,e`;
   c. further on in the same record a quote is loose or never closed, or the record has too few or too many
      cells, and the line on which the cell would end is a record with regular quotes by itself:
      `1,"abc,x` / `2,y,", z"`;
   d. the record has too few or too many cells, its first line by itself has enough, and most of the lines
      behind it have as many as there are columns: `1,"abc,x` / `2,b,c` / `3,d,e"`.

   Then the record ends with the line on which that quote was opened, and has a problem; the next line starts
   a new record.
6. A record that follows the rules and has as many cells as there are columns is always accepted, however
   many lines it has.
7. A cell longer than LONGEST_CELL is a problem of its record. A line longer than LONGEST_RECORD, or with more
   than MOST_CELLS, is one record with a problem, of which only the start is kept.

What a record is depends on what is behind its first byte and on nothing before it, so that reading can start
with any record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.findings import Finding, dump_findings
from loader.source.batches import Chunk
from loader.source.bytes import LONGEST_RECORD, bad_bytes, kept_bytes
from loader.source.csv.layout import LONGEST_CELL, MOST_CELLS, ragged_finding, text_schema
from loader.source.csv.splitter import TOO_FAR, Endless, Splitter, Unclosed, Unfinished, is_ragged
from loader.text import shorten

if TYPE_CHECKING:
    from loader.findings import JsonValue
    from loader.source.csv.layout import CsvLayout
    from loader.source.csv.splitter import SplitCells

_KEPT: Final = 4096  # bytes of a line that is too long to be read


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A record of a file.

    Attributes:
        cells: Its cells' text, without the quotes around them; None for a blank line.
        end: The index after its line end.
        breaks: How many line ends it has, its own included.
        findings: Why it cannot be read as a row, its number of cells aside; none for a sound one.
        is_cut: Whether `cells` are only its start.
        goes_on: Whether its line end is still to come: `end` is then somewhere in it.
    """

    cells: list[str] | None
    end: int
    breaks: int
    findings: tuple[Finding, ...] = ()
    is_cut: bool = False
    goes_on: bool = False


class StrictParser:
    """Parse single records.

    Args:
        layout: How they are written; the number of its columns helps to decide about quotes.
    """

    def __init__(self, layout: CsvLayout) -> None:
        self._layout = layout
        self._delimiter = layout.delimiter
        self.splitter = Splitter(layout)

    def record(self, data: bytes, at: int, line: int, *, final: bool) -> ParsedRecord | None:
        """Parse the record that starts at index `at`, before the end of `data`.

        Args:
            data: The text, from anywhere before `at`.
            at: Where the record starts.
            line: The line that it starts on, for findings.
            final: Whether no more data will come.

        Returns:
            The record; None where more data is needed to know where it ends.
        """
        try:
            split = self.splitter.split(data, at, final=final)
        except Unclosed as unclosed:
            return self._given_up(data, at, line, unclosed, final=final)
        except Unfinished:
            return None
        except Endless as endless:
            return self._too_long(data, at, endless.seen, final=final)
        # Rule 4. A quoted empty cell (`""`) is a record: its first byte is no line end.
        if split.cells == [b""] and data[at : at + 1] in (b"\r", b"\n"):
            return ParsedRecord(None, split.end, self.splitter.breaks(data, at, split.end))
        return self._parsed(split.cells, data, at, split.end, _text_after_quote(split))

    def _parsed(
        self, cells: list[bytes], data: bytes, at: int, end: int, quoting: Finding | None
    ) -> ParsedRecord:
        texts, undecodable = self._decoded(cells, data[at:end])
        # Both searches look through all cells, so they are left out where they cannot find anything.
        overlong = _overlong(cells) if end - at > LONGEST_CELL else None
        nul = _nul(cells) if data.find(b"\0", at, end) >= 0 else None
        findings = tuple(finding for finding in (undecodable, quoting, nul, overlong) if finding)
        return ParsedRecord(texts, end, self.splitter.breaks(data, at, end), findings)

    def _given_up(
        self, data: bytes, at: int, line: int, unclosed: Unclosed, *, final: bool
    ) -> ParsedRecord | None:
        """Return the record up to the end of the line on which the quote was opened."""
        try:
            stop, end = self.splitter.line(data, unclosed.opened, at, final=final)
        except Unfinished:
            return None
        except Endless as endless:
            return self._too_long(data, at, endless.seen, final=final)
        if data.count(self._delimiter, unclosed.opened, stop) >= MOST_CELLS:
            return self._too_long(data, at, unclosed.opened, final=final)
        # Quotes mean nothing from here on: the line is only shown to people, who look for what they know.
        cells = [*unclosed.before, *data[unclosed.opened : stop].split(self._delimiter)]
        params: dict[str, JsonValue] = {"line": line + self.splitter.breaks(data, at, unclosed.opened)}
        if unclosed.evidence:
            params["evidence"] = unclosed.evidence
        if unclosed.evidence == TOO_FAR:
            params["limit"] = LONGEST_RECORD
        return self._parsed(cells, data, at, end, Finding("row.unclosed_quote", params=params))

    def _too_long(self, data: bytes, at: int, seen: int, *, final: bool) -> ParsedRecord:
        """Return the start of a record that is not held in memory; it may go on behind the data."""
        match = self.splitter.line_end(data, seen, final=final)
        # A CR at the end of the data is left for what comes, which may start with the rest of a CRLF.
        end = match.end() if match else len(data) - (not final and data.endswith(b"\r"))
        cells = [self._replaced(cell) for cell in data[at : at + _KEPT].split(self._delimiter)]
        return ParsedRecord(
            cells,
            end,
            self.splitter.breaks(data, at, end),
            (too_long(end - at),),
            is_cut=True,
            goes_on=match is None and not final,
        )

    def _decoded(self, cells: list[bytes], raw: bytes) -> tuple[list[str], Finding | None]:
        layout = self._layout
        scanned, encoding = layout.scanned, layout.dialect.encoding
        try:
            return [str(cell, scanned) for cell in cells], None
        except UnicodeDecodeError:
            texts = [self._replaced(cell) for cell in cells]
        place = next(index for index, cell in enumerate(cells) if not _decodes(cell, scanned))
        column = layout.columns[place] if place < len(layout.columns) else None
        if scanned != encoding:
            return texts, bad_bytes(encoding, kept_bytes(cells[place]), column)
        bad = _first_bad(raw, scanned)
        return texts, bad_bytes(encoding, raw[bad.start : bad.end], column, bad.start + 1)

    def _replaced(self, cell: bytes) -> str:
        """Return a cell's text with U+FFFD for bytes that do not decode."""
        scanned = self._layout.scanned
        if scanned == self._layout.dialect.encoding:
            return cell.decode(scanned, "replace")
        return re.sub("[\udc00-\udcff]+", "\ufffd", cell.decode("utf-8", "surrogatepass"))

    def chunk(self, records: list[ParsedRecord], first: int, offset: int, line: int) -> Chunk:
        """Return a chunk of consecutive records, without the blank lines among them.

        Args:
            records: From `record`; at least one.
            first: The index that the first of them starts at.
            offset: The offset in the content of index 0.
            line: The line that the first of them starts on.
        """
        ends = np.array([record.end for record in records], dtype=np.int64) + offset
        next_lines = line + np.cumsum([record.breaks for record in records], dtype=np.int64)
        starts = np.concatenate(([first + offset], ends[:-1])).astype(np.int64)
        lines = np.concatenate(([line], next_lines[:-1])).astype(np.int64)
        kept = np.array([record.cells is not None for record in records], dtype=np.bool_)
        rows, extra = self._rows(records)
        schema = text_schema(self._layout.columns)
        frame = (
            pl.DataFrame(list(zip(*rows, strict=True)), schema, orient="col")
            if rows
            else pl.DataFrame([], schema)
        )
        return Chunk(frame, starts[kept], ends[kept], lines[kept], next_lines[kept], extra)

    def _rows(
        self, records: list[ParsedRecord]
    ) -> tuple[list[tuple[str | None, ...]], dict[int, tuple[str, ...]]]:
        width, basis = len(self._layout.columns), self._layout.basis
        rows: list[tuple[str | None, ...]] = []
        extra: dict[int, tuple[str, ...]] = {}
        for record in records:
            if record.cells is None:
                continue
            findings = record.findings
            if not record.is_cut and is_ragged(record.cells, width):
                findings = (*findings, ragged_finding(len(record.cells), width, basis))
            if any(surplus := tuple(record.cells[width:])):
                extra[len(rows)] = surplus
            missing = [None] * (width - len(record.cells))
            problem = dump_findings(findings) if findings else None
            rows.append((*record.cells[:width], *missing, problem))
        return rows, extra


def too_long(length: int) -> Finding:
    """Return the finding for a record that is longer than LONGEST_RECORD, or has more than MOST_CELLS.

    Args:
        length: Its length in bytes.
    """
    params: dict[str, JsonValue] = {
        "length": length,
        "limit": LONGEST_RECORD,
        "max_cells": MOST_CELLS,
        "kept": _KEPT,
    }
    return Finding("row.too_long", params=params)


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


def _nul(cells: list[bytes]) -> Finding | None:
    place = next((index for index, cell in enumerate(cells) if b"\0" in cell), None)
    return None if place is None else Finding("row.nul_byte", params={"cell": place + 1})


def _overlong(cells: list[bytes]) -> Finding | None:
    place = next((index for index, cell in enumerate(cells) if len(cell) > LONGEST_CELL), None)
    if place is None:
        return None
    params: dict[str, JsonValue] = {"cell": place + 1, "length": len(cells[place]), "limit": LONGEST_CELL}
    return Finding("row.cell_too_long", params=params)


def _text_after_quote(split: SplitCells) -> Finding | None:
    if split.stray is None:
        return None
    value = shorten(split.cells[split.stray].decode("ascii", "backslashreplace"))
    return Finding("row.text_after_quote", value=value, params={"cell": split.stray + 1})
