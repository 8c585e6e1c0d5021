"""Wires a load, a dry run and a resume; holds no rule of its own."""

from __future__ import annotations

from loader.approval.approval import Approval, approval_of, approved_code, approved_of, code_of, same_code
from loader.approval.signed_report import SignedReport, check_approved
from loader.pipeline.authoring.check import CheckResult, check
from loader.pipeline.authoring.preview import PAYLOAD_COLUMNS, payload_table, preview_payloads, preview_rows
from loader.pipeline.authoring.propose import ProposedMapping, propose_mapping, there_already, write_new
from loader.pipeline.events import Observer, SilentObserver
from loader.pipeline.loads.commands import resume_load, run_load
from loader.pipeline.loads.folder import folder_of, make_folder
from loader.pipeline.loads.page_file import rewrite_page
from loader.pipeline.loads.reasons import Reason, reasons_of
from loader.pipeline.loads.reconcile_command import decide_load, reconcile_load
from loader.pipeline.loads.runner import LoadResult
from loader.pipeline.loads.summary import summarise
from loader.pipeline.rows.inputs import Inputs, open_inputs, read_mapping, source_options
from loader.pipeline.rows.transform import findings_of, told_of
from loader.pipeline.validation.dry_run import dry_run

__all__ = [
    "PAYLOAD_COLUMNS",
    "Approval",
    "CheckResult",
    "Inputs",
    "LoadResult",
    "Observer",
    "ProposedMapping",
    "Reason",
    "SignedReport",
    "SilentObserver",
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
    "reconcile_load",
    "resume_load",
    "rewrite_page",
    "run_load",
    "same_code",
    "source_options",
    "summarise",
    "there_already",
    "told_of",
    "write_new",
]
