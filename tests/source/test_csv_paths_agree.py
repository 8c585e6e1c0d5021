"""The fast parser and the strict parser give the same; block borders do not show."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loader.records import Dialect
from loader.source.csv.fast_parser import parse_fast
from loader.source.csv.file import CsvReadState
from loader.source.csv.layout import CsvLayout
from loader.source.csv.strict_parser import StrictParser
from tests.source.source_cases import ragged, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from loader.source.batches import Chunk

LAYOUT = CsvLayout(Dialect(), ("a", "b", "c"))

junk = st.text(alphabet='ab,,"\r\n é\0', max_size=40).map(str.encode)
tidy = st.lists(
    st.sampled_from(
        [b"a", b",", b",", b"\n", b"\r\n", b'"x,"', b'"y""z"', b'"l\nm\r\nn\ro"', b'""', b" ", b"\xe9", b"\r"]
    ),
    max_size=25,
).map(b"".join)


def written(**dialect: Any) -> CsvLayout:
    """Return the layout of a file that is written in another dialect."""
    return replace(LAYOUT, dialect=replace(LAYOUT.dialect, **dialect))


def parse_strictly(data: bytes, layout: CsvLayout) -> Chunk:
    """Return all records of a text by the strict parser."""
    parser = StrictParser(layout)
    records, at, line = [], 0, 1
    while at < len(data):
        record = parser.record(data, at, line, final=True)
        assert record is not None
        records.append(record)
        at, line = record.end, line + record.breaks
    return parser.chunk(records, 0, 0, 1)


def facts(chunks: list[Chunk]) -> list[tuple[object, ...]]:
    """Return all that chunks have of each record, in order."""
    return [
        (row, int(start), int(end), int(line), int(after), chunk.extra.get(index))
        for chunk in chunks
        for index, (row, start, end, line, after) in enumerate(
            zip(chunk.rows.rows(), chunk.starts, chunk.ends, chunk.lines, chunk.next_lines, strict=True)
        )
    ]


@pytest.mark.parametrize("lone_cr", [False, True])
@given(data=junk | tidy)
@example(data=b"a,b\r")
@example(data=b'"a"\r,b,c')
@example(data=b"\r\n\r\n")
@example(data=b"\xef\xbb\xbfa,b,c\n")
@settings(max_examples=250, deadline=None)
def test_fast_equals_strict(data: bytes, *, lone_cr: bool) -> None:
    """Whatever the fast parser accepts, it reads as the strict parser does."""
    layout = written(lone_cr=lone_cr)
    parsed = parse_fast(data, layout, 0, 1, final=True)
    if parsed is not None:
        chunk, consumed, _ = parsed
        assert consumed == len(data)
        assert facts([chunk]) == facts([parse_strictly(data, layout)])


@pytest.mark.parametrize("lone_cr", [False, True])
@given(data=junk | tidy, block=st.integers(1, 12))
@settings(max_examples=250, deadline=None)
def test_block_borders_do_not_show(data: bytes, block: int, *, lone_cr: bool) -> None:
    """Records are the same wherever the blocks they are read in end."""
    layout = written(lone_cr=lone_cr)
    pieces = list(CsvReadState(layout, io.BytesIO(data), 0, 1, block=block).chunks())
    whole = [parse_strictly(data, layout)] if data else []
    assert facts(pieces) == facts(whole)


@given(
    data=st.text(alphabet="ab;|\"'\\\r\n", max_size=30).map(str.encode),
    delimiter=st.sampled_from([";", "||", "|;", "§"]),
    quote=st.sampled_from(['"', "'", "''"]),
    escape=st.sampled_from([None, "\\"]),
)
@settings(max_examples=500, deadline=None)
def test_regular_lines_are_no_special_case(
    data: bytes, delimiter: str, quote: str, escape: str | None
) -> None:
    """The splitter's short way with lines of regular quotes gives what its long way gives."""
    layout = written(delimiter=delimiter, quote=quote, escape=escape)
    short = parse_strictly(data, layout) if data else None
    with mock.patch("loader.source.csv.splitter.Splitter._regular", return_value=None):
        long = parse_strictly(data, layout) if data else None
    assert facts([short] if short else []) == facts([long] if long else [])


def test_fast_parser_takes_plain_text() -> None:
    """Plain text with quotes, line breaks, blank lines and ragged records does not need the strict parser."""
    data = b'1,"two, ""2""",3\r\n\r\n"l\r\nm",,\r\nshort\r\n1,2,3,\r\n1,2,3,4\r\n'
    parsed = parse_fast(data, LAYOUT, 100, 7, final=False)
    assert parsed is not None
    chunk, consumed, line = parsed
    assert (consumed, line) == (len(data), 14)
    assert chunk.rows.rows() == [
        ("1", 'two, "2"', "3", None),
        ("l\r\nm", "", "", None),
        ("short", None, None, ragged(1, 3)),
        ("1", "2", "3", None),
        ("1", "2", "3", ragged(4, 3)),
    ]
    assert chunk.extra == {4: ("4",)}
    assert chunk.lines.tolist() == [7, 9, 11, 12, 13]
    assert chunk.starts.tolist() == [100, 120, 130, 137, 145]


cell = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
marked = st.text(alphabet="a;,\t|\"'\\\r\n ", max_size=6)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cell | marked, min_size=width, max_size=width), min_size=1, max_size=12)
)


@given(
    table=tables,
    delimiter=st.sampled_from([",", ";", "\t", "|", "§"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-be"]),
    escape=st.sampled_from([None, "\\"]),
    all_quoted=st.booleans(),
)
@example(  # `',` between two line ends is a cell with an apostrophe, or the beginning of one in apostrophes
    table=[["'", ""], ["'", ""]],
    delimiter=",",
    line_end="\n",
    encoding="utf-8",
    escape=None,
    all_quoted=False,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_tables_read_back(
    tmp_path: Path,
    table: list[list[str]],
    delimiter: str,
    line_end: str,
    encoding: str,
    escape: str | None,
    *,
    all_quoted: bool,
) -> None:
    """Cells come back exactly as a CSV writer was given them, in every dialect."""
    text = io.StringIO(newline="")
    breaks = any(mark in cell for mark in "\r\n" for row in table for cell in row)  # not always quoted
    writer = csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if all_quoted or escape or breaks else csv.QUOTE_MINIMAL,
        doublequote=escape is None,
        escapechar=escape,
    )
    writer.writerow([f"n{place}" for place in range(len(table[0]))])
    writer.writerows(table)
    content = text.getvalue().encode(encoding)
    options: dict[str, Any] = {"delimiter": delimiter, "encoding": encoding, "escape": escape}
    if any(cell.startswith("'") for row in table for cell in row):
        # `',` above `',` is one quoted cell as well as two: nothing in the file decides which.
        options["quote"] = '"'
    got = read_bytes(tmp_path, content, **options)
    assert got.cells == [tuple(row) for row in table]
    assert got.problems == [None] * len(table)
    assert got.numbers == list(range(1, len(table) + 1))


@given(table=tables)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_polars_written_tables_read_back(tmp_path: Path, table: list[list[str]]) -> None:
    """So do cells that Polars wrote."""
    names = [f"n{place}" for place in range(len(table[0]))]
    text = pl.DataFrame(table, schema=names, orient="row").write_csv(quote_style="always")
    got = read_bytes(tmp_path, text.encode(), encoding="utf-8", delimiter=",")
    assert got.cells == [tuple(row) for row in table]
