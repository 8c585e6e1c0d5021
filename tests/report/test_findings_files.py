"""`findings.parquet` and `findings.csv`: every finding, in order, in both files, whole or not at all."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from loader.errors import Stopped
from loader.report import findings as module
from loader.report.findings import SCHEMA, FindingsWriter
from tests.report.test_reasons import finding, frame
from tests.report.test_results_csv import no_room_after

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TEXTS = st.one_of(st.none(), st.text("=+-@\t\r\n',;\"aé ", max_size=6))


def written(folder: Path, batches: Iterable[pl.DataFrame]) -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """What both files hold after these batches."""
    with FindingsWriter(folder) as writer:
        for batch in batches:
            writer.add(batch)
        parquet, text = writer.close()
    assert sorted(each.name for each in folder.iterdir()) == ["findings.csv", "findings.parquet"]
    with text.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return pl.read_parquet(parquet.read_bytes()), rows


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(TEXTS, max_size=12),
    held=st.integers(1, 5),
    cuts=st.lists(st.integers(0, 12), max_size=3).map(sorted),
)
def test_both_files_have_every_finding_in_order(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None], held: int, cuts: list[int]
) -> None:
    """Parquet is exact; CSV says the same, but an apostrophe stands before what might be a formula."""
    rows = [
        finding(number, value, message=f"{value}", external_id=value)
        for number, value in enumerate(values, 1)
    ]
    batches = [frame(*rows[start:end]) for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_HELD", held)
        exact, told = written(tmp_path_factory.mktemp("out"), batches)
    assert_frame_equal(exact, frame(*rows))
    assert [int(each["record_no"]) for each in told] == list(range(1, len(rows) + 1))
    for each, row in zip(told, rows, strict=True):
        for name in SCHEMA:
            cell = "" if row[name] is None else str(row[name])
            assert each[name] == (f"'{cell}" if cell[:1] in set("=+-@\t\r\n") and cell else cell)


def test_without_findings_there_are_headers(tmp_path: Path) -> None:
    """So that an old file does not stay, and programs find their columns."""
    with FindingsWriter(tmp_path) as writer:
        writer.add(frame(finding(1)))
        writer.close()
    exact, told = written(tmp_path, [])
    assert exact.schema == SCHEMA
    assert (exact.height, told) == (0, [])
    assert (tmp_path / "findings.csv").read_text() == ",".join(SCHEMA) + "\n"


def test_a_folder_with_signs_of_a_pattern(tmp_path: Path) -> None:
    """A folder may be called `out[1]*`."""
    folder = tmp_path / "out[1]*?"
    folder.mkdir()
    assert written(folder, [frame(finding(1))])[0].height == 1


def test_what_is_dropped_leaves_what_was(tmp_path: Path) -> None:
    """Without `close` nothing changes, and nothing is left lying about."""
    written(tmp_path, [frame(finding(1))])
    was = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with FindingsWriter(tmp_path) as writer:
        writer.add(frame(finding(2)))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == was


@pytest.mark.parametrize("held", [100, 10**9])
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """Whether it fills up on the way or at the end: said with the file's name, and the old ones stay."""
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
    assert "make room" in (caught.value.next_step or "")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == was


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Nothing can wait where there is no folder."""
    with pytest.raises(Stopped, match="cannot be written"):
        FindingsWriter(tmp_path / "away")
