"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from loader.cli.config import CONFIG_FILE, read_config, with_target
from loader.errors import ConfigurationError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_NONE_WORDS: Final = frozenset({"", "none", "null", "~"})
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}


def _source_option(
    _context: click.Context, _parameter: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE, such as delimiter=';'")
        key = key.strip().replace("-", "_")
        overrides[key] = _source_value(key, text)
    return overrides


def _source_value(key: str, text: str) -> Any:
    """A value as the mapping's `source:` section would have it; a wrong one is left to the section."""
    if key in {"quote", "escape"} and text.lower() in _NONE_WORDS:
        return None
    if key == "header":
        return _FLAGS.get(text.lower(), text)
    if key == "null_values":
        return text.split(",")
    if key in {"delimiter", "quote", "escape"}:
        return text.replace("\\t", "\t")
    return text


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `-s KEY=VALUE`, for commands that read."""
    return click.option(
        "-s",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_source_option,
        help="Overrides a key of the mapping's source section, such as delimiter=';' or encoding=cp1252.",
    )(command)


def _configured(context: click.Context, _parameter: click.Parameter, target: str | None) -> str | None:
    """Reads `loader.toml` before the other options are looked at, so that they win over it."""
    context.default_map = with_target(read_config(Path(CONFIG_FILE)), target)
    return target


def target_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--target`, and with it the defaults of `loader.toml`."""
    return click.option(
        "--target",
        envvar="LOADER_TARGET",
        is_eager=True,
        callback=_configured,
        expose_value=False,
        metavar="NAME",
        help=f"A section of {CONFIG_FILE} whose keys are taken for options.",
    )(command)


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--home`."""
    return click.option(
        "--home",
        envvar="LOADER_HOME",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(".loader"),
        show_default=True,
        help="Where the journal and the files of loads are.",
    )(command)


def tenant_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--tenant`."""
    return click.option(
        "--tenant", envvar="LOADER_TENANT", metavar="NAME", help="Whose records they become."
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, envvar="LOADER_JSON", help="Print the summary as one JSON object."
    )(command)


base_url_option: Final[Decorator] = click.option(
    "--base-url",
    envvar="LOADER_BASE_URL",
    metavar="URL",
    help="One URL for every record type, for a sandbox or proxy.",
)
rate_option: Final[Decorator] = click.option(
    "--rate",
    envvar="LOADER_RATE",
    metavar="N/s|N/min",
    help="A ceiling of requests, such as 50/s or 3000/min.",
)
_SENDING: Final[tuple[Decorator, ...]] = (
    base_url_option,
    rate_option,
    click.option(
        "--concurrency",
        envvar="LOADER_CONCURRENCY",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="A ceiling of requests under way at once. [default: 16]",
    ),
    click.option(
        "--batch-size",
        envvar="LOADER_BATCH_SIZE",
        type=click.IntRange(1, 100_000),
        metavar="N",
        help="Rows a checkpoint. [default: 1000]",
    ),
    click.option(
        "--limit", envvar="LOADER_LIMIT", type=click.IntRange(1), metavar="N", help="The first N rows only."
    ),
    click.option(
        "--max-errors",
        envvar="LOADER_MAX_ERRORS",
        metavar="N|N%",
        help="Stop when more rows than this go wrong.",
    ),
    click.option(
        "--give-up-after",
        envvar="LOADER_GIVE_UP_AFTER",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Stop when the service is down for so long. [default: 300]",
    ),
    click.option(
        "--reconcile-wait",
        envvar="LOADER_RECONCILE_WAIT",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help="How long to wait between two looks for rows in doubt. [default: 5]",
    ),
    click.option(
        "--connect-timeout",
        envvar="LOADER_CONNECT_TIMEOUT",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="How long to wait for a connection. [default: 10]",
    ),
    click.option(
        "--read-timeout",
        envvar="LOADER_READ_TIMEOUT",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="How long to wait for an answer. [default: 60]",
    ),
)


def sending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of commands that send."""
    added: tuple[Decorator, ...] = (
        json_option,
        home_option,
        *reversed(_SENDING),
        tenant_option,
        target_option,
    )
    for option in added:
        command = option(command)
    return command


def on_command_line(name: str) -> bool:
    """Whether the option of the command that runs was typed, and not found elsewhere."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def existing_tenant(given: str | None, tenant: str) -> None:
    """Refuses a tenant that is not the load's own.

    Raises:
        ConfigurationError: They differ.
    """
    if given is not None and given != tenant:
        raise ConfigurationError(
            f"the load is of tenant {tenant}, and --tenant says {given}",
            next_step="leave --tenant out: a load stays in its tenant",
        )
