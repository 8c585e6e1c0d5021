"""Rows of records: put together where they are apart, and refused where that is not certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from loader.errors import SourceError, SourceLost
from loader.findings import Finding, load_findings
from loader.grouping import group_index
from loader.grouping import source as groups
from loader.grouping.group_index import KEPT, KEY, GroupScan, index_groups
from loader.grouping.source import GroupedSource
from loader.records import GROUP, INCOMPLETE, PARENT, PROBLEM, RECORD_NO, Batch, Position
from loader.settings import SourceOptions
from loader.source import open_source

if TYPE_CHECKING:
    from pathlib import Path

    from loader.grouping.source import Kept
    from loader.records import SourceFile


def all_kept(_file: SourceFile, rows: pl.DataFrame) -> pl.Series:
    """A mapping without where."""
    return pl.repeat(value=True, n=rows.height, eager=True)


def kept_by_value(_file: SourceFile, rows: pl.DataFrame) -> pl.Series:
    """A mapping that leaves rows out whose V is x."""
    return rows["V"].fill_null("") != "x"


def grouped(folder: Path, *texts: str, kept: Kept = all_kept) -> GroupedSource:
    """Files read group by group."""
    paths = [folder / f"{number}.csv" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    source = open_source([str(path) for path in paths], SourceOptions(delimiter=","))
    return GroupedSource(source, by="K", nulls=("",), kept=kept)


def rows_of(source: GroupedSource, size: int = 10) -> list[tuple[int, int, list[int]]]:
    """File, number and rows of each record."""
    found: dict[tuple[int, int], list[int]] = {}
    for batch in source.batches(size):
        for parent, number in batch.children[GROUP].select(PARENT, RECORD_NO).iter_rows():
            found.setdefault((batch.file.file_no, parent), []).append(number)
    return [(*place, numbers) for place, numbers in found.items()]


def incomplete(source: GroupedSource) -> dict[tuple[int, int], tuple[Finding, ...]]:
    """Return the findings of rows with records that may be incomplete."""
    return {
        (batch.file.file_no, number): load_findings(text)
        for batch in source.batches(10)
        for number, text in batch.children[GROUP].select(RECORD_NO, INCOMPLETE).iter_rows()
        if text
    }


def test_rows_that_are_apart_are_put_together(tmp_path: Path) -> None:
    """To the first of their record, in the order of the file, and it is reported which."""
    source = grouped(tmp_path, "K,V\n1,a\n2,b\n1,c\n3,d\n2,e\n1,f\n")
    assert rows_of(source) == [(0, 1, [1, 3, 6]), (0, 2, [2, 5]), (0, 4, [4])]
    (note,) = source.index.notes
    assert note == (
        "0.csv: the rows of 2 records are not one below the other (the first: records 1 and 3); "
        "they are put together"
    )


def test_keys_are_compared_as_trimmed_text(tmp_path: Path) -> None:
    """Blanks around a key do not make another record; case does."""
    source = grouped(tmp_path, "K,V\n a,1\na ,2\nA,3\n")
    assert rows_of(source) == [(0, 1, [1, 2]), (0, 3, [3])]


def test_surplus_cells_of_rows_put_together_are_kept(tmp_path: Path) -> None:
    """A ragged row that is apart comes with all its cells."""
    source = grouped(tmp_path, "K,V\n1,a\n2,b\n1,c,x\n")
    (batch,) = source.batches(10)
    assert batch.children[GROUP].filter(pl.col(PROBLEM).is_not_null())[PARENT].to_list() == [1]
    assert batch.extra == {3: ("x",)}


def test_records_do_not_span_files(tmp_path: Path) -> None:
    """A key in two files makes both records incomplete, each naming the other."""
    source = grouped(tmp_path, "K,V\n1,a\n2,b\n", "K,V\n2,c\n3,d\n")
    assert rows_of(source) == [(0, 1, [1]), (0, 2, [2]), (1, 1, [1]), (1, 2, [2])]
    assert incomplete(source) == {
        place: (
            Finding("group.in_two_files", column="K", value="2", params={"file": name, "record_no": other}),
        )
        for place, name, other in (((0, 2), "1.csv", 1), ((1, 1), "0.csv", 2))
    }


def test_rows_without_a_key_make_their_neighbours_incomplete(tmp_path: Path) -> None:
    """The records above and below may lack them; of several such rows one is named."""
    source = grouped(tmp_path, "K,V\n1,a\n,b\n,c\n2,d\n2,e\n3,f\n")
    below, above = (
        (Finding("group.neighbour_without_key", column="K", params={"record_no": 2, "side": side}),)
        for side in ("below", "above")
    )
    empty = (Finding("group.key_empty", column="K"),)
    assert incomplete(source) == {(0, 1): below, (0, 2): empty, (0, 3): empty, (0, 4): above}
    assert rows_of(source)[-1] == (0, 6, [6])


@pytest.mark.parametrize(
    ("bad", "numbers", "unclear"),
    [
        ("1,a,x\n", [1, 2, 3], []),  # its key is that of the rows around it
        ("9,a,x\n", [1, 3], [1, 4]),  # a key of its own: it may be the wrong cell
    ],
)
def test_unreadable_rows_belong_where_their_key_says(
    tmp_path: Path, bad: str, numbers: list[int], unclear: list[int]
) -> None:
    """If a row that can be read has the same key; else their neighbours may lack them."""
    text = f"K,V\n1,a\n{bad}1,c\n2,d\n" if not unclear else f"K,V\n0,a\n1,b\n1,c\n{bad}2,d\n"
    source = grouped(tmp_path, text)
    if unclear:
        findings = incomplete(source)
        assert {number for _, number in findings} == {3, 5}
        assert [(item.code, item.params) for (item,) in findings.values()] == [
            ("group.neighbour_unreadable", {"record_no": 4, "side": "below"}),
            ("group.neighbour_unreadable", {"record_no": 4, "side": "above"}),
        ]
    else:
        assert rows_of(source)[0] == (0, 1, numbers)


@pytest.mark.parametrize("bad", [",x", "9,x,y"])
def test_unclear_rows_in_an_unsorted_file_are_refused(tmp_path: Path, bad: str) -> None:
    """They might belong to any record, so that each may lack them: nothing is sent."""
    source = grouped(tmp_path, f"K,V\n1,a\n2,b\n1,c\n{bad}\n")
    with pytest.raises(SourceError, match=r"record 4 .* not sorted by K \(records 1 and 3 are one") as caught:
        list(source.batches(10))
    assert caught.value.exit_code == 2


def test_too_many_rows_apart_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held in memory; beyond a bound the file must be sorted."""
    monkeypatch.setattr(group_index, "MOST_ROWS", 3)
    text = "K,V\n" + "1,a\n2,b\n" * 3
    with pytest.raises(SourceError, match=r"not sorted by K: more than 3 rows .*records 1 and 3") as caught:
        list(grouped(tmp_path, text).batches(10))
    assert "Sort the file by K" in str(caught.value.next_step)


def test_too_large_records_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of more rows than are held in memory is a group_by that names the wrong column."""
    monkeypatch.setattr(group_index, "MOST_ROWS", 3)
    monkeypatch.setattr(groups, "_ROWS_AT_ONCE", 2)
    with pytest.raises(SourceError, match="more than 3 rows from record 2 on have the same K"):
        list(grouped(tmp_path, "K,V\n0,a\n" + "1,a\n" * 4).batches(10))


def test_too_many_rows_without_a_key_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that is mostly empty is not the one that identifies records."""
    monkeypatch.setattr(group_index, "MOST_ROWS", 3)
    with pytest.raises(SourceError, match="which record they belong to for more than 3 rows: K is empty"):
        list(grouped(tmp_path, "K,V\n" + ",a\n" * 4).batches(10))


def test_columns_must_not_have_the_loaders_names(tmp_path: Path) -> None:
    """A column called as one of the loader's own is refused."""
    with pytest.raises(SourceError, match="which the loader uses itself"):
        grouped(tmp_path, "K,__parent\n1,a\n")


def test_source_that_breaks_off_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the pass before the first record it is an error of the source: nothing was sent."""
    source = grouped(tmp_path, "K,V\n1,a\n")

    def lost(*_args: object) -> None:
        raise SourceLost("gone")

    monkeypatch.setattr(type(open_source([source.files[0].path], SourceOptions())), "batches", lost)
    with pytest.raises(SourceError, match="gone") as caught:
        list(source.batches(10))
    assert caught.value.exit_code == 2


def test_batches_have_at_least_one_record(tmp_path: Path) -> None:
    """None is an error of the caller."""
    with pytest.raises(ValueError, match="at least one"):
        list(grouped(tmp_path, "K,V\n1,a\n").batches(0))


def test_keys_with_one_hash_are_not_one_key(tmp_path: Path) -> None:
    """Runs are compared by hashes first; where these are equal, by the keys themselves."""
    source = grouped(tmp_path, "K,V\n1,a\n2,b\n3,c\n2,d\n")
    scan = GroupScan("K")
    keyed = pl.DataFrame({KEY: ["1", "2", "3", "2"], KEPT: [True] * 4, RECORD_NO: [1, 2, 3, 4]}).with_columns(
        pl.lit(None, pl.String).alias(PROBLEM)
    )
    scan.add(source.files[0], keyed)
    runs = scan.runs()
    runs.key[:] = np.uint64(7)
    start = Position()
    batch = Batch(source.files[0], start, start, keyed)
    found = index_groups(runs, "K", source.files, lambda: [(batch, keyed)])
    assert found.records == 3
    assert found.moved == {(0, 4)}
    assert [(place, rows[RECORD_NO].to_list()) for place, rows in found.gathered.items()] == [((0, 2), [4])]


def test_long_groups_span_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is never split, however many blocks it goes over."""
    monkeypatch.setattr(groups, "_ROWS_AT_ONCE", 7)
    text = "K,V\n" + "".join(f"{number // 50},v{number}\n" for number in range(501))
    source = grouped(tmp_path, text)
    found = rows_of(source, 2)
    assert [len(numbers) for _, _, numbers in found] == [50] * 10 + [1]
    assert source.total_hint() == 11


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_runs_are_judged_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """A run that begins with a row left out, or one that cannot be read, is one run with what follows."""
    monkeypatch.setattr(groups, "_ROWS_AT_ONCE", block)
    source = grouped(tmp_path, "K,V\n1,x\n1,a\n2,b\n1,c\n", kept=kept_by_value)
    assert rows_of(source) == [(0, 1, [1, 2, 4]), (0, 3, [3])]
    source = grouped(tmp_path, "K,V\n1,a,surplus\n1,b\n2,c\n")
    assert rows_of(source) == [(0, 1, [1, 2]), (0, 3, [3])]
    assert not incomplete(source)


def test_rows_left_out_do_not_separate_their_neighbours(tmp_path: Path) -> None:
    """A row that may belong to a record may do so over rows without a key that are left out."""
    source = grouped(tmp_path, "K,V\n1,a\n,x\n,b\n,x\n2,c\n", kept=kept_by_value)
    assert {number for _, number in incomplete(source)} == {1, 3, 5}
    assert not incomplete(grouped(tmp_path, "K,V\n1,a\n,x\n2,c\n", kept=kept_by_value))


def test_several_files_are_counted_on(tmp_path: Path) -> None:
    """Batches end with their file; sequence numbers go on over all files, up to the limit."""
    source = grouped(tmp_path, "K,V\n1,a\n1,b\n2,c\n", "K,V\n3,d\n4,e\n4,f\n5,g\n")
    whole = [(batch.start.seq, batch.end.seq, batch.file.file_no) for batch in source.batches(2)]
    assert whole == [(0, 2, 0), (2, 4, 1), (4, 5, 1)]
    limited = [(batch.start.seq, batch.end.seq) for batch in source.batches(2, limit=3)]
    assert limited == [(0, 2), (2, 3)]
