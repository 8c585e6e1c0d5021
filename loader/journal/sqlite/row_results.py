"""Rows read back: their results, their totals, and the next one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from loader.findings import load_findings
from loader.journal.sqlite.schema import MISSING_REFERENCE
from loader.journal.states import STATUS_OF, RowState
from loader.records import RowResult, Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from loader.findings import Finding
    from loader.journal.sqlite.load_numbers import LoadNumbers

_PAGE: Final = 2000  # rows read at a time, so that no cursor stays open between them
_SENT: Final = RowState.SENT.value
_REFUSED_FOR_NOW: Final = f"SELECT COUNT(*) FROM load_row WHERE {MISSING_REFERENCE} AND key BETWEEN ? AND ?"  # noqa: S608 - numbers of our own


def next_key(connection: sqlite3.Connection, load: LoadNumbers) -> int:
    """Return the key of the load's first row that the journal does not have."""
    row = connection.execute(
        "SELECT key FROM load_row WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
        (load.first_key, load.last_key),
    ).fetchone()
    return row[0] + 1 if row else load.first_key


def count_refused_for_now(connection: sqlite3.Connection, load: LoadNumbers) -> int:
    """Return how many rows were refused with 409."""
    row = connection.execute(_REFUSED_FOR_NOW, (load.first_key, load.last_key)).fetchone()
    return int(row[0])


def read_totals(connection: sqlite3.Connection, load: LoadNumbers) -> dict[Status, int]:
    """Return the load's rows by status, with every status."""
    totals = dict.fromkeys(Status, 0)
    for state, row_count in connection.execute(
        "SELECT state, row_count FROM tally WHERE load_no = ?", (load.load_no,)
    ):
        totals[STATUS_OF[state]] += row_count
    return totals


def read_row_results(
    connection: sqlite3.Connection, load: LoadNumbers, only: Collection[Status] | None = None
) -> Iterator[RowResult]:
    """Yield the load's rows in order of seq, a page at a time; of these statuses, or of all."""
    condition = "" if only is None else f" AND state IN ({_states_of(only)})"
    query = (
        "SELECT key, file_no, record_no, line, external_id, state, id, http_status, attempts, findings"  # noqa: S608 - numbers of our own
        f" FROM load_row WHERE key > ? AND key <= ?{condition} ORDER BY key LIMIT ?"
    )
    after = load.first_key - 1
    while page := connection.execute(query, (after, load.last_key, _PAGE)).fetchall():
        for key, file_no, record_no, line, external_id, state, record_id, http_status, attempts, text in page:
            yield RowResult(
                key - load.first_key,
                file_no,
                record_no,
                line,
                external_id,
                STATUS_OF[state],
                record_id,
                http_status,
                # The outcome adds the attempt; of a row in progress it is not written yet.
                attempts + 1 if state == _SENT else attempts,
                _findings(text) if text else (),
            )
        after = page[-1][0]


@lru_cache(maxsize=512)
def _findings(text: str) -> tuple[Finding, ...]:
    """Return the findings of a row. Rows mostly share a few texts, and parsing takes longer than reading."""
    return load_findings(text)


def _states_of(statuses: Collection[Status]) -> str:
    """Return the stored states of these statuses, for a query."""
    return ", ".join(str(state) for state, status in STATUS_OF.items() if status in statuses)
