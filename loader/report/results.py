"""`results.csv`: one line a row read, in order; the crosswalk from legacy keys to new ids."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from loader.report.atomic import replacing
from loader.report.csv_injection import harmless

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
    "message",
)


def write_results(path: Path, receipts: Iterable[RowResult], file_names: Sequence[str]) -> None:
    """Writes one line a receipt, in the order given: as RFC 4180 has it, in UTF-8.

    What is None is an empty cell. A message that a spreadsheet program would run as a formula has an
    apostrophe before it; `external_id` and `id` are exact.

    Args:
        path: The file; replaced as a whole when all receipts are written.
        receipts: Read once.
        file_names: The load's file names by `file_no`.

    Raises:
        Stopped: The file cannot be written; what stood there before still does.
    """
    with replacing(path) as file:
        # A file name may hold bytes that are no text; they are shown as escapes.
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(_cells(each, file_names) for each in receipts)
        text.flush()
        text.detach()


def _cells(receipt: RowResult, file_names: Sequence[str]) -> tuple[object, ...]:
    return (
        file_names[receipt.file_no],
        receipt.record_no,
        receipt.external_id,
        receipt.status.value,
        receipt.id,
        receipt.http_status,
        receipt.attempts,
        harmless(receipt.message),
    )
