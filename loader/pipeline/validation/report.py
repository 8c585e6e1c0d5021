"""What a dry run found, collected a batch at a time and written as files for people and programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader import __version__, wording
from loader.errors import ConfigurationError
from loader.mapping import joined_columns
from loader.mapping.expressions import ignored
from loader.pipeline.rejects import close_rejects
from loader.pipeline.rows.references import untried_lookups
from loader.records import GROUP, RECORD_NO, REJECTED
from loader.report import RejectsWriter
from loader.report.atomic import replacing, write_errors
from loader.report.findings import FindingsWriter
from loader.report.folder import PAGE, REJECTS, SUMMARY, make_folder
from loader.report.page import (
    Capped,
    Effort,
    MappingUsed,
    PageOrigin,
    ReportPage,
    dry_run_verdict,
    render,
)
from loader.report.position_bins import PositionBins
from loader.report.profile import PayloadProfile
from loader.report.samples import Samples
from loader.report.sources import describe_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from loader.findings import Finding
    from loader.mapping import CompiledMapping
    from loader.pipeline.notes import NoteCollector
    from loader.pipeline.rows.inputs import Inputs
    from loader.pipeline.validation.validator import ValidatedBatch
    from loader.records import Batch, SourceFile
    from loader.report import Summary
    from loader.report.finding_groups import FindingGroups

_ASSUMED_RATES: Final = (50.0, 500.0)  # requests a second, where nothing is known of the service
_BESIDE: Final = ("findings.csv", "findings.parquet", *REJECTS)


@dataclass(slots=True)
class _FileCounts:
    """What was counted of one source file.

    Attributes:
        records: How many records were read.
        last: The number of the last row; greater than `records` where several rows make a record.
        findings: Where its findings fall; None while there are none.
    """

    records: int = 0
    last: int = 0
    findings: PositionBins | None = None


@dataclass(slots=True)
class _Collected:
    """What is known of the records that were read, in memory that does not grow with them."""

    profile: PayloadProfile = field(default_factory=PayloadProfile)
    samples: Samples = field(default_factory=Samples)
    files: dict[int, _FileCounts] = field(default_factory=dict)

    def add(self, batch: Batch, validated: ValidatedBatch, compiled: CompiledMapping) -> None:
        """Take a batch."""
        counts = self.files.setdefault(batch.file.file_no, _FileCounts())
        counts.records += batch.rows.height
        last = batch.children.get(GROUP, batch.rows)[RECORD_NO].max()
        # A batch may hold rows of a record from further down: its last number need not be the highest so far.
        counts.last = max(counts.last, int(str(last or 0)))
        if validated.findings.height:
            counts.findings = counts.findings or PositionBins()
            counts.findings.add(validated.findings["record_no"])
        self.profile.add(validated.payloads, compiled)
        self.samples.add(batch, validated.payloads, {row.record_no for row in validated.decided})


class DryRunReport:
    """Collects what the report of a dry run shows, in memory that does not grow with the rows.

    Args:
        folder: Where its files go.
        inputs: What is read.
        observer: Learns what people must know to load the rejects; has the notes that the report shows.

    Attributes:
        stopped: What broke the reading off; empty where nothing did.

    Raises:
        ConfigurationError: The folder cannot be made or written to, or is where the source's own files are.
    """

    def __init__(self, folder: Path, inputs: Inputs, observer: NoteCollector) -> None:
        # Before any row is read: an hour of work must not end with a folder that cannot be written.
        _refuse_sources(folder, inputs.source.files)
        make_folder(folder)
        self._folder = folder
        self._drop_summary()
        self._inputs = inputs
        self._observer = observer
        self._rejects = RejectsWriter(folder, inputs.source.files)
        self._findings = FindingsWriter(folder)
        self._collected = _Collected()
        self.stopped = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._findings.__exit__(kind, error, trace)
        self._rejects.__exit__(kind, error, trace)

    def add(self, batch: Batch, validated: ValidatedBatch, compiled: CompiledMapping) -> None:
        """Take a batch.

        Raises:
            Stopped: Its findings or rejects cannot be written.
        """
        rejected = {row.record_no: row for row in validated.decided if row.status in REJECTED}
        self._rejects.add(batch, rejected)
        self._collected.add(batch, validated, compiled)
        if validated.findings.height:
            self._findings.add(validated.findings)

    def write(self, summary: Summary, groups: FindingGroups, *, code: str, effort: Effort) -> dict[str, str]:
        """Write the page, the findings and the rejects.

        Args:
            summary: What the dry run came to.
            groups: What was wrong.
            code: The short code of what was validated.
            effort: What a load would take.

        Returns:
            Name -> path, as `--json` names them.

        Raises:
            Stopped: A file cannot be written.
        """
        self._drop_summary()
        _, findings = self._findings.close()
        rejects = close_rejects(self._rejects, self._folder, self._inputs.source, self._observer)
        path = self._folder / PAGE
        with replacing(path) as file:
            file.write(render(self._page(summary, groups, code, effort)).encode())
        files = {"report": str(path), "findings": str(findings)}
        return files | ({"rejects": str(rejects)} if rejects else {})

    def _drop_summary(self) -> None:
        """Remove the summary: it is written last, and is evidence that everything beside it is of its run."""
        with write_errors(self._folder / SUMMARY):
            (self._folder / SUMMARY).unlink(missing_ok=True)

    def _page(self, summary: Summary, groups: FindingGroups, code: str, effort: Effort) -> ReportPage:
        mapping, source_files = self._inputs.mapping, self._inputs.source.files
        counts = {
            file.file_no: self._collected.files.get(file.file_no, _FileCounts()) for file in source_files
        }
        profile, all_groups = self._collected.profile, groups.groups()
        unused, left_out = self._unmapped()
        return ReportPage(
            verdict=dry_run_verdict(summary.rows, stopped=bool(self.stopped)),
            code=code,
            origin=PageOrigin(datetime.now(UTC), __version__, summary.seconds),
            resource=summary.resource,
            tenant=summary.tenant,
            rows=summary.rows,
            sources=Capped.of([describe_source(file, counts[file.file_no].records) for file in source_files]),
            second_files=Capped.of(
                describe_source(second.file, second.rows.height)
                for second in self._inputs.second.files.values()
            ),
            notes=Capped.of(self._observer.notes),
            untried_lookups=" ".join(
                _as_sentences(finding) for finding in untried_lookups(mapping, tenant=summary.tenant)
            ),
            stopped=self.stopped,
            mapping=MappingUsed(
                mapping.name, mapping.fingerprint, mapping.text, mapping.spec.where, mapping.spec.group_by
            ),
            findings=sum(group.findings for group in all_groups),
            groups=Capped.of(all_groups),
            positions=Capped.of(
                [
                    bins.positions(file.name, counts[file.file_no].last)
                    for file in source_files
                    if (bins := counts[file.file_no].findings)
                ]
            ),
            fields=Capped.of(profile.fields()),
            profiled_rows=profile.rows,
            unused=Capped.of(unused),
            ignored=Capped.of(left_out),
            tables=Capped.of(profile.tables()),
            samples=self._collected.samples.chosen(),
            effort=effort,
            links=tuple(name for name in _BESIDE if (self._folder / name).exists()),
        )

    def _unmapped(self) -> tuple[list[str], list[str]]:
        """Return the columns that no rule reads: those that nothing names, and those left out on purpose."""
        mapping = self._inputs.mapping
        used = mapping.columns | mapping.grouping_columns
        names = dict.fromkeys(name for file in self._inputs.source.files for name in file.schema)
        others = [name for name in names if name not in used]
        left_out = [name for name in others if ignored(name, mapping.spec.ignore)]
        unused = [name for name in others if name not in set(left_out)]
        for name, second in self._inputs.second.files.items():
            read = joined_columns(mapping.tree, name)
            unused += [f"{column} (of {name})" for column in second.file.schema if column not in read]
        return unused, left_out


def _refuse_sources(folder: Path, files: Iterable[SourceFile]) -> None:
    """Raise where the report would replace what it is about."""
    written = {(folder / name).resolve() for name in (PAGE, SUMMARY, *_BESIDE)}
    for file in files:
        if Path(file.path).resolve() in written:
            raise ConfigurationError(
                f"{file.path}: the report in {folder} would replace this source",
                next_step="Choose another folder for --report.",
            )


def _as_sentences(finding: Finding) -> str:
    """Return what was found and what to do, as text for people who sign."""
    message = wording.message(finding)
    return f"{message[:1].upper()}{message[1:]}. {wording.fix(finding)}"


def effort_of(requests: int, *, given: float | None, learnt: float | None) -> Effort:
    """Return what a load would take.

    Args:
        requests: How many rows would be sent.
        given: The rate that was asked for, requests a second; None: none was.
        learnt: The rate that earlier loads reached; None: there were none.
    """
    if given and learnt:
        given = min(given, learnt)
    if given:
        return Effort(requests, "given", (given,))
    return Effort(requests, "learnt", (learnt,)) if learnt else Effort(requests, "none", _ASSUMED_RATES)
