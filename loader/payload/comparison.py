"""JSON values compared: whether they are the same, where they differ, and both shown line by line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from loader.mapping.yaml_paths import Part, YamlPath


def value_at(payload: dict[str, Any], path: str) -> Any:
    """Return the value at a dotted path; None where there is none."""
    value: Any = payload
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def pruned(value: Any) -> Any:
    """Return a value as payloads have it: a null is a field that is left out."""
    if isinstance(value, dict):
        return {name: pruned(member) for name, member in value.items() if member is not None}
    return [pruned(item) for item in value] if isinstance(value, list) else value


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON: 1 is 1.0, and is not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def innermost(expected: Any, actual: Any, yaml_path: YamlPath) -> tuple[YamlPath, Part]:
    """Return the place of the first difference, as far inside as there is just one.

    Args:
        expected: What the example has at `yaml_path`.
        actual: What the row became there.
        yaml_path: Where `expected` is in the mapping's file.

    Returns:
        The place, and whether its key or its value is meant.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        differing = [
            name for name in expected if name not in actual or not same(expected[name], actual[name])
        ]
        if len(differing) == 1 and actual.keys() <= expected.keys():
            (name,) = differing
            return innermost(expected[name], actual.get(name), (*yaml_path, name))
        return yaml_path, "key"
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        numbers = [number for number in range(len(expected)) if not same(expected[number], actual[number])]
        if len(numbers) == 1:
            (number,) = numbers
            return innermost(expected[number], actual[number], (*yaml_path, number))
    return yaml_path, "value"


def diff(key: str, expected: Any, actual: Any, title: str) -> str:
    """Return two values of a key as YAML, compared line by line."""
    before, after = _as_yaml(key, expected), _as_yaml(key, _in_order(actual, expected))
    lines = difflib.unified_diff(before, after, f"{title}, expected", f"{title}, got", lineterm="")
    return "\n".join(lines)


def _as_yaml(key: str, value: Any) -> list[str]:
    if value is None:
        return []
    return yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=False, width=1000).splitlines()


def _in_order(value: Any, model: Any) -> Any:
    """Return a value with its members in the order that they have in another one, others behind.

    Without it, a payload in the order of the API's page would differ from the example in every line.
    """
    if isinstance(value, dict) and isinstance(model, dict):
        names = [*(name for name in model if name in value), *(name for name in value if name not in model)]
        return {name: _in_order(value[name], model.get(name)) for name in names}
    if isinstance(value, list) and isinstance(model, list):
        padded = [*model, *[None] * len(value)]
        return [_in_order(item, padded[number]) for number, item in enumerate(value)]
    return value
