"""A page, as one plain value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from loader.report.values import Capped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.report.page.load_values import LoadPageValues
    from loader.report.page.values import (
        Effort,
        FieldProfile,
        MappingUsed,
        PageOrigin,
        PageVerdict,
        Positions,
        SamplePayload,
        SourceSummary,
        ValueTable,
    )
    from loader.report.values import FindingGroup


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The page of a dry run, or of a load where it has a `load`.

    Attributes:
        verdict: The answer in one sentence.
        code: The short code to read out: K7QM-3F2X.
        origin: When it was written, and by which version.
        resource: The record type's name.
        tenant: The tenant to load into; None for a dry run without one.
        rows: `read` and what the rows became, as `dry_rows` or `load_rows` of the summary give them.
        sources: The source's files.
        second_files: The second files that the mapping takes rows of.
        notes: What was noted while reading, for people: what was detected, what is odd.
        untried_lookups: Which keys of other records were not looked up, in sentences; empty where all were.
        stopped: Why not all rows were read; empty where all were, and for a load.
        mapping: The mapping.
        findings: How many findings the rows have that were not sent; a row may have several.
        groups: The causes of these findings, most frequent first.
        positions: Where the findings are, a file each.
        fields: The payload's fields, in the order of the mapping.
        profiled_rows: Rows that the figures of `fields` are about.
        unused: Columns that nothing uses and the mapping does not name.
        ignored: Columns that the mapping leaves out on purpose.
        tables: Values through maps and enums.
        samples: At most three records as they are sent.
        effort: How long a load would take; None for a load.
        load: What happened in a load; None for a dry run.
        links: Names of files beside the page, relative to it: `rejects.csv`.
    """

    verdict: PageVerdict
    code: str
    origin: PageOrigin
    resource: str
    tenant: str | None
    rows: Mapping[str, int]
    sources: Capped[SourceSummary]
    mapping: MappingUsed
    second_files: Capped[SourceSummary] = field(default_factory=Capped)
    notes: Capped[str] = field(default_factory=Capped)
    untried_lookups: str = ""
    stopped: str = ""
    findings: int = 0
    groups: Capped[FindingGroup] = field(default_factory=Capped)
    positions: Capped[Positions] = field(default_factory=Capped)
    fields: Capped[FieldProfile] = field(default_factory=Capped)
    profiled_rows: int = 0
    unused: Capped[str] = field(default_factory=Capped)
    ignored: Capped[str] = field(default_factory=Capped)
    tables: Capped[ValueTable] = field(default_factory=Capped)
    samples: tuple[SamplePayload, ...] = ()
    effort: Effort | None = None
    load: LoadPageValues | None = None
    links: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["dry_run", "load"]:
        """What it is the page of."""
        return "load" if self.load else "dry_run"

    @property
    def unsignable(self) -> str:
        """Why a dry run's page cannot approve a load; empty where it can."""
        if self.stopped:
            return "not all rows were read"
        if self.tenant is None:
            return "no tenant to load into was named"
        return "" if self.rows.get("valid") or self.rows.get("blocked") else "there is nothing to load"
