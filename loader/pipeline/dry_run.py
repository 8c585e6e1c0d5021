"""A dry run: every row read, mapped and judged by the code that a load uses, and nothing sent."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from loader.errors import Stopped
from loader.journal import Journal
from loader.mapping.lookups import placeholders
from loader.pipeline.approval import approval_of
from loader.pipeline.crosswalk import dry_crosswalk, tell_lookups, tell_untried
from loader.pipeline.plan import frozen, tell_inputs
from loader.pipeline.prepare import KnownElsewhere, Preparer, decide, nothing_known
from loader.pipeline.receipts import make_folder, reasons_of, write_rejects
from loader.pipeline.run import Result
from loader.records import REJECTED, Judged, Load, Ready, Requests, Status
from loader.report import Summary, dry_rows, exit_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loader.pipeline.plan import Inputs
    from loader.pipeline.watch import Watcher
    from loader.settings import RunSettings

_BATCH: Final = 5_000
_NOBODY: Final = "nobody"  # a tenant for bodies that are never sent


def dry_run(
    inputs: Inputs, settings: RunSettings | None, *, home: Path, report: Path | None, watcher: Watcher
) -> Result:
    """Reads, maps and validates every row.

    Args:
        inputs: What to read.
        settings: Whose records they would become; None: nobody's, so that rows which an earlier load has
            created cannot be told, and no lookup is tried.
        home: Where the journal is, asked for earlier loads and left as it is.
        report: Where rejects and summary go; None: they are not written.
        watcher: Is told how it goes.

    Returns:
        How it ended.

    Raises:
        LoaderError: The inputs cannot be used.
        Unbalanced: The rows read are not the sum of what they became.
    """
    started = time.monotonic()
    with Journal.temporary() as scratch, _earlier(home if settings else None) as journal:
        preparer = _preparer(inputs, settings, journal, watcher)
        if report is not None:
            make_folder(report)
        watcher.started(None, inputs.source.total_hint())
        load = _scratch_load(inputs, settings)
        scratch.begin(load)
        tally = _Tally()
        try:
            _judge_all(inputs, preparer, scratch, load, tally, journal, watcher)
        except Stopped as reason:
            tally.reason = reason
        files = {}
        if report is not None and (path := _write_rejects(report, inputs, scratch, load, watcher)):
            files["rejects"] = str(path)
        totals = scratch.totals(load.load_id)
        summary = Summary(
            load_id=None,
            resource=load.resource,
            tenant=settings.tenant if settings else None,
            state="stopped" if tally.reason else "finished",
            rows=dry_rows(tally.read, totals.get(Status.PENDING, 0), totals),
            requests=Requests(),
            seconds=time.monotonic() - started,
            files=files,
            approval=approval_of(inputs, load.tenant if settings else None).as_json() if report else None,
        )
        reasons = reasons_of(scratch, load.load_id)
    if report is not None:
        summary.write(report / "summary.json")
    summary.check_balance()
    return Result(summary, exit_code(summary), tally.reason, reasons)


@dataclass(slots=True)
class _Tally:
    """How many rows were read, and what broke the reading off, if anything did."""

    read: int = 0
    reason: Stopped | None = None


def _write_rejects(
    report: Path, inputs: Inputs, scratch: Journal, load: Load, watcher: Watcher
) -> Path | None:
    wanted = sum(count for status, count in scratch.totals(load.load_id).items() if status in REJECTED)
    rejected = scratch.receipts(load.load_id, REJECTED)
    return write_rejects(report, inputs.source, rejected, wanted, watcher=watcher, batch_size=_BATCH)


@contextmanager
def _earlier(home: Path | None) -> Iterator[Journal | None]:
    """What earlier loads have left; None where there is nothing, or where it is nobody's."""
    if home is None or not (home / "journal.db").exists():
        yield None
        return
    with Journal.open(home) as journal:
        yield journal


def _preparer(
    inputs: Inputs, settings: RunSettings | None, journal: Journal | None, watcher: Watcher
) -> Preparer:
    """Says of the inputs what there is to say, and maps them; without a tenant every lookup finds."""
    tenant = settings.tenant if settings else _NOBODY
    find = dry_crosswalk(inputs.mapping, tenant, journal) if settings else placeholders
    preparer = Preparer(inputs.mapping, load_id="dry-run", tenant=tenant, find=find)
    tell_inputs(inputs, preparer, watcher)
    if settings:
        tell_lookups(inputs.mapping, tenant, journal, watcher)
    tell_untried(inputs.mapping, watcher, tenant=settings.tenant if settings else None)
    return preparer


def _scratch_load(inputs: Inputs, settings: RunSettings | None) -> Load:
    return Load(
        load_id="dry-run",
        resource=inputs.mapping.record.name_of_type,
        tenant=settings.tenant if settings else _NOBODY,
        base_url="",
        mapping_name=inputs.mapping.name,
        mapping_text=inputs.mapping.text,
        settings=frozen(inputs, settings) if settings else "{}",
        files=inputs.source.files,
        created_at=datetime.now(UTC),
    )


def _judge_all(
    inputs: Inputs,
    preparer: Preparer,
    scratch: Journal,
    load: Load,
    tally: _Tally,
    journal: Journal | None,
    watcher: Watcher,
) -> None:
    """Gives every row its line in the scratch journal; a row that would be sent is pending there."""
    elsewhere: KnownElsewhere = nothing_known
    if journal is not None:
        elsewhere = partial(journal.known_in, load.tenant, load.resource)
    here = partial(scratch.seen, load.load_id)
    for batch in inputs.source.batches(_BATCH):
        tally.read = batch.end.seq
        decided = decide(preparer.prepare(batch), elsewhere, here)
        scratch.commit(load.load_id, judged=[_as_judged(row) for row in decided.rows])
        watcher.progress(scratch.totals(load.load_id), Requests())


def _as_judged(row: Ready | Judged) -> Judged:
    if isinstance(row, Judged):
        return row
    return Judged(row.seq, row.file_no, row.record_no, row.external_id, Status.PENDING)
