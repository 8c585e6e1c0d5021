"""Pydantic's verdicts in the words of a message: what was expected and what was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MADE_OF: Final = {
    FieldKind.NUMBER: "a number",
    FieldKind.BOOLEAN: "true or false",
    FieldKind.DATE: "a date",
    FieldKind.TEXT: "text",
    FieldKind.OBJECT: "an object",
    FieldKind.LIST: "a list",
    FieldKind.ANY: "any kind",
}
"""What a field takes, in words."""

SHOWN: Final = 60
"""So many characters of a value are shown."""

_EXPECTED: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def shown(value: Any) -> str:
    """A value as JSON writes it, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def told(error: ValidationError) -> str:
    """The first thing that is wrong: `position: expected …, found …`."""
    first = error.errors(include_url=False)[0]
    return _told(first)


def _told(each: ErrorDetails) -> str:
    kind, found = each["type"], each["input"]
    loc = [part for part in each["loc"] if part not in {"int", "float"}]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is no field there"
    context = each.get("ctx", {})
    if kind == "literal_error":
        words = str(context["expected"]).replace("'", "")
    elif kind == "greater_than_equal":
        words = f"{context['ge']:g} or more"
    elif kind == "value_error":
        return f"{where + ': ' if where else ''}{context['error']}"
    else:
        words = _EXPECTED.get(kind, each["msg"].removeprefix("Input should be "))
    return f"{where + ': ' if where else ''}expected {words}, found {shown(found)}"


_WANTED: Final = {
    **_EXPECTED,
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_too_short": "at least one character",
    "string_too_long": "one character",
    "too_short": "at least one item",
}


def wanted(error: ErrorDetails) -> str | None:
    """What a key of a mapping takes, of a value that it does not take; None where that is another mistake."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return str(context["expected"]).replace("'", "")
    if error["type"] in {"greater_than_equal", "less_than_equal"}:
        least, most = context.get("ge"), context.get("le")
        return f"{most} or less" if least is None else f"{least} or more"
    if error["type"] == "too_short" and isinstance(error["input"], str):
        return _WANTED["string_too_short"]
    return _WANTED.get(error["type"])


def first_line(error: Exception) -> str:
    """What an error says, without the trace of an expression behind it."""
    return str(error).partition("\n")[0]
