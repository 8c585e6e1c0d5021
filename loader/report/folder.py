"""The folder of a load or a dry run: its place, and the names of the files in it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Final

from loader.errors import ConfigurationError
from loader.report.rejects.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = "report.html"
RESULTS: Final = "results.csv"
SUMMARY: Final = "summary.json"
REJECTS: Final = tuple(form.file_name for form in FORMATS.values())
"""The names that rejects have, by the format of their source."""


def folder_of(home: Path, load_id: str) -> Path:
    """Return the folder of a load's files."""
    return home / "loads" / load_id


def make_folder(folder: Path) -> None:
    """Make a folder for the files of a load or a dry run, for its owner only, where it is missing.

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
            next_step="Make it writable, or name another folder.",
        ) from None


def files_of(folder: Path) -> dict[str, str]:
    """Return the paths of a load's files for people, by what they are; those that exist."""
    files = {"results": folder / RESULTS}
    for name in REJECTS:
        files |= {"rejects": path} if (path := folder / name).exists() else {}
    files["report"] = folder / PAGE
    return {name: str(path) for name, path in files.items() if path.exists()}
