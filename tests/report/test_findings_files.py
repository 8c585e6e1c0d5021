"""`findings.parquet` and `findings.csv`: every finding, in order, in both files, complete or not at all."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from loader.errors import Stopped
from loader.report import findings as module
from loader.report.findings import FILE_SCHEMA, FindingsWriter
from loader.wording import message_and_expected
from tests.report.test_finding_groups import finding, frame
from tests.report.test_results_csv import no_room_after

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TEXTS = st.one_of(st.none(), st.text("=+-@\t\r\n',;\"aé ", max_size=6))


def written(folder: Path, batches: Iterable[pl.DataFrame]) -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """What both files have after these batches."""
    with FindingsWriter(folder) as writer:
        for batch in batches:
            writer.add(batch)
        parquet, text = writer.close()
    assert sorted(path.name for path in folder.iterdir()) == ["findings.csv", "findings.parquet"]
    with text.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return pl.read_parquet(parquet.read_bytes()), rows


def worded(line: dict[str, Any]) -> dict[str, Any]:
    """A line of a frame as the files have it."""
    sentences = message_and_expected(*(line[name] for name in ("code", "field", "column", "value", "params")))
    line = line | dict(zip(("message", "expected"), sentences, strict=True))
    return {name: line[name] for name in FILE_SCHEMA}


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(TEXTS, max_size=12),
    held=st.integers(1, 5),
    cuts=st.lists(st.integers(0, 12), max_size=3).map(sorted),
)
def test_both_files_have_every_finding_in_order(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None], held: int, cuts: list[int]
) -> None:
    """Parquet is exact; CSV is the same, with an apostrophe before what might be a formula."""
    lines = [finding(number, value, external_id=value) for number, value in enumerate(values, 1)]
    batches = [frame(*lines[start:end]) for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_HELD", held)
        exact, rows = written(tmp_path_factory.mktemp("out"), batches)
    expected = [worded(line) for line in lines]
    assert_frame_equal(exact, pl.DataFrame(expected, FILE_SCHEMA))
    assert [int(row["record_no"]) for row in rows] == list(range(1, len(lines) + 1))
    for row, line in zip(rows, expected, strict=True):
        for name in FILE_SCHEMA:
            cell = "" if line[name] is None else str(line[name])
            assert row[name] == (f"'{cell}" if cell[:1] in set("=+-@\t\r\n") and cell else cell)


def test_columns_and_sentences(tmp_path: Path) -> None:
    """Code, what was expected and the message are in this order behind the value."""
    exact, (row,) = written(tmp_path, [frame(finding(3))])
    assert exact.columns == list(FILE_SCHEMA)
    assert row == {
        "file": "runs.csv",
        "record_no": "3",
        "line": "4",
        "external_id": "K3",
        "status": "invalid",
        "field": "status",
        "column": "State",
        "value": "Q",
        "code": "map.no_entry",
        "expected": "one of C, D",
        "message": '"Q" is not in the table of `map`',
    }


def test_another_row_of_the_record_is_named(tmp_path: Path) -> None:
    """The message begins with it; the line of a row of a second file is no line of the source."""
    lines = [
        finding(1, row_no=1),
        finding(1, row_no=3, line=4),
        finding(1, row_no=7, line=8, row_file="rem.csv"),
        finding(1, row_no=1, line=None, row_file="rem.parquet"),
    ]
    _, rows = written(tmp_path, [frame(*lines)])
    assert [(row["line"], row["message"].partition('"')[0]) for row in rows] == [
        ("2", ""),
        ("4", "record 3, line 4: "),
        ("", "rem.csv, record 7, line 8: "),
        ("", "rem.parquet, record 1: "),
    ]


def test_without_findings_there_are_headers(tmp_path: Path) -> None:
    """So that an old file does not stay, and programs find their columns."""
    with FindingsWriter(tmp_path) as writer:
        writer.add(frame(finding(1)))
        writer.close()
    exact, rows = written(tmp_path, [])
    assert exact.schema == FILE_SCHEMA
    assert (exact.height, rows) == (0, [])
    assert (tmp_path / "findings.csv").read_text() == ",".join(FILE_SCHEMA) + "\n"


def test_a_folder_with_signs_of_a_pattern(tmp_path: Path) -> None:
    """A folder may be called `out[1]*`."""
    folder = tmp_path / "out[1]*?"
    folder.mkdir()
    assert written(folder, [frame(finding(1))])[0].height == 1


def test_what_is_dropped_leaves_what_was(tmp_path: Path) -> None:
    """Without `close` nothing changes, and nothing is left over."""
    written(tmp_path, [frame(finding(1))])
    was = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with FindingsWriter(tmp_path) as writer:
        writer.add(frame(finding(2)))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == was


@pytest.mark.parametrize("held", [100, 10**9])
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """Whether it fills up on the way or at the end: the error names the file, and the old ones stay."""
    monkeypatch.setattr(module, "_HELD", held)
    written(tmp_path, [frame(finding(1))])
    was = {path: path.read_bytes() for path in tmp_path.iterdir()}
    many = frame(*(finding(number, f"{number * 7919 % 10007}") for number in range(1, 4000)))

    def write() -> None:
        with FindingsWriter(tmp_path) as writer, no_room_after(2_000):
            writer.add(many)
            writer.close()

    with pytest.raises(Stopped, match=r"findings\.\w+: cannot be written") as caught:
        write()
    assert caught.value.exit_code == 5
    assert "Make room" in (caught.value.next_step or "")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == was


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Nothing can wait where there is no folder."""
    with pytest.raises(Stopped, match="cannot be written"):
        FindingsWriter(tmp_path / "away")
