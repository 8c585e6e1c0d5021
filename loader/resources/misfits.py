"""Check JSON values against a record type's fields, and return what does not fit as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal

from loader.resources.dates import iso_date_problem
from loader.resources.fields import TAKES, FieldKind, Role
from loader.text import SHOWN_CHARACTERS, nearest, shorten

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
        params: What a sentence about it needs, named as the parameters of the codes `json.*` and
            `constant.*`: `place` (such as `reminders[0].name`) and `member` (`reminders[].name`) where
            `steps` is not empty, and by kind

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
        field: What the value is for; one of kind `ANY` takes anything.
        value: As `json.loads` returns it; numbers may also be `Decimal`.
    """
    return _misfits(field, value, ())


def _misfits(field: Field, value: Any, steps: tuple[Step, ...]) -> Iterator[Misfit]:
    if value is None and field.nullable:
        return
    if problem := _problem(field, value):
        kind, params = problem
        yield _misfit(kind, steps, {**params, "part": shown_json(value)})
    elif field.children is not None:
        yield from _misfits_of_object(field.children, field, value, steps)
    elif field.item is not None:
        for index, item in enumerate(value):
            yield from _misfits(field.item, item, (*steps, index))


def _problem(field: Field, value: Any) -> tuple[MisfitKind, dict[str, JsonValue]] | None:
    """What is wrong with a value as a whole, whatever is inside of it."""
    kind = field.kind
    if field.role is Role.READ_ONLY and value is not None:
        return "invalid", {"words": "expected no value, as the server assigns it"}
    if field.enum:
        return None if value in field.enum else ("enum", _allowed(field, value))
    if not _is_of_kind(kind, value):
        return "wrong_type", {"takes": TAKES[kind]}
    if kind is FieldKind.DATE and (words := iso_date_problem(value)):
        return "invalid", {"words": words}
    if field.minimum is not None and value < field.minimum:
        return "minimum", {"minimum": field.minimum}
    return None


def _is_of_kind(kind: FieldKind, value: Any) -> bool:
    if kind is FieldKind.TEXT or kind is FieldKind.DATE:
        return isinstance(value, str)
    if kind is FieldKind.NUMBER:
        # True and false are numbers to Python, not to JSON.
        return isinstance(value, _NUMBERS) and not isinstance(value, bool) and is_finite(value)
    if kind is FieldKind.BOOLEAN:
        return isinstance(value, bool)
    if kind is FieldKind.OBJECT:
        return isinstance(value, dict)
    return kind is FieldKind.ANY or isinstance(value, list)


def is_finite(number: float | Decimal) -> bool:
    """Return whether a float can hold a number, as most readers of JSON have no other."""
    try:
        return isfinite(number)
    except OverflowError:  # a whole number of 309 digits or more
        return False


def _misfits_of_object(
    children: Mapping[str, Field], field: Field, value: dict[str, Any], steps: tuple[Step, ...]
) -> Iterator[Misfit]:
    listed = 0
    for name, child in children.items():
        if name in value:
            listed += 1
            yield from _misfits(child, value[name], (*steps, name))
        elif child.required:
            yield _misfit("missing_field", (*steps, name), {})
    if listed == len(value):
        return
    for name in value:
        if name not in children:
            suggestion = field.misspelt(name) if field.is_open else nearest(name, children)
            params: dict[str, JsonValue] = {"suggestion": suggestion} if suggestion else {}
            if params or not field.is_open:
                yield _misfit("unknown_field", (*steps, name), params)


def _allowed(field: Field, value: Any) -> dict[str, JsonValue]:
    params: dict[str, JsonValue] = {"allowed": list(field.enum)}
    # A long text is no misspelling, and comparing it with every word would take its time.
    if isinstance(value, str) and len(value) <= SHOWN_CHARACTERS and (near := nearest(value, field.enum)):
        params["suggestion"] = near
    return params


def _misfit(kind: MisfitKind, steps: tuple[Step, ...], params: dict[str, JsonValue]) -> Misfit:
    if steps:
        params = {"place": _path(steps), "member": _path(steps, items=False), **params}
    return Misfit(kind, steps, params)


def _path(steps: tuple[Step, ...], *, items: bool = True) -> str:
    """Steps as a path, such as `reminders[0].name`; without `items`, as `reminders[].name`."""
    parts = [f".{shorten(step)}" if isinstance(step, str) else f"[{step if items else ''}]" for step in steps]
    return "".join(parts).removeprefix(".")


def shown_json(value: Any) -> str:
    """Return a JSON value as messages show it: compact JSON, cut short."""
    if isinstance(value, Decimal):
        return shorten(str(value))
    return shorten(json.dumps(value, ensure_ascii=False, default=float))
