"""The report of a load, made from its journal alone: the source is not read again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader import __version__
from loader.approval import Approval, ApprovedFile
from loader.errors import LoaderError
from loader.findings import Finding
from loader.mapping import parse_mapping
from loader.pipeline.loads.dry_run_comparison import DryRunComparison
from loader.pipeline.rows.inputs import source_options
from loader.records import REJECTED, Status
from loader.report.finding_groups import FindingGroups
from loader.report.page import (
    MOST_ATTEMPTS,
    Capped,
    LoadPageValues,
    MappingUsed,
    PageOrigin,
    ReconciledCounts,
    ReportPage,
    SourceSummary,
    load_verdict,
)
from loader.report.position_bins import PositionBins
from loader.report.sources import describe_source
from loader.report.throughput import ThroughputRecorder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from loader.journal import Journal, LoadStatistics
    from loader.mapping import MappingPlan
    from loader.records import Load, RowResult
    from loader.report import Summary
    from loader.resources import RecordTypes

_HELD: Final = 10_000  # record numbers in memory before they are counted
_WAITING: Final = Finding("sending.waiting")


def load_page(
    journal: Journal,
    load_id: str,
    summary: Summary,
    types: RecordTypes,
    *,
    at: datetime,
    links: Sequence[str] = (),
) -> ReportPage:
    """Return what a load came to, or has come to so far; in memory that does not grow with its rows.

    Args:
        journal: Where its rows are; nothing may be written to it meanwhile.
        load_id: The load.
        summary: Its summary: the page shows the same.
        types: The record types that its mapping may name.
        at: The time, aware.
        links: Names of files beside the page.

    Raises:
        JournalFailed: The journal cannot be read.
    """
    load = journal.load(load_id)
    mapping = _mapping_of(load, types)
    statistics = journal.statistics(load.load_id)
    walk = _walk(journal, load, summary)
    history = _History.of(journal, load)
    wrong = walk.groups.groups(Status.INVALID, Status.BLOCKED)
    recorder = history.recorder
    return ReportPage(
        verdict=load_verdict(summary.rows, summary.state),
        code=_code(load, mapping),
        origin=PageOrigin(at, __version__, max(summary.seconds, recorder.seconds_at_work)),
        resource=load.resource,
        tenant=load.tenant,
        rows=summary.rows,
        sources=Capped.of(
            describe_source(file, statistics.records.get(file.file_no, 0)) for file in load.files
        ),
        second_files=Capped.of(_second_files(load)),
        mapping=_mapping_used(load, mapping),
        findings=sum(group.findings for group in wrong),
        groups=Capped.of(wrong),
        positions=Capped.of(
            walk.positions[file.file_no].positions(file.name, statistics.records[file.file_no])
            for file in load.files
            if file.file_no in walk.positions
        ),
        load=LoadPageValues(
            load_id=load.load_id,
            state=summary.state,
            sent=summary.requests.sent,
            retried=summary.requests.retried,
            throttled=summary.requests.throttled,
            ids_known=statistics.ids,
            changed=statistics.changed,
            refusals=Capped.of(walk.groups.groups(Status.REFUSED)),
            in_doubt=Capped.of(walk.groups.groups(Status.IN_DOUBT)),
            reconciled=ReconciledCounts(history.stored, history.absent, statistics.decided),
            # A load from before the journal kept times has only a part of them: that would mislead.
            throughput=recorder.throughput() if recorder.created == summary.rows[Status.CREATED] else None,
            attempts=_attempts(statistics),
            dry_run=walk.comparison.result() if walk.comparison else None,
            approved_code=summary.approved,
        ),
        links=tuple(links),
    )


@dataclass(slots=True)
class _Walk:
    """What one walk over a load's rejected rows and rows in doubt comes to.

    Attributes:
        names: The names of the load's files.
        running: Whether a process is at work on the load.
        comparison: What its dry run found; None where none is known.
        groups: The rows by cause.
        positions: Where the rows that were not sent fall, by file.
    """

    names: Sequence[str]
    running: bool
    comparison: DryRunComparison | None
    groups: FindingGroups = field(default_factory=FindingGroups)
    positions: dict[int, PositionBins] = field(default_factory=dict)
    _record_nos: dict[int, list[int]] = field(default_factory=dict)

    def add(self, row: RowResult) -> None:
        """Take a row."""
        if row.status is Status.IN_DOUBT:
            # Under way in a living process: its outcome is not lost, only not there yet.
            under_way = self.running and row.code == "sending.process_ended"
            self.groups.add_row(
                replace(row, findings=(_WAITING,)) if under_way else row, self.names[row.file_no]
            )
            return
        self.groups.add_row(row, self.names[row.file_no])
        if self.comparison:
            self.comparison.add(self.names[row.file_no], row.record_no)
        if row.status is not Status.REFUSED:
            held = self._record_nos.setdefault(row.file_no, [])
            held += [row.record_no] * len(row.findings)
            if len(held) >= _HELD:
                self.flush()

    def flush(self) -> None:
        """Count the record numbers that are held; also to be called at the end."""
        for file_no, record_nos in self._record_nos.items():
            self.positions.setdefault(file_no, PositionBins()).add(record_nos)
        self._record_nos = {}


def _walk(journal: Journal, load: Load, summary: Summary) -> _Walk:
    """Walk over a load's rejected rows and rows in doubt.

    At the end of a load, `finding_groups` has just made the same groups. They are not passed on here: where
    rows fall in their files and the comparison with the dry run need this walk in any case, and the page is
    read from the journal at one moment, also while a load runs and rows under way count as waiting.
    """
    approved = load.manifest.approved
    comparison = DryRunComparison.of(approved) if approved else None
    walk = _Walk([file.name for file in load.files], summary.state == "running", comparison)
    for row in journal.row_results(load.load_id, REJECTED | {Status.IN_DOUBT}):
        walk.add(row)
    walk.flush()
    return walk


@dataclass(frozen=True, slots=True)
class _History:
    """A load over time.

    Attributes:
        recorder: What was created when.
        stored: Rows in doubt that a search found stored.
        absent: Rows in doubt that searches found not stored.
    """

    recorder: ThroughputRecorder
    stored: int
    absent: int

    @classmethod
    def of(cls, journal: Journal, load: Load) -> _History:
        """Return the history that the journal has."""
        recorder, stored, absent = ThroughputRecorder(), 0, 0
        for moment in journal.timeline(load.load_id):
            recorder.add(
                moment.second,
                created=moment.created,
                throttled=moment.throttled,
                started=moment.started > 0 < moment.second,
            )
            stored += moment.found_stored
            absent += moment.found_absent
        return cls(recorder, stored, absent)


def _attempts(statistics: LoadStatistics) -> tuple[tuple[int, int], ...]:
    """Return how often rows were sent; the last of many counts all that follow."""
    counts = sorted(statistics.attempts.items())
    shown, rest = counts[: MOST_ATTEMPTS - 1], counts[MOST_ATTEMPTS - 1 :]
    return (*shown, *([(rest[0][0], sum(rows for _, rows in rest))] if rest else []))


def _mapping_of(load: Load, types: RecordTypes) -> MappingPlan | None:
    """Return the load's mapping; None where this version of the loader does not know its language."""
    try:
        return parse_mapping(load.mapping_text, load.mapping_name, types)
    except LoaderError:
        return None


def _mapping_used(load: Load, mapping: MappingPlan | None) -> MappingUsed:
    where, group_by = (mapping.spec.where, mapping.spec.group_by) if mapping else (None, None)
    return MappingUsed(load.mapping_name, _hash(load), load.mapping_text, where, group_by)


def _second_files(load: Load) -> list[SourceSummary]:
    """Return the second files; how many rows they have is no longer known."""
    return [
        SourceSummary(Path(file.path).name, file.size, file.fingerprint, (), 0)
        for file in load.manifest.second_files.values()
    ]


def _hash(load: Load) -> str:
    return hashlib.sha256(load.mapping_text.encode()).hexdigest()


def _code(load: Load, mapping: MappingPlan | None) -> str:
    """Return the code that was approved; else the one that a dry run of the same would have had."""
    manifest = load.manifest
    if manifest.approved:
        return manifest.approved.code
    # Without a mapping that can be read, the options that count are not known, and so neither is the code.
    if mapping is None:
        return "not known"
    options = source_options(mapping.source, manifest.source_options)
    return Approval(
        tenant=load.tenant,
        resource=load.resource,
        service_path=mapping.record_type.path,
        mapping=load.mapping_name,
        mapping_sha256=_hash(load),
        source_options=options.model_dump(mode="json", exclude_unset=True),
        files=tuple(ApprovedFile(file.name, file.size, file.fingerprint) for file in load.files),
        joined_files=tuple(
            ApprovedFile(Path(file.path).name, file.size, file.fingerprint)
            for file in manifest.second_files.values()
        ),
        made_at=load.created_at,
    ).code
