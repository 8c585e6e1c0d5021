"""The quick path: whole blocks of plain records, read by Polars."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.records import PROBLEM
from loader.source.csv.bytes_dialect import LONGEST_CELL, MOST_CELLS, Chunk, ragged_problem
from loader.source.csv.scan import scan
from loader.source.csv.strict_parser import Exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from loader.source.csv.bytes_dialect import BytesDialect
    from loader.source.csv.scan import Scan

_CR: Final = 13
_LF: Final = 10


def read_plain(
    data: bytes, form: BytesDialect, base: int, line: int, *, final: bool
) -> tuple[Chunk, int, int] | None:
    """Reads the complete records of a block.

    Args:
        data: The block; it begins with a record.
        form: How it is written.
        base: The offset of its first byte in the content.
        line: The line that it begins on, from 1.
        final: Whether the file ends with it.

    Returns:
        Its complete records, the bytes they take with the blank lines among them, and the line after
        them; None if it holds no complete record or needs the exact path.
    """
    found = scan(data, form, final=final) if form.is_simple and not data.startswith(codecs.BOM_UTF8) else None
    if found is None or not found.consumed or _needs_judgement(found, form):
        return None
    frame = _frame(data, found, form)
    if frame is None:
        return None
    frame, extra = _ragged(frame, found, data, form)
    chunk = Chunk(
        frame=frame,
        starts=found.starts + base,
        ends=found.ends + base,
        lines=found.lines + line,
        next_lines=found.next_lines + line,
        extra=extra,
    )
    return chunk, found.consumed, line + found.breaks


def _needs_judgement(found: Scan, form: BytesDialect) -> bool:
    """Whether a record is ragged and spans lines, so that a quote may be at fault, or may be too long."""
    if not len(found.starts):
        return False
    if int((found.ends - found.starts).max()) > LONGEST_CELL or int(found.cells.max()) > MOST_CELLS:
        return True
    spans = found.next_lines - found.lines > 1
    return bool((spans & (found.cells != len(form.columns))).any())


def _frame(data: bytes, found: Scan, form: BytesDialect) -> pl.DataFrame | None:
    """The cells as Polars reads them; None where it cannot, or sees other records than the scan."""
    schema = dict.fromkeys(form.columns, pl.String)
    if not len(found.starts):
        return pl.DataFrame(schema=schema)
    text = _as_utf8(_without_blanks(_with_lf(data, found, form), found), form)
    if text is None:
        return None
    try:
        frame = pl.read_csv(
            text,
            has_header=False,
            schema=schema,
            infer_schema=False,
            empty_string_is_null=False,
            separator=form.delimiter.decode("ascii"),
            quote_char=form.quote.decode("ascii") if form.quote else None,
            extra_columns="ignore",
            missing_columns="insert",
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == len(found.starts) else None


def _with_lf(data: bytes, found: Scan, form: BytesDialect) -> bytes:
    """The block with LF for each CR that alone ends a record."""
    if not form.lone_cr:
        return data
    block = np.frombuffer(data, dtype=np.uint8).copy()
    last = found.ends - 1
    block[last[(block[last] == _CR) & (found.text_ends < found.ends)]] = _LF
    return block.tobytes()


def _without_blanks(data: bytes, found: Scan) -> bytes:
    if not len(found.blanks):
        return data if len(data) == found.consumed else data[: found.consumed]
    kept_from = np.concatenate(([0], found.blanks[:, 1])).tolist()
    kept_to = [*found.blanks[:, 0].tolist(), found.consumed]
    return b"".join(data[start:stop] for start, stop in zip(kept_from, kept_to, strict=True))


def _as_utf8(data: bytes, form: BytesDialect) -> bytes | None:
    """The block in UTF-8; None where bytes do not decode."""
    if data.isascii():
        return data
    try:
        text = data.decode(form.scanned)
    except UnicodeDecodeError:
        return None
    return data if form.scanned == "utf-8" else text.encode()


def _ragged(
    frame: pl.DataFrame, found: Scan, data: bytes, form: BytesDialect
) -> tuple[pl.DataFrame, dict[int, tuple[str, ...]]]:
    """Adds PROBLEM; nulls cells that are not there, and reads surplus ones."""
    width = len(form.columns)
    off = np.flatnonzero(found.cells != width)
    if not len(off):
        return frame.with_columns(pl.lit(None, pl.String).alias(PROBLEM)), {}
    extra = _surplus(off, found, data, form)
    problems: list[str | None] = [None] * frame.height
    for index in off.tolist():
        if index in extra or found.cells[index] < width:
            problems[index] = ragged_problem(int(found.cells[index]), form)
    frame = _absent_as_null(frame, found.cells)
    return frame.with_columns(pl.Series(PROBLEM, problems, pl.String)), extra


def _absent_as_null(frame: pl.DataFrame, cells: NDArray[np.int64]) -> pl.DataFrame:
    fewest = int(cells.min())
    if fewest >= frame.width:
        return frame
    count = pl.lit(pl.Series(cells))
    return frame.with_columns(
        pl.when(count > place).then(pl.col(name)).alias(name)
        for place, name in enumerate(frame.columns)
        if place >= fewest
    )


def _surplus(
    off: NDArray[np.int64], found: Scan, data: bytes, form: BytesDialect
) -> dict[int, tuple[str, ...]]:
    """Index -> the surplus cells, of records with surplus cells that are not all empty."""
    width = len(form.columns)
    long = off[found.cells[off] > width]
    border = found.delimiters[found.first_delimiter[long] + width - 1]
    filled = long[found.text_ends[long] - border != found.cells[long] - width]
    exact = Exact(replace(form, columns=()))
    extra: dict[int, tuple[str, ...]] = {}
    for index in filled.tolist():
        start, end = int(found.starts[index]), int(found.ends[index])
        record = exact.record(data[start:end], 0, 1, final=True)
        cells = tuple((record.cells or [])[width:]) if record else ()
        if any(cells):
            extra[index] = cells
    return extra
