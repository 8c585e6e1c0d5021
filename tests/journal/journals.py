"""The journals that the contract's tests run against: a second one is one more entry here."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final, Protocol

from loader.journal import open_journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loader.journal import Journal


class JournalStore(Protocol):
    """Where a test's journal is kept."""

    def open(self, *, wait: float = 10.0) -> Journal:
        """Open the journal once more, as another process would."""
        ...

    @property
    def opening(self) -> str:
        """A Python expression that opens it in another process; it may use `open_journal` and `Path`."""
        ...

    def crash(self, journal: Journal) -> Journal:
        """End the process of an open journal without closing it, and open what is durable."""
        ...


class SqliteStore:
    """A home folder with a SQLite file; after a crash a further folder with what was in the files.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._crashes = 0

    @property
    def home(self) -> Path:
        """The home folder."""
        return self._folder / str(self._crashes)

    def open(self, *, wait: float = 10.0) -> Journal:
        """Open the journal of the home folder."""
        return open_journal(self.home, wait=wait)

    @property
    def opening(self) -> str:
        """Opens the journal of the home folder."""
        return f"open_journal(Path({str(self.home)!r}))"

    def crash(self, journal: Journal) -> Journal:
        """Copy the files as they are now; the journal is closed only then, which would tidy them up."""
        before = self.home
        self._crashes += 1
        self.home.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(before / name, self.home / name)
        journal.close()
        return self.open(wait=0)


STORES: Final[dict[str, Callable[[Path], JournalStore]]] = {"sqlite": SqliteStore}
"""How each journal's store is made in an empty folder."""
