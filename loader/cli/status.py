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
from loader.pipeline import reasons_of, summarise
from loader.records import Status

if TYPE_CHECKING:
    from pathlib import Path

    from loader.journal import Journal
    from loader.records import Load

_MOST_DOUBTS: Final = 20


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
    loads = journal.loads()
    for load in loads:
        totals = journal.totals(load.load_id)
        rejected = totals[Status.INVALID] + totals[Status.BLOCKED] + totals[Status.REFUSED]
        counts = (totals[Status.CREATED], rejected, totals[Status.IN_DOUBT], totals[Status.PENDING])
        table.add_row(
            load.load_id, load.resource, load.tenant, load.state, *(f"{count:,}" for count in counts)
        )
    out_console().print(table)
    unfinished = [load for load in loads if load.state != "finished"]
    if unfinished:
        say_next(command_line("loader", "resume", unfinished[0].load_id, home=home))
    elif loads:
        say_next(command_line("loader", "status", loads[0].load_id, home=home))
    else:
        say_next(command_line("loader", "load", "--help"))


def _show(journal: Journal, load: Load, home: Path, *, as_json: bool) -> None:
    summary = summarise(journal, load.load_id, home)
    if as_json:
        click.echo(summary.to_json())
    else:
        show_summary(summary, title=f"{load.resource} into {load.tenant}: load {load.load_id}")
        _particulars(load)
        _doubts(journal, load)
        show_reasons(reasons_of(journal, load.load_id))
    if load.state != "finished":
        say_next(command_line("loader", "resume", load.load_id, home=home))
    else:
        say_next(command_line("loader", "status", home=home))


def _particulars(load: Load) -> None:
    say_out(f"state: {load.state}{': ' + load.reason if load.reason else ''}")
    say_out(f"mapping: {load.mapping_name}; to: {load.base_url}; begun: {load.created_at:%Y-%m-%d %H:%M:%SZ}")
    for file in load.files:
        say_out(f"source: {file.path} ({file.size:,} bytes, sha256 {file.fingerprint[:16]}…)")


def _doubts(journal: Journal, load: Load) -> None:
    """Lists the rows whose outcome nobody knows: the ones that a person has to look up."""
    doubtful = journal.receipts(load.load_id, {Status.IN_DOUBT})
    for each in islice(doubtful, _MOST_DOUBTS):
        name = load.files[each.file_no].name
        say(f"in doubt: {name} record {each.record_no}, external id {each.external_id}: {each.message}")
