"""What sentences are made of: templates, and the values that are filled into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loader.findings import Finding, JsonValue

Text: TypeAlias = "str | Callable[[Finding], str]"
"""A template with names in braces, or a function where a template cannot express it.

The names are parameters of the code, `field`, `value`, or one of `_DERIVED`.
"""

_LISTED: Final = 10
"""So many items of a list are shown."""
_BYTES: Final = frozenset({"kept", "length", "limit"})
_MEBIBYTE: Final = 2**20
_LETTERS: Final = {"d": "DD", "m": "MM", "Y": "YYYY", "y": "YY", "H": "hh", "M": "mm", "S": "ss"}


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of a code.

    Attributes:
        message: What was found, in lower case and without a full stop.
        fix: What to do next: a sentence.
        reason: The cause of a whole group in a few words, without what varies; None: the message is that.
        expected: What was expected, to read on from "expected"; None where the message says it.
        with_field: Whether a line without a column for the field needs it in front; False where the message
            names it, or where it adds nothing.
    """

    message: Text
    fix: Text
    reason: Text | None = None
    expected: Text | None = None
    with_field: bool = True


def render(text: Text, finding: Finding) -> str:
    """Return a template or function filled in for a finding; a parameter that it lacks shows as `…`."""
    return text.format_map(_Names(finding)) if isinstance(text, str) else text(finding)


def choose(name: str, present: Text, absent: Text) -> Text:
    """Return a text that depends on whether a finding has a parameter, and that one is not empty or false."""

    def chosen(finding: Finding) -> str:
        return render(present if finding.params.get(name) else absent, finding)

    return chosen


def select(name: str, texts: Mapping[str, Text], otherwise: Text) -> Text:
    """Return a text that depends on the value of a parameter."""

    def selected(finding: Finding) -> str:
        return render(texts.get(str(finding.params.get(name)), otherwise), finding)

    return selected


class _Names(dict[str, str]):
    """The names of a template, looked up when it asks for them."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self._finding = finding

    def __missing__(self, name: str) -> str:
        if name in _DERIVED:
            return _DERIVED[name](self._finding)
        return shown(name, self._finding.params.get(name))


def shown(name: str, value: JsonValue) -> str:
    """Return a parameter as sentences show it: lists cut after ten items, sizes with their unit."""
    if isinstance(value, list):
        return listed([shown("", item) for item in value])
    if isinstance(value, bool) or value is None:
        return {None: "…", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return _whole(name, value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _whole(name: str, number: int) -> str:
    if name == "limit" and number >= _MEBIBYTE:
        return f"{number // _MEBIBYTE} MiB"
    if name in _BYTES:
        return f"{number:,} bytes"
    return f"{number:,}" if name == "max_cells" else str(number)


def listed(items: list[str], last: str = ", ") -> str:
    """Return items with commas between; of a long list, the first ten and how many more there are.

    Args:
        items: Their texts.
        last: What is between the last two of a short list.
    """
    if len(items) > _LISTED:
        return f"{', '.join(items[:_LISTED])} and {len(items) - _LISTED} more"
    return last.join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def names_of(finding: Finding, name: str) -> list[str]:
    """Return a parameter that is a list of texts; an empty list where it is missing."""
    value = finding.params.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []


def counted(number: JsonValue, noun: str) -> str:
    """Return "1 cell", "2 cells"."""
    return f"{shown('', number)} {noun if number == 1 else noun + 's'}"


@lru_cache(maxsize=256)  # asked for once a finding, of the few formats of a mapping
def in_letters(form: str) -> str:
    """Return strftime codes as letters, `%d.%m.%Y` as `DD.MM.YYYY`.

    A format with a code that is not a plain number, such as `%b`, stays as it is.
    """
    if set(re.findall("%(.?)", form)) - _LETTERS.keys():
        return form
    return re.sub("%(.)", lambda code: _LETTERS[code[1]], form)


def date_format(form: str) -> str:
    """Return a strftime format with its letters behind it: `%d.%m.%Y (DD.MM.YYYY)`."""
    letters = in_letters(form)
    return form if letters == form else f"{form} ({letters})"


def one_line(text: str) -> str:
    """Return a text with escapes in place of line ends and of other characters that nobody sees."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


# --- Names that are made of several values -------------------------------------------------------------


def _field(finding: Finding) -> str:
    return finding.field or "the record"


def _value(finding: Finding) -> str:
    return "…" if finding.value is None else finding.value


def _found(finding: Finding) -> str:
    return "the value" if finding.value is None else f'"{finding.value}"'


def _source_column(finding: Finding) -> str:
    """The column or columns; a rule that reads several has them joined."""
    if finding.column is None:
        return "the source"
    return f"{'columns' if ', ' in finding.column else 'column'} '{finding.column}'"


def _cells(finding: Finding) -> str:
    """The cells to correct."""
    return "these rows" if finding.column is None else f"the values in {_source_column(finding)}"


def _formats(finding: Finding) -> str:
    return listed([date_format(form) for form in names_of(finding, "formats")], " or ") or "…"


def _format(finding: Finding) -> str:
    return f"'{finding.params.get('format', '…')}'"


def _letters(finding: Finding) -> str:
    return listed([in_letters(form) for form in names_of(finding, "formats")], " or ") or "…"


def _member_name(finding: Finding) -> str:
    """The last name of the member's path: `name` of `reminders[].name`."""
    return str(finding.params.get("member", "…")).rpartition(".")[2]


def _second_file(finding: Finding) -> str:
    """The file that has the columns."""
    return str(finding.params.get("second_file") or "the source")


_DERIVED: Final[dict[str, Callable[[Finding], str]]] = {
    "field": _field,
    "value": _value,
    "found": _found,
    "source_column": _source_column,
    "cells": _cells,
    "formats": _formats,
    "format": _format,
    "letters": _letters,
    "member_name": _member_name,
    "second_file": _second_file,
}
DERIVED_NAMES: Final = frozenset(_DERIVED) - {"formats", "format", "second_file"}
"""What templates may name beside a code's parameters.

`letters` needs the parameter `formats`, `member_name` needs `member`.
"""
