"""Truncated, bit-flipped and badly quoted files: every record is read or rejected, and nothing runs away."""

from __future__ import annotations

import csv
import io
import re
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from loader.errors import SourceError
from loader.findings import load_findings
from loader.records import PROBLEM
from loader.settings import SourceOptions
from loader.source import open_source
from loader.source.csv.fast_parser import parse_fast
from loader.source.csv.file import CsvReadState
from loader.source.csv.splitter import Splitter
from loader.source.csv.strict_parser import StrictParser
from tests.source.source_cases import problem, ragged, read, read_bytes
from tests.source.test_csv_paths_agree import LAYOUT, facts, parse_strictly
from tests.source.test_csv_paths_agree import written as laid_out

if TYPE_CHECKING:
    from pathlib import Path

WIDTH: Final = 3
BOUNDED: Final = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

texts = st.text(alphabet='ab,"\n\r é1', max_size=6)
words = st.text(alphabet="ab,\"' é1", max_size=5)


def tables(cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    """Tables of WIDTH columns."""
    return st.lists(st.lists(cells, min_size=WIDTH, max_size=WIDTH), min_size=2, max_size=8)


def written(table: list[list[str]], *, line_end: str = "\n", all_quoted: bool = False) -> str:
    """A table as the csv module writes it."""
    text = io.StringIO(newline="")
    breaks = any(mark in cell for mark in "\r\n" for row in table for cell in row)  # not always quoted
    quoting: Literal[0, 1] = csv.QUOTE_ALL if all_quoted or breaks else csv.QUOTE_MINIMAL
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerows(table)
    return text.getvalue()


@dataclass(frozen=True)
class Damage:
    """What happens to a file's bytes at a place, given as a share of its length."""

    kind: str
    share: float
    mark: bytes

    def applied(self, data: bytes) -> bytes:
        """The damaged bytes."""
        at = min(int(self.share * len(data)), max(0, len(data) - 1))
        if self.kind == "cut":
            return data[:at]
        if self.kind == "flip":
            return data[:at] + bytes([data[at] ^ (self.mark[0] or 1)]) + data[at + 1 :] if data else data
        if self.kind == "drop":
            return data[:at] + data[at + 1 :]
        return data[:at] + self.mark + data[at:]


damages = st.lists(
    st.builds(
        Damage,
        st.sampled_from(["cut", "flip", "drop", "insert", "insert"]),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from([b'"', b'"', b",", b"\n", b"\r", b"\0", b"\xe9", b"\x80", b'""', b"\x01", b"\x04"]),
    ),
    min_size=1,
    max_size=3,
)
damaged = st.builds(
    lambda table, line_end, all_quoted, hurt: _hurt(
        written(table, line_end=line_end, all_quoted=all_quoted).encode(), hurt
    ),
    tables(texts),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    damages,
)


def _hurt(data: bytes, hurt: list[Damage]) -> bytes:
    for item in hurt:
        data = item.applied(data)
    return data


@pytest.mark.parametrize("lone_cr", [False, True])
@given(data=damaged, block=st.integers(1, 60))
@example(data=b'1,"abc,x\n2,",",c\n3,",",d\n', block=4)
@example(data=b'1,"abc,x\n2,b,c\n3,d,e"\n4,5,6\n', block=9)
@settings(max_examples=300, deadline=None)
def test_paths_agree_on_damaged_text(data: bytes, block: int, *, lone_cr: bool) -> None:
    """What the fast parser accepts, it reads as the strict parser does; blocks of any size give the same."""
    layout = laid_out(lone_cr=lone_cr)
    whole = facts([parse_strictly(data, layout)]) if data else []
    parsed = parse_fast(data, layout, 0, 1, final=True)
    if parsed is not None:
        assert parsed[1] == len(data)
        assert facts([parsed[0]]) == whole
    assert facts(list(CsvReadState(layout, io.BytesIO(data), 0, 1, block=block).chunks())) == whole


@given(data=damaged, rows=st.integers(1, 5))
@example(data=b'\x00\n,\n","\na', rows=1)  # without options, these make a table of one column
@BOUNDED
def test_every_record_is_read_or_rejected(tmp_path: Path, data: bytes, rows: int) -> None:
    """Numbers follow each other, lines are right, no byte is between records but blank lines."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b,c\n" + data)
    options = SourceOptions(delimiter=",", encoding="utf-8", skip_lines=0, header=True)
    source = open_source([str(path)], options)
    assert list(source.files[0].schema) == ["a", "b", "c"]
    one_by_one = read(source, rows=1)
    whole = path.read_bytes()
    dialect = source.files[0].dialect
    assert dialect is not None
    line_ends = re.compile(rb"\r\n?|\n" if dialect.lone_cr else rb"\n")
    at = 6
    for number, batch in enumerate(one_by_one.batches, 1):
        start, end = batch.start.offset, batch.end.offset
        assert batch.start.record_no == number
        assert not whole[at:start].strip(b"\r\n")
        assert batch.start.line == 1 + len(line_ends.findall(whole, 0, start))
        assert end > start
        at = end
        if batch.rows[PROBLEM][0] is None and b"\r" not in whole[start:end]:  # csv ends a line at any CR
            assert list(one_by_one.cells[number - 1]) == _by_csv(whole[start:end])
    assert not whole[at:].strip(b"\r\n")
    assert one_by_one.numbers == list(range(1, len(one_by_one.cells) + 1))
    together = read(source, rows=rows)
    for batch in together.batches:
        again = read(source, rows=rows, start=batch.start)
        done = batch.start.seq
        assert again.cells == one_by_one.cells[done:] == together.cells[done:]
        assert again.problems == one_by_one.problems[done:]
        assert again.lines == one_by_one.lines[done:]


def _by_csv(raw: bytes) -> list[str]:
    """A sound record's cells as the csv module reads them."""
    text = raw.decode("utf-8").removesuffix("\n")
    (row,) = csv.reader(io.StringIO(text, newline=""))
    assert not any(row[WIDTH:])
    return row[:WIDTH]


@given(data=st.binary(max_size=300) | damaged)
@BOUNDED
def test_any_bytes_at_all(tmp_path: Path, data: bytes) -> None:
    """A file of anything, its header too, is read or refused with a message."""
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    try:
        source = open_source([str(path)], SourceOptions())
    except SourceError as error:
        words = (error.message, error.next_step)
    else:
        words = ("read", "on")
    assert all(words)
    if words[0] != "read":
        return
    got = read(source, rows=2)
    assert got.numbers == list(range(1, len(got.numbers) + 1))
    assert len(got.cells) == len(got.problems)


@given(
    table=tables(words),
    row=st.integers(0, 7),
    place=st.integers(0, 40),
    all_quoted=st.booleans(),
)
@example(table=[["1", "ab", "x"], ["2", ",", "c"], ["3", ",", "d"]], row=0, place=5, all_quoted=False)
@example(table=[[",", "", ""], ['"1', "", ","]], row=0, place=1, all_quoted=False)
@settings(max_examples=400, deadline=None)
def test_one_lost_quote_costs_one_record(
    table: list[list[str]], row: int, place: int, *, all_quoted: bool
) -> None:
    """A quote that is lost in one line leaves every other record as it was, in its place."""
    lines = [written([cells], all_quoted=all_quoted) for cells in table]
    row %= len(lines)
    quotes = [match.start() for match in re.finditer('"', lines[row])]
    assume(quotes)
    lost = quotes[place % len(quotes)]
    lines[row] = lines[row][:lost] + lines[row][lost + 1 :]
    found = facts([parse_strictly("".join(lines).encode(), LAYOUT)])
    others = [item[0] for index, item in enumerate(found) if index != row]
    assert len(found) == len(table)
    assert others == [(*cells, None) for index, cells in enumerate(table) if index != row]


def cells_and_problem(data: bytes) -> list[tuple[Any, ...]]:
    """Return all records of a text by the strict parser: their cells, then what is wrong."""
    return parse_strictly(data, LAYOUT).rows.rows()


BAD_LINES: Final[dict[str, bytes]] = {
    "opened": b'1,"abc,x\n',
    "opened at the end": b'1,abc,"\n',
    "opened twice": b'1,"abc,"x\n',
    "doubled": b'1,"",""x\n',
    "doubled and open": b'1,"a"",x\n',
    "three": b'"""\n',
    "closed by a delimiter": b'1,"abc,x\n2,",",c\n',
    "stray": b'1,"a" b,c\n',
    "ragged and spanning": b'1,"a\nb\n',
    "ragged, closed": b'1,"a,b\n2,b,c\n3,d,e"\n',
    "loose": b'1,"a\nb",5" x\n',
}


class CountingPattern:
    """A pattern that counts the bytes that it looks through."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern = pattern
        self.looked_through = 0

    def search(self, data: bytes, start: int = 0, stop: int = sys.maxsize) -> re.Match[bytes] | None:
        """Search, and count what lies before the end of the match, else all."""
        match = self.pattern.search(data, start, stop)
        self.looked_through += (match.end() if match else min(stop, len(data))) - start
        return match

    def __getattr__(self, name: str) -> Any:
        """Return another method, which counts all of its text."""
        method = getattr(self.pattern, name)

        def counted(*args: Any) -> Any:
            self.looked_through += len(args[-1])
            return method(*args)

        return counted


@pytest.mark.parametrize("lines", BAD_LINES.values(), ids=BAD_LINES)
@pytest.mark.parametrize("escape", [None, "\\"])
def test_work_grows_with_the_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: bytes, escape: str | None
) -> None:
    """Three times as many faults are three times as much text to look through, and no more."""
    patterns: list[CountingPattern] = []

    def compile_counting(pattern: bytes, flags: int = 0) -> CountingPattern:
        patterns.append(CountingPattern(re.compile(pattern, flags)))
        return patterns[-1]

    counting = SimpleNamespace(compile=compile_counting, escape=re.escape, DOTALL=re.DOTALL)
    monkeypatch.setattr(f"{Splitter.__module__}.re", counting)
    work = []
    for size in (30_000, 90_000):
        patterns.clear()
        data = b"a,b,c\n" + lines * (size // len(lines))
        got = read_bytes(tmp_path, data, delimiter=",", quote='"', escape=escape)
        work.append(sum(pattern.looked_through for pattern in patterns))
        assert got.numbers == list(range(1, len(got.numbers) + 1))
    assert 0 < work[1] < 3.2 * work[0]


@pytest.mark.parametrize(
    ("text", "evidence", "rows"),
    [
        ('1,"abc\n2,"def",x\n3,y,z\n', "text_follows", {1: ["2", "def", "x"], 2: ["3", "y", "z"]}),
        ('1,"abc,x\n2,b,c\n3,"d",e\n', "text_follows", {1: ["2", "b", "c"], 2: ["3", "d", "e"]}),
        ('1,"abc,x\n2,b,c\n3,d,e"\n4,5,6\n', "records_follow", {1: ["2", "b", "c"], 3: ["4", "5", "6"]}),
        ('1,"abc,x\n2,y,", z"\n4,5,6\n', "next_quote", {1: ["2", "y", ", z"], 2: ["4", "5", "6"]}),
        ('1,"abc,x\n2,"",c\n3,"d","e"\n', "text_follows", {1: ["2", "", "c"], 2: ["3", "d", "e"]}),
        ('1,"abc,x\n2,b,c\n3,5" pipe,e\n', "text_follows", {1: ["2", "b", "c"], 2: ["3", '5" pipe', "e"]}),
        ('1,"abc,x\n2,b,c\n3,4,5\n', None, {1: ["2", "b", "c"], 2: ["3", "4", "5"]}),
        ('1,"a\nb","c\n2,"d",e\n4,5,6\n', "text_follows", {1: ["2", "d", "e"], 2: ["4", "5", "6"]}),
    ],
)
def test_footing_after_an_unclosed_quote(text: str, evidence: str | None, rows: dict[int, list[str]]) -> None:
    """The line of the quote is one bad record; what follows is read, and the finding has the line."""
    found = cells_and_problem(text.encode())
    (first, *others) = load_findings(found[0][-1])
    assert first.code == "row.unclosed_quote"
    assert first.params["line"] == (2 if '"c\n' in text else 1)
    assert first.params.get("evidence") == evidence
    assert [other.code for other in others] in ([], ["row.too_few_cells"])
    for index, cells in rows.items():
        assert found[index] == (*cells, None)


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        (
            '1,"l1\nl2" x,3\n',
            ["1", '"l1\nl2" x', "3"],
            problem("row.text_after_quote", value='"l1\nl2" x', cell=2),
        ),
        ('1,"l1\nl2"\n', ["1", "l1\nl2", None], ragged(2, 3)),
        ('1,"l1\nl2",3,4\n', ["1", "l1\nl2", "3"], ragged(4, 3)),
        ('1,"l1\nl2",5" pipe\n', ["1", "l1\nl2", '5" pipe'], None),
        ('1,"a,b,c\nd,e,f\ng",h\n', ["1", "a,b,c\nd,e,f\ng", "h"], None),
        ('1,"l1\n",5" pipe\n', ["1", "l1\n", '5" pipe'], None),
    ],
)
def test_records_of_several_lines_are_not_torn(
    text: str, first: list[str | None], expected: str | None
) -> None:
    """A quoted line break that is closed keeps its record together, a ragged one's too."""
    found = cells_and_problem((text + "4,5,6\n").encode())
    assert list(found[0]) == [*first, expected]
    assert found[1] == ("4", "5", "6", None)
    assert len(found) == 2


def test_records_are_judged_by_what_follows_only() -> None:
    """Reading from any record on gives what reading from the start gave."""
    data = b'1,"abc,x\n2,",",c\n3,"d\ne",f\n4,"g\n5,",h",i\n6,7\n'
    parser, whole, at = StrictParser(LAYOUT), cells_and_problem(data), 0
    for index in range(len(whole)):
        assert [row[:-1] for row in cells_and_problem(data[at:])] == [row[:-1] for row in whole[index:]]
        record = parser.record(data, at, 1, final=True)
        assert record is not None
        at = record.end
