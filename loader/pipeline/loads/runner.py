"""One run of a load: rounds of sending and reconciling until nothing is left to do, then its outputs."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from loader.errors import JournalFailed, ServiceDown, Stopped
from loader.pipeline.events import Progress, RetryingRows, RunStarted, Stopping, WaitingForService
from loader.pipeline.loads.ledger import JournalLedger
from loader.pipeline.loads.outputs import add_page, finding_groups, summarise, write_outputs
from loader.pipeline.loads.reconcile import Reconciler
from loader.pipeline.loads.unfinished_rows import UnfinishedRows
from loader.pipeline.result import LoadResult
from loader.pipeline.rows.inputs import post_url
from loader.records import Status
from loader.report import exit_code
from loader.sending import (
    Client,
    Dispatcher,
    DispatchResult,
    RateLimiter,
    RoundPatience,
    SignalReceived,
    StopLimits,
    dispatch,
    wait,
)

if TYPE_CHECKING:
    from loader.pipeline.events import Observer
    from loader.pipeline.loads.task import LoadTask
    from loader.pipeline.rows.transform import TransformedBatch
    from loader.records import LoadState
    from loader.report import Summary
    from loader.report.finding_groups import FindingGroups


class LoadRunner:
    """Runs a load to its end, or as far as it gets.

    Args:
        task: The run.
        resumed: Whether an earlier run left rows in doubt or waiting.
    """

    def __init__(self, task: LoadTask, *, resumed: bool = False) -> None:
        self._task = task
        self._resumed = resumed
        self._rows = UnfinishedRows(task)
        self._ledger = JournalLedger(task)
        self._reconciler = Reconciler(
            task.journal,
            task.load,
            task.record_type,
            task.settings,
            token=task.token,
            observer=task.observer,
            pause=wait,
            bodies=self._rows.again,
        )
        self._needs_person = False
        self._patience = RoundPatience()
        self._rate_limiter = RateLimiter(task.settings.rate, time.monotonic())
        self._created_at_retry = 0

    def run(self) -> LoadResult:
        """Send what is left to send and write the outputs.

        Whatever stops it, also a full disk, is in the result, beside what the journal knows for certain.
        """
        task = self._task
        hint, limit = task.inputs.source.total_hint(), task.settings.limit
        task.observer.on_event(RunStarted(task.load_id, min(hint, limit) if hint and limit else hint))
        started = time.monotonic()
        result = self._run_rounds()
        summary, groups = self._conclude(result, task.load.seconds + time.monotonic() - started)
        code = exit_code(summary, signal=signal_name(result.signal_number))
        return LoadResult(summary, code, result.reason, groups.groups())

    def _run_rounds(self) -> DispatchResult:
        """Send, reconcile what came in doubt, and send again what that leaves to send."""
        result = DispatchResult()
        try:
            if self._resumed:
                self._take_up()
            while True:
                before = self._progress()
                result = dispatch(self._dispatcher)
                if result.reason or result.signal_number is not None:
                    break
                self._reconcile()
                if not (result.paused or self._more_to_send()):
                    break
                # A service that stores rows and then fails to answer could keep a load busy for ever.
                if self._patience.round_ended(progress=self._progress() != before):
                    result.reason = ServiceDown("every row ends in doubt, and none is stored any more")
                    break
        except JournalFailed as error:
            # As after a second signal, no report is made: the journal that it would be made of has failed.
            return DispatchResult(reason=error, at_once=True)
        except SignalReceived as received:
            result.signal_number = received.number
        return result

    def _take_up(self) -> None:
        """Reconcile before anything is sent, and reopen the rows that waited for other records."""
        journal, load_id = self._task.journal, self._task.load_id
        self._reconcile()
        journal.reopen_waiting(load_id)
        self._created_at_retry = journal.totals(load_id)[Status.CREATED]

    def _reconcile(self) -> None:
        """Reconcile the rows in doubt, if there are any and the service has not shown that it has no list."""
        if self._needs_person or not self._task.journal.totals(self._task.load_id)[Status.IN_DOUBT]:
            return
        self._needs_person = self._reconciler.reconcile().needs_person
        self._patience.reconciled()

    def _progress(self) -> tuple[int, int]:
        """Return what grows while further rounds make progress: rows created and rows read."""
        journal, load_id = self._task.journal, self._task.load_id
        return journal.totals(load_id)[Status.CREATED], journal.resume_point(load_id).next_seq

    def _more_to_send(self) -> bool:
        """Return whether a further round has anything to do.

        Rows refused with 409 get one when other rows were created, and so do rows blocked by a lookup of
        records of this load's own type.
        """
        journal, load_id = self._task.journal, self._task.load_id
        totals = journal.totals(load_id)
        if (created := totals[Status.CREATED]) > self._created_at_retry:
            self._created_at_retry = created
            waiting = journal.count_refused_for_now(load_id)
            waiting += totals[Status.BLOCKED] if self._task.refers_to_itself else 0
            if waiting:
                self._task.observer.on_event(RetryingRows(waiting))
                journal.reopen_waiting(load_id)
        return bool(journal.totals(load_id)[Status.PENDING])

    def _dispatcher(self) -> Dispatcher[TransformedBatch]:
        """Make the dispatcher of one round; called inside its event loop."""
        task = self._task
        # A round continues at the rate of the last one; the first at what earlier loads have learnt.
        learnt = self._rate_limiter.rate or task.journal.learnt_rate(
            task.load.tenant, task.load.resource, task.base_url
        )
        self._rate_limiter = RateLimiter(task.settings.rate, time.monotonic(), learnt)
        self._ledger.start_round()
        client = Client(
            post_url(task.base_url, task.record_type, task.load.tenant),
            token=task.token,
            rate_limiter=self._rate_limiter,
            settings=task.settings,
        )
        news = _RoundNews(task.observer, self._ledger, client)
        dispatcher = Dispatcher(
            self._rows.batches(),
            self._ledger,
            client,
            concurrency=task.settings.concurrency,
            limits=self._limits(),
            on_progress=news.report,
        )
        news.result = dispatcher.result
        return dispatcher

    def _limits(self) -> StopLimits:
        """Return when the next round stops by itself, given what the load came to so far."""
        totals, settings = self._ledger.totals, self._task.settings
        # A row that waits for a record of this very load is not wrong: its record may come in this round.
        unsent = {Status.INVALID} if self._task.refers_to_itself else {Status.INVALID, Status.BLOCKED}
        return StopLimits(
            max_errors=settings.max_errors,
            error_statuses=frozenset(unsent),
            errors_before=sum(totals.get(status, 0) for status in (*unsent, Status.REFUSED)),
            rows_before=sum(totals.values()) - totals[Status.PENDING],
            max_in_doubt=None if self._needs_person else self._patience.max_in_doubt,
            nothing_created=not any(totals.get(status) for status in (Status.CREATED, Status.IN_DOUBT)),
        )

    def _conclude(self, result: DispatchResult, seconds: float) -> tuple[Summary, FindingGroups]:
        """Write to the journal how the run ended, then the outputs, as far as the disk allows."""
        task, requests = self._task, self._ledger.requests
        try:
            # The journal first: the outputs are made from it, and a crash in between loses none of it.
            task.journal.finish(
                task.load_id,
                _state(result),
                reason=result.reason.message if result.reason else "",
                requests=requests,
                seconds=seconds,
                at=datetime.now(UTC),
            )
            if self._rate_limiter.rate is not None:
                task.journal.remember_rate(
                    task.load.tenant, task.load.resource, task.base_url, self._rate_limiter.rate
                )
            return write_outputs(
                task.journal,
                task.load,
                task.inputs.source,
                task.context,
                read=None if result.at_once else self._ledger.read_to,
                batch_size=task.settings.batch_size,
            )
        except Stopped as error:
            result.reason = result.reason or error
            summary = summarise(task.journal, task.load_id, task.context.home)
            summary = replace(summary, state=_state(result), requests=requests, seconds=seconds)
            if not result.at_once:
                summary = add_page(task.journal, summary, task.context)
            return summary, finding_groups(task.journal, task.load)


class _RoundNews:
    """Reports one round to whoever watches, after each commit and now and then in between.

    Attributes:
        result: How the round ended, filled in as it does.
    """

    def __init__(self, observer: Observer, ledger: JournalLedger, client: Client) -> None:
        self._observer = observer
        self._ledger = ledger
        self._client = client
        self._in_trouble = False
        self._is_stopping = False
        self.result = DispatchResult()

    def report(self) -> None:
        """Report what is new."""
        if self.result.signal_number is not None and not self._is_stopping:
            self._is_stopping = True
            self._observer.on_event(Stopping())
        trouble = self._client.trouble
        if trouble and not self._in_trouble:
            self._observer.on_event(WaitingForService(trouble))
        self._in_trouble = trouble is not None
        self._observer.on_event(Progress(self._ledger.totals, self._ledger.requests))


def signal_name(number: int | None) -> Literal["SIGINT", "SIGTERM"] | None:
    """Return the name of a signal that ends a run; None for no signal."""
    if number is None:
        return None
    return "SIGINT" if signal.Signals(number) is signal.Signals.SIGINT else "SIGTERM"


def _state(result: DispatchResult) -> LoadState:
    if result.signal_number is not None:
        return "interrupted"
    return "stopped" if result.reason else "finished"
