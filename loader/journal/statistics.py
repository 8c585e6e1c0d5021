"""Counts of a load's rows for people, found by one walk over them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loader.journal.states import RowState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from loader.journal.loads import LoadLine

# A row that was sent and has no outcome was tried once more than is written, as `doubt_open_rows` counts it.
_ROWS: Final = f"""
SELECT file_no, attempts + (state = {RowState.SENT.value}), COUNT(*), COUNT(id),
  SUM(state = {RowState.ALREADY_LOADED.value} AND substr(message, 1, ?) = ?)
FROM load_row WHERE key BETWEEN ? AND ? GROUP BY 1, 2
"""  # noqa: S608 - numbers of our own
_DECIDED: Final = "SELECT COUNT(*) FROM decision WHERE load_no = ?"


@dataclass(frozen=True, slots=True)
class LoadStatistics:
    """What is counted over all rows of a load.

    Attributes:
        records: Rows by the index of their file.
        attempts: Rows by how often they were sent; rows that never were are left out.
        ids: Rows whose record's id is known.
        marked: Rows already loaded whose message begins as was asked.
        decided: How often a person has said what became of a row in doubt.
    """

    records: Mapping[int, int] = field(default_factory=dict)
    attempts: Mapping[int, int] = field(default_factory=dict)
    ids: int = 0
    marked: int = 0
    decided: int = 0


def read_figures(connection: sqlite3.Connection, line: LoadLine, mark: str) -> LoadStatistics:
    """Counts a load's rows; the time grows with them, the memory does not.

    Args:
        connection: The journal's.
        line: The load.
        mark: How the messages of `marked` rows begin.
    """
    records: Counter[int] = Counter()
    attempts: Counter[int] = Counter()
    ids = marked = 0
    groups = connection.execute(_ROWS, (len(mark), mark, line.first_key, line.last_key))
    for file_no, tried, rows, with_id, with_mark in groups:
        records[file_no] += rows
        attempts[tried] += rows
        ids += with_id
        marked += with_mark
    (decided,) = connection.execute(_DECIDED, (line.load_no,)).fetchone()
    del attempts[0]
    return LoadStatistics(records, attempts, ids, marked, decided)
