"""Constants of a mapping as the JSON that stands in a payload."""

from __future__ import annotations

import json
from typing import Any


def as_is(value: Any) -> str | None:
    """A constant that is text; None for a null."""
    return None if value is None else str(value)


def to_json(value: Any) -> str:
    """A constant as compact JSON: null members left out, whole floats without a fraction."""
    return json.dumps(_pruned(value), ensure_ascii=False, separators=(",", ":"))


def to_json_or_none(value: Any) -> str | None:
    """As `to_json`; None for a null."""
    return None if value is None else to_json(value)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_pruned(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
