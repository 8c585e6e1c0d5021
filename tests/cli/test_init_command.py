"""`loader init`: a file that is written once, a summary on stderr, and the next command."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loader.errors import ConfigurationError
from loader.mapping import parse_mapping
from loader.pipeline.authoring import write_new
from loader.resources import BUILT_IN
from tests.support.shell import MAPPING
from tests.test_readme import block

if TYPE_CHECKING:
    from tests.support.shell import Shell

RUNS = """\
Id;Title;State;From;To;Invoice;Terms
007;Spring run;C;01.01.2019;31.12.2019;INV-STD;NET30
008;Autumn run;D;01.07.2019;31.02.2020;INV-STD;NET30
"""


def test_writes_a_mapping_that_validates(shell: Shell) -> None:
    """The README's first file: the proposal is complete, and the dry run finds the one bad row."""
    shell.write("runs.csv", block("csv"))
    done = shell.run("init", "runs.csv", "-r", "billing-run", "-o", "runs.yaml")

    assert (done.code, done.out) == (0, "")
    assert done.next_words == ["check", "runs.yaml", "runs.csv"]
    assert "detected: utf-8" in done.err
    assert "looked at all 2 records; 7 of 7 columns mapped" in done.err
    assert "with this mapping, these records would be: 1 ready, 1 invalid" in done.err
    assert shell.run("validate", "runs.yaml", "runs.csv", "--json").rows == {
        "read": 2,
        "valid": 1,
        "invalid": 1,
    }


def test_prints_the_same_to_stdout(shell: Shell) -> None:
    """Without -o stdout gets the mapping and nothing else, and the next command writes it."""
    shell.write("runs.csv", RUNS)
    printed = shell.run("init", "runs.csv", "-r", "billing-run", "-s", "delimiter=;")
    written = shell.follow(printed)

    assert printed.code == written.code == 0
    assert (shell.folder / "billing-run.yaml").read_text(encoding="utf-8") == printed.out
    assert parse_mapping(printed.out, "printed", BUILT_IN).source.delimiter == ";"


def test_puts_the_schema_beside_it(shell: Shell) -> None:
    """The file that the first line names is written too, is the printed one, and is kept if it exists."""
    shell.write("runs.csv", RUNS)
    shell.run("init", "runs.csv", "-r", "billing-run", "-o", "runs.yaml")
    schema = shell.folder / "billing-run.schema.json"

    first = (shell.folder / "runs.yaml").read_text(encoding="utf-8").partition("\n")[0]
    assert first == f"# yaml-language-server: $schema={schema.name}"
    printed = shell.run("schema", "billing-run", "--mapping").out
    assert schema.read_text(encoding="utf-8").strip() == printed.strip()
    schema.write_text("mine", encoding="utf-8")
    assert shell.run("init", "runs.csv", "-r", "billing-run", "-o", "more.yaml").code == 0
    assert schema.read_text(encoding="utf-8") == "mine"


def test_a_header_of_two_lines_is_written_down(shell: Shell) -> None:
    """The header that was given is in the proposal, so that it reads the file by itself."""
    shell.write("runs.csv", "Run;Run;Run\nId;Title;State\n007;Spring;C\n008;Autumn;D\n")
    text = shell.run("init", "runs.csv", "-r", "billing-run", "-s", "header=2").out
    assert "\n  header: 2\n" in text


def test_overwrites_nothing(shell: Shell) -> None:
    """A file that exists is kept, exit code 2, also where it appears in between."""
    shell.write("runs.csv", RUNS)
    kept = shell.write("runs.yaml", "mine")
    done = shell.run("init", "runs.csv", "-r", "billing-run", "-o", "runs.yaml")

    assert done.code == 2
    assert "runs.yaml: exists already, and init overwrites nothing" in done.err
    with pytest.raises(ConfigurationError, match="exists already"):
        write_new(kept, "theirs")
    assert kept.read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in shell.folder.iterdir()) == ["runs.csv", "runs.yaml"]


def test_writes_where_links_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links a file is written, too, and none is overwritten."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_new(tmp_path / "m.yaml", "mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        write_new(tmp_path / "m.yaml", "theirs")

    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [
        ("m.yaml", "mine")
    ]


def test_folder_that_does_not_exist(shell: Shell) -> None:
    """It is named and not made, exit code 2, and no part of a file is left."""
    shell.write("runs.csv", RUNS)
    done = shell.run("init", "runs.csv", "-r", "billing-run", "-o", "no/such/runs.yaml")

    assert done.code == 2
    assert "no/such/runs.yaml: cannot be written: No such file or directory" in done.err
    assert not (shell.folder / "no").exists()


def test_what_is_missing_and_ambiguous_is_shown(shell: Shell) -> None:
    """Exit code 0 all the same: it is a proposal; stderr names what is left to do."""
    shell.write("runs.csv", "Id,Title,Run Date\n1,a,03/04/2019\n2,b,05/06/2019\n")
    done = shell.run("init", "runs.csv", "-r", "billing-run", "-o", "m.yaml")

    assert done.code == 0
    assert "note: AMBIGUOUS: Run Date: all dates fit %d/%m/%Y and %m/%d/%Y" in done.err
    assert "missing: status is required, and nothing fills it" in done.err
    assert "with this mapping" not in done.err
    assert shell.run("validate", "m.yaml", "runs.csv").code == 2


@pytest.mark.parametrize(
    ("content", "resource", "message"),
    [
        ("Id,Name\n1,a\n", "billing-runs", "unknown record type 'billing-runs'; did you mean 'billing-run'?"),
        ("", "billing-run", "is empty; a header and records were expected"),
        ("Id,Name\n", "billing-run", "no records below the header"),
    ],
)
def test_what_cannot_be_done_is_reported(shell: Shell, content: str, resource: str, message: str) -> None:
    """Unknown record type, empty file, no records: exit code 2, the cause, no file."""
    shell.write("runs.csv", content)
    done = shell.run("init", "runs.csv", "-r", resource, "-o", "m.yaml")

    assert done.code == 2
    assert message in done.err
    assert not (shell.folder / "m.yaml").exists()
    assert done.err.splitlines()[-1].startswith("next: loader ")


def test_evidence_has_the_number_of_rows(shell: Shell) -> None:
    """With --rows only the first rows are looked at; the file has their number, and that of bad rows."""
    lines = [f"{number},a,2019-03-31\n" for number in range(1, 31)]
    lines[4] = "5,a\n"
    shell.write("runs.csv", "Id,Name,Run Date\n" + "".join(lines))
    some = shell.run("init", "runs.csv", "-r", "billing-run", "--rows", "20")
    exactly = shell.run("init", "runs.csv", "-r", "billing-run", "--rows", "30")

    assert "from the first 20 records of runs.csv, without 1 record that cannot be read" in some.out
    assert "19 of 19 values parse" in some.out
    assert "from all 30 records of runs.csv" in exactly.out


def test_one_file_of_several_is_looked_at(shell: Shell) -> None:
    """Of a glob the first file is looked at, which is shown; its columns need not be the others'."""
    shell.write("a.csv", RUNS)
    shell.write("b.csv", "Other,Columns\n1,2\n")
    done = shell.run("init", "*.csv", "-r", "billing-run")

    assert done.code == 0
    assert "a.csv: the first of 2 files" in done.err
    assert "all 2 records of a.csv" in done.out


def test_what_was_detected_is_written_down(shell: Shell) -> None:
    """The mapping reads the file without detecting anything: encoding, quotes, lines above and below."""
    content = "Export\r\nId\tName\tRun Date\r\n1\tMüller\t31.03.2019\r\n2\tb\t01.04.2019\r\nSum: 2\r\n"
    shell.write("runs.csv", content.encode("cp1252"))
    words = ["runs.csv", "-r", "billing-run", "-s", "skip_lines=1", "-s", "skip_footer=1", "-s", "quote=none"]
    done = shell.run("init", *words)
    source = parse_mapping_source(done.out)

    assert source == {
        "format": "csv",
        "delimiter": "\t",
        "quote": None,
        "encoding": "cp1252",
        "skip_lines": 1,
        "skip_footer": 1,
    }
    assert 'date: "%d.%m.%Y"' in done.out


def parse_mapping_source(text: str) -> dict[str, object]:
    """Return the `source:` section of a proposal, whatever else is missing in it."""
    head = text.partition("\nfields:")[0]
    fields = MAPPING.partition("\nfields:")[2]
    plan = parse_mapping(f"{head}\nfields:{fields}", "proposal", BUILT_IN)
    return plan.source.model_dump(exclude_unset=True)
