"""`rejects.ndjson` and `rejects.xlsx`: as the records were, and loaded again once they are fixed."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from openpyxl import Workbook, load_workbook

from loader.findings import Finding, load_findings
from loader.records import LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS, Status
from loader.report import Rejected, RejectsWriter
from loader.settings import SourceOptions
from loader.source import open_source
from tests.report.test_results_csv import no_room_after

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NO = Rejected(Status.REFUSED, (Finding("answer.refused", params={"status": 422, "words": "no"}),))
ADDED = (
    '"_status":"refused","_record_no":{},"_line":{},"_field":"","_code":"answer.refused",'
    '"_message":"HTTP 422: no"}}'
)
OWN = (RECORD_NO, LINE, PROBLEM)


def reject_all(folder: Path, paths: Sequence[Path], **options: Any) -> Path:
    """Rejects every record of some files; invalid are those that cannot be read."""
    source = open_source([str(path) for path in paths], SourceOptions(**options))
    with RejectsWriter(folder, source.files) as writer:
        for batch in source.batches(2):
            pairs = batch.rows.select(RECORD_NO, PROBLEM).iter_rows()
            why = {
                number: Rejected(Status.INVALID, load_findings(problem)) if problem else NO
                for number, problem in pairs
            }
            writer.add(batch, why)
        path = writer.close()
    assert path is not None
    return path


def rows_of(path: Path, **options: Any) -> pl.DataFrame:
    """All records of a file."""
    source = open_source([str(path)], SourceOptions(**options))
    return pl.concat(batch.rows for batch in source.batches(1000))


def written(path: Path, content: str | bytes) -> Path:
    """A file of that content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- NDJSON -----------------------------------------------------------------------------------------


def test_objects_stay_as_they_were_written(tmp_path: Path) -> None:
    """Numbers, order, blanks and escapes are the source's; what is wrong is behind."""
    lines = ['{ "n": 1.50e1 , "t":"\\u00e9" }', '{"t":"ü","n":12345678901234567890.10,"x":{"a":[]}}']
    out = reject_all(tmp_path, [written(tmp_path / "in.ndjson", "\n".join(lines))])
    assert out.name == "rejects.ndjson"
    first, second = out.read_text(encoding="utf-8").splitlines()
    assert first == '{ "n": 1.50e1 , "t":"\\u00e9","x":null,' + ADDED.format(1, 1)
    assert second == lines[1].removesuffix("}") + "," + ADDED.format(2, 2)


def test_the_first_object_names_every_column(tmp_path: Path) -> None:
    """A mapping finds all columns, also where no rejected record has one of them."""
    content = '{"a":1,"b":2}\nbad\n{}\n{"a":3}\n'
    source = open_source([str(written(tmp_path / "in.ndjson", content))], SourceOptions())
    (batch,) = source.batches(10)
    with RejectsWriter(tmp_path, source.files) as writer:
        writer.add(batch, {2: NO, 3: NO, 4: NO})
        out = writer.close()
    assert out is not None
    raw, first, other = out.read_text().splitlines()
    assert raw == '{"_raw":"bad",' + ADDED.format(2, 2)
    assert first == '{"a":null,"b":null,' + ADDED.format(3, 3)
    assert other == '{"a":3,' + ADDED.format(4, 4)


def test_bad_lines_are_rejected_again_until_they_are_fixed(tmp_path: Path) -> None:
    """Each is a text; read again it is as bad as it was, in the same way."""
    bad = [b"nonsense", b'{"a":"\xff"}', b'{"a":"\0"}', b'{"a":1,"a":2}', b'{"a":"\\ud800"}', b"[1]"]
    out = reject_all(tmp_path, [written(tmp_path / "in.ndjson", b'{"a":"x"}\n' + b"\n".join(bad))])
    again = rows_of(out)
    assert again[PROBLEM].is_null().to_list() == [True] + [False] * len(bad)
    codes = {load_findings(problem)[0].code for problem in again[PROBLEM][1:]}
    assert codes <= {"rejects.raw_not_fixed", "rejects.not_fixed"}
    fixed = written(tmp_path / "fixed.ndjson", out.read_text().replace('"_raw":"nonsense"', '"_raw":"{}"'))
    assert rows_of(fixed)[PROBLEM][1] is None


def test_rejects_of_rejects(tmp_path: Path) -> None:
    """What was rejected twice has the added keys once, with the newer reasons."""
    first = reject_all(tmp_path / "1", [written(tmp_path / "in.ndjson", '{"a":1.50}\nbad\n')])
    second = reject_all(tmp_path / "2", [first])
    records = [json.loads(line) for line in second.read_text().splitlines()]
    assert [list(record) for record in records] == [["a", *REJECT_COLUMNS], ["_raw", *REJECT_COLUMNS]]
    assert second.read_text().startswith('{"a":1.50,')


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
    max_leaves=4,
)


@given(records=st.lists(st.dictionaries(st.sampled_from("abc"), values, min_size=1), min_size=1, max_size=5))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_object_comes_back_exactly(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    """Rejected and read again, the records are what they were."""
    path = written(tmp_path / "in.ndjson", "".join(f"{json.dumps(record)}\n" for record in records))
    out = reject_all(tmp_path, [path])
    names = list(rows_of(path).drop(OWN).columns)
    again, before = rows_of(out), rows_of(path)
    assert sorted(again.columns) == sorted(before.columns)
    assert again.select(names).rows() == before.select(names).rows()
    assert again[PROBLEM].null_count() == len(records)


# --- Excel ------------------------------------------------------------------------------------------


def workbook(path: Path, rows: Sequence[Sequence[Any]], sheet: str = "Runs") -> Path:
    """A workbook with a sheet of such rows, and an empty one before it."""
    book = Workbook()
    book.worksheets[0].title = "About"
    book.worksheets[0].sheet_state = "hidden"
    target = book.create_sheet(sheet)
    for row in rows:
        target.append(list(row))
    book.save(path)
    return path


MOMENT = datetime(2024, 2, 29, 13, 14, 15, 500_000)  # noqa: DTZ001 - a sheet knows no zones
ROWS: list[list[Any]] = [
    ["Export", None, None, None, None, None, None, None],
    [],
    ["id", "n", "x", "day", "at", "clock", "flag", "mixed"],
    ["007", 7, 7.5, date(2024, 2, 29), MOMENT, time(13, 14), True, 1],
    ["=1+1x", -1, 0.1, date(1999, 12, 31), MOMENT, time(0, 1), False, "1"],
    ["#N/A of course", None, 1e20, None, None, None, None, "_x000D_"],
]


def test_a_sheet_comes_back_as_it_was(tmp_path: Path) -> None:
    """Read with the same options, the rejects have the same columns, types and cells."""
    path = workbook(tmp_path / "in.xlsx", ROWS)
    book = load_workbook(path)
    book["Runs"]["A5"].data_type = "s"
    book.save(path)
    options: dict[str, Any] = {"sheet": "Runs", "skip_lines": 2, "format": "xlsx"}
    out = reject_all(tmp_path / "out", [path], **options)
    assert out.name == "rejects.xlsx"
    before, again = rows_of(path, **options), rows_of(out, **options)
    assert before["id"][1] == "=1+1x"
    assert again.schema == before.schema
    assert again.rows() == before.rows()
    assert [path.name for path in out.parent.iterdir()] == ["rejects.xlsx"]


def test_what_is_wrong_is_behind_the_cells(tmp_path: Path) -> None:
    """The added columns have their names in the source's header row."""
    path = workbook(tmp_path / "in.xlsx", [["id"], ["a"], ["b"]])
    out = reject_all(tmp_path / "out", [path], sheet="Runs")
    sheet = load_workbook(out)["Runs"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["id", *REJECT_COLUMNS],
        ["a", "refused", 1, 2, None, "answer.refused", "HTTP 422: no"],
        ["b", "refused", 2, 3, None, "answer.refused", "HTTP 422: no"],
    ]


def test_fixed_rejects_load_with_the_same_mapping(tmp_path: Path) -> None:
    """A person fixes a cell in Excel and loads the file as it is."""
    path = workbook(tmp_path / "in.xlsx", [["id", "n"], ["a", "x"], ["b", 2]])
    out = reject_all(tmp_path / "out", [path], sheet="Runs")
    book = load_workbook(out)
    book["Runs"]["B2"] = 1
    book.save(out)
    assert rows_of(out, sheet="Runs").drop(OWN).rows() == [("a", "1"), ("b", "2")]


def test_cells_with_errors_are_rejected_until_they_are_filled_in(tmp_path: Path) -> None:
    """What a rejects file cannot hold is not taken for an empty cell."""
    path = workbook(tmp_path / "in.xlsx", [["id", "n"], ["a", "#N/A"], ["b", 2]])
    out = reject_all(tmp_path / "out", [path], sheet="Runs")
    (problem, none) = rows_of(out, sheet="Runs")[PROBLEM]
    assert none is None
    assert "excel.error_value" in problem
    book = load_workbook(out)
    book["Runs"]["B2"] = 1
    book.save(out)
    assert rows_of(out, sheet="Runs")[PROBLEM].to_list() == [None, None]


def test_a_sheet_without_header(tmp_path: Path) -> None:
    """Rows that no header names come back in their places, below as many rows as before."""
    path = workbook(tmp_path / "in.xlsx", [["Export"], ["a", 1], ["b", 2]])
    options: dict[str, Any] = {"sheet": "Runs", "header": False, "skip_lines": 1}
    out = reject_all(tmp_path / "out", [path], **options)
    assert rows_of(out, **options).select("column_1", "column_2").rows() == [("a", 1), ("b", 2)]


# --- Several formats in one load --------------------------------------------------------------------

PARQUET = pl.DataFrame(
    {
        "a": [Decimal("1.50")],
        "d": [date(2024, 1, 1)],
        "n": [[{"x": 1}]],
        "b": [b"\x00\x01"],
        "t": [time(1, 2)],
    }
)


def test_the_first_file_decides_on_the_form(tmp_path: Path) -> None:
    """Records of another format come in the first file's form, none of their cells lost."""
    PARQUET.write_parquet(tmp_path / "p.parquet")
    ndjson = written(tmp_path / "j.ndjson", '{"a":2,"n":{"y":[1]}}\nbad\n')
    table = written(tmp_path / "c.csv", "a,b\n3,x\n4,y,z\n")
    sheet = workbook(tmp_path / "e.xlsx", [["a"], ["5"]])
    files = {"parquet": tmp_path / "p.parquet", "ndjson": ndjson, "csv": table, "xlsx": sheet}
    for form, first in files.items():
        others = [path for name, path in files.items() if name != form]
        out = reject_all(tmp_path / form, [first, *others])
        assert out.name == f"rejects.{form}"
        assert rows_of(out).height == 6


def test_cells_of_other_formats_as_json(tmp_path: Path) -> None:
    """Typed cells behind an NDJSON file are JSON values, nested cells behind a CSV file JSON text."""
    PARQUET.write_parquet(tmp_path / "p.parquet")
    table, lines = written(tmp_path / "c.csv", "a\n1\n"), written(tmp_path / "j.ndjson", '{"a":1}\nbad\n')
    out = reject_all(tmp_path / "1", [lines, tmp_path / "p.parquet"])
    line = '{"a":1.50,"d":"2024-01-01","n":[{"x":1}],"b":"AAE=","t":"01:02:00",' + ADDED.format(1, "null")
    assert out.read_text().splitlines()[2] == line
    out = reject_all(tmp_path / "2", [table, tmp_path / "p.parquet", lines])
    assert out.read_text().splitlines()[2].startswith('1.50,2024-01-01,"[{""x"":1}]",')
    assert out.read_text().splitlines()[4].endswith(",bad")


@pytest.mark.parametrize("name", ["in.ndjson", "in.xlsx"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, name: str) -> None:
    """Where there is no room, the error names the file and nothing is left over."""
    rows = [["a"], *([f"text {number:0100d}"] for number in range(2000))]
    path = tmp_path / name
    if name.endswith("xlsx"):
        workbook(path, rows)
    else:
        written(path, "".join(f'{{"a":"{row[0]}"}}\n' for row in rows))
    with no_room_after(8000), pytest.raises(Exception, match=r"rejects\.\w+: cannot be written") as caught:
        reject_all(tmp_path / "out", [path], **({"sheet": "Runs"} if name.endswith("xlsx") else {}))
    assert caught.value.__class__.__name__ == "Stopped"
    assert list((tmp_path / "out").glob("*")) == []
