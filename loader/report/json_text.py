"""Values as exact JSON."""

from __future__ import annotations

import base64
import json
import math
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_text(value: object) -> str:
    """Return a value as compact JSON.

    Numbers keep all their digits; those that JSON does not have become text: NaN, Infinity. Dates and times
    are ISO 8601, bytes base64.

    Args:
        value: Of any type that a cell can have, or lists and objects of them.
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError):
        # The encoder is many times as fast, but knows neither decimals nor dates.
        return _by_type(value)


def _by_type(value: object) -> str:
    if isinstance(value, dict):
        members = (f"{_ENCODER.encode(str(name))}:{json_text(member)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple | pl.Series):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else _ENCODER.encode(str(value))
    return _ENCODER.encode(scalar_text(value))


def scalar_text(value: object) -> str:
    """Return a value that is no list or object as text."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} s"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return str(value)


def with_json_text(rows: pl.DataFrame, names: frozenset[str]) -> pl.DataFrame:
    """Return the rows with some columns as JSON text; columns of text stay as they are."""
    texts = [
        pl.Series(name, [None if cell is None else json_text(cell) for cell in rows[name]], pl.String)
        for name in rows.columns
        if name in names and rows.schema[name] != pl.String
    ]
    return rows.with_columns(texts)
