"""Frames as plain CSV, whatever they were read from: RFC 4180 with commas, LF and UTF-8.

A cell is quoted where it contains a comma, a quote, a CR or an LF. Null and an empty text are both an empty
cell. (A line of one empty cell is `""`: without the quotes it would be no record.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from loader.report.json_text import json_text, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_QUOTED: Final = (",", '"', "\r", "\n")


def csv_line(cells: Iterable[str]) -> bytes:
    """Return one line."""
    line = ",".join(map(_quoted, cells))
    return (line or '""').encode("utf-8", "replace") + b"\n"


def csv_lines(frame: pl.DataFrame, columns: Sequence[str], surplus: Mapping[int, Sequence[str]]) -> bytes:
    """Return the rows of a frame, a line each.

    Args:
        frame: Any columns; those that are not named are left out.
        columns: Which to write, in order; one that the frame does not have is written as empty cells.
        surplus: Index of a row in the frame -> cells that are written behind its own.
    """
    absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns]
    cells = frame.with_columns(absent).select(columns)
    if surplus or not all(_is_plain(dtype) for dtype in cells.dtypes):
        rows = with_exact_times(cells).iter_rows()
        return b"".join(
            csv_line(map(cell_text, (*row, *surplus.get(index, ())))) for index, row in enumerate(rows)
        )
    texts = pl.col(pl.String)
    empty = texts.fill_null("") if cells.width == 1 else texts.replace("", None)
    return cells.with_columns(empty).write_csv(include_header=False, line_terminator="\n").encode()


def with_exact_times(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with times as text that Python's own types would cut off at microseconds."""
    return frame.with_columns(
        pl.col(name).dt.to_string("iso:strict" if dtype == pl.Datetime else "iso")
        for name, dtype in frame.schema.items()
        if dtype == pl.Time or (isinstance(dtype, pl.Datetime | pl.Duration) and dtype.time_unit == "ns")
    )


def cell_text(value: object) -> str:
    """Return a value as a cell: dates and times as ISO 8601, lists and objects as JSON, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict | pl.Series):
        return json_text(value)
    return _bytes_text(value) if isinstance(value, bytes) else scalar_text(value)


def _bytes_text(value: bytes) -> str:
    """Return bytes as the text that they mostly are, else in hex."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _is_plain(dtype: pl.DataType) -> bool:
    """Return whether Polars writes this type as `cell_text` does."""
    return dtype in (pl.String, pl.Boolean) or dtype.is_integer()


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in _QUOTED):
        return '"' + cell.replace('"', '""') + '"'
    return cell
