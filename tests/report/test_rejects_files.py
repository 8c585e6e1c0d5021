"""`rejects.*`: the wrong rows as they were, in their source's own form, ready to be fixed and loaded."""

from __future__ import annotations

import codecs
import gzip
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import assume, given, settings
from polars.testing import assert_frame_equal

from loader.errors import ConfigurationError, LoaderError, Stopped
from loader.findings import Finding, Location
from loader.records import (
    GROUP,
    INCOMPLETE,
    LEFT_OUT,
    LINE,
    PARENT,
    PROBLEM,
    RECORD_NO,
    REJECT_COLUMNS,
    Batch,
    Dialect,
    Position,
    RowResult,
    SourceFile,
    Status,
)
from loader.report import Rejected, RejectsWriter
from loader.settings import Format, SourceOptions
from loader.source import open_source
from tests.report.test_results_csv import no_room_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

INVALID = Rejected(
    Status.INVALID,
    (
        Finding("enum.value", "status", "S", "X", {"allowed": ["draft"]}),
        Finding("required.empty", "name", "N"),
    ),
)
REFUSED = Rejected(Status.REFUSED, (Finding("answer.refused", params={"status": 422, "words": "no"}),))
NO = "answer.refused,HTTP 422: no"
COLUMNS = "_status{0}_record_no{0}_line{0}_field{0}_code{0}_message"


INVALID_CELLS = (
    '"status; name";"enum.value; required.empty";'
    '"""X"" is not one of draft; name is required, but column \'N\' is empty"'
)


def refused(words: str) -> Rejected:
    """A row that the service refused with these words."""
    return Rejected(Status.REFUSED, (Finding("answer.refused", params={"status": 422, "words": words}),))


def reject(
    directory: Path, paths: Sequence[Path], wrong: Mapping[str, Mapping[int, Rejected]], **options: Any
) -> Path:
    """Reads files as the loader does and writes their rejects: file name -> record number -> why."""
    source = open_source([str(path) for path in paths], SourceOptions(**options))
    with RejectsWriter(directory, source.files) as writer:
        for batch in source.batches(2):
            numbers = set(batch.rows[RECORD_NO])
            ours = wrong.get(batch.file.name, {})
            writer.add(batch, {number: why for number, why in ours.items() if number in numbers})
        path = writer.close()
    assert path
    return path


def test_a_legacy_export_keeps_its_form(tmp_path: Path) -> None:
    """BOM-less cp1252 with semicolons, CRLF, lines above the header and a footer comes out as it went in."""
    text = (
        "Export 2019 für alle\r\n\r\nId;Näme;Note\r\n"
        '007;"a;b";x\r\n008;Ö €;"two\r\nlines"\r\n009; "q"" ;\r\n010;"say ""hi""";  z\r\nTotal;4\r\n'
    )
    path = tmp_path / "in.csv"
    path.write_bytes(text.encode("cp1252"))
    options = {"skip_lines": 2, "skip_footer": 1, "encoding": "cp1252", "delimiter": ";"}
    out = reject(tmp_path / "out", [path], {"in.csv": {2: INVALID, 4: REFUSED}}, **options)
    assert out == tmp_path / "out" / "rejects.csv"
    assert out.read_bytes().decode("cp1252") == (
        f"Export 2019 für alle\r\n\r\nId;Näme;Note;{COLUMNS.format(';')}\r\n"
        f'008;Ö €;"two\r\nlines";invalid;2;5;{INVALID_CELLS}\r\n'
        f'010;"say ""hi""";"  z";refused;4;8;;{NO.replace(",", ";")}\r\nTotal;4\r\n'
    )


def test_what_was_fixed_loads_as_it_is(tmp_path: Path) -> None:
    """Read with the same options, the rejects give the same columns and cells; the added ones are left."""
    path = tmp_path / "in.csv"
    path.write_bytes(codecs.BOM_UTF8 + b'Id|Note\n1|a\n2|"b|\nc"\n3|d\n')
    out = reject(tmp_path, [path], {"in.csv": {2: INVALID}}, delimiter="|")
    assert out.read_bytes().startswith(codecs.BOM_UTF8 + b"Id|Note|_status")
    (batch,) = open_source([str(out)], SourceOptions(delimiter="|")).batches(10)
    assert batch.rows.drop(RECORD_NO, LINE, PROBLEM).rows() == [("2", "b|\nc")]


ALPHABET = st.sampled_from(['"', "'", "\\", ";", "|", ",", " ", "\n", "\r", "\t", "a", "ü", "€", "=", ""])
CELLS = st.lists(ALPHABET, max_size=6).map("".join)


@settings(max_examples=150, deadline=None)
@given(
    cells=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4),
    delimiter=st.sampled_from([";", "|", "||", "\t", ",;", "€"]),
    quote=st.sampled_from(['"', "'"]),
    escape=st.sampled_from([None, "\\"]),
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16-le"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_cell_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[str, str, str]],
    delimiter: str,
    quote: str,
    escape: str | None,
    encoding: str,
    newline: str,
) -> None:
    """Whatever is in a cell and however the file is written: the rejects are read back exactly."""
    assume(delimiter not in (quote, escape))
    folder = tmp_path_factory.mktemp("rejects")
    dialect = Dialect(delimiter, quote, escape, encoding, newline=newline, bom=encoding == "utf-16-le")
    batch = made_batch(dialect, cells)
    with RejectsWriter(folder, [batch.file]) as writer:
        writer.add(batch, dict.fromkeys(range(1, len(cells) + 1), REFUSED))
        out = writer.close()
    options = SourceOptions(delimiter=delimiter, quote=quote, escape=escape, encoding=encoding)
    (again,) = open_source([str(out)], options).batches(10)
    assert again.rows[PROBLEM].to_list() == [None] * len(cells)
    assert again.rows.select("A", "B", "C").rows() == cells


def made_batch(
    dialect: Dialect | None,
    cells: Sequence[tuple[Any, ...]],
    columns: Sequence[str] = ("A", "B", "C"),
    **changes: Any,
) -> Batch:
    """A batch as a reader gives it."""
    rows = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
    number = pl.int_range(1, rows.height + 1, dtype=pl.Int64)
    form: Format = "csv" if dialect else "parquet"
    file = SourceFile(0, "in.csv", "in.csv", 1, "00", form, dialect, dict(rows.schema))
    values: dict[str, Any] = {
        "file": file,
        "start": Position(),
        "end": Position(rows.height),
        "rows": rows.with_columns(
            number.alias(RECORD_NO), (number + 1).alias(LINE), pl.lit(None, pl.String).alias(PROBLEM)
        ),
    }
    return Batch(**{**values, **changes})


def write(directory: Path, *batches: Batch, why: Rejected = REFUSED) -> tuple[Path, tuple[str, ...]]:
    """Rejects every row of the batches."""
    with RejectsWriter(directory, [batch.file for batch in batches]) as writer:
        for batch in batches:
            writer.add(batch, dict.fromkeys(batch.rows[RECORD_NO].to_list(), why))
        path = writer.close()
        assert path
        return path, writer.notes


def test_ragged_records_stay_ragged(tmp_path: Path) -> None:
    """Missing cells are empty; surplus cells are behind the added columns, none is lost."""
    path = tmp_path / "in.csv"
    path.write_bytes(b'A,B,C\n1\n2,b,c,d,"e,"\n')
    out = reject(tmp_path, [path], {"in.csv": {1: REFUSED, 2: REFUSED}}, delimiter=",")
    assert out.read_text().splitlines()[1:] == [
        f"1,,,refused,1,2,,{NO}",
        f'2,b,c,refused,2,3,,{NO},d,"e,"',
    ]


def test_a_file_without_a_header_gets_none(tmp_path: Path) -> None:
    """Where the source names no columns, the rejects name none."""
    path = tmp_path / "in.csv"
    path.write_bytes(b"1,a\n2,b\n")
    out = reject(tmp_path, [path], {"in.csv": {2: REFUSED}}, header=False)
    assert out.read_text() == f"2,b,refused,2,2,,{NO}\n"


def test_a_packed_source_gives_a_plain_file(tmp_path: Path) -> None:
    """Rejects are for people to fix: they are not packed."""
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"A\n1\n"))
    out = reject(tmp_path, [path], {"in.csv.gz": {1: REFUSED}})
    assert out.name == "rejects.csv"
    assert out.read_text().startswith("A,_status")


def test_without_a_quote_our_own_words_give_way(tmp_path: Path) -> None:
    """Where nothing encloses a cell, a message loses what would end it; the source's cells do not."""
    dialect = Dialect(delimiter="; ", quote=None)
    why = refused('no; "really\nno')
    out, notes = write(tmp_path, made_batch(dialect, [(' "a', "b", "")]), why=why)
    assert out.read_text().splitlines()[1] == (
        ' "a; b; ; refused; 1; 2; ; answer.refused; HTTP_422:_no__"really\\nno'
    )
    assert notes == ()


def test_our_own_words_are_fitted_to_the_encoding(tmp_path: Path) -> None:
    """A message the encoding cannot hold is replaced where it must be, and the rest stays."""
    out, notes = write(
        tmp_path,
        made_batch(Dialect(encoding="cp1252"), [("€", "b", "c")]),
        why=refused("日 nein €"),
    )
    assert out.read_bytes().decode("cp1252").splitlines()[1] == (
        "€,b,c,refused,1,2,,answer.refused,HTTP 422: ? nein €"
    )
    assert notes == ()


def test_a_message_cannot_be_a_formula(tmp_path: Path) -> None:
    """Fields and messages are neutralised; the source's own cells are not touched."""
    place = Location("=HYPERLINK(1).csv", record_no=7)
    why = Rejected(Status.INVALID, (Finding("json.too_deep", "=1+1", location=place),))
    out, _ = write(tmp_path, made_batch(Dialect(), [("=1+1", "b", "c")]), why=why)
    assert out.read_text().splitlines()[1] == (
        "=1+1,b,c,invalid,1,2,'=1+1,json.too_deep,"
        '"\'=HYPERLINK(1).csv, record 7: the JSON is nested too deeply"'
    )


def test_bytes_that_were_no_text_do_not_change_the_encoding(tmp_path: Path) -> None:
    """A byte that the reader had to give up is a question mark, in the same encoding."""
    path = tmp_path / "in.csv"
    path.write_bytes(b"A,B\nx\x81y,\xfc\n")
    out = reject(tmp_path, [path], {"in.csv": {1: REFUSED}}, encoding="cp1252", delimiter=",")
    assert out.read_bytes().splitlines()[1].startswith(b"x?y,\xfc,refused,1,2,")


@pytest.mark.parametrize("bom", [True, False])
def test_cells_that_do_not_fit_the_first_files_encoding_are_not_lost(tmp_path: Path, *, bom: bool) -> None:
    """Files of one load may differ in encoding: the rejects turn into UTF-8, and a note says so."""
    narrow = made_batch(Dialect(encoding="cp1252", preamble="für\n", footer="Ende ß\n"), [("ü", "b", "c")])
    wide = made_batch(Dialect(bom=bom), [("日本", "b", "ü"), ("x", "y", "ß")])
    out, notes = write(tmp_path, narrow, wide)
    assert out.read_bytes().startswith(codecs.BOM_UTF8 + "für\nA,".encode())
    assert out.read_text("utf-8-sig").splitlines()[2:] == [
        f"ü,b,c,refused,1,2,,{NO}",
        f"日本,b,ü,refused,1,2,,{NO}",
        f"x,y,ß,refused,2,3,,{NO}",
        "Ende ß",
    ]
    assert notes == ("rejects.csv is in UTF-8: cp1252 cannot hold what later files have",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rejects.csv"]


def test_a_cell_that_needs_a_quote_the_first_file_has_not(tmp_path: Path) -> None:
    """A later file's cell with the first file's delimiter is quoted, and a note says how to read it."""
    out, notes = write(
        tmp_path,
        made_batch(Dialect(quote=None), [("a", "b", "c")]),
        made_batch(Dialect(delimiter=";"), [('x,"', "y", "z")]),
    )
    assert out.read_text().splitlines()[2].startswith('"x,""",y,z,')
    assert notes == ("some cells of rejects.csv are quoted: load it with -s quote='\"'",)


def test_columns_of_later_files_come_behind(tmp_path: Path) -> None:
    """Several files make one rejects file with all their columns, each cell in its own."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_bytes(b"A;B\n1;2\n")
    second.write_bytes(b"C,A\n3,4\n5,6\n")
    out = reject(tmp_path / "out", [first, second], {"a.csv": {1: REFUSED}, "b.csv": {2: INVALID}})
    assert out.read_text().splitlines() == [
        f"A;B;C;{COLUMNS.format(';')}",
        f"1;2;;refused;1;2;;{NO.replace(',', ';')}",
        f"6;;5;invalid;2;3;{INVALID_CELLS}",
    ]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Rejects of a Parquet source have its types, lists and dates as they were, and the added columns."""
    frame = pl.DataFrame(
        {
            "id": pl.Series([1, 2, 3], dtype=pl.Int16),
            "day": [date(2020, 1, 1), None, date(2021, 2, 3)],
            "tags": [["a"], [], None],
            "price": pl.Series([Decimal("1.10"), None, Decimal("2.00")], dtype=pl.Decimal(10, 2)),
        }
    )
    path = tmp_path / "in.parquet"
    frame.write_parquet(path)
    out = reject(tmp_path / "out", [path], {"in.parquet": {1: INVALID, 3: REFUSED}})
    assert out.name == "rejects.parquet"
    rejects = pl.read_parquet(out)
    assert_frame_equal(rejects.drop(REJECT_COLUMNS), frame[[0, 2]])
    assert rejects.select(REJECT_COLUMNS).rows() == [
        (
            "invalid",
            1,
            None,
            "status; name",
            "enum.value; required.empty",
            "\"X\" is not one of draft; name is required, but column 'N' is empty",
        ),
        ("refused", 3, None, "", "answer.refused", "HTTP 422: no"),
    ]
    kinds = [pl.String, pl.Int64, pl.Int64, *[pl.String] * 3]
    assert rejects.select(REJECT_COLUMNS).dtypes == kinds
    assert sorted(path.name for path in out.parent.iterdir()) == ["rejects.parquet"]


def test_parquet_rejects_are_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many rejects go to disk in parts and come together in order; files may differ in their columns."""
    monkeypatch.setattr("loader.report.rejects.parquet._PART", 3)
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pl.DataFrame({"x": range(20)}).write_parquet(first)
    pl.DataFrame({"x": [20.5], "y": ["new"]}).write_parquet(second)
    wrong = {"a.parquet": dict.fromkeys(range(1, 21), REFUSED), "b.parquet": {1: REFUSED}}
    out = reject(tmp_path / "out", [first, second], wrong)
    rejects = pl.read_parquet(out)
    assert rejects["x"].to_list() == [*map(float, range(20)), 20.5]
    assert rejects.columns == ["x", "y", *REJECT_COLUMNS]
    assert rejects["y"].to_list() == [None] * 20 + ["new"]


@pytest.mark.parametrize("name", ["rejects.csv", "rejects.parquet"])
def test_nothing_rejected_gives_no_file(tmp_path: Path, name: str) -> None:
    """Where no row was rejected there is no file, and an older run's goes."""
    (tmp_path / name).write_text("an older run's")
    file = made_batch(Dialect() if name.endswith("csv") else None, []).file
    with RejectsWriter(tmp_path, [file]) as writer:
        assert writer.close() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dialect", [Dialect(), None])
def test_what_is_not_closed_is_dropped(tmp_path: Path, dialect: Dialect | None) -> None:
    """Where writing breaks off, there is nothing under the name, and nothing is left over."""
    batch = made_batch(dialect, [("a", "b", "c")])
    with RejectsWriter(tmp_path, [batch.file]) as writer:
        writer.add(batch, {1: REFUSED})
    assert list(tmp_path.iterdir()) == []


def test_the_source_is_never_replaced(tmp_path: Path) -> None:
    """Fixed rejects that are validated in their own folder stay as they are."""
    path = tmp_path / "rejects.csv"
    path.write_text(f"A,{COLUMNS.format(',')}\n1,,,,,,\n")
    source = open_source([str(path)], SourceOptions())
    with pytest.raises(ConfigurationError, match="would replace the source"):
        RejectsWriter(tmp_path / "." / "x" / "..", source.files)


def test_a_record_that_is_not_in_the_batch_is_a_bug(tmp_path: Path) -> None:
    """No reject is lost without an error."""
    batch = made_batch(Dialect(), [("a", "b", "c")])
    with RejectsWriter(tmp_path, [batch.file]) as writer:
        with pytest.raises(LoaderError, match="not in its batch"):
            writer.add(batch, {2: REFUSED})
        other = made_batch(Dialect(), [("a",)], columns=["Other"])
        with pytest.raises(LoaderError, match="no columns for Other"):
            writer.add(other, {1: REFUSED})


@pytest.mark.parametrize("dialect", [Dialect(), None])
def test_a_full_disk_stops_with_the_files_name(tmp_path: Path, dialect: Dialect | None) -> None:
    """Where there is no room, the error names the file and nothing is left over."""
    batch = made_batch(dialect, [(f"{number:0100d}", "b", "c") for number in range(3000)])
    why = dict.fromkeys(range(1, 3001), REFUSED)
    with no_room_after(8000), RejectsWriter(tmp_path, [batch.file]) as writer:
        with pytest.raises(Stopped, match=r"rejects\.\w+: cannot be written") as caught:  # noqa: PT012 - either may meet it
            writer.add(batch, why)
            writer.close()
        assert caught.value.exit_code == 5
    assert list(tmp_path.iterdir()) == []


# --- Rows of records, and rows of a load -----------------------------------------------------------------


def grouped_batch() -> Batch:
    """A record of three rows, the first of which is number 4."""
    batch = made_batch(Dialect(), [("a", "x", "1")])
    own = pl.DataFrame({"A": ["a", "a", "a"], "B": ["x", "y", "z"], "C": ["1", "2", "3"]}).with_columns(
        pl.Series(RECORD_NO, [4, 5, 6]),
        pl.Series(LINE, [5, 6, 7]),
        pl.lit(None, pl.String).alias(PROBLEM),
        pl.lit(4, pl.Int64).alias(PARENT),
        pl.lit(value=False).alias(LEFT_OUT),
        pl.lit(None, pl.String).alias(INCOMPLETE),
    )
    rows = batch.rows.with_columns(pl.lit(4, pl.Int64).alias(RECORD_NO))
    return replace(batch, rows=rows, children={GROUP: own})


def test_each_row_of_a_record_has_its_own_findings(tmp_path: Path) -> None:
    """A row without any names its record; findings in second files are those of the first row."""
    second = Location("rem.csv", 9, record_no=8)
    findings = (
        Finding("number.plain_format", "n", "C", "x", location=Location(line=6, record_no=5)),
        Finding("json.too_deep", "o", location=second),
    )
    batch = grouped_batch()
    with RejectsWriter(tmp_path, [batch.file]) as writer:
        writer.add(batch, {4: Rejected(Status.INVALID, findings)})
        out = writer.close()
    assert out is not None
    assert pl.read_csv(out).select("B", "_record_no", "_field", "_code", "_message").rows() == [
        ("x", 4, "o", "json.too_deep", "rem.csv, record 8, line 9: the JSON is nested too deeply"),
        ("y", 5, "n", "number.plain_format", '"x" is not a number'),
        ("z", 6, None, "group.record_rejected", "its record, which begins with record 4, is invalid"),
    ]


def test_rows_of_a_load_are_taken_from_their_source(tmp_path: Path) -> None:
    """In order, over batches and files; the source is read as far as the last one, and not without any."""
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_bytes(b"A,B\n1,x\n2,y\n3,z\n")
    paths[1].write_bytes(b"A,B\n4,x\n5,y\n" + b"6,z\n" * 10)
    source = open_source([str(path) for path in paths], SourceOptions())
    results = [
        RowResult(
            seq, file_no, record_no, record_no + 1, None, Status.REFUSED, None, 422, 1, REFUSED.findings
        )
        for seq, file_no, record_no in [(0, 0, 1), (2, 0, 3), (4, 1, 2)]
    ]
    read = []

    def batches() -> Iterator[Batch]:
        for batch in source.batches(2):
            read.append(batch)
            yield batch

    with RejectsWriter(tmp_path / "out", source.files) as writer:
        writer.add_rows(batches(), results)
        out = writer.close()
    assert out is not None
    assert pl.read_csv(out).select("A", "B", "_record_no").rows() == [(1, "x", 1), (3, "z", 3), (5, "y", 2)]
    assert len(read) == 3
    with RejectsWriter(tmp_path / "out", source.files) as writer:
        writer.add_rows(batches(), [])
        assert writer.close() is None
    assert len(read) == 3


def test_rejects_in_other_formats_go(tmp_path: Path) -> None:
    """Those of an earlier run; never a file of the source."""
    for name in ("rejects.ndjson", "rejects.xlsx", "other.csv"):
        (tmp_path / name).write_text("an older run's")
    mine = tmp_path / "rejects.parquet"
    pl.DataFrame({"A": ["1"]}).write_parquet(mine)
    files = [
        made_batch(Dialect(), [], columns=["A"]).file,
        open_source([str(mine)], SourceOptions()).files[0],
    ]
    batch = made_batch(Dialect(), [("1",)], columns=["A"])
    with RejectsWriter(tmp_path, files) as writer:
        writer.add(batch, {1: REFUSED})
        writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.csv", "rejects.csv", "rejects.parquet"]
