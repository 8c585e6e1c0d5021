"""What one rule of a mapping gives for one row: its origin, its conversions, the field's own type.

A part of the interpreter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from pydantic import ValidationError

from loader.resources.fields import FieldKind
from tests.support import readings
from tests.support.model_fields import ModelField
from tests.support.readings import Unreadable


@dataclass(frozen=True)
class Cells:
    """A row's cells, which texts count as null, and the ids of records that there are, by their keys."""

    row: Mapping[str, Any]
    null_values: list[str]
    ids: Mapping[str, Mapping[str, str]]

    def get(self, column: str, *, trim: bool = True) -> Any:
        """Return the cell; None where it is missing or counts as null. Not trimmed."""
        cell = self.row.get(column)
        if isinstance(cell, str) and (
            cell in self.null_values or (trim and readings.trim(cell) in self.null_values)
        ):
            return None
        return cell

    def text(self, column: str, *, trim: bool = True) -> str | None:
        """Return the cell as text, trimmed if `trim`."""
        cell = self.get(column, trim=trim)
        if cell is None:
            return None
        text = str(cell)
        return readings.trim(text) if trim else text


class NotThere(Exception):  # noqa: N818 - it is not an error of the row
    """A lookup finds no record."""


def unlisted(path: str) -> ModelField:
    """Return a field that the page does not list: of any JSON type."""
    return ModelField(path, FieldKind.ANY)


def child(field: ModelField, name: str) -> ModelField:
    """Return the field of that name below `field`; an unlisted one, where the page lists none."""
    return (field.children or {}).get(name) or unlisted(f"{field.path}.{name}")


# --- Origins ------------------------------------------------------------------------------------------


def origin(rule: Mapping[str, Any], field: ModelField, cells: Cells) -> Any:
    """Return what the rule's origin gives: text untrimmed, a typed cell, finished JSON, or None.

    Raises:
        Unreadable: A cell that should be JSON is none, or the field cannot hold it.
    """
    trim = rule.get("trim", True)
    if "column" in rule:
        return cells.get(rule["column"], trim=trim)
    if "columns" in rule:
        candidates = (cells.get(column, trim=trim) for column in rule["columns"])
        return next((cell for cell in candidates if cell is not None), None)
    if "template" in rule:
        return _filled(rule["template"], cells, trim=trim)
    if "sql" in rule:
        return _case_when(rule["sql"], cells)
    return _parsed(cells.text(rule["json"], trim=trim), field)


_PLACE = re.compile(r"\{([^{}]*)\}")


def _filled(template: str, cells: Cells, *, trim: bool) -> str | None:
    texts = {name: cells.text(name, trim=trim) for name in _PLACE.findall(template)}
    if None in texts.values():
        return None
    return _PLACE.sub(lambda place: texts[place[1]] or "", template)


_NAME = r"""(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>\w+))"""
_TEXT = r"'((?:[^']|'')*)'"
_WHEN = re.compile(rf"WHEN {_NAME} (?:IS NULL|= {_TEXT}) THEN {_TEXT} ")
_CASE = re.compile(rf"CASE (?P<arms>(?:WHEN .*?)+)ELSE {_TEXT} END")


def _named(match: re.Match[str]) -> str:
    return match["bare"] or match["quoted"].replace('""', '"')


def _case_when(sql: str, cells: Cells) -> Any:
    """Return a bare column, or CASE with arms that compare one column with a text; cells are not trimmed."""
    if bare := re.fullmatch(_NAME, sql):
        return cells.get(_named(bare))
    if not (case := _CASE.fullmatch(sql)):
        raise NotImplementedError(f"the interpreter knows no such SQL: {sql}")
    for arm in _WHEN.finditer(case["arms"]):
        text = arm[3] and arm[3].replace("''", "'")
        if cells.get(_named(arm)) == text:
            return arm[4].replace("''", "'")
    return case.groups()[-1].replace("''", "'")


def _refuse(constant: str) -> NoReturn:
    raise Unreadable(constant)


def _parsed(text: str | None, field: ModelField) -> Any:
    """Return JSON as it is, if the field may hold it."""
    if text is None:
        return None
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except ValueError as error:
        raise Unreadable(text) from error
    _check_whole(value, field)
    return _Finished(value) if value is not None else None


@dataclass(frozen=True)
class _Finished:
    """A value that no conversion touches any more."""

    value: Any


# --- Conversions --------------------------------------------------------------------------------------


def convert(rule: Mapping[str, Any], field: ModelField, value: Any) -> Any:
    """Return what conversions and the field's own type make of an origin's value; before the default.

    Raises:
        Unreadable: One of them does not succeed.
    """
    if isinstance(value, str):
        value = _cleaned(rule, value)
    if isinstance(value, str) and rule.get("case"):
        value = value.upper() if rule["case"] == "upper" else value.lower()
    if isinstance(value, str) and "split" in rule:
        return _split(rule, field, value)
    return _converted_item(rule, field, value)


def identified(keys: Any, ids: Mapping[str, str]) -> Any:
    """Return the id of a key, or those of a list of keys; None for None.

    Raises:
        NotThere: One of them has none.
    """
    if isinstance(keys, list):
        return [identified(key, ids) for key in keys]
    if keys is not None and keys not in ids:
        raise NotThere(keys)
    return None if keys is None else ids[keys]


def _cleaned(rule: Mapping[str, Any], text: str) -> str | None:
    text = readings.trim(text) if rule.get("trim", True) else text
    return None if text in rule.get("null_if", []) else text


def _split(rule: Mapping[str, Any], field: ModelField, text: str) -> list[Any] | None:
    """Return the items, or None where all of them went."""
    items = (_cleaned(rule, item) for item in text.split(rule["split"]))
    converted = [_converted_item(rule, field.item or unlisted(field.path), item) for item in items if item]
    return [item for item in converted if item is not None] or None


def _converted_item(rule: Mapping[str, Any], field: ModelField, value: Any) -> Any:
    if isinstance(value, str) and "map" in rule:
        value = _mapped(rule, value)
    if isinstance(value, str):
        value = _read_by(rule, value)
    return value.value if isinstance(value, _Finished) else own_type(value, field)


def _mapped(rule: Mapping[str, Any], text: str) -> Any:
    table, otherwise = rule["map"], rule.get("otherwise", "error")
    if text not in table and otherwise == "keep":
        return text
    if text not in table and otherwise == "error":
        raise Unreadable(text)
    instead = [otherwise["value"]] if isinstance(otherwise, Mapping) else []
    value = table[text] if text in table else next(iter(instead), None)
    if value is None or all(item is None or isinstance(item, str) for item in [*table.values(), *instead]):
        return value
    return _Finished(plain(value))


def _read_by(rule: Mapping[str, Any], text: str) -> Any:
    """Return the text as the rule's one reading conversion has it; as it is, where there is none."""
    if "date" in rule:
        return readings.local_date(text, _listed(rule["date"]))
    if "datetime" in rule:
        return readings.local_time(text, _listed(rule["datetime"]), rule.get("timezone"))
    if "number" in rule:
        return readings.localised_number(text, **(rule["number"] or {}))
    if "boolean" in rule:
        return readings.flag(text, {str(key).lower(): words for key, words in rule["boolean"].items()})
    return _Finished(readings.relative_date(text)) if rule.get("relative_date") else text


def _listed(formats: str | list[str]) -> list[str]:
    return [formats] if isinstance(formats, str) else formats


def own_type(value: Any, field: ModelField) -> Any:
    """Return what the field itself makes of a text, or of a typed cell.

    Raises:
        Unreadable: It cannot hold it.
    """
    if isinstance(value, str):
        return _own_text(value, field.kind)
    if isinstance(value, list) and field.kind in {FieldKind.LIST, FieldKind.ANY}:
        return [own_type(item, field.item or unlisted(field.path)) for item in value]
    if isinstance(value, Mapping):
        return _own_struct(value, field)
    return _own_scalar(value, field.kind)


def _own_text(text: str, kind: FieldKind) -> Any:
    if kind in {FieldKind.TEXT, FieldKind.ANY}:
        return text
    read = {
        FieldKind.DATE: readings.iso,
        FieldKind.NUMBER: readings.number,
        FieldKind.BOOLEAN: readings.usual_flag,
    }
    if kind not in read:
        raise Unreadable(text)
    return read[kind](text)


def _own_struct(struct: Mapping[str, Any], field: ModelField) -> Any:
    value = {
        name: own_type(member, child(field, name)) for name, member in struct.items() if member is not None
    } or None
    _check_whole(value, field)
    return value


def _own_scalar(value: Any, kind: FieldKind) -> Any:
    if value is None or (isinstance(value, bool) and kind in {FieldKind.BOOLEAN, FieldKind.ANY}):
        return value
    if isinstance(value, date) and kind in {FieldKind.DATE, FieldKind.TEXT, FieldKind.ANY}:
        return readings.in_utc(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if kind in {FieldKind.NUMBER, FieldKind.ANY}:
            return readings.number(str(value))
        if kind is FieldKind.TEXT and isinstance(value, int):
            return str(value)
    raise Unreadable(str(value))


def _check_whole(value: Any, field: ModelField) -> None:
    """Hold a value that came in one piece against the field's own type.

    Raises:
        Unreadable: The field cannot hold it.
    """
    if value is None or field.kind is FieldKind.ANY:
        return
    try:
        field.adapter.validate_json(json.dumps(value, default=float), strict=True)
    except ValidationError as error:
        raise Unreadable(str(value)) from error


def plain(value: Any) -> Any:
    """Return a constant with its numbers as the interpreter has them."""
    if isinstance(value, float):
        return readings.number(repr(value))
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {name: plain(member) for name, member in value.items()} if isinstance(value, dict) else value
