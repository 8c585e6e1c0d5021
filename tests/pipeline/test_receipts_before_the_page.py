"""A load's receipts are on disk before its page is made: whatever making it does to the process."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.remembering_api import load_words
from tests.support.shell import ended

if TYPE_CHECKING:
    from pathlib import Path

    from loader.sandbox import RunningSandbox
    from tests.support.shell import Shell

_WITH = """\
import os, sys, time
import loader.report.page
from loader.cli import run

def broken(page):
    sys.stderr.write("now\\n")
    sys.stderr.flush()
    {fault}

loader.report.page.render = broken
sys.exit(run(sys.argv[1:]))
"""


def start(shell: Shell, fault: str, url: str) -> subprocess.Popen[str]:
    """Starts a load whose page is made by something that does this instead."""
    return subprocess.Popen(
        [sys.executable, "-c", _WITH.format(fault=fault), *load_words(url)],
        cwd=shell.folder,
        env=shell._environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def receipts(shell: Shell) -> Path:
    """The folder of the only load, whose receipts are whole: three rows created and one rejected."""
    (folder,) = (shell.folder / ".loader" / "loads").iterdir()
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        assert [item["status"] for item in csv.DictReader(file)] == [*["created"] * 3, "invalid"]
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (summary["state"], summary["rows"]["read"], summary["rows"]["created"]) == ("finished", 4, 3)
    assert "report" not in summary["files"]
    assert len((folder / "rejects.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert not (folder / "report.html").exists()
    return folder


def four_rows(shell: Shell) -> None:
    """Three good ones, and one with a state that no table knows."""
    path = shell.write_rows(3)
    path.write_text(path.read_text(encoding="utf-8") + "K4,Run 4,Q\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("fault", "code"), [("os.abort()", -signal.SIGABRT), ("os._exit(7)", 7)], ids=["abort", "exit"]
)
def test_a_process_that_dies_of_its_page(
    shell: Shell, sandbox: RunningSandbox, fault: str, code: int
) -> None:
    """As one does in which a library written in Rust aborts; `loader report` then makes the page."""
    four_rows(shell)
    assert ended(start(shell, fault, sandbox.url)).code == code
    folder = receipts(shell)
    assert shell.run("report", folder.name).code == 0
    assert (folder / "report.html").exists()


def test_a_page_that_never_comes(shell: Shell, sandbox: RunningSandbox) -> None:
    """One Ctrl-C ends it, and says what to run next."""
    four_rows(shell)
    process = start(shell, "time.sleep(600)", sandbox.url)
    assert process.stderr is not None
    output = []
    for line in process.stderr:
        output.append(line)
        if line == "now\n":
            break
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.code == 130, "".join(output) + done.err
    assert done.next_words[0] == "resume"
    folder = receipts(shell)
    again = shell.follow(done)
    assert (again.code, (folder / "report.html").exists()) == (3, True)
