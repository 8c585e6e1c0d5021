"""`results.csv`: one line a row read, in order; the crosswalk from legacy keys to new ids."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from loader.report.atomic import replacing
from loader.report.csv_injection import neutralise
from loader.wording import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from loader.records import RowResult

COLUMNS: Final = (
    "source_file",
    "record_no",
    "external_id",
    "status",
    "id",
    "http_status",
    "attempts",
    "code",
    "message",
)


def write_results(path: Path, rows: Iterable[RowResult], file_names: Sequence[str]) -> None:
    """Write one line a row, in the order given: as RFC 4180 has it, in UTF-8.

    None is an empty cell. `code` is that of the row's first finding, `message` has all of them. A message or
    a file name that a spreadsheet program would run as a formula has an apostrophe in front; `external_id`
    and `id` are exact.

    Args:
        path: The file; replaced when all rows are written.
        rows: Read once.
        file_names: The load's file names by `file_no`.

    Raises:
        Stopped: The file cannot be written; a file of that name stays as it was.
    """
    with replacing(path) as file:
        # A file name may have bytes that are not text; they are shown as escapes.
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(_cells(row, file_names) for row in rows)
        text.flush()
        text.detach()


def _cells(row: RowResult, file_names: Sequence[str]) -> tuple[object, ...]:
    return (
        neutralise(file_names[row.file_no]),
        row.record_no,
        row.external_id,
        row.status.value,
        row.id,
        row.http_status,
        row.attempts,
        row.code,
        neutralise("; ".join(map(line, row.findings))),
    )
