"""`loader resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loader.cli.config import changed_settings, find_token, run_settings
from loader.cli.loads import load_to_continue
from loader.cli.next_command import resumable
from loader.cli.options import existing_tenant, on_command_line, sending_options
from loader.cli.output import finish, load_title, next_after_load
from loader.cli.progress import terminal_observer
from loader.pipeline.context import RunContext
from loader.pipeline.loads import resume_load
from loader.resources import BUILT_IN

if TYPE_CHECKING:
    from pathlib import Path


@click.command("resume")
@click.argument("load_id", metavar="LOAD")
@sending_options
def resume_command(load_id: str, home: Path, *, as_json: bool, **options: Any) -> int:
    """Continue LOAD where it stopped.

    LOAD is an id or its beginning.
    Rows that have an outcome are not sent again. Rows in doubt are looked up first. The load
    keeps its mapping, sources and settings, also where the environment or loader.toml have changed since;
    options on the command line win over those settings.

    Example: loader resume 20261122T101500Z --rate 50/s
    """
    options = {name: value for name, value in options.items() if on_command_line(name)}
    load = load_to_continue(load_id, home)
    existing_tenant(options.get("tenant"), load.tenant)
    run_settings({**options, "tenant": load.tenant})  # a wrong option is refused before the load is touched
    token = find_token()
    with terminal_observer() as observer, resumable(observer, home):
        context = RunContext(home, BUILT_IN, observer)
        result = resume_load(load.load_id, changed_settings(options), context, token=token)
    next_line = next_after_load(result.summary, result.exit_code, home)
    return finish(result, title=load_title(result.summary), as_json=as_json, next_line=next_line)
