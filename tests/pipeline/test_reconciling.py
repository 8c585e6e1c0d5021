"""Rows in doubt are looked up before they may be sent again; rows that wait for others are tried again."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.remembering_api import AFTER, BEFORE, RememberingApi, load_words, no_lists
from tests.support.shell import MAPPING, ended

if TYPE_CHECKING:
    from tests.support.remembering_api import Reply
    from tests.support.shell import Ended, Shell


def keys(count: int) -> list[str]:
    """The external ids of the first rows."""
    return [f"K{number:05d}" for number in range(1, count + 1)]


def all_created(shell: Shell, done: Ended, api: RememberingApi, count: int) -> None:
    """Every row is created, once, with the id that it has at the service."""
    assert (done.code, done.rows) == (0, {"read": count, "created": count}), done.err
    assert api.stored_keys() == keys(count)
    lines = shell.results(done)
    assert {line["external_id"]: line["id"] for line in lines} == api.ids()
    assert {line["status"] for line in lines} == {"created"}


def test_stored_rows_are_found(shell: Shell) -> None:
    """500 after storing: found at the end of the load, created, not sent again."""
    shell.write_rows(6)
    with RememberingApi(lambda key, _: AFTER if key == "K00002" else "") as api:
        done = shell.run(*load_words(api.url))
        all_created(shell, done, api, 6)
        assert sorted(api.keys()) == keys(6)
    assert "1 stored" in done.err


def test_rows_that_were_not_stored_are_sent_again(shell: Shell) -> None:
    """500 before storing: looked for twice, then sent again, and stored once."""
    shell.write_rows(4)
    with RememberingApi(lambda key, attempt: BEFORE if key == "K00003" and attempt == 1 else "") as api:
        done = shell.run(*load_words(api.url))
        all_created(shell, done, api, 4)
        assert sorted(api.keys()) == sorted([*keys(4), "K00003"])
        assert len(api.looks) == 3  # is there a list, and two looks
    assert "1 not stored" in done.err


def test_reads_that_lag_behind_writes(shell: Shell) -> None:
    """A record that the first look does not show and the second does is created, not sent again."""

    def lagging(number: int, usual: Reply) -> Reply:
        return (200, {}, "[]") if number <= 2 else usual

    shell.write_rows(3)
    with RememberingApi(lambda key, _: AFTER if key == "K00001" else "", lagging) as api:
        done = shell.run(*load_words(api.url))
        all_created(shell, done, api, 3)
        assert sorted(api.keys()) == keys(3)


def test_service_without_lists(shell: Shell) -> None:
    """Rows stay in doubt, are never sent again, and the next command says where to decide."""
    shell.write_rows(3)
    with RememberingApi(lambda key, _: AFTER if key == "K00002" else "", no_lists) as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 3, "created": 2, "in_doubt": 1})
        assert done.next_words == ["reconcile", done.summary["load_id"]]
        reconciled = shell.follow(done, "--json")
        assert (reconciled.code, reconciled.rows) == (4, done.rows)
        assert "--as created" in reconciled.err
        resumed = shell.run("resume", done.summary["load_id"], "--json")
        assert (resumed.code, resumed.rows) == (4, done.rows)
        assert sorted(api.keys()) == keys(3)


def test_list_that_breaks_off(shell: Shell) -> None:
    """A list that ends half-way shows nothing to be missing; once it is whole, `reconcile` finds the row."""
    whole = threading.Event()

    def half(_number: int, usual: Reply) -> Reply:
        items = json.loads(usual[2])["Items"]
        return usual if whole.is_set() else (200, {}, json.dumps({"Items": items})[:-2])

    shell.write_rows(3)
    with RememberingApi(lambda key, _: AFTER if key == "K00003" else "", half) as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 3, "created": 2, "in_doubt": 1})
        assert "not valid JSON" in done.err
        whole.set()
        all_created(shell, shell.follow(done, "--json"), api, 3)


def test_records_without_a_place_show_nothing_missing(shell: Shell) -> None:
    """A service that drops the record numbers cannot show that a row was not stored: nothing twice."""

    def bare(_number: int, usual: Reply) -> Reply:
        items = [
            {name: load[name] for name in ("id", "sys_bulk_load_id")}
            for load in json.loads(usual[2])["Items"]
        ]
        return 200, {}, json.dumps(items)

    shell.write_rows(3)
    with RememberingApi(lambda key, _: AFTER if key == "K00001" else "", bare) as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 3, "created": 2, "in_doubt": 1})
        assert sorted(api.keys()) == keys(3)


@pytest.fixture
def by_series(shell: Shell) -> Shell:
    """Four runs, the first two of a series each, and a mapping that says so."""
    shell.write("runs.yaml", f"{MAPPING}  recurring_billing_run_id: Series\n")
    rows = ["K00001,Run 1,C,s/1", "K00002,Run 2,C,s2", "K00003,Run 3,C,", "K00004,Run 4,C,"]
    shell.write("runs.csv", "\n".join(["Key,Name,State,Series", *rows, ""]))
    return shell


def only_series(api: RememberingApi) -> None:
    """Has a service list runs by their series alone."""
    api.look = lambda _, usual: usual if "/recurringBillingRun/" in api.looks[-1] else no_lists(0, usual)


def test_runs_listed_by_series_only(by_series: Shell) -> None:
    """Rows of a series are reconciled by its list, stored or not; rows of none stay in doubt."""
    fates = {"K00001": AFTER, "K00002": BEFORE, "K00003": BEFORE}
    with RememberingApi(lambda key, attempt: fates.get(key, "") if attempt == 1 else "") as api:
        only_series(api)
        done = by_series.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 4, "created": 3, "in_doubt": 1}), done.err
        assert sorted(api.keys()) == sorted([*keys(4), "K00002"])
        assert api.stored_keys() == ["K00001", "K00002", "K00004"]
        assert "a field that these rows do not have" in done.err


def test_smaller_limit_keeps_no_row_in_doubt(by_series: Shell) -> None:
    """A resume with a smaller --limit still reconciles, by its series, a row in doubt behind that limit."""
    fates = {"K00001": BEFORE, "K00002": AFTER}
    with RememberingApi(lambda key, attempt: fates.get(key, "") if attempt == 1 else "", no_lists) as api:
        done = by_series.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 4, "created": 2, "in_doubt": 2}), done.err
        only_series(api)
        resumed = by_series.run("resume", done.summary["load_id"], "--limit", "1", "--json")
        all_created(by_series, resumed, api, 4)
        assert sorted(api.keys()) == sorted([*keys(4), "K00001"])


def test_smaller_limit_keeps_no_pending_row(by_series: Shell) -> None:
    """A row that was read and is known not to be stored is sent, also behind the --limit of a resume."""
    with RememberingApi(
        lambda key, attempt: BEFORE if (key, attempt) == ("K00002", 1) else "", no_lists
    ) as api:
        done = by_series.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 4, "created": 3, "in_doubt": 1}), done.err
        only_series(api)
        resumed = by_series.run("resume", done.summary["load_id"], "--limit", "1", "--json")
        all_created(by_series, resumed, api, 4)


def test_smaller_limit_after_a_kill_in_the_middle_of_a_batch(shell: Shell) -> None:
    """Only rows that the journal has are sent and counted; the rest of their batch is behind the limit."""
    released = threading.Event()

    def held(key: str, _attempt: int) -> str:
        if key <= "K00003" or released.is_set():
            return ""
        released.wait(60)
        return BEFORE

    shell.write_rows(30)
    with RememberingApi(held) as api:
        process = shell.start(*load_words(api.url))
        while len(api.keys()) < 5:
            assert process.poll() is None
        process.kill()
        ended(process)
        released.set()
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        known = shell.run("status", load_id, "--json").rows["read"]
        assert 5 <= known < 10
        resumed = shell.run("resume", load_id, "--limit", "1", "--json")
        all_created(shell, resumed, api, known)
        rest = shell.run("resume", load_id, "--limit", "30", "--json")
        all_created(shell, rest, api, 30)


def test_reconciling_by_series_without_the_source(by_series: Shell) -> None:
    """Where the source is gone, nobody knows the rows' series: they stay in doubt, with a message."""
    with RememberingApi(lambda key, _: AFTER if key == "K00001" else "", no_lists) as api:
        done = by_series.run(*load_words(api.url))
        assert done.code == 4
        only_series(api)
        (by_series.folder / "runs.csv").rename(by_series.folder / "away.csv")
        reconciled = by_series.follow(done, "--json")
        assert (reconciled.code, reconciled.rows) == (4, {"read": 4, "created": 3, "in_doubt": 1}), (
            reconciled.err
        )
        assert "runs.csv" in reconciled.err
        (by_series.folder / "away.csv").rename(by_series.folder / "runs.csv")
        all_created(by_series, by_series.follow(done, "--json"), api, 4)


@pytest.mark.parametrize("fate", [AFTER, BEFORE])
def test_rows_in_doubt_that_pile_up(shell: Shell, monkeypatch: pytest.MonkeyPatch, fate: str) -> None:
    """A load in which many rows come in doubt pauses, reconciles and goes on until all rows are created."""
    monkeypatch.setattr("loader.sending.limits.patience.FIRST_PAUSE_AT", 1)
    shell.write_rows(60)
    with RememberingApi(lambda key, attempt: fate if attempt == 1 and key[-1] in "37" else "") as api:
        done = shell.run(*load_words(api.url))
        all_created(shell, done, api, 60)
        assert len(api.keys()) == (60 if fate == AFTER else 72)
    assert done.err.count("looking up") > 2


def test_rows_in_doubt_that_pile_up_without_lists(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be looked up, the load does not pause a second time, and every row is sent once."""
    monkeypatch.setattr("loader.sending.limits.patience.FIRST_PAUSE_AT", 1)
    shell.write_rows(40)
    with RememberingApi(lambda key, _: AFTER if key[-1] in "37" else "", no_lists) as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (4, {"read": 40, "created": 32, "in_doubt": 8})
        assert sorted(api.keys()) == keys(40)
    assert done.err.count("looking up") == 1


def test_last_row_in_doubt_more_than_once(shell: Shell) -> None:
    """A row that fails a few times over is sent until it gets through."""
    shell.write_rows(2)
    with RememberingApi(lambda key, attempt: BEFORE if key == "K00002" and attempt < 4 else "") as api:
        all_created(shell, shell.run(*load_words(api.url)), api, 2)
        assert len(api.keys()) == 5


def test_rows_that_never_get_through(shell: Shell) -> None:
    """Rows that come in doubt for ever stop the load with nothing lost; resume goes on when it is over."""
    over = threading.Event()
    shell.write_rows(3)
    with RememberingApi(lambda key, _: BEFORE if key == "K00002" and not over.is_set() else "") as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (5, {"read": 3, "created": 2, "pending": 1})
        assert done.summary["state"] == "stopped"
        assert "every row ends in doubt" in done.err
        over.set()
        all_created(shell, shell.follow(done, "--json"), api, 3)


def test_conflicts_are_retried_when_others_are_in(shell: Shell) -> None:
    """A chain of rows that each refer to the next one gets in, the last first."""
    shell.write_rows(4)
    with RememberingApi() as api:

        def fate(key: str, _attempt: int) -> int | str:
            following = f"K{int(key[1:]) + 1:05d}"
            return "" if key == "K00004" or following in api.stored_keys() else 409

        api.fate = fate
        done = shell.run(*load_words(api.url, "--max-errors", "3"))
        all_created(shell, done, api, 4)
    assert "rejects" not in done.summary["files"]


def test_conflicts_for_ever(shell: Shell) -> None:
    """409 that stays refuses the row; each `resume` tries it again, until it is taken."""
    over = threading.Event()
    shell.write_rows(3)
    with RememberingApi(lambda key, _: 409 if key == "K00001" and not over.is_set() else "") as api:
        done = shell.run(*load_words(api.url, "--max-errors", "1"))
        assert (done.code, done.rows) == (3, {"read": 3, "created": 2, "refused": 1}), done.err
        assert api.keys().count("K00001") == 2
        resumed = shell.run("resume", done.summary["load_id"], "--json")
        assert (resumed.code, resumed.rows) == (3, done.rows), resumed.err
        assert api.keys().count("K00001") == 3
        over.set()
        again = shell.run("resume", done.summary["load_id"], "--json")
        all_created(shell, again, api, 3)
        assert "rejects" not in again.summary["files"]


@pytest.mark.parametrize("fate", [AFTER, BEFORE])
def test_blocked_by_another_load(shell: Shell, fate: str) -> None:
    """A row waits while another load has its external id in doubt; then it is recognized, or sent."""
    shell.write_rows(1)
    with RememberingApi(lambda _, attempt: fate if attempt == 1 else "", no_lists) as api:
        first = shell.run(*load_words(api.url))
        assert first.code == 4
        shell.write_rows(2)
        second = shell.run(*load_words(api.url))
        assert second.rows["blocked"] == 1
        api.look = None
        load_id = second.summary["load_id"]
        still = shell.run("resume", load_id, "--json")
        assert still.rows["blocked"] == 1
        reconciled = shell.run("reconcile", first.summary["load_id"], "--json")
        assert reconciled.rows == {"read": 1, "created" if fate == AFTER else "pending": 1}
        done = shell.run("resume", load_id, "--json")
        names = ("already_loaded", "created") if fate == AFTER else ("created",)
        assert set(done.rows) == {"read", *names}
        assert (done.code, api.stored_keys()) == (0, keys(2))
        shell.write_rows(1)
        last = shell.run("resume", first.summary["load_id"], "--json")
        assert last.code == 0
        assert set(last.rows) == {"read", "created" if fate == AFTER else "already_loaded"}
        assert api.stored_keys() == keys(2)


def test_killed_load_is_reconciled_by_resume(shell: Shell) -> None:
    """After kill -9 the rows in progress are looked up: one was stored, one not; each ends created once."""
    arrived, released = threading.Semaphore(0), threading.Event()
    shell.write_rows(8)
    with RememberingApi() as api:

        def fate(key: str, attempt: int) -> str:
            if attempt == 1 and key in {"K00003", "K00004"}:
                arrived.release()
                released.wait(30)
                return AFTER if key == "K00003" else BEFORE
            return ""

        api.fate = fate
        process = shell.start(*load_words(api.url))
        assert arrived.acquire(timeout=30)
        assert arrived.acquire(timeout=30)
        process.kill()
        assert ended(process).code == -signal.SIGKILL
        released.set()
        while "K00003" not in api.stored_keys():
            pass
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        reconciled = shell.run("reconcile", load_id, "--json")
        assert (reconciled.code, reconciled.summary["state"]) == (5, "interrupted"), reconciled.err
        assert "in_doubt" not in reconciled.rows
        assert reconciled.next_words == ["resume", load_id]
        all_created(shell, shell.follow(reconciled, "--json"), api, 8)
        assert (api.keys().count("K00003"), api.keys().count("K00004")) == (1, 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("resumed", [False, True])
def test_signal_while_reconciling(shell: Shell, number: signal.Signals, *, resumed: bool) -> None:
    """A signal during a look, at the end of a load or on resume, loses nothing; the sum is right."""
    looking, released = threading.Event(), threading.Event()
    shell.write_rows(5)
    with RememberingApi(lambda key, _: AFTER if key == "K00002" else "", no_lists) as api:
        words = load_words(api.url)
        if resumed:
            words = ["resume", shell.run(*words).summary["load_id"], "--json"]

        def stuck(_number: int, usual: Reply) -> Reply:
            looking.set()
            released.wait(30)
            return usual

        api.look = stuck
        process = shell.start(*words)
        assert looking.wait(30), ended(process)
        process.send_signal(number)
        stopped = ended(process)
        released.set()
        assert stopped.code == 128 + number, stopped.err
        assert stopped.rows == {"read": 5, "created": 4, "in_doubt": 1}
        assert stopped.summary["state"] == "interrupted"
        assert stopped.next_words == ["resume", stopped.summary["load_id"]]
        assert len(shell.results(stopped)) == 5
        all_created(shell, shell.follow(stopped, "--json"), api, 5)
        assert sorted(api.keys()) == keys(5)


def test_share_of_errors_counts_rows_once(shell: Shell) -> None:
    """Rows that are sent again are not counted as more rows, nor those tried again as more errors."""
    shell.write_rows(10)
    with RememberingApi(lambda key, _: 409 if key <= "K00003" else "") as api:
        done = shell.run(*load_words(api.url, "--max-errors", "30%"))
        assert (done.code, done.rows) == (3, {"read": 10, "created": 7, "refused": 3}), done.err
        resumed = shell.run("resume", done.summary["load_id"], "--max-errors", "29%", "--json")
        assert (resumed.code, resumed.rows) == (5, done.rows), resumed.err
