"""What is known for certain: loads, rows, checkpoints, claims, and the crosswalk from external ids to ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.journal.protocol import Journal
from loader.journal.sqlite.journal import SqliteJournal
from loader.journal.values import Claim, LoadStatistics, Moment, PendingRows, ResumePoint

if TYPE_CHECKING:
    from pathlib import Path


def open_journal(home: Path, *, wait: float = 10.0) -> Journal:
    """Open the journal of a home folder; make both where they are missing.

    Args:
        home: The folder; made for its owner only (0700).
        wait: Seconds to wait for another process that writes.

    Raises:
        JournalUnusable: It cannot be made or opened, is damaged, locked or of another version, or a part of
            it is missing. A journal that is there is never replaced.
    """
    return SqliteJournal.open(home, wait=wait)


def journal_exists(home: Path) -> bool:
    """Tell whether a home folder has a journal; nothing is made or opened."""
    return SqliteJournal.exists(home)


__all__ = [
    "Claim",
    "Journal",
    "LoadStatistics",
    "Moment",
    "PendingRows",
    "ResumePoint",
    "journal_exists",
    "open_journal",
]
