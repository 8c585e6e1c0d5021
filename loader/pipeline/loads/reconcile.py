"""Finds out what became of rows in doubt: created, or certainly not stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from loader.errors import SourceError
from loader.pipeline.rows.inputs import base_url_of, post_url
from loader.records import Outcome, SendableRow, Status
from loader.resources import record_type
from loader.sending import Mark, NoReadback, find_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loader.journal import Journal
    from loader.pipeline.events import Observer
    from loader.pipeline.rows.transform import TransformedBatch
    from loader.records import Load, RowResult
    from loader.sending import TokenSource
    from loader.settings import RunSettings

DOUBTS: Final = 500
"""So many rows in doubt make a load pause and reconcile them."""
NOT_STORED: Final = "looked for twice: it was not stored"


@dataclass(slots=True)
class ReconcileResult:
    """What reconciling came to.

    Attributes:
        created: Rows found stored.
        unsent: Rows looked for twice and not found: they may be sent again.
        left: Rows that are still in doubt.
        reason: Why they are; empty where none is.
        missing: The service offers no lookup for them: there is no use in trying again.
    """

    created: int = 0
    unsent: int = 0
    left: int = 0
    reason: str = ""
    missing: bool = False


@dataclass(slots=True)
class Reconciler:
    """Reconciles one load's rows in doubt.

    Attributes:
        journal: Where they stand.
        load: The load.
        settings: Where its service is, time-outs, and how long to wait between two looks.
        token: The bearer token's source.
        watcher: Is told what comes of it.
        pause: Waits so many seconds.
        bodies: Gives the prepared batches of these rows again, for lists by a field's value; None: cannot.
            It may raise SourceError, which leaves such rows in doubt.
    """

    journal: Journal
    load: Load
    settings: RunSettings
    token: TokenSource
    watcher: Observer
    pause: Callable[[float], None]
    bodies: Callable[[frozenset[int]], Iterable[TransformedBatch]] | None = None

    def reconcile(self) -> ReconcileResult:
        """Looks for every row in doubt: once, and for those not found once more a little later.

        Raises:
            JournalFailed: What was found cannot be written.
            Interrupted: A signal came; what was found so far is written.
        """
        doubts = {each.seq: self._mark(each) for each in self._doubts()}
        if not doubts:
            return ReconcileResult()
        self.watcher.note(f"looking up {len(doubts):,} rows whose outcome is unknown")
        reconciled = ReconcileResult()
        try:
            lists = self._lists(doubts)
            self._look(lists, doubts, reconciled)
            if doubts:
                self.pause(self.settings.reconcile_wait)
                self._look(lists, doubts, reconciled)
            self._write(
                [
                    Outcome(seq, Status.PENDING, attempts=0, message=NOT_STORED)
                    for seq in self._covered(lists, doubts)
                ]
            )
            reconciled.unsent = len(self._covered(lists, doubts))
            reconciled.left = len(doubts) - reconciled.unsent
            if reconciled.left:
                reconciled.reason = "the service lists them only by a field that they do not have"
                reconciled.missing = True
        except NoReadback as problem:
            reconciled.left, reconciled.reason, reconciled.missing = (
                len(doubts),
                str(problem),
                problem.missing,
            )
        self._tell(reconciled)
        return reconciled

    def _doubts(self) -> Iterable[RowResult]:
        return self.journal.receipts(self.load.load_id, {Status.IN_DOUBT})

    def _mark(self, receipt: RowResult) -> Mark:
        return Mark(self.load.files[receipt.file_no].name, receipt.record_no)

    def _look(
        self, lists: Mapping[str, frozenset[int]], doubts: dict[int, Mark], reconciled: ReconcileResult
    ) -> None:
        """One pass; rows that are found are created, and no longer in `doubts`."""
        found = find_stored(
            list(lists),
            frozenset(doubts.values()),
            load_id=self.load.load_id,
            token=self.token,
            settings=self.settings,
        )
        stored = {seq: found[mark] for seq, mark in doubts.items() if mark in found}
        self._write(
            [Outcome(seq, Status.CREATED, record_id, attempts=0) for seq, record_id in stored.items()]
        )
        reconciled.created += len(stored)
        for seq in stored:
            del doubts[seq]

    def _lists(self, doubts: Mapping[int, Mark]) -> dict[str, frozenset[int]]:
        """The lists to look in, each with the rows that it would hold.

        Raises:
            NoReadback: There is none.
        """
        record = record_type(self.load.resource)
        base_url = base_url_of(self.settings, record)
        whole = post_url(base_url, record, self.load.tenant)
        try:
            find_stored([whole], frozenset(), load_id="", token=self.token, settings=self.settings)
        except NoReadback as problem:
            lists = self._listed_by_value(frozenset(doubts), base_url, problem) if problem.missing else {}
            if not lists:
                raise
            return lists
        return {whole: frozenset(doubts)}

    def _listed_by_value(
        self, doubts: frozenset[int], base_url: str, whole: NoReadback
    ) -> dict[str, frozenset[int]]:
        """Lists by a field's value, where no list of all records can be read.

        Raises:
            NoReadback: The source, which has the values, cannot be read any more.
        """
        try:
            return self._partial_lists(doubts, base_url)
        except SourceError as error:
            raise NoReadback(f"{whole}; {error.message}", missing=True) from None

    def _partial_lists(self, doubts: frozenset[int], base_url: str) -> dict[str, frozenset[int]]:
        """Lists by a field's value, where the service offers such and rows have one."""
        lists: dict[str, set[int]] = {}
        tenant = quote(self.load.tenant, safe="")
        for name, path in record_type(self.load.resource).listings.items():
            for seq, value in self._values(name, doubts).items():
                url = base_url + path.format(tenantId=tenant, value=quote(value, safe=""))
                lists.setdefault(url, set()).add(seq)
        return {url: frozenset(seqs) for url, seqs in lists.items()}

    def _values(self, name: str, seqs: frozenset[int]) -> dict[int, str]:
        """A field's value in the bodies of these rows; rows without it are left out."""
        values: dict[int, str] = {}
        for prepared in self.bodies(seqs) if self.bodies else ():
            for row in prepared.rows:
                if isinstance(row, SendableRow) and isinstance(value := json.loads(row.body).get(name), str):
                    values[row.seq] = value
        return values

    def _covered(self, lists: Mapping[str, frozenset[int]], doubts: Mapping[int, Mark]) -> list[int]:
        """The rows that would have been found, had they been stored."""
        listed = frozenset().union(*lists.values()) if lists else frozenset()
        return [seq for seq in doubts if seq in listed]

    def _write(self, outcomes: list[Outcome]) -> None:
        if outcomes:
            self.journal.commit(self.load.load_id, outcomes=outcomes, at=datetime.now(UTC))

    def _tell(self, reconciled: ReconcileResult) -> None:
        told = []
        if reconciled.created:
            told.append(f"{reconciled.created:,} are stored")
        if reconciled.unsent:
            told.append(f"{reconciled.unsent:,} are not")
        if reconciled.left:
            told.append(f"{reconciled.left:,} stay in doubt: {reconciled.reason}")
        self.watcher.note(f"of the rows in doubt {', '.join(told)}")
        if reconciled.missing:
            self.watcher.note(
                f"to decide by hand: loader reconcile {self.load.load_id} --as created|unsent [--rows FILE]"
            )
