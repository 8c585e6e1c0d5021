"""A rejects file that is read again: what was fixed passes, what was not is rejected again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import pytest

from loader.records import PROBLEM, REJECT_COLUMNS
from loader.settings import SourceOptions
from loader.source import open_source
from tests.source.source_cases import problem

if TYPE_CHECKING:
    from pathlib import Path

HEADER: Final = f"Id,Name,State,{','.join(REJECT_COLUMNS)}\n"


def problems(path: Path, *rows: str) -> list[str | None]:
    """Return what is wrong with each record of a rejects file; a row is its cells, `_code` and `_message`."""
    records = [row.replace("|", ",invalid,1,2,,") for row in rows]
    path.write_text(HEADER + "".join(f"{record}\n" for record in records), encoding="utf-8")
    return [
        text
        for batch in open_source([str(path)], SourceOptions(delimiter=",")).batches(10)
        for text in batch.rows[PROBLEM]
    ]


def not_fixed(*causes: str) -> str:
    """Return the PROBLEM of a record that nobody has fixed."""
    return problem("rejects.not_fixed", causes=list(causes), marker="_code")


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    """Return where the rejects file is."""
    return tmp_path / "rejects.csv"


def test_short_record_that_nobody_fixed_is_rejected_again(rejects: Path) -> None:
    """Its missing cells are empty in the rejects; they are not taken for empty ones."""
    assert problems(rejects, "7,Spring,|row.too_few_cells,m") == [not_fixed("row.too_few_cells")]


def test_short_record_that_was_filled_in_is_sound(rejects: Path) -> None:
    """Its last cell is not empty: somebody has completed it."""
    assert problems(rejects, "7,,C|row.too_few_cells,m") == [None]


def test_short_record_is_not_fixed_while_its_last_cell_is_empty(rejects: Path) -> None:
    """A cell in the middle is not the end of the record."""
    assert problems(rejects, "7,Spring,|row.too_few_cells,m") == [not_fixed("row.too_few_cells")]
    assert problems(rejects, "7,,|row.too_few_cells,m") == [not_fixed("row.too_few_cells")]


def test_record_without_its_code_is_sound(rejects: Path) -> None:
    """To empty the code means that the record is right as it is."""
    assert problems(
        rejects, "7,Spring,|,has 2 cells, but the header has 3".replace("2 cells,", "2 cells")
    ) == [None]


def test_other_rejects_are_judged_by_the_mapping_alone(rejects: Path) -> None:
    """A code about a cell, or about a fault that reading finds again, does not make a record unreadable."""
    rows = [
        f"7,Spring,|{code},m" for code in ("date.format", "row.nul_byte", "row.too_many_cells", "?", "no")
    ]
    assert problems(rejects, *rows) == [None] * 5


def test_code_column_of_a_source_of_its_own_means_nothing(tmp_path: Path) -> None:
    """Only a file with all six added columns is a rejects file."""
    path = tmp_path / "codes.csv"
    path.write_text("Id,Name,_code\n7,,row.too_few_cells\n", encoding="utf-8")

    (batch,) = open_source([str(path)], SourceOptions()).batches(10)

    assert batch.rows[PROBLEM].to_list() == [None]


FAULTS: Final = {
    "open quote": ('7,"""Spring",C', "row.unclosed_quote", "7,Spring,C"),
    "stray quote": ('7,"""Spr"" ing",C', "row.text_after_quote", "7,Spring,C"),
    "bytes": ("7,Spr\ufffdng,C", "row.bad_bytes", "7,Spring,C"),
    "wide bytes": ("7,Spr?ng,C", "row.bad_bytes", "7,Spring,C"),
    "cut": ("7,Spri,C", "row.too_long", None),
    "short": ("7,Spring,", "row.too_few_cells", "7,Spring,C"),
    "error of a workbook": ("7,,C", "excel.error_value", "7,Spring,C"),
    "formula of a workbook": ("7,,C", "excel.formula_without_value", "7,Spring,C"),
}


@pytest.mark.parametrize(("row", "code", "fixed"), FAULTS.values(), ids=FAULTS)
def test_faults_that_nobody_fixed(rejects: Path, row: str, code: str, fixed: str | None) -> None:
    """A record with a fault that still shows is rejected until it is fixed, or its code emptied."""
    assert problems(rejects, f"{row}|{code},m") == [not_fixed(code)]
    assert problems(rejects, f"{row}|rejects.not_fixed; {code},m") == [not_fixed(code)]
    assert problems(rejects, f"{row}|,m") == [None]
    if fixed:
        assert problems(rejects, f"{fixed}|{code},m") == [None]
        assert problems(rejects, f"{fixed}|rejects.not_fixed; {code},m") == [None]


@pytest.mark.parametrize("message", ["", "all is well", "hat 2 Zellen", "a quote", "not fixed"])
@pytest.mark.parametrize(("row", "code", "fixed"), FAULTS.values(), ids=FAULTS)
def test_no_sentence_lets_an_unfixed_row_pass(
    rejects: Path, row: str, code: str, fixed: str | None, message: str
) -> None:
    """Whatever becomes of `_message`, or of its wording: the code and the cells decide."""
    assert problems(rejects, f"{row}|{code},{message}") == [not_fixed(code)]
    if fixed:
        assert problems(rejects, f"{fixed}|{code},{message}") == [None]


def test_several_codes(rejects: Path) -> None:
    """Each code counts by itself: what is fixed is not named any more, and the rest holds the record back."""
    both = "row.unclosed_quote; row.too_few_cells"
    assert problems(rejects, f'7,"""Spring",|{both},m', f"7,Spring,|{both},m", f"7,Spring,C|{both},m") == [
        not_fixed("row.unclosed_quote", "row.too_few_cells"),
        not_fixed("row.too_few_cells"),
        None,
    ]


def test_rejected_twice_without_its_cause(rejects: Path) -> None:
    """Where the first cause is not known any more, nothing can show that the record is fixed."""
    assert problems(rejects, "7,Spring,C|rejects.not_fixed,m", "7,Spring,C|,m") == [not_fixed(), None]


def test_record_with_a_new_fault_keeps_it(rejects: Path) -> None:
    """What reading finds wrong is reported as it is."""
    assert problems(rejects, "7,Spr\0ing,C|row.too_long,m") == [problem("row.nul_byte", cell=2)]


def test_rejects_of_other_formats(tmp_path: Path) -> None:
    """The rejects of several formats are in the first one's: Parquet has the records of a CSV file, too."""
    added = dict(zip(REJECT_COLUMNS, ["invalid", 1, 2, "", "row.too_few_cells", "m"], strict=True))
    rows = [{"Id": 7, "State": None, **added}, {"Id": 8, "State": "C", **added}]
    pl.DataFrame(rows).write_parquet(tmp_path / "rejects.parquet")

    (batch,) = open_source([str(tmp_path / "rejects.parquet")], SourceOptions()).batches(10)

    assert batch.rows[PROBLEM].to_list() == [not_fixed("row.too_few_cells"), None]
    assert list(batch.rows.columns[:2]) == ["Id", "State"]
