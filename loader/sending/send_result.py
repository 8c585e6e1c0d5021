"""What comes back for a row that was given to the client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loader.findings import Finding
    from loader.sending.classify_response import VerdictKind


@dataclass(frozen=True, slots=True)
class SendResult:
    """What came of a row that was given to the client.

    Attributes:
        kind: CREATED, REFUSED, MISSING_REFERENCE, IN_DOUBT, or NOT_STORED where the load was stopped before
            the row was stored: certainly not stored, it may be sent again later. No other kinds.
        id: The new record's id, for CREATED; else None.
        http_status: The last answer's status; None where no answer came to the last attempt.
        attempts: How many requests were started for it; 0 where none was.
        findings: What the service answered, or what went wrong; none for CREATED.
    """

    kind: VerdictKind
    id: str | None = None
    http_status: int | None = None
    attempts: int = 1
    findings: tuple[Finding, ...] = ()


class CutOff(asyncio.CancelledError):
    """A `post` was cancelled; what is known of its row goes with it.

    Attributes:
        result: IN_DOUBT where a request was in progress, NOT_STORED where certainly none was.
    """

    def __init__(self, result: SendResult) -> None:
        super().__init__(*(finding.code for finding in result.findings))
        self.result = result
