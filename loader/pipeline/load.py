"""A load from its beginning, or from where it stopped, to its receipts."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from loader.errors import JournalFailed, Stopped
from loader.journal import Journal, claim
from loader.pipeline.plan import Inputs, base_url_of, frozen, post_url, tell_inputs, thawed
from loader.pipeline.prepare import Decided, Prepared, Preparer, decide
from loader.pipeline.receipts import (
    Reason,
    finished_summary,
    folder_of,
    make_folder,
    reasons_of,
    summarise,
    write_receipts,
)
from loader.records import Load, LoadState, Requests, Status
from loader.report import exit_code
from loader.sending import Client, Dispatcher, Ended, Limits, Pace, check_transport_safety, dispatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.pipeline.watch import Watcher
    from loader.records import Batch, Judged, Outcome, Position, Ready
    from loader.report import Summary
    from loader.sending import TokenSource
    from loader.settings import RunSettings

_SIGNALS: Final[dict[int, Literal["SIGINT", "SIGTERM"]]] = {2: "SIGINT", 15: "SIGTERM"}


@dataclass(frozen=True, slots=True)
class Result:
    """How a command that sends ended.

    Attributes:
        summary: What the load came to.
        exit_code: What the program ends with.
        reason: Why it stopped early; None where it did not.
        reasons: Why rows were rejected or are in doubt, most frequent first.
    """

    summary: Summary
    exit_code: int
    reason: LoaderError | None = None
    reasons: Sequence[Reason] = ()


def new_load_id(now: datetime) -> str:
    """A load's id: sortable by time and unique, like `20261122T101500Z-8f3a2c1d`."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def run_load(
    inputs: Inputs, settings: RunSettings, *, home: Path, token: TokenSource, watcher: Watcher
) -> Result:
    """Loads sources.

    Args:
        inputs: What to load.
        settings: How.
        home: Where the journal and the load's files are.
        token: The bearer token's source.
        watcher: Is told how it goes.

    Raises:
        Busy: Another process works on the tenant and record type.
        LoaderError: It could not begin; nothing was sent.
    """
    now = datetime.now(UTC)
    record = inputs.mapping.record
    base_url = base_url_of(settings, record)
    check_transport_safety(base_url)
    load = Load(
        load_id=new_load_id(now),
        resource=record.name_of_type,
        tenant=settings.tenant,
        base_url=base_url,
        mapping_name=inputs.mapping.name,
        mapping_text=inputs.mapping.text,
        settings=frozen(inputs, settings),
        files=inputs.source.files,
        created_at=now,
    )
    preparer = Preparer(inputs.mapping, load_id=load.load_id, tenant=load.tenant)
    tell_inputs(inputs, preparer, watcher)
    with Journal.open(home) as journal, claim(home, load.tenant, load.resource, load.load_id):
        make_folder(folder_of(home, load.load_id))
        journal.begin(load)
        return _Run(journal, load, inputs, settings, preparer, home, token, watcher).run()


def resume_load(
    load_id: str, changes: Mapping[str, Any], *, home: Path, token: TokenSource, watcher: Watcher
) -> Result:
    """Goes on with a load that did not finish; of one that did, nothing is read or sent.

    Args:
        load_id: The load, or the beginning of its id.
        changes: Settings that this run has otherwise.
        home: Where the journal is.
        token: The bearer token's source.
        watcher: Is told how it goes.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        LoaderError: It cannot go on; nothing was sent.
    """
    with Journal.open(home) as journal, _claimed(journal, load_id, home) as load:
        if "limit" not in changes and (summary := finished_summary(journal, load, home)):
            watcher.note(f"load {load.load_id} is finished: nothing is left to send")
            return Result(summary, exit_code(summary), reasons=reasons_of(journal, load.load_id))
        inputs, settings = thawed(load, changes)
        check_transport_safety(base_url_of(settings, inputs.mapping.record))
        preparer = Preparer(inputs.mapping, load_id=load.load_id, tenant=load.tenant)
        tell_inputs(inputs, preparer, watcher)
        make_folder(folder_of(home, load.load_id))
        journal.reopen(load.load_id)
        if lost := journal.mark_in_doubt(load.load_id):
            watcher.note(f"{lost} rows were under way when the load was broken off: they are in doubt")
        return _Run(journal, load, inputs, settings, preparer, home, token, watcher).run()


@contextmanager
def _claimed(journal: Journal, load_id: str, home: Path) -> Iterator[Load]:
    """An earlier load, as it stands when no other process works on it any more."""
    load = journal.load(load_id)
    with claim(home, load.tenant, load.resource, load.load_id):
        yield journal.load(load.load_id)


class _Run:
    """One run of a load; also what the dispatcher writes to."""

    def __init__(
        self,
        journal: Journal,
        load: Load,
        inputs: Inputs,
        settings: RunSettings,
        preparer: Preparer,
        home: Path,
        token: TokenSource,
        watcher: Watcher,
    ) -> None:
        self._journal = journal
        self._load = load
        self._inputs = inputs
        self._settings = settings
        self._preparer = preparer
        self._home = home
        self._token = token
        self._watcher = watcher
        self._base_url = base_url_of(settings, inputs.mapping.record)
        self._totals: dict[Status, int] = {}
        self._requests = load.requests
        self._pace = Pace(settings.rate, time.monotonic())
        self._read_through = 0
        self._under_way = 0
        self._ended = Ended()
        self._said_stopping = False
        self._client: Client | None = None
        self._in_trouble = False

    def run(self) -> Result:
        """Sends what is left to send and writes the receipts.

        Whatever stops it, also a disk that is full, is in the result, beside what the journal has for sure.
        """
        hint = self._inputs.source.total_hint()
        limit = self._settings.limit
        self._watcher.started(self._load.load_id, min(hint, limit) if hint and limit else hint)
        self._totals = self._journal.totals(self._load.load_id)
        started = time.monotonic()
        ended = self._send()
        summary = self._conclude(ended, self._load.seconds + time.monotonic() - started)
        name = _SIGNALS.get(ended.signal_number or 0)
        reasons = reasons_of(self._journal, self._load.load_id)
        return Result(summary, exit_code(summary, signal=name), ended.reason, reasons)

    def _send(self) -> Ended:
        try:
            return dispatch(self._dispatcher)
        except JournalFailed as reason:
            return Ended(reason=reason, at_once=True)

    def _conclude(self, ended: Ended, seconds: float) -> Summary:
        """Says in the journal how the run ended and writes the receipts, as far as the disk lets it."""
        load_id = self._load.load_id
        reason = ended.reason.message if ended.reason else ""
        try:
            self._journal.finish(
                load_id, _state(ended), reason=reason, requests=self._requests, seconds=seconds
            )
            if self._pace.rate is not None:
                self._journal.remember_rate(
                    self._load.tenant, self._load.resource, self._base_url, self._pace.rate
                )
            return write_receipts(
                self._journal,
                self._load,
                self._inputs.source,
                self._home,
                read=None if ended.at_once else self._read_through,
                batch_size=self._settings.batch_size,
                watcher=self._watcher,
            )
        except Stopped as problem:
            ended.reason = ended.reason or problem
            summary = summarise(self._journal, load_id, self._home)
            return replace(summary, state=_state(ended), requests=self._requests, seconds=seconds)

    def _dispatcher(self) -> Dispatcher[Prepared]:
        record = self._inputs.mapping.record
        load = self._load
        learnt = self._journal.learnt_rate(load.tenant, load.resource, self._base_url)
        self._pace = Pace(self._settings.rate, time.monotonic(), learnt)
        self._client = client = Client(
            post_url(self._base_url, record, load.tenant),
            token=self._token,
            pace=self._pace,
            settings=self._settings,
        )
        wrong = sum(self._totals.get(each, 0) for each in (Status.INVALID, Status.BLOCKED, Status.REFUSED))
        limits = Limits(
            concurrency=self._settings.concurrency,
            max_errors=self._settings.max_errors,
            wrong=wrong,
            read=sum(self._totals.values()),
            first_run=not any(self._totals.get(each) for each in (Status.CREATED, Status.IN_DOUBT)),
        )
        dispatcher = Dispatcher(self._batches(), self, client, limits, self._tell)
        self._ended = dispatcher.ended
        return dispatcher

    def _batches(self) -> Iterator[Prepared]:
        """What has no final state yet: rows known not to be stored, then those never reached."""
        point = self._journal.resume_point(self._load.load_id)
        self._read_through = point.next_seq
        for behind in point.pending:
            yield from self._pending(behind.checkpoint, frozenset(behind.seqs))
        following = point.next_seq
        for batch in self._read(point.checkpoint):
            if batch.end.seq > following:
                yield self._preparer.prepare(batch, range(following, batch.end.seq))

    def _pending(self, checkpoint: Position, seqs: frozenset[int]) -> Iterator[Prepared]:
        last = max(seqs)
        for batch in self._read(checkpoint):
            yield self._preparer.prepare(batch, seqs)
            if batch.end.seq > last:
                return

    def _read(self, start: Position) -> Iterator[Batch]:
        return self._inputs.source.batches(self._settings.batch_size, start, self._settings.limit)

    # --- What the dispatcher asks of its ledger ----------------------------------------------------

    def decide(self, prepared: Prepared) -> Decided:
        """Judges a batch by what the journal knows of its external ids."""
        load_id = self._load.load_id
        self._read_through = max(self._read_through, prepared.end_seq)
        return decide(
            prepared, partial(self._journal.known_elsewhere, load_id), partial(self._journal.seen, load_id)
        )

    def commit(
        self,
        *,
        judged: Sequence[Judged],
        intents: Sequence[Ready],
        outcomes: Sequence[Outcome],
        checkpoints: Sequence[Position],
        requests: Requests,
    ) -> None:
        """Writes to the journal, and remembers the totals for whoever watches."""
        before = self._load.requests
        self._requests = Requests(
            before.sent + requests.sent,
            before.retried + requests.retried,
            before.throttled + requests.throttled,
        )
        self._journal.commit(
            self._load.load_id,
            judged=judged,
            intents=intents,
            outcomes=outcomes,
            checkpoints=checkpoints,
            requests=self._requests,
        )
        self._under_way += len(intents) - len(outcomes)
        totals = self._journal.totals(self._load.load_id)
        # the journal counts rows under way as in doubt, which would frighten whoever watches
        self._totals = {**totals, Status.IN_DOUBT: totals[Status.IN_DOUBT] - self._under_way}

    def _tell(self) -> None:
        if self._ended.signal_number is not None and not self._said_stopping:
            self._said_stopping = True
            self._watcher.note("stopping: waiting for the requests under way; a second signal does not wait")
        trouble = self._client.trouble if self._client else None
        if trouble and not self._in_trouble:
            self._watcher.note(f"waiting for the service: {trouble}")
        self._in_trouble = bool(trouble)
        self._watcher.progress(self._totals, self._requests)


def _state(ended: Ended) -> LoadState:
    if ended.signal_number is not None:
        return "interrupted"
    return "stopped" if ended.reason else "finished"
