"""`--approved`: a load that is held against a signed dry run before it begins."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loader.cli.interrupts import with_following
from loader.cli.output import command_line
from loader.errors import ConfigurationError
from loader.pipeline import approval_of, check_approved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loader.pipeline import Inputs, SignedReport


def approved_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--approved`."""
    return click.option(
        "--approved",
        envvar="LOADER_APPROVED",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Send only what the dry run with --report DIR validated; any difference is refused.",
    )(command)


def approved_by(
    folder: Path | None, inputs: Inputs, tenant: str, *, words: Sequence[str], home: Path
) -> SignedReport | None:
    """The dry run that approves a load; None where no folder is named.

    Args:
        folder: Where its report is.
        inputs: What is to be loaded.
        tenant: Into which tenant.
        words: Mapping, sources and options, to validate them again with.
        home: Where the journal is.

    Raises:
        ConfigurationError: The report does not approve this load.
    """
    if folder is None:
        return None
    try:
        return check_approved(folder, approval_of(inputs, tenant))
    except ConfigurationError as error:
        again = ["--tenant", tenant, "--report", str(_unused(folder))]
        raise with_following(error, command_line("loader", "validate", *words, *again, home=home)) from None


def _unused(folder: Path) -> Path:
    """A folder for another report: one that was signed is not written over."""
    names = (folder if number == 1 else Path(f"{folder}-{number}") for number in count(1))
    return next(path for path in names if not (path / "summary.json").exists())
