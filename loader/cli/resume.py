"""`loader resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loader.cli.config import changed_settings, find_token, run_settings
from loader.cli.interrupts import resumable
from loader.cli.loads import existing_journal, known_load
from loader.cli.options import existing_tenant, on_command_line, sending_options
from loader.cli.output import finish, next_after_load
from loader.cli.progress import watcher
from loader.pipeline import resume_load

if TYPE_CHECKING:
    from pathlib import Path


@click.command("resume")
@click.argument("load_id", metavar="LOAD")
@sending_options
def resume_command(load_id: str, home: Path, *, as_json: bool, **options: Any) -> int:
    """Go on with LOAD, an id or its beginning, where it stopped.

    Rows that have an outcome are not sent again. Rows whose outcome is unknown are looked up first. The load
    keeps its mapping, sources and settings, also where the environment or loader.toml say otherwise by now;
    options on the command line win over those settings.
    """
    options = {name: value for name, value in options.items() if on_command_line(name)}
    with existing_journal(home) as journal:
        load = known_load(journal, load_id, home)
    existing_tenant(options.get("tenant"), load.tenant)
    run_settings({**options, "tenant": load.tenant})
    token = find_token()
    with watcher() as watching, resumable(watching, home):
        result = resume_load(
            load.load_id, changed_settings(options), home=home, token=token, watcher=watching
        )
    following = next_after_load(result.summary, result.exit_code, home)
    title = f"{load.resource} into {load.tenant}: load {load.load_id}"
    return finish(result, title=title, as_json=as_json, following=following)
