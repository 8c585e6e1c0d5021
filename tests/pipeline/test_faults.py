"""Services that fail, throttle or go away, and disks that are full: nothing is lost, nothing sent twice."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from loader.errors import JournalFailed
from loader.journal.sqlite.journal import SqliteJournal
from loader.sandbox import RunningSandbox, SandboxSettings
from tests.pipeline.crowd import agrees, counted
from tests.support.scripted_api import ScriptedApi, always, created
from tests.support.shell import COUNTS, ended, stats

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scripted_api import Asked
    from tests.support.shell import Shell


def words(url: str) -> list[str]:
    """A load of runs.csv into acme."""
    return [
        *("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url, "--json"),
        *("--concurrency", "4", "--batch-size", "50", "--reconcile-wait", "0.05"),
    ]


def test_service_that_goes_away_and_comes_back(shell: Shell, tmp_path: Path) -> None:
    """A load waits for a service that is gone for a while, and ends as if nothing had been."""
    shell.write_rows(200)
    settings = SandboxSettings(store=tmp_path / "store.db", latency=0.002, page_size=10_000)
    with counted(settings) as sandbox:
        process = shell.start(*words(sandbox.url))
        sandbox.until(60, process)
        port = urlsplit(sandbox.url).port or 0
    with RunningSandbox(settings, port=port) as again:
        done = ended(process)
        doubtful = done.rows.get("in_doubt", 0)
        assert doubtful <= 8
        assert done.code == (4 if doubtful else 0)
        assert done.rows["created"] == 200 - doubtful
        agrees(shell, done, again.url, 200)


def test_throttling_is_waited_out(shell: Shell) -> None:
    """429s slow the load down; every row is created once, and the throttled requests are counted."""
    shell.write_rows(60)
    with RunningSandbox(SandboxSettings(rate=60, burst=5, page_size=10_000)) as sandbox:
        done = shell.run(*words(sandbox.url))
        assert (done.code, done.rows) == (0, {"read": 60, "created": 60})
        requests = done.summary["requests"]
        answers = stats(sandbox.url)["requests"]
        assert requests["throttled"] == answers["429"] > 0
        assert requests["sent"] == 60 + requests["retried"] == sum(answers.values())
        agrees(shell, done, sandbox.url, 60)


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504])
def test_unclear_answers_leave_doubt(shell: Shell, status: int) -> None:
    """A 5xx, or a connection that closes without an answer, may have stored the row: it is not sent again."""

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        return always(status)(asked) if asked.number % 5 == 0 else created(asked)

    shell.write_rows(30)
    with ScriptedApi(answers) as api:
        done = shell.run(*words(api.url))
        assert (done.code, done.rows) == (4, {"read": 30, "created": 24, "in_doubt": 6})
        resumed = shell.run("resume", done.summary["load_id"], "--json")
        assert (resumed.code, resumed.rows) == (4, done.rows)
        again = shell.run(*words(api.url))
        assert len(api.keys()) == len(set(api.keys())) == 30
    assert (again.code, again.rows) == (3, {"read": 30, "already_loaded": 24, "blocked": 6})


def test_answer_without_an_id_leaves_doubt(shell: Shell) -> None:
    """200 without a readable id means stored, and nobody knows as what."""
    shell.write_rows(3)
    with ScriptedApi(lambda _: (200, {}, "<html>welcome</html>")) as api:
        done = shell.run(*words(api.url))
    assert (done.code, done.rows) == (4, {"read": 3, "in_doubt": 3})


def test_conflicts_are_refused(shell: Shell) -> None:
    """409 refuses the row with the service's words; the others are created."""

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        name = asked.body["name"]
        return always(409, "template_id T-9 is not there")(asked) if name == "Run 2" else created(asked)

    shell.write_rows(4)
    with ScriptedApi(answers) as api:
        done = shell.run(*words(api.url))
    assert (done.code, done.rows) == (3, {"read": 4, "created": 3, "refused": 1})
    line = shell.results(done)[1]
    assert (line["status"], line["http_status"]) == ("refused", "409")
    assert "T-9" in line["message"]
    assert b"T-9" in (shell.folder / done.summary["files"]["rejects"]).read_bytes()


def test_full_disk_stops_sending(shell: Shell) -> None:
    """Where the journal cannot grow, sending stops at once; with room again, resume finishes the load."""
    rows = 250
    shell.write_rows(rows)
    room = 120_000

    def cramped() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    with counted(SandboxSettings(page_size=10_000)) as sandbox:
        process = shell.start(*words(sandbox.url), preexec_fn=cramped)
        stopped = ended(process)
        assert stopped.code == 5
        assert "Traceback" not in stopped.err
        assert "journal.db" in stopped.err
        assert stopped.summary["state"] == "stopped"
        assert 0 < stopped.rows["created"] < rows
        assert stopped.next_words == ["resume", stopped.summary["load_id"]]
        before = stats(sandbox.url)["stored"]["billing-run"]
        assert before <= stopped.rows["created"] + stopped.rows.get("in_doubt", 0)
        done = shell.follow(stopped, "--json")
        doubtful = done.rows.get("in_doubt", 0)
        assert doubtful <= 8
        assert done.rows["created"] == rows - doubtful
        assert done.code == (4 if doubtful else 0)
        agrees(shell, done, sandbox.url, rows)


@pytest.mark.parametrize("calls", [0, 1, 5])
def test_journal_that_fails_in_a_commit(shell: Shell, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Whichever commit fails: no row is sent without its intent, the object balances, resume goes on."""
    shell.write_rows(40)
    commit = SqliteJournal.commit
    left = [calls]

    def failing(self: SqliteJournal, *args: object, **kwargs: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise JournalFailed("journal.db: the disk is full")
        commit(self, *args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

    with ScriptedApi() as api:
        with monkeypatch.context() as patch:
            patch.setattr(SqliteJournal, "commit", failing)
            stopped = shell.run(*words(api.url))
        assert (stopped.code, stopped.summary["state"]) == (5, "stopped")
        assert "the disk is full" in stopped.err
        assert set(stopped.rows) <= {"read", *COUNTS}
        sent = len(api.asked)
        assert sent <= stopped.rows.get("created", 0) + stopped.rows.get("in_doubt", 0)
        done = shell.follow(stopped, "--json")
        assert done.rows["read"] == 40
        assert done.rows["created"] + done.rows.get("in_doubt", 0) == 40
        assert len(api.keys()) == len(set(api.keys()))
        assert len(shell.results(done)) == 40


def test_receipts_that_cannot_be_written(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is sent and the disk is full when results are written: exit code 5, and resume writes them."""
    shell.write_rows(5)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with ScriptedApi() as api:
        with monkeypatch.context() as patch:
            patch.setattr("loader.report.results.csv.writer", full)
            stopped = shell.run(*words(api.url))
        assert (stopped.code, stopped.rows) == (5, {"read": 5, "created": 5})
        assert "results.csv: cannot be written: No space left on device" in stopped.err
        assert list(stopped.summary["files"]) == ["report"]
        done = shell.follow(stopped, "--json")
        assert (done.code, done.rows) == (0, {"read": 5, "created": 5})
        assert len(shell.results(done)) == len(api.asked) == 5
