"""Rows on their way: open the inputs, resolve references, transform batches."""

from __future__ import annotations

from loader.pipeline.rows.findings import findings_by_record
from loader.pipeline.rows.inputs import Inputs, open_inputs, read_mapping, source_options

__all__ = ["Inputs", "findings_by_record", "open_inputs", "read_mapping", "source_options"]
