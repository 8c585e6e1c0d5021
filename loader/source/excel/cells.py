"""Read a workbook's cells: each as text with its kind; the kinds in a column decide its type."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE, REAL, TEXT, FLAG = "whole numbers", "numbers", "texts", "true and false"
DATE, MOMENT, TIME, SPAN, ERROR = "dates", "times", "times of day", "durations", "errors"

_MOST_WHOLE: Final = 2**63
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MIDNIGHT: Final = time()


def text_and_kind(value: Any, data_type: str) -> tuple[str | None, str]:
    """Return a cell as text, and its kind; None for an empty one.

    Args:
        value: As openpyxl gives it.
        data_type: Its type there; `e` is an error.
    """
    if value is None or value == "":
        return None, TEXT
    if data_type == "e":
        return str(value), ERROR
    if isinstance(value, str):
        return _ESCAPED.sub(_letter, value) if "_x" in value else value, TEXT
    if isinstance(value, bool):
        return "true" if value else "false", FLAG
    if isinstance(value, int | float):
        return _number(value)
    return _moment(value)


def _letter(match: re.Match[str]) -> str:
    """Return a letter that XML cannot hold (ECMA-376, part 1, 22.4.2.4); half of a pair stays escaped."""
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code <= 0xDFFF else chr(code)  # noqa: PLR2004 - surrogates


def _number(value: float) -> tuple[str, str]:
    if isinstance(value, float) and not value.is_integer():
        return repr(value), REAL
    if -_MOST_WHOLE <= value < _MOST_WHOLE:
        return str(int(value)), WHOLE
    return repr(float(value)), REAL


def _moment(value: Any) -> tuple[str, str]:
    if isinstance(value, datetime):
        if value.time() == _MIDNIGHT:
            return value.date().isoformat(), DATE
        return value.isoformat(timespec="microseconds" if value.microsecond else "seconds"), MOMENT
    if isinstance(value, date):
        return value.isoformat(), DATE
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}", SPAN
    return value.isoformat() if isinstance(value, time) else str(value), TIME


def typed(texts: pl.Series, kinds: set[str]) -> tuple[pl.Series, bool]:
    """Return a column of texts with the type of its cells.

    Args:
        texts: From `text_and_kind`; null for empty cells and for errors.
        kinds: The kinds of its cells.

    Returns:
        The column, and whether it is text because its cells are of several kinds.
    """
    convert = next((convert for held, convert in _TYPES if kinds and kinds <= held), None)
    return (texts, len(kinds) > 1) if convert is None else (convert(texts), False)


def _as_moments(texts: pl.Series) -> pl.Series:
    midnight = texts.str.len_chars() == len("2024-02-29")
    whole = texts.zip_with(~midnight, texts + "T00:00:00")
    return whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us")


_TYPES: Final[tuple[tuple[set[str], Callable[[pl.Series], pl.Series]], ...]] = (
    ({WHOLE}, lambda texts: texts.cast(pl.Int64)),
    ({WHOLE, REAL}, lambda texts: texts.cast(pl.Float64)),
    ({FLAG}, lambda texts: texts == "true"),
    ({DATE}, lambda texts: texts.str.to_date("%Y-%m-%d")),
    ({DATE, MOMENT}, _as_moments),
    ({TIME}, lambda texts: texts.str.to_time("%H:%M:%S%.f")),
)
