"""The reference of a mapping's keys as Markdown, made of the models that parse it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from loader.mapping.grammar import (
    ORIGINS,
    BooleanWords,
    Each,
    MappingExample,
    MappingSpec,
    NumberFormat,
    Rule,
)
from loader.settings import SourceOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_BARE: Final = re.compile("'(true|false|null)'")  # a mapping needs no quotes where a key takes text
_INTRODUCTION: Final = (
    "A rule is a column's name, or an object with exactly one origin and any conversions. Conversions are "
    "applied in the order of their table, whatever order they are written in; behind `split`, each applies "
    "to every item."
)

_EACH: Final = (
    "In place of a list of rules, an object with `each` makes an item of every row of a group, or of a "
    "second file."
)


def reference() -> str:
    """Return the tables of all keys: of the file, its source, rules, and examples."""
    rule = _fields(Rule)
    origins = {key: info for key, info in rule.items() if key in ORIGINS}
    conversions = {key: info for key, info in rule.items() if key not in ORIGINS}
    parts = {
        f"{key}.{name}": info
        for key, model in (("number", NumberFormat), ("boolean", BooleanWords))
        for name, info in _fields(model).items()
    }
    tables = [
        _table("key", "meaning", _fields(MappingSpec)),
        _table("key of `source`", "meaning", _fields(SourceOptions)),
        _INTRODUCTION,
        _table("origin", "value", origins),
        _table("conversion", "does", conversions),
        _table("key of a conversion", "meaning", parts),
        _EACH,
        _table("key of a list", "meaning", _fields(Each)),
        _table("key of `examples`", "meaning", _fields(MappingExample)),
    ]
    return "\n\n".join(tables) + "\n"


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _table(first: str, second: str, rows: dict[str, FieldInfo]) -> str:
    lines = [f"| {first} | {second} |", "| --- | --- |"]
    lines += [f"| {_written(key, info)} | {_meaning(info)} |" for key, info in rows.items()]
    return "\n".join(lines)


def _written(key: str, info: FieldInfo) -> str:
    """Return the key as it is written, with its example values."""
    forms = [f"{key}: {_as_yaml(value)}" for value in info.examples or ()] or [key]
    return " or ".join(f"`{_escaped(form)}`" for form in forms)


def _meaning(info: FieldInfo) -> str:
    needed = "Required. " if info.is_required() else ""
    return _escaped(f"{needed}{info.description}")


def _as_yaml(value: Any) -> str:
    lines: Iterable[str] = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    ).splitlines()
    return _BARE.sub(r"\1", next(iter(lines)))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
