"""The README is held against the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loader.cli import cli, run
from loader.records import Status
from loader.sandbox import RunningSandbox

if TYPE_CHECKING:
    import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def options_table(command: click.Command) -> str:
    """A command's options as the README lists them."""
    lines = ["| option | meaning |", "| --- | --- |"]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = ", ".join([*parameter.opts, *parameter.secondary_opts])
            value = "" if parameter.is_flag else f" {parameter.make_metavar(click.Context(command))}"
            told = f"{names}{value}".replace("|", "\\|")
            lines.append(f"| `{told}` | {parameter.help} |")
    return "\n".join(lines)


def block(language: str, number: int = 0) -> str:
    """A code block of the README."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found[number]


def test_every_option_of_load_stands_in_the_readme() -> None:
    """The table is the one that the program's own options make."""
    expected = options_table(cli.commands["load"])

    assert expected in README


def test_every_command_stands_in_the_readme() -> None:
    """The table of commands names each, and no other."""
    named = re.findall(r"^\| `loader (\w+)", README, re.MULTILINE)

    assert sorted(named) == sorted(cli.commands)


def test_every_status_stands_in_the_readme() -> None:
    """The table of statuses names each, and no other."""
    table = README.partition("| status | what it means")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [each.value for each in Status]


def test_first_load_is_as_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first mapping of a newcomer: one row is wrong, one is created."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOADER_TOKEN", "any")
    Path("runs.csv").write_text(block("csv"), encoding="utf-8")
    Path("runs.yaml").write_text(block("yaml"), encoding="utf-8")

    assert run(["preview", "runs.csv"]) == 0
    assert run(["preview", "runs.csv", "-m", "runs.yaml"]) == 0
    assert run(["validate", "runs.yaml", "runs.csv"]) == 3
    with RunningSandbox() as sandbox:
        code = run(["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url])

    assert code == 3
    told = capsys.readouterr()
    assert '"31.02.2020" is not a date of the form %d.%m.%Y' in told.err
    assert "created" in told.out
