"""`loader preview`: everything in a file, in a form that other programs read."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from tests.support.shell import Ended, Shell

ALL = ("--format", "csv", "--limit", "0")


def rows(done: Ended) -> list[list[str]]:
    """Return the CSV on stdout as any reader has it."""
    assert done.code == 0, done.err
    return list(csv.reader(io.StringIO(done.out, newline="")))


def test_rows_that_would_be_rejected_are_there(shell: Shell) -> None:
    """Missing cells are empty, surplus ones come last; stderr has what is wrong, with its place."""
    shell.write("r.csv", 'a;b;c\n1;"x, ""y""";3\n4;5\n6;7;8;9;10\n11;"open;12\n13;"z" z;14\n15;16;17\n')
    done = shell.run("preview", "r.csv", *ALL)
    assert rows(done) == [
        ["a", "b", "c"],
        ["1", 'x, "y"', "3"],
        ["4", "5", ""],
        ["6", "7", "8", "9", "10"],
        ["11", '"open', "12"],
        ["13", '"z" z', "14"],
        ["15", "16", "17"],
    ]
    assert "r.csv: record 2, line 3: has 2 cells, but the header has 3" in done.err
    assert "r.csv: record 3, line 4: has 5 cells, but the header has 3" in done.err
    assert "r.csv: record 4, line 5: a quote opened in line 5 is not closed" in done.err
    assert "r.csv: record 5, line 6: text follows the closing quote of cell 2" in done.err
    assert done.err.splitlines()[-1] == "next: loader schema"


def test_findings_beside_rows(shell: Shell) -> None:
    """Tables and JSON have what is wrong beside the row."""
    shell.write("r.csv", "a,b\n1,2\n3\n4,5,6\n")
    shown = json.loads(shell.run("preview", "r.csv", "--format", "json").out)
    assert shown == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": None, "(problem)": "has 1 cell, but the header has 2"},
        {"a": "4", "b": "5", "(surplus 1)": "6", "(problem)": "has 3 cells, but the header has 2"},
    ]
    table = shell.run("preview", "r.csv").out
    assert "has 3 cells, but the header has 2" in table
    assert table.count("(problem)") == 1


def test_tables_show_cells_as_they_are(shell: Shell) -> None:
    """A backslash at the end of a cell is one backslash, and brackets are not markup."""
    shell.write("r.csv", "a\\,[bold]b\nC:\\,[red]x\n")
    done = shell.run("preview", "r.csv")
    assert [line.split() for line in done.out.splitlines()] == [["a\\", "[bold]b"], ["C:\\", "[red]x"]]


def test_findings_beside_payloads(shell: Shell) -> None:
    """With a mapping, the findings of a row are in its line of the CSV, those of unreadable rows too."""
    shell.write("runs.yaml", MAPPING)
    shell.write("r.csv", "Key,Name,State\nK1,One,C\nK2,,Q\nK3\n")
    names, *lines = rows(shell.run("preview", "r.csv", "-m", "runs.yaml", *ALL))
    good, bad, short = (dict(zip(names, line, strict=True)) for line in lines)
    assert json.loads(good["payload"])["name"] == "One"
    assert (good["state"], good["findings"]) == ("ready", "")
    assert (bad["record_no"], bad["line"], bad["state"], bad["payload"]) == ("2", "3", "invalid", "")
    assert "name is required" in bad["findings"]
    assert "; status: " in f"; {bad['findings']}"
    assert "has 1 cell, but the header has 3" in short["findings"]


def test_findings_of_payloads_as_json(shell: Shell) -> None:
    """Each finding has its code, and its sentences; that of a row that cannot be read has no field."""
    shell.write("runs.yaml", MAPPING)
    shell.write("r.csv", "Key,Name,State\nK1,One,C\nK2,,Q\nK3\n")
    good, bad, short = json.loads(shell.run("preview", "r.csv", "-m", "runs.yaml", "--format", "json").out)
    assert (good["state"], good["payload"]["name"], good["findings"]) == ("ready", "One", [])
    assert (bad["state"], bad["payload"]) == ("invalid", None)
    assert {(finding["code"], finding["field"]) for finding in bad["findings"]} == {
        ("required.empty", "name"),
        ("map.no_entry", "status"),
    }
    assert short["findings"] == [
        {
            "code": "row.too_few_cells",
            "field": "",
            "column": None,
            "value": None,
            "expected": "3 cells",
            "message": "has 1 cell, but the header has 3",
        }
    ]


cells = st.text(alphabet='ab,;"\n\r é\t#=\ufeff1', max_size=5)


@given(table=st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_quoted_normally(shell: Shell, table: list[list[str]]) -> None:
    """What any CSV reader gets from the output are the cells of the source."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [["x", "y"], *table]
    )
    shell.write("r.csv", text.getvalue())
    done = shell.run("preview", "r.csv", *ALL, "-s", "delimiter=\t", "-s", "encoding=utf-8")
    assert rows(done) == [["x", "y"], *table]


def test_one_column(shell: Shell) -> None:
    """An empty cell alone on its line is quoted: else it would not be a record."""
    shell.write("r.csv", 'a\n1\n""\n2\n')
    assert shell.run("preview", "r.csv", *ALL).out == 'a\n1\n""\n2\n'


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_terminal_that_has_no_umlauts(shell: Shell, form: str) -> None:
    """What programs read is UTF-8 whatever the terminal's encoding; a table escapes other letters."""
    shell.write("r.csv", "a;b\n1;Grüße\n".encode("cp1252"))
    done = subprocess.run(
        [sys.executable, "-m", "loader", "preview", "r.csv", "--format", form],
        cwd=shell.folder,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode("ascii" if form == "table" else "utf-8")
    assert ("Gr\\xfc\\xdfe" if form == "table" else "Grüße") in shown


def test_files_with_other_columns(shell: Shell) -> None:
    """Files of a glob that differ share one header, with each cell below its name."""
    shell.write("p1.csv", "a,b\n1,2\n")
    shell.write("p2.csv", "b,c\n3,4\n5\n")
    done = shell.run("preview", "p*.csv", *ALL)
    assert rows(done) == [["a", "b", "c"], ["1", "2", ""], ["", "3", "4"], ["", "5", ""]]
    assert "p2.csv: record 2, line 3: has 1 cell" in done.err


def test_types_of_parquet(shell: Shell) -> None:
    """Dates, times, lists, objects, decimals and NaN are written so that they can be read."""
    frame = pl.DataFrame(
        {
            "float": [float("nan"), -0.5],
            "day": [date(2019, 3, 31), None],
            "at": [datetime(2019, 3, 31, 1, 2, 3, 456789, tzinfo=UTC), None],
            "list": [[1.5, float("inf")], []],
            "object": [{"k": "ü", "d": date(2020, 1, 1)}, None],
            "decimal": [Decimal("1234567890.10"), None],
            "flag": [True, False],
            "bytes": [b"text", b"\xff\x00"],
            "nano": pl.Series([1_600_000_000_123_456_789, None]).cast(pl.Datetime("ns")),
        }
    )
    frame.write_parquet(shell.folder / "r.parquet")
    names, first, second = rows(shell.run("preview", "r.parquet", *ALL))
    assert dict(zip(names, first, strict=True)) == {
        "float": "NaN",
        "day": "2019-03-31",
        "at": "2019-03-31T01:02:03.456789+00:00",
        "list": '[1.5,"Infinity"]',
        "object": '{"k":"ü","d":"2020-01-01"}',
        "decimal": "1234567890.10",
        "flag": "true",
        "bytes": "text",
        "nano": "2020-09-13T12:26:40.123456789",
    }
    assert second == ["-0.5", "", "", "[]", "", "", "false", "ff00", ""]
    out = shell.run("preview", "r.parquet", "--format", "json").out
    good, _ = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert good["float"] == "NaN"
    assert good["list"] == [1.5, "Infinity"]
    assert "2019-03-31" in shell.run("preview", "r.parquet").out


def test_memory_is_flat(shell: Shell) -> None:
    """Ten times as many rows do not take more memory."""
    program = (
        "import resource, sys; from loader.cli import run; code = run(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    peaks = []
    for count in (60_000, 600_000):
        shell.write("r.csv", "a,b,c\n" + "00123,some text here,x\n" * count)
        done = subprocess.run(
            [sys.executable, "-c", program, "preview", "r.csv", *ALL],
            cwd=shell.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        )
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert peaks[1] < peaks[0] * 1.5
