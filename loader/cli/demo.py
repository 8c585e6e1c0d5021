"""`loader demo`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from loader.cli.output import command_line, out_console, say, say_next, show_reasons, show_summary
from loader.cli.progress import watcher
from loader.errors import ConfigurationError
from loader.pipeline import Result, open_inputs, read_mapping, run_load
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

    Some rows are wrong on purpose, so that there are rejects to look at.
    """
    from loader.sandbox import RunningSandbox, SandboxSettings  # noqa: PLC0415 - an extra that need not be there

    mappings, samples = _data()
    home = home or Path(".loader") / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with RunningSandbox(SandboxSettings(tenants=(_TENANT,), store=_store(home))) as sandbox:
        say(f"a sandbox takes records at {sandbox.url}")
        settings = RunSettings(tenant=_TENANT, base_url=sandbox.url)
        for mapping, sample in _LOADS:
            say(
                f"\n$ loader load mappings/{mapping} sample_data/{sample} --tenant {_TENANT} --base-url {sandbox.url}"
            )
            _show(_load(mappings / mapping, samples / sample, settings, home))
        if keep_running:
            _wait(sandbox.url)
    say_next(command_line("loader", "status", home=home))
    return 0


def _load(mapping: Path, sample: Path, settings: RunSettings, home: Path) -> Result:
    inputs = open_inputs(*read_mapping(mapping), [str(sample)], {})
    with watcher() as watching:
        return run_load(inputs, settings, home=home, token=Token("demo"), watcher=watching)


def _show(result: Result) -> None:
    summary = result.summary
    show_summary(summary, title=f"{summary.resource} into {summary.tenant}: load {summary.load_id}")
    if result.reasons:
        say("what was wrong, on purpose:")
        show_reasons(result.reasons, most=40)
    if result.reason:
        raise result.reason


def _store(home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    return home / "sandbox.db"


def _wait(url: str) -> None:
    out_console().print(f"look at what is stored: {url} (Ctrl-C ends the sandbox)")
    try:
        click.pause(info="")
    except KeyboardInterrupt:
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
