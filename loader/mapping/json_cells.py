"""Cells that hold JSON: parsed, judged by the field's model, and written compactly."""

from __future__ import annotations

import json
from decimal import MAX_PREC, Context, Decimal
from math import isinf
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pydantic import ValidationError

from loader.mapping.words import told
from loader.resources.fields import Kind

if TYPE_CHECKING:
    from loader.resources.fields import Field

JUDGED: Final = pl.Struct({"json": pl.String, "error": pl.String})
"""A cell's compact JSON, or what is wrong with it, to read on from the cell; both null for a null cell."""

_MOST_DIGITS: Final = 25
_EXACT: Final = Context(prec=MAX_PREC)


def judge_json(cells: pl.Series, field: Field) -> pl.Series:
    """Judges each different text once.

    Args:
        cells: Texts, nulls among them.
        field: What the JSON is for; one of kind `ANY` takes anything.

    Returns:
        A series of `JUDGED`, as long as `cells`.
    """
    verdicts: dict[str | None, dict[str, str | None]] = {None: {"json": None, "error": None}}
    for text in cells.unique().drop_nulls():
        verdicts[text] = _judge(text, field)
    return pl.Series(cells.name, [verdicts[text] for text in cells], dtype=JUDGED)


def _judge(text: str, field: Field) -> dict[str, str | None]:
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_float=_number, parse_constant=_no_constant)
        value = _without_nulls(value, field)
        compact = _written(value)
        compact.encode()
        if value is not None and field.kind is not Kind.ANY:
            field.adapter.validate_json(compact)
    except ValidationError as error:
        return {"json": None, "error": f"does not fit: {told(error)}"}
    except json.JSONDecodeError as error:
        return {"json": None, "error": f"is no JSON: {error.msg} at character {error.pos + 1}"}
    except UnicodeEncodeError:
        return {"json": None, "error": "cannot be sent: it has half of a surrogate pair"}
    except (ValueError, RecursionError) as error:
        return {"json": None, "error": f"cannot be sent: {error}"}
    return {"json": None if value is None else compact, "error": None}


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name[:60]!r} stands twice")
        members[name] = value
    return members


def _number(text: str) -> Decimal:
    if isinf(float(text)):
        raise ValueError(f"the number {text[:60]} is too large")
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


def _written(value: Any) -> str:
    """Compact JSON with the numbers as exact as they came, whole ones without a fraction."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_written(name)}:{_written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return _digits(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _digits(number: Decimal) -> str:
    shortest = number.normalize(_EXACT)
    if number == 0:
        return "0"
    long = not -_MOST_DIGITS < shortest.adjusted() < _MOST_DIGITS
    return str(shortest) if long else format(shortest, "f")
