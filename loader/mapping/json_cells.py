"""Cells that hold JSON: parsed, checked against their field, and written compactly."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import polars as pl

from loader.findings import dump_params
from loader.mapping import conversions
from loader.resources.misfits import check_value
from loader.text import shorten

if TYPE_CHECKING:
    from loader.findings import JsonValue
    from loader.resources.fields import Field

CHECKED_CELL: Final = pl.Struct(
    {"json": pl.String, "code": pl.String, "params": pl.String, "found": pl.String}
)
"""A cell's compact JSON, or what is wrong with it: code, parameters as JSON, and what was found, as text.

All are null for a null; `params` is null for none, and `found` where it cannot be shown.
"""

_MISFITS: Final = {
    "wrong_type": "json.wrong_type",
    "enum": "json.wrong_value",
    "minimum": "json.minimum",
    "missing_field": "json.missing_field",
    "unknown_field": "json.unknown_field",
    "invalid": "json.invalid",
}
JSON_CODES: Final = (
    "json.date_out_of_range",
    "json.duplicate_key",
    "json.not_a_number",
    "json.surrogate",
    "json.syntax",
    "json.too_deep",
    *_MISFITS.values(),
)
"""The codes that a `CHECKED_CELL` may have."""

_Cell: TypeAlias = dict[str, str | None]
_NULL: Final[_Cell] = {"json": None, "code": None, "params": None, "found": None}


class _CellError(ValueError):
    """A cell cannot be sent as JSON."""

    def __init__(self, code: str, **params: JsonValue) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def cell(self, text: str | None) -> _Cell:
        """Return the cell's result; `text` is what was found."""
        return {"json": None, "code": self.code, "params": dump_params(self.params), "found": text}


def check_json(cells: pl.Series, field: Field) -> pl.Series:
    """Check JSON texts, each different one once.

    Args:
        cells: Texts, nulls among them.
        field: What the JSON is for; one of kind `ANY` takes anything.

    Returns:
        A series of `CHECKED_CELL`, as long as `cells`.
    """
    texts = cells.unique().drop_nulls()
    checked = pl.Series([_check_text(text, field) for text in texts], dtype=CHECKED_CELL)
    by_text = pl.DataFrame({"text": texts, "checked": checked})
    rows = cells.alias("text").to_frame().join(by_text, on="text", how="left", maintain_order="left")
    return rows["checked"].alias(cells.name)


def check_nested(cells: pl.Series, field: Field) -> pl.Series:
    """Check structs and lists of them; their null members are left out, and so is a struct without any.

    Args:
        cells: Nested values, nulls among them.
        field: As in `check_json`.

    Returns:
        As `check_json`.
    """
    checked: dict[str, _Cell] = {}
    results = [_check_nested_cell(cells, index, field, checked) for index in range(len(cells))]
    return pl.Series(cells.name, results, dtype=CHECKED_CELL)


def _check_text(text: str, field: Field) -> _Cell:
    try:
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_int=_whole_number,
            parse_float=_decimal,
            parse_constant=_refuse_constant,
        )
        value = _without_nulls(value, field)
        return _NULL if value is None else _check_fit(value, _compact(value), field)
    except json.JSONDecodeError as error:
        return _CellError("json.syntax", words=error.msg, position=error.pos + 1).cell(text)
    except _CellError as error:
        return error.cell(text)
    except RecursionError:
        return _CellError("json.too_deep").cell(text)


def _check_nested_cell(cells: pl.Series, index: int, field: Field, checked: dict[str, _Cell]) -> _Cell:
    try:
        cell = cells[index]
    except (ValueError, OverflowError, pl.exceptions.PanicException):
        # Polars holds dates that Python cannot, and so the whole value cannot even be shown.
        return _CellError("json.date_out_of_range").cell(None)
    nested = cell.to_list() if isinstance(cell, pl.Series) else cell
    try:
        value = _plain(nested)
    except _CellError as error:
        return error.cell(str(nested))
    if value is None:
        return _NULL
    compact = _compact(value)
    if compact not in checked:
        checked[compact] = _check_fit(value, compact, field)
    return checked[compact]


def _check_fit(value: Any, compact: str, field: Field) -> _Cell:
    """Return the cell for a value, if the field takes it."""
    try:
        compact.encode()
    except UnicodeEncodeError:
        return _CellError("json.surrogate").cell(ascii(compact))
    # One finding a cell: what follows the first misfit often follows from it.
    misfit = next(check_value(field, value), None)
    if misfit is not None:
        return _CellError(_MISFITS[misfit.kind], **misfit.params).cell(compact)
    return {**_NULL, "json": compact}


# --- Reading ---------------------------------------------------------------------------------------------


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _CellError("json.duplicate_key", key=shorten(name))
        members[name] = value
    return members


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python reads no number of thousands of digits
        raise _CellError("json.not_a_number", number=shorten(text)) from None


def _decimal(text: str) -> Decimal:
    if not isfinite(float(text)):
        raise _CellError("json.not_a_number", number=shorten(text))
    return Decimal(text)


def _refuse_constant(name: str) -> Any:
    raise _CellError("json.not_a_number", number=name)


def _without_nulls(value: Any, field: Field) -> Any:
    """Return a value without the null members of objects that the API describes; others keep theirs."""
    if isinstance(value, dict) and field.children is not None:
        return {
            name: _without_nulls(member, field.children[name]) if name in field.children else member
            for name, member in value.items()
            if member is not None
        }
    if isinstance(value, list) and field.item is not None:
        return [_without_nulls(item, field.item) for item in value]
    return value


def _plain(value: Any) -> Any:
    """Return a value of Polars as one of JSON, without null members and objects that have no others."""
    if isinstance(value, dict):
        members = {name: _plain(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not None} or None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return _decimal(repr(value))
    return _moment(value) if isinstance(value, date | time) else value


# --- Writing ---------------------------------------------------------------------------------------------


def _compact(value: Any) -> str:
    """Return compact JSON with the numbers as exact as they came, whole ones without a fraction."""
    if isinstance(value, dict):
        members = (f"{_compact(name)}:{_compact(member)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    if isinstance(value, Decimal):
        return conversions.decimal_text(value)
    return json.dumps(value, ensure_ascii=False)


def _moment(value: date | time) -> str:
    """Return ISO 8601, times of a day in UTC; the fraction without zeros at its end."""
    if not isinstance(value, datetime):
        return value.isoformat()
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    whole, _, fraction = moment.isoformat().partition(".")
    digits = fraction.rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"
