"""Holds JSON values against a record type's fields, and says what does not fit: as data, for others to word."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal

from loader.resources.dates import iso_date_problem
from loader.resources.fields import TAKES, FieldKind
from loader.text import nearest, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loader.findings import JsonValue
    from loader.resources.fields import Field

MisfitKind = Literal["wrong_type", "enum", "minimum", "missing_field", "unknown_field", "invalid"]
"""What is wrong; also the last part of the codes about constants of a mapping."""

Step = str | int
"""A step into a JSON value: a member's name, or an item's index from 0."""

_NUMBERS: Final = (int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something in a JSON value that its field does not take.

    Attributes:
        kind: What is wrong.
        steps: Where in the value; empty for all of it. A member that is missing or unknown is the last step.
        params: What a sentence about it needs, named as the parameters of the codes `json.…` and `constant.…`:
            `place` and `member` where `steps` is not empty, and by kind

            - wrong_type: `takes` (what is expected, in words), `part` (what was found, as JSON cut short);
            - enum: `allowed` (the texts), `part`, and `suggestion` where one is near;
            - minimum: `minimum`, `part`;
            - unknown_field: `suggestion` where one is near;
            - invalid: `words` (what is expected, or why it is refused), `part`.
    """

    kind: MisfitKind
    steps: tuple[Step, ...]
    params: Mapping[str, JsonValue]


def check_value(field: Field, value: Any) -> Iterator[Misfit]:
    """Yield all that a field does not take of a JSON value: its fields in order, then the unknown ones.

    Args:
        field: One of kind `ANY` takes anything.
        value: As `json.loads` returns it; numbers may also be `Decimal`. Numbers are not rounded, so that what
            is right at the limit of a float is not found wrong, nor the reverse.
    """
    return _misfits(field, value, ())


def _misfits(field: Field, value: Any, steps: tuple[Step, ...]) -> Iterator[Misfit]:
    if value is None and field.nullable:
        return
    if field.refused and value is not None:
        yield _misfit("invalid", steps, value, words="expected no value, as the server assigns it")
    elif field.enum:
        if value not in field.enum:
            yield _not_in_enum(field, value, steps)
    elif not _is_of_kind(field.kind, value):
        yield _misfit("wrong_type", steps, value, takes=TAKES[field.kind])
    elif field.kind is FieldKind.OBJECT:
        yield from _misfits_of_object(field, value, steps)
    elif field.kind is FieldKind.LIST and field.item:
        for index, item in enumerate(value):
            yield from _misfits(field.item, item, (*steps, index))
    elif field.kind is FieldKind.DATE:
        if problem := iso_date_problem(value):
            yield _misfit("invalid", steps, value, words=problem)
    elif field.minimum is not None and value < field.minimum:
        yield _misfit("minimum", steps, value, minimum=field.minimum)


def _is_of_kind(kind: FieldKind, value: Any) -> bool:
    if kind is FieldKind.TEXT or kind is FieldKind.DATE:
        return isinstance(value, str)
    if kind is FieldKind.NUMBER:
        # Python's true and false are numbers; JSON's are not. What is beyond a float, JSON may hold and few read.
        return isinstance(value, _NUMBERS) and not isinstance(value, bool) and _is_finite(value)
    if kind is FieldKind.BOOLEAN:
        return isinstance(value, bool)
    if kind is FieldKind.OBJECT:
        return isinstance(value, dict)
    return kind is FieldKind.ANY or isinstance(value, list)


def _is_finite(value: float | Decimal) -> bool:
    return isinstance(value, int) or isfinite(value)


def _misfits_of_object(field: Field, value: dict[str, Any], steps: tuple[Step, ...]) -> Iterator[Misfit]:
    if field.children is None:
        return
    for name, child in field.children.items():
        if name in value:
            yield from _misfits(child, value[name], (*steps, name))
        elif child.required:
            yield _misfit("missing_field", (*steps, name))
    for name in value:
        if name not in field.children:
            suggestion = field.misspelt(name) if field.is_open else nearest(name, field.children)
            if suggestion or not field.is_open:
                more = {"suggestion": suggestion} if suggestion else {}
                yield _misfit("unknown_field", (*steps, name), **more)


def _not_in_enum(field: Field, value: Any, steps: tuple[Step, ...]) -> Misfit:
    suggestion = nearest(value, field.enum) if isinstance(value, str) else None
    more = {"suggestion": suggestion} if suggestion else {}
    return _misfit("enum", steps, value, allowed=list(field.enum), **more)


def _misfit(kind: MisfitKind, steps: tuple[Step, ...], value: Any = None, **params: JsonValue) -> Misfit:
    if kind not in {"missing_field", "unknown_field"}:
        params["part"] = shown_json(value)
    if steps:
        params |= {"place": _path(steps), "member": _path(steps, items=False)}
    return Misfit(kind, steps, params)


def _path(steps: tuple[Step, ...], *, items: bool = True) -> str:
    """Steps as a path, such as `reminders[0].name`; without `items`, as `reminders[].name`."""
    parts = [f".{step}" if isinstance(step, str) else f"[{step if items else ''}]" for step in steps]
    return "".join(parts).removeprefix(".")


def shown_json(value: Any) -> str:
    """Return a JSON value as messages show it: compact JSON, cut short."""
    if isinstance(value, Decimal):
        return shorten(str(value))
    return shorten(json.dumps(value, ensure_ascii=False, default=float))
