"""`loader validate --report`: what is in the folder, and that all of it says the same."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from openpyxl import Workbook

from loader.pipeline.validation.validator import Validator
from tests.report.page.test_page_html import Read
from tests.report.test_results_csv import no_room_after
from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from loader.pipeline.validation.validator import ValidatedBatch
    from loader.records import Batch
    from loader.sandbox import RunningSandbox
    from tests.support.shell import Ended, Shell

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "mappings" / "billing-run.yaml", ROOT / "sample_data" / "billing-runs.csv")
TEMPLATES = (ROOT / "mappings" / "billing-template.yaml", ROOT / "sample_data" / "billing-templates.parquet")
_FIGURE = re.compile(r'<div class="count (\w+)(?: zero)?">.*?<dd class="figure">([\d,]+)</dd>', re.DOTALL)


def validate(shell: Shell, *words: str | Path, code: int = 3) -> Ended:
    """A dry run with a report in the folder `out`."""
    done = shell.run("validate", *words, "--report", "out", "--json")
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    return done


def page_of(shell: Shell) -> str:
    """The report's HTML."""
    return (shell.folder / "out" / "report.html").read_text("utf-8")


def findings_of(shell: Shell) -> list[dict[str, str]]:
    """The findings."""
    with (shell.folder / "out" / "findings.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check_agreement(shell: Shell, done: Ended) -> None:
    """Page, findings, rejects, summary and short form have the same counts."""
    folder, summary = shell.folder / "out", done.summary
    assert (folder / "summary.json").read_text() == done.out
    html = page_of(shell)
    figures = {name: int(count.replace(",", "")) for name, count in _FIGURE.findall(html)}
    assert figures == summary["rows"]
    found = findings_of(shell)
    exact = pl.read_parquet(folder / "findings.parquet")
    assert exact.height == len(found)
    assert [str(item) for item in exact["record_no"]] == [item["record_no"] for item in found]
    wrong = {(item["file"], item["record_no"], item["status"]) for item in found}
    for status in ("invalid", "blocked"):
        assert sum(item[2] == status for item in wrong) == summary["rows"][status]
    words = Read(html).text
    if found:
        total = summary["rows"]["invalid"] + summary["rows"]["blocked"]
        assert (
            f"{len(found):,} finding{'s' * (len(found) != 1)} in {total:,} row{'s' * (total != 1)}," in words
        )
    else:
        assert "Nothing. No row has an error in any field." in words


# --- The sample data -------------------------------------------------------------------------------------


def test_the_sample_without_a_tenant(shell: Shell) -> None:
    """Five files, all of them named, all with the same counts; short words on the terminal."""
    done = validate(shell, *SAMPLE)
    assert done.summary["files"] == {
        "report": "out/report.html",
        "findings": "out/findings.csv",
        "rejects": "out/rejects.csv",
    }
    assert sorted(path.name for path in (shell.folder / "out").iterdir()) == [
        *("findings.csv", "findings.parquet", "rejects.csv", "report.html", "summary.json")
    ]
    check_agreement(shell, done)
    assert "      3  invalid: run_date: does not match the date format" in done.err
    assert re.search(r"and \d more reasons", done.err)
    words = Read(page_of(shell)).text
    for part in ("Notes", "status", "column Run Date", "31.02.2021", "cp1252"):
        assert part in words
    assert "next:" not in done.err  # rows must be fixed first


def test_the_sample_after_its_templates(shell: Shell, sandbox: RunningSandbox) -> None:
    """With a tenant, and after a load: rows wait for templates, and later are loaded already."""
    to = ("--tenant", "acme", "--base-url", sandbox.url)
    assert shell.run("load", *TEMPLATES, *to).code == 3
    tried = validate(shell, *SAMPLE, "--tenant", "acme")
    assert tried.summary["rows"]["blocked"] > 0
    check_agreement(shell, tried)
    loaded = shell.run("load", *SAMPLE, *to, "--json")
    assert loaded.rows["created"] == tried.rows["valid"]
    assert [loaded.rows[item] for item in ("invalid", "blocked", "filtered")] == [
        tried.rows[item] for item in ("invalid", "blocked", "filtered")
    ]
    again = validate(shell, *SAMPLE, "--tenant", "acme")
    assert again.rows["already_loaded"] == loaded.rows["created"]
    assert "valid" not in again.rows
    check_agreement(shell, again)
    assert "There are none." in Read(page_of(shell)).text


# --- Other sources ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "code", "verdict"),
    [
        ("", 0, "The source has no rows: there is nothing to load."),
        ("K1,,C\nK2,,Q\n", 3, "No row can be loaded: 2 of 2 rows have errors."),
        ("K1,a,C\n", 0, "The only row can be loaded."),
    ],
)
def test_sources_with_little_in_them(shell: Shell, rows: str, code: int, verdict: str) -> None:
    """No row, no valid row, no wrong row: each has its page, and its findings file."""
    shell.write("runs.yaml", MAPPING)
    shell.write("runs.csv", f"Key,Name,State\n{rows}")
    done = validate(shell, "runs.yaml", "runs.csv", code=code)
    check_agreement(shell, done)
    assert verdict in Read(page_of(shell)).text
    assert ("rejects" in done.summary["files"]) == (code == 3)


NASTY = ["<script>alert(1)</script>", "=cmd()", '"><img src=x onerror=alert(2)>', "{{ 7*7 }}", "javascript:x"]


def test_markup_and_formulas_stay_text(shell: Shell) -> None:
    """In cells, ids and headers: escaped in the page, harmless in the CSV, exact in Parquet."""
    columns = ["Key", "Name", "State", *NASTY]
    rule = json.dumps({"columns": NASTY, "map": dict.fromkeys(NASTY[1:], "a")})
    shell.write("runs.yaml", f"{MAPPING}  notification_email: {rule}\n")
    rows = [[item, item, item, *[item] * len(NASTY)] for item in NASTY]
    rows.append(["K", NASTY[0], "C", "", *NASTY[1:]])
    with (shell.folder / "runs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    done = validate(shell, "runs.yaml", "runs.csv", "-s", "header=true")
    check_agreement(shell, done)
    html = page_of(shell)
    page = Read(html)
    assert not {"img", "iframe"}.intersection(tag for tag, _ in page.elements)
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert not [attrs for _, attrs in page.elements if any(name.startswith("on") for name in attrs)]
    for text in NASTY:
        assert text in page.text
    assert "{{ 7*7 }}" in html
    assert 'href="javascript' not in html
    assert {"'=cmd()", NASTY[0]} <= {item["value"] for item in findings_of(shell)}
    exact = pl.read_parquet(shell.folder / "out" / "findings.parquet")
    assert "=cmd()" in exact["value"].to_list()
    assert "=cmd()" in exact["external_id"].to_list()


def test_a_wide_source(shell: Shell) -> None:
    """Sixty columns, most of them unused: all of those are listed."""
    columns = ["Key", "Name", "State", *(f"Column {number}" for number in range(57))]
    shell.write("runs.yaml", f"{MAPPING}ignore: ['Column 1*']\n")
    rows = "".join(f"K{number},a,C{',x' * 57}\n" for number in range(50))
    shell.write("runs.csv", f"{','.join(columns)}\n{rows}K9,,Q{',x' * 57}\n")
    done = validate(shell, "runs.yaml", "runs.csv")
    check_agreement(shell, done)
    words = Read(page_of(shell)).text
    assert all(name in words for name in columns)


def objects() -> list[dict[str, Any]]:
    """Rows of typed sources."""
    return [
        {"Key": "K1", "Name": "a", "State": "C", "List": ["x", "=y"], "Sub": {"b": 1}},
        {"Key": "K2", "Name": None, "State": "Q", "List": [], "Sub": {"b": 2}},
        {"Key": "K1", "Name": "b", "State": "D", "List": None, "Sub": None},
    ]


SHEET = ("Key", "Name", "State")


@pytest.mark.parametrize("form", ["ndjson", "parquet", "xlsx"])
def test_other_formats(shell: Shell, form: str) -> None:
    """The rejects are of the source's own form, and cells of lists and objects are shown as JSON."""
    name = f"runs.{form}"
    frame = pl.DataFrame(objects())
    path = shell.folder / name
    if form == "ndjson":
        frame.write_ndjson(path)
    elif form == "parquet":
        frame.write_parquet(path)
    else:
        book = Workbook()
        for row in ([*SHEET], *frame.select(SHEET).iter_rows()):
            book.active.append(list(row))  # type: ignore[union-attr]  # a new workbook has a sheet
        book.save(path)
    typed = (
        ""
        if form == "xlsx"
        else "  application_activation_options.program_ids: List\n  drop_options.zz: Sub\n"
    )
    shell.write("runs.yaml", MAPPING + typed)
    done = validate(shell, "runs.yaml", name)
    assert done.rows == {"read": 3, "valid": 1, "invalid": 2}
    check_agreement(shell, done)
    assert done.summary["files"]["rejects"] == f"out/rejects.{form}"
    words = Read(page_of(shell)).text
    assert f"rejects.{form}" in words
    if typed:
        assert '["x","=y"]' in words
        assert "shape:" not in words


def test_several_files(shell: Shell) -> None:
    """An id of another file, files with other columns: places name their file."""
    shell.write("runs.yaml", MAPPING)
    shell.write("a.csv", "Key,Name,State\nK1,a,C\n,b,D\n")
    shell.write("b.csv", "Extra,State,Name,Key\nx,C,c,K1\ny,Q,d,K2\n")
    done = validate(shell, "runs.yaml", "a.csv", "b.csv")
    assert done.rows == {"read": 4, "valid": 1, "invalid": 3}
    check_agreement(shell, done)
    assert [(item["file"], item["record_no"], item["line"]) for item in findings_of(shell)] == [
        ("a.csv", "2", "3"),
        ("b.csv", "1", "2"),
        ("b.csv", "2", "3"),
    ]


# --- When it cannot be -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_source_that_breaks_off(shell: Shell, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """What was read until then is reported, as a part: nobody may take it for the whole."""
    monkeypatch.setattr(sys.modules["loader.pipeline.validation.dry_run"], "_BATCH", 1000)
    shell.write_rows(1)
    rows = [{"Key": f"K{number}", "Name": "n" * 200, "State": "C"} for number in range(30_000)]
    frame = pl.DataFrame([{"Key": "K", "Name": None, "State": "Q"}, *rows])
    path = shell.folder / f"runs.{form}"
    write = frame.write_csv if form == "csv" else frame.write_parquet
    write(path)
    whole = Validator.validate

    def cutting(self: Validator, batch: Batch) -> ValidatedBatch:
        if path.exists():
            path.unlink() if form == "parquet" else os.truncate(path, path.stat().st_size // 2)
        return whole(self, batch)

    monkeypatch.setattr(Validator, "validate", cutting)
    done = validate(shell, "runs.yaml", path.name, code=5)
    assert done.summary["state"] == "stopped"
    assert done.rows["invalid"] >= 1
    check_agreement(shell, done)
    read = done.rows["read"]
    verdict = f"The source could not be read to its end: it broke off after {read:,} rows."
    assert verdict in Read(page_of(shell)).text
    assert path.name in done.err
    assert "next:" not in done.err  # the same command would end in the same way


@pytest.mark.parametrize("room", [1_000, 7_000, 30_000])
def test_a_disk_that_is_full(shell: Shell, room: int) -> None:
    """Whichever file it is that has no room: named, and what was there is not half replaced."""
    validate(shell, *SAMPLE)
    folder = shell.folder / "out"
    was = {path.name: path.read_bytes() for path in folder.iterdir()}
    with no_room_after(room):
        done = shell.run("validate", *SAMPLE, "--report", "out")
    assert done.code == 5, done.err
    assert re.search(r"out/\S+: cannot be written", done.err)
    assert done.next_words[0] == "validate"
    stands = {path.name: path.read_bytes() for path in folder.iterdir()}
    del was["summary.json"]
    whole = stands.pop("summary.json", None)
    assert whole is None  # none says of what is there that it is a whole report
    assert stands.keys() >= was.keys() - {"findings.csv", "findings.parquet"} or stands == was


@pytest.mark.parametrize("name", ["findings.csv", "rejects.csv", "report.html", "summary.json"])
def test_it_never_replaces_its_source(shell: Shell, name: str) -> None:
    """A source that has the name of one of the report's files is refused, also by a link."""
    shell.write("runs.yaml", MAPPING)
    text = "Key,Name,State\nK1,One,C\n"
    (shell.folder / "out").mkdir()
    source = shell.write(f"out/{name}", text)
    (shell.folder / "linked").symlink_to("out")
    for words in ((f"out/{name}", "out"), (f"out/{name}", "linked"), (f"linked/{name}", "out")):
        done = shell.run("validate", "runs.yaml", words[0], "-s", "format=csv", "--report", words[1])
        assert done.code == 2, done.err
        assert "would replace" in done.err
        assert [path.name for path in (shell.folder / "out").iterdir()] == [name]
    assert source.read_text() == text


def test_an_old_report_is_replaced_whole(shell: Shell) -> None:
    """Nothing of the report before stays: no finding, no reject, no temporary file."""
    shell.write("runs.yaml", MAPPING)
    shell.write("runs.csv", "Key,Name,State\nK1,,C\n")
    validate(shell, "runs.yaml", "runs.csv")
    shell.write("runs.csv", "Key,Name,State\nK1,a,C\n")
    done = validate(shell, "runs.yaml", "runs.csv", code=0)
    check_agreement(shell, done)
    assert sorted(path.name for path in (shell.folder / "out").iterdir()) == [
        *("findings.csv", "findings.parquet", "report.html", "summary.json")
    ]


# --- What it does not cost -------------------------------------------------------------------------------

_LOADED = """
import sys
from loader.cli import run
code = run(sys.argv[1:])
print(code, *sorted({"jinja2", "altair", "vl_convert"}.intersection(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("rows", "report", "expected"),
    [
        ("K1,,C\n", [], "3"),
        ("K1,a,C\n", ["--report", "out"], "0 jinja2"),
        ("K1,,C\n", ["--report", "out"], "3 altair jinja2 vl_convert"),
    ],
)
def test_what_makes_pages_is_loaded_for_pages_only(
    shell: Shell, rows: str, report: list[str], expected: str
) -> None:
    """Without a report no template engine; without a finding nothing that draws."""
    shell.write("runs.yaml", MAPPING)
    shell.write("runs.csv", f"Key,Name,State\n{rows}")
    command = [sys.executable, "-c", _LOADED, "validate", "runs.yaml", "runs.csv", *report]
    done = subprocess.run(command, cwd=shell.folder, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == expected
