"""Where the files of a load are, and which there are."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Final

from loader.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = "report.html"
REJECTS: Final = ("rejects.csv", "rejects.parquet", "rejects.ndjson", "rejects.xlsx")
"""The names that rejects have, by the form of their source."""


def folder_of(home: Path, load_id: str) -> Path:
    """Where a load's files are."""
    return home / "loads" / load_id


def make_folder(folder: Path) -> None:
    """Makes a folder for the files of a load or a dry run, for its owner only, where it is missing.

    Raises:
        ConfigurationError: It cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: files cannot be written into this folder: {error.strerror or error}",
            next_step="make it writable, or name another",
        ) from None


def files_of(folder: Path) -> dict[str, str]:
    """Those of a load's files for people that are there, by what they are."""
    found = {"results": folder / "results.csv"}
    for name in REJECTS:
        found |= {"rejects": path} if (path := folder / name).exists() else {}
    found["report"] = folder / PAGE
    return {name: str(path) for name, path in found.items() if path.exists()}
