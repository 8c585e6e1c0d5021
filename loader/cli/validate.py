"""`loader validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from loader.cli.config import run_settings
from loader.cli.next_command import suggest_check
from loader.cli.options import (
    base_url_option,
    home_option,
    json_option,
    rate_option,
    source_options,
    target_option,
    tenant_option,
)
from loader.cli.output import command_line, finish, source_words
from loader.cli.progress import terminal_observer
from loader.cli.stdin import named_sources, spool_for
from loader.pipeline.context import RunContext
from loader.pipeline.rows import open_inputs, read_mapping
from loader.pipeline.validation import validate_inputs
from loader.resources import BUILT_IN

_NO_TENANT: Final = "no-tenant"  # settings need one, also where none is given


@click.command("validate")
@click.argument("mapping", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the report, the findings, the rejects and the summary into DIR.",
)
@source_options
@target_option
@tenant_option
@base_url_option
@rate_option
@home_option
@json_option
def validate_command(
    mapping: Path,
    sources: tuple[str, ...],
    overrides: dict[str, Any],
    report: Path | None,
    tenant: str | None,
    base_url: str | None,
    rate: str | None,
    home: Path,
    *,
    as_json: bool,
) -> int:
    """Validate every row of SOURCES, and send nothing: a dry run.

    SOURCES are files, globs, or - for standard input. With a tenant, rows that an earlier load created are
    recognized. The report shows how long the load would take: at --rate, else at the rate that earlier loads
    into the tenant reached.

    Example: loader validate runs.yaml runs.csv --tenant acme --report report
    """
    settings = run_settings({"tenant": tenant or _NO_TENANT, "base_url": base_url, "rate": rate})
    with suggest_check(mapping, sources, overrides):
        inputs = open_inputs(
            *read_mapping(mapping),
            sources,
            overrides,
            types=BUILT_IN,
            spool=spool_for(sources, home),
            mapping_path=mapping,
        )
    with terminal_observer() as observer:
        result = validate_inputs(
            inputs,
            settings if tenant else None,
            RunContext(home, BUILT_IN, observer),
            report=report,
            rate=settings.rate,
        )
    words = [str(mapping), *named_sources(sources, inputs.source), *source_words(overrides)]
    sending = [*(["--base-url", base_url] if base_url else []), *(["--rate", rate] if rate else [])]
    approved = ["--approved", str(report)] if report and tenant else []
    # Rows with errors come first: no command fixes them.
    load = command_line(
        "loader", "load", *words, "--tenant", tenant or "TENANT", *sending, *approved, home=home
    )
    title = f"{result.summary.resource}: dry run, nothing was sent"
    return finish(result, title=title, as_json=as_json, next_line=None if result.exit_code else load)
