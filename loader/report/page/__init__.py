"""The report that people read and sign: its values, its charts, and the page made of them."""

from loader.report.page.charts import can_draw
from loader.report.page.document import render
from loader.report.page.load_values import (
    MOST_ATTEMPTS,
    ComparisonResult,
    InDoubtGroup,
    LoadPageValues,
    Pause,
    ReconciledCounts,
    RefusedGroup,
    Throughput,
    ThroughputBin,
)
from loader.report.page.page import ReportPage
from loader.report.page.values import (
    BeforeAfter,
    Capped,
    Distinct,
    Effort,
    ExampleValue,
    FieldProfile,
    FindingGroup,
    MappingUsed,
    PageOrigin,
    PageVerdict,
    Positions,
    RowPlace,
    SamplePayload,
    SourceSummary,
    ValueRow,
    ValueTable,
)
from loader.report.page.verdict import dry_run_verdict, load_verdict

__all__ = [
    "MOST_ATTEMPTS",
    "BeforeAfter",
    "Capped",
    "ComparisonResult",
    "Distinct",
    "Effort",
    "ExampleValue",
    "FieldProfile",
    "FindingGroup",
    "InDoubtGroup",
    "LoadPageValues",
    "MappingUsed",
    "PageOrigin",
    "PageVerdict",
    "Pause",
    "Positions",
    "ReconciledCounts",
    "RefusedGroup",
    "ReportPage",
    "RowPlace",
    "SamplePayload",
    "SourceSummary",
    "Throughput",
    "ThroughputBin",
    "ValueRow",
    "ValueTable",
    "can_draw",
    "dry_run_verdict",
    "load_verdict",
    "render",
]
