"""A load whose process is gone says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loader.cli import run
from loader.journal import Journal, claim
from tests.journal.journal_values import load as a_load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def state_of(home: Path, load_id: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The state in the JSON object, and the last line on stderr."""
    assert run(["status", load_id, "--json", "--home", str(home)]) == 0
    told = capsys.readouterr()
    return json.loads(told.out)["state"], told.err.splitlines()[-1]


def test_load_that_nobody_works_on_is_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal still says running, since a killed process could not say otherwise."""
    load = a_load()
    with Journal.open(tmp_path) as journal:
        journal.begin(load)

    state, last = state_of(tmp_path, load.load_id, capsys)

    assert state == "interrupted"
    assert last == f"next: loader resume {load.load_id} --home {tmp_path}"


def test_load_that_is_worked_on_is_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As long as its process holds the claim."""
    load = a_load()
    with Journal.open(tmp_path) as journal:
        journal.begin(load)

    with claim(tmp_path, load.tenant, load.resource, load.load_id):
        state, last = state_of(tmp_path, load.load_id, capsys)

    assert state == "running"
    assert "resume" not in last
