"""Standard input and the formats through the program: validate, load, resume, fixed rejects."""

from __future__ import annotations

import gzip
import io
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from backports import zstd
from openpyxl import Workbook, load_workbook

from loader.errors import SourceError
from loader.settings import SourceOptions
from loader.source import open_source
from tests.support.shell import MAPPING, Ended, Shell, ended, stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loader.sandbox import RunningSandbox

CSV = b"Key,Name,State\nK1,Run 1,C\nK2,Run 2,X\nK3,Run 3,D\n"
NDJSON = b"".join(
    b'{"Key":"K%d","Name":"Run %d","State":"%s"}\n' % (n, n, s) for n, s in ((1, b"C"), (2, b"X"))
)


@pytest.fixture
def here(shell: Shell) -> Shell:
    """A folder with a mapping."""
    shell.write("runs.yaml", MAPPING)
    return shell


def piped(shell: Shell, content: bytes, *words: str | Path) -> Ended:
    """Runs a command line with that content as its standard input."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return shell.run(*words)


def workbook(path: Path, state: str) -> None:
    """A workbook with one run of such a state, beside another sheet."""
    book = Workbook()
    book.worksheets[0].title = "About"
    sheet = book.create_sheet("Runs")
    for row in (["Key", "Name", "State"], ["007", "Run 7", state]):
        sheet.append(row)
    book.save(path)


def packed_parquet() -> bytes:
    """A small Parquet file."""
    content = io.BytesIO()
    pl.DataFrame({"Key": ["K1"], "Name": ["Run 1"], "State": ["C"]}).write_parquet(content)
    return content.getvalue()


def test_validate_then_load_then_resume(here: Shell, sandbox: RunningSandbox) -> None:
    """What was piped in is kept in one file by its content, and its name is what the service gets."""
    dry = piped(here, CSV, "validate", "runs.yaml", "-", "--json")
    assert (dry.code, dry.rows) == (3, {"read": 3, "valid": 2, "invalid": 1})
    (kept,) = (here.folder / ".loader" / "spool").rglob("stdin.csv")
    assert kept.read_bytes() == CSV
    assert "next:" not in dry.err  # rows must be fixed first
    assert f"standard input is kept in {kept.relative_to(here.folder)}" in dry.err

    to = ("--tenant", "acme", "--base-url", sandbox.url)
    first = piped(here, CSV, "load", "runs.yaml", "-", *to, "--limit", "1", "--json")
    assert first.rows == {"read": 1, "created": 1}
    assert [kept] == list((here.folder / ".loader" / "spool").rglob("stdin*"))
    rest = here.run("resume", first.summary["load_id"], "--limit", "1000", "--json")
    assert rest.rows == {"read": 3, "created": 2, "invalid": 1}
    assert {result["source_file"] for result in here.results(rest)} == {"stdin.csv"}
    assert set(stored(sandbox.url)) == {1, 3}


def test_the_kept_file_is_the_owners_alone(here: Shell) -> None:
    """Nobody else may read what was piped in, and nothing half written is left over."""
    piped(here, CSV, "validate", "runs.yaml", "-", "--home", "h")
    spool = here.folder / "h" / "spool"
    (kept,) = spool.rglob("stdin.csv")
    assert [item.name for item in spool.iterdir()] == [kept.parent.name]
    for path in (spool, kept.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (CSV, "stdin.csv"),
        (NDJSON, "stdin.ndjson"),
        (gzip.compress(CSV), "stdin.csv.gz"),
        (zstd.compress(NDJSON), "stdin.ndjson.zst"),
        (packed_parquet(), "stdin.parquet"),
    ],
    ids=["csv", "ndjson", "csv.gz", "ndjson.zst", "parquet"],
)
def test_the_content_decides(here: Shell, content: bytes, name: str) -> None:
    """The kept file is named as a file of its content would be."""
    shown = piped(here, content, "preview", "-", "-m", "runs.yaml", "--format", "json")
    assert shown.code == 0
    assert '"name":"Run 1"' in shown.out
    (kept,) = (here.folder / ".loader" / "spool").rglob("stdin*")
    assert kept.name == name
    assert shown.next_words == ["validate", "runs.yaml", str(kept.relative_to(here.folder))]


def test_init_reads_standard_input(here: Shell) -> None:
    """A mapping is proposed from a pipe, and the next command names the file that was kept."""
    result = piped(here, NDJSON, "init", "-", "-r", "billing-run", "-o", "new.yaml")
    assert result.code == 0, result.err
    assert "name: Name" in (here.folder / "new.yaml").read_text(encoding="utf-8")
    assert result.next_words[-1].endswith("stdin.ndjson")


def test_check_reads_standard_input(here: Shell) -> None:
    """The columns of what is piped in are held against the mapping."""
    result = piped(here, NDJSON.replace(b"State", b"Stat"), "check", "runs.yaml", "-")
    assert (result.code, "has no column 'State'" in result.out + result.err) == (2, True)
    result = piped(here, NDJSON, "check", "runs.yaml", "-")
    assert (result.code, result.next_words[:2]) == (0, ["validate", "runs.yaml"])
    assert result.next_words[2].endswith("stdin.ndjson")


def test_a_workbook_from_standard_input(here: Shell) -> None:
    """A workbook is known by its content too."""
    workbook(here.folder / "w.xlsx", "C")
    shown = piped(here, (here.folder / "w.xlsx").read_bytes(), "preview", "-", "-s", "sheet=Runs")
    assert (shown.code, "007" in shown.out) == (0, True)


def test_the_format_that_was_given_names_the_file(here: Shell) -> None:
    """`-s format=…` wins over the content."""
    shown = piped(here, b'{"a"\n1\n', "preview", "-", "-s", "format=csv", "--format", "csv")
    assert (shown.code, shown.out) == (0, '"{""a"""\n1\n')
    assert list((here.folder / ".loader" / "spool").rglob("stdin.csv"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "standard input is empty; records were expected"),
        (b"PK\x03\x04 and no zip", "standard input: is a zip archive or an Excel workbook that is damaged"),
    ],
)
def test_unusable_standard_input(here: Shell, content: bytes, words: str) -> None:
    """What cannot be read is an error of standard input, and leaves nothing behind."""
    result = piped(here, content, "load", "runs.yaml", "-", "--tenant", "acme")
    assert (result.code, words in result.err) == (2, True)
    assert [each for each in here.folder.rglob("*") if each.is_file()] == [here.folder / "runs.yaml"]


def test_named_twice(here: Shell) -> None:
    """Standard input can be read once."""
    result = piped(here, CSV, "validate", "runs.yaml", "-", "-")
    assert (result.code, "standard input (-) is named twice" in result.err) == (2, True)


def test_no_standard_input(here: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that has none says so."""
    monkeypatch.setattr(sys, "stdin", None)
    result = here.run("preview", "-")
    assert (result.code, "there is no standard input to read" in result.err) == (2, True)


class Terminal(io.TextIOWrapper):
    """A terminal at which somebody has typed something."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_shows_what_is_waited_for(here: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who forgot the pipe sees what the program waits for."""
    monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO(CSV)))
    result = here.run("preview", "-", "--limit", "1")
    assert result.code == 0
    assert result.err.splitlines()[0].startswith(
        "standard input is a terminal: type the records, then Ctrl-D"
    )


def test_a_spool_that_cannot_be_written(here: Shell) -> None:
    """A place that takes no file is named."""
    here.write("h", "a file")
    result = piped(here, CSV, "validate", "runs.yaml", "-", "--home", "h/x")
    assert (result.code, "standard input cannot be written to a file here" in result.err) == (2, True)


def test_a_real_pipe(here: Shell) -> None:
    """A process of its own reads what another one writes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "loader", "preview", "-", "--format", "csv"],
        cwd=here.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdin is not None
    process.stdin.write(CSV.decode())
    process.stdin.close()
    process.stdin = None
    result = ended(process)
    assert (result.code, result.out) == (0, CSV.decode())


def test_without_a_spool_it_is_kept_as_long_as_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a source without saying where gets a temporary folder that goes with it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV)))
    source = open_source(["-"], SourceOptions())
    kept = source.files[0].path
    assert len(list(source.batches(10))) == 1
    assert os.path.exists(kept)  # noqa: PTH110 - a path as text
    del source
    assert not os.path.exists(kept)  # noqa: PTH110 - likewise
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"__line,a\n")))
    with pytest.raises(SourceError, match="which the loader uses itself"):
        open_source(["-"], SourceOptions())


def mended_ndjson(rejects: Path) -> None:
    """A person fixes the state."""
    rejects.write_text(
        rejects.read_text(encoding="utf-8").replace('"State":"X"', '"State":"C"'), encoding="utf-8"
    )


def mended_xlsx(rejects: Path) -> None:
    """Likewise, in Excel."""
    book = load_workbook(rejects)
    book["Runs"]["C2"] = "C"
    book.save(rejects)


def mended_parquet(rejects: Path) -> None:
    """Likewise, in Polars."""
    pl.read_parquet(rejects).with_columns(State=pl.lit("C")).write_parquet(rejects)


def sources(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A file of each format with a wrong state in it, and how to fix its rejects."""
    (folder / "a.ndjson.zst").write_bytes(zstd.compress(NDJSON))
    yield folder / "a.ndjson.zst", {"mend": mended_ndjson, "format": "ndjson"}
    workbook(folder / "b.xlsx", "X")
    yield folder / "b.xlsx", {"mend": mended_xlsx, "format": "xlsx"}
    pl.DataFrame({"Key": ["P1"], "Name": ["Run"], "State": ["X"]}).write_parquet(folder / "c.parquet")
    yield folder / "c.parquet", {"mend": mended_parquet, "format": "parquet"}


def test_fixed_rejects_of_every_format_load_as_they_are(here: Shell, sandbox: RunningSandbox) -> None:
    """With the same mapping, which says format and sheet: the command that the load names as the next."""
    for path, how in sources(here.folder):
        here.write("runs.yaml", f"source: {{format: {how['format']}, sheet: Runs}}\n{MAPPING}")
        first = here.run(
            "load", "runs.yaml", path.name, "--tenant", "acme", "--base-url", sandbox.url, "--json"
        )
        assert first.code == 3, first.err
        rejects = here.folder / first.summary["files"]["rejects"]
        assert rejects.name == f"rejects.{how['format']}"
        how["mend"](rejects)
        again = here.follow(first, "--json")
        assert (again.code, again.rows) == (0, {"read": 1, "created": 1}), again.err
