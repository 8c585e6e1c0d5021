"""`loader load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from loader.cli.approval import approved_by, approved_option
from loader.cli.config import find_token, run_settings
from loader.cli.interrupts import resumable
from loader.cli.options import sending_options, source_options
from loader.cli.output import finish, next_after_load, source_words
from loader.cli.progress import watcher
from loader.cli.stdin import spool_for
from loader.pipeline import open_inputs, read_mapping, run_load


@click.command("load")
@click.argument("mapping", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, required=True)
@source_options
@approved_option
@sending_options
def load_command(
    mapping: Path,
    sources: tuple[str, ...],
    overrides: dict[str, Any],
    home: Path,
    approved: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Load SOURCES, files or globs or - for standard input, as one load through MAPPING.

    The bearer token comes from LOADER_TOKEN, or from the file that LOADER_TOKEN_FILE names.
    """
    settings = run_settings(options)
    token = find_token()
    spool = spool_for(sources, home)
    inputs = open_inputs(*read_mapping(mapping), sources, overrides, spool=spool, mapping_path=mapping)
    words = [str(mapping), *sources, *source_words(overrides)]
    signed = approved_by(approved, inputs, settings.tenant, words=words, home=home)
    with watcher() as watching, resumable(watching, home):
        result = run_load(inputs, settings, home=home, token=token, watcher=watching, signed=signed)
    again = [str(mapping), *source_words(overrides)]
    again += ["--base-url", settings.base_url] if settings.base_url else []
    following = next_after_load(result.summary, result.exit_code, home, again=again)
    title = f"{result.summary.resource} into {result.summary.tenant}: load {result.summary.load_id}"
    return finish(result, title=title, as_json=as_json, following=following)
