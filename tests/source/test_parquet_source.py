"""Parquet as a source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from loader.errors import SourceError, SourceLost
from loader.records import LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS, Position
from loader.settings import SourceOptions
from loader.source import open_source
from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from pathlib import Path

TYPED = pl.DataFrame(
    {
        "day": [date(2024, 2, 29), None],
        "ids": [["a", "b"], []],
        "inner": [{"x": 1, "kind": "u"}, {"x": None, "kind": "v"}],
        "flag": [True, None],
        "price": [Decimal("1.50"), Decimal("2.00")],
        "kind": pl.Series(["u", "v"], dtype=pl.Categorical),
        "size": pl.Series(["S", "M"], dtype=pl.Enum(["S", "M"])),
    }
)


def test_types_are_kept(tmp_path: Path) -> None:
    """Columns keep their types; categories become text."""
    TYPED.write_parquet(tmp_path / "t.parquet")
    source = open_source([str(tmp_path / "t.parquet")], SourceOptions())
    expected = {**TYPED.schema, "kind": pl.String(), "size": pl.String()}
    assert source.files[0].schema == expected
    assert (source.files[0].format, source.files[0].dialect) == ("parquet", None)
    (batch,) = source.batches(10)
    assert dict(batch.rows.schema) == {**expected, RECORD_NO: pl.Int64, LINE: pl.Int64, PROBLEM: pl.String}
    assert batch.rows.drop(RECORD_NO, LINE, PROBLEM).rows() == TYPED.rows()
    assert batch.rows.select(RECORD_NO, LINE, PROBLEM).rows() == [(1, None, None), (2, None, None)]


def test_nested_categories_are_text(tmp_path: Path) -> None:
    """Categories inside lists and structs become text too."""
    kind = pl.Struct({"c": pl.List(pl.Categorical)})
    pl.DataFrame({"s": [{"c": ["x"]}]}, schema={"s": kind}).write_parquet(tmp_path / "t.pq")
    source = open_source([str(tmp_path / "t.pq")], SourceOptions())
    assert source.files[0].schema == {"s": pl.Struct({"c": pl.List(pl.String)})}
    assert read(source).cells == [({"c": ["x"]},)]


def test_batches_and_positions(tmp_path: Path) -> None:
    """Batches go over row groups and reads; positions count rows only."""
    pl.DataFrame({"n": range(50_000)}).write_parquet(tmp_path / "t.parquet", row_group_size=7_000)
    source = open_source([str(tmp_path / "t.parquet")], SourceOptions())
    got = read(source, rows=3_000)
    assert [cells[0] for cells in got.cells] == list(range(50_000))
    assert got.numbers == list(range(1, 50_001))
    assert {batch.rows.height for batch in got.batches[:-1]} == {3_000}
    assert got.batches[3].end == Position(12_000, 0, 12_001, 0, 0)
    rest = read(source, rows=3_000, start=got.batches[3].end, limit=20_000)
    assert rest.cells == got.cells[12_000:20_000]
    assert source.total_hint() == 50_000


def test_known_by_content(tmp_path: Path) -> None:
    """A file of another name is known by its first bytes, and `format` wins over both."""
    TYPED.write_parquet(tmp_path / "t.data")
    assert open_source([str(tmp_path / "t.data")], SourceOptions()).files[0].format == "parquet"
    (tmp_path / "t.parquet").write_bytes(b"a,b\n1,2\n")
    assert read(open_source([str(tmp_path / "t.parquet")], SourceOptions(format="csv"))).cells == [("1", "2")]


@pytest.mark.parametrize("content", [b"", b"not Parquet at all", b"PAR1 and then nothing"])
def test_unreadable(tmp_path: Path, content: bytes) -> None:
    """What is not Parquet is refused with its path and a next step."""
    with pytest.raises(SourceError) as caught:
        opened(tmp_path, content, "t.parquet")
    assert str(tmp_path / "t.parquet") in caught.value.message
    assert caught.value.next_step


def test_cut_short(tmp_path: Path) -> None:
    """So is a Parquet file without its end."""
    TYPED.write_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        opened(tmp_path, content[: len(content) // 2], "t.parquet")


def test_gone_while_reading(tmp_path: Path) -> None:
    """A file that vanishes between opening and reading ends the load as lost."""
    TYPED.write_parquet(tmp_path / "t.parquet")
    source = open_source([str(tmp_path / "t.parquet")], SourceOptions())
    (tmp_path / "t.parquet").unlink()
    with pytest.raises(SourceLost, match=r"t\.parquet"):
        list(source.batches(10))


def test_shorter_while_reading(tmp_path: Path) -> None:
    """So does one that has lost rows by then."""
    pl.DataFrame({"n": range(30_000)}).write_parquet(tmp_path / "t.parquet")
    source = open_source([str(tmp_path / "t.parquet")], SourceOptions())
    pl.DataFrame({"n": range(25_000)}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceLost, match="row 25001 of 30000 is missing since the file was opened"):
        list(source.batches(1000))


def test_without_columns(tmp_path: Path) -> None:
    """A file without columns of its own is refused; its rows would be nothing."""
    pl.DataFrame({name: ["x"] for name in REJECT_COLUMNS}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(SourceError, match="no columns of its own"):
        open_source([str(tmp_path / "b.parquet")], SourceOptions())


def test_reserved_and_reject_columns(tmp_path: Path) -> None:
    """The reader's own names are refused; what a rejects file adds is left out."""
    pl.DataFrame({"__problem": [1]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="__problem"):
        open_source([str(tmp_path / "a.parquet")], SourceOptions())
    pl.DataFrame({**{name: ["x"] for name in REJECT_COLUMNS}, "a": [1]}).write_parquet(tmp_path / "b.parquet")
    source = open_source([str(tmp_path / "b.parquet")], SourceOptions())
    assert source.files[0].schema == {"a": pl.Int64()}
    assert read(source).cells == [(1,)]
