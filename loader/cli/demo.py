"""`loader demo`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

import click

from loader.cli.output import command_line, say, say_next, show_error, show_reasons, show_summary
from loader.cli.progress import watcher
from loader.errors import ConfigurationError
from loader.pipeline import LoadResult, make_folder, open_inputs, read_mapping, run_load
from loader.report.summary import FINISHED, SOME_REJECTED
from loader.sending import Token
from loader.settings import RunSettings

_LOADS: Final = (
    ("billing-template.yaml", "billing-templates.parquet"),
    ("billing-run.yaml", "billing-runs.csv"),
)
_TENANT: Final = "acme"


@click.command("demo")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the journal and the files of the loads go. [default: a new folder in .loader]",
)
@click.option("--keep-running", is_flag=True, help="Leave the sandbox running afterwards, until Ctrl-C.")
def demo_command(home: Path | None, *, keep_running: bool) -> int:
    """Load the sample data into a sandbox: billing templates, then billing runs.

    Runs refer to templates by the ids that these have got. Some rows are wrong on purpose, so that there are
    rejects to look at, and some runs wait for a template that is one of them.
    """
    from loader.sandbox import RunningSandbox, SandboxSettings  # noqa: PLC0415 - an extra that need not be there

    mappings, samples = _data()
    home = home or Path(".loader") / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with RunningSandbox(SandboxSettings(tenants=(_TENANT,), store=_store(home))) as sandbox:
        say(f"a sandbox takes records at {sandbox.url}")
        settings = RunSettings(tenant=_TENANT, base_url=sandbox.url)
        for mapping, sample in _LOADS:
            words = ("loader", "load", f"mappings/{mapping}", f"sample_data/{sample}")
            say(f"\n$ {command_line(*words, '--tenant', _TENANT, '--base-url', sandbox.url)}")
            result = _load(mappings / mapping, samples / sample, settings, home)
            _show(result)
            if result.exit_code not in {FINISHED, SOME_REJECTED}:
                say_next(command_line("loader", "demo"))
                return result.exit_code
        if keep_running:
            _wait(sandbox.url)
    say_next(command_line("loader", "status", home=home))
    return FINISHED


def _load(mapping: Path, sample: Path, settings: RunSettings, home: Path) -> LoadResult:
    inputs = open_inputs(*read_mapping(mapping), [str(sample)], {})
    with watcher() as watching:
        return run_load(inputs, settings, home=home, token=Token("demo"), watcher=watching)


def _show(result: LoadResult) -> None:
    summary = result.summary
    show_summary(summary, title=f"{summary.resource} into {summary.tenant}: load {summary.load_id}")
    if result.reasons:
        say("what was wrong, on purpose:")
        show_reasons(result.reasons, most=40)
    if result.reason:
        show_error(result.reason)


def _store(home: Path) -> Path:
    make_folder(home)
    return home / "sandbox.db"


def _wait(url: str) -> None:
    say(f"look at what is stored: {url} (Ctrl-C ends the sandbox)")
    with suppress(KeyboardInterrupt):
        Event().wait()
    say("")


def _data() -> tuple[Path, Path]:
    """The shipped mappings and sample data: in a checkout beside the package, else within it."""
    package = Path(__file__).parents[1]
    for root in (package.parent, package / "_shipped"):
        if (root / "sample_data").is_dir() and (root / "mappings").is_dir():
            return root / "mappings", root / "sample_data"
    raise ConfigurationError(
        "the sample data is not installed", next_step="run it in a checkout of the project"
    )
