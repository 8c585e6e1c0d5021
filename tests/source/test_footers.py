"""Lines below the last record: what is certainly not data, and what is kept as a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = 'id;name;city;sum\n1;Ann;Bonn;5\n2;"Bob\nLee";Ulm;6\n3;Eva;Kiel;7\n'


@pytest.mark.parametrize(
    "footer",
    [
        "Summe: 2000 Läufe\n",
        "Total;;;1234\n",
        "Total;1234\n",
        "(2000 rows affected)",
        "# end of export\n",
        "Anzahl Datensätze: 3\n",
        "*** END ***\n",
        "Total number of records: 3\n",
        "3 records exported.\n",
        "-----\nTotal 3\n",
        "Total: 3\n=====\n\n",
        "Gesamt;;;18,00 €\n",
        "Ende der Datei\n",
        "\n\nRows: 3",
    ],
)
def test_footers(tmp_path: Path, footer: str) -> None:
    """Totals, counts and marks of an end are not records; they are reported and kept."""
    source = opened(tmp_path, (RECORDS + footer).encode())
    got = read(source)
    assert got.cells == [("1", "Ann", "Bonn", "5"), ("2", "Bob\nLee", "Ulm", "6"), ("3", "Eva", "Kiel", "7")]
    assert got.problems == [None] * 3
    dialect = source.files[0].dialect
    assert dialect is not None
    assert dialect.footer == footer.lstrip("\n")
    lines = sum(bool(line) for line in footer.split("\n"))
    assert source.files[0].notes[0].endswith(f", {lines} footer line{'s' if lines > 1 else ''}")


@pytest.mark.parametrize(
    "last",
    [
        "4;Tot",
        "4;Total",
        "Total",
        "Total Care Ltd;x",
        "Count Dracula\n",
        "Rows of houses\n",
        "End Street 5;x;y\n",
        "4;Sum;5\n",
        "Total;a;b;5\n",
        "Total;1;2;3\n",
        "12345\n",
        "some remark\n",
        '4;"open\nTotal: 5',
        '4;"open\nTotal: 5\n',
        "4;x\nTotal: 5\n",
    ],
)
def test_without_evidence_it_is_a_record(tmp_path: Path, last: str) -> None:
    """A record that was cut off, or text that only begins like a total, is never taken for a footer."""
    source = opened(tmp_path, (RECORDS + last).encode())
    dialect = source.files[0].dialect
    assert dialect is not None
    assert dialect.footer == ""
    got = read(source)
    assert len(got.cells) > 3
    if last.count(";") != 3:
        assert got.problems[3]


@pytest.mark.parametrize("cut", range(1, 40))
def test_file_that_was_cut_off(tmp_path: Path, cut: int) -> None:
    """Wherever a file ends too early, what is left of its last record is never taken for a footer."""
    text = 'name;count;remark\nTotal Care;1;x\nSum 41;2;y\nCount: 7;3;"Rows: 5\nEnd"\nEnd of file;4;z\n'
    source = opened(tmp_path, text[:-cut].encode())
    dialect = source.files[0].dialect
    assert dialect is not None
    assert dialect.footer == ""


def test_one_column_has_no_footer(tmp_path: Path) -> None:
    """Where records have one cell, nothing has fewer."""
    assert read(opened(tmp_path, b"name\nAnn\nTotal: 1\n")).cells == [("Ann",), ("Total: 1",)]


def test_footer_of_a_large_file(tmp_path: Path) -> None:
    """Only the end of a large file is looked at, and the place is right."""
    rows = "".join(f"{number};Müller;x\n" for number in range(200_000))
    source = opened(tmp_path, f"id;name;x\n{rows}Summe: 200000\n".encode())
    dialect = source.files[0].dialect
    assert dialect is not None
    assert dialect.footer == "Summe: 200000\n"
    last = [batch.rows.row(-1)[:3] for batch in source.batches(50_000)][-1]
    assert last == ("199999", "Müller", "x")
