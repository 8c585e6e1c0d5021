"""The summary of a load or a dry run: the `--json` object, its sum, and the exit code that it means."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from loader.errors import Stopped, Unbalanced
from loader.records import REJECTED, Requests, Status
from loader.report.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.records import LoadState
    from loader.report.values import FindingCount

LOAD_STATUSES: Final = (
    Status.CREATED,
    Status.ALREADY_LOADED,
    Status.FILTERED,
    Status.INVALID,
    Status.BLOCKED,
    Status.REFUSED,
    Status.IN_DOUBT,
    Status.PENDING,
)
"""The order in which a load's `rows` name what became of them."""

DRY_STATUSES: Final = (Status.ALREADY_LOADED, Status.FILTERED, Status.INVALID, Status.BLOCKED)
"""Likewise for a dry run, behind `valid`."""

FINISHED: Final = 0
SOME_REJECTED: Final = 3
SOME_IN_DOUBT: Final = 4
STOPPED_EARLY: Final = Stopped.exit_code
_SIGNALLED: Final = 128  # a shell's way of saying that a signal ended a program: 128 and its number


def load_rows(read: int, totals: Mapping[Status, int]) -> dict[str, int]:
    """Return the `rows` of a load.

    Args:
        read: Rows read.
        totals: What became of them; a status that is not named counts as 0.
    """
    return {"read": read, **{status.value: totals.get(status, 0) for status in LOAD_STATUSES}}


def dry_rows(read: int, valid: int, totals: Mapping[Status, int]) -> dict[str, int]:
    """Return the `rows` of a dry run.

    Args:
        read: Rows read.
        valid: Rows that a load would have sent.
        totals: What became of the others; a status that is not named counts as 0.
    """
    others = {status.value: totals.get(status, 0) for status in DRY_STATUSES}
    return {"read": read, "valid": valid, **others}


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a load or a dry run.

    Attributes:
        load_id: The load; None for a dry run.
        resource: The record type's name.
        tenant: The tenant to load into; None for a dry run without one.
        state: `finished`, `stopped`, `interrupted`, or `running` while a process works on the load.
        rows: `read`, and what the rows became, by `load_rows` or `dry_rows`.
        requests: Over all runs of the load; zeros for a dry run.
        seconds: Time spent, over all runs of the load.
        files: What was written: `results`, `rejects`, `report` -> path.
        approval: What signing a dry run's report approves, with its `code`; None for one without a report,
            and for a load.
        approved: The code of the report that a load was approved by; None where none was named.
        findings: How many rows have which finding, most frequent first.
    """

    load_id: str | None
    resource: str
    tenant: str | None
    state: LoadState
    rows: Mapping[str, int]
    requests: Requests = field(default_factory=Requests)
    seconds: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)
    approval: Mapping[str, Any] | None = None
    approved: str | None = None
    findings: Sequence[FindingCount] = ()

    def to_json(self) -> str:
        """Return the `--json` object, on one line, in ASCII: whatever it is piped through leaves it as it is.

        `approval` and `approved` are left out where there is none.
        """
        signing = {"approval": self.approval, "approved": self.approved}
        return json.dumps(
            {
                "load_id": self.load_id,
                "resource": self.resource,
                "tenant": self.tenant,
                "state": self.state,
                "rows": dict(self.rows),
                "findings": [asdict(count) for count in self.findings],
                "requests": {
                    "sent": self.requests.sent,
                    "retried": self.requests.retried,
                    "throttled": self.requests.throttled,
                },
                "seconds": round(self.seconds, 3),
                "files": dict(self.files),
                **{name: value for name, value in signing.items() if value is not None},
            }
        )

    def write(self, path: Path) -> None:
        """Write the `--json` object and a line end to `path`, complete or not at all.

        Raises:
            Stopped: The file cannot be written.
        """
        with replacing(path) as file:
            file.write(f"{self.to_json()}\n".encode())

    def check_balance(self) -> None:
        """Compare the rows read with the sum of what they became.

        Raises:
            Unbalanced: They differ.
        """
        parts = {name: count for name, count in self.rows.items() if name != "read"}
        if (total := sum(parts.values())) != (read := self.rows["read"]):
            listing = ", ".join(f"{name} {count}" for name, count in parts.items())
            raise Unbalanced(
                f"the rows do not balance: {read} read, {total} accounted for ({listing})",
                next_step="Report this as a bug; the journal has what is known of each row.",
            )


def exit_code(summary: Summary, *, signal: Literal["SIGINT", "SIGTERM"] | None = None) -> int:
    """Return the exit code that a load, a resume or a dry run ends with; 5 comes before 4 before 3.

    Args:
        summary: Its result.
        signal: What interrupted it; None where nothing did.

    Returns:
        130 or 143 where a signal interrupted it; 5 where it stopped early or left rows pending; 4 where rows
        are in doubt; 3 where rows are invalid, blocked or refused; else 0.
    """
    rows = summary.rows
    if signal:
        return _SIGNALLED + {"SIGINT": 2, "SIGTERM": 15}[signal]
    if summary.state in ("stopped", "interrupted") or rows.get(Status.PENDING):
        return STOPPED_EARLY
    if rows.get(Status.IN_DOUBT):
        return SOME_IN_DOUBT
    if any(rows.get(status) for status in REJECTED):
        return SOME_REJECTED
    return FINISHED
