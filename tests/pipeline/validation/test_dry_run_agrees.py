"""A dry run says of every row what a real load then does with it."""

from __future__ import annotations

import csv
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from loader.journal import open_journal
from loader.pipeline.context import RunContext
from loader.pipeline.events import SilentObserver
from loader.pipeline.loads import run_load
from loader.pipeline.rows import open_inputs
from loader.pipeline.validation import validate_inputs
from loader.records import Status
from loader.resources import BUILT_IN
from loader.sandbox import RunningSandbox, SandboxSettings
from loader.sending import Token
from loader.settings import RunSettings
from loader.wording import WORDINGS
from tests.journal.journal_values import load, ready
from tests.pipeline.test_lookups import RUNS, TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.pipeline.result import LoadResult

MAPPING = f"""\
where: "State <> 'T'"
{RUNS}\
  application_activation_options.program_ids: {{lookup: billing-template, column: List, split: ';'}}
"""
HEADER = "Key,Name,State,Template,List\n"
KEYS = ("K1", "K2", "K3", "K4", "OLD", "DOUBT", "", " K1 ", "k1")
ROWS = st.tuples(
    st.sampled_from(KEYS),
    st.sampled_from(["Run", "Run", "Run", "", '"say ""x"", or"', "=cmd()"]),
    st.sampled_from(["C", "D", "C", "", "Q", "T"]),
    st.sampled_from(["", "T1", "t1", "T9", "-", "T8"]),
    st.sampled_from(["", "T1", "T1;T9;T8", "T9"]),
).map(",".join)
RAGGED = st.sampled_from(["K5", "K1,Run", "K6,Run,C,,,more", 'K7,"Run,C'])
FILES = st.lists(
    st.lists(st.one_of(ROWS, ROWS, ROWS, ROWS, RAGGED), max_size=9), min_size=1, max_size=3
).filter(any)


class World:
    """A sandbox, and a home in whose journal templates, a run and a run in doubt are.

    Attributes:
        folder: Where all of it is.
        url: The sandbox's.
        home: The home; copied for each example.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.home = folder / "home"
        self._examples = 0
        self.write("templates.csv", "Key,Name\nT1,One\n")
        assert self.load(TEMPLATES, ["templates.csv"], self.home).exit_code == 0
        self.write("old.csv", f"{HEADER}OLD,Old,C,,\n")
        assert self.load(MAPPING, ["old.csv"], self.home).exit_code == 0
        with open_journal(self.home) as journal:
            lost = load("20200101T000000Z-00000000")
            journal.begin(lost)
            journal.commit(lost.load_id, intents=[ready(0, "DOUBT")])

    def write(self, name: str, text: str) -> None:
        """Writes a source."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def copy(self) -> Path:
        """A home of its own for an example."""
        self._examples += 1
        home = self.folder / f"home-{self._examples}"
        shutil.copytree(self.home, home)
        return home

    def load(self, mapping: str, names: list[str], home: Path, batch: int = 1000) -> LoadResult:
        """Loads sources."""
        how = RunSettings(tenant="acme", base_url=self.url, batch_size=batch, reconcile_wait=0)
        inputs = open_inputs(
            mapping, "m.yaml", [str(self.folder / name) for name in names], {}, types=BUILT_IN
        )
        return run_load(inputs, how, RunContext(home, BUILT_IN, SilentObserver()), token=Token("x"))

    def try_out(self, mapping: str, names: list[str], home: Path) -> LoadResult:
        """Runs them dry; the report is beside the journal."""
        how = RunSettings(tenant="acme", base_url=self.url)
        inputs = open_inputs(
            mapping, "m.yaml", [str(self.folder / name) for name in names], {}, types=BUILT_IN
        )
        return validate_inputs(
            inputs, how, RunContext(home, BUILT_IN, SilentObserver()), report=home / "report"
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One sandbox and one past for all examples."""
    with RunningSandbox(SandboxSettings(page_size=10_000)) as running:
        yield World(tmp_path_factory.mktemp("world"), running.url)


def findings_of(report: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """The findings of each record."""
    found = defaultdict(list)
    with (report / "findings.csv").open(encoding="utf-8", newline="") as file:
        for item in csv.DictReader(file):
            found[item["file"], item["record_no"]].append(item)
    return found


def line_of(finding: dict[str, str]) -> str:
    """A finding as `results.csv` has it, where no column shows its field."""
    message = finding["message"].removeprefix("'")
    shows_field = finding["field"] and WORDINGS[finding["code"]].with_field
    return f"{finding['field']}: {message}" if shows_field else message


def rejected_by(result: LoadResult) -> bytes:
    """The rejects; empty where nothing was rejected."""
    path = result.summary.files.get("rejects")
    return Path(path).read_bytes() if path else b""


@settings(max_examples=30, deadline=None)
@given(files=FILES, tried=st.integers(1, 5), loaded=st.integers(1, 5))
def test_a_dry_run_and_a_load_agree(world: World, files: list[list[str]], tried: int, loaded: int) -> None:
    """Counts, rejects and findings, whatever the batches: ids twice in a batch, a file or the whole source,
    filtered, wrong and ragged rows, rows loaded before or in doubt, keys that are found and that are not.
    """
    names = [f"part-{number}.csv" for number in range(len(files))]
    for name, rows in zip(names, files, strict=True):
        world.write(name, HEADER + "".join(f"{row}\n" for row in rows))
    home = world.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["loader.pipeline.validation.dry_run"], "_BATCH", tried)
        patch.setattr(
            "loader.pipeline.validation.report.render", lambda _: ""
        )  # drawing takes most of the time
        dry = world.try_out(MAPPING, names, home)
    real = world.load(MAPPING, names, home, loaded)
    became = dict(real.summary.rows)
    created = became.pop("created")
    assert [became.pop(item) for item in (Status.REFUSED, Status.IN_DOUBT, Status.PENDING)] == [0, 0, 0]
    assert dry.summary.rows == {**became, "valid": created}
    assert dry.exit_code == real.exit_code
    assert rejected_by(dry) == rejected_by(real)
    assert [(group.title, group.rows) for group in dry.groups] == [
        (group.title, group.rows) for group in real.groups
    ]
    _hold_findings(findings_of(home / "report"), real, names)
    shutil.rmtree(home)


def _hold_findings(
    found: dict[tuple[str, str], list[dict[str, str]]], real: LoadResult, names: list[str]
) -> None:
    """Every finding that the load's receipts tell, with its place, and no other."""
    outcome = {}
    with Path(real.summary.files["results"]).open(encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file):
            if each["status"] in {Status.INVALID, Status.BLOCKED}:
                place = (each["source_file"], each["record_no"])
                outcome[place] = (each["status"], each["external_id"], each["message"])
    assert {
        place: (
            item[0]["status"],
            item[-1]["external_id"],
            "; ".join(line_of(finding) for finding in item),
        )
        for place, item in found.items()
    } == {
        place: (status, key, message.removeprefix("'")) for place, (status, key, message) in outcome.items()
    }
    assert list(found) == sorted(found, key=lambda place: (names.index(place[0]), int(place[1])))
    assert all(finding["line"] for item in found.values() for finding in item)


def test_a_row_that_waits_and_is_in_doubt_has_both_findings(world: World) -> None:
    """What an earlier load does not know is listed beside the key that is not there."""
    world.write("both.csv", f"{HEADER}DOUBT,Run,C,T9,\n")
    home = world.copy()
    dry = world.try_out(MAPPING, ["both.csv"], home)
    assert dry.summary.rows["blocked"] == 1
    (found,) = findings_of(home / "report").values()
    assert [(item["field"], item["line"]) for item in found] == [
        ("template_id", "2"),
        ("sys_external_id", "2"),
    ]


def test_payloads_that_are_shown_would_be_sent(world: World) -> None:
    """Of two rows with one id the first is shown; one that is loaded already is not."""
    rows = "OLD,Longest of them all,C,,\nK1,Run,C,,\nK1,Another that is long,C,,\n"
    world.write("shown.csv", HEADER + rows)
    home = world.copy()
    world.try_out(MAPPING, ["shown.csv"], home)
    page = (home / "report" / "report.html").read_text("utf-8")
    payloads = page[page.index('id="payloads"') :] if 'id="payloads"' in page else page
    assert "Longest of them all" not in payloads
    assert "Another that is long" not in payloads.partition("The mapping, word for word")[0]
