"""A dry run: every row read, mapped and judged by the code that a load uses, and nothing sent."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from loader.approval.approval import approval_of
from loader.errors import SourceLost
from loader.journal import Journal
from loader.payload.lookups import placeholders
from loader.pipeline.events import Noting
from loader.pipeline.loads.reasons import Reason
from loader.pipeline.loads.runner import LoadResult
from loader.pipeline.rows.inputs import base_url_of, tell_inputs
from loader.pipeline.rows.references import dry_crosswalk, tell_lookups, tell_untried
from loader.pipeline.rows.transform import NOBODY, Transformer
from loader.pipeline.validation.report import SUMMARY, DryRunReport, effort_of
from loader.pipeline.validation.validator import Validator
from loader.records import Requests, Status
from loader.report import Summary, dry_rows, exit_code
from loader.report.reasons import FindingGroups

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loader.pipeline.events import Observer
    from loader.pipeline.rows.inputs import Inputs
    from loader.report.page import Effort
    from loader.settings import RunSettings

_BATCH: Final = 4_000  # rows at once: more would be no faster, and take more memory than is promised


def dry_run(
    inputs: Inputs,
    settings: RunSettings | None,
    *,
    home: Path,
    report: Path | None,
    watcher: Observer,
    rate: float | None = None,
) -> LoadResult:
    """Reads, maps and validates every row.

    Args:
        inputs: What to read.
        settings: Whose records they would become; None: nobody's, so that rows which an earlier load has
            created cannot be told, and no lookup is tried.
        home: Where the journal is, asked for earlier loads and left as it is.
        report: Where the report and its files go; None: they are not written.
        watcher: Is told how it goes.
        rate: Requests a second at which the rows would be sent, for the report; None: nobody has said.

    Returns:
        How it ended.

    Raises:
        LoaderError: The inputs cannot be used.
        Stopped: The report cannot be written.
        Unbalanced: The rows read are not the sum of what they became.
    """
    with ExitStack() as opened:
        journal = opened.enter_context(_earlier(home if settings else None))
        noting = Noting(watcher)
        collected = opened.enter_context(DryRunReport(report, inputs, noting)) if report else None
        return _DryRun(inputs, settings, journal, collected, noting).run(report, rate)


class _DryRun:
    """One dry run.

    Args:
        journal: What earlier loads have left; None: nothing.
        collected: What the report shows; None: there is to be none.
    """

    def __init__(
        self,
        inputs: Inputs,
        settings: RunSettings | None,
        journal: Journal | None,
        collected: DryRunReport | None,
        watcher: Observer,
    ) -> None:
        self._inputs = inputs
        self._settings = settings
        self._reasons = FindingGroups()
        self._journal = journal
        self._collected = collected
        self._watcher = watcher
        self._tenant = settings.tenant if settings else None
        self._resource = inputs.mapping.record.name_of_type
        self._read = 0
        self._preparer = _preparer(inputs, settings, journal, watcher)
        known = partial(journal.known_in, self._tenant, self._resource) if journal and self._tenant else None
        self._judge = Validator(self._preparer, known)

    def run(self, report: Path | None, rate: float | None) -> LoadResult:
        """Judges every row and writes what was asked for."""
        started = time.monotonic()
        self._watcher.started(None, self._inputs.source.total_hint())
        reason = self._judge_all()
        summary = self._summary(reason, time.monotonic() - started)
        if report is not None and self._collected is not None:
            self._collected.stopped = reason.message if reason else ""
            summary = self._write(report, self._collected, summary, rate)
        summary.check_balance()
        told = [Reason(words, count, list(map(str, nos))) for words, count, nos in self._reasons.in_short()]
        return LoadResult(summary, exit_code(summary), reason, told)

    def _judge_all(self) -> SourceLost | None:
        """What broke the reading off; None where nothing did. Where nothing can be written, it raises."""
        try:
            for batch in self._inputs.source.batches(_BATCH):
                judged = self._judge.judge(batch)
                self._read = batch.end.seq
                self._reasons.add(judged.findings)
                if self._collected is not None:
                    self._collected.add(batch, judged, self._preparer.compile(batch.file))
                self._watcher.progress(self._judge.totals, Requests())
        except SourceLost as reason:
            return reason
        return None

    def _summary(self, reason: SourceLost | None, seconds: float) -> Summary:
        totals = self._judge.totals
        return Summary(
            load_id=None,
            resource=self._resource,
            tenant=self._tenant,
            state="stopped" if reason else "finished",
            rows=dry_rows(self._read, totals[Status.PENDING], totals),
            requests=Requests(),
            seconds=seconds,
        )

    def _write(self, folder: Path, collected: DryRunReport, summary: Summary, rate: float | None) -> Summary:
        """Writes the report and the summary; gives back the summary with their paths."""
        approval = approval_of(self._inputs, summary.tenant)
        effort = self._effort(summary.rows["valid"], rate)
        files = collected.write(summary, self._reasons, code=approval.code, effort=effort)
        summary = replace(summary, files=files, approval=approval.as_json())
        summary.write(folder / SUMMARY)
        return summary

    def _effort(self, requests: int, rate: float | None) -> Effort:
        learnt = None
        if self._settings is not None and self._journal is not None:
            place = base_url_of(self._settings, self._inputs.mapping.record)
            learnt = _reached(self._journal, self._settings.tenant, self._resource, place)
        return effort_of(requests, given=rate, learnt=learnt)


def _reached(journal: Journal, tenant: str, resource: str, base_url: str) -> float | None:
    """The rate that loads get through here: as throttling taught it, else that of the largest load."""
    if (learnt := journal.learnt_rate(tenant, resource, base_url)) is not None:
        return learnt
    place = (tenant, resource, base_url)
    loads = [
        each
        for each in journal.loads()
        if (each.tenant, each.resource, each.base_url) == place and each.requests.sent and each.seconds > 0
    ]
    largest = max(loads, key=lambda each: each.requests.sent, default=None)
    return None if largest is None else largest.requests.sent / largest.seconds


@contextmanager
def _earlier(home: Path | None) -> Iterator[Journal | None]:
    """What earlier loads have left; None where there is nothing, or where it is nobody's."""
    if home is None or not (home / "journal.db").exists():
        yield None
        return
    with Journal.open(home) as journal:
        yield journal


def _preparer(
    inputs: Inputs, settings: RunSettings | None, journal: Journal | None, watcher: Observer
) -> Transformer:
    """Says of the inputs what there is to say, and maps them; without a tenant every lookup finds."""
    tenant = settings.tenant if settings else NOBODY
    find = dry_crosswalk(inputs.mapping, tenant, journal) if settings else placeholders
    preparer = Transformer(inputs.mapping, load_id="dry-run", tenant=tenant, find=find)
    tell_inputs(inputs, preparer, watcher)
    if settings:
        tell_lookups(inputs.mapping, tenant, journal, watcher)
    tell_untried(inputs.mapping, watcher, tenant=settings.tenant if settings else None)
    return preparer
