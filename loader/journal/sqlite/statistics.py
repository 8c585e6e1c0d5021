"""Counts of a load's rows for people, found by one walk over them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from loader.journal.states import RowState
from loader.journal.values import LoadStatistics

if TYPE_CHECKING:
    import sqlite3

    from loader.journal.sqlite.load_numbers import LoadNumbers

_CHANGED: Final = "changed.payload"
# A row that was sent and has no outcome was tried once more than is written: `mark_open_rows` adds it later.
_ROWS: Final = f"""
SELECT file_no, attempts + (state = {RowState.SENT.value}), COUNT(*), COUNT(id),
  SUM(state = {RowState.ALREADY_LOADED.value} AND code IS '{_CHANGED}')
FROM load_row WHERE key BETWEEN ? AND ? GROUP BY 1, 2
"""  # noqa: S608 - words of our own
_DECISIONS: Final = "SELECT COUNT(*) FROM decision WHERE load_no = ?"


def read_statistics(connection: sqlite3.Connection, load: LoadNumbers) -> LoadStatistics:
    """Return counts over a load's rows; the time grows with them, the memory does not."""
    records: Counter[int] = Counter()
    attempts: Counter[int] = Counter()
    ids = changed = 0
    for file_no, tries, rows, with_id, with_changes in connection.execute(
        _ROWS, (load.first_key, load.last_key)
    ):
        records[file_no] += rows
        attempts[tries] += rows
        ids += with_id
        changed += with_changes
    (decided,) = connection.execute(_DECISIONS, (load.load_no,)).fetchone()
    del attempts[0]
    return LoadStatistics(records, attempts, ids, changed, decided)
