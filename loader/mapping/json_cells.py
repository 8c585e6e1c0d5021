"""Cells that hold JSON: parsed, judged by the field's model, and written compactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

JUDGED: Final = pl.Struct({"json": pl.String, "error": pl.String})
"""A cell's compact JSON, or why it is none; both null for a null cell."""


def judge_json(cells: pl.Series, adapter: TypeAdapter[Any] | None) -> pl.Series:
    """Judges each different text once.

    Args:
        cells: Texts, nulls among them.
        adapter: The field's model; None for a field that takes anything.

    Returns:
        A series of `JUDGED`, as long as `cells`.
    """
    verdicts: dict[str | None, dict[str, str | None]] = {None: {"json": None, "error": None}}
    for text in cells.unique().drop_nulls():
        verdicts[text] = _judge(text, adapter)
    return pl.Series(cells.name, [verdicts[text] for text in cells], dtype=JUDGED)


def _judge(text: str, adapter: TypeAdapter[Any] | None) -> dict[str, str | None]:
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
        compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if adapter is not None and value is not None:
            adapter.validate_json(compact)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        return {"json": None, "error": f"JSON that fits: {where + ': ' if where else ''}{message}"}
    except (ValueError, RecursionError) as error:
        return {"json": None, "error": f"JSON: {error}"}
    return {"json": None if value is None else compact, "error": None}


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without its null members, and with whole floats as whole numbers."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return {key: _whole(value) for key, value in members.items() if value is not None}


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
