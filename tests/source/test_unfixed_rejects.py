"""A rejects file read again: what was mended passes, what was not is rejected as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.records import PROBLEM
from loader.settings import SourceOptions
from loader.source import open_source

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "Id,Name,State,_status,_record_no,_line,_field,_message\n"
SHORT = '"has 2 cells, the header has 3"'


def problems(path: Path, text: str) -> list[str | None]:
    """What is wrong with each record of a file."""
    path.write_text(HEADER + text, encoding="utf-8")
    return [
        problem
        for batch in open_source([str(path)], SourceOptions()).batches(10)
        for problem in batch.rows[PROBLEM]
    ]


def test_short_record_that_nobody_mended_is_rejected_again(tmp_path: Path) -> None:
    """Its missing cells were padded in the rejects; they are not taken for empty ones."""
    (problem,) = problems(tmp_path / "rejects.csv", f"7,Spring,,invalid,1,2,,{SHORT}\n")

    assert problem is not None
    assert problem.startswith("has 2 cells, the header has 3, as when it was rejected")
    assert "_message" in problem


def test_short_record_that_was_filled_in_is_sound(tmp_path: Path) -> None:
    """A cell where one was missing means that somebody looked."""
    assert problems(tmp_path / "rejects.csv", f"7,Spring,C,invalid,1,2,,{SHORT}\n") == [None]


def test_short_record_without_its_message_is_sound(tmp_path: Path) -> None:
    """Emptying the message says that nothing is missing."""
    assert problems(tmp_path / "rejects.csv", "7,Spring,,invalid,1,2,,\n") == [None]


def test_other_rejects_are_judged_by_the_mapping_alone(tmp_path: Path) -> None:
    """A message about a cell does not make a record unreadable."""
    assert problems(tmp_path / "rejects.csv", "7,Spring,,invalid,1,2,status,status is required\n") == [None]


def test_message_column_of_a_source_of_its_own_means_nothing(tmp_path: Path) -> None:
    """Only a file with all five added columns is a rejects file."""
    path = tmp_path / "messages.csv"
    path.write_text(f"Id,Name,_message\n7,,{SHORT}\n", encoding="utf-8")

    (batch,) = open_source([str(path)], SourceOptions()).batches(10)

    assert batch.rows[PROBLEM].to_list() == [None]


FAULTS = {
    "open quote": ('7,"""Spring",C', "a quote opened in line 2 is never closed", "7,Spring,C"),
    "stray quote": ('7,"""Spr"" ing",C', "has text after the closing quote of cell 2: x", "7,Spring,C"),
    "bytes": ("7,Spr\ufffdng,C", 'bytes at position 5 (column ""Name"") are not utf-8: b\'x\'', "7,Spring,C"),
    "wide bytes": ("7,Spr?ng,C", "holds bytes that are not utf-16-le: b'x'", "7,Spring,C"),
    "cut": ("7,Spri,C", "is 70,000,000 bytes long; at most 64 MiB are read as one record", None),
    "short and open": (
        '7,"""Spring",',
        "a quote opened in line 2 is never closed; has 2 cells, the header has 3",
        None,
    ),
}


@pytest.mark.parametrize(("row", "message", "mended"), FAULTS.values(), ids=FAULTS)
def test_other_faults_that_nobody_mended(tmp_path: Path, row: str, message: str, mended: str | None) -> None:
    """A record whose fault can still be seen is rejected again, until it is mended or its message emptied."""
    path = tmp_path / "rejects.csv"
    (problem,) = problems(path, f'{row},invalid,1,2,,"{message}"\n')

    assert problem is not None
    again = problem.replace('"', '""')
    assert ", as when it was rejected: mend it" in problem
    assert problems(path, f'{row},invalid,1,2,,"{again}"\n') == [problem]
    assert problems(path, f"{row},invalid,1,2,,\n") == [None]
    if mended:
        assert problems(path, f'{mended},invalid,1,2,,"{message}"\n') == [None]
