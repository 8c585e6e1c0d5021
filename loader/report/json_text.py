"""Cells of typed columns as JSON."""

from __future__ import annotations

import base64
import json
from datetime import date, time, timedelta
from decimal import Decimal

import polars as pl


def json_text(value: object) -> str:
    """A cell as compact JSON: numbers exact, dates and times ISO 8601, bytes in base64."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(name)}:{json_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | pl.Series):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False, default=_told)


def _told(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return f"{value.total_seconds()} s" if isinstance(value, timedelta) else str(value)


def with_json_text(rows: pl.DataFrame, names: set[str]) -> pl.DataFrame:
    """Some columns as JSON text; of columns that are no text already."""
    texts = [
        pl.Series(name, [None if cell is None else json_text(cell) for cell in rows[name]], pl.String)
        for name in rows.columns
        if name in names and rows.schema[name] != pl.String
    ]
    return rows.with_columns(texts)
