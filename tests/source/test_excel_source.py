"""Excel workbooks as a source: typed cells, sheets by name, what is wrong in them."""

from __future__ import annotations

import builtins
import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from openpyxl import Workbook
from openpyxl.cell import Cell

from loader.errors import SourceChanged, SourceError
from loader.findings import Finding, dump_findings
from loader.records import LINE, REJECT_COLUMNS, Position, Sheet
from loader.settings import SourceOptions
from loader.source import open_source
from tests.source.source_cases import Read, codes, opened, problem, ragged, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.source import Source

MOMENT = datetime(2024, 2, 29, 13, 14, 15)  # noqa: DTZ001 - a sheet knows no zones


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], *, hidden: str = "") -> bytes:
    """A workbook with such sheets."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name == hidden else "visible"
        for row, cells in enumerate(rows, 1):
            for column, value in enumerate(cells, 1):
                cell = sheet.cell(row, column)
                assert isinstance(cell, Cell)
                cell.value = value
                if isinstance(value, str) and value.startswith("#"):
                    cell.data_type = "e"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def sheet_of(folder: Path, rows: Sequence[Sequence[Any]], **options: Any) -> tuple[Source, Read]:
    """A workbook with one sheet of such rows, and what is read of it."""
    source = opened(folder, workbook({"Runs": rows}), "rows.xlsx", **options)
    return source, read(source)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([7, None, -1], pl.Int64(), [7, None, -1]),
        ([7.0, 2], pl.Int64(), [7, 2]),
        ([7, 7.5, 1e20], pl.Float64(), [7.0, 7.5, 1e20]),
        (["007", " x ", None], pl.String(), ["007", " x ", None]),
        ([True, False], pl.Boolean(), [True, False]),
        ([date(2024, 2, 29), None], pl.Date(), [date(2024, 2, 29), None]),
        ([MOMENT, date(2024, 1, 1)], pl.Datetime("us"), [MOMENT, datetime(2024, 1, 1)]),  # noqa: DTZ001 - likewise
        ([time(13, 14)], pl.Time(), [time(13, 14)]),
        ([timedelta(hours=36)], pl.String(), ["36:00:00"]),
        (
            ["007", 7, 7.5, True, date(2024, 2, 29), MOMENT],
            pl.String(),
            ["007", "7", "7.5", "true", "2024-02-29", "2024-02-29T13:14:15"],
        ),
        (["a_x000D_b", "_x005F_x000D_", "_xD800_"], pl.String(), ["a\rb", "_x000D_", "_xD800_"]),
    ],
)
def test_types(tmp_path: Path, values: list[Any], dtype: pl.DataType, expected: list[Any]) -> None:
    """A column has its cells' type; one whose cells differ is text, whole numbers without a fraction."""
    rows: list[list[Any]] = [["k", "v"], *([number, value] for number, value in enumerate(values))]
    source, got = sheet_of(tmp_path, rows)
    assert source.files[0].schema == {"k": pl.Int64(), "v": dtype}
    assert [cells[1] for cells in got.cells] == expected


def test_a_mixed_column_is_reported(tmp_path: Path) -> None:
    """A column that is text because its cells differ is named."""
    source, _ = sheet_of(tmp_path, [["v"], [1], ["x"]])
    assert source.files[0].notes == (
        'detected: sheet "Runs"',
        "detected: header in row 1",
        "column 'v' has texts and whole numbers: read as text",
    )


def test_header_and_lines(tmp_path: Path) -> None:
    """The first row with anything in it is the header; empty rows are no records; lines are the sheet's."""
    rows: list[list[Any]] = [[], [None, "a", None, "b "], [], [None, 1, None, "x"], [None, None], [None, 2]]
    source, got = sheet_of(tmp_path, rows)
    assert got.cells == [(1, "x"), (2, None)]
    assert (got.numbers, got.lines) == ([1, 2], [4, 6])
    assert list(source.files[0].schema) == ["a", "b"]
    assert source.files[0].sheet == Sheet("Runs", 2, header=True)
    assert (source.files[0].format, source.files[0].dialect) == ("xlsx", None)


def test_a_column_without_a_name(tmp_path: Path) -> None:
    """A column with cells under an empty header cell is called by its place."""
    source, got = sheet_of(tmp_path, [["a", None, "c"], [1, 2, 3]])
    assert list(source.files[0].schema) == ["a", "column_2", "c"]
    assert got.cells == [(1, 2, 3)]


def test_said_header_and_lines(tmp_path: Path) -> None:
    """Lines above the header and below the last record are left out as the options say."""
    rows: list[list[Any]] = [["Export"], ["of 2024"], ["a"], ["1"], ["2"], ["Total"]]
    source, got = sheet_of(tmp_path, rows, skip_lines=2, skip_footer=1)
    assert (got.cells, got.lines) == ([("1",), ("2",)], [4, 5])
    source, got = sheet_of(tmp_path, [["1"], ["2", "3"]], header=False)
    assert list(source.files[0].schema) == ["column_1", "column_2"]
    assert got.cells == [("1", None), ("2", "3")]
    assert source.files[0].sheet == Sheet("Runs", 1, header=False)
    with pytest.raises(SourceError, match=r"skip_footer is 3, but there are fewer rows"):
        sheet_of(tmp_path, [["a"], [1], [2]], skip_footer=3)


def test_errors_cost_one_record(tmp_path: Path) -> None:
    """A cell with an error is no empty cell: its row is rejected, and its column keeps its type."""
    source, got = sheet_of(tmp_path, [["a", "b"], [1, date(2024, 1, 1)], [2, "#N/A"], ["#DIV/0!", "#REF!"]])
    assert got.problems == [
        None,
        problem("excel.error_value", column="b", cell="B3", error="#N/A"),
        dump_findings(
            [
                Finding("excel.error_value", column="a", params={"cell": "A4", "error": "#DIV/0!"}),
                Finding("excel.error_value", column="b", params={"cell": "B4", "error": "#REF!"}),
            ]
        ),
    ]
    assert source.files[0].schema == {"a": pl.Int64(), "b": pl.Date()}


def test_errors_that_stand_for_nothing(tmp_path: Path) -> None:
    """An error that `null_values` names is an empty cell."""
    _, got = sheet_of(tmp_path, [["a", "b"], [1, "#N/A"]], null_values=("", "#N/A"))
    assert (got.cells, got.problems) == ([(1, None)], [None])


def test_a_formula_that_nobody_has_computed(tmp_path: Path) -> None:
    """A formula without a value is no empty cell; one whose value is an empty text is."""
    content = workbook({"Runs": [["a", "b"], [1, "=A2*2"], [2, 4]]})
    _, got = sheet_of(tmp_path, [["a", "b"], [1, "=A2*2"], [2, 4]])
    assert got.problems == [problem("excel.formula_without_value", column="b", cell="B2"), None]
    computed = _replaced(content, b"<v/>", b"<v>2</v>")
    assert read(opened(tmp_path, computed, "rows.xlsx")).cells == [(1, 2), (2, 4)]
    empty = _replaced(content, b'<c r="B2">', b'<c r="B2" t="str">')
    found = read(opened(tmp_path, empty, "rows.xlsx"))
    assert (found.cells, found.problems) == ([(1, None), (2, 4)], [None, None])


def _replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook in whose first sheet some XML is another."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(result, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = part.replace(b"<v />", b"<v/>").replace(b"<v></v>", b"<v/>")
                assert old in part
                part = part.replace(old, new)
            after.writestr(name, part)
    return result.getvalue()


def test_cells_right_of_the_header(tmp_path: Path) -> None:
    """A row with more cells than the header is rejected; its surplus cells are kept."""
    rows: list[list[Any]] = [["a"], [1], [2, None, "x"]]
    _, got = sheet_of(tmp_path, rows)
    assert got.problems == [None, ragged(3, 1)]
    assert got.extra == {2: ("", "x")}


def test_merged_cells(tmp_path: Path) -> None:
    """The value of merged cells is that of the first; the others are empty."""
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (["a", "b"], ["x", 1], [None, 2]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    book.save(tmp_path / "m.xlsx")
    assert read(open_source([str(tmp_path / "m.xlsx")], SourceOptions())).cells == [("x", 1), (None, 2)]


SHEETS: Mapping[str, list[list[Any]]] = {"Notes": [["n"], [1]], "Runs": [["r"], [2]], "Old": [["o"], [3]]}


def test_sheets(tmp_path: Path) -> None:
    """A sheet is found by its name; without one it is the first that is visible, and that is reported."""
    content = workbook(SHEETS, hidden="Notes")
    assert read(opened(tmp_path, content, "b.xlsx", sheet="Notes")).cells == [(1,)]
    silent = opened(tmp_path, content, "b.xlsx")
    assert read(silent).cells == [(2,)]
    assert silent.files[0].notes[0] == (
        'detected: sheet "Runs", the first; set source.sheet for one of the others: "Notes", "Old"'
    )
    with pytest.raises(SourceError, match="has no sheet 'Run'; did you mean 'Runs'") as caught:
        opened(tmp_path, content, "b.xlsx", sheet="Run")
    assert caught.value.next_step == 'Set source.sheet to one of "Notes", "Runs", "Old".'


def test_resume_from_every_batch(tmp_path: Path) -> None:
    """From the end of any batch reading gives what reading through gives from there on."""
    rows: list[list[Any]] = [
        ["k", "n"],
        *([f"K{number}", number] if number % 5 else [] for number in range(1, 30)),
    ]
    source, _ = sheet_of(tmp_path, rows)
    assert source.total_hint() == 24
    for size in (1, 4, 100):
        whole = list(source.batches(size))
        assert sum(batch.rows.height for batch in whole) == 24
        for number, batch in enumerate(whole, 1):
            rest = list(source.batches(size, batch.end))
            assert [item.rows.rows() for item in rest] == [item.rows.rows() for item in whole[number:]]
            assert [(item.start, item.end) for item in rest] == [
                (item.start, item.end) for item in whole[number:]
            ]
        for limit in (0, 1, 5, 24, 30):
            assert sum(item.rows.height for item in source.batches(size, limit=limit)) == min(limit, 24)
    assert next(source.batches(4)).end == Position(4, 0, 5, 6)


def test_changed_since_the_load_began(tmp_path: Path) -> None:
    """A workbook is held against the one that the load began with."""
    content = workbook({"Runs": [["a"], [1]]})
    before = opened(tmp_path, content, "a.xlsx").files
    opened(tmp_path, content, "a.xlsx").checked(before)
    with pytest.raises(SourceChanged):
        opened(tmp_path, workbook({"Runs": [["a"], [22]]}), "a.xlsx").checked(before)


def test_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are taken in parts; a part may have more columns than the one before, and other types."""
    monkeypatch.setattr("loader.source.excel.rows._ROWS_AT_ONCE", 3)
    rows: list[list[Any]] = [[number] for number in range(7)]
    rows[5] = ["x", "late"]
    source, got = sheet_of(tmp_path, rows, header=False)
    assert [cells[0] for cells in got.cells] == ["0", "1", "2", "3", "4", "x", "6"]
    assert [cells[1] for cells in got.cells] == [None] * 5 + ["late", None]
    assert [batch.rows[LINE][0] for batch in source.batches(3)] == [1, 4, 7]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "is empty; a header and rows were expected"),
        ([["__line"], [1]], "which the loader uses itself"),
        ([list(REJECT_COLUMNS), [1]], "has no columns of its own"),
    ],
)
def test_unusable_sheets(tmp_path: Path, rows: list[list[Any]], words: str) -> None:
    """What cannot be used is reported when the workbook is opened."""
    with pytest.raises(SourceError, match=words):
        sheet_of(tmp_path, rows)


def test_a_name_that_is_used_twice(tmp_path: Path) -> None:
    """The second column of a name gets a number, and that is reported; as in text files."""
    source, got = sheet_of(tmp_path, [["a", "b", "a"], ["1", "2", "3"]])
    assert list(source.files[0].schema) == ["a", "b", "a_2"]
    assert got.cells == [("1", "2", "3")]
    assert any('the 3rd column is named "a_2"' in note for note in source.files[0].notes)


def test_a_sheet_with_a_header_only(tmp_path: Path) -> None:
    """No rows, no batches, no error."""
    source, got = sheet_of(tmp_path, [["a", "b"]])
    assert (got.cells, source.total_hint()) == ([], 0)
    assert source.files[0].schema == {"a": pl.String(), "b": pl.String()}


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
def test_a_workbook_that_was_cut(tmp_path: Path, share: float) -> None:
    """A damaged workbook is named, whatever reading it raises."""
    content = workbook({"Runs": [["a"], [1]]})
    with pytest.raises(SourceError, match="damaged or cut short") as caught:
        opened(tmp_path, content[: int(len(content) * share)], "a.xlsx")
    assert str(tmp_path / "a.xlsx") in caught.value.message


def test_a_workbook_with_bad_parts(tmp_path: Path) -> None:
    """So is one whose zip is whole and whose XML is not."""
    content = _replaced(workbook({"Runs": [["a"], [1]]}), b"<sheetData>", b"<sheetData><<<")
    with pytest.raises(SourceError, match="cannot be read as an Excel workbook"):
        opened(tmp_path, content, "a.xlsx")


def test_other_office_files(tmp_path: Path) -> None:
    """Old workbooks and other zip archives are named as what they are."""
    with pytest.raises(SourceError, match=r"old Excel workbook \(\.xls\)"):
        opened(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("rows.csv", "a\n1\n")
    with pytest.raises(SourceError, match=r"is a zip archive but not an \.xlsx workbook"):
        opened(tmp_path, archive.getvalue(), "a.zip")
    with pytest.raises(SourceError, match="is an Excel workbook, not CSV"):
        opened(tmp_path, workbook(SHEETS), "a.csv")
    assert opened(tmp_path, workbook(SHEETS), "a.data").files[0].format == "xlsx"


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where openpyxl is not installed, the error says how to get it."""
    content, real = workbook(SHEETS), builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("openpyxl"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        SourceError, match="openpyxl is needed to read Excel workbooks, and it is not installed"
    ) as caught:
        opened(tmp_path, content, "a.xlsx")
    assert "pip install 'loader[excel]'" in str(caught.value.next_step)


OWN = ["invalid", 1, 2, "", "excel.error_value", "cell B2 holds the error #N/A"]


def test_a_rejected_error_that_nobody_fixed(tmp_path: Path) -> None:
    """A rejects file cannot hold the error: its cell is empty, and the row is rejected until it is filled."""
    header = ["a", "b", *REJECT_COLUMNS]
    without_code = [*OWN[:4], None, OWN[5]]
    _, got = sheet_of(tmp_path, [header, [1, None, *OWN], [2, "x", *OWN], [3, None, *without_code]])
    assert got.cells == [(1, None), (2, "x"), (3, None)]
    assert [codes(text) for text in got.problems] == [["rejects.not_fixed"], [], []]
    expected = problem("rejects.not_fixed", causes=["excel.error_value"], marker="_code")
    assert got.problems[0] == expected


@pytest.mark.parametrize("message", [None, "", "all is well", "Zelle B2 ist falsch"])
def test_no_sentence_lets_an_unfixed_row_pass(tmp_path: Path, message: str | None) -> None:
    """Whatever becomes of `_message`: the code and the empty cell decide."""
    rows: list[list[Any]] = [["a", "b", *REJECT_COLUMNS], [1, None, *OWN[:5], message]]
    _, got = sheet_of(tmp_path, rows)
    assert codes(got.problems[0]) == ["rejects.not_fixed"]
