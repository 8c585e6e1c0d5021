"""`loader status`."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import click
from rich.table import Table

from loader import wording
from loader.cli.loads import existing_journal, known_load
from loader.cli.options import home_option, json_option, target_option
from loader.cli.output import (
    command_line,
    load_title,
    out_console,
    say,
    say_next,
    say_out,
    show_groups,
    show_summary,
)
from loader.errors import ConfigurationError
from loader.pipeline.loads import finding_groups, summarise
from loader.records import REJECTED, Status
from loader.text import count

if TYPE_CHECKING:
    from pathlib import Path

    from loader.journal import Journal
    from loader.records import Load

_MOST_IN_DOUBT: Final = 20
_UNFINISHED: Final = ("stopped", "interrupted")


@click.command("status")
@click.argument("load_id", metavar="[LOAD]", required=False)
@target_option
@home_option
@json_option
def status_command(load_id: str | None, home: Path, *, as_json: bool) -> int:
    """List loads, newest first, or show one LOAD in full.

    LOAD is an id or its beginning.

    Example: loader status 20261122T101500Z
    """
    if as_json and load_id is None:
        raise ConfigurationError("--json needs a load", next_step="Run `loader status LOAD --json`.")
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
    for summary in summaries:
        rows = summary.rows
        counts = (
            rows[Status.CREATED],
            sum(rows[status] for status in REJECTED),
            rows[Status.IN_DOUBT],
            rows[Status.PENDING],
        )
        names = (summary.load_id, summary.resource, summary.tenant, summary.state)
        table.add_row(*names, *(f"{number:,}" for number in counts))
    out_console().print(table)
    unfinished = [summary for summary in summaries if summary.state in _UNFINISHED]
    if unfinished:
        say_next(command_line("loader", "resume", unfinished[0].load_id or "", home=home))
    elif summaries:
        say_next(command_line("loader", "status", summaries[0].load_id or "", home=home))
    else:
        say_next(command_line("loader", "load", "--help"))


def _show(journal: Journal, load: Load, home: Path, *, as_json: bool) -> None:
    groups = finding_groups(journal, load)
    summary = replace(summarise(journal, load.load_id, home), findings=groups.counts())
    if as_json:
        click.echo(summary.to_json())
    else:
        show_summary(summary, title=load_title(summary))
        _show_details(load, summary.state)
        _show_in_doubt(journal, load)
        show_groups(groups.groups())
    if summary.state in _UNFINISHED:
        say_next(command_line("loader", "resume", load.load_id, home=home))
    else:
        say_next(command_line("loader", "status", home=home))


def _show_details(load: Load, state: str) -> None:
    say_out(f"state: {state}{': ' + load.reason if load.reason else ''}")
    say_out(
        f"mapping: {load.mapping_name}; to: {load.base_url}; started: {load.created_at:%Y-%m-%d %H:%M:%SZ}"
    )
    if approved := load.manifest.approved:
        say_out(f"approved by: the dry run in {approved.folder}")
    for file in load.files:
        say_out(f"source: {file.path} ({count(file.size, 'byte')}, sha256 {file.fingerprint[:16]}…)")


def _show_in_doubt(journal: Journal, load: Load) -> None:
    """List the rows in doubt: those that a person has to look up."""
    rows = journal.row_results(load.load_id, {Status.IN_DOUBT})
    for row in islice(rows, _MOST_IN_DOUBT):
        reasons = "; ".join(wording.message(finding) for finding in row.findings)
        place = f"{load.files[row.file_no].name} record {row.record_no}"
        say(f"in doubt: {place}, external id {row.external_id}: {reasons}")
