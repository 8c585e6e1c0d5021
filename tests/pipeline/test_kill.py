"""A load that is killed, interrupted or left alone goes on where it stopped and sends nothing twice."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest
from crowd import agrees, counted
from shell import ended

from loader.sandbox import SandboxSettings

if TYPE_CHECKING:
    from shell import Shell

ROWS = 500
CONCURRENCY = 6
SETTINGS = SandboxSettings(latency=0.005, page_size=10_000)


def load_words(url: str) -> list[str]:
    """A load into a sandbox in small batches."""
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url, "--json"]
    return [*words, "--concurrency", str(CONCURRENCY), "--batch-size", "40"]


@pytest.mark.parametrize("seed", range(4))
def test_killed_loads_resume_exactly(shell: Shell, seed: int) -> None:
    """After kill -9 at any moment, twice: no row twice, few in doubt, results as the service has them."""
    dice = random.Random(seed)
    shell.write_rows(ROWS)
    with counted(SETTINGS) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        sandbox.until(dice.randint(1, ROWS // 2), process)
        process.kill()
        assert ended(process).code == -signal.SIGKILL
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        process = shell.start("resume", load_id[:12])
        sandbox.until(ROWS // 2 + dice.randint(30, ROWS // 3), process)
        process.kill()
        ended(process)
        done = shell.run("resume", load_id, "--json")
        doubtful = done.rows.get("in_doubt", 0)
        assert doubtful <= 2 * 2 * CONCURRENCY
        assert done.rows["read"] == ROWS
        assert done.rows["created"] == ROWS - doubtful
        assert done.code == (4 if doubtful else 0)
        agrees(shell, done, sandbox.url, ROWS)
        again = shell.run("resume", load_id, "--json")
        assert (again.code, again.rows) == (done.code, done.rows)
        agrees(shell, again, sandbox.url, ROWS)


def test_one_kill_leaves_few_rows_in_doubt(shell: Shell) -> None:
    """At most twice the concurrency is in doubt after kill -9, and status shows it before any resume."""
    shell.write_rows(ROWS)
    with counted(SETTINGS) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        sandbox.until(ROWS // 3, process)
        process.kill()
        ended(process)
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        shown = shell.run("status", load_id, "--json")
        assert shown.code == 0
        assert 0 < shown.rows["in_doubt"] <= 2 * CONCURRENCY
        assert shown.next_words == ["resume", load_id]
        done = shell.follow(shown, "--json")
        assert done.rows["in_doubt"] == shown.rows["in_doubt"]
        assert done.code == 4
        agrees(shell, done, sandbox.url, ROWS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_loads_lose_nothing(shell: Shell, number: signal.Signals) -> None:
    """One signal leaves nothing in doubt: what was under way is waited for, and resume sends the rest once."""
    shell.write_rows(ROWS)
    with counted(SETTINGS) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        sandbox.until(ROWS // 4, process)
        process.send_signal(number)
        stopped = ended(process)
        assert stopped.code == 128 + number
        assert set(stopped.rows) == {"read", "created", "pending"}
        agrees(shell, stopped, sandbox.url, stopped.rows["read"])
        done = shell.follow(stopped, "--json")
        assert (done.code, done.rows) == (0, {"read": ROWS, "created": ROWS})
        agrees(shell, done, sandbox.url, ROWS)


def test_second_signal_stops_at_once(shell: Shell) -> None:
    """The second signal does not wait for answers: rows under way are in doubt, and listed."""
    shell.write_rows(50)
    with counted(SandboxSettings(latency=600)) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        journal = shell.folder / ".loader" / "journal.db"
        while not journal.exists() or shell.run("status").out.count("acme") == 0:
            assert process.poll() is None
        while not _under_way(shell):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        while "first" not in _said(process):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
    assert stopped.code == 130
    assert stopped.summary["state"] == "interrupted"
    assert CONCURRENCY <= stopped.rows["in_doubt"] <= 2 * CONCURRENCY
    assert stopped.next_words == ["resume", stopped.summary["load_id"]]
