"""`loader check`: all that is wrong with a mapping at once, each with its place and the word underlined."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from tests.support.shell import Ended, Shell

ROOT = Path(__file__).parents[2]

NASTY = """\
resource: billing-run
external_id: RunID
source: {delimeter: ";"}
ignore: [Notes, "Old_*"]
where: "Stat <> 'TEST'"
fields:
  name: Title
  statsu: State
  run_date: {column: Run Date, date: ["%d.%m.%Y", "%Y-%m"]}
  notification_email: {columns: [Mail, Offce], case: lower}
  sys_locked: {value: "yes"}
  sys_directive: {sql: "CASE WHEN Mail = 'Sate' THEN Sate ELSE UPPR(Mail) END"}
  application_activation_options:
    program_restriction: {column: Rule, map: {a: inclde, b: exclude}}
    program_ids: [Mail]
  application_activation_options.program_ids: Programs
  application_expiration_options.expiration_date_range_start: {column: From, date: "%d.%m.%Y"}
  application_expiration_options.expiration_date_range_end: {column: To, number: {}}
  training_provider_billing_options: {invoice_template_id: Invoice}
  forecast_renewals: {column: Mail, bolean: {true: [J]}}
examples:
  - row: {Title: Spring, Mail: a@b, From: 01.01.2019, To: x, Invoice: I}
    payload:
      name: Sprung
"""
HEADER = "RunId;Title;State;Run Date;Mail;Office;Rule;Programs;From;To;Invoice;Notes\n"

GOLDEN = """\
nasty.yaml:2:14: error: sys_external_id: the source has no column 'RunID' (did you mean 'RunId'?)
    2 | external_id: RunID
      |              ^^^^^
nasty.yaml:3:10: error: source.delimeter: unknown key 'delimeter' (did you mean 'delimiter'?)
    3 | source: {delimeter: ";"}
      |          ^^^^^^^^^
nasty.yaml:4:17: warning: no column matches 'Old_*'
    4 | ignore: [Notes, "Old_*"]
      |                 ^^^^^^^
nasty.yaml:5:9: error: the source has no column 'Stat' (did you mean 'State'?)
    5 | where: "Stat <> 'TEST'"
      |         ^^^^
nasty.yaml:6:1: error: training_provider_billing_options.payment_terms_id is required, and nothing fills it
nasty.yaml:6:1: note: runs.csv: columns that nothing maps: RunId, State, Office, Programs
    6 | fields:
      | ^^^^^^
nasty.yaml:8:3: error: unknown field 'statsu' in this record type (did you mean 'status'?)
    8 |   statsu: State
      |   ^^^^^^
nasty.yaml:9:51: error: run_date: '%Y-%m' does not tell a whole date
    9 |   run_date: {column: Run Date, date: ["%d.%m.%Y", "%Y-%m"]}
      |                                                   ^^^^^^^
nasty.yaml:10:40: error: notification_email: the source has no column 'Offce' (did you mean 'Office'?)
   10 |   notification_email: {columns: [Mail, Offce], case: lower}
      |                                        ^^^^^
nasty.yaml:11:23: error: the constant, "yes", does not fit sys_locked: expected true or false, found "yes"
   11 |   sys_locked: {value: "yes"}
      |                       ^^^^^
nasty.yaml:12:64: error: sys_directive: this SQL does not parse: unsupported function 'uppr'
   12 |   sys_directive: {sql: "CASE WHEN Mail = 'Sate' THEN Sate ELSE UPPR(Mail) END"}
      |                                                                ^^^^
nasty.yaml:14:50: error: application_activation_options.program_restriction: the value of 'a', "inclde", is \
not one of exclude, include, none (did you mean 'include'?)
   14 |     program_restriction: {column: Rule, map: {a: inclde, b: exclude}}
      |                                                  ^^^^^^
nasty.yaml:16:34: error: two rules for one path: application_activation_options.program_ids
   16 |   application_activation_options.program_ids: Programs
      |                                  ^^^^^^^^^^^
nasty.yaml:18:74: error: number does not fit: application_expiration_options.expiration_date_range_end takes \
a date
   18 |   application_expiration_options.expiration_date_range_end: {column: To, number: {}}
      |                                                                          ^^^^^^
nasty.yaml:20:37: error: forecast_renewals: unknown key 'bolean' (did you mean 'boolean'?)
   20 |   forecast_renewals: {column: Mail, bolean: {true: [J]}}
      |                                     ^^^^^^
nasty.yaml:24:13: error: example 1: name is not what is expected
   24 |       name: Sprung
      |             ^^^^^^
    --- example 1, expected
    +++ example 1, got
    @@ -1 +1 @@
    -name: Sprung
    +name: Spring
14 errors, 1 warning, 1 note, 1 example run
"""


def found(done: Ended) -> list[dict[str, Any]]:
    """The findings of `--json`: the only thing on stdout."""
    told: dict[str, Any] = json.loads(done.out)
    assert list(told) == ["findings"]
    findings: list[dict[str, Any]] = told["findings"]
    return findings


@pytest.fixture
def nasty(shell: Shell) -> Shell:
    """A folder with a mapping that has many mistakes, and the source that it is for."""
    shell.write("nasty.yaml", NASTY)
    shell.write("runs.csv", HEADER)
    return shell


def test_all_mistakes_at_once(nasty: Shell) -> None:
    """Grammar, fields, constants, SQL, columns and examples: told together, in order, underlined."""
    done = nasty.run("check", "nasty.yaml", "runs.csv", "-s", "delimiter=;")
    assert done.code == 2
    assert done.out == GOLDEN.replace("\\\n", "")
    assert done.next_words == ["check", "nasty.yaml", "runs.csv", "-s", "delimiter=;"]


def test_json(nasty: Shell) -> None:
    """One object with the same findings: severity, file, line, columns, path, message, suggestion."""
    done = nasty.run("check", "nasty.yaml", "runs.csv", "-s", "delimiter=;", "--json")
    assert done.code == 2
    findings = found(done)
    assert len(findings) == 16
    assert findings[6] == {
        "severity": "error", "file": "nasty.yaml", "line": 8, "column": 3, "path": "statsu",
        "message": "unknown field 'statsu' in this record type", "suggestion": "did you mean 'status'?",
    }  # fmt: skip
    lines = NASTY.splitlines()
    words = [
        "RunID", "delimeter", '"Old_*"', "Stat", "fields", "fields", "statsu", '"%Y-%m"', "Offce", '"yes"',
        "UPPR", "inclde", "program_ids", "number", "bolean", "Sprung",
    ]  # fmt: skip
    behind = [lines[each["line"] - 1][each["column"] - 1 :] for each in findings]
    assert [told[: len(word)] for told, word in zip(behind, words, strict=True)] == words
    assert findings[-1]["message"].endswith("-name: Sprung\n+name: Spring")


def test_without_source(nasty: Shell) -> None:
    """Columns are not judged, all else is."""
    findings = found(nasty.run("check", "nasty.yaml", "--json"))
    assert [each["line"] for each in findings] == [3, 6, 8, 9, 11, 12, 14, 16, 18, 20, 23]
    assert findings[-1]["message"] == "example 1: there is no payload: the row is filtered out by where"


@pytest.mark.parametrize("name", ["billing-run", "billing-template"])
def test_shipped_mappings(shell: Shell, name: str) -> None:
    """They are sound, with and without their sample data; the next step is a dry run."""
    mapping = ROOT / "mappings" / f"{name}.yaml"
    sample = next((ROOT / "sample_data").glob(f"{name}s.*"))
    done = shell.run("check", mapping)
    assert (done.code, done.next_words) == (0, ["validate", str(mapping), "SOURCE"])
    done = shell.run("check", mapping, sample)
    assert done.out.startswith("no errors, ")
    assert done.out.endswith(" examples run\n")
    assert (done.code, done.next_words) == (0, ["validate", str(mapping), str(sample)])
    assert found(shell.run("check", mapping, sample, "--json")) == []


def test_several_sources(shell: Shell) -> None:
    """What all files lack is told once, what one lacks with its name; a missing file is told as well."""
    shell.write("runs.yaml", MAPPING)
    shell.write("a.csv", "Key,State,City,Old\n")
    shell.write("b.csv", "Key,Stat,City\n")
    done = shell.run("check", "runs.yaml", "a.csv", "b.csv", "c.csv")
    told = [line for line in done.out.splitlines() if ": " in line and "|" not in line]
    assert told == [
        "runs.yaml:3:1: note: a.csv: columns that nothing maps: City, Old",
        "runs.yaml:3:1: note: b.csv: columns that nothing maps: Stat, City",
        "runs.yaml:4:9: error: name: a.csv: the source has no column 'Name' (it has Key, State, City, Old)",
        "runs.yaml:4:9: error: name: b.csv: the source has no column 'Name' (it has Key, Stat, City)",
        "runs.yaml:5:20: error: status: b.csv: the source has no column 'State' (did you mean 'Stat'?)",
        "c.csv: error: there is no such file (Check the path and its spelling.)",
    ]
    shell.write("d.csv", "Key,State,City,Old\n")
    told = shell.run("check", "runs.yaml", "a.csv", "d.csv").out.splitlines()
    assert told[0] == "runs.yaml:3:1: note: a.csv, d.csv: columns that nothing maps: City, Old"
    assert told[3].startswith("runs.yaml:4:9: error: name: the source has no column 'Name' (")
    assert done.code == 2


def test_rows_are_not_read(shell: Shell) -> None:
    """Rows that no reader could take do not matter: only the header is looked at."""
    shell.write("runs.yaml", MAPPING)
    shell.write("runs.csv", b"Key,Name,State\n" + b'\xff\x00"broken,,,,\n' * 50)
    assert shell.run("check", "runs.yaml", "runs.csv").code == 0


def test_typed_columns_that_do_not_fit(shell: Shell) -> None:
    """A column of a type that the field cannot take is underlined where it is named."""
    shell.write("runs.yaml", MAPPING)
    frame = pl.DataFrame({"Key": ["1"], "Name": [["a", "b"]], "State": ["C"]})
    frame.write_parquet(shell.folder / "runs.parquet")
    (error,) = found(shell.run("check", "runs.yaml", "runs.parquet", "--json"))
    assert (error["line"], error["column"], error["path"]) == (4, 9, "name")
    assert error["message"] == "column 'Name' holds List(String), and the field takes text"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"fields: [1", "runs.yaml:1:11: error: this is not YAML: "),
        (b"a: b\nfields:\n\tname: A\n", "    3 | \tname: A\n      | ^\n"),
        (b"", "runs.yaml: error: a mapping is a YAML object with the keys resource and fields"),
        (b"- a\n", "runs.yaml:1:1: error: a mapping is a YAML object"),
        (b"resource: billing-run\n", "runs.yaml:1:1: error: the key 'fields' is missing"),
        (b"resource: biling-run\nfields: {nmae: A}\n", "runs.yaml:2:10: error: unknown field 'nmae'"),
        (
            b"resource: quantum\nfields: {name: {column: A, colunm: B}}\n",
            "runs.yaml:2:28: error: name: unknown key 'colunm'",
        ),
        (b"resource: billing-run\nfields: {}\n'': A\n", "runs.yaml:3:1: error: unknown key ''"),
        (b"resource: billing-run\nfields: 7\n", "runs.yaml:2:9: error: fields: "),
        (
            b"resource: billing-run\nfeilds: {}\n",
            "runs.yaml:2:1: error: unknown key 'feilds' (did you mean 'fields'?)",
        ),
    ],
)
def test_broken_files(shell: Shell, content: bytes, said: str) -> None:
    """What is no mapping is told with its place, and so is all else that can still be told."""
    shell.write("runs.yaml", content)
    done = shell.run("check", "runs.yaml")
    assert done.code == 2
    assert said in done.out
    assert "Traceback" not in done.err
    assert done.next_words == ["check", "runs.yaml"]


def test_files_that_are_no_text(shell: Shell) -> None:
    """A missing or binary mapping, and a wrong override, are refused by name."""
    assert "runs.yaml: the mapping cannot be read" in shell.run("check", "runs.yaml").err
    shell.write("runs.yaml", b"\x80\x81PAR1")
    done = shell.run("check", "runs.yaml")
    assert (done.code, done.out) == (2, "")
    assert "the mapping is not UTF-8" in done.err
    shell.write("runs.yaml", MAPPING)
    assert "did you mean delimiter?" in shell.run("check", "runs.yaml", "-s", "delimeter=;").err


def test_no_external_id(shell: Shell) -> None:
    """A mapping without one is told what that costs; it can be used."""
    shell.write("runs.yaml", MAPPING.replace("external_id: Key\n", ""))
    done = shell.run("check", "runs.yaml")
    assert done.code == 0
    assert "runs.yaml:1:1: warning: external_id: there is none: rows are known by file and record" in done.out
    assert done.out.endswith("no errors, 1 warning\n")


def test_wide_letters(shell: Shell) -> None:
    """The underline stands below the word, whatever stands before it."""
    shell.write("runs.yaml", MAPPING + '  sys_directive: {columns: ["日本", Nmae]}\n')
    shell.write("runs.csv", "Key,Name,State,日本\n")
    done = shell.run("check", "runs.yaml", "runs.csv")
    assert f'   10 |   sys_directive: {{columns: ["日本", Nmae]}}\n      | {" " * 36}^^^^\n' in done.out


def test_words_in_a_block_of_sql(shell: Shell) -> None:
    """SQL over several lines: the column is underlined in its own line."""
    sql = "  sys_directive:\n    sql: >-\n      CASE WHEN Name = 'x'\n      THEN Ctiy ELSE '' END\n"
    shell.write("runs.yaml", MAPPING + sql)
    shell.write("runs.csv", "Key,Name,State,City\n")
    _, error = found(shell.run("check", "runs.yaml", "runs.csv", "--json"))
    assert (error["line"], error["column"]) == (13, 12)


def test_colour_on_a_terminal_only(nasty: Shell) -> None:
    """A terminal gets colours, but not where NO_COLOR is set; a pipe never does."""

    def shown(**env: str) -> bytes:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "loader", "check", "nasty.yaml"],
            cwd=nasty.folder,
            env={**os.environ, "TERM": "xterm", **env},
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        told = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while part := os.read(ours, 65536):
                told += part
        process.wait(timeout=60)
        os.close(ours)
        return told

    assert b"\x1b[31m\x1b[1merror:\x1b[0m" in shown()
    assert b"\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in nasty.run("check", "nasty.yaml").out


def test_load_and_validate_profit(shell: Shell) -> None:
    """Their one-line form names the place of the very word."""
    shell.write("runs.yaml", MAPPING.replace("State,", "Sate,"))
    shell.write("runs.csv", "Key,Name,State\n")
    done = shell.run("validate", "runs.yaml", "runs.csv")
    assert done.code == 2
    said = "error: runs.yaml:5:20: status: the source has no column 'Sate' (did you mean 'State'?)"
    assert said in done.err


def test_schema_of_mappings(shell: Shell) -> None:
    """`schema --mapping` prints the files that stand beside the shipped mappings, and a general one."""
    for name in ("billing-run", "billing-template"):
        done = shell.run("schema", "--mapping", name)
        assert done.out == (ROOT / "mappings" / f"{name}.schema.json").read_text("utf-8")
    assert json.loads(shell.run("schema", "--mapping").out)["title"] == "Mapping"
    done = shell.run("schema", "--mapping", "billing-runs")
    assert (done.code, done.out, done.next_words) == (2, "", ["schema"])


def test_sql_that_is_wrong_as_a_whole(shell: Shell) -> None:
    """All of it is underlined, not what stands before its first quote."""
    shell.write("runs.yaml", MAPPING + "where: \"State <>> 'TEST'\"\n")
    done = shell.run("check", "runs.yaml")
    assert done.code == 2
    assert done.out.splitlines()[1:3] == ["   10 | where: \"State <>> 'TEST'\"", "      |        " + "^" * 18]
