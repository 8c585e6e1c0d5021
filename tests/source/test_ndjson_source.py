"""NDJSON as a source: exact values, one type per column, a bad line costs one record."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from backports import zstd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loader.errors import SourceChanged, SourceError, SourceLost
from loader.findings import Finding, load_findings
from loader.records import REJECT_COLUMNS, Position
from loader.settings import SourceOptions
from loader.source import open_source
from loader.source.ndjson.infer import InferredShape, column_of, series_of
from loader.source.ndjson.lines import Fractional, Whole
from tests.source.source_cases import opened, problem, read, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from loader.source import Source


def lines(*texts: str) -> bytes:
    """A file of these lines."""
    return "".join(f"{text}\n" for text in texts).encode()


def column(folder: Path, *values: str) -> pl.Series:
    """The column that such JSON values make."""
    source = opened(folder, lines(*(f'{{"v":{value}}}' for value in values)), "v.ndjson")
    (batch,) = source.batches(1000)
    assert batch.rows.schema["v"] == source.files[0].schema["v"]
    return batch.rows["v"]


def test_columns_are_all_keys(tmp_path: Path) -> None:
    """Columns are the keys of the whole file in the order in which they come; a missing one is null."""
    source = opened(tmp_path, lines('{"a":"x"}', "", '{"b":1,"a":null}', "{}"), "rows.ndjson")
    got = read(source)
    assert list(source.files[0].schema.items()) == [("a", pl.String()), ("b", pl.Int64())]
    assert got.cells == [("x", None), (None, 1), (None, None)]
    assert (got.numbers, got.lines) == ([1, 2, 3], [1, 3, 4])
    assert (source.files[0].format, source.files[0].dialect) == ("ndjson", None)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["1", "-2", "null"], pl.Int64(), [1, -2, None]),
        (["9223372036854775807", "-9223372036854775808"], pl.Int64(), [2**63 - 1, -(2**63)]),
        (["9223372036854775808", "-1"], pl.Decimal(38, 0), [Decimal(2**63), Decimal(-1)]),
        (["9" * 38], pl.Decimal(38, 0), [Decimal("9" * 38)]),
        (["1.50", "2", "0.125"], pl.Decimal(38, 3), [Decimal("1.50"), Decimal(2), Decimal("0.125")]),
        (["1.5e3", "25E-3"], pl.Decimal(38, 3), [Decimal(1500), Decimal("0.025")]),
        (["0.1234567890123456789"], pl.Decimal(38, 19), [Decimal("0.1234567890123456789")]),
        (["1e300", "2.5"], pl.Float64(), [1e300, 2.5]),
        (["9" * 39, "1"], pl.String(), ["9" * 39, "1"]),
        (["1e400"], pl.String(), ["1e400"]),
        (["true", "false", "null"], pl.Boolean(), [True, False, None]),
        (["1.50", '"n/a"', "true", "1e5"], pl.String(), ["1.50", "n/a", "true", "1e5"]),
        (["null", "null"], pl.String(), [None, None]),
        (['"007"', '"1e5"'], pl.String(), ["007", "1e5"]),
        (["[1,2]", "[]", "null"], pl.List(pl.Int64), [[1, 2], [], None]),
        (["[1.5]", "[2]"], pl.List(pl.Decimal(38, 1)), [[Decimal("1.5")], [Decimal(2)]]),
        (
            ['{"x":1,"y":["a"]}', '{"x":null}', "null"],
            pl.Struct({"x": pl.Int64, "y": pl.List(pl.String)}),
            [{"x": 1, "y": ["a"]}, {"x": None, "y": None}, None],
        ),
        (['{"x":1.50}', '{"x":"n/a"}'], pl.String(), ['{"x":1.50}', '{"x":"n/a"}']),
        (['[1, "a"]', "[2]"], pl.String(), ['[1,"a"]', "[2]"]),
        (['{"x":1}', '"text"', "1.0"], pl.String(), ['{"x":1}', '"text"', "1.0"]),
        (["{}", "null"], pl.String(), ["{}", None]),
        (["[" * 20 + "]" * 20], pl.String(), ["[" * 20 + "]" * 20]),
    ],
)
def test_types(tmp_path: Path, values: list[str], dtype: pl.DataType, expected: list[Any]) -> None:
    """A column has the type that holds all of its values exactly, else it is text as it was written."""
    found = column(tmp_path, *values)
    assert (found.dtype, found.to_list()) == (dtype, expected)


def test_what_is_read_as_text_is_reported(tmp_path: Path) -> None:
    """Columns whose values differ are named, with what they hold."""
    notes = (
        opened(tmp_path, lines('{"a":1,"b":{"x":1},"c":1}', '{"a":"x","b":[1],"c":2}'), "v.jsonl")
        .files[0]
        .notes
    )
    assert notes == (
        "detected: NDJSON, 3 columns",
        "column 'a' has texts and numbers: read as text, as in the file",
        "column 'b' has objects and arrays: read as JSON text",
    )


numbers = st.one_of(
    st.integers().map(str),
    st.integers(-(10**60), 10**60).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda each: f"{each:E}".replace("E+", "e")),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})\.[0-9]{1,25}", fullmatch=True),
)


@given(texts=st.lists(numbers, min_size=1, max_size=6))
@example(texts=["1e30", "1e-30"])
@example(texts=["0." + "1" * 38, "0.5"])
@settings(max_examples=300, deadline=None)
def test_any_numbers_are_exact(texts: list[str]) -> None:
    """Whatever type they get, no digit of a number is lost."""
    shape = InferredShape()
    values = [Whole(text) if text.lstrip("-").isdigit() else Fractional(text) for text in texts]
    for value in values:
        shape.see(value)
    for text, found in zip(texts, series_of("v", values, column_of(shape)), strict=True):
        assert Decimal(repr(found) if isinstance(found, float) else found) == Decimal(text)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**80), 2**80), st.text(st.characters(exclude_categories=["Cs"]))
)
records = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
        max_leaves=5,
    ),
    min_size=1,
)


def plain(value: Any) -> Any:
    """A value without nulls in objects, in which a struct and its object may differ, and numbers as text."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else value


@given(rows=st.lists(records, min_size=1, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_objects_come_back(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Each value is what it was, or its text."""
    got = read_bytes(tmp_path, lines(*(json.dumps(row) for row in rows)), "v.ndjson", format="ndjson")
    names = list(dict.fromkeys(name for row in rows for name in row))
    assert got.problems == [None] * len(rows)
    for row, cells in zip(rows, got.cells, strict=True):
        for name, cell in zip(names, cells, strict=True):
            value = row.get(name)
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            same = plain(cell) == plain(value) or (
                isinstance(cell, Decimal) and not isinstance(value, list | dict | str) and cell == value
            )
            assert same or cell == text or flattened(cell) == flattened(value)


def flattened(value: Any) -> str:
    """All plain values in order, as text."""
    if isinstance(value, dict):
        return ";".join(flattened(entry) for _, entry in sorted(value.items()) if entry is not None)
    if isinstance(value, list):
        return "[" + ",".join(flattened(item) for item in value) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"nonsense", problem("row.not_json", words="Expecting value", position=1)),
        (b'{"a":1', problem("row.not_json", words="Expecting ',' delimiter", position=7)),
        (b'{"a":1} {"a":2}', problem("row.not_json", words="Extra data", position=9)),
        (b"[1]", problem("row.not_object", got="an array")),
        (b"null", problem("row.not_object", got="null")),
        (b"true", problem("row.not_object", got="a boolean")),
        (b"7", problem("row.not_object", got="a number")),
        (b'"x"', problem("row.not_object", got="a string")),
        (b'{"a":1,"a":2}', problem("row.duplicate_key", key="a")),
        (b'{"b":{"x":1,"x":2}}', problem("row.duplicate_key", key="x")),
        (b'{"a":NaN}', problem("row.not_a_number", number="NaN")),
        (b'{"a":"\xff"}', problem("row.bad_bytes", encoding="utf-8", bytes="FF", position=7)),
        (b'{"a":"\0"}', problem("row.nul_byte", position=7)),
        (b'{"a":"\\ud800"}', problem("row.surrogate")),
        (b'{"a":' + b"[" * 100_000, problem("row.too_deep")),
    ],
)
def test_a_bad_line_costs_one_record(tmp_path: Path, line: bytes, expected: str) -> None:
    """What is not a JSON object is reported with its place; the lines around it are read."""
    got = read_bytes(tmp_path, b'{"a":1}\n' + line + b"\r\n\n" + b'{"a":2}', "v.ndjson")
    assert got.problems == [None, expected, None]
    assert (got.numbers, got.lines) == ([1, 2, 3], [1, 2, 4])
    assert [cells[0] for cells in got.cells] == [1, None, 2]


def test_bad_lines_make_no_columns(tmp_path: Path) -> None:
    """The keys and values of a line that is rejected count for nothing."""
    got = opened(tmp_path, lines('{"a":1}', '{"a":"x","b":1,"b":2}'), "v.ndjson")
    assert got.files[0].schema == {"a": pl.Int64()}


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs one record, and what is behind it has its place; it is never held as a whole."""
    monkeypatch.setattr("loader.source.ndjson.lines.LONGEST_RECORD", 100)
    monkeypatch.setattr("loader.source.ndjson.lines.BLOCK", 64)
    long = b'{"a":"' + b"x" * 1000 + b'"}'
    content = b'{"a":"1"}\n' + long + b'\n{"a":"2"}\n' + long
    source = opened(tmp_path, content, "v.ndjson")
    got = read(source, rows=1)
    assert got.problems == [
        None,
        problem("row.too_long", length=len(long) + 1, limit=100),
        None,
        problem("row.too_long", length=len(long), limit=100),
    ]
    assert got.batches[1].end == Position(2, 0, 3, 3, 10 + len(long) + 1)
    assert read(source, rows=1, start=got.batches[1].end).cells == [("2",), (None,)]


def packed(content: bytes, form: str) -> tuple[str, bytes]:
    """A name and the bytes of a file in that form."""
    if form == "gz":
        return "v.ndjson.gz", gzip.compress(content)
    if form == "zst":
        return "v.ndjson.zst", zstd.compress(content)
    return "v.ndjson", content.decode().encode(form)


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "utf-16", "gz", "zst"])
def test_resume_from_every_batch(tmp_path: Path, form: str) -> None:
    """From the end of any batch reading gives what reading through gives from there on."""
    texts = [f'{{"k":"é{number}","n":{number}.5}}' if number % 7 else "bad" for number in range(40)]
    name, content = packed(("\n\n".join(texts)).encode(), form)
    source = opened(tmp_path, content, name)
    for rows in (1, 3, 100):
        whole = list(source.batches(rows))
        assert sum(batch.rows.height for batch in whole) == 40 == source.total_hint()
        for number, batch in enumerate(whole, 1):
            rest = list(source.batches(rows, batch.end))
            assert [facts(item) for item in rest] == [facts(item) for item in whole[number:]]
        for limit in (0, 1, 3, 39, 41):
            limited = list(source.batches(rows, limit=limit))
            assert sum(item.rows.height for item in limited) == min(limit, 40)


def facts(batch: Any) -> tuple[Any, ...]:
    """All that a batch says."""
    return batch.start, batch.end, batch.rows.rows(), batch.raw.to_list()


def test_offsets_are_those_of_the_content(tmp_path: Path) -> None:
    """A position counts bytes of the unpacked content, so that a plain file is sought in."""
    source = opened(tmp_path, b'\xef\xbb\xbf{"a":1}\r\n\n{"a":2}\n', "v.ndjson")
    first, second = source.batches(1)
    assert (first.start, first.end) == (Position(0, 0, 1, 1, 3), Position(1, 0, 2, 2, 12))
    assert (second.start, second.end) == (Position(1, 0, 2, 3, 13), Position(2, 0, 3, 4, 21))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; one JSON object per line was expected"),
        (b"\n \n", "is empty; one JSON object per line was expected"),
        (b'[\n{"a":1}\n', None),
        (b'[{"a":1},{"a":2}]', "no line is a JSON object; line 1: the line is an array, not a JSON object"),
        (b'{\n"a": 1\n}\n', "no line is a JSON object; line 1: not valid JSON"),
        (b"{}\n{}\n", "has no columns of its own"),
        (b'{"__line":1}\n', "which the loader uses itself"),
    ],
)
def test_unusable_files(tmp_path: Path, content: bytes, words: str | None) -> None:
    """What holds no objects line by line is refused when it is opened, with what to do."""
    if words is None:
        expected = problem("row.not_json", words="Expecting value", position=2)
        assert read_bytes(tmp_path, content, "v.json").problems[0] == expected
        return
    with pytest.raises(SourceError, match=words) as caught:
        opened(tmp_path, content, "v.json")
    assert str(tmp_path / "v.json") in caught.value.message
    assert caught.value.next_step


def test_too_many_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are data are refused before they fill the memory."""
    monkeypatch.setattr("loader.source.ndjson.file._MOST_COLUMNS", 10)
    with pytest.raises(SourceError, match="more than 10 different keys by line 11"):
        opened(tmp_path, lines(*(f'{{"k{number}":1}}' for number in range(20))), "v.ndjson")


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.ndjson", b'{"a":1}', "ndjson"),
        ("a.jsonl.gz", gzip.compress(b'{"a":1}', mtime=0), "ndjson"),
        ("a.data", b' \n{"a":1}', "ndjson"),
        ("a", zstd.compress(b'\xef\xbb\xbf{ "a":1}'), "ndjson"),
        ("a.txt", b'{"a":1}', "ndjson"),
        ("a.txt", b"a,b\n1,2\n", "csv"),
        ("a.csv", b'{"a"\n1\n', "csv"),
        ("a.data", b"{a},b\n1,2\n", "csv"),
    ],
)
def test_known_by_name_or_content(tmp_path: Path, name: str, content: bytes, form: str) -> None:
    """The name says what a file is; where it says nothing, the content does."""
    assert opened(tmp_path, content, name).files[0].format == form


def test_format_of_an_option_wins(tmp_path: Path) -> None:
    """`format` wins over the name."""
    assert opened(tmp_path, b'{"a":1}\n', "a.csv", format="ndjson").files[0].schema == {"a": pl.Int64()}


def changed(tmp_path: Path, content: bytes) -> Source:
    """A source whose file is another one by the time it is read."""
    source = opened(tmp_path, lines('{"a":1}', '{"a":2}'), "v.ndjson")
    (tmp_path / "v.ndjson").write_bytes(content)
    return source


@pytest.mark.parametrize("content", [b'{"a":1}\n', b'{"a":1}\n{"a":"x"}\n', b'{"a":1}\n{"a":{"b":1}}\n'])
def test_changed_while_reading(tmp_path: Path, content: bytes) -> None:
    """A file that is not what it was when it was opened ends the load as lost."""
    with pytest.raises(SourceLost, match="since it was opened"):
        list(changed(tmp_path, content).batches(10))


def test_changed_since_the_load_began(tmp_path: Path) -> None:
    """Files are held against those that the load began with."""
    before = opened(tmp_path, b'{"a":1}\n', "v.ndjson").files
    opened(tmp_path, b'{"a":1}\n', "v.ndjson").checked(before)
    with pytest.raises(SourceChanged, match="SHA-256"):
        opened(tmp_path, b'{"a":2}\n', "v.ndjson").checked(before)


OWN = ',"_status":"invalid","_record_no":1,"_line":1,"_field":"","_code":"date.format","_message":"m"'


def test_what_a_rejects_file_adds_is_left_out(tmp_path: Path) -> None:
    """Of each record that has all six keys; a key of that name in another record is a column."""
    source = opened(tmp_path, lines('{"a":1.50' + OWN + "}", '{"a":2,"_line":7}'), "v.ndjson")
    assert read(source).cells == [(Decimal("1.50"), None), (Decimal(2), 7)]
    assert (
        source.files[0].notes[-1]
        == f"left out: {', '.join(REJECT_COLUMNS)} (the keys that a rejects file adds)"
    )
    (batch,) = source.batches(10)
    assert batch.raw is not None
    assert batch.raw.to_list() == ['{"a":1.50}', '{"a":2,"_line":7}']


def test_a_bad_line_that_was_fixed_in_its_text(tmp_path: Path) -> None:
    """The text of a line that was not JSON is read where it is JSON now, else it is rejected again."""
    good, bad = json.dumps('{"a":1}'), json.dumps('{"a":')
    got = read_bytes(tmp_path, lines('{"_raw":' + good + OWN + "}", '{"_raw":' + bad + OWN + "}"), "v.ndjson")
    assert got.cells == [(1,), (None,)]
    assert got.problems[0] is None
    assert load_findings(got.problems[1] or "") == (
        Finding("rejects.raw_not_fixed", params={"marker": "_raw"}),
        Finding("row.not_json", params={"words": "Expecting value", "position": 6}),
    )


def test_encoding_of_an_option(tmp_path: Path) -> None:
    """Another encoding is read where an option names it; what does not decode costs one record."""
    content = '{"a":"ü"}\n{"a":"?"}\n'.encode("cp1252").replace(b"?", b"\x81")
    got = read_bytes(tmp_path, content, "v.ndjson", encoding="cp1252")
    assert got.cells == [("ü",), (None,)]
    (bad,) = load_findings(got.problems[1] or "")
    assert (bad.code, bad.params["encoding"], bad.params["bytes"]) == ("row.bad_bytes", "cp1252", "81")


@given(content=st.binary(max_size=200))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    """Whatever follows a good line: every line that is not blank is a record, read or rejected."""
    source = opened(tmp_path, b'{"a":1}\n' + content, "v.ndjson")
    kept = [line for line in content.split(b"\n") if line and not line.isspace()]
    got = read(source, rows=2)
    assert len(got.cells) == 1 + len(kept)
    assert open_source([str(tmp_path / "v.ndjson")], SourceOptions()).total_hint() == 1 + len(kept)
