"""A whole report, as one plain value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from loader.report.page.values import Capped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.report.page.load_values import LoadPageValues
    from loader.report.page.values import (
        Effort,
        FieldProfile,
        FindingGroup,
        MappingUsed,
        PageOrigin,
        PageVerdict,
        Positions,
        SamplePayload,
        SourceSummary,
        ValueTable,
    )


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report: a dry run's, or a load's where it has a `story`.

    Attributes:
        verdict: The answer in one sentence.
        code: The short code to read out: K7QM-3F2X.
        made: When and by what.
        resource: The record type's name.
        tenant: Whose records; None for a dry run without one.
        rows: `read` and what the rows became, as `dry_rows` or `load_rows` of the summary give them.
        sources: The source's files.
        second: The second files that the mapping takes rows of.
        notes: What was noted while reading, for people: what was detected, what is odd.
        unlooked: Which keys of other records were not looked up, in sentences; empty where all were.
        stopped: Why not all rows were read; empty where all were, and for a load.
        mapping: The mapping.
        findings: How many findings there are; a row may have several.
        reasons: What is wrong, most frequent first.
        positions: Where the findings fall, a file each.
        fields: The payload's fields, in the order of the mapping.
        profiled: Rows that the figures of `fields` are taken of.
        unused: Columns that nothing uses and the mapping does not name.
        ignored: Columns that the mapping leaves out on purpose.
        tables: Values through maps and enums.
        samples: At most three records as they are sent.
        effort: What a load would take; None for a load.
        story: What happened in a load; None for a dry run.
        links: Names of files beside the page, relative to it: `rejects.csv`.
    """

    verdict: PageVerdict
    code: str
    made: PageOrigin
    resource: str
    tenant: str | None
    rows: Mapping[str, int]
    sources: Capped[SourceSummary]
    mapping: MappingUsed
    second: Capped[SourceSummary] = field(default_factory=Capped)
    notes: Capped[str] = field(default_factory=Capped)
    unlooked: str = ""
    stopped: str = ""
    findings: int = 0
    reasons: Capped[FindingGroup] = field(default_factory=Capped)
    positions: Capped[Positions] = field(default_factory=Capped)
    fields: Capped[FieldProfile] = field(default_factory=Capped)
    profiled: int = 0
    unused: Capped[str] = field(default_factory=Capped)
    ignored: Capped[str] = field(default_factory=Capped)
    tables: Capped[ValueTable] = field(default_factory=Capped)
    samples: tuple[SamplePayload, ...] = ()
    effort: Effort | None = None
    story: LoadPageValues | None = None
    links: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["dry_run", "load"]:
        """Whose page it is."""
        return "load" if self.story else "dry_run"

    @property
    def unsignable(self) -> str:
        """Why a dry run's page cannot approve a load; empty where it can."""
        if self.stopped:
            return "not all rows were read"
        if self.tenant is None:
            return "no tenant was named whose records these would become"
        return "" if self.rows.get("valid") or self.rows.get("blocked") else "there is nothing to load"
