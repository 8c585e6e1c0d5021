"""Lookups of records in doubt, and loads with lookups that break off."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest

from loader.sandbox import SandboxSettings
from tests.pipeline.crowd import counted
from tests.pipeline.test_lookups import PARENTS, RUNS, TEMPLATES, Loads
from tests.support.remembering_api import AFTER, RememberingApi, load_words, no_lists
from tests.support.shell import ended

if TYPE_CHECKING:
    from tests.support.remembering_api import Reply
    from tests.support.shell import Ended, Shell

ROWS = 160


def templates_in_doubt(shell: Shell, api: RememberingApi) -> Ended:
    """A load of one template whose answer is lost."""
    shell.write("runs.yaml", TEMPLATES)
    shell.write("runs.csv", "Key,Name\nT1,a\n")
    done = shell.run(*load_words(api.url))
    assert (done.code, done.rows) == (4, {"read": 1, "in_doubt": 1})
    return done


def run_that_waits(shell: Shell, api: RememberingApi, load_id: str) -> Ended:
    """A load of one run that refers to it: blocked, and it says what to reconcile."""
    shell.write("runs.yaml", RUNS)
    shell.write("runs.csv", "Key,Name,State,Template\nR1,a,C,T1\n")
    done = shell.run(*load_words(api.url))
    assert (done.code, done.rows) == (3, {"read": 1, "blocked": 1})
    assert f"names a billing-template that is in doubt in load {load_id}" in done.err
    assert api.keys() == ["T1"]
    return done


def test_records_in_doubt_are_waited_for(shell: Shell) -> None:
    """The id is not known before the load that may have made it is reconciled."""
    with RememberingApi(lambda key, _: AFTER if key == "T1" else "", no_lists) as api:
        first = templates_in_doubt(shell, api)
        second = run_that_waits(shell, api, first.summary["load_id"])
        api.look = None
        assert shell.run("reconcile", first.summary["load_id"]).code == 0
        done = shell.run("resume", second.summary["load_id"], "--json")
        assert (done.code, done.rows) == (0, {"read": 1, "created": 1}), done.err
        assert api.stored[1]["template_id"] == api.ids()["T1"]


def test_a_person_may_say_the_id(shell: Shell) -> None:
    """A record that somebody says is stored has the id that they say; without one, rows go on waiting."""
    with RememberingApi(lambda key, _: AFTER if key == "T1" else "", no_lists) as api:
        first = templates_in_doubt(shell, api)
        second = run_that_waits(shell, api, first.summary["load_id"])
        shell.run("reconcile", first.summary["load_id"], "--as", "created")
        done = shell.run("resume", second.summary["load_id"], "--json")
        assert (done.code, done.rows) == (3, {"read": 1, "blocked": 1})
        assert "names a billing-template without a known id" in done.err
        assert api.keys() == ["T1"]


def test_rows_in_doubt_are_found_by_an_id_that_was_looked_up(shell: Shell) -> None:
    """Reconciling, within a load and by its command, lists by the value the body had when it was sent."""

    def by_value_only(_number: int, usual: Reply) -> Reply:
        return usual if "/recurringBillingRun/" in api.looks[-1] else no_lists(0, usual)

    for in_load in (True, False):
        shell.write("runs.yaml", PARENTS)
        shell.write("runs.csv", "Key,Parent,Name,State\nP1,,a,C\n")
        with RememberingApi(lambda key, _: AFTER if key == "R2" else "") as api:
            assert shell.run(*load_words(api.url, "--home", f"home-{in_load}")).code == 0
            api.look = by_value_only if in_load else no_lists
            shell.write("runs.csv", "Key,Parent,Name,State\nR1,P1,a,C\nR2,P1,a,C\n")
            done = shell.run(*load_words(api.url, "--home", f"home-{in_load}"))
            api.look = by_value_only
            if not in_load:
                assert done.rows == {"read": 2, "created": 1, "in_doubt": 1}, done.err
                done = shell.run("reconcile", done.summary["load_id"], "--json", "--home", f"home-{in_load}")
            assert (done.code, done.rows) == (0, {"read": 2, "created": 2}), done.err
            assert api.looks[-1].endswith(f"/recurringBillingRun/{api.ids()['P1']}")
            assert {item["recurring_billing_run_id"] for item in api.stored[1:]} == {api.ids()["P1"]}


@pytest.mark.parametrize("seed", range(2))
def test_killed_loads_with_lookups_resume_exactly(shell: Shell, seed: int) -> None:
    """After kill -9 at any moment: every row is created once, with the id of its parent, also behind it."""
    dice = random.Random(seed)
    keys = [f"K{number:04d}" for number in range(ROWS)]
    parents = {key: keys[(number * 7 + 3) % 8] if number >= 8 else "" for number, key in enumerate(keys)}
    rows = [f"{key},{parents[key]},a,C" for key in (keys if seed else reversed(keys))]
    shell.write("runs.yaml", PARENTS)
    shell.write("runs.csv", "\n".join(["Key,Parent,Name,State", *rows]))
    with counted(SandboxSettings(latency=0.005, page_size=10_000)) as sandbox:
        words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json"]
        words += ["--concurrency", "4", "--batch-size", "20", "--reconcile-wait", "0.05"]
        process = shell.start(*words)
        sandbox.until(dice.randint(1, ROWS // 2), process)
        process.kill()
        assert ended(process).code == -signal.SIGKILL
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        done = shell.run("resume", load_id, "--json")
        assert (done.code, done.rows) == (0, {"read": ROWS, "created": ROWS}), done.err
        ids = {line["external_id"]: line["id"] for line in shell.results(done)}
        stored = Loads(shell, sandbox.url).stored("recurring_billing_run_id")
        assert stored == {key: ids.get(parents[key]) for key in keys}
