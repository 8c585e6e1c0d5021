"""The journal in a SQLite file: what writes, claims, and opening."""

from __future__ import annotations

import contextlib
import os.path
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Self

from loader.errors import Busy, JournalFailed, JournalUnusable
from loader.journal.sqlite.claims import read_holder, write_claim
from loader.journal.sqlite.load_numbers import make_scope
from loader.journal.sqlite.loads import insert_load
from loader.journal.sqlite.locks import is_locked, try_lock
from loader.journal.sqlite.reader import SqliteReader
from loader.journal.sqlite.resume import put_checkpoints
from loader.journal.sqlite.rows import (
    begin_rows,
    count_rows,
    end_rows,
    mark_open_rows,
    record_decisions,
    reopen_waiting,
)
from loader.journal.sqlite.sqlite_file import FILE_NAME, open_file, sqlite_errors_as
from loader.journal.sqlite.timeline import add_second, last_second
from loader.journal.values import Claim

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.journal.sqlite.load_numbers import LoadNumbers
    from loader.records import DecidedRow, Load, LoadState, Outcome, Position, Requests, SendableRow


class SqliteJournal(SqliteReader):
    """A `loader.journal.protocol.Journal` in one SQLite file; the contract is there.

    Durable means that the disk has it: the file is in WAL mode, and each commit is synced.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        self._seconds: dict[str, int] = {}  # by load: the last one that has an entry in the timeline

    @classmethod
    def open(cls, home: Path, *, wait: float) -> Self:
        """Open `HOME/journal.db`, or make it; see `loader.journal.open_journal`."""
        return cls(open_file(home, wait=wait), home / FILE_NAME)

    @staticmethod
    def exists(home: Path) -> bool:
        """Tell whether there is such a file, whatever it is."""
        return os.path.lexists(home / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        self._connection.close()

    # --- Claims --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def claim(self, tenant: str, resource: str, load_id: str) -> Iterator[Claim]:
        """Hold a tenant and record type for a load, as long as the block runs."""
        with try_lock(self._path.parent, tenant, resource) as locked:
            if not locked:
                raise self._busy(tenant, resource)
            with self._writing(JournalUnusable):
                epoch = write_claim(self._connection, tenant, resource, load_id)
            yield Claim(epoch)

    def is_claimed(self, tenant: str, resource: str, load_id: str) -> bool:
        """Tell whether a living process works on this load now."""
        if not is_locked(self._path.parent, tenant, resource):
            return False
        with sqlite_errors_as(JournalUnusable, self._path):
            holder = read_holder(self._connection, tenant, resource)
        return holder is not None and holder.load_id == load_id

    def _busy(self, tenant: str, resource: str) -> Busy:
        with sqlite_errors_as(JournalUnusable, self._path):
            holder = read_holder(self._connection, tenant, resource)
        who = (
            f"load {holder.load_id}, process {holder.process} on {holder.machine} since {holder.claimed_at}"
            if holder
            else "it has just started"
        )
        return Busy(
            f"another process works on {resource} of tenant {tenant}: {who}",
            next_step="wait until it has ended, then run this again",
        )

    # --- Loads ---------------------------------------------------------------------------------------

    def begin(self, load: Load) -> None:
        """Write a new load."""
        with self._writing(JournalUnusable):
            insert_load(self._connection, load)

    def reopen(self, load_id: str) -> None:
        """Write that work on an earlier load continues."""
        with self._writing(JournalUnusable):
            load = self._numbers(load_id)
            self._connection.execute(
                "UPDATE load SET state = 'running', reason = '' WHERE load_no = ?", (load.load_no,)
            )

    def finish(
        self,
        load_id: str,
        state: LoadState,
        *,
        reason: str = "",
        requests: Requests,
        seconds: float,
        at: datetime | None = None,
    ) -> None:
        """Write how a run ended."""
        with self._writing(JournalFailed):
            load = self._numbers(load_id)
            if at is not None:
                self._add_second(load_id, at)
            self._put_requests(load, requests)
            self._connection.execute(
                "UPDATE load SET state = ?, reason = ?, seconds = ? WHERE load_no = ?",
                (state, reason, seconds, load.load_no),
            )

    # --- Rows ----------------------------------------------------------------------------------------

    def commit(
        self,
        load_id: str,
        *,
        decided: Sequence[DecidedRow] = (),
        intents: Sequence[SendableRow] = (),
        outcomes: Sequence[Outcome] = (),
        checkpoints: Sequence[Position] = (),
        requests: Requests | None = None,
        at: datetime | None = None,
    ) -> None:
        """Write all this in one transaction."""
        moves: Counter[int] = Counter()
        found_stored = found_absent = 0
        with self._writing(JournalFailed):
            load = self._numbers(load_id)
            # Outcomes first: a row that ends as pending may get its next intent in the same commit.
            if outcomes:
                found_stored, found_absent = end_rows(self._connection, load, outcomes, moves)
            # Before the counts change: the second's entry keeps what there was before it.
            if at is not None:
                self._add_second(load_id, at, found_stored=found_stored, found_absent=found_absent)
            if decided or intents:
                begin_rows(self._connection, load, decided, intents, moves)
            put_checkpoints(self._connection, load, checkpoints)
            count_rows(self._connection, load, moves)
            if requests:
                self._put_requests(load, requests)

    def mark_in_doubt(self, load_id: str, *, at: datetime | None = None) -> int:
        """Mark rows with an intent and no outcome as in doubt, and return how many there were."""
        with self._writing(JournalFailed):
            if at is not None:
                self._add_second(load_id, at, started=1)
            return mark_open_rows(self._connection, self._numbers(load_id))

    def reopen_waiting(self, load_id: str) -> int:
        """Make blocked rows and those refused with 409 pending, and return how many there were."""
        with self._writing(JournalFailed):
            return reopen_waiting(self._connection, self._numbers(load_id))

    def record_decisions(
        self, load_id: str, decisions: Mapping[int, tuple[bool, str | None]], *, by: str, at: datetime
    ) -> None:
        """Write a person's decisions about rows in doubt: all of them or none."""
        with self._writing(JournalFailed):
            self._add_second(load_id, at)
            time = at.astimezone(UTC).isoformat(timespec="seconds")
            record_decisions(self._connection, self._numbers(load_id), decisions, by, time)

    # --- The rate ------------------------------------------------------------------------------------

    def remember_rate(self, tenant: str, resource: str, base_url: str, rate: float) -> None:
        """Keep the rate that the service allowed, in requests a second, for the next run."""
        with self._writing(JournalFailed):
            self._connection.execute(
                "INSERT OR REPLACE INTO pace (scope_no, base_url, rate) VALUES (?, ?, ?)",
                (make_scope(self._connection, tenant, resource), base_url, rate),
            )

    # --- Inside --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _writing(self, kind: type[LoaderError]) -> Iterator[None]:
        """Run the block in one transaction: kept where it ends well, undone where it raises."""
        with sqlite_errors_as(kind, self._path):
            # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later
            # fails, without waiting, where another process wrote in between.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._seconds.clear()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _add_second(
        self, load_id: str, at: datetime, *, started: int = 0, found_stored: int = 0, found_absent: int = 0
    ) -> None:
        """Give the second of `at` its entry in the timeline; before the load's counts change.

        Where the clock was set back, the last second goes on.
        """
        load = self._numbers(load_id)
        if load_id not in self._seconds:
            self._seconds[load_id] = last_second(self._connection, load)
        last = self._seconds[load_id]
        self._seconds[load_id] = second = max(last, load.second_of(at), 0)
        if second > last or started or found_stored or found_absent:
            add_second(
                self._connection,
                load,
                second,
                started=started,
                found_stored=found_stored,
                found_absent=found_absent,
            )

    def _put_requests(self, load: LoadNumbers, requests: Requests) -> None:
        self._connection.execute(
            "UPDATE load SET sent = ?, retried = ?, throttled = ? WHERE load_no = ?",
            (requests.sent, requests.retried, requests.throttled, load.load_no),
        )
