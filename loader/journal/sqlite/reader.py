"""The half of the SQLite journal that reads: loads, their rows, the crosswalk and rates."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from loader.errors import JournalFailed, JournalUnusable
from loader.journal.sqlite.crosswalk import ELSEWHERE, HERE, NO_KEYS, has_created, known_rows
from loader.journal.sqlite.load_numbers import LoadNumbers, find_load, find_scope
from loader.journal.sqlite.loads import read_load, read_loads
from loader.journal.sqlite.resume import read_resume_point
from loader.journal.sqlite.row_results import count_refused_for_now, read_row_results, read_totals
from loader.journal.sqlite.sqlite_file import sqlite_errors_as
from loader.journal.sqlite.statistics import read_statistics
from loader.journal.sqlite.timeline import read_timeline

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from loader.journal.values import LoadStatistics, Moment, ResumePoint
    from loader.records import ExistingRecord, Load, RowResult, Status


class SqliteReader:
    """The reading methods of `loader.journal.protocol.Journal`, which has their contract.

    Args:
        connection: An open journal.
        path: Its file, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._loads: dict[str, LoadNumbers] = {}

    # --- Loads ---------------------------------------------------------------------------------------

    def load(self, load_id: str) -> Load:
        """Return the load with this id, or the only one that begins with it."""
        with sqlite_errors_as(JournalUnusable, self._path):
            return read_load(self._connection, load_id)

    def loads(self) -> list[Load]:
        """Return all loads, newest first."""
        with sqlite_errors_as(JournalUnusable, self._path):
            return read_loads(self._connection)

    # --- Rows ----------------------------------------------------------------------------------------

    def count_refused_for_now(self, load_id: str) -> int:
        """Return how many rows were refused with 409."""
        with sqlite_errors_as(JournalFailed, self._path):
            return count_refused_for_now(self._connection, self._numbers(load_id))

    def resume_point(self, load_id: str) -> ResumePoint:
        """Return where the load continues."""
        with sqlite_errors_as(JournalUnusable, self._path):
            return read_resume_point(self._connection, self._numbers(load_id))

    def totals(self, load_id: str) -> dict[Status, int]:
        """Return the load's rows by status, with every status."""
        with sqlite_errors_as(JournalFailed, self._path):
            return read_totals(self._connection, self._numbers(load_id))

    def row_results(self, load_id: str, only: Collection[Status] | None = None) -> Iterator[RowResult]:
        """Yield the load's rows in order of seq."""
        with sqlite_errors_as(JournalFailed, self._path):
            yield from read_row_results(self._connection, self._numbers(load_id), only)

    def timeline(self, load_id: str) -> Iterator[Moment]:
        """Yield the seconds of a load in which something was committed, in order."""
        with sqlite_errors_as(JournalFailed, self._path):
            yield from read_timeline(self._connection, self._numbers(load_id))

    def statistics(self, load_id: str) -> LoadStatistics:
        """Return counts over all rows of a load."""
        with sqlite_errors_as(JournalFailed, self._path):
            return read_statistics(self._connection, self._numbers(load_id))

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Show one moment to all that is read inside."""
        with sqlite_errors_as(JournalFailed, self._path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    # --- The crosswalk -------------------------------------------------------------------------------

    def known_elsewhere(self, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return what other loads into the load's tenant and record type have sent."""
        return self._known(ELSEWHERE, load_id, external_ids)

    def known_in(self, tenant: str, resource: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return what any load into a tenant and record type has sent."""
        with sqlite_errors_as(JournalUnusable, self._path):
            scope_no = find_scope(self._connection, tenant, resource)
            if scope_no is None:
                return {}
            return known_rows(self._connection, ELSEWHERE, scope_no, NO_KEYS, external_ids)

    def known_here(self, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return the first row of this load that carries each external id, filtered rows aside."""
        return self._known(HERE, load_id, external_ids)

    def has_created(self, tenant: str, resource: str) -> bool:
        """Tell whether any load into a tenant and record type has created a record."""
        with sqlite_errors_as(JournalUnusable, self._path):
            return has_created(self._connection, tenant, resource)

    # --- The rate ------------------------------------------------------------------------------------

    def learnt_rate(self, tenant: str, resource: str, base_url: str) -> float | None:
        """Return the rate that was kept last for this place; None where there is none."""
        with sqlite_errors_as(JournalUnusable, self._path):
            row = self._connection.execute(
                "SELECT rate FROM pace JOIN scope USING (scope_no)"
                " WHERE tenant = ? AND resource = ? AND base_url = ?",
                (tenant, resource, base_url),
            ).fetchone()
        return float(row[0]) if row else None

    # --- Inside --------------------------------------------------------------------------------------

    def _numbers(self, load_id: str) -> LoadNumbers:
        if load_id not in self._loads:
            self._loads[load_id] = find_load(self._connection, load_id)
        return self._loads[load_id]

    def _known(self, query: str, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        with sqlite_errors_as(JournalFailed, self._path):
            load = self._numbers(load_id)
            keys = load.first_key, load.last_key
            return known_rows(self._connection, query, load.scope_no, keys, external_ids)
