"""What the journal tells: loads, their rows, the crosswalk and rates; nothing here writes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from loader.errors import JournalFailed, JournalUnusable
from loader.journal.crosswalk import ELSEWHERE, HERE, NO_KEYS, has_created, known_lines
from loader.journal.loads import LoadLine, find_line, read_load, read_loads, scope
from loader.journal.resume import ResumePoint, read_resume_point
from loader.journal.rows import count_refused_for_now, read_receipts, read_totals
from loader.journal.sqlite_file import translated
from loader.journal.statistics import LoadStatistics, read_figures
from loader.journal.timeline import Moment, read_timeline

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from loader.records import ExistingRecord, Load, RowResult, Status


class JournalReader:
    """The half of `Journal` that reads; the contract stands there."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Use `Journal.open`."""
        self._connection = connection
        self._path = path
        self._lines: dict[str, LoadLine] = {}

    # --- Loads ---------------------------------------------------------------------------------------

    def load(self, load_id: str) -> Load:
        """The load of that id, or the only one whose id begins so.

        The types in its files' schemas are the types' names, as text.

        Raises:
            ConfigurationError: There is none, or more than one.
            JournalUnusable: The journal cannot be read.
        """
        with translated(JournalUnusable, self._path):
            return read_load(self._connection, load_id)

    def loads(self) -> list[Load]:
        """All loads, newest first, as `load` gives them.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        with translated(JournalUnusable, self._path):
            return read_loads(self._connection)

    # --- Rows ----------------------------------------------------------------------------------------

    def count_refused_for_now(self, load_id: str) -> int:
        """How many rows were refused with 409: they refer to something that was not there.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        with translated(JournalFailed, self._path):
            return count_refused_for_now(self._connection, self._line(load_id))

    def resume_point(self, load_id: str) -> ResumePoint:
        """Where the load goes on; the time it takes does not grow with the rows done.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        with translated(JournalUnusable, self._path):
            return read_resume_point(self._connection, self._line(load_id))

    def totals(self, load_id: str) -> dict[Status, int]:
        """The load's rows by status, every status named; read from counts, not from rows.

        A row with an intent and no outcome counts as in doubt. Rows without a line are not counted.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        with translated(JournalFailed, self._path):
            return read_totals(self._connection, self._line(load_id))

    def receipts(self, load_id: str, only: Collection[Status] | None = None) -> Iterator[RowResult]:
        """The load's rows in order of seq, read a few at a time.

        Args:
            load_id: The load.
            only: The statuses that are wanted; None: all.

        A row with an intent and no outcome is in doubt, with a message that says so.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        with translated(JournalFailed, self._path):
            yield from read_receipts(self._connection, self._line(load_id), only)

    def timeline(self, load_id: str) -> Iterator[Moment]:
        """The seconds of a load in which something was committed, in order, read a few at a time.

        Their `created` add up to the load's created rows, and their `throttled` to its requests'; only where
        the load is older than timelines, what it did before it had one is missing.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        with translated(JournalFailed, self._path):
            yield from read_timeline(self._connection, self._line(load_id))

    def figures(self, load_id: str, *, mark: str) -> LoadStatistics:
        """Counts over all rows of a load, found by a walk over them.

        Args:
            load_id: The load.
            mark: How the messages of those rows begin that are counted as `marked`.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        with translated(JournalFailed, self._path):
            return read_figures(self._connection, self._line(load_id), mark)

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever other processes write meanwhile.

        Nothing may be written inside.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        with translated(JournalFailed, self._path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    # --- The crosswalk -------------------------------------------------------------------------------

    def known_elsewhere(self, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """What other loads into the load's tenant and record type have sent under these external ids.

        Returns:
            For each external id that another load has created, that record (the oldest, should there be
            several); else for each that another load has sent and does not know the outcome of, the
            newest such row, as IN_DOUBT. Others are left out.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        return self._known(ELSEWHERE, load_id, external_ids)

    def known_in(self, tenant: str, resource: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """What any load into a tenant and record type has sent, as `known_elsewhere` gives it.

        For lookups, and for a dry run, which has no load in this journal.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        with translated(JournalUnusable, self._path):
            scope_no = scope(self._connection, tenant, resource)
            if scope_no is None:
                return {}
            return known_lines(self._connection, ELSEWHERE, scope_no, NO_KEYS, external_ids)

    def has_created(self, tenant: str, resource: str) -> bool:
        """Whether any load into a tenant and record type has created a record.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        with translated(JournalUnusable, self._path):
            return has_created(self._connection, tenant, resource)

    def seen(self, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """The first row of this load that carries each external id, filtered rows aside.

        Returns:
            One for each that has a line, whatever its status (IN_DOUBT for one sent without an outcome).

        Raises:
            JournalFailed: The journal cannot be read.
        """
        return self._known(HERE, load_id, external_ids)

    # --- Pace ----------------------------------------------------------------------------------------

    def learnt_rate(self, tenant: str, resource: str, base_url: str) -> float | None:
        """The rate that was kept last for this place; None where there is none.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        with translated(JournalUnusable, self._path):
            found = self._connection.execute(
                "SELECT rate FROM pace JOIN scope USING (scope_no)"
                " WHERE tenant = ? AND resource = ? AND base_url = ?",
                (tenant, resource, base_url),
            ).fetchone()
        return float(found[0]) if found else None

    # --- Inside --------------------------------------------------------------------------------------

    def _line(self, load_id: str) -> LoadLine:
        if load_id not in self._lines:
            self._lines[load_id] = find_line(self._connection, load_id)
        return self._lines[load_id]

    def _known(self, query: str, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        with translated(JournalFailed, self._path):
            line = self._line(load_id)
            return known_lines(
                self._connection, query, line.scope_no, (line.first_key, line.last_key), external_ids
            )
