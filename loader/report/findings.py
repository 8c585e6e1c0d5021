"""`findings.parquet` and `findings.csv`: one line a finding, in the order of the source."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from loader.findings import Location
from loader.report.atomic import replacing, write_errors
from loader.report.csv_injection import neutralised
from loader.wording import message_and_expected

if TYPE_CHECKING:
    from types import TracebackType

SCHEMA: Final = pl.Schema(
    {
        "file": pl.String(),
        "record_no": pl.Int64(),
        "line": pl.Int64(),
        "external_id": pl.String(),
        "status": pl.String(),
        "field": pl.String(),
        "column": pl.String(),
        "value": pl.String(),
        "code": pl.String(),
        "params": pl.String(),
        "row_no": pl.Int64(),
        "row_file": pl.String(),
    }
)
"""The columns of a frame of findings.

`field` is empty where the whole record is wrong; `value` is cut short; `params` is as `dump_params` writes
it. `row_no` is the row that a record of several rows is wrong in, null or equal to `record_no` for its first
row; `row_file` the second file that this row is in, null for the source. `line` is the line of that row.
"""

FILE_SCHEMA: Final = pl.Schema(
    {
        **{name: dtype for name, dtype in SCHEMA.items() if name not in ("params", "row_no", "row_file")},
        "expected": pl.String(),
        "message": pl.String(),
    }
)
"""The columns of both files; `line` is null for a row of a second file, which the message names."""

_WORDED: Final = ("code", "field", "column", "value", "params", "row_no", "row_line", "row_file")
_TEXTS: Final = tuple(name for name, dtype in FILE_SCHEMA.items() if dtype == pl.String)
_HELD: Final = 50_000  # findings in memory before they go to disk


def in_other_row() -> pl.Expr:
    """Return whether a line of SCHEMA is about another row than its record's first one."""
    return (pl.col("row_no") != pl.col("record_no")) | pl.col("row_file").is_not_null()


def with_wording(findings: pl.DataFrame) -> pl.DataFrame:
    """Return findings as both files have them.

    Args:
        findings: Of SCHEMA.

    Returns:
        The same lines, of FILE_SCHEMA.
    """
    other = in_other_row().fill_null(value=False)
    placed = findings.with_columns(
        pl.when(other).then("row_no").alias("row_no"),
        pl.when(other).then("line").alias("row_line"),
        pl.when(pl.col("row_file").is_null()).then("line").alias("line"),
    )
    # Most findings say what others say, too: each sentence is made once.
    different = placed.select(_WORDED).unique(maintain_order=True)
    sentences = [_sentences(*line) for line in different.iter_rows()]
    schema = {"message": pl.String(), "expected": pl.String()}
    worded = different.hstack(pl.DataFrame(sentences, schema, orient="row"))
    joined = placed.join(worded, on=_WORDED, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(FILE_SCHEMA.names())


def _sentences(
    code: str,
    field: str,
    column: str | None,
    value: str | None,
    params: str | None,
    row_no: int | None,
    row_line: int | None,
    row_file: str | None,
) -> tuple[str, str | None]:
    location = None if row_no is None else Location(row_file or "", row_line, record_no=row_no)
    return message_and_expected(code, field, column, value, params, location)


class FindingsWriter:
    """Takes findings in the order of the source and writes both files at the end, complete or not at all.

    What has been taken waits on disk, so that memory stays flat however many there are.

    Args:
        folder: Where the files go; it exists.

    Raises:
        Stopped: Nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with write_errors(folder / "findings.parquet"):
            self._waiting = tempfile.TemporaryDirectory(prefix=".findings-", dir=folder)
        self._held: list[pl.DataFrame] = []
        self._parts: list[Path] = []

    def add(self, findings: pl.DataFrame) -> None:
        """Take findings.

        Args:
            findings: Of SCHEMA.

        Raises:
            Stopped: They cannot be written.
        """
        self._held.append(findings)
        if sum(held.height for held in self._held) >= _HELD:
            self._spill()

    def _spill(self) -> None:
        path = Path(self._waiting.name) / f"{len(self._parts):08}.parquet"
        with write_errors(self._folder / "findings.parquet"), path.open("wb") as file:
            with_wording(pl.concat(self._held)).write_parquet(file)
        self._parts.append(path)
        self._held = []

    def close(self) -> tuple[Path, Path]:
        """Write both files; also where there are no findings, so that old files do not stay.

        Returns:
            The Parquet file and the CSV file.

        Raises:
            Stopped: They cannot be written; files of an earlier run stay as they were.
        """
        self._held.append(SCHEMA.to_frame())
        self._spill()
        parquet, text = self._folder / "findings.parquet", self._folder / "findings.csv"
        with replacing(parquet) as file:
            pl.scan_parquet(self._parts, glob=False).sink_parquet(file, row_group_size=_HELD)
        with replacing(text) as file:
            # A part at a time: one sink of all parts takes more memory the more there are.
            for number, part in enumerate(self._parts):
                rows = pl.read_parquet(part, glob=False).with_columns(map(neutralised, _TEXTS))
                rows.write_csv(file, include_header=number == 0)
        return parquet, text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.cleanup()
