"""Dry runs: every row validated as a load would, nothing sent, and a report to sign."""

from __future__ import annotations

from loader.pipeline.validation.dry_run import validate_inputs

__all__ = ["validate_inputs"]
