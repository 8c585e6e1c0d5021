"""`loader status`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import click
from rich.table import Table

from loader.cli.loads import existing_journal, known_load
from loader.cli.options import home_option, json_option, target_option
from loader.cli.output import command_line, out_console, say, say_next, say_out, show_reasons, show_summary
from loader.errors import ConfigurationError
from loader.pipeline import approved_of, reasons_of, summarise
from loader.records import REJECTED, Status

if TYPE_CHECKING:
    from pathlib import Path

    from loader.journal import Journal
    from loader.records import Load

_MOST_DOUBTS: Final = 20
_UNFINISHED: Final = ("stopped", "interrupted")


@click.command("status")
@click.argument("load_id", metavar="[LOAD]", required=False)
@target_option
@home_option
@json_option
def status_command(load_id: str | None, home: Path, *, as_json: bool) -> int:
    """List loads, newest first; or show LOAD, an id or its beginning, in full."""
    if as_json and load_id is None:
        raise ConfigurationError("--json is for one load", next_step="loader status LOAD --json")
    with existing_journal(home) as journal:
        if load_id is None:
            _list(journal, home)
        else:
            _show(journal, known_load(journal, load_id, home), home, as_json=as_json)
    return 0


def _list(journal: Journal, home: Path) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("load", "record type", "tenant", "state"):
        table.add_column(heading)
    for heading in ("created", "rejected", "in doubt", "pending"):
        table.add_column(heading, justify="right")
    summaries = [summarise(journal, load.load_id, home) for load in journal.loads()]
    for each in summaries:
        rows = each.rows
        counts = (
            rows[Status.CREATED],
            sum(rows[status] for status in REJECTED),
            rows[Status.IN_DOUBT],
            rows[Status.PENDING],
        )
        told = (each.load_id, each.resource, each.tenant, each.state)
        table.add_row(*told, *(f"{count:,}" for count in counts))
    out_console().print(table)
    unfinished = [each for each in summaries if each.state in _UNFINISHED]
    if unfinished:
        say_next(command_line("loader", "resume", unfinished[0].load_id or "", home=home))
    elif summaries:
        say_next(command_line("loader", "status", summaries[0].load_id or "", home=home))
    else:
        say_next(command_line("loader", "load", "--help"))


def _show(journal: Journal, load: Load, home: Path, *, as_json: bool) -> None:
    summary = summarise(journal, load.load_id, home)
    if as_json:
        click.echo(summary.to_json())
    else:
        show_summary(summary, title=f"{load.resource} into {load.tenant}: load {load.load_id}")
        _particulars(load, summary.state)
        _doubts(journal, load)
        show_reasons(reasons_of(journal, load.load_id))
    if summary.state in _UNFINISHED:
        say_next(command_line("loader", "resume", load.load_id, home=home))
    else:
        say_next(command_line("loader", "status", home=home))


def _particulars(load: Load, state: str) -> None:
    say_out(f"state: {state}{': ' + load.reason if load.reason else ''}")
    say_out(f"mapping: {load.mapping_name}; to: {load.base_url}; begun: {load.created_at:%Y-%m-%d %H:%M:%SZ}")
    if approved := approved_of(load):
        say_out(f"approved by: the dry run in {approved['folder']}")
    for file in load.files:
        say_out(f"source: {file.path} ({file.size:,} bytes, sha256 {file.fingerprint[:16]}…)")


def _doubts(journal: Journal, load: Load) -> None:
    """Lists the rows whose outcome nobody knows: the ones that a person has to look up."""
    doubtful = journal.receipts(load.load_id, {Status.IN_DOUBT})
    for each in islice(doubtful, _MOST_DOUBTS):
        name = load.files[each.file_no].name
        say(f"in doubt: {name} record {each.record_no}, external id {each.external_id}: {each.message}")
