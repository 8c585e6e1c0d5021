"""The documentation is held against the program."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from loader.cli import cli
from loader.errors import LoaderError
from loader.findings import CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
needs_sphinx = pytest.mark.skipif(
    find_spec("sphinx") is None or find_spec("furo") is None or find_spec("myst_parser") is None,
    reason="the dependency group docs is not installed (make setup)",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does, once for all tests of this file."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-E", "-n", "-W", "--keep-going", "-q"]
    build = subprocess.run(
        [*command, "-d", folder / "doctrees", DOCS, folder / "html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return folder / "html"


def anchors(page: Path) -> set[str]:
    """Return the targets of links on a built page."""
    return set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


def leaf_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be run, with its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaf_commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def exit_codes(error: type[LoaderError]) -> set[int]:
    """Return the exit codes of an error and of all that are derived from it."""
    return {error.exit_code}.union(*(exit_codes(child) for child in error.__subclasses__()))


def test_index_names_every_page() -> None:
    """The index links to each page, and each page that it names exists."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    contents = "\n".join(re.findall(r"```\{toctree\}(.*?)```", index, re.DOTALL))
    listed = re.findall(r"^([\w/-]+)$", contents, re.MULTILINE)

    assert sorted(f"{page}.md" for page in listed) == [page for page in PAGES if page != "index.md"]
    assert set(re.findall(r"\{doc\}`([\w/-]+)`", index)) == set(listed)


@needs_sphinx
def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    """Each command has its section, and each option is in it."""
    page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    commands = dict(leaf_commands(cli, "loader"))

    assert {name.replace(" ", "-") for name in commands} <= anchors(site / "reference" / "commands.html")
    for name, command in commands.items():
        section = page.partition(f'id="{name.replace(" ", "-")}"')[2].partition("<section")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in re.sub(r"<[^>]+>", "", section), (name, parameter.opts)


def test_every_exit_code_is_explained() -> None:
    """The table has the codes of all errors, of results and of signals, in order."""
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")

    explained = [int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]

    assert explained == sorted(exit_codes(LoaderError) | {0, 3, 4, 130, 143})


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_in_the_text_exist(page: str) -> None:
    """Whatever a page lets the reader type is there: commands, options, targets of make, modules."""
    text = (DOCS / page).read_text(encoding="utf-8")
    options = {option for _, command in leaf_commands(cli, "loader") for option in _names(command)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert set(re.findall(r"(?:`|^)loader ([a-z]+)", text, re.MULTILINE)) <= set(cli.commands)
    assert set(re.findall(r"(?<![\w-])(--[a-z][\w-]*)", text)) <= options | {"--help"}
    assert all(f"\n{target}:" in makefile for target in re.findall(r"`make (\w+)`", text))
    assert all(find_spec(module) for module in re.findall(r"python -m ([\w.]+)", text))


def test_paths_in_the_architecture_exist() -> None:
    """Every path that the architecture names is in the project, and every room is named."""
    text = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:loader|tests|docs|mappings)/[\w/.]*)`", text))
    rooms = {path.name for path in (ROOT / "loader").iterdir() if path.is_dir() and path.name[0] != "_"}

    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert {f"loader/{room}/" for room in rooms} <= paths


def _names(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


@needs_sphinx
def test_pages_need_no_network(site: Path) -> None:
    """No built page or style sheet loads anything from another address."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"', text)
        loaded += re.findall(r'<link\b[^>]*\bhref="([^"]+)"', text)
        assert not [url for url in loaded if re.match(r"(?:https?:)?//", url)], path
    for path in site.rglob("*.css"):
        sheet = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet), path


def test_pages_name_no_path_of_a_machine() -> None:
    """Nothing on a page works on one machine only."""
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(?:home|root|work|Users|tmp)/", text), page


@needs_sphinx
def test_every_code_has_its_anchor(site: Path) -> None:
    """The address `reference/codes.html#CODE` shows what a code means."""
    assert set(CODES) <= anchors(site / "reference" / "codes.html")


@needs_sphinx
def test_every_example_of_a_code_is_complete(site: Path) -> None:
    """No example shows the sign for a missing parameter: each has a sample value that its sentence takes."""
    assert "…" not in (site / "reference" / "codes.html").read_text(encoding="utf-8")
