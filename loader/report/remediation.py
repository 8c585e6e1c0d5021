"""What a finding means, and what a person can do about it, in a sentence each."""

from __future__ import annotations

from typing import Final, Literal

from loader.mapping.explain import in_letters

_TABLE: Final = "in the table ("
_CHOICE: Final = "one of "
_REQUIRED: Final = "required"
_OWN_ID: Final = "an external id of its own"
_READABLE: Final = "a record that can be read"
_FLAG: Final = "one of true/false"
_SQL: Final = "cells that this SQL can be computed with"
_FIRST_ROW: Final = "what the first row of its record has"
_ONE_BELOW: Final = "all rows of one record, one below the other"
JSON_OF: Final = "JSON of "
_WAITS: Final = ("the external id of a ", " that a load has created")
_OF_FORM: Final = ("a date of the form", "a time of the form")
_FATE: Final = "an external id whose fate is known"
_OWN_PATH: Final = "sys_external_id"
TOO_MANY: Final = "more cells than the header"
TOO_FEW: Final = "fewer cells than the header"
_UNNUMBERED: Final = frozenset({TOO_MANY, TOO_FEW, "other reasons"})


_SAID: Final[dict[str | None, str]] = {
    _REQUIRED: "required, and empty",
    _OWN_ID: "stands more than once",
    _ONE_BELOW: "its rows are not known to be whole",
    _FIRST_ROW: "differs among the rows of one record",
    _SQL: "cannot be computed",
    _FATE: "sent by an earlier load, which does not know whether it was stored",
}


def reason_in_words(key: str, expected: str | None, message: str) -> str:
    """What is wrong, in a few words.

    Args:
        key: What the findings are grouped by: what was expected, or their own words without the values.
        expected: What was expected; None where the words say it.
        message: The words of the first of them.
    """
    if key in _UNNUMBERED:
        return key
    if expected in _SAID:
        return _SAID[expected]
    if expected is None or expected == _READABLE or key != expected:
        return message
    if expected.startswith(_WAITS[0]):
        return f"names a {expected.removeprefix(_WAITS[0]).removesuffix(_WAITS[1])} that no load has created"
    return "not in the mapping's table" if expected.startswith(_TABLE) else f"not {_lettered(expected)}"


def allowed(expected: str | None) -> str | None:
    """What may stand there, to be read behind "Allowed:"; None where the reason has said it."""
    if expected is None or expected in _SAID or expected == _READABLE:
        return None
    if expected.startswith((_WAITS[0], JSON_OF)):
        return None
    if expected.startswith(_TABLE):
        return expected.removeprefix(_TABLE).removesuffix(")")
    return _lettered(expected)


def _lettered(expected: str) -> str:
    """A form of dates as people write it, DD.MM.YYYY; other words, and forms of rarer parts, as they are."""
    return in_letters(expected) if expected.startswith(_OF_FORM) else expected


def mend(path: str, column: str | None, expected: str | None, status: Literal["invalid", "blocked"]) -> str:
    """How to mend it.

    Args:
        path: The payload's field; empty where the whole record is wrong.
        column: The source's column; None where no single one gives the value.
        expected: What was expected; None where nothing more is known.
        status: What became of the rows.
    """
    if status == "blocked":
        return "Load or reconcile what these rows wait for; then they can be loaded, as they are."
    cells = f"the cells of column “{column}”" if column else "these rows"
    if column and ", " in column:
        cells = f"the cells of columns “{column}”"
    if path == _OWN_PATH and expected == _REQUIRED:
        return f"Give each of these rows an id of its own in {cells}: without one it could not be told later."
    known: dict[str | None, str] = {
        _READABLE: "Mend these records in the file: rejects.csv holds them as they stand, with the reason.",
        _OWN_ID: "Keep one of the rows, or give the others an id of their own. The first of them counts.",
        _REQUIRED: f"Fill in {cells}, or give {path} a default in the mapping.",
        _SQL: f"Correct {cells}, or change the SQL of {path} in the mapping so that it can take them.",
        _FIRST_ROW: f"Make {cells} the same in all rows of a record.",
        _ONE_BELOW: "Mend the rows beside these that cannot be read or have no key.",
    }
    return known.get(expected) or _mended_values(path, cells, expected or "")


def _mended_values(path: str, cells: str, expected: str) -> str:
    """How to mend values that are not what was expected."""
    if expected.startswith(_WAITS[0]):
        return f"Load the records that these keys name first, or correct {cells}."
    if expected.startswith(JSON_OF):
        return f"Correct {cells}: what is sent has to be {expected} that {path} takes."
    if expected.startswith(_TABLE):
        return f"Correct {cells}, or add these values to the table of {path} in the mapping."
    if expected.startswith(_CHOICE) and not expected.startswith(_FLAG):
        return f"Correct {cells}, or say in the mapping which of the allowed values they stand for."
    return f"Correct {cells}, or tell the mapping how {path or 'the record'} is written there."
