"""The page that people read and sign: its values, its charts, and the HTML of them."""

from loader.report.page.charts import can_draw
from loader.report.page.document import render
from loader.report.page.load_values import (
    MOST_ATTEMPTS,
    ComparisonResult,
    LoadPageValues,
    Pause,
    ReconciledCounts,
    Throughput,
    ThroughputBin,
)
from loader.report.page.page import ReportPage
from loader.report.page.values import (
    BeforeAfter,
    Distinct,
    Effort,
    FieldProfile,
    MappingUsed,
    PageOrigin,
    PageVerdict,
    Positions,
    SamplePayload,
    SourceSummary,
    ValueRow,
    ValueTable,
)
from loader.report.page.verdict import dry_run_verdict, load_verdict
from loader.report.values import Capped, ExampleValue, FindingGroup, RowPlace

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
    "LoadPageValues",
    "MappingUsed",
    "PageOrigin",
    "PageVerdict",
    "Pause",
    "Positions",
    "ReconciledCounts",
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
