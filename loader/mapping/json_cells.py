"""Cells that hold JSON: parsed, judged by the field's model, and written compactly."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pydantic import ValidationError

from loader.mapping import conversions
from loader.mapping.words import told
from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from loader.resources.fields import Field

JUDGED: Final = pl.Struct({"json": pl.String, "error": pl.String, "found": pl.String})
"""A cell's compact JSON, or what is wrong with it, to read on from what was found; all null for a null."""


def judge_json(cells: pl.Series, field: Field) -> pl.Series:
    """Judges JSON texts, each different one once.

    Args:
        cells: Texts, nulls among them.
        field: What the JSON is for; one of kind `ANY` takes anything.

    Returns:
        A series of `JUDGED`, as long as `cells`.
    """
    verdicts: dict[str | None, Verdict] = {None: _NOTHING}
    for text in cells.unique().drop_nulls():
        verdicts[text] = _judge_text(text, field)
    return pl.Series(cells.name, [verdicts[text] for text in cells], dtype=JUDGED)


def judge_values(cells: pl.Series, field: Field) -> pl.Series:
    """Judges structs and lists of them; their null members are left out, and so is a struct without any.

    Args:
        cells: Nested values, nulls among them.
        field: As in `judge_json`.

    Returns:
        As `judge_json`.
    """
    verdicts: dict[str, Verdict] = {}
    judged = [_judge_value(cells, index, field, verdicts) for index in range(len(cells))]
    return pl.Series(cells.name, judged, dtype=JUDGED)


Verdict = dict[str, str | None]
_NOTHING: Final[Verdict] = {"json": None, "error": None, "found": None}


def _judge_text(text: str, field: Field) -> Verdict:
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_float=_number, parse_constant=_no_constant)
        value = _without_nulls(value, field)
        return _NOTHING if value is None else _fitting(_written(value), field)
    except json.JSONDecodeError as error:
        return _wrong(text, f"is no JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return _wrong(text, f"cannot be sent: {error}")


def _judge_value(cells: pl.Series, index: int, field: Field, verdicts: dict[str, Verdict]) -> Verdict:
    try:
        cell = cells[index]
    except (ValueError, OverflowError, pl.exceptions.PanicException):
        return _wrong(
            f"the value in row {index + 1} of its batch", "cannot be sent: its date is out of range"
        )
    value = _without_any_nulls(cell.to_list() if isinstance(cell, pl.Series) else cell)
    if value is None:
        return _NOTHING
    try:
        written = _written(value)
    except ValueError as error:
        return _wrong(str(value), f"cannot be sent: {error}")
    if written not in verdicts:
        verdicts[written] = _fitting(written, field)
    return verdicts[written]


def _fitting(compact: str, field: Field) -> Verdict:
    """The JSON, if the field's model takes it."""
    try:
        compact.encode()
        if field.kind is not FieldKind.ANY:
            field.adapter.validate_json(compact, strict=True)
    except ValidationError as error:
        return _wrong(compact, f"does not fit: {told(error)}")
    except UnicodeEncodeError:
        return _wrong(ascii(compact), "cannot be sent: it has half of a surrogate pair")
    return {"json": compact, "error": None, "found": None}


def _wrong(found: str, error: str) -> Verdict:
    return {"json": None, "error": error, "found": found}


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name[:60]!r} stands twice")
        members[name] = value
    return members


def _number(text: str) -> Decimal:
    if not isfinite(float(text)):
        raise ValueError(f"{text[:60]} is no number that JSON can hold")
    return Decimal(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that JSON knows")


def _without_nulls(value: Any, field: Field) -> Any:
    """The value without the null members of objects that the API describes; others keep theirs."""
    if isinstance(value, dict) and field.children is not None:
        return {
            name: _without_nulls(each, field.children[name]) if name in field.children else each
            for name, each in value.items()
            if each is not None
        }
    if isinstance(value, list) and field.item is not None:
        return [_without_nulls(each, field.item) for each in value]
    return value


def _without_any_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        members = {name: _without_any_nulls(each) for name, each in value.items()}
        return {name: each for name, each in members.items() if each is not None} or None
    return [_without_any_nulls(each) for each in value] if isinstance(value, list) else value


def _written(value: Any) -> str:
    """Compact JSON with the numbers as exact as they came, whole ones without a fraction."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_written(name)}:{_written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, float):
        return conversions.decimal_text(_number(repr(value)))
    if isinstance(value, Decimal):
        return conversions.decimal_text(value)
    return json.dumps(_moment(value) if isinstance(value, date | time) else value, ensure_ascii=False)


def _moment(value: date | time) -> str:
    """ISO 8601, times of a day in UTC; the fraction without zeros at its end."""
    if not isinstance(value, datetime):
        return value.isoformat()
    moved = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    whole, _, fraction = moved.isoformat().partition(".")
    part = fraction.rstrip("0")
    return f"{whole}.{part}Z" if part else f"{whole}Z"
