"""`loader reconcile`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from loader.cli.config import changed_settings, find_token, run_settings
from loader.cli.loads import load_to_continue
from loader.cli.next_command import resumable
from loader.cli.options import existing_tenant, on_command_line, sending_options
from loader.cli.output import finish, load_title, next_after_load
from loader.cli.progress import terminal_observer
from loader.errors import ConfigurationError
from loader.pipeline.context import RunContext
from loader.pipeline.loads import decide_load, reconcile_load
from loader.resources import BUILT_IN
from loader.text import shorten


@click.command("reconcile")
@click.argument("load_id", metavar="LOAD")
@click.option(
    "--as",
    "decision",
    type=click.Choice(["created", "unsent"]),
    help="Decide yourself: created (stored), or unsent (not stored, may be sent again).",
)
@click.option(
    "--rows",
    "rows_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --as: decide only these rows; one a line: RECORD_NO, RECORD_NO,ID or FILE:RECORD_NO.",
)
@sending_options
def reconcile_command(
    load_id: str,
    decision: str | None,
    rows_path: Path | None,
    home: Path,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Find out whether LOAD's rows in doubt were stored.

    The loader reads the tenant's records back, and looks twice for a row that it does not find. It sends
    nothing: rows that were not stored become pending, for `loader resume`. With --as, you decide yourself,
    and the loader keeps your name and the time.

    Example: loader reconcile 20261122T101500Z
    """
    if rows_path is not None and decision is None:
        raise click.UsageError("--rows needs --as created or --as unsent")
    load = load_to_continue(load_id, home)
    given = {name: value for name, value in options.items() if on_command_line(name)}
    existing_tenant(given.get("tenant"), load.tenant)
    rows = None if rows_path is None else _read_rows(rows_path)
    if decision is None:
        run_settings({**given, "tenant": load.tenant})
    with terminal_observer() as observer, resumable(observer, home):
        context = RunContext(home, BUILT_IN, observer)
        if decision is None:
            result = reconcile_load(load.load_id, changed_settings(given), context, token=find_token())
        else:
            stored = decision == "created"
            result = decide_load(load.load_id, context, stored=stored, rows=rows, by=_user())
    next_line = next_after_load(result.summary, result.exit_code, home)
    return finish(result, title=load_title(result.summary), as_json=as_json, next_line=next_line)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _read_rows(path: Path) -> dict[tuple[str | None, int], str | None]:
    """Return the rows that a file names: source file (None: the only one) and record number -> id.

    Raises:
        ConfigurationError: It cannot be read, or a line has another form.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    rows: dict[tuple[str | None, int], str | None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place, _, record_id = line.partition(",")
        file, _, record_no = place.rpartition(":")
        if not record_no.strip().isdecimal():
            raise ConfigurationError(
                f"{path}, line {number}: {shorten(line)!r} is not RECORD_NO, RECORD_NO,ID or FILE:RECORD_NO"
            )
        rows[file.strip() or None, int(record_no)] = record_id.strip() or None
    return rows
