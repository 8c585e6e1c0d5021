"""Headers that are not as they should be: what becomes of each, and what is reported."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from loader.records import REPEATED_HEADER
from tests.source.source_cases import opened, ragged, read, read_bytes

if TYPE_CHECKING:
    from pathlib import Path


def header(folder: Path, line: str, *, encoding: str = "utf-8") -> tuple[list[str], tuple[str, ...]]:
    """Return the columns that a header names, and the notes on them."""
    width = line.count(";") + 1
    row = ";".join("7" for _ in range(width))
    file = opened(folder, f"{line}\n{row}\n".encode(encoding), delimiter=";").files[0]
    return list(file.schema), file.notes[1:]


def test_padded_names(tmp_path: Path) -> None:
    """Spaces around a name are not part of it, also inside of quotes, and that is reported."""
    names, notes = header(tmp_path, ' Id ;" Run  Name";\tState')
    assert names == ["Id", "Run Name", "State"]
    assert notes == ('spaces and line breaks removed from the names "Id", "Run Name", "State"',)


def test_line_breaks_in_names(tmp_path: Path) -> None:
    """A line break inside a name becomes one blank, with the blanks around it."""
    source = opened(tmp_path, b'Id;"Run \r\n Name";"a\nb"\n1;2;3\n')
    assert list(source.files[0].schema) == ["Id", "Run Name", "a b"]
    assert source.files[0].notes[1] == 'spaces and line breaks removed from the names "Run Name", "a b"'
    assert read(source).lines == [4]


def test_empty_names(tmp_path: Path) -> None:
    """A column without a name is called by its place, unless another has that name."""
    assert header(tmp_path, "Id;;Name; ") == (
        ["Id", "column_2", "Name"],
        (
            "the header ends in 1 empty name, which is not a column",
            'without a name in the header: "column_2"',
        ),
    )
    assert header(tmp_path, "Id;;column_2")[0] == ["Id", "column_2_2", "column_2"]


def test_delimiters_at_the_end(tmp_path: Path) -> None:
    """Empty names at the end are no columns: records fit with and without them, but not with more in them."""
    got = read_bytes(tmp_path, b"a;b;;\n1;2;;\n3;4\n5;6;\n7;8;x;\n")
    assert [set(batch.rows.columns[:2]) for batch in got.batches] == [{"a", "b"}]
    assert got.cells == [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8")]
    assert got.problems == [None, None, None, ragged(4, 2)]
    assert got.extra == {4: ("x", "")}


def test_delimiters_at_the_end_of_records_only(tmp_path: Path) -> None:
    """A delimiter behind each record and none behind the header is no surplus cell."""
    got = read_bytes(tmp_path, b"a;b\n1;2;\n3;4;\n")
    assert (got.cells, got.problems) == ([("1", "2"), ("3", "4")], [None, None])


def test_names_that_are_used_twice(tmp_path: Path) -> None:
    """The second of two names gets a number, one that no other column has."""
    names, notes = header(tmp_path, "Name;Name;Name_2;Name;Id")
    assert names == ["Name", "Name_3", "Name_2", "Name_4", "Id"]
    assert notes == (
        'the 2nd column is named "Name_3": its name is already used',
        'the 4th column is named "Name_4": its name is already used',
    )


def test_many_names_that_are_used_twice(tmp_path: Path) -> None:
    """Thousands of equal names are numbered in no time, and not all of them listed."""
    names, notes = header(tmp_path, ";".join(["x"] * 20_000))
    assert names[-1] == "x_20000"
    assert notes[-1] == "and 19994 more names that are used twice"


def test_names_that_differ_in_case(tmp_path: Path) -> None:
    """Two names that differ only in case are two columns."""
    assert header(tmp_path, "Name;NAME;name") == (["Name", "NAME", "name"], ())


@pytest.mark.parametrize("first", ["\ufeffId", "\ufeff\ufeffId", '\ufeff"Id"', '\ufeff\ufeff"Id"'])
def test_byte_order_marks(tmp_path: Path, first: str) -> None:
    """A byte-order mark, one that was written twice, and quotes are no part of the first name."""
    source = opened(tmp_path, f"{first};Name\n1;x\n".encode())
    assert list(source.files[0].schema) == ["Id", "Name"]
    assert read(source).cells == [("1", "x")]


def test_header_of_two_lines(tmp_path: Path) -> None:
    """`header: 2` joins the names of two lines with a blank where both have one."""
    text = b"Export\n\n;Address;;\nId;Street;City;\n1;Weg 1;Bonn\n2;Weg 2;Ulm\n"
    source = opened(tmp_path, text, header=2)
    file = source.files[0]
    assert list(file.schema) == ["Id", "Address Street", "City"]
    assert read(source).cells == [("1", "Weg 1", "Bonn"), ("2", "Weg 2", "Ulm")]
    assert file.dialect is not None
    assert (file.dialect.preamble, file.dialect.header_lines) == ("Export\n\n", 2)
    both = opened(tmp_path, b"a;b\nx;y\n1;2\n", header=2, skip_lines=0)
    assert list(both.files[0].schema) == ["a x", "b y"]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_repeated_header(tmp_path: Path, *, fast: bool, packed: bool) -> None:
    """A record that repeats the header is marked, by both parsers; one that only starts like it is not."""
    odd = "" if fast else '8;"x"y;z\n'
    text = f'Id; Name ;"St"\n1;Ann;C\nId; Name ;St\n2;Id;C\n\ufeffId; Name ;"St"\nId;Name;St\n{odd}3;Bob;D\n'
    content = gzip.compress(text.encode()) if packed else text.encode()
    got = read(opened(tmp_path, content), rows=2)
    repeated = [
        number for number, text in zip(got.numbers, got.problems, strict=True) if text == REPEATED_HEADER
    ]
    assert repeated == [2, 4]
    assert [row[0] for row in got.cells] == ["1", "Id", "2", "\ufeffId", "Id", *([] if fast else ["8"]), "3"]


def test_repeated_header_with_delimiters_at_its_end(tmp_path: Path) -> None:
    """Empty names at the end of a repeated header do not hide it."""
    got = read_bytes(tmp_path, b"a;b;\n1;2;\na;b;\n3;4;\na;b\n")
    assert [text == REPEATED_HEADER for text in got.problems] == [False, True, False, True]


def test_second_line_of_a_repeated_header(tmp_path: Path) -> None:
    """Of a header of two lines both are recognized; an empty record is not one of them."""
    got = read_bytes(tmp_path, b"a;b\nx;\n1;2\na;b\nx;\n;\n", header=2, skip_lines=0)
    assert [text == REPEATED_HEADER for text in got.problems] == [False, True, True, False]


def test_without_a_header_nothing_repeats_it(tmp_path: Path) -> None:
    """Equal records are equal records where no header names the columns."""
    assert read_bytes(tmp_path, b"a;b\na;b\n", header=False).problems == [None, None]


def test_blank_lines_and_delimiters_only(tmp_path: Path) -> None:
    """Blank lines are no records; delimiters alone are a record of empty cells."""
    got = read_bytes(tmp_path, b"a;b\n\n1;2\n\n;\n\n\n3;4\n\n")
    assert got.cells == [("1", "2"), ("", ""), ("3", "4")]
    assert got.numbers == [1, 2, 3]
    assert got.lines == [3, 5, 8]
