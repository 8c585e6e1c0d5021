"""`loader.toml`, the secrets of the environment, and the settings of a run."""

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
    """Return the keys and sections of a configuration file; nothing where there is no file.

    Dashes in keys are underscores. A section (`[prod]`, also `[targets.prod]`) is a target.

    Raises:
        ConfigurationError: It is not valid TOML, or has an unknown key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    targets = content.pop("targets", {})
    if not isinstance(targets, dict) or not all(isinstance(keys, dict) for keys in targets.values()):
        raise ConfigurationError(f"{path}: targets: expected sections like [targets.prod], found {targets!r}")
    sections = {**{key: value for key, value in content.items() if isinstance(value, dict)}, **targets}
    top = {key: value for key, value in content.items() if not isinstance(value, dict)}
    config: dict[str, Any] = _checked(top, path, "")
    config["targets"] = {name: _checked(keys, path, f"[{name}] ") for name, keys in sections.items()}
    return config


def _checked(keys: Mapping[str, Any], path: Path, where: str) -> dict[str, Any]:
    plain = {str(key).replace("-", "_"): value for key, value in keys.items()}
    for key, value in plain.items():
        if any(word in key for word in ("token", "secret", "password")):
            raise ConfigurationError(
                f"{path}: {where}{key}: secrets do not belong in a shared file",
                next_step="Set LOADER_TOKEN, or LOADER_TOKEN_FILE to a file that only you can read.",
            )
        if key not in _KEYS:
            suggestion = nearest(key, sorted(_KEYS))
            hint = f"did you mean {suggestion}?" if suggestion else f"the keys are {', '.join(sorted(_KEYS))}"
            raise ConfigurationError(f"{path}: {where}unknown key {key!r}; {hint}")
        if key in _FOLDERS and not isinstance(value, str):
            raise ConfigurationError(f"{path}: {where}{key}: expected a folder as text, found {value!r}")
    return plain


def with_target(config: Mapping[str, Any], target: str | None) -> dict[str, Any]:
    """Return the keys of the configuration, with those of a target in place of them.

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
    """Return the settings of a run; an option that is None leaves its setting at the default.

    Raises:
        ConfigurationError: The tenant is missing, or a value is wrong; names all of them.
    """
    settings = changed_settings(options)
    if not settings.get("tenant"):
        raise ConfigurationError(
            "no tenant given",
            next_step='Pass --tenant NAME, set LOADER_TENANT, or add tenant = "NAME" to loader.toml.',
        )
    return _validated(settings)


def changed_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings among the options that have a value."""
    return {
        key: value for key, value in options.items() if key in RunSettings.model_fields and value is not None
    }


def _validated(settings: Mapping[str, Any]) -> RunSettings:
    try:
        return RunSettings.model_validate(settings)
    except ValidationError as error:
        lines = [
            f"--{str(detail['loc'][0]).replace('_', '-')}: {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors(include_url=False)
        ]
        raise ConfigurationError("\n".join(lines)) from None


def find_token() -> Token:
    """Return the bearer token, from LOADER_TOKEN or the file that LOADER_TOKEN_FILE names.

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
        next_step="Set LOADER_TOKEN, or LOADER_TOKEN_FILE to a file with it; a sandbox takes any text.",
    )
