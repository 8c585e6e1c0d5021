"""What a dry run found, collected a batch at a time and written as files for people and programs."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import ConfigurationError
from loader.mapping.expressions import ignored
from loader.mapping.groups import joined_columns, used_for_several
from loader.pipeline.loads.folder import PAGE, REJECTS, make_folder
from loader.pipeline.loads.rejected_rows import close_rejects, rejected
from loader.records import GROUP, RECORD_NO, REJECTED
from loader.report import RejectsWriter
from loader.report.atomic import replacing, speaking
from loader.report.findings import FindingsWriter
from loader.report.page import (
    Capped,
    Effort,
    MappingUsed,
    PageOrigin,
    ReportPage,
    dry_run_verdict,
    render,
)
from loader.report.profile import PayloadProfile
from loader.report.reasons import PositionBins
from loader.report.samples import Samples
from loader.report.sources import told_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from loader.mapping import CompiledMapping, MappingPlan
    from loader.pipeline.events import Noting
    from loader.pipeline.rows.inputs import Inputs
    from loader.pipeline.validation.validator import ValidatedBatch
    from loader.records import Batch, SourceFile
    from loader.report import Summary
    from loader.report.reasons import FindingGroups

_SUPPOSED_RATES: Final = (50.0, 500.0)  # requests a second, where nothing is known of the service
_BESIDE: Final = ("findings.csv", "findings.parquet", *REJECTS)
SUMMARY: Final = "summary.json"


class DryRunReport:
    """Collects what the report of a dry run shows, in memory that does not grow with the rows.

    Args:
        folder: Where its files go.
        inputs: What is read.
        watcher: Is told what people must know to load the rejects; has noted what they must know to sign.

    Attributes:
        stopped: What broke the reading off; empty where nothing did.

    Raises:
        ConfigurationError: The folder cannot be made or written to, or is where the source's own files are.
    """

    def __init__(self, folder: Path, inputs: Inputs, watcher: Noting) -> None:
        _refuse_sources(folder, inputs.source.files)
        make_folder(folder)
        with speaking(folder / SUMMARY):  # an older one must not speak for a run that breaks off
            (folder / SUMMARY).unlink(missing_ok=True)
        self._folder = folder
        self._inputs = inputs
        self._watcher = watcher
        self._rejects = RejectsWriter(folder, inputs.source.files)
        self._findings = FindingsWriter(folder)
        self._profile = PayloadProfile()
        self._samples = Samples()
        self._spreads: dict[int, PositionBins] = {}
        self.stopped = ""
        self._records: dict[int, int] = {}
        self._last: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._findings.__exit__(kind, error, trace)
        self._rejects.__exit__(kind, error, trace)

    def add(self, batch: Batch, judged: ValidatedBatch, compiled: CompiledMapping) -> None:
        """Takes a batch.

        Raises:
            Stopped: Its findings or rejects cannot be written.
        """
        unsent = {row.record_no for row in judged.judged}
        wrong = {row.record_no: rejected(row) for row in judged.judged if row.status in REJECTED}
        self._rejects.add(batch, wrong)
        file_no = batch.file.file_no
        self._records[file_no] = self._records.get(file_no, 0) + batch.rows.height
        self._profile.add(judged.payloads, compiled)
        last = batch.children.get(GROUP, batch.rows)[RECORD_NO].max()
        self._last[file_no] = max(self._last.get(file_no, 0), int(str(last or 0)))
        self._samples.add(batch, judged.payloads, unsent)
        if judged.findings.height:
            self._findings.add(judged.findings)
            self._spreads.setdefault(file_no, PositionBins()).add(judged.findings["record_no"])

    def write(self, summary: Summary, reasons: FindingGroups, *, code: str, effort: Effort) -> dict[str, str]:
        """Writes the page, the findings and the rejects.

        Args:
            summary: What the dry run came to.
            reasons: What was wrong.
            code: The short code of what was validated.
            effort: What a load would take.

        Returns:
            Name -> path, as `--json` names them.

        Raises:
            Stopped: A file cannot be written.
        """
        with speaking(self._folder / SUMMARY):
            (self._folder / SUMMARY).unlink(missing_ok=True)  # it comes last: without it no report is whole
        _, findings = self._findings.close()
        rejects = close_rejects(self._rejects, self._folder, self._inputs.source, self._watcher)
        path = self._folder / PAGE
        with replacing(path) as file:
            file.write(render(self._page(summary, reasons, code, effort)).encode())
        files = {"report": str(path), "findings": str(findings)}
        return files | ({"rejects": str(rejects)} if rejects else {})

    def _page(self, summary: Summary, reasons: FindingGroups, code: str, effort: Effort) -> ReportPage:
        mapping, files = self._inputs.mapping, self._inputs.source.files
        unused, left_out = self._unmapped()
        return ReportPage(
            verdict=dry_run_verdict(summary.rows, stopped=bool(self.stopped)),
            code=code,
            made=PageOrigin(datetime.now(UTC), version("loader"), summary.seconds),
            resource=summary.resource,
            tenant=summary.tenant,
            rows=summary.rows,
            sources=Capped.of([told_source(each, self._records.get(each.file_no, 0)) for each in files]),
            second=Capped.of(
                told_source(each.file, each.rows.height) for each in self._inputs.second.files.values()
            ),
            notes=Capped.of(self._watcher.notes),
            unlooked=_unlooked(mapping, summary.tenant),
            stopped=self.stopped,
            mapping=MappingUsed(
                mapping.name, mapping.fingerprint, mapping.text, mapping.file.where, mapping.file.group_by
            ),
            findings=reasons.findings,
            reasons=Capped.of(reasons.most_frequent_first()),
            positions=Capped.of(
                [
                    self._spreads[each.file_no].positions(each.name, self._last[each.file_no])
                    for each in files
                    if each.file_no in self._spreads
                ]
            ),
            fields=Capped.of(self._profile.fields()),
            profiled=self._profile.rows,
            unused=Capped.of(unused),
            ignored=Capped.of(left_out),
            tables=Capped.of(self._profile.tables()),
            samples=self._samples.chosen(),
            effort=effort,
            links=tuple(name for name in _BESIDE if (self._folder / name).exists()),
        )

    def _unmapped(self) -> tuple[list[str], list[str]]:
        """The columns that no rule reads: those that nobody named, and those left out on purpose."""
        mapping = self._inputs.mapping
        used = mapping.columns | used_for_several(mapping)
        names = dict.fromkeys(name for file in self._inputs.source.files for name in file.schema)
        others = [name for name in names if name not in used]
        left_out = [name for name in others if ignored(name, mapping.file.ignore)]
        unused = [name for name in others if name not in set(left_out)]
        for name, second in self._inputs.second.files.items():
            read = joined_columns(mapping.tree, name)
            unused += [f"{each} (of {name})" for each in second.file.schema if each not in read]
        return unused, left_out


def _refuse_sources(folder: Path, files: Iterable[SourceFile]) -> None:
    """Raises where the report would replace what it is about."""
    written = {(folder / name).resolve() for name in (PAGE, SUMMARY, *_BESIDE)}
    for file in files:
        if Path(file.path).resolve() in written:
            raise ConfigurationError(
                f"{file.path}: the report in {folder} would replace this source",
                next_step="name another folder for the report",
            )


def _unlooked(mapping: MappingPlan, tenant: str | None) -> str:
    """Which lookups a dry run does not try, for people who sign."""
    own = mapping.record.name_of_type
    told = []
    for record_type in mapping.lookups:
        if tenant is None:
            told.append(
                f"Keys of {record_type} were not looked up, since no tenant was named: <{record_type} KEY> "
                "stands for the id, and whether there is one is not known."
            )
        elif record_type == own:
            told.append(
                f"Keys of {record_type} count as found, since the load may create these records itself; rows "
                "whose keys it does not create are blocked."
            )
    return " ".join(told)


def effort_of(requests: int, *, given: float | None, learnt: float | None) -> Effort:
    """What a load would take.

    Args:
        requests: How many rows would be sent.
        given: The rate that was named, requests a second; None: none was.
        learnt: The rate that earlier loads got through; None: there were none.
    """
    if given and learnt:
        given = min(given, learnt)
    if given:
        return Effort(requests, "given", (given,))
    return Effort(requests, "learnt", (learnt,)) if learnt else Effort(requests, "none", _SUPPOSED_RATES)
