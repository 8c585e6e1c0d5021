"""Rules in words, for people who do not read YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.resources.misfits import shown_json
from loader.wording.phrases import in_letters

if TYPE_CHECKING:
    from loader.mapping.grammar import BooleanWords, NumberFormat, Rule


def origin_in_words(rule: Rule) -> str:
    """Return where a rule's value comes from, such as `column State` or `always "include"`."""
    words = {
        "lookup": f"id of the {rule.lookup} with the key in column {rule.column}",
        "columns": f"the first of {', '.join(rule.columns or ())} that is not empty",
        "value": "always nothing" if rule.value is None else f"always {shown_json(rule.value)}",
        "template": f'text "{rule.template}"',
        "sql": f"SQL: {rule.sql}",
        "json": f"JSON in column {rule.json_column}",
        "column": f"column {rule.column}",
    }
    return words[rule.origin]


def conversions_in_words(rule: Rule) -> tuple[str, ...]:
    """Return what a rule does to its value, in order; trimming is not mentioned, since it is the rule."""
    words = {
        "trim": None if rule.trim else "outer blanks kept",
        "null_if": any(rule.null_if or ()) and f"nothing where it is {_listed(rule.null_if or ())}",
        "case": rule.case and f"{rule.case} case",
        "split": rule.split and f'cut at "{rule.split}"',
        "map": None if rule.map is None else f"table of {len(rule.map)}{_otherwise(rule)}",
        "date": rule.date and f"date {_formats(rule.date)}",
        "datetime": rule.datetime and f"time {_formats(rule.datetime)}{_in_zone(rule)}",
        "number": rule.number and _number(rule.number),
        "boolean": rule.boolean and _flag(rule.boolean),
        "relative_date": rule.relative_date and "phrase to a relative date",
        "default": None if rule.default is None else f"where empty: {shown_json(rule.default)}",
    }
    return tuple(str(words[name]) for name in rule.conversions if words[name])


def _formats(formats: tuple[str, ...]) -> str:
    return " or ".join(map(in_letters, formats))


def _in_zone(rule: Rule) -> str:
    return f" in {rule.timezone}" if rule.timezone else ""


def _number(number: NumberFormat) -> str:
    thousands = f', thousands "{number.thousands}"' if number.thousands else ""
    return f'number, decimal "{number.decimal}"{thousands}'


def _flag(words: BooleanWords) -> str:
    return f"true for {_listed(words.true)}, false for {_listed(words.false)}"


def _otherwise(rule: Rule) -> str:
    if rule.otherwise is None:
        return ""
    if rule.otherwise == "keep":
        return ", others kept"
    if rule.otherwise == "null":
        return ", others become nothing"
    return f", others become {shown_json(rule.otherwise.value)}"


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
