"""Second files: found, read, joined by key, and what becomes of rows that belong to no record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.errors import SourceError
from loader.grouping import GroupedSource, JoinedRows, find_second_file, open_second_file
from loader.grouping import joined_files as joined
from loader.mapping import Join
from loader.records import PARENT, PROBLEM, RECORD_NO
from loader.settings import SourceOptions
from loader.source import open_source
from tests.grouping.test_groups import all_kept
from tests.source.source_cases import ragged

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = SourceOptions(delimiter=",")


def joining(folder: Path, second: str, first: str = "Id,V\n1,a\n2,b\n3,c\n") -> GroupedSource:
    """A source with a second file."""
    (folder / "first.csv").write_text(first, encoding="utf-8")
    (folder / "second.csv").write_text(second, encoding="utf-8")
    opened = open_second_file("second.csv", str(folder / "second.csv"), OPTIONS, {"K", "X"})
    rows = JoinedRows(Join("second.csv", "K", "Id"), opened, ("",))
    source = open_source([str(folder / "first.csv")], OPTIONS)
    return GroupedSource(source, by=None, nulls=("",), kept=all_kept, joined=[rows])


def rows_of(source: GroupedSource, size: int = 2) -> list[tuple[int, int]]:
    """Record and row of each joined row."""
    return [
        row
        for batch in source.batches(size)
        for row in batch.children["second.csv: K = Id"].select(PARENT, RECORD_NO).iter_rows()
    ]


def test_rows_come_to_their_records_in_the_order_of_their_file(tmp_path: Path) -> None:
    """Only used columns are held; records without rows have none."""
    source = joining(tmp_path, "Y,K,X\n-,3,a\n-, 1,b\n-,3 ,c\n-,1,d\n")
    assert rows_of(source) == [(1, 2), (1, 4), (3, 1), (3, 3)]
    (batch,) = source.batches(10)
    assert batch.children["second.csv: K = Id"].columns[:2] == ["K", "X"]
    assert source.index.is_plain
    assert source.index.notes == ()


def test_second_file_without_rows(tmp_path: Path) -> None:
    """No record has an item."""
    assert rows_of(joining(tmp_path, "K,X\n")) == []


def test_rows_that_belong_to_no_record_are_reported(tmp_path: Path) -> None:
    """With their number and the places of the first few."""
    source = joining(tmp_path, "K,X\n1,a\n" + "9,b\n" * 4)
    (note,) = source.index.notes
    assert note == (
        "second.csv: 4 rows belong to no record of the source (Id is never the K): record 2, line 3; "
        "record 3, line 4; record 4, line 5; …"
    )


def test_unreadable_rows_come_to_the_record_of_their_key(tmp_path: Path) -> None:
    """So that it is known to be incomplete."""
    source = joining(tmp_path, "K,X\n1,a\n2\n")
    (batch,) = source.batches(10)
    problems = batch.children["second.csv: K = Id"].select(PARENT, PROBLEM).rows()
    assert problems == [(1, None), (2, ragged(1, 2))]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",b\n", "record 2, line 3: column K is empty"),
        ("9,b,c\n", "record 2, line 3: has 3 cells, but the header has 2"),
        (",b,c\n", "record 2, line 3: has 3 cells, but the header has 2"),
    ],
)
def test_rows_of_unknown_records_are_refused(tmp_path: Path, row: str, words: str) -> None:
    """A row that may belong to any record may be missing in each."""
    with pytest.raises(
        SourceError, match="it is unknown which record of the source the row belongs to"
    ) as caught:
        rows_of(joining(tmp_path, f"K,X\n1,a\n{row}"))
    assert words in caught.value.message
    assert caught.value.exit_code == 2


def test_rows_with_nothing_in_them_are_no_rows(tmp_path: Path) -> None:
    """A line of delimiters alone may be ignored."""
    assert rows_of(joining(tmp_path, "K,X\n1,a\n, \n,\n")) == [(1, 1)]


def test_records_without_a_key_have_no_rows(tmp_path: Path) -> None:
    """An empty cell is not a key."""
    assert rows_of(joining(tmp_path, "K,X\n1,a\n", "Id,V\n1,a\n,b\n")) == [(1, 1)]


def test_second_files_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into memory is refused before anything is sent."""
    monkeypatch.setattr(joined, "MOST_BYTES", 10)
    with pytest.raises(SourceError, match="held in memory"):
        joining(tmp_path, "K,X\n1,abcdefghijklmnopqrstuvwxyz\n")


def test_second_files_are_looked_for_in_order(tmp_path: Path) -> None:
    """The first folder that has it; an absolute path is taken as it is."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    (there / "s.csv").write_text("K\n", encoding="utf-8")
    assert find_second_file("s.csv", [here, there]) == str(there / "s.csv")
    (here / "s.csv").write_text("K\n", encoding="utf-8")
    assert find_second_file("s.csv", [here, there]) == str(here / "s.csv")
    assert find_second_file(str(there / "s.csv"), [here]) == str(there / "s.csv")
    with pytest.raises(
        SourceError, match=r"needs this second file, and it is missing \(looked for"
    ) as caught:
        find_second_file("t.csv", [here, there])
    assert str(there / "t.csv") in caught.value.message
