"""What is known of external ids: in other loads of the same tenant and record type, and in this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loader.journal.sqlite.schema import SEQ_BITS
from loader.journal.states import STATUS_OF, RowState
from loader.records import ExistingRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

NO_KEYS: Final = (0, -1)
"""A range that holds no key."""
_AT_ONCE: Final = 250  # external ids in one statement

# The index gives rows in order of key. An external id is created once, before the many loads that only met
# it again, so the oldest created row is found without a walk over theirs.
ELSEWHERE: Final = f"""
WITH asked (external_id) AS (VALUES {{marks}}),
known AS (
  SELECT external_id, COALESCE(
    (SELECT key FROM load_row
     WHERE scope_no = :scope AND external_id = asked.external_id AND state = {RowState.CREATED.value}
       AND key NOT BETWEEN :first AND :last
     ORDER BY key LIMIT 1),
    (SELECT key FROM load_row
     WHERE scope_no = :scope AND external_id = asked.external_id
       AND state IN ({RowState.SENT.value}, {RowState.IN_DOUBT.value}) AND key NOT BETWEEN :first AND :last
     ORDER BY key DESC LIMIT 1)) AS key
  FROM asked)
"""  # noqa: S608 - numbers of our own
HERE: Final = f"""
WITH asked (external_id) AS (VALUES {{marks}}),
known AS (
  SELECT external_id,
    (SELECT key FROM load_row
     WHERE scope_no = :scope AND external_id = asked.external_id AND key BETWEEN :first AND :last
       AND state <> {RowState.FILTERED.value}
     ORDER BY key LIMIT 1) AS key
  FROM asked)
"""  # noqa: S608 - numbers of our own
# CROSS JOIN keeps SQLite from reordering: it would walk over all rows of the table.
ROWS: Final = f"""
SELECT known.external_id, load_row.state, load_id, file_no, record_no, id, payload_hash
FROM known CROSS JOIN load_row USING (key) JOIN load ON load.load_no = load_row.key >> {SEQ_BITS}
"""  # noqa: S608 - a number of our own


def known_rows(
    connection: sqlite3.Connection,
    query: str,
    scope_no: int,
    keys: tuple[int, int],
    external_ids: Sequence[str],
) -> dict[str, ExistingRecord]:
    """Run ELSEWHERE or HERE for external ids; leave out those of which nothing is known.

    Args:
        connection: The journal's.
        query: Which of the two.
        scope_no: The tenant and record type in which the ids mean something.
        keys: The first and the last key of the load that is at work; NO_KEYS where there is none.
        external_ids: In any order; repeated ones do no harm.
    """
    return {
        external_id: ExistingRecord(STATUS_OF[state], *rest)
        for external_id, state, *rest in _rows(connection, query, (scope_no, *keys), external_ids)
    }


def has_created(connection: sqlite3.Connection, tenant: str, resource: str) -> bool:
    """Tell whether a load into a tenant and record type created a record; read from counts, not from rows."""
    rows = connection.execute(
        "SELECT 1 FROM scope JOIN load USING (scope_no) JOIN tally USING (load_no)"
        " WHERE tenant = ? AND resource = ? AND tally.state = ? AND row_count > 0 LIMIT 1",
        (tenant, resource, RowState.CREATED.value),
    )
    return rows.fetchone() is not None


def _rows(
    connection: sqlite3.Connection, query: str, place: tuple[int, int, int], external_ids: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(external_ids), _AT_ONCE):
        some = external_ids[start : start + _AT_ONCE]
        marks = ",".join(f"(:id{number})" for number in range(len(some)))
        values: dict[str, str | int] = {f"id{number}": name for number, name in enumerate(some)}
        values |= dict(zip(("scope", "first", "last"), place, strict=True))
        yield from connection.execute(query.format(marks=marks) + ROWS, values).fetchall()
