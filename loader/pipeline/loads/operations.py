"""The operations that change a load: start, resume and reconcile it, or take a person's word for its rows."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from loader import __version__
from loader.errors import ConfigurationError
from loader.journal import open_journal
from loader.pipeline.events import AlreadyFinished, FindingReported, LoadApproved, RowsCutOff
from loader.pipeline.loads.outputs import add_page, finding_groups, finished_summary, rewrite_outputs
from loader.pipeline.loads.reconcile import Reconciler
from loader.pipeline.loads.runner import LoadRunner, signal_name
from loader.pipeline.loads.task import LoadTask
from loader.pipeline.loads.unfinished_rows import read_again
from loader.pipeline.result import LoadResult
from loader.pipeline.rows.inputs import (
    base_url_of,
    changed_settings_of,
    input_notes,
    manifest_of,
    mapping_change,
    reopen_inputs,
)
from loader.pipeline.rows.references import ReferenceResolver, hopeless_lookups, journal_references
from loader.pipeline.rows.transform import Transformer
from loader.records import Load, Position, Status
from loader.report import exit_code
from loader.report.folder import folder_of, make_folder
from loader.resources import find_record_type
from loader.sending import SignalReceived, check_transport_safety, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loader.approval import SignedReport
    from loader.journal import Journal
    from loader.pipeline.context import RunContext
    from loader.pipeline.rows.inputs import Inputs
    from loader.pipeline.rows.transform import FindIds, TransformedBatch
    from loader.report import Summary
    from loader.sending import TokenSource
    from loader.settings import RunSettings


def new_load_id(now: datetime) -> str:
    """Return a load's id: unique and sortable by time, like `20261122T101500Z-8f3a2c1d`."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


# --- Start and resume ----------------------------------------------------------------------------------


def run_load(
    inputs: Inputs,
    settings: RunSettings,
    context: RunContext,
    *,
    token: TokenSource,
    signed: SignedReport | None = None,
) -> LoadResult:
    """Load sources.

    Args:
        inputs: What to load.
        settings: How.
        context: Where the journal is, and who watches.
        token: The bearer token's source.
        signed: The dry run that approves it, by `check_approved`; None: nobody was asked.

    Raises:
        Busy: Another process works on the tenant and record type.
        LoaderError: It could not start; nothing was sent.
    """
    now = datetime.now(UTC)
    record_type = inputs.mapping.record_type
    load = Load(
        load_id=new_load_id(now),
        resource=record_type.name,
        tenant=settings.tenant,
        base_url=base_url_of(settings, record_type),
        mapping_name=inputs.mapping.name,
        mapping_text=inputs.mapping.text,
        manifest=manifest_of(inputs, settings, signed.kept() if signed else None),
        files=inputs.source.files,
        created_at=now,
    )
    approval = _approved_by(signed) if signed else None
    with (
        _checked(load, inputs, settings, context, approval) as transformer,
        open_journal(context.home) as journal,
        journal.claim(load.tenant, load.resource, load.load_id),
    ):
        task = LoadTask(journal, load, inputs, settings, transformer, token, context)
        _prepare(task)
        journal.begin(load)
        return LoadRunner(task).run()


def resume_load(
    load_id: str, changes: Mapping[str, Any], context: RunContext, *, token: TokenSource
) -> LoadResult:
    """Continue a load that did not finish; of one that did, nothing is read or sent.

    Args:
        load_id: The load, or the beginning of its id.
        changes: Settings that this run has otherwise.
        context: Where the journal is, and who watches.
        token: The bearer token's source.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        LoaderError: It cannot continue; nothing was sent.
    """
    with open_journal(context.home) as journal, _claimed(journal, load_id) as load:
        # A larger `limit` opens a finished load again: there are rows that it never read.
        if "limit" not in changes and (summary := finished_summary(journal, load, context.home)):
            return _nothing_left(journal, load, summary, context)
        inputs = reopen_inputs(load, context.types)
        settings = changed_settings_of(load, changes)
        approved = load.manifest.approved
        approval = LoadApproved(approved.code) if approved else None
        with _checked(load, inputs, settings, context, approval) as transformer:
            task = LoadTask(journal, load, inputs, settings, transformer, token, context)
            _prepare(task)
            if change := mapping_change(load):
                context.observer.on_event(change)
            journal.reopen(load.load_id)
            if rows := journal.mark_in_doubt(load.load_id, at=datetime.now(UTC)):
                context.observer.on_event(RowsCutOff(rows))
            return LoadRunner(task, resumed=True).run()


@contextmanager
def _checked(
    load: Load,
    inputs: Inputs,
    settings: RunSettings,
    context: RunContext,
    approval: LoadApproved | None,
) -> Iterator[Transformer]:
    """Check that a load can run before anything of it is written, and report what there is to know.

    Raises:
        ConfigurationError: The token would be sent in the clear.
        MappingError: The mapping and a file's columns do not go together.
        SourceError: Records cannot be made of the source's rows without a doubt.
    """
    check_transport_safety(base_url_of(settings, inputs.mapping.record_type))
    if approval:
        context.observer.on_event(approval)
    with journal_references(context.home, load.tenant) as references:
        transformer = Transformer(inputs.mapping, load_id=load.load_id, tenant=load.tenant, find=references)
        for note in input_notes(inputs, transformer):
            context.observer.on_event(note)
        yield transformer


def _prepare(task: LoadTask) -> None:
    """Report lookups that cannot find anything, and make the load's folder; the load is claimed by now."""
    for finding in hopeless_lookups(task.inputs.mapping, task.load.tenant, task.journal):
        task.observer.on_event(FindingReported(finding))
    make_folder(folder_of(task.context.home, task.load_id))


def _approved_by(signed: SignedReport) -> LoadApproved:
    approval = signed.approval
    other = approval.loader_version if approval.loader_version != __version__ else None
    return LoadApproved(approval.code, signed.rows, approval.made_at, other)


def _nothing_left(journal: Journal, load: Load, summary: Summary, context: RunContext) -> LoadResult:
    """Return how a finished load ended; its report is written if the process that ended it had no time."""
    context.observer.on_event(AlreadyFinished(load.load_id))
    groups = finding_groups(journal, load)
    summary = replace(summary, findings=groups.counts())
    if "report" not in summary.files:
        summary = add_page(journal, summary, context)
    return LoadResult(summary, exit_code(summary), groups=groups.groups())


@contextmanager
def _claimed(journal: Journal, load_id: str) -> Iterator[Load]:
    """Claim an earlier load, and give it as it is when no other process works on it any more."""
    load = journal.load(load_id)
    with journal.claim(load.tenant, load.resource, load.load_id):
        # Read again: until the claim was ours, another process may have gone on with it.
        yield journal.load(load.load_id)


# --- Rows in doubt -------------------------------------------------------------------------------------


def reconcile_load(
    load_id: str, changes: Mapping[str, Any], context: RunContext, *, token: TokenSource
) -> LoadResult:
    """Find out what became of a load's rows in doubt; nothing is sent.

    Args:
        load_id: The load, or the beginning of its id.
        changes: Settings that this run has otherwise.
        context: Where the journal is, and who watches.
        token: The bearer token's source.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        LoaderError: It cannot be reconciled.
    """
    with open_journal(context.home) as journal, _claimed(journal, load_id) as load:
        settings = changed_settings_of(load, changes)
        record_type = find_record_type(load.resource, context.types)
        check_transport_safety(base_url_of(settings, record_type))
        _close_dead_run(journal, load)
        references = ReferenceResolver(load.tenant, partial(journal.known_in, load.tenant))
        signal = None
        try:
            Reconciler(
                journal,
                load,
                record_type,
                settings,
                token=token,
                observer=context.observer,
                pause=wait,
                bodies=partial(_transformed_again, load, settings, context, references),
            ).reconcile()
        except SignalReceived as received:
            signal = signal_name(received.number)
        summary, groups = rewrite_outputs(journal, load, context)
        return LoadResult(summary, exit_code(summary, signal=signal), groups=groups.groups())


def _close_dead_run(journal: Journal, load: Load) -> None:
    """Write of a load whose process died that it was interrupted, and which of its rows are in doubt."""
    # The claim is ours: a load that is still "running" has no living process.
    journal.mark_in_doubt(load.load_id, at=datetime.now(UTC))
    if load.state == "running":
        journal.finish(load.load_id, "interrupted", requests=load.requests, seconds=load.seconds)


def _transformed_again(
    load: Load, settings: RunSettings, context: RunContext, references: FindIds, seqs: frozenset[int]
) -> Iterator[TransformedBatch]:
    """Return the batches of rows of an earlier load once more, from its sources.

    Raises:
        SourceError: They can no longer be read.
    """
    # Opened only here: most services list all records, and then the sources need not be there any more.
    inputs = reopen_inputs(load, context.types)
    transformer = Transformer(inputs.mapping, load_id=load.load_id, tenant=load.tenant, find=references)
    return read_again(inputs.source, transformer, seqs, Position(), settings.batch_size)


def decide_load(
    load_id: str,
    context: RunContext,
    *,
    stored: bool,
    rows: Mapping[tuple[str | None, int], str | None] | None,
    by: str,
) -> LoadResult:
    """Take a person's word for a load's rows in doubt.

    Args:
        load_id: The load, or the beginning of its id.
        context: Where the journal is, and who watches.
        stored: Whether they were stored.
        rows: Source file (None: the only one) and record number of the rows, with the ids of their
            records where these are known; None: all rows in doubt.
        by: Who decides.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        ConfigurationError: A row is not in doubt.
    """
    with open_journal(context.home) as journal, _claimed(journal, load_id) as load:
        _close_dead_run(journal, load)
        in_doubt = {
            (load.files[row.file_no].name, row.record_no): row.seq
            for row in journal.row_results(load.load_id, {Status.IN_DOUBT})
        }
        decisions: dict[int, tuple[bool, str | None]] = {}
        if rows is None:
            decisions |= dict.fromkeys(in_doubt.values(), (stored, None))
        for (file, record_no), record_id in (rows or {}).items():
            name = file or (load.files[0].name if len(load.files) == 1 else "")
            if (name, record_no) not in in_doubt:
                raise _not_in_doubt(load, name, record_no)
            decisions[in_doubt[name, record_no]] = (stored, record_id if stored else None)
        journal.record_decisions(load.load_id, decisions, by=by, at=datetime.now(UTC))
        summary, groups = rewrite_outputs(journal, load, context)
        return LoadResult(summary, exit_code(summary), groups=groups.groups())


def _not_in_doubt(load: Load, file: str, record_no: int) -> ConfigurationError:
    if not file:
        return ConfigurationError(
            f"load {load.load_id} has several files, so record {record_no} needs the name of its file",
            next_step="Write FILE:RECORD_NO.",
        )
    return ConfigurationError(
        f"{file}, record {record_no}: not in doubt in load {load.load_id}",
        next_step="Run `loader status LOAD` to list the rows in doubt.",
    )
