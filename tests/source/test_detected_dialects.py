"""What is detected in a file's content where no option is set, and how it is reported."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from loader.records import Dialect
from tests.source.source_cases import opened, ragged, read, read_bytes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("delimiter", "shown"),
    [
        *[
            (item, f'"{item}"')
            for item in (",", ";", "|", ":", "~", "^", "||", "::", "~|~", "|;|", "@@", "*;*")
        ],
        ("\t", "tab"),
        (" ", "space"),
        ("\x1f", '"\\x1f"'),
    ],
)
def test_delimiters(tmp_path: Path, delimiter: str, shown: str) -> None:
    """Delimiters of one character and of several are found, also around empty cells."""
    gap = '""' if delimiter == " " else ""
    rows = [["id", "name", "sum"], ["1", "Ann", "7"], ["2", gap, "8"], ["3", "Bob", gap]]
    source = opened(tmp_path, "\n".join(delimiter.join(row) for row in rows).encode())
    assert source.files[0].notes == (f'detected: utf-8, {shown}, quote ", header in line 1',)
    assert read(source).cells == [("1", "Ann", "7"), ("2", "", "8"), ("3", "Bob", "")]


def test_bytes_of_a_character_are_no_delimiter(tmp_path: Path) -> None:
    """The last bytes of a character are signs in Latin-1, and still belong to no delimiter."""
    text = "name\u29a7;id\nAnn\u29a7;1\nBob\u29a7;2\nEva\u29a7;3\n"
    got = read_bytes(tmp_path, text.encode())
    assert got.cells == [("Ann\u29a7", "1"), ("Bob\u29a7", "2"), ("Eva\u29a7", "3")]


def test_comma_in_numbers(tmp_path: Path) -> None:
    """A decimal comma is no delimiter: not beside another one, and not in a file of one column."""
    assert read_bytes(tmp_path, b"1,5;2,5\n2,5;3,5\n7,5;3,5\n").cells[0] == ("1,5", "2,5")
    assert read_bytes(tmp_path, b"amount\n1,50\n2,75\n").cells == [("1,50",), ("2,75",)]
    assert read_bytes(tmp_path, b"sum in euro\n1,50\n2,75\n").cells == [("1,50",), ("2,75",)]


def test_prose_is_one_column(tmp_path: Path) -> None:
    """Blanks and commas in text do not make columns; what would be cut in two is rejected, not shifted."""
    assert read_bytes(tmp_path, b"full name\nJohn Smith\nJane Doe\nBob Lee\n").cells[0] == ("John Smith",)
    got = read_bytes(tmp_path, b"name\nSmith, John\nDoe, Jane\nLee, Bob\n")
    assert got.problems == [ragged(2, 1)] * 3
    source = opened(tmp_path, b"note\nx\n")
    assert source.files[0].notes == ('detected: utf-8, one column, quote ", header in line 1',)


@pytest.mark.parametrize(
    ("content", "quote", "cells"),
    [
        (b"a;b\n'1;2';x\n'it''s';y\n", "'", [("1;2", "x"), ("it's", "y")]),
        (b"a;b\n'1';x\n'2';y\n'3';z\n", "'", [("1", "x"), ("2", "y"), ("3", "z")]),
        (b"a;b\n'tis;x\n'90s';y\n3;z\n", '"', [("'tis", "x"), ("'90s'", "y"), ("3", "z")]),
        (b"a;b\n" + b'"x;1\n' * 10, None, [('"x', "1")] * 10),
        (b"a;b\n1;x\n2;y\n", '"', [("1", "x"), ("2", "y")]),
    ],
)
def test_quotes(tmp_path: Path, content: bytes, quote: str | None, cells: list[tuple[str, ...]]) -> None:
    """Apostrophes are quotes if a cell needs them or a whole column has them; broken quotes are none."""
    source = opened(tmp_path, content)
    assert source.files[0].dialect == Dialect(";", quote)
    assert read(source).cells == cells
    words = f"quote {quote}" if quote else "no quote"
    assert words in source.files[0].notes[0]


def test_one_broken_quote_is_not_the_rule(tmp_path: Path) -> None:
    """A single quote that is never closed costs its record; it does not turn quotes into text."""
    got = read_bytes(tmp_path, b'a;b\n1;"open\n2;x\n3;y\n')
    assert [bool(problem) for problem in got.problems] == [True, False, False]


def test_escape(tmp_path: Path) -> None:
    """A backslash is an escape where quotes make sense only with it; a path at the end of a cell is none."""
    source = opened(tmp_path, b'a;b\n"say \\"hi\\"";1\n"c:\\\\x";2\n')
    assert read(source).cells == [('say "hi"', "1"), ("c:\\x", "2")]
    assert source.files[0].notes == ('detected: utf-8, ";", quote ", escape \\, header in line 1',)
    assert read_bytes(tmp_path, b'a;b\n"c:\\";"1"\n"d:\\";"2"\n').cells == [("c:\\", "1"), ("d:\\", "2")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a;b\r1;2\r3;4\r5;6", "CR line ends, "),
        (b"a;b\r1;2\n3;4\r\n5;6\r", "mixed line ends, "),
        (b"a;b\n1;2\r3;4\r\n5;6\r", "mixed line ends, "),
        (b"a;b\r\n1;2\n3;4\r\n5;6\n", "mixed line ends, "),
        (b"a;b\r\n1;2\r\n3;4\r\n5;6", ""),
    ],
)
def test_line_ends(tmp_path: Path, content: bytes, words: str) -> None:
    """Line ends may be mixed, a CR alone among them where records end with it."""
    source = opened(tmp_path, content)
    assert read(source).cells == [("1", "2"), ("3", "4"), ("5", "6")]
    assert source.files[0].notes == (f'detected: utf-8, ";", quote ", {words}header in line 1',)


def test_cr_inside_a_cell(tmp_path: Path) -> None:
    """A CR in the text of a cell does not end its record."""
    assert read_bytes(tmp_path, b"a;b\n1;x\ry\n2;z\n").cells == [("1", "x\ry"), ("2", "z")]


PREAMBLES = [
    ["Export of members"],
    ["Export of members", ""],
    ["Report;Members", "Date;2024-01-31", ""],
    ["Report;;;", ";;;"],
    ["# made by hand", "# twice"],
    ["", ""],
]


@pytest.mark.parametrize("above", PREAMBLES)
def test_lines_above_the_header(tmp_path: Path, above: list[str]) -> None:
    """Titles, facts and blank lines above the header are no records, and are kept to be written back."""
    text = "\n".join([*above, "id;name;city;n", "1;Ann;Bonn;5", "2;Bob;Ulm;6", "3;Eva;Kiel;7", ""])
    source = opened(tmp_path, text.encode())
    assert read(source).cells[0] == ("1", "Ann", "Bonn", "5")
    file = source.files[0]
    assert file.dialect is not None
    assert file.dialect.preamble == "".join(f"{line}\n" for line in above)
    assert file.notes == (f'detected: utf-8, ";", quote ", header in line {len(above) + 1}',)


def test_title_above_words_only(tmp_path: Path) -> None:
    """A title differs from a header by its width where nothing but words follows."""
    text = b"Members\nfirst;last;city\nAnn;Lee;Bonn\nBob;May;Ulm\nEva;Fox;Kiel\n"
    assert list(opened(tmp_path, text).files[0].schema) == ["first", "last", "city"]


def test_narrow_header_is_no_title(tmp_path: Path) -> None:
    """A header with a name too few is the header: the records are rejected, none becomes the header."""
    source = opened(tmp_path, b"name;city;\nAnn;Bonn;x\nBob;Ulm;y\nEva;Kiel;z\n")
    assert list(source.files[0].schema) == ["name", "city"]
    assert read(source).problems == [ragged(3, 2)] * 3


def test_separator_line(tmp_path: Path) -> None:
    """A first line `sep=;` names the delimiter and is no record."""
    source = opened(tmp_path, b"sep=|\r\nid|name;x\r\n1|a;b\r\n")
    assert read(source).cells == [("1", "a;b")]
    dialect = source.files[0].dialect
    assert dialect is not None
    assert (dialect.delimiter, dialect.preamble) == ("|", "sep=|\r\n")
    assert source.files[0].notes == ('detected: utf-8, "|", quote ", header in line 2',)


@pytest.mark.parametrize(
    "content",
    [
        b"1;Ann;2020-01-01\n2;Bob;2020-01-02\n3;Eva;2020-01-03\n",
        b"A-0001;x\nA-0002;y\nA-0003;z\n",
        b"Ann;Y;x@example.org\nBob;Y;y@example.org\nEva;N;z@example.org\n",
        b"1;2\n3;4\n",
    ],
)
def test_no_header(tmp_path: Path, content: bytes) -> None:
    """A first record that looks like those below it is one of them, and that is reported."""
    source = opened(tmp_path, content)
    file = source.files[0]
    assert list(file.schema) == [f"column_{place}" for place in range(1, len(file.schema) + 1)]
    assert len(read(source).cells) == content.count(b"\n")
    assert file.notes == ('detected: utf-8, ";", quote ", no header',)


@pytest.mark.parametrize(
    "content",
    [
        b"Name;2019;2020;2021\nAnn;1;2;3\nBob;4;5;6\n",
        b"id;Q1;Q2\n1;5;6\n2;7;8\n",
        b"first;last\nAnn;Lee\nBob;May\n",
        b"id;name\n",
    ],
)
def test_header(tmp_path: Path, content: bytes) -> None:
    """Years, codes and plain words name columns where nothing says that they are data."""
    names = content.split(b"\n")[0].decode().split(";")
    assert list(opened(tmp_path, content).files[0].schema) == names


def test_headerless_with_an_odd_first_record(tmp_path: Path) -> None:
    """Without a header most records say how many columns there are; the odd one is rejected by itself."""
    got = read_bytes(tmp_path, b"1;x\n2;y;z\n3;y;z\n4;y;z\n")
    assert got.problems == [ragged(2, 3, "most_records"), None, None, None]


@pytest.mark.parametrize(
    ("options", "notes"),
    [
        ({"delimiter": ";"}, 'detected: cp1252, quote ", header in line 3, 1 footer line'),
        ({"quote": '"'}, 'detected: cp1252, ";", header in line 3, 1 footer line'),
        ({"encoding": "cp1252"}, 'detected: ";", quote ", header in line 3, 1 footer line'),
        ({"skip_lines": 2}, 'detected: cp1252, ";", quote ", header in line 3, 1 footer line'),
        ({"skip_footer": 1}, 'detected: cp1252, ";", quote ", header in line 3'),
        ({}, 'detected: cp1252, ";", quote ", header in line 3, 1 footer line'),
    ],
)
def test_each_key_by_itself(tmp_path: Path, options: dict[str, Any], notes: str) -> None:
    """What an option sets is used and not named; the rest is still detected."""
    text = "Läufe vom 3. März\n\nId;Name;Zahl\n1;Müller;5\n2;Groß;6\nSumme: 2 Läufe\n"
    source = opened(tmp_path, text.encode("cp1252"), **options)
    assert source.files[0].notes == (notes,)
    assert read(source).cells == [("1", "Müller", "5"), ("2", "Groß", "6")]


def test_options_win(tmp_path: Path) -> None:
    """Options hold against what the content looks like."""
    content = b"1;2,x\n3;4,y\n"
    assert read_bytes(tmp_path, content, delimiter=",", header=False).cells == [("1;2", "x"), ("3;4", "y")]
    assert list(opened(tmp_path, content, header=True, delimiter=";").files[0].schema) == ["1", "2,x"]
    content = b"Title\nid;name\n1;x\n2;y\n"
    assert list(opened(tmp_path, content, skip_lines=0).files[0].schema) == ["Title"]
    content = b"a;b\n1;2\nTotal: 1\n"
    assert len(read_bytes(tmp_path, content, skip_footer=0).cells) == 2


def test_packed_and_wide(tmp_path: Path) -> None:
    """Packed files and wide encodings are looked at as plain ones are, footer and all."""
    text = "Export of all\nId;Name;n\n1;ä;5\n2;ö;6\n\nTotal: 2\n"
    for encoding in ("utf-8", "utf-16", "utf-32-be"):
        for content, name in (
            (text.encode(encoding), "a.csv"),
            (gzip.compress(text.encode(encoding)), "a.csv.gz"),
        ):
            source = opened(tmp_path, content, name)
            assert read(source).cells == [("1", "ä", "5"), ("2", "ö", "6")]
            dialect = source.files[0].dialect
            assert dialect is not None
            assert (dialect.preamble, dialect.footer) == ("Export of all\n", "Total: 2\n")


def test_sample_data(tmp_path: Path) -> None:
    """The sample reads without a word as it does with all that its mapping says, and as the README shows."""
    content = (ROOT / "sample_data" / "billing-runs.csv").read_bytes()
    source = opened(tmp_path, content)
    with_options = opened(
        tmp_path,
        content,
        delimiter=";",
        quote='"',
        encoding="cp1252",
        skip_lines=2,
        skip_footer=1,
        header=True,
    )
    assert source.files[0].dialect == with_options.files[0].dialect
    assert (read(source).cells, read(source).lines) == (read(with_options).cells, read(with_options).lines)
    (note,) = source.files[0].notes
    assert note == 'detected: cp1252, ";", quote ", header in line 3, 1 footer line'
    assert f"`{note.rpartition(', ')[0]}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_options.files[0].notes == ()
