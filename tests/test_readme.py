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

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def options_table(command: click.Command) -> str:
    """Return a command's options as the README lists them."""
    lines = ["| option | meaning |", "| --- | --- |"]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = ", ".join([*parameter.opts, *parameter.secondary_opts])
            value = "" if parameter.is_flag else f" {parameter.make_metavar(click.Context(command))}"
            option = f"{names}{value}".replace("|", "\\|")
            lines.append(f"| `{option}` | {parameter.help} |")
    return "\n".join(lines)


def block(language: str, number: int = 0) -> str:
    """Return a code block of the README."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return blocks[number]


def test_every_option_of_load_is_in_the_readme() -> None:
    """The table is the one that the program's own options make."""
    expected = options_table(cli.commands["load"])

    assert expected in README


def test_every_command_is_in_the_readme() -> None:
    """The table of commands names each, and no other."""
    named = re.findall(r"^\| `loader (\w+)", README, re.MULTILINE)

    assert sorted(named) == sorted(cli.commands)


def test_every_status_is_in_the_readme() -> None:
    """The table of statuses names each, and no other."""
    table = README.partition("| status | what it means")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [status.value for status in Status]


def test_links_lead_to_files() -> None:
    """Every file that the README links to exists."""
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)#]+)\)", README)]

    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_rooms_exist() -> None:
    """The names of files and folders in "How it is built" are in the package; every room is named."""
    text = README.partition("## How it is built")[2]
    names = set(re.findall(r"`([a-z_/]+(?:/|\.py))`", text))
    rooms = {path.name for path in (ROOT / "loader").iterdir() if path.is_dir() and path.name[0] != "_"}

    anywhere = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("[lt]*/**/*.py")}
    paths = {f"/{path}" for path in anywhere} | {f"/{Path(path).parent.as_posix()}/" for path in anywhere}
    assert {name for name in names if not any(path.endswith(f"/{name}") for path in paths)} == set()
    assert {f"{room}/" for room in rooms} <= names


def test_first_load_is_as_shown(
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
    output = capsys.readouterr()
    assert '"31.02.2020" does not match the date format %d.%m.%Y (DD.MM.YYYY)' in output.out
    assert "does not match the date format DD.MM.YYYY  (record 2)" in output.err
    assert "created" in output.out
