"""Rows on their way: open the inputs, resolve references, transform batches."""

from __future__ import annotations

from loader.pipeline.rows.inputs import Inputs, open_inputs, read_mapping, source_options

__all__ = ["Inputs", "open_inputs", "read_mapping", "source_options"]
