"""One run of a load: rounds of sending and reconciling until nothing is left to do, then the receipts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from loader.errors import JournalFailed, ServiceDown, Stopped
from loader.pipeline.loads.outputs import write_receipts
from loader.pipeline.loads.page_file import add_page
from loader.pipeline.loads.reasons import Reason, reasons_of
from loader.pipeline.loads.reconcile import DOUBTS, Reconciler, ReconcileResult
from loader.pipeline.loads.summary import summarise
from loader.pipeline.rows.inputs import Inputs, base_url_of, post_url
from loader.pipeline.rows.transform import DecidedBatch, TransformedBatch, Transformer, decide
from loader.records import Load, LoadState, Position, Requests, Status
from loader.report import exit_code
from loader.sending import Client, Dispatcher, Ended, Interrupted, RateLimiter, StopLimits, dispatch, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.journal import Journal
    from loader.pipeline.events import Observer
    from loader.records import Batch, DecidedRow, Outcome, SendableRow
    from loader.report import Summary
    from loader.sending import TokenSource
    from loader.settings import RunSettings

_IDLE_ROUNDS: Final = 5  # by chance the last few rows may come in doubt more than once
_SIGNALS: Final[dict[int, Literal["SIGINT", "SIGTERM"]]] = {2: "SIGINT", 15: "SIGTERM"}


@dataclass(frozen=True, slots=True)
class LoadResult:
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


class LoadRunner:
    """One run of a load; also what the dispatcher writes to."""

    def __init__(
        self,
        journal: Journal,
        load: Load,
        inputs: Inputs,
        settings: RunSettings,
        preparer: Transformer,
        home: Path,
        token: TokenSource,
        watcher: Observer,
        *,
        resumed: bool = False,
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
        self._refers_to_itself = load.resource in inputs.mapping.lookups
        self._totals: dict[Status, int] = {}
        self._requests = self._before = load.requests
        self._resumed = resumed
        self._reconciled = ReconcileResult()
        self._created_at_retry = 0
        self._patience = DOUBTS  # doubled with each pass, since every pass reads all of the tenant's records
        self._pace = RateLimiter(settings.rate, time.monotonic())
        self._read_through = 0
        self._under_way = 0
        self._ended = Ended()
        self._said_stopping = False
        self._client: Client | None = None
        self._in_trouble = False

    def run(self) -> LoadResult:
        """Sends what is left to send and writes the receipts.

        Whatever stops it, also a disk that is full, is in the result, beside what the journal has for sure.
        """
        hint = self._inputs.source.total_hint()
        limit = self._settings.limit
        self._watcher.started(self._load.load_id, min(hint, limit) if hint and limit else hint)
        self._totals = self._journal.totals(self._load.load_id)
        self._read_through = sum(self._totals.values())
        started = time.monotonic()
        ended = self._rounds()
        summary = self._conclude(ended, self._load.seconds + time.monotonic() - started)
        name = signal_name(ended.signal_number)
        reasons = reasons_of(self._journal, self._load.load_id)
        return LoadResult(summary, exit_code(summary, signal=name), ended.reason, reasons)

    def _rounds(self) -> Ended:
        """Sends, reconciles what came in doubt, and sends again what that leaves to send."""
        ended = Ended()
        try:
            if self._resumed:
                self._reconcile()
                self._journal.reopen_waiting(self._load.load_id)
                self._created_at_retry = self._totals[Status.CREATED]
            idle = 0
            while True:
                before = self._progress()
                ended = dispatch(self._dispatcher)
                if ended.reason or ended.signal_number is not None:
                    break
                self._reconcile()
                if not (ended.doubtful or self._more_to_send()):
                    break
                idle = idle + 1 if self._progress() == before else 0
                if idle == _IDLE_ROUNDS:
                    ended.reason = ServiceDown("rows keep coming in doubt, and none gets through any more")
                    break
        except JournalFailed as reason:
            return Ended(reason=reason, at_once=True)
        except Interrupted as interrupted:
            ended.signal_number = interrupted.number
        return ended

    def _progress(self) -> tuple[int, int]:
        """What grows as long as a further round is of use: rows created and rows read."""
        load_id = self._load.load_id
        return self._journal.totals(load_id)[Status.CREATED], self._journal.resume_point(load_id).next_seq

    def _reconcile(self) -> None:
        """Reconciles rows in doubt, unless the service has shown that it cannot be asked."""
        load_id = self._load.load_id
        if not self._reconciled.missing and self._journal.totals(load_id)[Status.IN_DOUBT]:
            reconciler = Reconciler(
                self._journal, self._load, self._settings, self._token, self._watcher, wait, self._again
            )
            self._reconciled = reconciler.reconcile()
            self._patience *= 2
        self._totals = self._journal.totals(load_id)

    def _more_to_send(self) -> bool:
        """Whether a further round has anything to do.

        Rows refused with 409 get one when others got in, and rows blocked by a lookup of records of this
        load's own type.
        """
        load_id = self._load.load_id
        totals = self._journal.totals(load_id)
        if (created := totals[Status.CREATED]) > self._created_at_retry:
            self._created_at_retry = created
            waiting = self._journal.count_refused_for_now(load_id)
            waiting += totals[Status.BLOCKED] if self._refers_to_itself else 0
            if waiting:
                self._watcher.note(f"trying {waiting:,} rows again that referred to something not there")
                self._journal.reopen_waiting(load_id)
        return bool(self._journal.totals(load_id)[Status.PENDING])

    def _again(self, seqs: frozenset[int]) -> Iterator[TransformedBatch]:
        """These rows, prepared once more."""
        for batch in self._read(Position()):
            if any(seq in seqs for seq in range(batch.start.seq, batch.end.seq)):
                yield self._preparer.prepare(batch, seqs)

    def _conclude(self, ended: Ended, seconds: float) -> Summary:
        """Says in the journal how the run ended and writes the receipts, as far as the disk lets it."""
        load_id = self._load.load_id
        reason = ended.reason.message if ended.reason else ""
        try:
            self._journal.finish(
                load_id,
                _state(ended),
                reason=reason,
                requests=self._requests,
                seconds=seconds,
                at=datetime.now(UTC),
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
            summary = replace(summary, state=_state(ended), requests=self._requests, seconds=seconds)
            return summary if ended.at_once else add_page(self._journal, summary, self._home, self._watcher)

    def _dispatcher(self) -> Dispatcher[TransformedBatch]:
        record = self._inputs.mapping.record
        load = self._load
        self._before = self._requests
        self._totals = self._journal.totals(load.load_id)  # rows reopened since count no longer as wrong
        learnt = self._pace.rate or self._journal.learnt_rate(load.tenant, load.resource, self._base_url)
        self._pace = RateLimiter(self._settings.rate, time.monotonic(), learnt)
        self._client = client = Client(
            post_url(self._base_url, record, load.tenant),
            token=self._token,
            pace=self._pace,
            settings=self._settings,
        )
        unsent = {Status.INVALID} if self._refers_to_itself else {Status.INVALID, Status.BLOCKED}
        wrong = sum(self._totals.get(each, 0) for each in (*unsent, Status.REFUSED))
        limits = StopLimits(
            concurrency=self._settings.concurrency,
            max_errors=self._settings.max_errors,
            unsent=frozenset(unsent),
            wrong=wrong,
            read=sum(self._totals.values()) - self._totals[Status.PENDING],
            doubts=None if self._reconciled.missing else self._patience,
            first_run=not any(self._totals.get(each) for each in (Status.CREATED, Status.IN_DOUBT)),
        )
        self._under_way = 0
        dispatcher = Dispatcher(self._batches(), self, client, limits, self._tell)
        self._ended = dispatcher.ended
        return dispatcher

    def _batches(self) -> Iterator[TransformedBatch]:
        """What has no final state yet: rows known not to be stored, then those never reached."""
        point = self._journal.resume_point(self._load.load_id)
        self._read_through = point.next_seq
        for behind in point.pending:
            yield from self._pending(behind.checkpoint, frozenset(behind.seqs))
        following = point.next_seq
        for batch in self._read(point.checkpoint):
            if batch.end.seq > following:
                yield self._preparer.prepare(batch, range(following, batch.end.seq))

    def _pending(self, checkpoint: Position, seqs: frozenset[int]) -> Iterator[TransformedBatch]:
        last = max(seqs)
        for batch in self._read(checkpoint):
            yield self._preparer.prepare(batch, seqs)
            if batch.end.seq > last:
                return

    def _read(self, start: Position) -> Iterator[Batch]:
        return self._inputs.source.batches(self._settings.batch_size, start, self._settings.limit)

    # --- What the dispatcher asks of its ledger ----------------------------------------------------

    def decide(self, prepared: TransformedBatch) -> DecidedBatch:
        """Judges a batch by what the journal knows of its external ids."""
        load_id = self._load.load_id
        self._read_through = max(self._read_through, prepared.end_seq)
        return decide(
            prepared, partial(self._journal.known_elsewhere, load_id), partial(self._journal.seen, load_id)
        )

    def commit(
        self,
        *,
        judged: Sequence[DecidedRow],
        intents: Sequence[SendableRow],
        outcomes: Sequence[Outcome],
        checkpoints: Sequence[Position],
        requests: Requests,
    ) -> None:
        """Writes to the journal, and remembers the totals for whoever watches."""
        before = self._before
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
            at=datetime.now(UTC),
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


def signal_name(number: int | None) -> Literal["SIGINT", "SIGTERM"] | None:
    """The name of a signal that ends a run; None for no signal."""
    return _SIGNALS.get(number or 0)


def _state(ended: Ended) -> LoadState:
    if ended.signal_number is not None:
        return "interrupted"
    return "stopped" if ended.reason else "finished"
