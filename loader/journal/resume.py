"""Where a load goes on, found by indexes alone: the time does not grow with the rows already done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.journal.rows import next_key
from loader.journal.states import CLOSED_FROM, RowState
from loader.records import Position

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from loader.journal.loads import LoadLine

PENDING_KEYS: Final = (
    f"SELECT key FROM load_row WHERE state < {CLOSED_FROM} AND state = {RowState.PENDING.value}"  # noqa: S608 - numbers of our own
    " AND key BETWEEN ? AND ? ORDER BY key"
)
LAST_CHECKPOINT: Final = (
    "SELECT seq, file_no, record_no, line, byte_offset FROM checkpoint WHERE load_no = ? AND seq <= ?"
    " ORDER BY seq DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class PendingRows:
    """Rows that have a line and may be sent again.

    Attributes:
        checkpoint: The last batch start at or before the first of them, and so of each of them.
        seqs: Their numbers over all files of the load, ascending; never empty.
    """

    checkpoint: Position
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a load goes on.

    Attributes:
        next_seq: The first row without a line; every row before it has one.
        checkpoint: The last batch start at or before it; the beginning of the source where there is none.
        pending: The pending rows before it, by the checkpoint that they lie behind, ascending.
    """

    next_seq: int
    checkpoint: Position
    pending: tuple[PendingRows, ...] = ()


def put_checkpoints(connection: sqlite3.Connection, line: LoadLine, checkpoints: Sequence[Position]) -> None:
    """Keeps positions of batch starts; one that is known already stays as it is."""
    connection.executemany(
        "INSERT OR IGNORE INTO checkpoint (load_no, seq, file_no, record_no, line, byte_offset)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (line.load_no, each.seq, each.file_no, each.record_no, each.line, each.offset)
            for each in checkpoints
        ],
    )


def read_resume_point(connection: sqlite3.Connection, line: LoadLine) -> ResumePoint:
    """Where the load goes on."""
    next_seq = next_key(connection, line) - line.first_key
    keys = connection.execute(PENDING_KEYS, (line.first_key, line.last_key)).fetchall()
    behind: dict[Position, list[int]] = {}
    for (key,) in keys:
        seq = key - line.first_key
        behind.setdefault(_checkpoint(connection, line, seq), []).append(seq)
    return ResumePoint(
        next_seq,
        _checkpoint(connection, line, next_seq),
        tuple(PendingRows(checkpoint, tuple(seqs)) for checkpoint, seqs in behind.items()),
    )


def _checkpoint(connection: sqlite3.Connection, line: LoadLine, seq: int) -> Position:
    found = connection.execute(LAST_CHECKPOINT, (line.load_no, seq)).fetchone()
    return Position(*found) if found else Position()
