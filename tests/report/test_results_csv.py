"""`results.csv`: one line a row, exact, safe to open, complete or not there."""

from __future__ import annotations

import contextlib
import csv
import resource
import stat
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given

from loader.errors import Stopped
from loader.findings import Finding
from loader.records import RowResult, Status
from loader.report import write_results
from loader.report.csv_injection import neutralise, neutralised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = "source_file,record_no,external_id,status,id,http_status,attempts,code,message\r\n"


def receipt(record_no: int = 1, **changes: Any) -> RowResult:
    """A row that was created."""
    values: dict[str, Any] = {
        "seq": record_no - 1,
        "file_no": 0,
        "record_no": record_no,
        "line": None,
        "external_id": "007",
        "status": Status.CREATED,
        "id": "a|b-1",
        "http_status": 201,
        "attempts": 1,
        "findings": (),
    }
    return RowResult(**{**values, **changes})


@contextlib.contextmanager
def no_room_after(size: int) -> Iterator[None]:
    """Files of this process may not grow beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_a_row_in_order(tmp_path: Path) -> None:
    """The columns are as promised; what is not known is empty; files are named by their number."""
    path = tmp_path / "loads" / "x" / "results.csv"
    lost = Finding("answer.server_error", params={"status": 502, "words": 'lost, "half"\nway'})
    wrong = (Finding("required.empty", "name", "N"), Finding("date.out_of_range", "day", "D", "0000-01-01"))
    rows = [
        receipt(1),
        receipt(
            2, file_no=1, external_id=None, status=Status.FILTERED, id=None, http_status=None, attempts=0
        ),
        receipt(3, status=Status.IN_DOUBT, id=None, http_status=502, attempts=2, findings=(lost,)),
        receipt(4, status=Status.INVALID, id=None, http_status=None, attempts=0, findings=wrong),
    ]
    write_results(path, iter(rows), ["a.csv", "b, c.csv"])
    assert path.read_bytes().decode() == (
        HEAD
        + "a.csv,1,007,created,a|b-1,201,1,,\r\n"
        + '"b, c.csv",2,,filtered,,,0,,\r\n'
        + 'a.csv,3,007,in_doubt,,502,2,answer.server_error,"HTTP 502: lost, ""half""\\nway"\r\n'
        + "a.csv,4,007,invalid,,,0,required.empty,\"name is required, but column 'N' is empty; "
        + 'day: ""0000-01-01"" is not a date in the years 1 to 9999"\r\n'
    )


def test_no_rows_give_a_header(tmp_path: Path) -> None:
    """A load of no rows has its file too."""
    write_results(tmp_path / "results.csv", [], [])
    assert (tmp_path / "results.csv").read_bytes().decode() == HEAD


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_messages_cannot_be_formulas_and_keys_stay_exact(tmp_path: Path, start: str) -> None:
    """A message or a file name that a spreadsheet would run is neutralised; the keys are not touched."""
    text = f"{start}cmd|' /C calc'!A0"
    path = tmp_path / "results.csv"
    findings = (Finding("json.too_deep", text),)
    write_results(path, [receipt(external_id=text, id=text, findings=findings)], [text])
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["external_id"], row["id"], row["source_file"]) == (text, text, f"'{text}")
    assert row["message"] == f"'{text}: the JSON is nested too deeply"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(start: str) -> None:
    """Each of these at the beginning, and nowhere else."""
    assert neutralise(f"{start}1") == f"'{start}1"
    assert neutralise(f"1{start}1") == f"1{start}1"


@given(text=st.text())
def test_neutralised_text_loses_nothing(text: str) -> None:
    """Text is as it was, or has one apostrophe in front; columns follow the same rule."""
    assert neutralise(text) in (text, f"'{text}")
    assert neutralise(neutralise(text)) == neutralise(text)
    assert pl.DataFrame({"a": [text]}).select(neutralised("a")).item() == neutralise(text)


def test_other_programs_read_it(tmp_path: Path) -> None:
    """Polars reads back what was written, with quotes, emoji and line breaks."""
    keys = ['a"b', "ü;😀", "x\ny", "00012", ",", "\u2028"]
    path = tmp_path / "results.csv"
    write_results(path, [receipt(no, external_id=key) for no, key in enumerate(keys, 1)], ["f.csv"])
    assert pl.read_csv(path, infer_schema=False)["external_id"].to_list() == keys


def test_a_file_name_that_is_not_text_is_shown_as_escapes(tmp_path: Path) -> None:
    """Bytes of a file name that are not text do not stop the results."""
    write_results(tmp_path / "results.csv", [receipt()], ["r\udce4te.csv"])
    assert "r\\udce4te.csv,1" in (tmp_path / "results.csv").read_text()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """The file is 0600 and its folder 0700."""
    path = tmp_path / "loads" / "results.csv"
    write_results(path, [receipt()], ["f.csv"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """Where there is no room, the error names the file, and the old one stays as it was."""
    path = tmp_path / "results.csv"
    write_results(path, [receipt()], ["f.csv"])
    was = path.read_bytes()
    with no_room_after(50_000), pytest.raises(Stopped, match=r"results\.csv: cannot be written") as caught:
        write_results(path, (receipt(no) for no in range(1, 100_000)), ["f.csv"])
    assert caught.value.exit_code == 5
    assert "Make room" in (caught.value.next_step or "")
    assert path.read_bytes() == was
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Where the rows break off, there is no half file under the name."""

    def broken() -> Iterator[RowResult]:
        yield receipt()
        raise Stopped("the journal is damaged")

    with pytest.raises(Stopped, match="the journal is damaged"):
        write_results(tmp_path / "results.csv", broken(), ["f.csv"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file in the way of the folder is named."""
    (tmp_path / "loads").write_text("x")
    with pytest.raises(Stopped, match="cannot be written"):
        write_results(tmp_path / "loads" / "x" / "results.csv", [], [])
