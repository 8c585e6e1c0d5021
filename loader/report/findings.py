"""`findings.parquet` and `findings.csv`: one line a finding, in the order of the source."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from loader.report.atomic import replacing, speaking
from loader.report.csv_injection import FORMULA
from loader.report.rejects_parquet import frames_speaking

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
        "expected": pl.String(),
        "message": pl.String(),
    }
)
"""The columns of both files. `field` is empty where the whole record is wrong; `value` is cut short."""

_TEXTS: Final = tuple(name for name, dtype in SCHEMA.items() if dtype == pl.String)
_HELD: Final = 50_000  # findings in memory before they go to disk


class FindingsWriter:
    """Takes findings in the order of the source and writes both files at the end, whole or not at all.

    What has been taken waits on disk, so that memory stays flat whatever is found.

    Args:
        folder: Where the files go; it exists.

    Raises:
        Stopped: Nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with speaking(folder / "findings.parquet"):
            self._waiting = tempfile.TemporaryDirectory(prefix=".findings-", dir=folder)
        self._held: list[pl.DataFrame] = []
        self._parts: list[Path] = []

    def add(self, findings: pl.DataFrame) -> None:
        """Takes findings.

        Args:
            findings: Of SCHEMA.

        Raises:
            Stopped: They cannot be written.
        """
        self._held.append(findings)
        if sum(each.height for each in self._held) >= _HELD:
            self._put()

    def _put(self) -> None:
        path = Path(self._waiting.name) / f"{len(self._parts):08}.parquet"
        with frames_speaking(self._folder / "findings.parquet"), path.open("wb") as file:
            pl.concat(self._held).write_parquet(file)
        self._parts.append(path)
        self._held = []

    def close(self) -> tuple[Path, Path]:
        """Writes both files; also where nothing was found, so that an old one does not stay.

        Returns:
            The Parquet file and the CSV file.

        Raises:
            Stopped: They cannot be written; what stood there before still does.
        """
        self._held.append(SCHEMA.to_frame())
        self._put()
        parquet, text = self._folder / "findings.parquet", self._folder / "findings.csv"
        with replacing(parquet) as file, frames_speaking(parquet):
            pl.scan_parquet(self._parts, glob=False).sink_parquet(file, row_group_size=_HELD)
        with replacing(text) as file, frames_speaking(text):
            # a part at a time: one sink of them all takes more memory the more there is
            for number, part in enumerate(self._parts):
                harmless = pl.read_parquet(part, glob=False).with_columns(_harmless(name) for name in _TEXTS)
                harmless.write_csv(file, include_header=number == 0)
        return parquet, text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.cleanup()


def _harmless(name: str) -> pl.Expr:
    """Text that a spreadsheet program does not run as a formula."""
    cell = pl.col(name)
    return (
        pl.when(cell.str.contains(FORMULA)).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell).alias(name)
    )
