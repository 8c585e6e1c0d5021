"""A load whose process is gone is shown as interrupted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loader.cli import run
from loader.journal import open_journal
from tests.journal.journal_values import load as a_load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def state_of(home: Path, load_id: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The state in the JSON object, and the last line on stderr."""
    assert run(["status", load_id, "--json", "--home", str(home)]) == 0
    output = capsys.readouterr()
    return json.loads(output.out)["state"], output.err.splitlines()[-1]


def test_load_that_nobody_works_on_is_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal still has it as running, since a killed process had no time to change that."""
    load = a_load()
    with open_journal(tmp_path) as journal:
        journal.begin(load)

    state, last = state_of(tmp_path, load.load_id, capsys)

    assert state == "interrupted"
    assert last == f"next: loader resume {load.load_id} --home {tmp_path}"


def test_load_that_is_worked_on_is_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As long as its process holds the claim."""
    load = a_load()
    with open_journal(tmp_path) as journal:
        journal.begin(load)
        with journal.claim(load.tenant, load.resource, load.load_id):
            state, last = state_of(tmp_path, load.load_id, capsys)

    assert state == "running"
    assert "resume" not in last
