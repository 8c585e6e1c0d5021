"""Where a load continues, found by indexes alone: the time does not grow with the rows that are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.journal.sqlite.row_results import next_key
from loader.journal.states import CLOSED_FROM, RowState
from loader.journal.values import PendingRows, ResumePoint
from loader.records import Position

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from loader.journal.sqlite.load_numbers import LoadNumbers

# The first condition is that of the index on open rows: SQLite uses it only where it sees it word for word.
PENDING_KEYS: Final = (
    f"SELECT key FROM load_row WHERE state < {CLOSED_FROM} AND state = {RowState.PENDING.value}"  # noqa: S608 - numbers of our own
    " AND key BETWEEN ? AND ? ORDER BY key"
)
LAST_CHECKPOINT: Final = (
    "SELECT seq, file_no, record_no, line, byte_offset FROM checkpoint WHERE load_no = ? AND seq <= ?"
    " ORDER BY seq DESC LIMIT 1"
)


def put_checkpoints(
    connection: sqlite3.Connection, load: LoadNumbers, checkpoints: Sequence[Position]
) -> None:
    """Keep positions of batch starts; one that is known already stays as it is."""
    connection.executemany(
        "INSERT OR IGNORE INTO checkpoint (load_no, seq, file_no, record_no, line, byte_offset)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (load.load_no, start.seq, start.file_no, start.record_no, start.line, start.offset)
            for start in checkpoints
        ],
    )


def read_resume_point(connection: sqlite3.Connection, load: LoadNumbers) -> ResumePoint:
    """Return where the load continues."""
    next_seq = next_key(connection, load) - load.first_key
    keys = connection.execute(PENDING_KEYS, (load.first_key, load.last_key)).fetchall()
    behind: dict[Position, list[int]] = {}
    for (key,) in keys:
        seq = key - load.first_key
        behind.setdefault(_checkpoint(connection, load, seq), []).append(seq)
    return ResumePoint(
        next_seq,
        _checkpoint(connection, load, next_seq),
        tuple(PendingRows(checkpoint, tuple(seqs)) for checkpoint, seqs in behind.items()),
    )


def _checkpoint(connection: sqlite3.Connection, load: LoadNumbers, seq: int) -> Position:
    row = connection.execute(LAST_CHECKPOINT, (load.load_no, seq)).fetchone()
    return Position(*row) if row else Position()
