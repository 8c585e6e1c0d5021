"""Frames as plain CSV, whatever they were read from: RFC 4180 with commas, LF and UTF-8.

A cell is quoted where it holds a comma, a quote, a CR or an LF; nothing is an empty cell, as is an empty
text. (A line of one empty cell is `""`: without the quotes it would be no record.)
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TELLING: Final = (",", '"', "\r", "\n")


def csv_line(cells: Iterable[str]) -> bytes:
    """One line."""
    written = ",".join(map(_quoted, cells))
    return (written or '""').encode("utf-8", "replace") + b"\n"


def csv_lines(frame: pl.DataFrame, columns: Sequence[str], surplus: Mapping[int, Sequence[str]]) -> bytes:
    """The rows of a frame, a line each.

    Args:
        frame: Any columns; those that are not named are left out.
        columns: Which to write, in order; one that the frame does not have is written as empty cells.
        surplus: Index of a row in the frame -> cells that are written behind its own.
    """
    absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns]
    cells = frame.with_columns(absent).select(columns)
    if surplus or not all(_is_plain(kind) for kind in cells.dtypes):
        rows = with_whole_times(cells).iter_rows()
        return b"".join(
            csv_line(map(cell_text, (*row, *surplus.get(index, ())))) for index, row in enumerate(rows)
        )
    texts = pl.col(pl.String)
    empty = texts.fill_null("") if cells.width == 1 else texts.replace("", None)
    return cells.with_columns(empty).write_csv(include_header=False, line_terminator="\n").encode()


def with_whole_times(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, with times that Python's own would cut off at microseconds as text."""
    return frame.with_columns(
        pl.col(name).dt.to_string("iso:strict" if kind == pl.Datetime else "iso")
        for name, kind in frame.schema.items()
        if kind == pl.Time or (isinstance(kind, pl.Datetime | pl.Duration) and kind.time_unit == "ns")
    )


def cell_text(value: object) -> str:
    """A value as a cell: dates and times as ISO 8601, lists and objects as JSON, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = json_value(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, list | dict) else str(plain)


def json_value(value: object) -> Any:
    """A value as JSON has it; numbers that JSON cannot write become text, and so do decimals, to be exact."""
    if isinstance(value, dict):
        return {str(name): json_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [json_value(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return _as_text(value)


def _as_text(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    return str(value)


def _is_plain(kind: pl.DataType) -> bool:
    """Whether Polars writes this type as `cell_text` does."""
    return kind in (pl.String, pl.Boolean) or kind.is_integer()


def _quoted(cell: str) -> str:
    if any(mark in cell for mark in _TELLING):
        return '"' + cell.replace('"', '""') + '"'
    return cell
