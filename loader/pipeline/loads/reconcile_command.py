"""What people do about an earlier load's rows in doubt: have them looked up, or give their own word."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from loader.errors import ConfigurationError
from loader.journal import Journal
from loader.pipeline.loads.commands import claimed
from loader.pipeline.loads.outputs import rewrite_results
from loader.pipeline.loads.reasons import reasons_of
from loader.pipeline.loads.reconcile import Reconciler
from loader.pipeline.loads.runner import LoadResult, signal_name
from loader.pipeline.rows.inputs import base_url_of, thawed, thawed_settings
from loader.pipeline.rows.references import ReferenceResolver
from loader.pipeline.rows.transform import Transformer
from loader.records import Position, Status
from loader.report import exit_code
from loader.resources import record_type
from loader.sending import Interrupted, check_transport_safety, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from loader.pipeline.events import Observer
    from loader.pipeline.rows.transform import FindIds, TransformedBatch
    from loader.records import Load
    from loader.sending import TokenSource


def reconcile_load(
    load_id: str, changes: Mapping[str, Any], *, home: Path, token: TokenSource, watcher: Observer
) -> LoadResult:
    """Finds out what became of a load's rows in doubt; nothing is sent.

    Args:
        load_id: The load, or the beginning of its id.
        changes: Settings that this run has otherwise.
        home: Where the journal is.
        token: The bearer token's source.
        watcher: Is told what comes of it.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        LoaderError: It cannot be reconciled.
    """
    with Journal.open(home) as journal, claimed(journal, load_id, home) as load:
        settings = thawed_settings(load, changes)
        check_transport_safety(base_url_of(settings, record_type(load.resource)))
        _bury(journal, load)
        find = ReferenceResolver(load.tenant, partial(journal.known_in, load.tenant))
        again = partial(_prepared_again, load, changes, find)
        signal = None
        try:
            Reconciler(journal, load, settings, token, watcher, wait, again).reconcile()
        except Interrupted as interrupted:
            signal = signal_name(interrupted.number)
        summary = rewrite_results(journal, load, home, watcher)
        return LoadResult(
            summary, exit_code(summary, signal=signal), reasons=reasons_of(journal, load.load_id)
        )


def _bury(journal: Journal, load: Load) -> None:
    """Says of a load whose process died that it was interrupted, and which of its rows are in doubt."""
    journal.mark_in_doubt(load.load_id, at=datetime.now(UTC))
    if load.state == "running":
        journal.finish(load.load_id, "interrupted", requests=load.requests, seconds=load.seconds)


def _prepared_again(
    load: Load, changes: Mapping[str, Any], find: FindIds, seqs: frozenset[int]
) -> Iterator[TransformedBatch]:
    """Rows of an earlier load, prepared once more from its sources."""
    inputs, settings = thawed(load, changes)
    preparer = Transformer(inputs.mapping, load_id=load.load_id, tenant=load.tenant, find=find)
    for batch in inputs.source.batches(settings.batch_size, Position()):
        if any(seq in seqs for seq in range(batch.start.seq, batch.end.seq)):
            yield preparer.prepare(batch, seqs)


def decide_load(
    load_id: str,
    *,
    stored: bool,
    rows: Mapping[tuple[str | None, int], str | None] | None,
    by: str,
    home: Path,
    watcher: Observer,
) -> LoadResult:
    """Takes a person's word for a load's rows in doubt.

    Args:
        load_id: The load, or the beginning of its id.
        stored: Whether they were stored.
        rows: Source file (None: the only one) and record number of the rows, with the ids of their
            records where these are known; None: all rows in doubt.
        by: Who says so.
        home: Where the journal is.
        watcher: Is told where a file could not be made.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        ConfigurationError: A row is not in doubt.
    """
    with Journal.open(home) as journal, claimed(journal, load_id, home) as load:
        _bury(journal, load)
        doubts = {
            (load.files[each.file_no].name, each.record_no): each.seq
            for each in journal.receipts(load.load_id, {Status.IN_DOUBT})
        }
        decided: dict[int, tuple[bool, str | None]] = {}
        if rows is None:
            decided |= dict.fromkeys(doubts.values(), (stored, None))
        for (file, record_no), record_id in (rows or {}).items():
            name = file or (load.files[0].name if len(load.files) == 1 else "")
            if (name, record_no) not in doubts:
                raise ConfigurationError(
                    f"record {record_no} of {name or 'which file?'} is not in doubt in load {load.load_id}"
                    + ("" if name else "; it has several files: write FILE:RECORD_NO"),
                    next_step="loader status LOAD lists the rows in doubt",
                )
            decided[doubts[name, record_no]] = (stored, record_id if stored else None)
        journal.decide(load.load_id, decided, by=by, at=datetime.now(UTC))
        summary = rewrite_results(journal, load, home, watcher)
        return LoadResult(summary, exit_code(summary), reasons=reasons_of(journal, load.load_id))
