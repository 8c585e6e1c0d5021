"""How text files are written: what is detected, and options win."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loader.records import REJECT_COLUMNS, Dialect
from tests.source.source_cases import opened, ragged, read, read_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter(tmp_path: Path, delimiter: str) -> None:
    """The delimiter is found although there are others in quotes and in numbers."""
    text = 'id;name;amount\n1;"a;b,c|d";1,50\n2;x, y;2,75\n3;z;3,00\n'.replace(";", delimiter)
    source = opened(tmp_path, text.encode())
    assert source.files[0].dialect == Dialect(delimiter=delimiter)
    assert list(source.files[0].schema) == ["id", "name", "amount"] or delimiter == ","
    shown = "tab" if delimiter == "\t" else f'"{delimiter}"'
    assert source.files[0].notes == (f'detected: utf-8, {shown}, quote ", header in line 1',)


def test_one_column(tmp_path: Path) -> None:
    """A file with one column needs no delimiter."""
    assert read_bytes(tmp_path, b'name\nx\n""\n z \n').cells == [("x",), ("",), (" z ",)]


def test_text_stays_text(tmp_path: Path) -> None:
    """Cells are text as they are: zeros, blanks, exponents, words for nothing."""
    got = read_bytes(tmp_path, b"a,b,c,d,e\n007, x ,1e5,NULL,\n")
    assert got.cells == [("007", " x ", "1e5", "NULL", "")]


def test_schema_is_text(tmp_path: Path) -> None:
    """Every column of a text file is String."""
    assert set(opened(tmp_path, b"a,b\n1,2\n").files[0].schema.values()) == {pl.String()}


@pytest.mark.parametrize(
    ("encoding", "name", "bom"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8", True),
        ("cp1252", "cp1252", False),
        ("utf-16", "utf-16-le", True),
        ("utf-16-le", "utf-16-le", False),
        ("utf-16-be", "utf-16-be", False),
        ("utf-32", "utf-32-le", True),
    ],
)
def test_encodings_are_detected(tmp_path: Path, encoding: str, name: str, *, bom: bool) -> None:
    """Encodings are found by their mark or their bytes, and read right."""
    source = opened(tmp_path, 'Straße;Ort\r\n"Weg ""1""";Köln\r\n'.encode(encoding))
    dialect = source.files[0].dialect
    assert dialect == Dialect(delimiter=";", encoding=name, bom=bom, newline="\r\n")
    assert list(source.files[0].schema) == ["Straße", "Ort"]
    assert read(source).cells == [('Weg "1"', "Köln")]


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-15", "cp850", "shift_jis", "utf-16", "gb18030"])
def test_encodings_that_are_set(tmp_path: Path, encoding: str) -> None:
    """Any codec can be set, single-byte or not."""
    word = "表ソ能" if encoding in ("shift_jis", "gb18030") else "Größe"
    content = f"a,b\n1,{word}\n2,x\n".encode(encoding)
    assert read_bytes(tmp_path, content, encoding=encoding).cells == [("1", word), ("2", "x")]


def test_notes(tmp_path: Path) -> None:
    """One line names what was detected; what an option sets is not in it."""
    content = "über;b\n1;2\n".encode("cp1252")
    detected = 'detected: cp1252, ";", quote ", header in line 1'
    assert opened(tmp_path, content).files[0].notes == (detected,)
    options: dict[str, Any] = {"encoding": "cp1252", "delimiter": ";", "quote": '"', "header": True}
    assert opened(tmp_path, content, **options).files[0].notes == ()


def test_lone_cr(tmp_path: Path) -> None:
    """CR alone ends lines where it ends the header's; in quotes it is text."""
    source = opened(tmp_path, b'a,b\r1,"x\ry"\r\r2,z')
    assert source.files[0].dialect == Dialect(newline="\r", lone_cr=True)
    got = read(source)
    assert got.cells == [("1", "x\ry"), ("2", "z")]
    assert got.lines == [2, 5]


def test_mixed_line_ends(tmp_path: Path) -> None:
    """LF and CRLF may be mixed, and after a header that ends in CR all three may."""
    got = read_bytes(tmp_path, b'a,b\r\n1,2\n3,4\r\n"5\r\n",6\n7,8')
    assert got.cells == [("1", "2"), ("3", "4"), ("5\r\n", "6"), ("7", "8")]
    assert got.lines == [2, 3, 4, 6]
    got = read_bytes(tmp_path, b"a,b\r1,2\n3,4\r\n5,6\r7,8")
    assert got.cells == [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8")]
    assert got.lines == [2, 3, 4, 5]


def test_quoted_line_breaks(tmp_path: Path) -> None:
    """Records are counted, not lines; each knows the line it begins on; blank lines are no records."""
    got = read_bytes(tmp_path, b'n,"long\nname"\n1,"a\n\nb"\n\n\n2,x\n"3","c\r\nd"\n4,y\n')
    assert got.cells == [("1", "a\n\nb"), ("2", "x"), ("3", "c\r\nd"), ("4", "y")]
    assert got.numbers == [1, 2, 3, 4]
    assert got.lines == [3, 8, 9, 11]


def test_blank_line_is_nothing_at_all(tmp_path: Path) -> None:
    """A line with a blank or empty quotes on it is a record."""
    got = read_bytes(tmp_path, b'a\n\n \n""\n\n')
    assert got.cells == [(" ",), ("",)]
    assert got.lines == [3, 4]


def test_no_quotes(tmp_path: Path) -> None:
    """`quote: null` makes quotes text."""
    source = opened(tmp_path, b'a,b\n"x,y"\n5" pipe,"\n', quote=None)
    assert read(source).cells == [('"x', 'y"'), ('5" pipe', '"')]
    assert source.files[0].dialect == Dialect(quote=None)


def test_other_quote(tmp_path: Path) -> None:
    """Another quote can be set."""
    assert read_bytes(tmp_path, b"a,b\n'x,''y',\"\n", quote="'").cells == [("x,'y", '"')]


def test_escape(tmp_path: Path) -> None:
    """An escape is one before a quote or itself inside of quotes, and is text elsewhere."""
    got = read_bytes(tmp_path, b'a,b\n"x\\"y\\\\","\\n"\nC:\\\\dir,"z"\n', escape="\\")
    assert got.cells == [('x"y\\', "\\n"), ("C:\\\\dir", "z")]
    assert got.problems == [None, None]


def test_escape_that_is_the_quote(tmp_path: Path) -> None:
    """The quote as its own escape means doubled quotes."""
    source = opened(tmp_path, b'a,b\n"x""y",2\n', escape='"')
    assert source.files[0].dialect == Dialect()
    assert read(source).cells == [('x"y', "2")]


def test_long_delimiter(tmp_path: Path) -> None:
    """A delimiter may have several characters."""
    got = read_bytes(tmp_path, b'a||b||c\n1||"x||y"||3|\n4||5\n', delimiter="||")
    assert got.cells == [("1", "x||y", "3|"), ("4", "5", None)]
    assert got.problems == [None, ragged(2, 3)]


def test_no_header(tmp_path: Path) -> None:
    """Without a header columns are numbered, and the first line is a record."""
    source = opened(tmp_path, b"\n1,2\n3\n", header=False)
    assert list(source.files[0].schema) == ["column_1", "column_2"]
    got = read(source)
    assert got.cells == [("1", "2"), ("3", None)]
    assert got.lines == [2, 3]
    assert got.problems == [None, ragged(1, 2, "first_record")]


def test_names_are_stripped(tmp_path: Path) -> None:
    """Blanks around names go, and empty names get their place's number, but for those at the end."""
    assert list(opened(tmp_path, b' a ,," b",\n1,2,3,\n').files[0].schema) == ["a", "column_2", "b"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_lines_above_and_below(tmp_path: Path, ending: str, suffix: str, encoding: str) -> None:
    """Lines above the header and below the last record are kept apart, as they are."""
    above = 'Export "vom 3. März;;\n\n'.replace("\n", ending)
    below = 'Summe;"2\n---'.replace("\n", ending)
    middle = 'a;b\n1;"x\ny"\n2;z\n'.replace("\n", ending)
    content = (above + middle + below).encode(encoding)
    content = gzip.compress(content) if suffix else content
    source = opened(tmp_path, content, f"rows.csv{suffix}", skip_lines=2, skip_footer=2)
    dialect = source.files[0].dialect
    assert dialect is not None
    assert (dialect.preamble, dialect.footer, dialect.newline) == (above, below, ending)
    got = read(source, rows=1)
    assert got.cells == [("1", f"x{ending}y"), ("2", "z")]
    assert got.lines == [4, 6]
    assert "header in line 3" in source.files[0].notes[0]
    assert read(source, start=got.batches[0].end).cells == [("2", "z")]
    assert source.total_hint() == 2


def test_header_far_down(tmp_path: Path) -> None:
    """A header that begins or ends beyond the first megabyte is found."""
    above = b"note\n" * 400_000
    got = read_bytes(tmp_path, above + b"a;b\n1;2\n", skip_lines=400_000)
    assert (got.cells, got.lines) == ([("1", "2")], [400_002])
    name = "x" * 1_500_000
    source = opened(tmp_path, f'"{name}";b\n1;2\n'.encode())
    assert list(source.files[0].schema) == [name, "b"]


def test_gzip(tmp_path: Path) -> None:
    """A compressed file reads like a plain one, also in several members and under another name."""
    content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    for name in ("rows.csv.gz", "rows.dat"):
        source = opened(tmp_path, content, name)
        assert read(source).cells == [("1", "2"), ("3", "4")]
        assert source.files[0].notes[0].startswith("detected: gzip, utf-8")


def test_fixed_rejects(tmp_path: Path) -> None:
    """What a rejects file adds is left out, and only if all of it is there."""
    added = ",".join(REJECT_COLUMNS)
    source = opened(tmp_path, f"{added},a,b\ninvalid,3,4,x,date.format,no,1,2\n".encode())
    assert list(source.files[0].schema) == ["a", "b"]
    assert read(source).cells == [("1", "2")]
    assert source.files[0].notes[1].startswith("left out: _status")
    assert list(opened(tmp_path, b"_status,a\n1,2\n").files[0].schema) == ["_status", "a"]


def test_odd_rows_among_many(tmp_path: Path) -> None:
    """Odd records between plain ones change nothing about their neighbours, numbers or lines."""
    rows = [b'%d,"t\n%d"' % (number, number) for number in range(1, 20_001)]
    odd = {500: b'x,5"" y', 9_000: b'"q"q,1', 9_001: b"\xff,1", 15_000: b'o,"open'}
    for number, text in odd.items():
        rows[number - 1] = text
    got = read_bytes(tmp_path, b"a,b\n" + b"\n".join(rows), encoding="utf-8")
    assert got.numbers == list(range(1, 20_001))
    assert [number for number, text in zip(got.numbers, got.problems, strict=True) if text] == [
        9_000,
        9_001,
        15_000,
    ]
    sound = [number for number in range(1, 20_001) if number not in odd]
    assert [got.cells[number - 1] for number in sound] == [(str(number), f"t\n{number}") for number in sound]
    assert got.lines[-1] == 2 * 20_000 - len(odd)
