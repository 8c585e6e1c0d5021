"""`loader sandbox`."""

from __future__ import annotations

from pathlib import Path

import click

from loader.cli.output import say


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="An address of this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: a free one.")
@click.option("--tenant", "tenants", multiple=True, help="A tenant that exists; repeatable. [default: acme]")
@click.option(
    "--token", "tokens", multiple=True, help="A made-up token that is good; repeatable. [default: any]"
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="A hidden limit, requests a second.")
@click.option("--burst", type=click.IntRange(1), help="Requests at once after a pause. [default: the rate]")
@click.option(
    "--retry-after/--no-retry-after",
    default=True,
    show_default=True,
    help="Whether 429 says how long to wait.",
)
@click.option(
    "--latency", type=click.FloatRange(0), default=0.0, show_default=True, help="Seconds before each answer."
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SQLite file that keeps the records; left out: a temporary one.",
)
@click.option("--log", is_flag=True, help="Print a line for each answer.")
def sandbox_command(
    host: str,
    port: int,
    tenants: tuple[str, ...],
    tokens: tuple[str, ...],
    rate: float | None,
    burst: int | None,
    latency: float,
    store: Path | None,
    *,
    retry_after: bool,
    log: bool,
) -> int:
    """Run a local stand-in for the API until Ctrl-C; its page at / shows what is stored."""
    from loader.sandbox import SandboxSettings, serve  # noqa: PLC0415 - an extra that need not be there

    settings = SandboxSettings(
        tenants=tenants or ("acme",),
        tokens=tokens or None,
        rate=rate,
        burst=burst,
        retry_after=retry_after,
        latency=latency,
        store=store,
    )

    def ready(url: str) -> None:
        click.echo(url)
        say(f"the sandbox takes records at {url}; open that page to see them; Ctrl-C ends it")
        tenant = settings.tenants[0]
        say(f"next: LOADER_TOKEN=any loader load MAPPING SOURCE --tenant {tenant} --base-url {url}")

    serve(settings, host, port, ready, on_request=say if log else None)
    return 0
