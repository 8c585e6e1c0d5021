"""The journal: what is known for sure about loads and their rows."""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Self

from loader.errors import JournalFailed, JournalUnusable
from loader.journal.loads import LoadLine, insert_load, scope
from loader.journal.reading import JournalReader
from loader.journal.resume import put_checkpoints
from loader.journal.rows import (
    begin_rows,
    count_rows,
    decide_rows,
    doubt_open_rows,
    end_rows,
    reopen_waiting,
)
from loader.journal.sqlite_file import FILE_NAME, open_file, translated
from loader.journal.timeline import begin_second, last_second, second_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.records import DecidedRow, Load, LoadState, Outcome, Position, Requests, SendableRow


class Journal(JournalReader):
    """Loads, rows, checkpoints and the crosswalk, in one SQLite file.

    What writes stands here, what reads in `JournalReader`. The contract of both, which another journal
    (a shared one, say) would have to keep as well:

    - **Who calls first.** `begin` before anything else for a new load; for an earlier one `load`, `reopen`,
      `mark_in_doubt` and `resume_point`, in this order. A row's intent is committed before its first byte
      is sent, its outcome after the answer and in a later commit. `finish` is the last call of a run.
    - **What blocks.** Every call. Those that write return when the disk has what they wrote, and wait up
      to the `wait` of `open` for another process that writes. None touches the network.
    - **What may run at once.** Calls on one `Journal` come one at a time, but from any thread; an iterator
      from `receipts` or `timeline` may be read between them. Several processes may have journals on one file
      open; that only one of them works on a load is not watched here.
    - **What fails.** A commit is whole or did not happen. `JournalFailed` means that nothing may be sent any
      more; any other `LoaderError` of a commit means that the caller broke the rules of the states.
    - A load id is exact, but for `load`, which completes a unique beginning.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Use `open`."""
        super().__init__(connection, path)
        self._seconds: dict[str, int] = {}  # the last one that has a line in the timeline

    @classmethod
    def open(cls, home: Path, *, wait: float = 10.0) -> Self:
        """Opens the journal of a home folder, and makes both where they are missing.

        Args:
            home: The folder; made for its owner only (0700), as is the file (0600).
            wait: Seconds to wait for another process that writes or holds the file.

        Raises:
            JournalUnusable: The file cannot be made or opened, is damaged, locked, of a newer version, or is
                missing while its log is there. A journal that is there is never replaced.
        """
        return cls(open_file(home, wait=wait), home / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; calling it again does nothing."""
        self._connection.close()

    # --- Loads ---------------------------------------------------------------------------------------

    def begin(self, load: Load) -> None:
        """Writes a new load; durable when it returns.

        Raises:
            JournalUnusable: It cannot be written.
            LoaderError: Its id is taken.
        """
        with self._writing(JournalUnusable):
            insert_load(self._connection, load)

    def reopen(self, load_id: str) -> None:
        """Says that work on an earlier load goes on: its state is `running`, with no reason.

        Raises:
            JournalUnusable: It cannot be written.
        """
        with self._writing(JournalUnusable):
            line = self._line(load_id)
            self._connection.execute(
                "UPDATE load SET state = 'running', reason = '' WHERE load_no = ?", (line.load_no,)
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
        """Says how a run ended.

        Args:
            load_id: The load.
            state: `finished`, `stopped` or `interrupted`.
            reason: Why it stopped; empty where it did not.
            requests: The load's requests over all its runs, this one included.
            seconds: Its time over all its runs, this one included.
            at: When, an aware time, for the timeline; None: as in `commit`.

        Raises:
            JournalFailed: It cannot be written.
        """
        with self._writing(JournalFailed):
            line = self._line(load_id)
            if at is not None:
                self._begin_second(load_id, at)
            self._put_requests(line, requests)
            self._connection.execute(
                "UPDATE load SET state = ?, reason = ?, seconds = ? WHERE load_no = ?",
                (state, reason, seconds, line.load_no),
            )

    # --- Rows ----------------------------------------------------------------------------------------

    def commit(
        self,
        load_id: str,
        *,
        judged: Sequence[DecidedRow] = (),
        intents: Sequence[SendableRow] = (),
        outcomes: Sequence[Outcome] = (),
        checkpoints: Sequence[Position] = (),
        requests: Requests | None = None,
        at: datetime | None = None,
    ) -> None:
        """Writes all this in one transaction; durable when it returns.

        Rows get their first line (an intent or a verdict) in order of seq and without gaps, within a commit
        and from one to the next; a pending row may get a further one at any time.

        Args:
            load_id: The load.
            judged: Rows whose fate is known without sending them.
            intents: Rows about to be sent: none may be sent before this returns.
            outcomes: What became of rows of earlier commits. An in-doubt row may become created, or pending
                where it is shown not to be stored; `attempts` are added up, an `http_status` of None
                leaves the last one. A created or refused row that is said again, alike, changes nothing.
            checkpoints: Where batches begin, each not later than its batch's first row is committed.
            requests: The load's requests over all its runs; None leaves them.
            at: When, an aware time: the timeline counts under its second what this commit brings. None: under
                the last second that was told, for a journal that nobody asks for times.

        Raises:
            JournalFailed: It cannot be written (disk full, locked, damaged); nothing of it is.
            LoaderError: A row is not in a state for it, or a gap would come about; nothing is written.
        """
        tally: Counter[int] = Counter()
        found = absent = 0
        with self._writing(JournalFailed):
            line = self._line(load_id)
            if outcomes:
                found, absent = end_rows(self._connection, line, outcomes, tally)
            if at is not None:
                self._begin_second(load_id, at, found=found, absent=absent)
            if judged or intents:
                begin_rows(self._connection, line, judged, intents, tally)
            put_checkpoints(self._connection, line, checkpoints)
            count_rows(self._connection, line, tally)
            if requests:
                self._put_requests(line, requests)

    def mark_in_doubt(self, load_id: str, *, at: datetime | None = None) -> int:
        """Says of rows with an intent and no outcome that they are in doubt, for a load nobody works on.

        Args:
            load_id: The load.
            at: When whoever says so takes up work on the load, an aware time, for the timeline; None: nobody
                does.

        Returns:
            How many there were.

        Raises:
            JournalFailed: It cannot be written.
        """
        with self._writing(JournalFailed):
            if at is not None:
                self._begin_second(load_id, at, begun=1)
            return doubt_open_rows(self._connection, self._line(load_id))

    def reopen_waiting(self, load_id: str) -> int:
        """Makes rows pending that waited for something else: blocked ones, and those refused with 409.

        Returns:
            How many there were.

        Raises:
            JournalFailed: It cannot be written.
        """
        with self._writing(JournalFailed):
            return reopen_waiting(self._connection, self._line(load_id))

    def decide(
        self, load_id: str, decided: Mapping[int, tuple[bool, str | None]], *, by: str, at: datetime
    ) -> None:
        """Takes a person's word for rows in doubt: all of them or none.

        Args:
            load_id: The load.
            decided: seq -> whether the row was stored, and its record's id where that is known.
            by: Who says so.
            at: When, an aware time.

        Raises:
            LoaderError: A row is not in doubt.
            JournalFailed: It cannot be written.
        """
        with self._writing(JournalFailed):
            told = at.astimezone(UTC).isoformat(timespec="seconds")
            self._begin_second(load_id, at)
            decide_rows(self._connection, self._line(load_id), decided, by, told)

    # --- Pace ----------------------------------------------------------------------------------------

    def remember_rate(self, tenant: str, resource: str, base_url: str, rate: float) -> None:
        """Keeps the rate that got through, in requests a second, for the next run.

        Raises:
            JournalFailed: It cannot be written.
        """
        with self._writing(JournalFailed):
            self._connection.execute(
                "INSERT OR REPLACE INTO pace (scope_no, base_url, rate) VALUES (?, ?, ?)",
                (scope(self._connection, tenant, resource, make=True), base_url, rate),
            )

    # --- Inside --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _writing(self, kind: type[LoaderError]) -> Iterator[None]:
        """One transaction: kept where the block ends well, undone where it raises."""
        with translated(kind, self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._seconds.clear()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _begin_second(
        self, load_id: str, at: datetime, *, begun: int = 0, found: int = 0, absent: int = 0
    ) -> None:
        """Gives the second of `at` its line in the timeline; before the load's counts change.

        Where the clock was set back, the last second goes on.
        """
        line = self._line(load_id)
        if load_id not in self._seconds:
            self._seconds[load_id] = last_second(self._connection, line)
        last = self._seconds[load_id]
        self._seconds[load_id] = second = max(last, second_of(line, at), 0)
        if second > last or begun or found or absent:
            begin_second(self._connection, line, second, begun=begun, found=found, absent=absent)

    def _put_requests(self, line: LoadLine, requests: Requests) -> None:
        self._connection.execute(
            "UPDATE load SET sent = ?, retried = ?, throttled = ? WHERE load_no = ?",
            (requests.sent, requests.retried, requests.throttled, line.load_no),
        )
