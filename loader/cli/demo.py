"""`loader demo`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

import click

from loader.cli.output import command_line, load_title, say, say_next, show_error, show_groups, show_summary
from loader.cli.progress import terminal_observer
from loader.errors import ConfigurationError
from loader.pipeline.context import RunContext
from loader.pipeline.loads import LoadResult, run_load
from loader.pipeline.rows import open_inputs, read_mapping
from loader.report.folder import make_folder
from loader.report.summary import FINISHED, SOME_REJECTED
from loader.resources import BUILT_IN
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
    help="Keep journal and loads here. [default: a new folder]",
)
@click.option("--keep-running", is_flag=True, help="Leave the sandbox running until Ctrl-C.")
def demo_command(home: Path | None, *, keep_running: bool) -> int:
    """Load the sample data into a local sandbox.

    The demo loads billing templates, then billing runs, which refer to templates by the ids of the first
    load. Some rows have errors on purpose, so that there are rejects to look at. Some runs wait for one of
    the rejected templates.

    Example: loader demo --keep-running
    """
    from loader.sandbox import RunningSandbox, SandboxSettings  # noqa: PLC0415 - an extra that may be missing

    mappings, samples = _data()
    home = home or Path(".loader") / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with RunningSandbox(SandboxSettings(tenants=(_TENANT,), store=_store(home))) as sandbox:
        say(f"the sandbox takes records at {sandbox.url}")
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
    inputs = open_inputs(*read_mapping(mapping), [str(sample)], {}, types=BUILT_IN)
    with terminal_observer() as observer:
        return run_load(inputs, settings, RunContext(home, BUILT_IN, observer), token=Token("demo"))


def _show(result: LoadResult) -> None:
    summary = result.summary
    show_summary(summary, title=load_title(summary))
    if result.groups:
        say("errors, on purpose:")
        show_groups(result.groups, most=40)
    if result.error:
        show_error(result.error)


def _store(home: Path) -> Path:
    make_folder(home)
    return home / "sandbox.db"


def _wait(url: str) -> None:
    say(f"open {url} to see what is stored; press Ctrl-C to end the sandbox")
    with suppress(KeyboardInterrupt):
        Event().wait()
    say("")


def _data() -> tuple[Path, Path]:
    """Return the folders of mappings and sample data: in a checkout beside the package, else inside of it."""
    package = Path(__file__).parents[1]
    for root in (package.parent, package / "_shipped"):
        if (root / "sample_data").is_dir() and (root / "mappings").is_dir():
            return root / "mappings", root / "sample_data"
    raise ConfigurationError(
        "the sample data is not installed", next_step="Run it in a checkout of the project."
    )
