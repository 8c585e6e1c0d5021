"""The contract of a journal: what it keeps, and how it is called. The tests in `tests/journal` check it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from loader.journal.values import Claim, LoadStatistics, Moment, ResumePoint
    from loader.records import (
        DecidedRow,
        ExistingRecord,
        Load,
        LoadState,
        Outcome,
        Position,
        Requests,
        RowResult,
        SendableRow,
        Status,
    )


class Journal(Protocol):
    """What is known for certain about loads and their rows.

    - **Who calls first.** `claim` the scope; then, for a new load, `begin`; for an earlier one `load`,
      `reopen`, `mark_in_doubt` and `resume_point`, in this order. A row's intent is committed before its
      first byte is sent, its outcome after the answer and in a later commit. `finish` is the last call of a
      run.
    - **What blocks.** Every call. Those that write return when what they wrote is durable; they wait for
      another process that writes, for as long as the journal was opened with. No call but to the journal's
      own store touches the network.
    - **What may run at the same time.** Calls on one journal come one at a time, from any thread. An iterator
      from `row_results` or `timeline` may be read between them. Several processes may have the same journal
      open; `claim` lets one of them work on a tenant and record type. `commit` does not check the claim.
    - **What fails.** A commit is whole or did not happen. `JournalFailed`: nothing may be sent any more.
      `JournalUnusable`: the same before anything was sent. Any other `LoaderError` of a commit means that
      the caller broke the rules of `loader.journal.states`.
    - A load id is exact, except for `load`, which completes a unique beginning.
    """

    def __enter__(self) -> Self:
        """Return the journal itself; leaving the block closes it."""
        ...

    def __exit__(self, *_exc: object) -> None: ...

    def close(self) -> None:
        """Let go of the store; further calls raise `JournalFailed` or `JournalUnusable`. May be repeated."""
        ...

    # --- Claims --------------------------------------------------------------------------------------

    def claim(self, tenant: str, resource: str, load_id: str) -> AbstractContextManager[Claim]:
        """Hold a tenant and record type for a load, as long as the block runs.

        A claim ends with its process, however that ends, or after its deadline: a dead one is no obstacle.

        Args:
            tenant: The tenant.
            resource: The record type.
            load_id: The load that this process is going to work on; a second process is shown it.

        Raises:
            Busy: Another process holds it; says which load, process and machine, and since when.
            JournalUnusable: The claim cannot be kept.
        """
        ...

    def is_claimed(self, tenant: str, resource: str, load_id: str) -> bool:
        """Tell whether a living process works on this load now; what cannot be found out counts as no."""
        ...

    # --- Loads ---------------------------------------------------------------------------------------

    def begin(self, load: Load) -> None:
        """Write a new load.

        Raises:
            JournalUnusable: It cannot be written.
            LoaderError: Its id is taken.
        """
        ...

    def reopen(self, load_id: str) -> None:
        """Write that work on an earlier load continues: its state is `running`, without a reason.

        Raises:
            JournalUnusable: It cannot be written.
        """
        ...

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
        """Write how a run ended.

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
        ...

    def load(self, load_id: str) -> Load:
        """Return the load with this id, or the only one that begins with it.

        The types in its files' schemas are the types' names, as text.

        Raises:
            ConfigurationError: There is none, or more than one.
            JournalUnusable: The journal cannot be read.
        """
        ...

    def loads(self) -> list[Load]:
        """Return all loads, newest first, each as `load` gives it.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        ...

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
        """Write all this in one transaction.

        Rows come into the journal (with an intent, or decided) in order of seq and without gaps, within a
        commit and from one to the next; a pending row may get a further intent or decision at any time.

        Args:
            load_id: The load.
            decided: Rows with a status that is known without sending them.
            intents: Rows about to be sent: none may be sent before this returns.
            outcomes: What became of rows of earlier commits. An in-doubt row may become created, or pending
                where it is shown not to be stored; `attempts` are added up, an `http_status` of None
                leaves the last one. Repeating the outcome of a created or refused row changes nothing.
            checkpoints: Where batches begin, each not later than its batch's first row is committed.
            requests: The load's requests over all its runs; None leaves them.
            at: When, an aware time: the timeline counts under its second what this commit brings. None: under
                the last second that a call named.

        Raises:
            JournalFailed: It cannot be written (disk full, locked, damaged); nothing of it is.
            LoaderError: A row is not in a state for it, or there would be a gap; nothing is written.
        """
        ...

    def mark_in_doubt(self, load_id: str, *, at: datetime | None = None) -> int:
        """Mark rows with an intent and no outcome as in doubt, for a load that no process works on.

        Args:
            load_id: The load.
            at: When the caller takes up work on the load, an aware time, for the timeline; None: it does not.

        Returns:
            How many there were.

        Raises:
            JournalFailed: It cannot be written.
        """
        ...

    def reopen_waiting(self, load_id: str) -> int:
        """Make rows pending that waited for something else: blocked ones, and those refused with 409.

        Returns:
            How many there were.

        Raises:
            JournalFailed: It cannot be written.
        """
        ...

    def record_decisions(
        self, load_id: str, decisions: Mapping[int, tuple[bool, str | None]], *, by: str, at: datetime
    ) -> None:
        """Write a person's decisions about rows in doubt: all of them or none.

        Args:
            load_id: The load.
            decisions: seq -> whether the row was stored, and its record's id where that is known.
            by: Who decided.
            at: When, an aware time.

        Raises:
            LoaderError: A row is not in doubt.
            JournalFailed: It cannot be written.
        """
        ...

    def row_results(self, load_id: str, only: Collection[Status] | None = None) -> Iterator[RowResult]:
        """Yield the load's rows in order of seq, read a few at a time.

        Args:
            load_id: The load.
            only: The statuses to read; None: all.

        A row with an intent and no outcome is in doubt, with the finding `sending.process_ended`.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def totals(self, load_id: str) -> dict[Status, int]:
        """Return the load's rows by status, with every status; the time does not grow with the rows.

        A row with an intent and no outcome counts as in doubt. Rows that the journal does not have are not
        counted.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def statistics(self, load_id: str) -> LoadStatistics:
        """Return counts over all rows of a load, found by a walk over them.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def count_refused_for_now(self, load_id: str) -> int:
        """Return how many rows were refused with 409: they refer to something that was not there.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def resume_point(self, load_id: str) -> ResumePoint:
        """Return where the load continues; the time does not grow with the rows that are done.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        ...

    def timeline(self, load_id: str) -> Iterator[Moment]:
        """Yield the seconds of a load in which something was committed, in order, read a few at a time.

        Their `created` add up to the load's created rows, and their `throttled` to its requests'.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Show one moment to all that is read inside, whatever other processes write meanwhile.

        Nothing may be written inside.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    # --- The crosswalk -------------------------------------------------------------------------------

    def known_elsewhere(self, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return what other loads into the load's tenant and record type have sent under these external ids.

        Returns:
            For each external id that another load has created, that record (the oldest, should there be
            several); else for each that another load has sent without knowing the outcome, the newest such
            row, as IN_DOUBT. Others are left out.

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def known_in(self, tenant: str, resource: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return what any load into a tenant and record type has sent, as `known_elsewhere` does.

        For lookups, and for a dry run, which has no load in this journal.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        ...

    def known_here(self, load_id: str, external_ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """Return the first row of this load that carries each external id, filtered rows aside.

        Returns:
            One for each that the journal has, whatever its status (IN_DOUBT for one sent without an outcome).

        Raises:
            JournalFailed: The journal cannot be read.
        """
        ...

    def has_created(self, tenant: str, resource: str) -> bool:
        """Tell whether any load into a tenant and record type has created a record.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        ...

    # --- The rate ------------------------------------------------------------------------------------

    def remember_rate(self, tenant: str, resource: str, base_url: str, rate: float) -> None:
        """Keep the rate that the service allowed, in requests a second, for the next run.

        Raises:
            JournalFailed: It cannot be written.
        """
        ...

    def learnt_rate(self, tenant: str, resource: str, base_url: str) -> float | None:
        """Return the rate that was kept last for this place; None where there is none.

        Raises:
            JournalUnusable: The journal cannot be read.
        """
        ...
