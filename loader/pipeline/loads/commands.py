"""A load from its beginning, or from where it stopped, to its receipts."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loader.approval.approval import approved_code
from loader.journal import Journal, claim
from loader.pipeline.loads.folder import folder_of, make_folder
from loader.pipeline.loads.page_file import add_page
from loader.pipeline.loads.reasons import reasons_of
from loader.pipeline.loads.runner import LoadResult, LoadRunner
from loader.pipeline.loads.summary import finished_summary
from loader.pipeline.rows.inputs import (
    Inputs,
    base_url_of,
    changed_mapping,
    frozen,
    tell_inputs,
    thawed,
)
from loader.pipeline.rows.references import crosswalk_of, tell_lookups
from loader.pipeline.rows.transform import Transformer
from loader.records import Load
from loader.report import exit_code
from loader.sending import check_transport_safety

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from loader.approval.signed_report import SignedReport
    from loader.pipeline.events import Observer
    from loader.sending import TokenSource
    from loader.settings import RunSettings


def new_load_id(now: datetime) -> str:
    """A load's id: sortable by time and unique, like `20261122T101500Z-8f3a2c1d`."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def run_load(
    inputs: Inputs,
    settings: RunSettings,
    *,
    home: Path,
    token: TokenSource,
    watcher: Observer,
    signed: SignedReport | None = None,
) -> LoadResult:
    """Loads sources.

    Args:
        inputs: What to load.
        settings: How.
        home: Where the journal and the load's files are.
        token: The bearer token's source.
        watcher: Is told how it goes.
        signed: The dry run that approves it, by `check_approved`; None: nobody was asked.

    Raises:
        Busy: Another process works on the tenant and record type.
        LoaderError: It could not begin; nothing was sent.
    """
    now = datetime.now(UTC)
    record = inputs.mapping.record
    base_url = base_url_of(settings, record)
    check_transport_safety(base_url)
    load = Load(
        load_id=new_load_id(now),
        resource=record.name_of_type,
        tenant=settings.tenant,
        base_url=base_url,
        mapping_name=inputs.mapping.name,
        mapping_text=inputs.mapping.text,
        settings=frozen(inputs, settings, signed.kept() if signed else None),
        files=inputs.source.files,
        created_at=now,
    )
    if signed:
        watcher.note(signed.words)
    with crosswalk_of(home, load.tenant) as find:
        preparer = Transformer(inputs.mapping, load_id=load.load_id, tenant=load.tenant, find=find)
        tell_inputs(inputs, preparer, watcher)
        with Journal.open(home) as journal, claim(home, load.tenant, load.resource, load.load_id):
            make_folder(folder_of(home, load.load_id))
            tell_lookups(inputs.mapping, load.tenant, journal, watcher)
            journal.begin(load)
            return LoadRunner(journal, load, inputs, settings, preparer, home, token, watcher).run()


@contextmanager
def claimed(journal: Journal, load_id: str, home: Path) -> Iterator[Load]:
    """An earlier load, as it stands when no other process works on it any more."""
    load = journal.load(load_id)
    with claim(home, load.tenant, load.resource, load.load_id):
        yield journal.load(load.load_id)


def resume_load(
    load_id: str, changes: Mapping[str, Any], *, home: Path, token: TokenSource, watcher: Observer
) -> LoadResult:
    """Goes on with a load that did not finish; of one that did, nothing is read or sent.

    Args:
        load_id: The load, or the beginning of its id.
        changes: Settings that this run has otherwise.
        home: Where the journal is.
        token: The bearer token's source.
        watcher: Is told how it goes.

    Raises:
        Busy: Another process works on the load, or on its tenant and record type.
        LoaderError: It cannot go on; nothing was sent.
    """
    with (
        Journal.open(home) as journal,
        claimed(journal, load_id, home) as load,
        crosswalk_of(home, load.tenant) as find,
    ):
        if "limit" not in changes and (summary := finished_summary(journal, load, home)):
            watcher.note(f"load {load.load_id} is finished: nothing is left to send")
            if "report" not in summary.files:  # whoever made it did not live to see it
                summary = add_page(journal, summary, home, watcher)
            return LoadResult(summary, exit_code(summary), reasons=reasons_of(journal, load.load_id))
        inputs, settings = thawed(load, changes)
        check_transport_safety(base_url_of(settings, inputs.mapping.record))
        if code := approved_code(load):
            watcher.note(f"approved: {code}")
        preparer = Transformer(inputs.mapping, load_id=load.load_id, tenant=load.tenant, find=find)
        tell_inputs(inputs, preparer, watcher)
        tell_lookups(inputs.mapping, load.tenant, journal, watcher)
        make_folder(folder_of(home, load.load_id))
        if changed := changed_mapping(load):
            watcher.note(changed)
        journal.reopen(load.load_id)
        if lost := journal.mark_in_doubt(load.load_id, at=datetime.now(UTC)):
            watcher.note(f"{lost} rows were under way when the load was broken off: they are in doubt")
        run = LoadRunner(journal, load, inputs, settings, preparer, home, token, watcher, resumed=True)
        return run.run()
