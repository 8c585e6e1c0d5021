"""The report of a load, told from its journal alone: the source is not read again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader import __version__
from loader.approval.approval import Approval, ApprovedFile, approved_of
from loader.errors import LoaderError
from loader.journal import STOPPED_UNDER_WAY
from loader.mapping import parse_mapping
from loader.pipeline.loads.dry_run_comparison import DryRunComparison
from loader.pipeline.rows.inputs import source_options
from loader.pipeline.rows.transform import CHANGED, told_of
from loader.records import REJECTED, Status
from loader.report.findings import SCHEMA
from loader.report.message_groups import MessageGroups
from loader.report.page import (
    MOST_ATTEMPTS,
    Capped,
    LoadPageValues,
    MappingUsed,
    PageOrigin,
    ReconciledCounts,
    ReportPage,
    RowPlace,
    SourceSummary,
    load_verdict,
)
from loader.report.reasons import FindingGroups, PositionBins
from loader.report.sources import told_source
from loader.report.throughput import ThroughputRecorder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from loader.journal import Journal, LoadStatistics
    from loader.mapping import MappingPlan
    from loader.records import Load, RowResult
    from loader.report import Summary

_HELD: Final = 10_000  # findings, or rejected rows, in memory before they are counted
_JUST_NOW: Final = "sent just now: the answer has not come yet"


def load_page(
    journal: Journal, load_id: str, summary: Summary, *, at: datetime, links: Sequence[str] = ()
) -> ReportPage:
    """What a load came to, or has come to so far; in memory that does not grow with its rows.

    Args:
        journal: Where its rows stand; nothing may be written to it meanwhile.
        load_id: The load.
        summary: Its summary: the page says the same.
        at: The time, aware.
        links: Names of files beside the page.

    Raises:
        JournalFailed: The journal cannot be read.
    """
    load = journal.load(load_id)
    mapping = _mapping_of(load)
    figures = journal.figures(load.load_id, mark=CHANGED)
    walk = _walked(journal, load, summary)
    over_time, found, absent = _over_time(journal, load)
    return ReportPage(
        verdict=load_verdict(summary.rows, summary.state),
        code=_code(load, mapping),
        made=PageOrigin(at, __version__, max(summary.seconds, over_time.seconds_at_work)),
        resource=load.resource,
        tenant=load.tenant,
        rows=summary.rows,
        sources=Capped.of(told_source(each, figures.records.get(each.file_no, 0)) for each in load.files),
        second=Capped.of(_second_files(load)),
        mapping=_mapping_used(load, mapping),
        findings=walk.reasons.findings,
        reasons=Capped.of(walk.reasons.most_frequent_first()),
        positions=Capped.of(
            walk.spreads[each.file_no].positions(each.name, figures.records[each.file_no])
            for each in load.files
            if each.file_no in walk.spreads
        ),
        story=LoadPageValues(
            load_id=load.load_id,
            state=summary.state,
            sent=summary.requests.sent,
            retried=summary.requests.retried,
            throttled=summary.requests.throttled,
            ids_known=figures.ids,
            changed=figures.marked,
            refusals=walk.refused.refusals(),
            doubts=walk.doubts.doubts(),
            reconciled=ReconciledCounts(found, absent, figures.decided),
            # A load from before the journal kept times has only a part of them: that would mislead.
            throughput=over_time.throughput() if over_time.created == summary.rows[Status.CREATED] else None,
            attempts=_attempts(figures),
            foreseen=walk.foresight.told() if walk.foresight else None,
            approved_code=summary.approved,
        ),
        links=tuple(links),
    )


@dataclass(slots=True)
class _Walk:
    """What one walk over a load's rejected and doubtful rows comes to."""

    names: Sequence[str]
    running: bool
    foresight: DryRunComparison | None
    reasons: FindingGroups = field(default_factory=FindingGroups)
    spreads: dict[int, PositionBins] = field(default_factory=dict)
    refused: MessageGroups = field(default_factory=MessageGroups)
    doubts: MessageGroups = field(default_factory=MessageGroups)
    _findings: list[tuple[Any, ...]] = field(default_factory=list)
    _record_nos: dict[int, list[int]] = field(default_factory=dict)

    def add(self, receipt: RowResult) -> None:
        """Takes a row."""
        place = RowPlace(receipt.record_no, receipt.line, receipt.external_id, self.names[receipt.file_no])
        if receipt.status is Status.IN_DOUBT:
            words = _JUST_NOW if self.running and receipt.message == STOPPED_UNDER_WAY else receipt.message
            self.doubts.add(words, receipt.http_status, place)
            return
        if self.foresight:
            self.foresight.add(place)
        if receipt.status is Status.REFUSED:
            # The status stands beside the words.
            words = receipt.message.removeprefix(f"HTTP {receipt.http_status}: ")
            self.refused.add(words, receipt.http_status, place)
        else:
            self._found(receipt, place)

    def _found(self, receipt: RowResult, place: RowPlace) -> None:
        row = (place.file, place.record_no, place.line, place.external_id, receipt.status.value)
        findings = json.loads(receipt.findings) if receipt.findings else [{"message": receipt.message}]
        for each in findings:
            told = (each.get(name) for name in ("column", "value", "expected"))
            self._findings.append((*row, each.get("field") or "", *told, told_of(each)))
            self._record_nos.setdefault(receipt.file_no, []).append(receipt.record_no)
        if len(self._findings) >= _HELD:
            self.count()

    def count(self) -> None:
        """Counts the findings that wait for it; also to be called at the end."""
        self.reasons.add(pl.DataFrame(self._findings, SCHEMA, orient="row"))
        for file_no, record_nos in self._record_nos.items():
            self.spreads.setdefault(file_no, PositionBins()).add(record_nos)
        self._findings, self._record_nos = [], {}


def _walked(journal: Journal, load: Load, summary: Summary) -> _Walk:
    names = [each.name for each in load.files]
    approved = approved_of(load)
    foresight = DryRunComparison.of(approved) if approved else None
    walk = _Walk(names, running=summary.state == "running", foresight=foresight)
    for receipt in journal.receipts(load.load_id, REJECTED | {Status.IN_DOUBT}):
        walk.add(receipt)
    walk.count()
    return walk


def _over_time(journal: Journal, load: Load) -> tuple[ThroughputRecorder, int, int]:
    """The load over time, and how many rows in doubt a lookup found stored, and not stored."""
    over_time, found, absent = ThroughputRecorder(), 0, 0
    for each in journal.timeline(load.load_id):
        over_time.add(
            each.second, created=each.created, throttled=each.throttled, begun=each.begun > 0 < each.second
        )
        found += each.found
        absent += each.absent
    return over_time, found, absent


def _attempts(figures: LoadStatistics) -> tuple[tuple[int, int], ...]:
    """How often rows were sent; the last of many stands for all that follow."""
    every = sorted(figures.attempts.items())
    shown, rest = every[: MOST_ATTEMPTS - 1], every[MOST_ATTEMPTS - 1 :]
    return (*shown, *([(rest[0][0], sum(rows for _, rows in rest))] if rest else []))


def _mapping_of(load: Load) -> MappingPlan | None:
    """The load's mapping; None where this version of the loader does not know its language."""
    try:
        return parse_mapping(load.mapping_text, load.mapping_name)
    except LoaderError:
        return None


def _mapping_used(load: Load, mapping: MappingPlan | None) -> MappingUsed:
    where, group_by = (mapping.file.where, mapping.file.group_by) if mapping else (None, None)
    return MappingUsed(load.mapping_name, _hash(load), load.mapping_text, where, group_by)


def _second_files(load: Load) -> list[SourceSummary]:
    """The second files; how many rows they have is not known any more."""
    second = json.loads(load.settings).get("second_files", {})
    return [
        SourceSummary(Path(each["path"]).name, each["size"], each["fingerprint"], (), 0)
        for each in second.values()
    ]


def _hash(load: Load) -> str:
    return hashlib.sha256(load.mapping_text.encode()).hexdigest()


def _code(load: Load, mapping: MappingPlan | None) -> str:
    """The code that was approved; else the one that a dry run of the same would have had."""
    if approved := approved_of(load):
        return approved["code"]
    if mapping is None:
        return "not known"
    kept = json.loads(load.settings)
    overrides, second = kept.get("source_options", {}), kept.get("second_files", {})
    return Approval(
        tenant=load.tenant,
        resource=load.resource,
        service_path=mapping.record.path,
        mapping=load.mapping_name,
        mapping_sha256=_hash(load),
        source_options=source_options(mapping.source, overrides).model_dump(mode="json", exclude_unset=True),
        files=tuple(ApprovedFile(each.name, each.size, each.fingerprint) for each in load.files),
        joined_files=tuple(
            ApprovedFile(Path(each["path"]).name, each["size"], each["fingerprint"])
            for each in second.values()
        ),
        made_at=load.created_at,
    ).code
