"""What a load came to, as the journal has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loader.approval.approval import approved_code
from loader.journal import is_claimed
from loader.pipeline.loads.folder import files_of, folder_of
from loader.records import Status
from loader.report import Summary, load_rows

if TYPE_CHECKING:
    from pathlib import Path

    from loader.journal import Journal
    from loader.records import Load


def finished_summary(journal: Journal, load: Load, home: Path) -> Summary | None:
    """The summary of a load that is finished and has its receipts; None where something is left to do."""
    summary = summarise(journal, load.load_id, home)
    try:
        written = json.loads((folder_of(home, load.load_id) / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = (
        load.state == "finished" and written["state"] == "finished" and written["rows"] == dict(summary.rows)
    )
    open_rows = sum(summary.rows[each] for each in (Status.PENDING, Status.IN_DOUBT, Status.BLOCKED))
    again = open_rows or journal.count_refused_for_now(load.load_id)
    return summary if whole and not again else None


def summarise(journal: Journal, load_id: str, home: Path) -> Summary:
    """A load as the journal has it now, with those of its files that are there.

    A load that no process works on any more, and that had no time to say so, is interrupted.
    """
    load, totals = journal.load(load_id), journal.totals(load_id)
    dead = load.state == "running" and not is_claimed(home, load.tenant, load.resource, load.load_id)
    return Summary(
        load_id=load.load_id,
        resource=load.resource,
        tenant=load.tenant,
        state="interrupted" if dead else load.state,
        rows=load_rows(sum(totals.values()), totals),
        requests=load.requests,
        seconds=load.seconds,
        files=files_of(folder_of(home, load.load_id)),
        approved=approved_code(load),
    )
