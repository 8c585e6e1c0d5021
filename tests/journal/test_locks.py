"""One process at a time, and a dead one is no obstacle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loader.errors import Busy, JournalUnusable
from loader.journal import claim, is_claimed

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from loader.journal import claim, is_claimed
with claim(Path(sys.argv[1]), "acme", "billing-run", "load-1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(home: Path) -> subprocess.Popen[str]:
    """A process that holds a claim until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_second_process_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    """It hears of the load and the process; others than that tenant and record type are free."""
    with holding(tmp_path) as first:
        with pytest.raises(Busy) as refused, claim(tmp_path, "acme", "billing-run", "load-2"):
            pass
        with claim(tmp_path, "acme", "billing-template", "load-2"), claim(tmp_path, "b", "billing-run", "l"):
            pass
        first.communicate("")

    assert refused.value.exit_code == 6
    assert f"load load-1, process {first.pid}" in refused.value.message
    with claim(tmp_path, "acme", "billing-run", "load-2"):
        pass


def test_claim_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """The system lets go of it, whatever has become of the process number."""
    with holding(tmp_path) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

        with claim(tmp_path, "acme", "billing-run", "load-2"):
            pass


def test_claim_ends_with_its_block_however_that_ends(tmp_path: Path) -> None:
    """An error inside does not leave it held."""
    with pytest.raises(ZeroDivisionError), claim(tmp_path, "acme", "billing-run", "load-1"):
        raise ZeroDivisionError

    with claim(tmp_path, "acme", "billing-run", "load-2"):
        pass


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the home should be."""
    (tmp_path / "home").write_text("")

    with pytest.raises(JournalUnusable, match="cannot be locked"), claim(tmp_path / "home", "a", "b", "c"):
        pass


def test_only_the_load_that_is_worked_on_counts_as_claimed(tmp_path: Path) -> None:
    """Another load of the tenant, or any load once the process is gone, is not."""
    assert not is_claimed(tmp_path, "acme", "billing-run", "load-1")
    with holding(tmp_path) as first:
        assert is_claimed(tmp_path, "acme", "billing-run", "load-1")
        assert not is_claimed(tmp_path, "acme", "billing-run", "load-2")
        first.communicate("")

    assert not is_claimed(tmp_path, "acme", "billing-run", "load-1")
