"""What a load writes about itself for people: the numbers of its summary, in the server's own words."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.journal import open_journal
from loader.report.findings import SCHEMA
from loader.sandbox import SandboxSettings
from tests.pipeline.crowd import counted
from tests.report.page.test_page_html import Read
from tests.support.remembering_api import AFTER, BEFORE, RememberingApi, load_words, no_lists
from tests.support.shell import ended

if TYPE_CHECKING:
    from pathlib import Path

    from loader.sandbox import RunningSandbox
    from tests.support.remembering_api import Fate
    from tests.support.shell import Ended, Shell

_COUNT = re.compile(r'<div class="count (\w+)[^"]*">\s*<dt>[^<]*</dt>\s*<dd class="figure">([\d,]+)</dd>')
SCRIPT = "<script>alert('x')</script>"


class Written:
    """A page that was written: its markup, its words, and the counts at its head."""

    def __init__(self, path: Path) -> None:
        self.html = path.read_text(encoding="utf-8")
        self.read = Read(self.html)
        self.text = self.read.text
        self.rows = {name: int(count.replace(",", "")) for name, count in _COUNT.findall(self.html)}

    @property
    def code(self) -> str:
        """The code in its title."""
        return self.html.partition("<title>")[2].partition("</title>")[0].rpartition(": ")[2]


def page_of(shell: Shell, load_id: str) -> Written:
    """The page of a load."""
    return Written(shell.folder / ".loader" / "loads" / load_id / "report.html")


def page(shell: Shell, done: Ended) -> Written:
    """The page that a command names in its summary, which is written as it was printed."""
    path = shell.folder / done.summary["files"]["report"]
    assert (path.parent / "summary.json").read_text() == done.out
    return Written(path)


def moments(shell: Shell, load_id: str) -> dict[str, int]:
    """The sums over a load's timeline."""
    with open_journal(shell.folder / ".loader") as journal:
        every = list(journal.timeline(load_id))
    return {name: sum(getattr(item, name) for item in every) for name in every[0]._fields if name != "second"}


def write_rows(shell: Shell, count: int) -> None:
    """A source in which rows 21 and 22 have no name and row 23 a state that is not in the table."""
    path = shell.write_rows(count)
    lines = path.read_text().splitlines()
    lines[21:23] = [line.replace(f"Run {21 + at}", "") for at, line in enumerate(lines[21:23])]
    lines[23] = lines[23].replace(",C", ",<b>X</b>")
    path.write_text("\n".join(lines) + "\n")


def fate(key: str, attempt: int) -> Fate:
    """Rows 5 to 7 and 9 are refused, 11 is throttled, 13 and 14 come in doubt, stored and not."""
    if key in {"K00005", "K00006", "K00007"}:
        return 400, f"id {int(key[1:])} {SCRIPT} & co"
    refused: dict[str, Fate] = {"K00009": (422, "=name is “too” long")}
    first: dict[str, Fate] = {"K00011": (429, "slow"), "K00013": AFTER, "K00014": BEFORE}
    return refused.get(key) or (first.get(key, "") if attempt == 1 else "")


def test_page_has_what_the_summary_has(shell: Shell) -> None:
    """Counts, refusals in the server's words, findings by reason, reconciled doubts, attempts."""
    write_rows(shell, 40)
    with RememberingApi(fate) as api:
        done = shell.run(*load_words(api.url))
    assert (done.code, done.rows) == (3, {"read": 40, "created": 33, "invalid": 3, "refused": 4})
    found = page(shell, done)
    assert found.rows == done.summary["rows"]
    assert "33 of 40 rows are loaded; 7 are not." in found.text
    assert SCRIPT not in found.html
    assert (
        f"id … {SCRIPT} & co answer.refused 3 400 record 5 (K00005); record 6 (K00006); record 7 (K00007)"
        in found.text
    )
    assert "=name is “too” long answer.refused 1 422 record 9 (K00009)" in found.text
    assert "3 findings in 3 rows, of 2 kinds" in found.text
    assert "name required, but empty required.empty 2 rows, 5 % of all rows" in found.text
    assert "<b>X</b> record 23, line 24 K00023" in found.text
    assert "1 rows stored, 1 not stored" in found.text
    assert "Ids known 33 rows" in found.text
    sent = done.summary["requests"]
    assert f"{sent['sent']} requests were sent, {sent['retried']} of them as retries" in found.text
    assert "the service asked 1 time to slow down" in found.text
    assert moments(shell, done.summary["load_id"]) == {
        "created": 33,
        "throttled": sent["throttled"],
        "started": 1,
        "found_stored": 1,
        "found_absent": 1,
    }
    assert [item for item in found.read.of("a", "href") if not item.startswith("#")] == [
        *("./results.csv", "./rejects.csv", "./summary.json")
    ]
    assert "figures of fields" not in found.text
    assert "Records as" not in found.text
    assert "No signed report was named for this load." in found.text


def test_interrupted_and_resumed(shell: Shell) -> None:
    """A load that was interrupted says so, and how far it was; resumed, it tells of all its runs."""
    shell.write_rows(240)
    with counted(SandboxSettings(latency=0.005, page_size=10_000)) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        sandbox.until(60, process)
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
        assert stopped.code == 130
        first = page(shell, stopped)
        assert first.rows == stopped.summary["rows"]
        assert "The load is not finished" in first.text
        assert "The load was interrupted after" in first.text
        done = shell.follow(stopped, "--json")
    assert done.rows == {"read": 240, "created": 240}
    last = page(shell, done)
    assert last.rows == done.summary["rows"]
    assert "All 240 rows are loaded." in last.text
    sums = moments(shell, done.summary["load_id"])
    assert (sums["created"], sums["started"]) == (240, 2)


def test_killed_load_has_a_report(shell: Shell) -> None:
    """After kill -9 the report is made of what the journal has, without files of another time."""
    shell.write_rows(240)
    with counted(SandboxSettings(latency=0.005, page_size=10_000)) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        sandbox.until(80, process)
        running = shell.run("report", next((shell.folder / ".loader" / "loads").iterdir()).name)
        process.kill()
        ended(process)
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        result = shell.run("report", load_id[:18])
        shown = shell.run("status", load_id, "--json")
        found = page_of(shell, load_id)
        assert (result.code, result.out) == (0, f".loader/loads/{load_id}/report.html\n")
        assert result.next_words == ["resume", load_id]
        assert found.rows == shown.summary["rows"]
        assert "the loader ended while its request was in progress" in found.text
        assert "The load was interrupted" in found.text
        assert not [item for item in found.read.of("a", "href") if not item.startswith("#")]
        assert (running.code, running.next_words) == (0, ["status", load_id])
        done = shell.run("resume", load_id, "--json")
    assert page(shell, done).rows == done.summary["rows"]
    assert moments(shell, load_id)["created"] == done.rows["created"]


def test_load_at_work_has_a_report(shell: Shell) -> None:
    """While another process sends, the report says so, and rows in progress do not frighten."""
    shell.write_rows(200)
    with counted(SandboxSettings(latency=0.02, page_size=10_000)) as sandbox:
        process = shell.start(*load_words(sandbox.url))
        sandbox.until(10, process)
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        result = shell.run("report", load_id)
        found = page_of(shell, load_id)
        done = ended(process)
    assert result.code == 0
    assert f"another process works on load {load_id}" in result.err
    assert "The load is still running" in found.text
    assert "sent just now; the answer has not arrived yet" in found.text
    assert page(shell, done).rows == done.summary["rows"]


def test_decisions_of_a_person_are_counted(shell: Shell) -> None:
    """What a person has decided is shown beside what searches found."""
    shell.write_rows(4)
    with RememberingApi(lambda key, n: AFTER if key < "K00003" and n == 1 else "", no_lists) as api:
        doubtful = shell.run(*load_words(api.url))
        text = page(shell, doubtful).text
        assert "HTTP 500: no answer.server_error 2 record 1 (K00001); record 2 (K00002)" in text
        load_id = doubtful.summary["load_id"]
        shell.write("rows.txt", "1\n")
        done = shell.run("reconcile", load_id, "--as", "created", "--rows", "rows.txt", "--json")
        assert page(shell, done).rows == done.summary["rows"]
        assert "1 decided by a person" in page(shell, done).text
        api.look = None
        done = shell.run("reconcile", load_id, "--reconcile-wait", "0", "--json")
    assert "1 rows stored, 0 not stored, 1 decided by a person" in page(shell, done).text
    assert moments(shell, load_id)["created"] == done.rows["created"] == 4


def test_stopped_load_has_a_report(shell: Shell) -> None:
    """A load that was refused as a whole has its page too."""
    shell.write_rows(10)
    with RememberingApi(lambda _key, _n: 403) as api:
        done = shell.run(*load_words(api.url))
    assert done.code == 5
    found = page(shell, done)
    assert found.rows == done.summary["rows"]
    assert "The load was stopped after" in found.text


def test_rows_that_changed_since(shell: Shell, sandbox: RunningSandbox) -> None:
    """Rows that are already loaded keep their ids; those whose content is another now are counted."""
    shell.write_rows(3)
    shell.run(*load_words(sandbox.url))
    shell.write("runs.csv", (shell.folder / "runs.csv").read_text().replace("Run 2", "Run II"))
    done = shell.run(*load_words(sandbox.url))
    assert (done.code, done.rows) == (0, {"read": 3, "already_loaded": 3})
    found = page(shell, done)
    assert "Ids known 3 rows" in found.text
    assert "1 row was already loaded with different content" in found.text


class Panic(BaseException):
    """What a fault in a library written in Rust is."""


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), Panic("a panic"), MemoryError()])
def test_page_that_cannot_be_made(
    shell: Shell, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """The load is as good as it was; a note says what happened, and how to try again."""
    shell.write_rows(3)

    def broken(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("loader.pipeline.loads.load_report.load_page", broken)
        done = shell.run(*load_words(sandbox.url))
    assert (done.code, done.rows) == (0, {"read": 3, "created": 3})
    assert list(done.summary["files"]) == ["results"]
    assert f"warning: report.html cannot be written: {type(fault).__name__}: {fault}" in done.err
    load_id = done.summary["load_id"]
    assert f"To try again: loader report {load_id}\n" in done.err
    assert shell.run("report", load_id).code == 0
    assert page_of(shell, load_id).rows == done.summary["rows"]


def test_page_that_has_no_place(shell: Shell) -> None:
    """A folder in its way keeps no load from its exit code."""
    shell.write_rows(4)
    with RememberingApi(lambda key, n: AFTER if key == "K00002" and n == 1 else "", no_lists) as api:
        load_id = shell.run(*load_words(api.url)).summary["load_id"]
        path = shell.folder / ".loader" / "loads" / load_id / "report.html"
        path.unlink()
        (path / "mine").mkdir(parents=True)
        done = shell.run("reconcile", load_id, "--as", "created", "--json")
    assert (done.code, done.rows) == (0, {"read": 4, "created": 4})
    assert "report.html: cannot be written: Is a directory" in done.err
    assert shell.run("report", load_id).code == 5


def test_page_without_the_extra(
    shell: Shell, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what draws, the figures are in tables."""
    shell.write_rows(3)
    monkeypatch.setitem(sys.modules, "altair", None)
    done = shell.run(*load_words(sandbox.url))
    assert done.code == 0
    assert "Charts are left out" in page(shell, done).text
    assert "pip install 'loader[report]'" in page(shell, done).text


def test_interrupt_while_the_page_is_made(
    shell: Shell, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends at once, the other files are whole, and no earlier page stays; the next command makes it."""
    shell.write_rows(3)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("loader.pipeline.loads.load_report.load_page", interrupted)
        done = shell.run(*load_words(sandbox.url))
    assert (done.code, done.out) == (130, "")
    (folder,) = (shell.folder / ".loader" / "loads").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["results.csv", "summary.json"]
    again = shell.follow(done, "--json")
    assert (again.code, again.rows) == (0, {"read": 3, "created": 3})
    assert (shell.folder / again.summary["files"]["report"]).exists()


def signed(shell: Shell, found: list[dict[str, Any]] | None) -> Ended:
    """A dry run with a report that has found this."""
    dry = shell.run("validate", "runs.yaml", "runs.csv", "--tenant", "acme", "--report", "signed", "--json")
    path = shell.folder / "signed" / "findings.parquet"
    path.unlink(missing_ok=True)
    if found is not None:
        pl.DataFrame(found, SCHEMA).write_parquet(path)
    return dry


def row(record_no: int, file: str = "runs.csv") -> dict[str, Any]:
    """A finding of a dry run."""
    place = {"file": file, "record_no": record_no, "status": "invalid"}
    return {**place, "field": "name", "code": "required.empty"}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([row(21), row(21), row(22), row(3), row(5, "other.csv")], "2 of the 7 rows that were not loaded"),
        ([], "0 of the 7 rows that were not loaded"),
        (None, None),
    ],
)
def test_what_the_dry_run_had_found(
    shell: Shell, found: list[dict[str, Any]] | None, sentence: str | None
) -> None:
    """Rows are counted once, by file and record number; without the findings there is no such line."""
    write_rows(shell, 40)
    dry = signed(shell, found)
    with RememberingApi(fate) as api:
        done = shell.run(*load_words(api.url), "--approved", "signed")
    assert done.rows["refused"] + done.rows["invalid"] == 7
    written = page(shell, done)
    assert ("It had findings for" in written.text) is (sentence is not None)
    assert (sentence or "") in written.text
    assert written.code == dry.summary["approval"]["code"]
    assert "The approved report has the same code." in written.text


def test_findings_of_another_dry_run(shell: Shell) -> None:
    """A folder that was used again for other files is not taken for what was signed."""
    write_rows(shell, 40)
    signed(shell, [row(21)])
    with RememberingApi(fate) as api:
        done = shell.run(*load_words(api.url), "--approved", "signed")
        assert "1 of the 7 rows" in page(shell, done).text
        shell.write_rows(1)
        signed(shell, [row(21)])
        load_id = done.summary["load_id"]
        assert shell.run("report", load_id).code == 0
    assert "It had findings for" not in page_of(shell, load_id).text


def test_load_that_nobody_approved_has_the_code_of_its_own(shell: Shell, sandbox: RunningSandbox) -> None:
    """It is the one that a dry run of the same would print, source options included."""
    shell.write_rows(3)
    options = ["-s", "encoding=utf-8", "-s", "delimiter=,"]
    words = ["validate", "runs.yaml", "runs.csv", "--tenant", "acme", "--report", "tried", "--json"]
    dry = shell.run(*words, *options)
    done = shell.run(*load_words(sandbox.url), *options)
    assert page(shell, done).code == dry.summary["approval"]["code"]
    assert page(shell, shell.run(*load_words(sandbox.url))).code != page(shell, done).code


def test_load_from_before_there_were_times(shell: Shell, sandbox: RunningSandbox) -> None:
    """What is known in part only is not drawn; a mapping that is no longer understood is shown as it was."""
    shell.write_rows(3)
    load_id = shell.run(*load_words(sandbox.url)).summary["load_id"]
    assert "Records created over time" in page_of(shell, load_id).text
    with closing(sqlite3.connect(shell.folder / ".loader" / "journal.db")) as connection, connection:
        connection.execute("DELETE FROM timeline")
        connection.execute("UPDATE load SET mapping_text = 'resource: 7 # of old'")
    assert shell.run("report", load_id).code == 0
    found = page_of(shell, load_id)
    assert "Records created over time" not in found.text
    assert "resource: 7 # of old" in found.text
    assert found.code == "not known"


@pytest.mark.parametrize("words", [["report", "2020"], ["report", "2020", "--home", "elsewhere"]])
def test_unknown_loads(shell: Shell, sandbox: RunningSandbox, words: list[str]) -> None:
    """A load that is not there is an error of usage; nothing is made."""
    shell.write_rows(1)
    shell.run(*load_words(sandbox.url))
    done = shell.run(*words)
    assert (done.code, done.out) == (2, "")
    assert not (shell.folder / "elsewhere").exists()


def test_report_of_a_load_whose_folder_is_gone(shell: Shell, sandbox: RunningSandbox) -> None:
    """The journal is all that it takes."""
    shell.write_rows(2)
    done = shell.run(*load_words(sandbox.url))
    folder = shell.folder / ".loader" / "loads" / done.summary["load_id"]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    result = shell.run("report", done.summary["load_id"])
    assert (result.code, result.next_words) == (0, ["status", done.summary["load_id"]])
    assert page_of(shell, done.summary["load_id"]).rows == json.loads(done.out)["rows"]
    assert [path.name for path in folder.iterdir()] == ["report.html"]
