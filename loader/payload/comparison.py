"""JSON values held against each other: whether they are the same, where they part, and both shown."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from loader.mapping.document import Part, Path


def value_at(payload: dict[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    found: Any = payload
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def pruned(value: Any) -> Any:
    """A value as payloads have it: a null is a field that is left out."""
    if isinstance(value, dict):
        return {name: pruned(each) for name, each in value.items() if each is not None}
    return [pruned(each) for each in value] if isinstance(value, list) else value


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, and is not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def innermost(wanted: Any, got: Any, place: Path) -> tuple[Path, Part]:
    """The place of the first difference, as far in as there is just one."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        apart = [name for name in wanted if name not in got or not same(wanted[name], got[name])]
        if len(apart) == 1 and got.keys() <= wanted.keys():
            return innermost(wanted[apart[0]], got.get(apart[0]), (*place, apart[0]))
        return place, "key"
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        numbers = [number for number in range(len(wanted)) if not same(wanted[number], got[number])]
        if len(numbers) == 1:
            return innermost(wanted[numbers[0]], got[numbers[0]], (*place, numbers[0]))
    return place, "value"


def diff(key: str, wanted: Any, got: Any, title: str) -> str:
    """Two values as YAML, compared line by line."""
    before, after = _as_yaml(key, wanted), _as_yaml(key, _in_order(got, wanted))
    lines = difflib.unified_diff(before, after, f"{title}, expected", f"{title}, got", lineterm="")
    return "\n".join(lines)


def _as_yaml(key: str, value: Any) -> list[str]:
    if value is None:
        return []
    return yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=False, width=1000).splitlines()


def _in_order(value: Any, model: Any) -> Any:
    """A value whose members stand in the order that they have in another one, others behind."""
    if isinstance(value, dict) and isinstance(model, dict):
        names = [*(name for name in model if name in value), *(name for name in value if name not in model)]
        return {name: _in_order(value[name], model.get(name)) for name in names}
    if isinstance(value, list) and isinstance(model, list):
        padded = [*model, *[None] * len(value)]
        return [_in_order(each, padded[number]) for number, each in enumerate(value)]
    return value
