"""Loads: start, resume and reconcile them, and write what they leave behind."""

from __future__ import annotations

from loader.pipeline.loads.operations import decide_load, reconcile_load, resume_load, run_load
from loader.pipeline.loads.outputs import finding_groups, rewrite_page, summarise
from loader.pipeline.result import LoadResult

__all__ = [
    "LoadResult",
    "decide_load",
    "finding_groups",
    "reconcile_load",
    "resume_load",
    "rewrite_page",
    "run_load",
    "summarise",
]
