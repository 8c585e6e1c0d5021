"""What a finding means, and what a person can do about it, in a sentence each."""

from __future__ import annotations

from typing import Final, Literal

_TABLE: Final = "in the table ("
_CHOICE: Final = "one of "
_REQUIRED: Final = "required"
_OWN_ID: Final = "an external id of its own"
_READABLE: Final = "a record that can be read"
_FLAG: Final = "one of true/false"


def reason_in_words(key: str, expected: str | None) -> str:
    """What is wrong, in a few words.

    Args:
        key: What the findings are grouped by: what was expected, or their own words.
        expected: What was expected; None where the words say it.
    """
    if expected is None or expected == _READABLE or key != expected:
        return key
    if expected == _REQUIRED:
        return "required, and empty"
    if expected == _OWN_ID:
        return "stands more than once"
    if expected.startswith(_TABLE):
        return "not in the mapping's table"
    return f"not {expected}"


def mend(path: str, column: str | None, expected: str | None, status: Literal["invalid", "blocked"]) -> str:
    """How to mend it.

    Args:
        path: The payload's field; empty where the whole record is wrong.
        column: The source's column; None where no single one gives the value.
        expected: What was expected; None where nothing more is known.
        status: What became of the rows.
    """
    if status == "blocked":
        return "Load or settle what these rows wait for; then resume the load, and they are tried again."
    cells = f"the cells of column {column}" if column else "these rows"
    known: dict[str | None, str] = {
        _READABLE: "Mend these records in the file: rejects.csv holds them as they stand, with the reason.",
        _OWN_ID: "Keep one of the rows, or give the others an id of their own; the first one is sent.",
        _REQUIRED: f"Fill in {cells}, or give {path} a default in the mapping.",
    }
    if expected in known:
        return known[expected]
    if expected and expected.startswith(_TABLE):
        return f"Correct {cells}, or add these values to the table of {path} in the mapping."
    if expected and expected.startswith(_CHOICE) and not expected.startswith(_FLAG):
        return f"Correct {cells}, or say in the mapping (map:) which allowed value they mean."
    return f"Correct {cells}, or tell the mapping how {path or 'the record'} is written there."
