"""Help to write a mapping: check it, preview what it makes, propose one."""

from __future__ import annotations

from loader.pipeline.authoring.check import CheckResult, check
from loader.pipeline.authoring.preview import PAYLOAD_COLUMNS, payload_table, preview_payloads, preview_rows
from loader.pipeline.authoring.propose import ProposedMapping, exists_already, propose_mapping, write_new

__all__ = [
    "PAYLOAD_COLUMNS",
    "CheckResult",
    "ProposedMapping",
    "check",
    "exists_already",
    "payload_table",
    "preview_payloads",
    "preview_rows",
    "propose_mapping",
    "write_new",
]
