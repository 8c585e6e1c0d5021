"""`loader report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loader.cli.loads import existing_journal, known_load
from loader.cli.options import home_option, target_option
from loader.cli.output import command_line, next_after_load, say, say_next, say_out
from loader.pipeline.context import RunContext
from loader.pipeline.events import SilentObserver
from loader.pipeline.loads import rewrite_page
from loader.report import exit_code
from loader.resources import BUILT_IN

if TYPE_CHECKING:
    from pathlib import Path


@click.command("report")
@click.argument("load_id", metavar="LOAD")
@target_option
@home_option
def report_command(load_id: str, home: Path) -> int:
    """Write the report of LOAD again, and print its path.

    LOAD is an id or its beginning. The report shows what the journal knows now, also of a load that was
    killed, or that another process works on.

    Example: loader report 20261122T101500Z
    """
    context = RunContext(home, BUILT_IN, SilentObserver())
    with existing_journal(home) as journal:
        load = known_load(journal, load_id, home)
        path, summary = rewrite_page(journal, load.load_id, context)
    say_out(str(path))
    if summary.state == "running":
        say(f"another process works on load {load.load_id}: the report shows how far it is")
        say_next(command_line("loader", "status", load.load_id, home=home))
    else:
        say_next(next_after_load(summary, exit_code(summary), home))
    return 0
