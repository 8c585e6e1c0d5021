"""`--approved`: compare a load with a signed dry run before it starts."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loader.approval import check_approved
from loader.cli.next_command import suggest
from loader.cli.output import command_line
from loader.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loader.approval import SignedReport
    from loader.pipeline.rows import Inputs


def approved_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--approved` to a command."""
    return click.option(
        "--approved",
        envvar="LOADER_APPROVED",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Send only what the dry run with --report DIR validated; refuse any difference.",
    )(command)


def approved_by(
    folder: Path | None, inputs: Inputs, tenant: str, *, words: Sequence[str], home: Path
) -> SignedReport | None:
    """Return the dry run that approves a load; None where no folder is given.

    Args:
        folder: Where its report is.
        inputs: What is to be loaded.
        tenant: The tenant to load into.
        words: Mapping, sources and options, to validate them again with.
        home: Where the journal is.

    Raises:
        ConfigurationError: The report does not approve this load.
    """
    if folder is None:
        return None
    try:
        return check_approved(folder, inputs.approval(tenant, datetime.now(UTC)))
    except ConfigurationError:
        again = ["--tenant", tenant, "--report", str(_unused(folder))]
        suggest(command_line("loader", "validate", *words, *again, home=home))
        raise


def _unused(folder: Path) -> Path:
    """Return a folder for another report: one that was signed is not overwritten."""
    names = (folder if number == 1 else Path(f"{folder}-{number}") for number in count(1))
    return next(path for path in names if not (path / "summary.json").exists())
