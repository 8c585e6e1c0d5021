"""`loader check`: all that is wrong with a mapping at once, with place and code, the word underlined."""

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
nasty.yaml:2:14: error: sys_external_id: the source has no column 'RunID'; did you mean 'RunId'? \
[mapping.unknown_column]
    2 | external_id: RunID
      |              ^^^^^
nasty.yaml:3:10: error: source.delimeter: unknown key 'delimeter'; did you mean 'delimiter'? \
[mapping.unknown_key]
    3 | source: {delimeter: ";"}
      |          ^^^^^^^^^
nasty.yaml:4:17: warning: no column matches 'Old_*' [mapping.idle_pattern]
    4 | ignore: [Notes, "Old_*"]
      |                 ^^^^^^^
    fix: Correct the pattern, or remove it.
nasty.yaml:5:9: error: where: the source has no column 'Stat'; did you mean 'State'? \
[mapping.unknown_column]
    5 | where: "Stat <> 'TEST'"
      |         ^^^^
nasty.yaml:6:1: error: training_provider_billing_options.payment_terms_id is required, but has no rule \
[mapping.required_unmapped]
nasty.yaml:6:1: note: runs.csv: unused columns: RunId, State, Office, Programs [mapping.unused_columns]
    6 | fields:
      | ^^^^^^
    fix: Add a rule for training_provider_billing_options.payment_terms_id.
    fix: Map these columns, or list them under `ignore`.
nasty.yaml:8:3: error: unknown field 'statsu'; did you mean 'status'? [mapping.unknown_field]
    8 |   statsu: State
      |   ^^^^^^
nasty.yaml:9:51: error: run_date: '%Y-%m' does not have all parts of a date [rule.incomplete_format]
    9 |   run_date: {column: Run Date, date: ["%d.%m.%Y", "%Y-%m"]}
      |                                                   ^^^^^^^
    fix: Add the missing codes, such as %d, %m and %Y.
nasty.yaml:10:40: error: notification_email: the source has no column 'Offce'; did you mean 'Office'? \
[mapping.unknown_column]
   10 |   notification_email: {columns: [Mail, Offce], case: lower}
      |                                        ^^^^^
nasty.yaml:11:23: error: sys_locked: the constant "yes" does not fit: expected true or false \
[constant.wrong_type]
   11 |   sys_locked: {value: "yes"}
      |                       ^^^^^
    fix: Write true or false, without quotes.
nasty.yaml:12:64: error: sys_directive: the SQL is not valid: unsupported function 'uppr' [sql.syntax]
   12 |   sys_directive: {sql: "CASE WHEN Mail = 'Sate' THEN Sate ELSE UPPR(Mail) END"}
      |                                                                ^^^^
    fix: Correct the SQL at this place.
nasty.yaml:14:50: error: application_activation_options.program_restriction: the value "inclde" of 'a' \
does not fit: expected one of exclude, include, none; did you mean 'include'? [constant.enum]
   14 |     program_restriction: {column: Rule, map: {a: inclde, b: exclude}}
      |                                                  ^^^^^^
nasty.yaml:16:34: error: application_activation_options.program_ids has two rules [mapping.duplicate_rule]
   16 |   application_activation_options.program_ids: Programs
      |                                  ^^^^^^^^^^^
    fix: Remove one of the two rules.
nasty.yaml:18:74: error: `number` does not fit: application_expiration_options.expiration_date_range_end \
takes a date [rule.conversion_misfit]
   18 |   application_expiration_options.expiration_date_range_end: {column: To, number: {}}
      |                                                                          ^^^^^^
    fix: Remove `number`, or move this rule to another field.
nasty.yaml:20:37: error: forecast_renewals: unknown key 'bolean'; did you mean 'boolean'? \
[mapping.unknown_key]
   20 |   forecast_renewals: {column: Mail, bolean: {true: [J]}}
      |                                     ^^^^^^
nasty.yaml:24:13: error: example 1: name differs from what is expected [example.differs]
   24 |       name: Sprung
      |             ^^^^^^
    --- example 1, expected
    +++ example 1, got
    @@ -1 +1 @@
    -name: Sprung
    +name: Spring
    fix: Correct the rule of name, or the example.
14 errors, 1 warning, 1 note, 1 example run
"""


def found(done: Ended) -> list[dict[str, Any]]:
    """Return the findings of `--json`: the only thing on stdout."""
    output: dict[str, Any] = json.loads(done.out)
    assert list(output) == ["findings"]
    findings: list[dict[str, Any]] = output["findings"]
    return findings


@pytest.fixture
def nasty(shell: Shell) -> Shell:
    """A folder with a mapping that has many mistakes, and the source that it is for."""
    shell.write("nasty.yaml", NASTY)
    shell.write("runs.csv", HEADER)
    return shell


def test_all_mistakes_at_once(nasty: Shell) -> None:
    """Grammar, fields, constants, SQL, columns and examples: shown together, in order, underlined."""
    done = nasty.run("check", "nasty.yaml", "runs.csv", "-s", "delimiter=;")
    assert done.code == 2
    assert done.out == GOLDEN.replace("\\\n", "")
    assert done.next_words == ["check", "nasty.yaml", "runs.csv", "-s", "delimiter=;"]


def test_json(nasty: Shell) -> None:
    """One object with the same findings: code, severity, place, path, message, suggestion."""
    done = nasty.run("check", "nasty.yaml", "runs.csv", "-s", "delimiter=;", "--json")
    assert done.code == 2
    findings = found(done)
    assert len(findings) == 16
    assert findings[6] == {
        "code": "mapping.unknown_field", "severity": "error", "file": "nasty.yaml", "line": 8, "column": 3,
        "path": "statsu", "message": "unknown field 'statsu'; did you mean 'status'?", "suggestion": "status",
    }  # fmt: skip
    assert findings[7]["suggestion"] is None
    lines = NASTY.splitlines()
    words = [
        "RunID", "delimeter", '"Old_*"', "Stat", "fields", "fields", "statsu", '"%Y-%m"', "Offce", '"yes"',
        "UPPR", "inclde", "program_ids", "number", "bolean", "Sprung",
    ]  # fmt: skip
    behind = [lines[finding["line"] - 1][finding["column"] - 1 :] for finding in findings]
    assert [text[: len(word)] for text, word in zip(behind, words, strict=True)] == words
    assert findings[-1]["message"].endswith("-name: Sprung\n+name: Spring")


def test_without_source(nasty: Shell) -> None:
    """Columns are not checked, all else is."""
    findings = found(nasty.run("check", "nasty.yaml", "--json"))
    assert [finding["line"] for finding in findings] == [3, 6, 8, 9, 11, 12, 14, 16, 18, 20, 23]
    assert findings[-1]["code"] == "example.no_payload"
    assert findings[-1]["message"] == "example 1 has no payload: `where` filters the row out"


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
    """What all files lack is shown once, what one lacks with its name; a missing file is shown as well."""
    shell.write("runs.yaml", MAPPING)
    shell.write("a.csv", "Key,State,City,Old\n")
    shell.write("b.csv", "Key,Stat,City\n")
    done = shell.run("check", "runs.yaml", "a.csv", "b.csv", "c.csv")
    headings = [line for line in done.out.splitlines() if line.endswith("]")]
    assert headings == [
        "runs.yaml:3:1: note: a.csv: unused columns: City, Old [mapping.unused_columns]",
        "runs.yaml:3:1: note: b.csv: unused columns: Stat, City [mapping.unused_columns]",
        "runs.yaml:4:9: error: a.csv: name: the source has no column 'Name' [mapping.unknown_column]",
        "runs.yaml:4:9: error: b.csv: name: the source has no column 'Name' [mapping.unknown_column]",
        (
            "runs.yaml:5:20: error: b.csv: status: the source has no column 'State'; did you mean 'Stat'? "
            "[mapping.unknown_column]"
        ),
        "error: c.csv: there is no such file [source.unreadable]",
    ]
    assert done.out.splitlines()[-2] == "    fix: Check the path and its spelling."
    shell.write("d.csv", "Key,State,City,Old\n")
    done = shell.run("check", "runs.yaml", "a.csv", "d.csv")
    headings = [line for line in done.out.splitlines() if line.endswith("]")]
    assert headings == [
        "runs.yaml:3:1: note: a.csv, d.csv: unused columns: City, Old [mapping.unused_columns]",
        "runs.yaml:4:9: error: name: the source has no column 'Name' [mapping.unknown_column]",
    ]
    assert done.code == 2


def test_a_source_that_cannot_be_read_is_named_as_it_is(shell: Shell) -> None:
    """The file is data: a colon and a blank in its name do not matter, nor whether a glob found it."""
    shell.write("runs.yaml", MAPPING)
    (shell.folder / "a: b").mkdir()
    shell.write("a: b/bad.parquet", b"PAR1 is not all of it")
    shell.write("a: b/good.csv", "Key,Name,State\n")
    for source in ("a: b/bad.parquet", "a: b/*"):
        (error,) = found(shell.run("check", "runs.yaml", source, "--json"))
        assert (error["code"], error["file"]) == ("source.unreadable", "a: b/bad.parquet")
        assert (error["line"], error["column"], error["path"]) == (None, None, "")


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
    assert error["code"] == "column.takes_one"
    assert error["message"] == "column 'Name' holds a list of text, but the field takes text"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"fields: [1", "runs.yaml:1:11: error: not valid YAML: "),
        (b"a: b\nfields:\n\tname: A\n", "    3 | \tname: A\n      | ^\n"),
        (
            b"",
            "runs.yaml: error: not a mapping: expected a YAML object with the keys `resource` and `fields`",
        ),
        (b"- a\n", "runs.yaml:1:1: error: not a mapping: expected a YAML object"),
        (b"resource: billing-run\n", "runs.yaml:1:1: error: the key 'fields' is missing"),
        (b"resource: biling-run\nfields: {nmae: A}\n", "runs.yaml:2:10: error: unknown field 'nmae'"),
        (
            b"resource: quantum\nfields: {name: {column: A, colunm: B}}\n",
            "runs.yaml:2:28: error: name: unknown key 'colunm'; did you mean 'column'? [mapping.unknown_key]",
        ),
        (b"resource: billing-run\nfields: {}\n'': A\n", "runs.yaml:3:1: error: unknown key ''"),
        (b"resource: billing-run\nfields: 7\n", "runs.yaml:2:9: error: fields: "),
        (
            b"resource: billing-run\nfeilds: {}\n",
            "runs.yaml:2:1: error: unknown key 'feilds'; did you mean 'fields'?",
        ),
    ],
)
def test_broken_files(shell: Shell, content: bytes, words: str) -> None:
    """What is no mapping is shown with its place, and so is all else that can still be found."""
    shell.write("runs.yaml", content)
    done = shell.run("check", "runs.yaml")
    assert done.code == 2
    assert words in done.out
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
    assert "did you mean 'delimiter'?" in shell.run("check", "runs.yaml", "-s", "delimeter=;").err


def test_no_external_id(shell: Shell) -> None:
    """A mapping without one has a warning that says what that costs; it can be used."""
    shell.write("runs.yaml", MAPPING.replace("external_id: Key\n", ""))
    done = shell.run("check", "runs.yaml")
    assert done.code == 0
    assert "runs.yaml:1:1: warning: `external_id` is missing: a later load cannot recognize rows" in done.out
    assert done.out.endswith("no errors, 1 warning\n")


def test_wide_letters(shell: Shell) -> None:
    """The underline is below the word, whatever is before it."""
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
        output = b""
        with contextlib.suppress(OSError):  # Linux has an error where the other end is closed
            while part := os.read(ours, 65536):
                output += part
        process.wait(timeout=60)
        os.close(ours)
        return output

    assert b"\x1b[31m\x1b[1merror:\x1b[0m" in shown()
    assert b"\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in nasty.run("check", "nasty.yaml").out


def test_load_and_validate_profit(shell: Shell) -> None:
    """Their one-line form names the place of the very word."""
    shell.write("runs.yaml", MAPPING.replace("State,", "Sate,"))
    shell.write("runs.csv", "Key,Name,State\n")
    done = shell.run("validate", "runs.yaml", "runs.csv")
    assert done.code == 2
    words = "error: runs.yaml:5:20: status: the source has no column 'Sate'; did you mean 'State'?"
    assert words in done.err


def test_schema_of_mappings(shell: Shell) -> None:
    """`schema --mapping` prints the files that are beside the shipped mappings, and a general one."""
    for name in ("billing-run", "billing-template"):
        done = shell.run("schema", "--mapping", name)
        assert done.out == (ROOT / "mappings" / f"{name}.schema.json").read_text("utf-8")
    assert json.loads(shell.run("schema", "--mapping").out)["title"] == "Mapping"
    done = shell.run("schema", "--mapping", "billing-runs")
    assert (done.code, done.out, done.next_words) == (2, "", ["schema"])


def test_sql_that_is_wrong_as_a_whole(shell: Shell) -> None:
    """All of it is underlined, not what is before its first quote."""
    shell.write("runs.yaml", MAPPING + "where: \"State <>> 'TEST'\"\n")
    done = shell.run("check", "runs.yaml")
    assert done.code == 2
    assert done.out.splitlines()[1:3] == ["   10 | where: \"State <>> 'TEST'\"", "      |        " + "^" * 18]
