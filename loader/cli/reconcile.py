"""`loader reconcile`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from loader.cli.config import changed_settings, find_token, run_settings
from loader.cli.interrupts import resumable
from loader.cli.loads import existing_journal, known_load
from loader.cli.options import existing_tenant, on_command_line, sending_options
from loader.cli.output import finish, next_after_load
from loader.cli.progress import watcher
from loader.errors import ConfigurationError
from loader.pipeline import LoadResult, decide_load, reconcile_load


@click.command("reconcile")
@click.argument("load_id", metavar="LOAD")
@click.option(
    "--as",
    "verdict",
    type=click.Choice(["created", "unsent"]),
    help="Take your word for it: they were stored, or they were not and may be sent again.",
)
@click.option(
    "--rows",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --as: these rows only; RECORD_NO or RECORD_NO,ID a line, FILE:RECORD_NO of several files.",
)
@sending_options
def reconcile_command(
    load_id: str,
    verdict: str | None,
    rows: Path | None,
    home: Path,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Find out what became of LOAD's rows whose outcome is unknown, or say it by hand.

    The tenant's records are read back, twice where a row is not found at once. Nothing is sent: rows that
    were not stored are pending then, for `loader resume`. What you say with --as is kept with your name
    and the time.
    """
    if rows is not None and verdict is None:
        raise click.UsageError("--rows goes with --as created or --as unsent")
    with existing_journal(home) as journal:
        load = known_load(journal, load_id, home)
    existing_tenant(options.get("tenant") if on_command_line("tenant") else None, load.tenant)
    said = None if rows is None else _read_rows(rows)
    given = {name: value for name, value in options.items() if on_command_line(name)}
    if verdict is None:
        run_settings({**given, "tenant": load.tenant})
    with watcher() as watching, resumable(watching, home):
        if verdict is not None:
            result = decide_load(
                load.load_id,
                stored=verdict == "created",
                rows=said,
                by=_user(),
                home=home,
                watcher=watching,
            )
        else:
            result = reconcile_load(
                load.load_id, changed_settings(given), home=home, token=find_token(), watcher=watching
            )
    return _finish(result, home, as_json=as_json)


def _finish(result: LoadResult, home: Path, *, as_json: bool) -> int:
    summary = result.summary
    title = f"{summary.resource} into {summary.tenant}: load {summary.load_id}"
    following = next_after_load(summary, result.exit_code, home)
    return finish(result, title=title, as_json=as_json, following=following)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _read_rows(path: Path) -> dict[tuple[str | None, int], str | None]:
    """The rows that a file names.

    Raises:
        ConfigurationError: It cannot be read, or a line is not of that form.
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
                f"{path}, line {number}: {line[:60]!r} is not RECORD_NO, RECORD_NO,ID or FILE:RECORD_NO"
            )
        rows[file.strip() or None, int(record_no)] = record_id.strip() or None
    return rows
