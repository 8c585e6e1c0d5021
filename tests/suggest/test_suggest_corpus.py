"""Columns with the field that a proposal maps them to, and the tuned constants that they pin."""

from __future__ import annotations

import sys
from typing import Final, Literal

import pytest

from tests.suggest.suggest_cases import long_table, propose_for

Answer = Literal["mapped", "perhaps", "which one", "not mapped"]

MATCH: Final = "loader.suggest.match"
"""The module of the constants."""

DAYS: Final = ["2019-01-01"] * 3
FLAGS: Final = ["Y", "N", "Y"]
CASES: Final[dict[str, tuple[list[str], str, Answer]]] = {
    # --- column: its cells, the field it is most like, what the proposal does with it -----------------------
    "Created At": (DAYS, "sys_created_at", "mapped"),
    "Created Number": (DAYS, "sys_created_at", "mapped"),
    "Legacy Created": (DAYS, "sys_created_at", "perhaps"),
    "Locked": (FLAGS, "sys_locked", "mapped"),
    "Locked Colour": (FLAGS, "sys_locked", "perhaps"),
    "Locked Colour Region": (FLAGS, "sys_locked", "not mapped"),
    "Text": (["a@x.de", "b@x.de", "c@x.de"], "notification_email", "mapped"),
    "Programs": (["P1;P2", "P3", "P1"], "program_ids", "mapped"),
    "Snapshot": (["1", "2", "3"], "sys_configuration_snapshot_id", "which one"),
}
PINS: Final[list[tuple[str, float, str]]] = [
    ("CONFIDENT", 0.5, "Legacy Created"),
    ("CONFIDENT", 0.75, "Created Number"),
    ("_WORTH_SHOWING", 0.25, "Locked Colour Region"),
    ("_WORTH_SHOWING", 0.55, "Locked Colour"),
    ("_TIE", 0.005, "Snapshot"),
    ("_TIE", 0.2, "Programs"),
    ("_EMAIL_VALUE", 0.5, "Text"),
]


def answer_for(column: str) -> Answer:
    """Return what a proposal does with a column beside all that a run requires."""
    cells, field, _ = CASES[column]
    proposal = propose_for({**long_table(len(cells)), column: cells})
    if column in proposal.mapped:
        return "mapped"
    line = next(line for line in proposal.text.splitlines() if column in line)
    if f"# {field}:" not in line:
        return "not mapped"
    return "perhaps" if "perhaps" in line else "which one"


@pytest.mark.parametrize("column", CASES)
def test_proposed_as_labelled(column: str) -> None:
    """A column is mapped, offered or left out as its label says."""
    assert answer_for(column) == CASES[column][2]


@pytest.mark.parametrize(("constant", "value", "column"), PINS)
def test_another_value_fails_its_case(
    monkeypatch: pytest.MonkeyPatch, constant: str, value: float, column: str
) -> None:
    """With another value of a tuned constant, something else becomes of the column."""
    monkeypatch.setattr(sys.modules[MATCH], constant, value)
    assert answer_for(column) != CASES[column][2]
