"""What a finding means, and what a person can do about it, in a sentence each."""

from __future__ import annotations

from typing import Final, Literal

_TABLE: Final = "in the table ("
_CHOICE: Final = "one of "
_REQUIRED: Final = "required"
_OWN_ID: Final = "an external id of its own"
_READABLE: Final = "a record that can be read"
_FLAG: Final = "one of true/false"
_SQL: Final = "cells that this SQL can be computed with"
_FATE: Final = "an external id whose fate is known"
_LOOKED_UP: Final = "the external id of a "
_LOADED: Final = " that a load has created"
_EXTERNAL_ID: Final = "sys_external_id"
_BETWEEN: Final = ", "


def reason_in_words(key: str, expected: str | None, message: str) -> str:
    """What is wrong, in a few words.

    Args:
        key: What the findings are grouped by: what was expected, or their own words without the values.
        expected: What was expected; None where the words say it.
        message: The words of the first of them.
    """
    if expected is None or expected == _READABLE or key != expected:
        return message
    known = {
        _REQUIRED: "required, and empty",
        _OWN_ID: "stands more than once",
        _SQL: "not computed: its SQL fails on these cells",
        _FATE: "sent by an earlier load, which does not know whether it was stored",
    }
    if expected.startswith(_TABLE):
        return "not in the mapping's table"
    if expected.startswith(_LOOKED_UP) and expected.endswith(_LOADED):
        awaited = expected.removeprefix(_LOOKED_UP).removesuffix(_LOADED)
        return f"waits for a {awaited} that no load has created"
    return known.get(expected, f"not {expected}")


def allowed(expected: str | None) -> str | None:
    """What may stand there, to be read behind "Allowed:"; None where the reason has said it."""
    if expected is None or expected in {_READABLE, _OWN_ID, _REQUIRED, _SQL, _FATE}:
        return None
    if expected.startswith(_LOOKED_UP):
        return None
    return expected.removeprefix(_TABLE).removesuffix(")") if expected.startswith(_TABLE) else expected


def mend(path: str, column: str | None, expected: str | None, status: Literal["invalid", "blocked"]) -> str:
    """How to mend it.

    Args:
        path: The payload's field; empty where the whole record is wrong.
        column: The source's column, or several joined; None where none gives the value.
        expected: What was expected; None where nothing more is known.
        status: What became of the rows.
    """
    if status == "blocked":
        return "Load or settle what these rows wait for; then resume the load, and they are tried again."
    many = "s" if column and _BETWEEN in column else ""
    cells = f"the cells of column{many} {column}" if column else "these rows"
    ids = path == _EXTERNAL_ID
    known: dict[str | None, str] = {
        _READABLE: "Mend these records in the file: the rejects hold them as they stand, with the reason.",
        _OWN_ID: "Keep one of the rows, or give the others an id of their own; the first one is sent.",
        _REQUIRED: f"Fill in {cells}: {path} tells a row from all others, so that each needs its own."
        if ids
        else f"Fill in {cells}, or give {path} a default in the mapping.",
        _SQL: f"Correct {cells}, or change the SQL of {path} in the mapping.",
    }
    if expected in known:
        return known[expected]
    if expected and expected.startswith(_TABLE):
        return f"Correct {cells}, or add these values to the table of {path} in the mapping."
    if expected and expected.startswith(_CHOICE) and not expected.startswith(_FLAG):
        return f"Correct {cells}, or say in the mapping which allowed value of {path} they mean (map:)."
    return f"Correct {cells}, or tell the mapping how {path or 'the record'} is written there."
