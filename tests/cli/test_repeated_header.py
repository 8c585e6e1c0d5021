"""Exports that were glued together: the header inside the file is no row, and every receipt says so."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from loader.findings import load_findings
from loader.records import REPEATED_HEADER
from loader.wording import message
from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from loader.sandbox import RunningSandbox
    from tests.support.shell import Shell

GLUED = "Key,Name,State\nK1,One,C\nKey,Name,State\nK2,Two,C\n"


def glued(shell: Shell) -> None:
    """Writes the mapping and the file."""
    shell.write("runs.yaml", MAPPING)
    shell.write("runs.csv", GLUED)


def test_results_list_it_as_filtered(shell: Shell, sandbox: RunningSandbox) -> None:
    """It is filtered with its reason, no reject, and the load ends well."""
    glued(shell)
    words = ("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--json", "--base-url", sandbox.url)
    done = shell.run(*words)
    assert done.code == 0
    rows = done.summary["rows"]
    assert (rows["read"], rows["created"], rows["filtered"], rows["invalid"]) == (3, 2, 1, 0)
    assert "rejects" not in done.summary["files"]
    with (shell.folder / done.summary["files"]["results"]).open(encoding="utf-8", newline="") as file:
        listed = [(row["status"], row["code"]) for row in csv.DictReader(file)]
    assert listed == [("created", ""), ("filtered", "row.repeated_header"), ("created", "")]


def test_validate_counts_it_as_filtered(shell: Shell) -> None:
    """A dry run says the same."""
    glued(shell)
    done = shell.run("validate", "runs.yaml", "runs.csv", "--json")
    assert done.code == 0
    assert done.summary["rows"]["filtered"] == 1


def test_preview_names_it(shell: Shell) -> None:
    """Both previews name it on stderr, with its record and line."""
    glued(shell)
    (finding,) = load_findings(REPEATED_HEADER)
    note = f"record 2, line 3: {message(finding)}"
    assert note in shell.run("preview", "runs.csv").err
    assert note in shell.run("preview", "runs.csv", "-m", "runs.yaml").err
