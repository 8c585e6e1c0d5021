"""What a body must be to be stored, and every reason why it is not."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from loader.resources.base import OpenShape
from loader.resources.fields import field_tree
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

    from loader.resources import Record
    from loader.resources.fields import Field

_SHOWN = 60
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}


@dataclass(frozen=True, slots=True)
class ContractViolation:
    """One reason why a request is refused.

    Attributes:
        path: The field, such as `statistics[0].action`; empty for the body as a whole.
        message: What is wrong with it.
    """

    path: str
    message: str


class NotValid(Exception):  # noqa: N818 - a verdict on a body, not a failure of the sandbox
    """A body that is not a valid record.

    Args:
        reasons: Every reason; never empty.
    """

    def __init__(self, reasons: Sequence[ContractViolation]) -> None:
        super().__init__(f"{len(reasons)} reasons")
        self.reasons = tuple(reasons)


def read_record(record: type[Record], body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds, if the record type takes it.

    Args:
        record: The record type that judges it.
        body: What was posted.

    Raises:
        NotValid: It is not JSON, not an object, or not valid; carries every reason at once.
    """
    value, reasons = _parse(body)
    if not isinstance(value, dict):
        found = _KINDS.get(type(value), "a number")
        raise NotValid([ContractViolation("", f"the body is {found}; expected a JSON object")])
    try:
        record.model_validate_json(body)
    except ValidationError as error:
        reasons += _reasons(record, value, error)
    if reasons:
        raise NotValid(reasons)
    return value


def _parse(body: bytes) -> tuple[Any, list[ContractViolation]]:
    """The body's value, and the names that stand twice in one of its objects."""
    twice: list[ContractViolation] = []

    def read_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(items)
        if len(names) < len(items):
            seen = [name for name, _ in items]
            twice.extend(
                ContractViolation(name, "stands more than once in one object")
                for name in names
                if seen.count(name) > 1
            )
        return names

    try:
        value = json.loads(
            body.decode(), object_pairs_hook=read_object, parse_float=_finite, parse_constant=_finite
        )
    except RecursionError:
        raise NotValid(
            [ContractViolation("", "the body is not JSON that can be read: nested too deeply")]
        ) from None
    except ValueError as error:
        raise NotValid([ContractViolation("", f"the body is not JSON: {error}")]) from None
    return value, twice


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:_SHOWN]} is no finite number")
    return number


def _reasons(record: type[Record], value: dict[str, Any], error: ValidationError) -> list[ContractViolation]:
    """Every reason, also those that the model does not reach because others come first."""
    root = field_tree(record)
    reasons: list[ContractViolation] = []
    rest = _listed(root, value, "", reasons)
    if not reasons:
        return _model_reasons(root, error)
    try:
        record.model_validate_json(json.dumps(rest))
    except ValidationError as more:
        reasons += _model_reasons(root, more)
    return reasons


def _listed(field: Field, value: Any, path: str, reasons: list[ContractViolation]) -> Any:
    """The value without the fields that may not be there; adds a reason for each of them."""
    if field.item and isinstance(value, list):
        return [_listed(field.item, each, f"{path}[{at}]", reasons) for at, each in enumerate(value)]
    if field.children is None or not isinstance(value, dict):
        return value
    kept = {}
    for name, each in value.items():
        below = f"{path}.{name}" if path else name
        child = field.children.get(name)
        if child and child.refused and each is not None:
            reasons.append(
                ContractViolation(below, "the server assigns it: a request that carries it is refused")
            )
        elif child:
            kept[name] = _listed(child, each, below, reasons)
        elif unknown := _unknown(field, name):
            reasons.append(ContractViolation(below, unknown))
        else:
            kept[name] = each
    return kept


def _unknown(field: Field, name: str) -> str | None:
    """What is wrong with an unlisted name in an object; None where the object is open to it."""
    if field.shape and issubclass(field.shape, OpenShape):
        meant = field.shape.misspelt(name)
        if meant is None:
            return None
    else:
        meant = nearest(name, list(field.children or ()))
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"unknown field {name[:_SHOWN]!r}{hint}"


def _model_reasons(root: Field, error: ValidationError) -> list[ContractViolation]:
    """The model's errors, one a field: a number's two arms, whole and not, are one."""
    found = {
        _path(root, detail["loc"]): _message(detail)
        for detail in error.errors(include_url=False, include_context=False)
    }
    return [ContractViolation(path, message) for path, message in found.items()]


def _path(root: Field, loc: tuple[int | str, ...]) -> str:
    """A field's path from an error's location, without the names of a union's arms at its end."""
    path, field = "", root
    for part in loc:
        child = field.item if isinstance(part, int) else (field.children or {}).get(part)
        if child is None:
            break
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
        field = child
    return path


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "required, and not there"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "json_invalid":
        return message
    found = detail["input"]
    shown = _KINDS[type(found)] if isinstance(found, dict | list) else json.dumps(found, ensure_ascii=False)
    return f"{message}; found {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"
