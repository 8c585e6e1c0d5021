"""Options that several commands share; those of a run are made from `RunSettings`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from loader.cli.config import CONFIG_FILE, read_config, with_target
from loader.errors import ConfigurationError
from loader.settings import RunSettings

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]

_NONE_WORDS: Final = frozenset({"", "none", "null", "~"})
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}
_METAVARS: Final = {
    "tenant": "NAME",
    "base_url": "URL",
    "rate": "N/s|N/min",
    "concurrency": "N",
    "batch_size": "N",
    "limit": "N",
    "max_errors": "N|N%",
    "give_up_after": "SECONDS",
    "reconcile_wait": "SECONDS",
    "connect_timeout": "SECONDS",
    "read_timeout": "SECONDS",
}
"""The options of a run in the order of the help: setting -> how the help shows its value."""
_SETTINGS: Final[dict[str, dict[str, Any]]] = RunSettings.model_json_schema()["properties"]


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
    """Return a value as the mapping's `source:` section would have it; the section refuses wrong ones."""
    if key in {"quote", "escape"} and text.lower() in _NONE_WORDS:
        return None
    if key == "header":
        return _FLAGS.get(text.lower(), text)
    if key == "null_values":
        return text.split(",")
    if key in {"delimiter", "quote", "escape"}:
        return text.replace("\\t", "\t")
    return text


source_options: Final[Decorator] = click.option(
    "-s",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_source_option,
    help="Override a source key, such as delimiter=';'.",
)
"""Adds `-s KEY=VALUE`, for commands that read."""


def _configured(context: click.Context, _parameter: click.Parameter, target: str | None) -> str | None:
    """Read `loader.toml` before click looks at the other options, so that they win over it."""
    context.default_map = with_target(read_config(Path(CONFIG_FILE)), target)
    return target


target_option: Final[Decorator] = click.option(
    "--target",
    envvar="LOADER_TARGET",
    is_eager=True,
    callback=_configured,
    expose_value=False,
    metavar="NAME",
    help=f"Take options from this section of {CONFIG_FILE}.",
)
"""Adds `--target`, and with it the defaults of `loader.toml`."""

home_option: Final[Decorator] = click.option(
    "--home",
    envvar="LOADER_HOME",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".loader"),
    show_default=True,
    help="Keep journal and loads here.",
)
json_option: Final[Decorator] = click.option(
    "--json", "as_json", is_flag=True, envvar="LOADER_JSON", help="Print the summary as one JSON object."
)


# --- The options of a run ------------------------------------------------------------------------------


class ShortOption(click.Option):
    """An option without its range in the help, so that this fits one line; messages name the range."""

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what the help shows in brackets, without the range."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


def setting_option(name: str) -> Decorator:
    """Return what adds the option of a setting: `LOADER_<NAME>` sets it, too.

    The option itself has no default: a command must see whether it is given, as a resumed load keeps its own.
    """
    schema = _SETTINGS[name]
    default = schema.get("default")
    return click.option(
        f"--{name.replace('_', '-')}",
        cls=ShortOption,
        envvar=f"LOADER_{name.upper()}",
        metavar=_METAVARS[name],
        type=_value_type(schema),
        help=schema["description"] + ("" if default is None else f" [default: {default:g}]"),
    )


def _value_type(schema: dict[str, Any]) -> click.IntRange | click.FloatRange | None:
    """Return the range of a number, as JSON Schema has it; None for a text."""
    (value, *_) = [arm for arm in schema.get("anyOf", [schema]) if arm.get("type") != "null"]
    above = value.get("exclusiveMinimum")
    least = value.get("minimum") if above is None else above
    if value.get("type") == "integer":
        return click.IntRange(least, value.get("maximum"), min_open=above is not None)
    if value.get("type") == "number":
        return click.FloatRange(least, value.get("maximum"), min_open=above is not None)
    return None


tenant_option: Final = setting_option("tenant")
base_url_option: Final = setting_option("base_url")
rate_option: Final = setting_option("rate")


def sending_options(command: Command) -> Command:
    """Add the options of commands that send."""
    settings = [setting_option(name) for name in _METAVARS]
    # Click puts the option that is added last in front.
    for option in reversed([target_option, *settings, home_option, json_option]):
        command = option(command)
    return command


def on_command_line(name: str) -> bool:
    """Return whether an option of the running command comes from the command line, and not from elsewhere."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def existing_tenant(option: str | None, tenant: str) -> None:
    """Refuse a tenant that is not the load's own.

    Args:
        option: The value of `--tenant`; None where it is not given.
        tenant: The load's.

    Raises:
        ConfigurationError: They differ.
    """
    if option is not None and option != tenant:
        raise ConfigurationError(
            f"the load belongs to tenant {tenant}, but --tenant is {option}",
            next_step="Leave out --tenant: a load stays in its tenant.",
        )
