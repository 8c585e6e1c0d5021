"""What the grammar's models refuse, as findings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from loader.codes import CODES
from loader.mapping.document import is_null
from loader.resources.misfits import shown_json
from loader.text import nearest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from loader.findings import JsonValue
    from loader.mapping.findings import Findings
    from loader.mapping.yaml_paths import YamlPath

KEY: Final = "at_key"
"""The context of an error that a model of the grammar raises: the key that it is about."""

_ARMS: Final = frozenset({"bool", "int", "constrained-int"})
"""What Pydantic calls the types of a key that takes one of several."""

_TAKES: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "string_too_short": "at least one character",
    "string_too_long": "one character",
    "too_short": "at least one item",
}
"""What a key takes, by the type of Pydantic's error."""


def takes(error: ErrorDetails) -> list[str]:
    """Return what a key takes, in words, each alternative; nothing where that is not what is wrong.

    Args:
        error: What Pydantic has against the key's value.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "model_type" and context.get("class_name") == "Rule":
        return ["a column name or a rule"]
    if kind == "literal_error":
        return _words(error)
    if kind == "greater_than_equal":
        return [f"{context['ge']} or more"]
    if kind == "less_than_equal":
        return [f"{context['le']} or less"]
    if kind == "too_short" and isinstance(error["input"], str):
        return [_TAKES["string_too_short"]]
    return [_TAKES[kind]] if kind in _TAKES else []


def _words(error: ErrorDetails) -> list[str]:
    """Return the words that a key takes: Pydantic has them in one text, each in quotes."""
    return re.findall(r"'([^']*)'", str(error.get("ctx", {})["expected"]))


def add_grammar_errors(
    error: ValidationError, yaml_path: YamlPath, field: str, model: type[BaseModel], findings: Findings
) -> None:
    """Add what a model of the grammar refused; of the arms of a union, the one that says most.

    A key that is missing because it is misspelled is one finding: the unknown key.

    Args:
        error: What the model raised.
        yaml_path: Where in the file its value is.
        field: The payload's path; empty: each finding has the dotted key in the mapping.
        model: The model.
        findings: All findings go in here.
    """
    errors = [_GrammarError(model, details) for details in error.errors(include_url=False)]
    above = {item.loc[:size] for item in errors for size in range(len(item.loc))}
    unknown = {item.loc: nearest(str(item.loc[-1]), item.keys) for item in errors if item.is_unknown_key}
    meant = {(*loc[:-1], name) for loc, name in unknown.items() if name}
    # Of a value that several types refuse, Pydantic has an error for each: one finding names them all.
    alternatives: dict[YamlPath, dict[str, None]] = {}
    for item in errors:
        alternatives.setdefault(item.loc, {}).update(dict.fromkeys(takes(item.details)))
    reported: set[YamlPath] = set()
    for item in errors:
        place, label = (*yaml_path, *item.loc), field or item.key
        if item.is_unknown_key:
            findings.add(
                "mapping.unknown_key",
                place,
                label,
                key=str(item.loc[-1]),
                allowed=[*item.keys],
                suggestion=unknown[item.loc],
            )
        elif item.type == "missing":
            if item.loc not in meant:
                findings.add("mapping.missing_key", place[:-1], label, key=str(item.loc[-1]))
        elif item.type in CODES:
            at_key = item.context.get(KEY)
            params = {name: value for name, value in item.context.items() if name != KEY}
            findings.add(item.type, (*place, str(at_key)) if at_key else place, label, params=params)
        elif place not in reported and item.loc not in above:
            reported.add(place)
            params = item.value_params(list(alternatives[item.loc]))
            # Without a payload path, the label is the key.
            key = item.key if field and item.key else None
            findings.add("mapping.invalid_value", place, label, part="value", params=params, key=key)


class _GrammarError:
    """One of the errors of a validation.

    Attributes:
        details: What Pydantic has of it.
        loc: The place in the value, without the names of a union's arms.
        keys: The keys of the model that holds the last of them.
    """

    def __init__(self, model: type[BaseModel], details: ErrorDetails) -> None:
        self.details = details
        inner, self.loc = _located(model, details)
        self.keys = _keys(inner)

    @property
    def type(self) -> str:
        """Return Pydantic's type of error; a code, where the grammar raised it."""
        return self.details["type"]

    @property
    def context(self) -> dict[str, Any]:
        """Return what belongs to the type."""
        return self.details.get("ctx", {})

    @property
    def key(self) -> str:
        """Return the dotted key in the value."""
        return ".".join(str(part) for part in self.loc)

    @property
    def is_unknown_key(self) -> bool:
        """Return whether the last key is one that its model does not have."""
        return self.type == "extra_forbidden"

    def value_params(self, alternatives: list[str]) -> dict[str, JsonValue]:
        """Return the parameters of `mapping.invalid_value`, but for its key; None for those that it lacks.

        Args:
            alternatives: What the key takes, by all errors of the same place.
        """
        value = self.details["input"]
        is_word = self.type == "literal_error"
        return {
            "takes": [*alternatives] or None,
            "words": None if alternatives else str(self.context.get("error", self.details["msg"])),
            "got": "nothing" if value is None or is_null(value) else shown_json(value),
            "suggestion": nearest(str(value), _words(self.details)) if is_word else None,
        }


def _located(model: type[BaseModel], error: ErrorDetails) -> tuple[type[BaseModel], YamlPath]:
    """Return the model that holds the last key of an error's place, and the place without names of arms."""
    if not error["loc"]:
        return model, ()
    *above, last = error["loc"]
    kept: list[str | int] = []
    free = False  # inside of a value that no model describes, where any key may be a real one
    for part in above:
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        if isinstance(part, int) or free or part in fields:
            kept.append(part)
        if not free and part in fields:
            inner = _model_in(fields[str(part)].annotation)
            model, free = inner or model, inner is None
    is_key = error["type"] in {"extra_forbidden", "missing"}
    free = free and last not in _ARMS
    if is_key or free or isinstance(last, int) or last in _keys(model):
        kept.append(last)
    return model, tuple(kept)


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if hasattr(annotation, "model_fields"):
        return annotation  # type: ignore[no-any-return]  # only models have that attribute
    arms = (_model_in(arm) for arm in getattr(annotation, "__args__", ()))
    return next(filter(None, arms), None)
