"""Parse whole blocks of plain records with Polars: the fast path."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.records import PROBLEM
from loader.source.batches import Chunk
from loader.source.csv.layout import LONGEST_CELL, MOST_CELLS, ragged_problem
from loader.source.csv.scan import scan
from loader.source.csv.strict_parser import StrictParser

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from loader.source.csv.layout import CsvLayout
    from loader.source.csv.scan import Scan

_CR: Final = 13
_LF: Final = 10


def parse_fast(
    data: bytes, layout: CsvLayout, base: int, line: int, *, final: bool
) -> tuple[Chunk, int, int] | None:
    """Parse the complete records of a block.

    Args:
        data: The block; it starts with a record.
        layout: How it is written.
        base: The offset of its first byte in the content.
        line: The line that it starts on, from 1.
        final: Whether the file ends with it.

    Returns:
        Its complete records, the number of bytes that they and the blank lines among them take, and the line
        after them; None if it has no complete record, or needs the strict parser.
    """
    # Polars would remove a byte-order mark at the start of the block, which is text here.
    if not layout.is_simple or data.startswith(codecs.BOM_UTF8):
        return None
    records = scan(data, layout, final=final)
    if records is None or not records.consumed or _needs_strict_parser(records, layout):
        return None
    rows = _rows(data, records, layout)
    if rows is None:
        return None
    rows, extra = _with_problems(rows, records, data, layout)
    chunk = Chunk(
        rows=rows,
        starts=records.starts + base,
        ends=records.ends + base,
        lines=records.lines + line,
        next_lines=records.next_lines + line,
        extra=extra,
    )
    return chunk, records.consumed, line + records.breaks


def _needs_strict_parser(records: Scan, layout: CsvLayout) -> bool:
    """Return whether a record is ragged and spans lines, so that a quote may be wrong, or may be too long."""
    if not len(records.starts):
        return False
    # A cell is no longer than its record: comparing these is free, and hardly any record is that long.
    if int((records.ends - records.starts).max()) > LONGEST_CELL or int(records.cells.max()) > MOST_CELLS:
        return True
    spans = records.next_lines - records.lines > 1
    return bool((spans & (records.cells != len(layout.columns))).any())


def _rows(data: bytes, records: Scan, layout: CsvLayout) -> pl.DataFrame | None:
    """Return the cells as Polars reads them; None where it cannot, or sees other records than the scan."""
    schema = dict.fromkeys(layout.columns, pl.String)
    if not len(records.starts):
        return pl.DataFrame(schema=schema)
    text = _as_utf8(_without_blanks(_with_lf(data, records, layout), records), layout)
    if text is None:
        return None
    try:
        rows = pl.read_csv(
            text,
            has_header=False,
            schema=schema,
            infer_schema=False,
            empty_string_is_null=False,
            separator=layout.dialect.delimiter,
            quote_char=layout.dialect.quote,
            extra_columns="ignore",
            missing_columns="insert",
        )
    except pl.exceptions.PolarsError:
        return None
    # Another number of rows would shift record numbers without anybody knowing.
    return rows if rows.height == len(records.starts) else None


def _with_lf(data: bytes, records: Scan, layout: CsvLayout) -> bytes:
    """Return the block with LF for each CR that alone ends a record."""
    if not layout.lone_cr:
        return data
    block = np.frombuffer(data, dtype=np.uint8).copy()
    last = records.ends - 1
    block[last[(block[last] == _CR) & (records.text_ends < records.ends)]] = _LF
    return block.tobytes()


def _without_blanks(data: bytes, records: Scan) -> bytes:
    """Return the block without blank lines, which Polars reads as records of a file with one column."""
    if not len(records.blanks):
        return data if len(data) == records.consumed else data[: records.consumed]
    kept_from = np.concatenate(([0], records.blanks[:, 1])).tolist()
    kept_to = [*records.blanks[:, 0].tolist(), records.consumed]
    return b"".join(data[start:stop] for start, stop in zip(kept_from, kept_to, strict=True))


def _as_utf8(data: bytes, layout: CsvLayout) -> bytes | None:
    """Return the block in UTF-8; None where bytes do not decode."""
    if data.isascii():
        return data
    try:
        text = data.decode(layout.scanned)
    except UnicodeDecodeError:
        return None
    return data if layout.scanned == "utf-8" else text.encode()


def _with_problems(
    rows: pl.DataFrame, records: Scan, data: bytes, layout: CsvLayout
) -> tuple[pl.DataFrame, dict[int, tuple[str, ...]]]:
    """Add PROBLEM, null the cells that ragged records lack, and read the surplus ones."""
    width = len(layout.columns)
    ragged = np.flatnonzero(records.cells != width)
    if not len(ragged):
        return rows.with_columns(pl.lit(None, pl.String).alias(PROBLEM)), {}
    extra = _surplus(ragged, records, data, layout)
    problems: list[str | None] = [None] * rows.height
    for index, cells in zip(ragged.tolist(), records.cells[ragged].tolist(), strict=True):
        if index in extra or cells < width:
            problems[index] = ragged_problem(cells, width, layout.basis)
    rows = _absent_as_null(rows, records.cells)
    return rows.with_columns(pl.Series(PROBLEM, problems, pl.String)), extra


def _absent_as_null(rows: pl.DataFrame, cells: NDArray[np.int64]) -> pl.DataFrame:
    """Return the rows with null for a cell that is not there, which Polars reads as an empty text."""
    fewest = int(cells.min())
    if fewest >= rows.width:
        return rows
    count = pl.lit(pl.Series(cells))
    return rows.with_columns(
        pl.when(count > place).then(pl.col(name)).alias(name)
        for place, name in enumerate(rows.columns)
        if place >= fewest
    )


def _surplus(
    ragged: NDArray[np.int64], records: Scan, data: bytes, layout: CsvLayout
) -> dict[int, tuple[str, ...]]:
    """Return index -> surplus cells, of records with surplus cells that are not all empty."""
    width = len(layout.columns)
    long = ragged[records.cells[ragged] > width]
    # A record with nothing but delimiters behind its last column has exactly as many bytes there as surplus
    # cells: most ragged files are of this kind, and need no parsing.
    border = records.delimiters[records.first_delimiter[long] + width - 1]
    filled = long[records.text_ends[long] - border != records.cells[long] - width]
    parser = StrictParser(replace(layout, columns=()))
    extra: dict[int, tuple[str, ...]] = {}
    for index in filled.tolist():
        start, end = int(records.starts[index]), int(records.ends[index])
        record = parser.record(data[start:end], 0, 1, final=True)
        cells = tuple((record.cells or [])[width:]) if record else ()
        if any(cells):
            extra[index] = cells
    return extra
