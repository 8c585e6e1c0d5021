"""Rules in words, for people who read no YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from loader.mapping.words import shown

if TYPE_CHECKING:
    from loader.mapping.grammar import BooleanWords, NumberFormat, Rule

_LETTERS: Final = {"d": "DD", "m": "MM", "Y": "YYYY", "y": "YY", "H": "hh", "M": "mm", "S": "ss"}


def origin_in_words(rule: Rule) -> str:
    """Where a rule's value comes from, such as `column State` or `always "include"`."""
    words = {
        "lookup": f"id of the {rule.lookup} whose key is in column {rule.column}",
        "columns": f"the first of {', '.join(rule.columns or ())} that is not empty",
        "value": "always nothing" if rule.value is None else f"always {shown(rule.value)}",
        "template": f'text "{rule.template}"',
        "sql": f"SQL: {rule.sql}",
        "json": f"JSON in column {rule.json_column}",
        "column": f"column {rule.column}",
    }
    return words[rule.origin]


def conversions_in_words(rule: Rule) -> tuple[str, ...]:
    """What a rule does to its value, in the order in which it is done; blanks that are trimmed go unsaid."""
    said = {
        "trim": None if rule.trim else "outer blanks kept",
        "null_if": any(rule.null_if or ()) and f"nothing where it is {_listed(rule.null_if or ())}",
        "case": rule.case and f"{rule.case} case",
        "split": rule.split and f'cut at "{rule.split}"',
        "map": None if rule.map is None else f"table of {len(rule.map)}{_otherwise(rule)}",
        "date": rule.date and f"date {_forms(rule.date)}",
        "datetime": rule.datetime and f"time {_forms(rule.datetime)}{_in_zone(rule)}",
        "number": rule.number and _number(rule.number),
        "boolean": rule.boolean and _flag(rule.boolean),
        "relative_date": rule.relative_date and "phrase to a relative date",
        "default": None if rule.default is None else f"where empty: {shown(rule.default)}",
    }
    return tuple(str(said[name]) for name in rule.conversions if said[name])


def in_letters(form: str) -> str:
    """Codes of strftime as letters, `%d.%m.%Y` as `DD.MM.YYYY`, where all of them are plain numbers."""
    if set(re.findall("%(.?)", form)) - _LETTERS.keys():
        return form
    return re.sub("%(.)", lambda code: _LETTERS[code[1]], form)


def _forms(forms: tuple[str, ...]) -> str:
    return " or ".join(map(in_letters, forms))


def _in_zone(rule: Rule) -> str:
    return f" in {rule.timezone}" if rule.timezone else ""


def _number(form: NumberFormat) -> str:
    return f'number, decimal "{form.decimal}"' + (f', thousands "{form.thousands}"' if form.thousands else "")


def _flag(words: BooleanWords) -> str:
    return f"true for {_listed(words.true)}, false for {_listed(words.false)}"


def _otherwise(rule: Rule) -> str:
    if rule.otherwise is None:
        return ""
    if rule.otherwise == "keep":
        return ", others kept"
    if rule.otherwise == "null":
        return ", others become nothing"
    return f", others become {shown(rule.otherwise.value)}"


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
