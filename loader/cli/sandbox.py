"""`loader sandbox`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from loader.cli.options import ShortOption
from loader.cli.output import say
from loader.resources import BUILT_IN

_KINDS = """\b
Kinds of faults
  500, 502, 503, 504   before or after storing, at random
  500-before, 502-before, 503-before, 504-before   not stored
  500-after, 502-after, 503-after, 504-after       stored
  drop-before, drop-after   no answer: the connection closes
  cut          stored; the answer breaks off half-way
  empty        stored; 200 with an empty body
  garbage      stored; 200 with a body that is not JSON
  slow         stored; the answer is late
  429          a burst of 429 with Retry-After
  429-silent   a burst of 429 without it
  token-dies   401; from then on the token is refused
  lookups-off  lists and single records answer 404
  lookups-403, lookups-405   they answer 403, 405
  lookups-500  a list's second and later pages answer 500
  list-off     only the list of all records answers 404
  lag          reads do not see the latest writes, unless
               one record is read with consistentRead=true
  bare-list    a list is one bare array of all its records

PUT /_faults with JSON such as {"500-after": 0.1} replaces them while it runs, GET /_faults shows them, and
GET /stats counts what happened.
"""

_option = partial(click.option, cls=ShortOption, show_default=True)


@click.command("sandbox", epilog=_KINDS)
@_option("--host", metavar="ADDRESS", default="127.0.0.1", help="Listen on an address.")
@_option("--port", metavar="N", type=click.IntRange(0, 65535), default=8080, help="Listen on a port; 0: any.")
@_option(
    "--tenant", "tenants", metavar="NAME", multiple=True, help="Serve a tenant; repeatable. [default: acme]"
)
@_option(
    "--token", "tokens", metavar="TEXT", multiple=True, help="Accept a token; repeatable. [default: any]"
)
@_option("--rate", metavar="N", type=click.FloatRange(0, min_open=True), help="Allow N requests per second.")
@_option("--burst", metavar="N", type=click.IntRange(1), help="Allow N at once. [default: the rate]")
@_option(
    "--retry-after/--no-retry-after", default=True, help="Send Retry-After with 429.", show_default=False
)
@_option("--latency", metavar="SECONDS", type=click.FloatRange(0), default=0.0, help="Delay each answer.")
@_option(
    "--store",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep records in a file. [default: temporary]",
)
@_option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND:PROBABILITY",
    help="Add a fault of a kind below; repeatable.",
)
@_option("--fault-seed", metavar="N", type=int, default=0, help="Repeat the faults of a seed.")
@_option(
    "--fault-slow", metavar="SECONDS", type=click.FloatRange(0), default=90.0, help="Delay slow answers."
)
@_option("--fault-lag", metavar="SECONDS", type=click.FloatRange(0), default=3.0, help="Delay lagging reads.")
@_option("--log", is_flag=True, help="Print a line for each answer.", show_default=False)
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
    """Run a local stand-in for the API, until Ctrl-C.

    Its page at / shows what is stored. It listens on this machine only. A fault has a probability from 0 to 1
    for each row and attempt.

    Example: loader sandbox --port 8080 --fault 500-after:0.05
    """
    from loader.sandbox import SandboxSettings, serve  # noqa: PLC0415 - an extra that may be missing
    from loader.sandbox.faults import parse_faults  # noqa: PLC0415 - likewise

    settings = SandboxSettings(
        record_types=BUILT_IN,
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
        say(f"the sandbox takes records at {url}; open that page to see them, and press Ctrl-C to end it")
        tenant = settings.tenants[0]
        say(f"next: LOADER_TOKEN=any loader load MAPPING SOURCE --tenant {tenant} --base-url {url}")

    serve(settings, host, port, ready, on_request=say if log else None)
    return 0
