"""The loads that a command asks for by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.cli.interrupts import with_following
from loader.cli.output import command_line
from loader.errors import ConfigurationError
from loader.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from loader.records import Load


def existing_journal(home: Path) -> Journal:
    """The journal of a home that has one; none is made.

    Raises:
        ConfigurationError: There is none.
        JournalUnusable: It cannot be opened.
    """
    try:
        there = (home / "journal.db").exists()
    except OSError as error:
        raise ConfigurationError(f"{home}: cannot be read: {error.strerror or error}") from None
    if not there:
        raise with_following(
            ConfigurationError(
                f"there is no journal in {home}: nothing has been loaded from here",
                next_step="name the folder that the load wrote its files into with --home",
            ),
            command_line("loader", "load", "--help"),
        )
    return Journal.open(home)


def known_load(journal: Journal, load_id: str, home: Path) -> Load:
    """The load of an id or of its beginning.

    Raises:
        ConfigurationError: There is none, or more than one.
    """
    try:
        return journal.load(load_id)
    except ConfigurationError as error:
        raise with_following(error, command_line("loader", "status", home=home)) from None
