"""Several files as one source: names, order, fingerprints, positions."""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader.errors import SourceChanged, SourceError
from loader.records import Position
from loader.settings import SourceOptions
from loader.source import Source, open_source
from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loader.records import Batch


@pytest.fixture
def three(tmp_path: Path) -> Source:
    """Two text files, the first with its last batch full, and a Parquet file between them."""
    (tmp_path / "b.csv").write_bytes(b"a\n1\n2\n3\n4\n")
    pl.DataFrame({"a": ["5", "6", "7"]}).write_parquet(tmp_path / "c.parquet")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a\n\n8\n\n9\n10\n\n"))
    return open_source([str(tmp_path / name) for name in ("b.csv", "c.parquet", "a.csv.gz")], SourceOptions())


def facts(batches: Iterator[Batch]) -> list[tuple[object, ...]]:
    """All that batches say."""
    return [(batch.start, batch.end, batch.rows.rows(), batch.extra) for batch in batches]


def test_files_in_order(three: Source) -> None:
    """Files are read in the order given; numbers begin anew in each, `seq` goes on."""
    got = read(three, rows=2)
    assert [cells[0] for cells in got.cells] == [str(number) for number in range(1, 11)]
    assert got.numbers == [1, 2, 3, 4, 1, 2, 3, 1, 2, 3]
    assert got.lines == [2, 3, 4, 5, None, None, None, 3, 5, 6]
    assert [batch.rows.height for batch in got.batches] == [2, 2, 2, 1, 2, 1]
    assert [batch.start.seq for batch in got.batches] == [0, 2, 4, 6, 7, 9]
    assert [batch.file.file_no for batch in got.batches] == [0, 0, 1, 1, 2, 2]
    assert three.total_hint() == 10


def test_resume_from_every_batch(three: Source) -> None:
    """From the end of any batch reading gives what reading through gives from there on."""
    for rows in (1, 2, 3, 100):
        whole = list(three.batches(rows))
        for number, batch in enumerate(whole, 1):
            assert facts(three.batches(rows, batch.end)) == facts(iter(whole[number:]))
            assert facts(three.batches(rows, batch.start)) == facts(iter(whole[number - 1 :]))


def test_limit(three: Source) -> None:
    """`limit` counts records over all files, from the start of the load, also after a resume."""
    for limit in range(12):
        got = read(three, rows=3, limit=limit)
        assert len(got.cells) == min(limit, 10)
        for batch in got.batches:
            rest = read(three, rows=3, start=batch.end, limit=limit)
            assert len(rest.cells) == min(limit, 10) - batch.end.seq


def test_rows_must_be_positive(three: Source) -> None:
    """A batch of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one"):
        next(three.batches(0))


line = st.sampled_from(
    [
        b"1,2",
        b'"x\ny",2',
        b"",
        b"1",
        b"1,2,3",
        b'"q"x,1',
        b'1,"open',
        "é,ü".encode(),
        b"\xff,1",
        b'"",""',
        b"\0,",
    ]
)


@given(
    lines=st.lists(line, max_size=30),
    rows=st.integers(1, 7),
    form=st.sampled_from(["csv", "csv.gz", "utf-16"]),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_resumes(tmp_path: Path, lines: list[bytes], rows: int, form: str, line_end: bytes) -> None:
    """So it is for text of any kind, plain, packed and of another encoding."""
    content, encoding = line_end.join([b"a,b", *lines]), "utf-8"
    if form == "utf-16":
        content, encoding = content.decode("utf-8", "replace").encode("utf-16"), "utf-16"
    content = gzip.compress(content) if form == "csv.gz" else content
    source = opened(
        tmp_path, content, "x.csv.gz" if form == "csv.gz" else "x.csv", encoding=encoding, delimiter=","
    )
    whole = list(source.batches(rows))
    assert all(batch.rows.height == rows for batch in whole[:-1])
    for number, batch in enumerate(whole, 1):
        assert facts(source.batches(rows, batch.end)) == facts(iter(whole[number:]))


def test_resume_far_into_a_file(tmp_path: Path) -> None:
    """Offsets and lines hold over many blocks."""
    rows = b"".join(b'%d,"some\ntext, %s"\r\n' % (number, b"x" * (number % 300)) for number in range(60_000))
    source = opened(tmp_path, b"\xef\xbb\xbfa,b\r\n" + rows)
    whole = list(source.batches(7_000))
    assert sum(batch.rows.height for batch in whole) == 60_000
    assert whole[-1].end == Position(60_000, 0, 60_001, 120_002, 3 + 5 + len(rows))
    for number in (1, 4, 8):
        assert facts(source.batches(7_000, whole[number - 1].end)) == facts(iter(whole[number:]))


def test_globs(tmp_path: Path) -> None:
    """A pattern names its files in sorted order, without folders."""
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).write_bytes(b"a\n1\n")
    (tmp_path / "d.csv").mkdir()
    source = open_source([str(tmp_path / "*.txt"), str(tmp_path / "*.csv")], SourceOptions())
    assert [file.name for file in source.files] == ["c.txt", "a.csv", "b.csv"]
    assert [file.file_no for file in source.files] == [0, 1, 2]


def test_name_that_looks_like_a_pattern(tmp_path: Path) -> None:
    """A file whose own name has brackets is found by it."""
    assert opened(tmp_path, b"a\n1\n", "rows[1].csv").files[0].name == "rows[1].csv"


def test_pattern_without_match(tmp_path: Path) -> None:
    """A pattern that matches nothing is named."""
    with pytest.raises(SourceError, match=r"\*\.csv: no file matches this pattern"):
        open_source([str(tmp_path / "*.csv")], SourceOptions())


def test_pipe(tmp_path: Path) -> None:
    """What can be read only once is refused, not waited for."""
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(SourceError, match="is not a regular file"):
        open_source([str(tmp_path / "rows.csv")], SourceOptions())


def test_path_that_no_file_can_have(tmp_path: Path) -> None:
    """A path that the system refuses is an error with its words."""
    with pytest.raises(SourceError, match="cannot be read"):
        open_source([str(tmp_path / ("x" * 5000))], SourceOptions())


def test_one_file_twice(tmp_path: Path) -> None:
    """The same file under two paths is refused: its rows would be sent twice."""
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(SourceError, match="is named twice"):
        open_source([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], SourceOptions())


def test_one_name_twice(tmp_path: Path) -> None:
    """Two files of one name are refused: the service keeps names without folders."""
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_bytes(b"a\n1\n")
    with pytest.raises(SourceError, match="has the same name as"):
        open_source([str(tmp_path / "*" / "a.csv")], SourceOptions())


def test_fingerprint(tmp_path: Path) -> None:
    """Size and SHA-256 are those of the bytes as stored."""
    content = gzip.compress(b"a\n1\n")
    file = opened(tmp_path, content, "rows.csv.gz").files[0]
    assert (file.size, file.fingerprint) == (len(content), hashlib.sha256(content).hexdigest())


def test_unchanged_files_pass(tmp_path: Path) -> None:
    """The files of a load pass, opened again."""
    before = opened(tmp_path, b"a\n1\n").files
    opened(tmp_path, b"a\n1\n").checked(before)


@pytest.mark.parametrize(
    ("content", "words"), [(b"a\n12\n", "has 5 bytes, and had 4"), (b"a\n2\n", "its SHA-256 differs")]
)
def test_changed_files_do_not(tmp_path: Path, content: bytes, words: str) -> None:
    """A changed file is named, with what differs."""
    before = opened(tmp_path, b"a\n1\n").files
    with pytest.raises(SourceChanged, match=words) as caught:
        opened(tmp_path, content).checked(before)
    assert str(tmp_path / "rows.csv") in caught.value.message


def test_other_files_do_not(tmp_path: Path) -> None:
    """Neither a missing file passes, nor an added one, nor another way of reading."""
    source = opened(tmp_path, b"a\n1\n")
    other = replace(source.files[0], name="b.csv", path="b.csv")
    with pytest.raises(SourceChanged, match=r"b\.csv: belongs to the load but is missing"):
        source.checked([source.files[0], other])
    with pytest.raises(SourceChanged, match="is in the place of b"):
        source.checked([other])
    with pytest.raises(SourceChanged, match="does not belong to the load"):
        source.checked([])
    with pytest.raises(SourceChanged, match="is read with delimiter ';', and was read with delimiter ','"):
        opened(tmp_path, b"a\n1\n", delimiter=";").checked(source.files)


def test_hint_of_a_large_file(tmp_path: Path) -> None:
    """The number of records is guessed well from the first bytes."""
    content = b"a,b\n" + b"".join(b"%06d,some text\n" % number for number in range(150_000))
    for data, name in (
        (content, "x.csv"),
        (gzip.compress(content), "x.csv.gz"),
        (content.decode().encode("utf-16"), "y.csv"),
    ):
        hint = opened(tmp_path, data, name).total_hint()
        assert hint is not None
        assert abs(hint - 150_000) < 1500
