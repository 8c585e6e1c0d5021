"""Files that are not as they should be: what is reported, and what one bad record costs."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from loader.errors import SourceError, SourceLost
from loader.settings import SourceOptions
from loader.source import open_source
from tests.source.source_cases import lower_limit, opened, problem, ragged, read, read_bytes

if TYPE_CHECKING:
    from pathlib import Path


def refused(folder: Path, content: bytes, name: str = "rows.csv", **options: Any) -> SourceError:
    """Return the error that opening a file ends with; it names the file and the next step."""
    with pytest.raises(SourceError) as caught:
        opened(folder, content, name, **options)
    assert str(folder / name) in caught.value.message
    assert caught.value.next_step
    assert caught.value.exit_code == 2
    return caught.value


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(SourceError, match=r"none\.csv: there is no such file"):
        open_source([str(tmp_path / "none.csv")], SourceOptions())


def test_folder(tmp_path: Path) -> None:
    """A folder is not a file, and the message says how to name its files."""
    with pytest.raises(SourceError, match="is a folder") as caught:
        open_source([str(tmp_path)], SourceOptions())
    assert f"{tmp_path}/*.csv" in str(caught.value.next_step)


def test_no_source() -> None:
    """Nothing named is an error, not an empty load."""
    with pytest.raises(SourceError, match="no source file is named"):
        open_source([], SourceOptions())


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", "".encode("utf-16")])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    """A file without a byte of text is empty."""
    assert "is empty" in refused(tmp_path, content).message
    assert "is empty" in refused(tmp_path, content, header=False).message


@pytest.mark.parametrize("content", [b"\n\n", b"\r\n"])
def test_only_blank_lines(tmp_path: Path, content: bytes) -> None:
    """A file of blank lines has no header."""
    assert "has nothing but empty or skipped lines" in refused(tmp_path, content).message


def test_header_only(tmp_path: Path) -> None:
    """A header without records is a load of zero rows."""
    source = opened(tmp_path, b"a,b\r\n")
    assert list(source.files[0].schema) == ["a", "b"]
    assert list(source.batches(10)) == []
    assert source.total_hint() == 0


@pytest.mark.parametrize(
    "line", [b"1,2.50,2024-01-31", b"17;;31.12.2019", b"1e5,-3,2020-01-01T10:00:00Z", b";;"]
)
def test_no_header(tmp_path: Path, line: bytes) -> None:
    """A first line of numbers and dates is a record, unless someone says that it is the header."""
    content = line + b"\n" + line + b"\n"
    source = opened(tmp_path, content)
    assert list(source.files[0].schema) == ["column_1", "column_2", "column_3"]
    assert source.files[0].notes[0].endswith("no header")
    assert len(read(source).cells) == 2
    assert len(read_bytes(tmp_path, content, header=True).cells) == 1


def test_numeric_names_on_demand(tmp_path: Path) -> None:
    """`header: true` makes any first line the header."""
    assert list(opened(tmp_path, b"2019,2020\n1,2\n", header=True).files[0].schema) == ["2019", "2020"]


def test_own_names(tmp_path: Path) -> None:
    """A column cannot have a name that the reader gives to its own."""
    assert 'the 2nd column has the name "__line"' in refused(tmp_path, b"a,__line\n").message


def test_unreadable_header(tmp_path: Path) -> None:
    """A header that is broken itself stops the load."""
    words = "the header in line 1 cannot be read: text follows the closing quote of cell 2"
    assert words in refused(tmp_path, b'a,"b"c,d\n1,2,3\n').message


def test_unknown_encoding(tmp_path: Path) -> None:
    """An encoding that does not exist is named."""
    assert "'utf-9'" in refused(tmp_path, b"a\n1\n", encoding="utf-9").message
    assert "'base64'" in refused(tmp_path, b"a\n1\n", encoding="base64").message


def test_encoding_against_mark(tmp_path: Path) -> None:
    """A byte-order mark of another encoding than the option's is not ignored."""
    error = refused(tmp_path, b"\xef\xbb\xbfa\n1\n", encoding="cp1252")
    assert "byte-order mark of utf-8" in error.message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delimiter": '"'}, "are both"),
        ({"delimiter": "\n"}, "has a line end"),
        ({"quote": "„", "encoding": "iso-8859-1"}, "cannot be written in iso8859-1"),
        ({"skip_lines": 9}, "source.skip_lines is 9, but the file has only 3 lines"),
        ({"skip_footer": 3}, "source.skip_footer is 3, but there are fewer lines"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    """Options that cannot hold for the file are refused before reading."""
    assert words in refused(tmp_path, b"a,b\n1,2\n3,4\n", **options).message


def test_zip_archive(tmp_path: Path) -> None:
    """An Excel workbook is not taken for a text file."""
    assert "Excel" in refused(tmp_path, b"PK\x03\x04rest", "book.csv").message


def test_wrong_encoding(tmp_path: Path) -> None:
    """Bytes that are not valid in the encoding cost their record only."""
    got = read_bytes(tmp_path, b"a,name\n1,x\n2,Andr\xe9\n3,\xc3\xa9\n", encoding="utf-8")
    assert got.cells == [("1", "x"), ("2", "Andr\ufffd"), ("3", "é")]
    assert got.problems == [
        None,
        problem("row.bad_bytes", column="name", encoding="utf-8", bytes="E9", position=7),
        None,
    ]


def test_late_wrong_bytes(tmp_path: Path) -> None:
    """A file that is utf-8 as far as was looked keeps to it; a later odd byte costs one record."""
    rows = [b"%d,some text that fills the line" % number for number in range(1, 50_001)]
    rows[40_000] = b"40001,caf\xe9"
    got = read_bytes(tmp_path, b"n,text\n" + b"\n".join(rows))
    assert [number for number, text in zip(got.numbers, got.problems, strict=True) if text] == [40_001]
    assert len(got.cells) == 50_000


def test_undefined_single_byte(tmp_path: Path) -> None:
    """cp1252 has bytes without a meaning; they are found too."""
    got = read_bytes(tmp_path, b"a\nx\x81y\nz\n", encoding="cp1252")
    bad = problem("row.bad_bytes", column="a", encoding="cp1252", bytes="81", position=2)
    assert got.problems == [bad, None]


def test_broken_utf_16(tmp_path: Path) -> None:
    """Half a surrogate pair costs one record of a utf-16 file."""
    content = "a,b\n1,x".encode("utf-16") + b"\x3d\xd8" + "\n2,y\n".encode("utf-16-le")
    got = read_bytes(tmp_path, content)
    assert got.cells[1] == ("2", "y")
    assert got.problems == [
        problem("row.bad_bytes", column="b", encoding="utf-16-le", bytes="3D D8"),
        None,
    ]


def test_short_and_long_records(tmp_path: Path) -> None:
    """Ragged records stay, with what they have; empty surplus cells are no problem."""
    got = read_bytes(tmp_path, b'a,b,c\n1,2\n"x"\n1,2,3,"4,4",\n1,2,3,,\n1,2,3,""\n7,8,9\n')
    assert got.cells == [("1", "2", None), ("x", None, None), *[("1", "2", "3")] * 3, ("7", "8", "9")]
    assert got.problems == [
        ragged(2, 3),
        ragged(1, 3),
        ragged(5, 3),
        None,
        None,
        None,
    ]
    assert got.extra == {3: ("4,4", "")}


def test_stray_text_after_quote(tmp_path: Path) -> None:
    """Text behind a closing quote is a problem of its record, and its cells are still separated."""
    got = read_bytes(tmp_path, b'a,b\n"x" y,2\n"fine","3"\n5" pipe,4\n')
    assert got.cells == [('"x" y', "2"), ("fine", "3"), ('5" pipe', "4")]
    assert got.problems == [problem("row.text_after_quote", value='"x" y', cell=1), None, None]


def test_unclosed_quote_at_the_end(tmp_path: Path) -> None:
    """A quote that nothing closes costs its line, not the rest of the file."""
    rows = b"".join(b"%d,text\n" % number for number in range(5000))
    got = read_bytes(tmp_path, b'a,b\n1,"open\n' + rows)
    assert len(got.cells) == 5001
    assert got.problems == [problem("row.unclosed_quote", line=2), *[None] * 5000]
    assert got.lines[:3] == [2, 3, 4]


def test_unclosed_quote_before_others(tmp_path: Path) -> None:
    """Neither does one that the next quoted cell seems to close."""
    got = read_bytes(tmp_path, b'a,b\n1,"open\n2,"x"\n3,y\n')
    assert got.cells == [("1", '"open'), ("2", "x"), ("3", "y")]
    assert got.problems == [problem("row.unclosed_quote", line=2, evidence="text_follows"), None, None]


def test_nul_bytes(tmp_path: Path) -> None:
    """A NUL byte costs its record."""
    got = read_bytes(tmp_path, b"a,b\n1,x\n2,\0\n3,z\n")
    assert got.problems == [None, problem("row.nul_byte", cell=2), None]


@pytest.mark.parametrize("quoted", [False, True])
def test_cell_of_a_megabyte(tmp_path: Path, *, quoted: bool) -> None:
    """A cell of 1 MB, and one larger than a block, come through whole."""
    long = ("é,\n" if quoted else "éx") * 500_000
    huge = ("x\r\n" if quoted else "yz") * 2_500_000
    mark = '"' if quoted else ""
    rows = "".join(f"{n},{mark}{text}{mark}\n" for n, text in enumerate(["short", long, huge, "end"]))
    got = read_bytes(tmp_path, f"n,text\n{rows}".encode())
    assert [cells[1] for cells in got.cells] == ["short", long, huge, "end"]
    assert got.lines == ([2, 3, 500_004, 3_000_005] if quoted else [2, 3, 4, 5])


@pytest.mark.parametrize("tail", [b"", b"\n3,4\n5,6\n", b"\r\n3,4\r\n5,6"])
def test_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: bytes) -> None:
    """A line that is longer than a record may be costs one record, whose beginning is kept."""
    lower_limit(
        monkeypatch, "LONGEST_RECORD", 6 * 2**20
    )  # more than one block that is read at once, as usual
    long = b"x," + b"y" * (15 * 2**20)
    got = read_bytes(tmp_path, b"a,b\n1,2\n" + long + tail)
    assert got.cells[0] == ("1", "2")
    assert got.cells[1] == ("x", "y" * 4094)
    assert got.cells[2:] == ([("3", "4"), ("5", "6")] if tail else [])
    assert got.lines == [2, 3, 4, 5][: len(got.cells)]
    length = len(long) + (len(tail) - len(tail.lstrip()))
    bad = problem("row.too_long", length=length, limit=6 * 2**20, max_cells=100_000, kept=4096)
    assert [text for text in got.problems if text] == [bad]
    assert got.problems[1] == bad


def test_reading_on_from_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading can start before and behind a line that is not held in memory."""
    lower_limit(monkeypatch, "LONGEST_RECORD", 6 * 2**20)
    source = opened(tmp_path, b"a,b\n1,2\nx," + b"y" * (15 * 2**20) + b"\n3,4\n")
    one_by_one = read(source, rows=1)
    for batch in one_by_one.batches:
        again = read(source, rows=1, start=batch.start)
        assert again.cells == one_by_one.cells[batch.start.seq :]
        assert again.problems == one_by_one.problems[batch.start.seq :]


@pytest.mark.parametrize("before", [b"", b'"q",', b'"l\nm",'])
def test_line_with_too_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    """A line of ten times as many cells as a record may have costs one record, and is not held as cells."""
    lower_limit(monkeypatch, "MOST_CELLS", 10_000)
    got = read_bytes(tmp_path, b"a,b\n" + before + b"xx," * 100_000 + b"\n3,4\n")
    assert len(got.cells) == 2
    assert got.cells[1] == ("3", "4")
    length = 300_001 + len(before)
    bad = problem("row.too_long", length=length, limit=64 * 2**20, max_cells=10_000, kept=4096)
    assert got.problems == [bad, None]
    assert got.lines == [2, 3 + before.count(b"\n")]


@pytest.mark.parametrize("quoted", [False, True])
def test_cell_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, quoted: bool) -> None:
    """A cell that is longer than one may be costs its record, which is kept whole."""
    lower_limit(monkeypatch, "LONGEST_CELL", 5 * 2**20)  # more than one block that is read at once, as usual
    text = "x,\n" * (2 * 2**20) if quoted else "x" * (6 * 2**20)
    mark = '"' if quoted else ""
    got = read_bytes(tmp_path, f"a,b\n1,2\n3,{mark}{text}{mark}\n5,6\n".encode())
    assert got.cells == [("1", "2"), ("3", text), ("5", "6")]
    bad = problem("row.cell_too_long", cell=2, length=len(text), limit=5 * 2**20)
    assert got.problems == [None, bad, None]


def test_unclosed_quote_in_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that is open for longer than a record may be costs its line, and what follows is read on."""
    lower_limit(monkeypatch, "LONGEST_RECORD", 6 * 2**20)
    row = b"1," + b"x" * 100_000 + b"\n"
    got = read_bytes(tmp_path, b'a,b\n1,"open\n' + row * 70 + b'2,"end"\n')
    assert len(got.cells) == 72
    bad = problem("row.unclosed_quote", line=2, evidence="too_far", limit=6 * 2**20)
    assert got.problems == [bad, *[None] * 71]


def test_truncated_gzip(tmp_path: Path) -> None:
    """A compressed file that was cut short is refused before any row is read."""
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(100_000)))
    assert "damaged or cut short" in refused(tmp_path, packed[: len(packed) // 2], "rows.csv.gz").message


def test_damaged_gzip(tmp_path: Path) -> None:
    """So is one with a changed byte."""
    packed = bytearray(gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(100_000))))
    packed[len(packed) // 2] ^= 0xFF
    assert "damaged or cut short" in refused(tmp_path, bytes(packed), "rows.csv.gz").message


def test_gzip_by_name_only(tmp_path: Path) -> None:
    """A plain file with the ending .gz is refused."""
    assert "is not gzip" in refused(tmp_path, b"a,b\n1,2\n", "rows.csv.gz").message


def test_damage_before_the_position(tmp_path: Path) -> None:
    """A compressed file that is damaged between two batches ends the load as lost."""
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(100_000)))
    source = opened(tmp_path, packed, "rows.csv.gz")
    end = next(source.batches(90_000)).end
    (tmp_path / "rows.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(SourceLost, match="damaged or cut short"):
        read(source, start=end)


def test_file_cut_while_reading(tmp_path: Path) -> None:
    """A file that loses its end while it is read ends the load as lost, not as complete."""
    source = opened(tmp_path, b"a\n" + b"1\n" * 100)
    (tmp_path / "rows.csv").write_bytes(b"a\n" + b"1\n" * 50)
    with pytest.raises(SourceLost, match="ends 100 bytes earlier"):
        read(source)
