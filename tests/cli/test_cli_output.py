"""What people see: status, preview, schema, demo, validate, the sandbox; in pipes and on a terminal."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Any

import pytest

from loader.resources import BUILT_IN
from loader.sandbox import RunningSandbox, SandboxSettings
from tests.support.scripted_api import ScriptedApi
from tests.support.shell import stats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.shell import Shell

LONG = "Name_" + "x" * 200


def load(shell: Shell, url: str) -> str:
    """Loads runs.csv and gives the load's id."""
    done = shell.run("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url, "--json")
    found: str = done.summary["load_id"]
    return found


def test_status_lists_loads(shell: Shell, sandbox: RunningSandbox) -> None:
    """The list has each load on a line, newest first, whole in a pipe; the last line of stderr leads on."""
    shell.write_rows(3)
    first = load(shell, sandbox.url)
    second = load(shell, sandbox.url)
    done = shell.run("status")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["load", second, first]
    assert "\x1b" not in done.out + done.err
    assert done.next_words[0] == "status"
    assert shell.run("status", "--json").code == 2


def test_status_of_one_load(shell: Shell, sandbox: RunningSandbox) -> None:
    """One load is shown in full; with --json it is the object that the load printed."""
    shell.write_rows(3)
    done = shell.run("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json")
    load_id = done.summary["load_id"]
    shown = shell.run("status", load_id[:-3])
    for part in (load_id, "3  created", "state: finished", "runs.yaml", sandbox.url, "results.csv"):
        assert part in shown.out
    again = shell.run("status", load_id, "--json")
    assert again.summary == done.summary
    assert again.next_words == ["status"]


def test_validate_writes_rejects_and_summary(shell: Shell) -> None:
    """A dry run sends nothing, balances and names its rejects; without errors, the next command is a load."""
    shell.write_rows(1)
    source = shell.write("runs.csv", "Key,Name,State\nK1,One,C\nK2,,C\n")
    done = shell.run("validate", "runs.yaml", "runs.csv", "--report", "tried", "--json")
    assert (done.code, done.rows) == (3, {"read": 2, "valid": 1, "invalid": 1})
    assert list(done.summary["rows"]) == [
        *("read", "valid", "already_loaded", "filtered", "invalid", "blocked")
    ]
    assert done.summary["files"] == {
        "report": "tried/report.html",
        "findings": "tried/findings.csv",
        "rejects": "tried/rejects.csv",
    }
    assert (shell.folder / "tried" / "summary.json").read_text() == done.out
    assert "next:" not in done.err  # rows must be fixed first
    source.write_text("Key,Name,State\nK1,One,C\n")
    done = shell.run("validate", "runs.yaml", "runs.csv", "--report", "tried", "--tenant", "acme", "--json")
    assert (done.code, done.rows) == (0, {"read": 1, "valid": 1})
    assert not (shell.folder / "tried" / "rejects.csv").exists()
    approved = ["--approved", "tried"]
    assert done.next_words == ["load", "runs.yaml", "runs.csv", "--tenant", "acme", *approved]
    assert not (shell.folder / ".loader").exists()


def test_validate_never_replaces_its_source(shell: Shell) -> None:
    """Rejects that would be written over the file that is read are refused, and the file stays."""
    shell.write_rows(1)
    (shell.folder / "tried").mkdir()
    source = shell.write("tried/rejects.csv", "Key,Name,State\nK1,One,C\n")
    done = shell.run("validate", "runs.yaml", "tried/rejects.csv", "--report", "tried")
    assert done.code == 2
    assert source.read_text() == "Key,Name,State\nK1,One,C\n"


def test_validate_of_a_report_folder_that_cannot_be(shell: Shell) -> None:
    """A report folder that cannot be written is named before any row is read."""
    shell.write_rows(1)
    done = shell.run("validate", "runs.yaml", "runs.csv", "--report", "runs.csv/tried")
    assert done.code == 2
    assert "runs.csv/tried" in done.err


def test_preview_of_rows(shell: Shell) -> None:
    """Rows as read: as a table, CSV, JSON; cells exact, columns in order, long names whole in a pipe."""
    shell.write("wide.csv", f'Key,{LONG},Note\n007,"a ""b"", [red]c[/red]","line\nbreak"\n008,,\n')
    table = shell.run("preview", "wide.csv")
    assert table.code == 0
    assert LONG in table.out
    assert 'a "b", [red]c[/red]' in table.out
    as_csv = shell.run("preview", "wide.csv", "--format", "csv")
    cells = list(csv.reader(io.StringIO(as_csv.out, newline="")))
    assert cells == [["Key", LONG, "Note"], ["007", 'a "b", [red]c[/red]', "line\nbreak"], ["008", "", ""]]
    as_json = shell.run("preview", "wide.csv", "--format", "json")
    assert [row["Key"] for row in json.loads(as_json.out)] == ["007", "008"]


def test_preview_limits(shell: Shell) -> None:
    """--limit N shows N rows, 0 all of them, and ten are shown by default."""
    shell.write_rows(25)
    for words, count in (([], 10), (["--limit", "3"], 3), (["--limit", "0"], 25)):
        done = shell.run("preview", "runs.csv", "--format", "json", *words)
        assert len(json.loads(done.out)) == count


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_preview_of_payloads(shell: Shell, form: str) -> None:
    """With -m: payloads as they would be sent, findings of bad rows, and validate as the next command."""
    shell.write_rows(1)
    shell.write("runs.csv", "Key;Name;State\nK1;Frühling;C\nK2;;Q\n")
    done = shell.run("preview", "runs.csv", "-m", "runs.yaml", "--format", form, "-s", "delimiter=;")
    assert done.code == 0
    assert "Frühling" in done.out
    assert "invalid" in done.out
    assert "name is required" in done.out
    if form == "json":
        good, bad = json.loads(done.out)
        assert good["payload"]["status"] == "completed"
        assert bad["payload"] is None
        assert {item["field"] for item in bad["findings"]} == {"name", "status"}
    assert done.next_words[0] == "validate"


def test_preview_of_an_empty_source(shell: Shell) -> None:
    """A header without rows is no rows in every form."""
    shell.write_rows(0)
    assert json.loads(shell.run("preview", "runs.csv", "--format", "json").out) == []
    assert shell.run("preview", "runs.csv").out == "no rows\n"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_preview_into_a_pipe_that_closes(shell: Shell, form: str) -> None:
    """`loader preview file | head -1` ends without a complaint."""
    shell.write_rows(5_000)
    process = shell.start("preview", "runs.csv", "--limit", "0", "--format", form)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    output = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0
    assert "Traceback" not in output
    assert "rror" not in output


def test_schema_forms(shell: Shell) -> None:
    """Types, fields and JSON Schemas, with every name whole."""
    types = shell.run("schema")
    one = shell.run("schema", "billing-run")
    for name, record in BUILT_IN.items():
        assert name in types.out
        assert record.service_url + record.path in types.out
    shown = {line.split()[0] for line in one.out.splitlines()[1:]}
    assert shown == {field.path for field in BUILT_IN["billing-run"].root.walk() if field.path}
    schema = json.loads(shell.run("schema", "billing-run", "--json").out)
    assert "name" in schema["properties"]
    assert "id" not in schema["properties"]
    assert set(json.loads(shell.run("schema", "--json").out)) == set(BUILT_IN)
    wrong = shell.run("schema", "billing-rum")
    assert wrong.code == 2
    assert "billing-run" in wrong.err


def test_demo(shell: Shell) -> None:
    """The demo ends with 0 and says where results and rejects are and what the wrong rows were."""
    shell.env = {}
    done = shell.real("demo")
    assert done.code == 0
    files = re.findall(r"^(results|rejects): (.+)$", done.out, re.MULTILINE)
    assert [name for name, _ in files] == ["results", "rejects"] * 2
    for _, path in files:
        assert (shell.folder / path).is_file()
    assert "errors, on purpose" in done.err
    assert "in doubt" not in done.out + done.err
    assert shell.follow(done).out.count("finished") == 2


def test_demo_on_a_home_that_is_a_file(shell: Shell) -> None:
    """A home that cannot be is named."""
    shell.write("taken", "")
    done = shell.run("demo", "--home", "taken/home")
    assert done.code == 2
    assert "taken/home" in done.err


def test_sandbox_command(shell: Shell) -> None:
    """The sandbox prints its URL first, takes a load, and ends with 0 at Ctrl-C."""
    shell.write_rows(2)
    process = shell.start("sandbox", "--port", "0", "--tenant", "acme")
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        load(shell, url)
        assert stats(url)["stored"]["billing-run"] == 2
        process.send_signal(signal.SIGINT)
        _, output = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in output


def on_a_terminal(shell: Shell, words: Sequence[str], **env: str) -> tuple[int, str]:
    """Runs a command with stdout and stderr on a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 110, 0, 0))
    plain: dict[str, Any] = {"cwd": shell.folder, "stdin": theirs, "stdout": theirs, "stderr": theirs}
    inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    environment = {**inherited, **shell.env, "TERM": "xterm-256color", **env}
    process = subprocess.Popen([sys.executable, "-m", "loader", *words], env=environment, **plain)
    os.close(theirs)
    screen = b""
    try:
        while chunk := os.read(ours, 65536):
            screen += chunk
    except OSError:  # how a terminal whose other side has closed ends
        pass
    os.close(ours)
    return process.wait(30), screen.decode()


def test_bar_on_a_terminal(shell: Shell) -> None:
    """On a terminal a bar shows rows done, the rate, the time left and what became of rows."""
    shell.write_rows(150)
    text = (shell.folder / "runs.csv").read_text()
    shell.write("runs.csv", text.replace("Run 5,", ","))
    with RunningSandbox(SandboxSettings(latency=0.02)) as sandbox:
        words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url]
        code, screen = on_a_terminal(shell, [*words, "--concurrency", "4"])
    assert code == 3
    assert re.search(r"\d+/150", screen)
    assert re.search(r"\d+/s", screen)
    assert re.search(r"\d:\d\d:\d\d", screen)
    assert re.search(r"\d+ created, 1 invalid", screen)
    assert "in doubt" not in screen


def test_colours_only_where_wanted(shell: Shell) -> None:
    """Colours on a terminal; none with NO_COLOR."""
    shell.write_rows(1)
    code, screen = on_a_terminal(shell, ["load", "runs.yaml", "away.csv", "--tenant", "acme"])
    assert code == 2
    assert "\x1b[31m" in screen
    _, screen = on_a_terminal(shell, ["load", "runs.yaml", "away.csv", "--tenant", "acme"], NO_COLOR="1")
    assert "\x1b[3" not in screen


def test_plain_lines_without_a_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal the progress is plain lines: rows, rate, time left, what became of them."""
    monkeypatch.setattr("loader.cli.progress._EVERY_S", 0.0)
    shell.write_rows(40)
    with ScriptedApi() as api:
        done = shell.run("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", api.url)
    assert re.search(r"^\d+ of about 40 rows, \d+/s.*: \d+ created$", done.err, re.MULTILINE)
    assert "\x1b" not in done.out + done.err


def test_module_and_command_are_the_same(shell: Shell, tmp_path: Path) -> None:
    """`loader` and `python -m loader` are one program."""
    program = f"{sys.prefix}/bin/loader"
    found = subprocess.run([program, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout == shell.real("--help").out
