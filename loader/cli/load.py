"""`loader load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from loader.cli.approval import approved_by, approved_option
from loader.cli.config import find_token, run_settings
from loader.cli.next_command import resumable, suggest_check
from loader.cli.options import sending_options, source_options
from loader.cli.output import finish, load_title, next_after_load, source_words
from loader.cli.progress import terminal_observer
from loader.cli.stdin import spool_for
from loader.pipeline.context import RunContext
from loader.pipeline.loads import run_load
from loader.pipeline.rows import open_inputs, read_mapping
from loader.resources import BUILT_IN


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
    """Load SOURCES through MAPPING, as one load.

    SOURCES are files, globs, or - for standard input. The bearer token comes from LOADER_TOKEN, or from the
    file that LOADER_TOKEN_FILE names.

    Example: loader load runs.yaml runs.csv --tenant acme
    """
    settings = run_settings(options)
    token = find_token()
    with suggest_check(mapping, sources, overrides):
        inputs = open_inputs(
            *read_mapping(mapping),
            sources,
            overrides,
            types=BUILT_IN,
            spool=spool_for(sources, home),
            mapping_path=mapping,
        )
    words = [str(mapping), *sources, *source_words(overrides)]
    signed = approved_by(approved, inputs, settings.tenant, words=words, home=home)
    with terminal_observer() as observer, resumable(observer, home):
        context = RunContext(home, BUILT_IN, observer)
        result = run_load(inputs, settings, context, token=token, signed=signed)
    again = [str(mapping), *source_words(overrides)]
    again += ["--base-url", settings.base_url] if settings.base_url else []
    next_line = next_after_load(result.summary, result.exit_code, home, again=again)
    return finish(result, title=load_title(result.summary), as_json=as_json, next_line=next_line)
