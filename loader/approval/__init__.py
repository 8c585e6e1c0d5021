"""Compare a load with the signed report of a dry run; a short code identifies what was approved."""

from __future__ import annotations

from loader.approval.approval import Approval, ApprovedFile, approval_of, code_of, same_code
from loader.approval.signed_report import SignedReport, check_approved, differences

__all__ = [
    "Approval",
    "ApprovedFile",
    "SignedReport",
    "approval_of",
    "check_approved",
    "code_of",
    "differences",
    "same_code",
]
