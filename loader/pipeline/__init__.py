"""Wires a load, a dry run and a resume; holds no rule of its own."""

from __future__ import annotations

from loader.pipeline.approval import Approval, approval_of, approved_code, approved_of, code_of, same_code
from loader.pipeline.check import Checked, check
from loader.pipeline.doubts import decide_load, settle_load
from loader.pipeline.dry_run import dry_run
from loader.pipeline.folder import folder_of, make_folder
from loader.pipeline.load import resume_load, run_load
from loader.pipeline.page import rewrite_page
from loader.pipeline.plan import Inputs, open_inputs, read_mapping, source_options
from loader.pipeline.prepare import findings_of, told_of
from loader.pipeline.preview import PAYLOAD_COLUMNS, payload_table, preview_payloads, preview_rows
from loader.pipeline.propose import Proposed, propose_mapping, there_already, write_new
from loader.pipeline.reasons import Reason, reasons_of
from loader.pipeline.run import Result
from loader.pipeline.signed import Signed, check_approved
from loader.pipeline.summary import summarise
from loader.pipeline.watch import Silent, Watcher

__all__ = [
    "PAYLOAD_COLUMNS",
    "Approval",
    "Checked",
    "Inputs",
    "Proposed",
    "Reason",
    "Result",
    "Signed",
    "Silent",
    "Watcher",
    "approval_of",
    "approved_code",
    "approved_of",
    "check",
    "check_approved",
    "code_of",
    "decide_load",
    "dry_run",
    "findings_of",
    "folder_of",
    "make_folder",
    "open_inputs",
    "payload_table",
    "preview_payloads",
    "preview_rows",
    "propose_mapping",
    "read_mapping",
    "reasons_of",
    "resume_load",
    "rewrite_page",
    "run_load",
    "same_code",
    "settle_load",
    "source_options",
    "summarise",
    "there_already",
    "told_of",
    "write_new",
]
