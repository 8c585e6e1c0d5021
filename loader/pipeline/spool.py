"""Rows that a dry run would not send, kept in a temporary file until their rejects are written."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Self

from loader.errors import Stopped
from loader.records import Receipt, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import TracebackType

    from loader.records import Judged


class ReceiptSpool:
    """A line a row, in the order of the source; it is removed when the block ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, rows: Sequence[Judged]) -> None:
        """Keeps rows.

        Raises:
            Stopped: There is no room for them.
        """
        try:
            for row in rows:
                place = (row.seq, row.file_no, row.record_no, row.line, row.external_id)
                self._file.write(json.dumps([*place, row.status, row.message, row.findings]) + "\n")
        except OSError as error:
            raise Stopped(
                f"rejected rows cannot be kept: {error.strerror or error}",
                next_step="make room in the folder for temporary files, or name another with TMPDIR",
            ) from error

    def receipts(self, statuses: Collection[Status]) -> Iterator[Receipt]:
        """The rows with these statuses, in the order in which they came; one reading at a time."""
        self._file.seek(0)
        for line in self._file:
            seq, file_no, record_no, line_no, external_id, status, message, findings = json.loads(line)
            if status in statuses:
                yield Receipt(
                    seq=seq,
                    file_no=file_no,
                    record_no=record_no,
                    line=line_no,
                    external_id=external_id,
                    status=Status(status),
                    id=None,
                    http_status=None,
                    attempts=0,
                    message=message,
                    findings=findings,
                )
