"""A load that is killed, interrupted or left alone goes on where it stopped and sends nothing twice."""

from __future__ import annotations

import random
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from loader.sandbox import SandboxSettings
from tests.pipeline.crowd import agrees, counted
from tests.support.scripted_api import ScriptedApi, created
from tests.support.shell import ended

if TYPE_CHECKING:
    from tests.support.scripted_api import Asked
    from tests.support.shell import Shell

ROWS = 240
CONCURRENCY = 6
SETTINGS = SandboxSettings(latency=0.005, page_size=10_000)


def load_words(url: str) -> list[str]:
    """A load into a sandbox in small batches."""
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url, "--json"]
    return [*words, "--concurrency", str(CONCURRENCY), "--batch-size", "40", "--reconcile-wait", "0.05"]


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
    """At most twice the concurrency is in doubt after kill -9; status shows it, and resume reconciles it."""
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
        assert "rows in doubt" in done.err
        assert "in_doubt" not in done.rows
        assert done.code == 0
        agrees(shell, done, sandbox.url, ROWS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_loads_lose_nothing(shell: Shell, number: signal.Signals) -> None:
    """One signal leaves nothing in doubt: answers are waited for, and resume sends the rest once."""
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
    """The second signal does not wait for answers: rows in progress are in doubt, and listed."""
    released = threading.Event()

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        released.wait(60)
        return created(asked)

    shell.write_rows(50)
    with ScriptedApi(answers) as api:
        process = shell.start(*load_words(api.url))
        while len(api.asked) < CONCURRENCY:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "stopping" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
        assert stopped.code == 130
        assert stopped.summary["state"] == "interrupted"
        assert stopped.rows["in_doubt"] == CONCURRENCY
        assert "report" not in stopped.summary["files"]
        released.set()
        done = shell.follow(stopped, "--json")
        assert (done.code, done.rows) == (4, {"read": 50, "created": 44, "in_doubt": CONCURRENCY})
    assert len(api.keys()) == len(set(api.keys())) == 50
