"""Every row of the exit-code table, and the next command that each way out names."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.scripted_api import ScriptedApi, always, created
from tests.support.shell import COUNTS, Ended, ended, stats

if TYPE_CHECKING:
    from loader.sandbox import RunningSandbox
    from tests.support.scripted_api import Asked
    from tests.support.shell import Shell


def load(shell: Shell, url: str, *more: str) -> Ended:
    """Loads runs.csv into acme."""
    return shell.run("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url, "--json", *more)


def test_all_created_is_0(shell: Shell, sandbox: RunningSandbox) -> None:
    """A load all of whose rows are created ends with 0 and leads to its status."""
    shell.write_rows(30)
    done = load(shell, sandbox.url)
    assert (done.code, done.rows) == (0, {"read": 30, "created": 30})
    assert done.next_words == ["status", done.summary["load_id"]]
    assert shell.follow(done).code == 0


def test_json_object_has_the_documented_shape(shell: Shell, sandbox: RunningSandbox) -> None:
    """Stdout is one JSON object with the documented keys in their order, and nothing else."""
    shell.write_rows(3)
    done = load(shell, sandbox.url)
    found = done.summary
    assert list(found) == [
        "load_id",
        "resource",
        "tenant",
        "state",
        "rows",
        "findings",
        "requests",
        "seconds",
        "files",
    ]
    assert list(found["rows"]) == ["read", *COUNTS]
    assert found["requests"] == {"sent": 3, "retried": 0, "throttled": 0}
    assert (found["resource"], found["tenant"], found["state"]) == ("billing-run", "acme", "finished")
    folder = f".loader/loads/{found['load_id']}"
    assert found["files"] == {"results": f"{folder}/results.csv", "report": f"{folder}/report.html"}
    assert (shell.folder / folder / "summary.json").read_text() == done.out


def test_wrong_usage_is_2(shell: Shell) -> None:
    """An unknown option ends with 2 and leads to the command's help."""
    done = shell.run("load", "runs.yaml", "runs.csv", "--colour")
    assert done.code == 2
    assert done.next_words == ["load", "--help"]
    assert shell.follow(done).code == 0


def test_configuration_is_2(shell: Shell) -> None:
    """A missing tenant ends with 2; the next command is the same one."""
    shell.write_rows(1)
    done = shell.run("load", "runs.yaml", "runs.csv")
    assert done.code == 2
    assert "no tenant given" in done.err
    assert done.next_words == ["load", "runs.yaml", "runs.csv"]


def test_rejected_rows_are_3_and_mended_rejects_load(shell: Shell, sandbox: RunningSandbox) -> None:
    """Invalid rows end with 3; the rejects, fixed, load with the command as it was printed."""
    shell.write_rows(5)
    shell.write("runs.csv", "Key,Name,State\nK1,One,C\nK2,,C\nK3,Three,Q\n")
    done = load(shell, sandbox.url)
    assert (done.code, done.rows) == (3, {"read": 3, "created": 1, "invalid": 2})
    rejects = shell.folder / done.summary["files"]["rejects"]
    rejects.write_text(rejects.read_text().replace("K2,,C", "K2,Two,C").replace("K3,Three,Q", "K3,Three,D"))
    again = shell.follow(done, "--json")
    assert (again.code, again.rows) == (0, {"read": 2, "created": 2})
    assert stats(sandbox.url)["stored"]["billing-run"] == 3


def test_refused_rows_are_3(shell: Shell) -> None:
    """Rows that the service refuses end with 3, in its words."""

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        return always(400, "too early")(asked) if asked.body["name"] == "Run 2" else created(asked)

    shell.write_rows(4)
    with ScriptedApi(answers) as api:
        done = load(shell, api.url)
    assert (done.code, done.rows) == (3, {"read": 4, "created": 3, "refused": 1})
    assert "too early" in done.err
    refused = shell.results(done)[1]
    assert (refused["status"], refused["http_status"]) == ("refused", "400")
    assert "too early" in refused["message"]


def test_rows_in_doubt_are_4_and_not_sent_again(shell: Shell) -> None:
    """A 500 leaves its row in doubt: exit code 4, also before 3, and no later run sends it again."""

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        name = asked.body["name"]
        return (
            always(500 if name == "Run 2" else 422)(asked) if name in {"Run 2", "Run 3"} else created(asked)
        )

    shell.write_rows(4)
    with ScriptedApi(answers) as api:
        done = load(shell, api.url)
        assert (done.code, done.rows) == (4, {"read": 4, "created": 2, "refused": 1, "in_doubt": 1})
        resumed = shell.run("resume", done.summary["load_id"], "--json")
        assert (resumed.code, resumed.rows) == (4, done.rows)
        assert sorted(api.keys()) == ["K00001", "K00002", "K00003", "K00004"]
        assert done.err.splitlines()[-1].startswith("next: loader reconcile ")
        result = shell.follow(done)
    assert result.code == 4
    assert "1 still in doubt" in result.err


def test_stopped_early_is_5_before_4_and_3(shell: Shell) -> None:
    """--max-errors ends with 5, whatever else holds; resume goes on as it was printed."""

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        number = int(asked.body["name"].removeprefix("Run "))
        return always(500)(asked) if number == 1 else always(400)(asked) if number <= 4 else created(asked)

    shell.write_rows(60)
    with ScriptedApi(answers) as api:
        done = load(shell, api.url, "--max-errors", "2", "--concurrency", "1")
        assert done.code == 5
        assert done.summary["state"] == "stopped"
        assert done.rows["in_doubt"] == 1
        assert done.rows["refused"] == 3
        assert done.rows["pending"] > 40
        assert done.next_words == ["resume", done.summary["load_id"]]
        # as it was printed: the settings of the first run stay, so it stops again with what came of it
        assert shell.follow(done, "--json").code == 5
        resumed = shell.follow(done, "--max-errors", "50", "--json")
    assert (resumed.code, resumed.rows) == (4, {"read": 60, "created": 56, "refused": 3, "in_doubt": 1})
    assert len(api.keys()) == len(set(api.keys())) == 60


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_are_130_and_143(shell: Shell, number: signal.Signals, code: int) -> None:
    """A signal stops the load gracefully: nothing in doubt, and the printed command finishes it."""
    shell.write_rows(400)
    with ScriptedApi() as api:
        process = shell.start(
            *("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", api.url),
            *("--json", "--rate", "40/s", "--batch-size", "50"),
        )
        while len(api.asked) < 20:
            assert process.poll() is None
        process.send_signal(number)
        done = ended(process)
        assert done.code == code
        assert done.summary["state"] == "interrupted"
        assert set(done.rows) == {"read", "created", "pending"}
        assert done.rows["created"] == len(api.asked) < 400
        resumed = shell.follow(done, "--rate", "5000/s", "--json")
    assert (resumed.code, resumed.rows) == (0, {"read": 400, "created": 400})
    assert len(api.keys()) == len(set(api.keys())) == 400


def test_somebody_else_at_work_is_6(shell: Shell) -> None:
    """While a load runs, another one, or a resume of it, ends with 6; a killed one's claim is free."""
    released = threading.Event()

    def answers(asked: Asked) -> tuple[int, dict[str, str], str]:
        released.wait(60)
        return created(asked)

    shell.write_rows(3)
    words = ("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--json")
    with ScriptedApi(answers) as api:
        process = shell.start(*words, "--base-url", api.url)
        while len(api.asked) < 3:
            assert process.poll() is None
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        for second in (shell.run(*words, "--base-url", api.url), shell.run("resume", load_id)):
            assert second.code == 6
            assert load_id in second.err
            assert second.out == ""
        assert second.next_words == ["resume", load_id]
        process.kill()
        ended(process)
        released.set()
        resumed = shell.follow(second, "--json")
        assert (resumed.code, resumed.rows) == (4, {"read": 3, "in_doubt": 3})
        assert len(api.asked) == 3
