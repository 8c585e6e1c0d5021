"""`loader sandbox`."""

from __future__ import annotations

from pathlib import Path

import click

from loader.cli.output import say

_KINDS = """\b
Kinds of faults
  500, 502, 503, 504   before or after storing, as the dice fall
  500-before, 502-before, 503-before, 504-before   not stored
  500-after, 502-after, 503-after, 504-after       stored
  drop-before, drop-after   no answer: the connection closes
  cut          stored; the answer breaks off in its middle
  empty        stored; 200 with an empty body
  garbage      stored; 200 with a body that is not JSON
  slow         stored; the answer is late
  429          a burst of 429 with Retry-After
  429-silent   a burst of 429 without it
  token-dies   401; the token is no longer good from then on
  lookups-off  lists and single records answer 404
  lookups-403, lookups-405   they answer 403, 405
  lookups-500  a list's second and later pages answer 500
  list-off     only the list of all records answers 404
  lag          reads do not see the latest writes, unless
               one record is read with consistentRead=true
  bare-list    a list is one bare array of all its records

PUT /_faults with JSON such as {"500-after": 0.1} replaces them while it runs, GET /_faults shows them, and
GET /stats tells what really happened.
"""


@click.command("sandbox", epilog=_KINDS)
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
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND:PROBABILITY",
    help="A fault and how likely it is, 0 to 1, for each row and attempt; repeatable. The kinds stand below.",
)
@click.option(
    "--fault-seed", type=int, default=0, show_default=True, help="The same seed brings the same faults."
)
@click.option(
    "--fault-slow",
    type=click.FloatRange(0),
    default=90.0,
    show_default=True,
    metavar="SECONDS",
    help="How late slow answers come.",
)
@click.option(
    "--fault-lag",
    type=click.FloatRange(0),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="How long reads that lag do not see a write.",
)
@click.option("--log", is_flag=True, help="Print a line for each answer.")
def sandbox_command(
    *,
    host: str,
    port: int,
    tenants: tuple[str, ...],
    tokens: tuple[str, ...],
    rate: float | None,
    burst: int | None,
    latency: float,
    store: Path | None,
    faults: tuple[str, ...],
    fault_seed: int,
    fault_slow: float,
    fault_lag: float,
    retry_after: bool,
    log: bool,
) -> int:
    """Run a local stand-in for the API until Ctrl-C; its page at / shows what is stored."""
    from loader.sandbox import SandboxSettings, serve  # noqa: PLC0415 - an extra that need not be there
    from loader.sandbox.faults import parse_faults  # noqa: PLC0415 - likewise

    settings = SandboxSettings(
        tenants=tenants or ("acme",),
        tokens=tokens or None,
        rate=rate,
        burst=burst,
        retry_after=retry_after,
        latency=latency,
        store=store,
        faults=parse_faults(faults),
        fault_seed=fault_seed,
        fault_slow=fault_slow,
        fault_lag=fault_lag,
    )

    def ready(url: str) -> None:
        click.echo(url)
        say(f"the sandbox takes records at {url}; open that page to see them; Ctrl-C ends it")
        tenant = settings.tenants[0]
        say(f"next: LOADER_TOKEN=any loader load MAPPING SOURCE --tenant {tenant} --base-url {url}")

    serve(settings, host, port, ready, on_request=say if log else None)
    return 0
