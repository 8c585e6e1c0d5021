"""`loader.toml`, the environment's secrets, and what the options make of them."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from loader.errors import ConfigurationError
from loader.sending import Token
from loader.settings import RunSettings
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_FILE: Final = "loader.toml"
_FOLDERS: Final = frozenset({"approved", "home"})
_KEYS: Final = frozenset({*RunSettings.model_fields, *_FOLDERS, "json", "target"})


def read_config(path: Path) -> dict[str, Any]:
    """The keys and sections of a configuration file; nothing where there is no file.

    Dashes in keys are underscores. A section (`[prod]`, also `[targets.prod]`) is a target.

    Raises:
        ConfigurationError: It is no TOML, or has a key that it does not know.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    targets = read.pop("targets", {})
    if not isinstance(targets, dict) or not all(isinstance(each, dict) for each in targets.values()):
        raise ConfigurationError(f"{path}: targets: expected sections like [targets.prod], found {targets!r}")
    sections = {**{key: each for key, each in read.items() if isinstance(each, dict)}, **targets}
    top = {key: each for key, each in read.items() if not isinstance(each, dict)}
    config: dict[str, Any] = _checked(top, path, "")
    config["targets"] = {name: _checked(each, path, f"[{name}] ") for name, each in sections.items()}
    return config


def _checked(keys: Mapping[str, Any], path: Path, where: str) -> dict[str, Any]:
    plain = {str(key).replace("-", "_"): value for key, value in keys.items()}
    for key, value in plain.items():
        if any(word in key for word in ("token", "secret", "password")):
            raise ConfigurationError(
                f"{path}: {where}{key}: secrets do not belong in a file that is shared",
                next_step="set LOADER_TOKEN, or LOADER_TOKEN_FILE to a file that only you can read",
            )
        if key not in _KEYS:
            meant = nearest(key, sorted(_KEYS))
            hint = f"did you mean {meant}?" if meant else f"the keys are {', '.join(sorted(_KEYS))}"
            raise ConfigurationError(f"{path}: {where}unknown key {key!r}; {hint}")
        if key in _FOLDERS and not isinstance(value, str):
            raise ConfigurationError(f"{path}: {where}{key}: expected a folder as text, found {value!r}")
    return plain


def with_target(config: Mapping[str, Any], target: str | None) -> dict[str, Any]:
    """The configuration's keys with a target's own over them.

    Raises:
        ConfigurationError: There is no such target.
    """
    keys = {"as_json" if key == "json" else key: value for key, value in config.items() if key != "targets"}
    target = target or keys.get("target")
    if target is None:
        return keys
    targets = config.get("targets", {})
    if target not in targets:
        known = ", ".join(targets) or "none"
        raise ConfigurationError(f"{CONFIG_FILE} has no section [{target}]; its sections are: {known}")
    return {**keys, **targets[target]}


def run_settings(options: Mapping[str, Any]) -> RunSettings:
    """The settings of a run; options that are None are left to their defaults.

    Raises:
        ConfigurationError: The tenant is missing, or a value is wrong; names all of them.
    """
    given = changed_settings(options)
    if not given.get("tenant"):
        raise ConfigurationError(
            "whose records are they? No tenant is given",
            next_step='say --tenant NAME, set LOADER_TENANT, or write tenant = "NAME" into loader.toml',
        )
    return _validated(given)


def changed_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the options that are given."""
    return {
        key: value for key, value in options.items() if key in RunSettings.model_fields and value is not None
    }


def _validated(given: Mapping[str, Any]) -> RunSettings:
    try:
        return RunSettings.model_validate(given)
    except ValidationError as error:
        wrong = [
            f"--{str(each['loc'][0]).replace('_', '-')}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False)
        ]
        raise ConfigurationError("\n".join(wrong)) from None


def find_token() -> Token:
    """The bearer token, from LOADER_TOKEN or the file that LOADER_TOKEN_FILE names.

    Raises:
        ConfigurationError: There is none, or the file cannot be read.
    """
    if secret := os.environ.get("LOADER_TOKEN"):
        return Token(secret)
    if path := os.environ.get("LOADER_TOKEN_FILE"):
        try:
            return Token(Path(path).read_text(encoding="utf-8"), origin="LOADER_TOKEN_FILE")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"LOADER_TOKEN_FILE: {path} cannot be read: {error}") from None
    raise ConfigurationError(
        "no bearer token: LOADER_TOKEN is not set",
        next_step="export LOADER_TOKEN=… (or LOADER_TOKEN_FILE=path); a sandbox takes any text",
    )
