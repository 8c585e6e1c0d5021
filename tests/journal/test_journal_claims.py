"""One process at a time, and a dead one is no obstacle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loader.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from tests.journal.journals import JournalStore

HOLD = """
import sys
from pathlib import Path
from loader.journal import open_journal
journal = {opening}
with journal.claim("acme", "billing-run", "load-1"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def journal(store: JournalStore) -> Iterator[Journal]:
    """An empty journal."""
    with store.open() as journal:
        yield journal


def holding(store: JournalStore) -> subprocess.Popen[str]:
    """A process that holds a claim until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(opening=store.opening)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_shown_the_first(store: JournalStore, journal: Journal) -> None:
    """It is shown the load and the process; others than that tenant and record type are free."""
    with holding(store) as first:
        with pytest.raises(Busy) as refused, journal.claim("acme", "billing-run", "load-2"):
            pass
        with journal.claim("acme", "billing-template", "load-2"), journal.claim("b", "billing-run", "l"):
            pass
        first.communicate("")

    assert refused.value.exit_code == 6
    assert f"load load-1, process {first.pid}" in refused.value.message
    with journal.claim("acme", "billing-run", "load-2"):
        pass


def test_claim_of_a_killed_process_is_free(store: JournalStore, journal: Journal) -> None:
    """The system lets go of it, whatever has become of the process number."""
    with holding(store) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

        with journal.claim("acme", "billing-run", "load-2"):
            pass


def test_claim_ends_with_its_block_however_that_ends(journal: Journal) -> None:
    """An error inside does not leave it held."""
    with pytest.raises(ZeroDivisionError), journal.claim("acme", "billing-run", "load-1"):
        raise ZeroDivisionError

    with journal.claim("acme", "billing-run", "load-2"):
        pass


def test_each_claim_of_a_scope_has_a_higher_epoch(store: JournalStore, journal: Journal) -> None:
    """Counted over processes and loads, each scope by itself; a lock has no deadline."""
    with journal.claim("acme", "billing-run", "load-1") as first:
        assert (first.epoch, first.deadline) == (1, None)
    with holding(store) as other:
        other.kill()
    with store.open() as another, another.claim("acme", "billing-run", "load-1") as third:
        assert third.epoch == 3
    with journal.claim("acme", "billing-template", "load-2") as elsewhere:
        assert elsewhere.epoch == 1


def test_a_refused_claim_counts_nothing(store: JournalStore, journal: Journal) -> None:
    """The epoch is that of claims that were held."""
    with holding(store) as first:
        with pytest.raises(Busy), journal.claim("acme", "billing-run", "load-2"):
            pass
        first.communicate("")
    with journal.claim("acme", "billing-run", "load-2") as claim:
        assert claim.epoch == 2


def test_only_the_load_that_is_worked_on_counts_as_claimed(store: JournalStore, journal: Journal) -> None:
    """Another load of the tenant, or any load once the process is gone, is not."""
    assert not journal.is_claimed("acme", "billing-run", "load-1")
    with holding(store) as first:
        assert journal.is_claimed("acme", "billing-run", "load-1")
        assert not journal.is_claimed("acme", "billing-run", "load-2")
        first.communicate("")

    assert not journal.is_claimed("acme", "billing-run", "load-1")
