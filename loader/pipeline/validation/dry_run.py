"""A dry run: every row read, mapped and validated by the code that a load uses, and nothing sent."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from loader.errors import SourceLost
from loader.journal import journal_exists, open_journal
from loader.payload.lookups import placeholders
from loader.pipeline.events import FindingReported, Progress, RunStarted
from loader.pipeline.notes import NoteCollector
from loader.pipeline.result import LoadResult
from loader.pipeline.rows.inputs import base_url_of, input_notes
from loader.pipeline.rows.references import dry_run_references, hopeless_lookups, untried_lookups
from loader.pipeline.rows.transform import NO_TENANT, Transformer
from loader.pipeline.validation.report import DryRunReport, effort_of
from loader.pipeline.validation.validator import Validator
from loader.records import Requests, Status
from loader.report import Summary, dry_rows, exit_code
from loader.report.finding_groups import FindingGroups
from loader.report.folder import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loader.journal import Journal
    from loader.pipeline.context import RunContext
    from loader.pipeline.rows.inputs import Inputs
    from loader.report.page import Effort
    from loader.settings import RunSettings

_BATCH: Final = 4_000  # rows at once: more would be no faster, and take more memory than is promised


def validate_inputs(
    inputs: Inputs,
    settings: RunSettings | None,
    context: RunContext,
    *,
    report: Path | None,
    rate: float | None = None,
) -> LoadResult:
    """Read, map and validate every row.

    Args:
        inputs: What to read.
        settings: The tenant to load into; None: there is none, so that rows which an earlier load created
            are not recognized, and no lookup is tried.
        context: Where the journal is, which is asked for earlier loads and left as it is, and who watches.
        report: Where the report and its files go; None: they are not written.
        rate: Requests a second at which the rows would be sent, for the report; None: none was given.

    Raises:
        LoaderError: The inputs cannot be used.
        Stopped: The report cannot be written.
        Unbalanced: The rows read are not the sum of what they became.
    """
    with ExitStack() as stack:
        journal = stack.enter_context(_earlier_loads(context.home if settings else None))
        observer = NoteCollector(context.observer)
        writer = stack.enter_context(DryRunReport(report, inputs, observer)) if report else None
        return _DryRun(inputs, settings, journal, writer, observer).run(report, rate)


class _DryRun:
    """One dry run.

    Args:
        inputs: What is read.
        settings: The tenant to load into; None: there is none.
        journal: What earlier loads left; None: nothing.
        report: Collects what the report shows; None: there is to be none.
        observer: Watches.
    """

    def __init__(
        self,
        inputs: Inputs,
        settings: RunSettings | None,
        journal: Journal | None,
        report: DryRunReport | None,
        observer: NoteCollector,
    ) -> None:
        self._inputs = inputs
        self._settings = settings
        self._journal = journal
        self._report = report
        self._observer = observer
        self._groups = FindingGroups()
        self._read = 0
        self._transformer = _transformer(inputs, settings, journal, observer)
        tenant, resource = self._tenant, self._resource
        known = partial(journal.known_in, tenant, resource) if journal and tenant else None
        names = [file.name for file in inputs.source.files]
        self._validator = Validator(self._transformer, names, known)

    @property
    def _tenant(self) -> str | None:
        return self._settings.tenant if self._settings else None

    @property
    def _resource(self) -> str:
        return self._inputs.mapping.record_type.name

    def run(self, report: Path | None, rate: float | None) -> LoadResult:
        """Validate every row and write what was asked for."""
        started = time.monotonic()
        self._observer.on_event(RunStarted(None, self._inputs.source.total_hint()))
        error = self._validate_all()
        summary = self._summary(error, time.monotonic() - started)
        if report is not None and self._report is not None:
            # A source that broke off still has a report, which says so and cannot be signed.
            self._report.stopped = error.message if error else ""
            summary = self._write(report, self._report, summary, rate)
        summary.check_balance()
        return LoadResult(summary, exit_code(summary), error, self._groups.groups())

    def _validate_all(self) -> SourceLost | None:
        """Return what broke the reading off; None where nothing did. Where nothing can be written, raise."""
        try:
            for batch in self._inputs.source.batches(_BATCH):
                validated = self._validator.validate(batch)
                self._read = batch.end.seq
                self._groups.add(validated.findings)
                if self._report is not None:
                    self._report.add(batch, validated, self._transformer.compile(batch.file))
                self._observer.on_event(Progress(self._validator.totals, Requests()))
        except SourceLost as error:
            return error
        return None

    def _summary(self, error: SourceLost | None, seconds: float) -> Summary:
        totals = self._validator.totals
        return Summary(
            load_id=None,
            resource=self._resource,
            tenant=self._tenant,
            state="stopped" if error else "finished",
            rows=dry_rows(self._read, totals[Status.PENDING], totals),
            requests=Requests(),
            seconds=seconds,
            findings=self._groups.counts(),
        )

    def _write(self, folder: Path, report: DryRunReport, summary: Summary, rate: float | None) -> Summary:
        """Write the report and the summary, and return the summary with their paths."""
        approval = self._inputs.approval(summary.tenant, datetime.now(UTC))
        effort = self._effort(summary.rows["valid"], rate)
        files = report.write(summary, self._groups, code=approval.code, effort=effort)
        # The approval is of the inputs as they were opened: what was validated, not what is there by now.
        summary = replace(summary, files=files, approval=approval.as_json())
        summary.write(folder / SUMMARY)
        return summary

    def _effort(self, requests: int, rate: float | None) -> Effort:
        learnt = None
        if self._settings is not None and self._journal is not None:
            base_url = base_url_of(self._settings, self._inputs.mapping.record_type)
            learnt = _rate_reached(self._journal, self._settings.tenant, self._resource, base_url)
        return effort_of(requests, given=rate, learnt=learnt)


def _rate_reached(journal: Journal, tenant: str, resource: str, base_url: str) -> float | None:
    """Return the rate that loads reach here: as throttling taught it, else that of the largest load."""
    if (learnt := journal.learnt_rate(tenant, resource, base_url)) is not None:
        return learnt
    scope = (tenant, resource, base_url)
    loads = [
        load
        for load in journal.loads()
        if (load.tenant, load.resource, load.base_url) == scope and load.requests.sent and load.seconds > 0
    ]
    largest = max(loads, key=lambda load: load.requests.sent, default=None)
    return None if largest is None else largest.requests.sent / largest.seconds


@contextmanager
def _earlier_loads(home: Path | None) -> Iterator[Journal | None]:
    """Give what earlier loads left; None where there is nothing. A dry run never makes a journal."""
    if home is None or not journal_exists(home):
        yield None
        return
    with open_journal(home) as journal:
        yield journal


def _transformer(
    inputs: Inputs, settings: RunSettings | None, journal: Journal | None, observer: NoteCollector
) -> Transformer:
    """Report what there is to know of the inputs; without a tenant every lookup finds a placeholder."""
    tenant = settings.tenant if settings else NO_TENANT
    find = dry_run_references(inputs.mapping, tenant, journal) if settings else placeholders
    transformer = Transformer(inputs.mapping, load_id="dry-run", tenant=tenant, find=find)
    for note in input_notes(inputs, transformer):
        observer.on_event(note)
    findings = list(hopeless_lookups(inputs.mapping, tenant, journal)) if settings else []
    findings += untried_lookups(inputs.mapping, tenant=settings.tenant if settings else None)
    for finding in findings:
        observer.on_event(FindingReported(finding))
    return transformer
