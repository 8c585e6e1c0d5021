"""The numbers that a load has in the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from loader.errors import LoaderError
from loader.journal.sqlite.schema import SEQ_BITS

if TYPE_CHECKING:
    import sqlite3


class LoadNumbers(NamedTuple):
    """What identifies a load and its rows in the tables.

    Attributes:
        load_no: The load.
        scope_no: Its tenant and record type.
        started: When it started, in seconds since 1970.
    """

    load_no: int
    scope_no: int
    started: float

    @property
    def first_key(self) -> int:
        """Return the key of the load's row with seq 0."""
        return self.load_no << SEQ_BITS

    @property
    def last_key(self) -> int:
        """Return the highest key that a row of the load can have."""
        return ((self.load_no + 1) << SEQ_BITS) - 1

    def second_of(self, at: datetime) -> int:
        """Return whole seconds from the start to an aware time; negative where the clock was set back."""
        return int(at.timestamp() - self.started)


def find_load(connection: sqlite3.Connection, load_id: str) -> LoadNumbers:
    """Return the numbers of a load.

    Raises:
        LoaderError: The journal does not have it.
    """
    query = "SELECT load_no, scope_no, created_at FROM load WHERE load_id = ?"
    row = connection.execute(query, (load_id,)).fetchone()
    if not row:
        raise LoaderError(f"load {load_id} is not in the journal")
    load_no, scope_no, created_at = row
    at = datetime.fromisoformat(created_at)
    return LoadNumbers(load_no, scope_no, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def find_scope(connection: sqlite3.Connection, tenant: str, resource: str) -> int | None:
    """Return the number of a tenant and record type; None where the journal has none."""
    row = connection.execute(
        "SELECT scope_no FROM scope WHERE tenant = ? AND resource = ?", (tenant, resource)
    ).fetchone()
    return row[0] if row else None


def make_scope(connection: sqlite3.Connection, tenant: str, resource: str) -> int:
    """Return the number of a tenant and record type, made where the journal has none; needs a transaction."""
    connection.execute("INSERT OR IGNORE INTO scope (tenant, resource) VALUES (?, ?)", (tenant, resource))
    (scope_no,) = connection.execute(
        "SELECT scope_no FROM scope WHERE tenant = ? AND resource = ?", (tenant, resource)
    ).fetchone()
    return int(scope_no)
