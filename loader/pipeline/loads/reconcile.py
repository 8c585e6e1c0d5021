"""Find out what became of rows in doubt: created, or certainly not stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from loader.errors import SourceError
from loader.findings import Finding
from loader.pipeline.events import Reconciled, ReconcileStarted
from loader.pipeline.rows.inputs import base_url_of, post_url
from loader.records import Outcome, SendableRow, Status
from loader.sending import NoReadback, RowKey, find_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loader.journal import Journal
    from loader.pipeline.events import Observer
    from loader.pipeline.rows.transform import TransformedBatch
    from loader.records import Load, RowResult
    from loader.resources import RecordType
    from loader.sending import TokenSource
    from loader.settings import RunSettings

_NOT_STORED: Final = (Finding("reconcile.not_stored"),)


@dataclass(slots=True)
class ReconcileResult:
    """What a search for rows in doubt came to.

    Attributes:
        created: Rows that are stored.
        not_stored: Rows that two searches did not find: they may be sent again.
        in_doubt: Rows that are still in doubt.
        finding: Why they are; None where none is.
        detail: What else kept them from being found, such as a source that is gone; mostly empty.
        needs_person: Whether only a person can decide them: another search would end the same way.
    """

    created: int = 0
    not_stored: int = 0
    in_doubt: int = 0
    finding: Finding | None = None
    detail: str = ""
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Reconciles one load's rows in doubt.

    Attributes:
        journal: Where they are.
        load: The load.
        record_type: The type of its records.
        settings: Where its service is, time-outs, and how long to wait between two searches.
        token: The bearer token's source.
        observer: Watches.
        pause: Waits for a number of seconds.
        bodies: Gives the batches of these rows again, for lists by a field's value; None: nobody can.
            It may raise SourceError, which leaves such rows in doubt.
    """

    journal: Journal
    load: Load
    record_type: RecordType
    settings: RunSettings
    token: TokenSource
    observer: Observer
    pause: Callable[[float], None]
    bodies: Callable[[frozenset[int]], Iterable[TransformedBatch]] | None = None

    def reconcile(self) -> ReconcileResult:
        """Search for every row in doubt: once, and for those not found once more a little later.

        Raises:
            JournalFailed: What was found cannot be written.
            SignalReceived: A signal came; what was found so far is written.
        """
        keys = {row.seq: self._key(row) for row in self._rows_in_doubt()}
        if not keys:
            return ReconcileResult()
        self.observer.on_event(ReconcileStarted(len(keys)))
        result = ReconcileResult()
        try:
            lists = self._lists(keys)
            self._search(lists, keys, result)
            if keys:
                # A list may be read from a copy that lags behind: one search proves no absence.
                self.pause(self.settings.reconcile_wait)
                self._search(lists, keys, result)
            absent = self._covered(lists, keys)
            self._write([Outcome(seq, Status.PENDING, attempts=0, findings=_NOT_STORED) for seq in absent])
            result.not_stored = len(absent)
            result.in_doubt = len(keys) - len(absent)
            if result.in_doubt:
                result.finding, result.needs_person = Finding("readback.no_value"), True
        except NoReadback as problem:
            result.in_doubt, result.needs_person = len(keys), problem.missing
            result.finding, result.detail = problem.finding, problem.detail
        self.observer.on_event(
            Reconciled(
                self.load.load_id,
                result.created,
                result.not_stored,
                result.in_doubt,
                result.finding,
                result.detail,
                result.needs_person,
            )
        )
        return result

    def _rows_in_doubt(self) -> Iterable[RowResult]:
        return self.journal.row_results(self.load.load_id, {Status.IN_DOUBT})

    def _key(self, row: RowResult) -> RowKey:
        return RowKey(self.load.files[row.file_no].name, row.record_no)

    def _search(
        self, lists: Mapping[str, frozenset[int]], keys: dict[int, RowKey], result: ReconcileResult
    ) -> None:
        """Search all lists once; rows that are found are created, and leave `keys`."""
        stored_ids = find_stored(
            list(lists),
            frozenset(keys.values()),
            load_id=self.load.load_id,
            token=self.token,
            settings=self.settings,
        )
        stored = {seq: stored_ids[key] for seq, key in keys.items() if key in stored_ids}
        # Written at once: what one search has shown must survive whatever happens during the next one.
        self._write(
            [Outcome(seq, Status.CREATED, record_id, attempts=0) for seq, record_id in stored.items()]
        )
        result.created += len(stored)
        for seq in stored:
            del keys[seq]

    def _lists(self, keys: Mapping[int, RowKey]) -> dict[str, frozenset[int]]:
        """Return the lists to search, each with the rows that it would hold.

        Raises:
            NoReadback: There is none.
        """
        base_url = base_url_of(self.settings, self.record_type)
        all_records = post_url(base_url, self.record_type, self.load.tenant)
        try:
            find_stored([all_records], frozenset(), load_id="", token=self.token, settings=self.settings)
        except NoReadback as problem:
            lists = self._lists_by_value(frozenset(keys), base_url, problem) if problem.missing else {}
            if not lists:
                raise
            return lists
        return {all_records: frozenset(keys)}

    def _lists_by_value(
        self, seqs: frozenset[int], base_url: str, problem: NoReadback
    ) -> dict[str, frozenset[int]]:
        """Return lists by a field's value, where the service offers such and rows have one.

        Raises:
            NoReadback: The source, which has the values, can no longer be read.
        """
        lists: dict[str, set[int]] = {}
        tenant = quote(self.load.tenant, safe="")
        try:
            for name, path in self.record_type.listings.items():
                for seq, value in self._values(name, seqs).items():
                    url = base_url + path.format(tenantId=tenant, value=quote(value, safe=""))
                    lists.setdefault(url, set()).add(seq)
        except SourceError as error:
            raise NoReadback(problem.finding, missing=True, detail=error.message) from None
        return {url: frozenset(seqs) for url, seqs in lists.items()}

    def _values(self, name: str, seqs: frozenset[int]) -> dict[int, str]:
        """Return a field's value in the bodies of these rows; rows without it are left out."""
        values: dict[int, str] = {}
        for batch in self.bodies(seqs) if self.bodies else ():
            for row in batch.rows:
                if isinstance(row, SendableRow) and isinstance(value := json.loads(row.body).get(name), str):
                    values[row.seq] = value
        return values

    def _covered(self, lists: Mapping[str, frozenset[int]], keys: Mapping[int, RowKey]) -> list[int]:
        """Return the rows that a search would have found, had they been stored."""
        listed = frozenset().union(*lists.values()) if lists else frozenset()
        return [seq for seq in keys if seq in listed]

    def _write(self, outcomes: list[Outcome]) -> None:
        if outcomes:
            self.journal.commit(self.load.load_id, outcomes=outcomes, at=datetime.now(UTC))
