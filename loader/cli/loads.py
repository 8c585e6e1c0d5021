"""The loads that a command looks up by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.cli.next_command import suggest
from loader.cli.output import command_line
from loader.errors import ConfigurationError
from loader.journal import journal_exists, open_journal

if TYPE_CHECKING:
    from pathlib import Path

    from loader.journal import Journal
    from loader.records import Load


def existing_journal(home: Path) -> Journal:
    """Return the journal of a home that has one; none is made.

    Raises:
        ConfigurationError: There is none.
        JournalUnusable: It cannot be opened.
    """
    try:
        # To open a journal makes one: a typo in --home must not leave an empty home behind.
        exists = journal_exists(home)
    except OSError as error:
        raise ConfigurationError(f"{home}: cannot be read: {error.strerror or error}") from None
    if not exists:
        suggest(command_line("loader", "load", "--help"))
        raise ConfigurationError(
            f"there is no journal in {home}: nothing has been loaded from here",
            next_step="Pass --home with the folder that the load wrote its files into.",
        )
    return open_journal(home)


def known_load(journal: Journal, load_id: str, home: Path) -> Load:
    """Return the load of an id, or of the beginning of one.

    Raises:
        ConfigurationError: There is none, or more than one.
    """
    try:
        return journal.load(load_id)
    except ConfigurationError:
        suggest(command_line("loader", "status", home=home))
        raise


def load_to_continue(load_id: str, home: Path) -> Load:
    """Return a load that a command is to go on with, from the journal of its home.

    Raises:
        ConfigurationError: There is no journal, no such load, or more than one.
        JournalUnusable: The journal cannot be opened.
    """
    with existing_journal(home) as journal:
        return known_load(journal, load_id, home)
