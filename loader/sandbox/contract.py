"""What a body must be to be stored, and every reason why it is not."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from loader.resources.misfits import check_value
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.resources import RecordType
    from loader.resources.misfits import Misfit, MisfitKind

_TYPE_NAMES: Final = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}

_MESSAGES: Final[Mapping[MisfitKind, str]] = {
    "wrong_type": "expected {takes}, found {part}",
    "enum": "expected one of {allowed}, found {part}",
    "minimum": "expected {minimum} or more, found {part}",
    "missing_field": "required, and missing",
    "unknown_field": "unknown field",
    "invalid": "{words}, found {part}",
}
"""What the API answers. The loader has its own words for the same mistakes, in `loader.wording`: a service is
not part of its client."""


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


def read_record(record_type: RecordType, body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds, if the record type takes it.

    Raises:
        NotValid: It is not JSON, not an object, or not valid; carries every reason at once.
    """
    value, reasons = _parse(body)
    if not isinstance(value, dict):
        name = _TYPE_NAMES.get(type(value), "a number")
        raise NotValid([ContractViolation("", f"the body is {name}; expected a JSON object")])
    reasons += [_violation(misfit) for misfit in check_value(record_type.root, value)]
    if reasons:
        raise NotValid(reasons)
    return value


def _parse(body: bytes) -> tuple[Any, list[ContractViolation]]:
    """Return the body's value, and a reason for each name that one of its objects has twice."""
    repeated: list[ContractViolation] = []

    def read_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(items)
        if len(members) < len(items):
            names = [name for name, _ in items]
            repeated.extend(
                ContractViolation(name, "is there more than once in one object")
                for name in members
                if names.count(name) > 1
            )
        return members

    try:
        value = json.loads(
            body.decode(), object_pairs_hook=read_object, parse_float=_finite, parse_constant=_finite
        )
        # A service's parser is stricter than Python's: no half of a surrogate pair, and fewer levels.
        from_json(body)
    except RecursionError:
        raise NotValid([ContractViolation("", "the body is not valid JSON: nested too deeply")]) from None
    except ValueError as error:
        raise NotValid([ContractViolation("", f"the body is not valid JSON: {error}")]) from None
    return value, repeated


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{shorten(digits)} is not a finite number")
    return number


def _violation(misfit: Misfit) -> ContractViolation:
    params = {name: _shown(value) for name, value in misfit.params.items()}
    message = _MESSAGES[misfit.kind].format_map(params)
    if misfit.kind == "unknown_field":
        message += f" {shorten(str(misfit.steps[-1]))!r}"
    if suggestion := params.get("suggestion"):
        message += f"; did you mean {suggestion!r}?"
    return ContractViolation(params.get("place", ""), message)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
