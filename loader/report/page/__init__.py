"""The report that people read and sign: its values, its charts, and the page made of them."""

from loader.report.page.charts import can_draw
from loader.report.page.document import render
from loader.report.page.story import (
    MOST_ATTEMPTS,
    Doubt,
    Foreseen,
    LoadStory,
    Pause,
    Refusal,
    Settled,
    Throughput,
    ThroughputBin,
)
from loader.report.page.values import (
    BeforeAfter,
    Capped,
    Distinct,
    Effort,
    Example,
    Field,
    Made,
    MappingUsed,
    Place,
    Positions,
    Reason,
    Sample,
    Source,
    ValueRow,
    ValueTable,
    Verdict,
)
from loader.report.page.verdict import dry_run_verdict, load_verdict
from loader.report.page.whole import Page

__all__ = [
    "MOST_ATTEMPTS",
    "BeforeAfter",
    "Capped",
    "Distinct",
    "Doubt",
    "Effort",
    "Example",
    "Field",
    "Foreseen",
    "LoadStory",
    "Made",
    "MappingUsed",
    "Page",
    "Pause",
    "Place",
    "Positions",
    "Reason",
    "Refusal",
    "Sample",
    "Settled",
    "Source",
    "Throughput",
    "ThroughputBin",
    "ValueRow",
    "ValueTable",
    "Verdict",
    "can_draw",
    "dry_run_verdict",
    "load_verdict",
    "render",
]
