"""Find the files that paths and patterns name."""

from __future__ import annotations

import glob
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from loader.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence


def expand(patterns: Sequence[str]) -> list[str]:
    """Find the files that paths and globs name, in the order given, matches of a glob sorted.

    Returns:
        Paths of files that exist; at least one, none twice.

    Raises:
        SourceError: Nothing is named, a file is missing, a pattern matches none, a path is not a file,
            a file is named twice, or two have the same name.
    """
    if not patterns:
        raise SourceError(
            "no source file is named",
            next_step="Name at least one CSV, NDJSON, Parquet or Excel file, or - for standard input.",
        )
    paths = [path for pattern in patterns for path in _matches(pattern)]
    _refuse_duplicates(paths)
    return paths


def _matches(pattern: str) -> list[str]:
    path = Path(pattern)
    try:
        exists = path.exists()
    except OSError as error:
        raise unreadable(pattern, error) from error
    if path.is_dir():
        raise SourceError(
            f"{pattern}: is a folder, not a file",
            next_step=f"Name its files, such as {pattern.rstrip('/')}/*.csv",
        )
    if exists and not path.is_file():
        raise SourceError(
            f"{pattern}: is not a regular file, and a load must be able to read it again",
            next_step="Write the data to a file first, or pipe it in and name - as the source.",
        )
    if exists:
        return [pattern]
    if not glob.has_magic(pattern):
        raise SourceError(f"{pattern}: there is no such file", next_step="Check the path and its spelling.")
    matches = sorted(match for match in glob.glob(pattern, recursive=True) if Path(match).is_file())  # noqa: PTH207 - Path.glob takes no absolute patterns
    if not matches:
        raise SourceError(
            f"{pattern}: no file matches this pattern", next_step="Check the path and its spelling."
        )
    return matches


def _refuse_duplicates(paths: Sequence[str]) -> None:
    files: dict[Path, str] = {}
    names: dict[str, str] = {}
    for path in paths:
        real = Path(path).resolve()
        if real in files:
            raise SourceError(
                f"{path}: is named twice (also as {files[real]})", next_step="Name each file once in a load."
            )
        if Path(path).name in names:
            raise SourceError(
                f"{path}: has the same name as {names[Path(path).name]}, and records are identified by "
                "file name and record number",
                next_step="Rename one of them, or load them one after the other.",
            )
        files[real] = path
        names[Path(path).name] = path


def fingerprint(path: str) -> tuple[int, str]:
    """Read a file once from end to end.

    Returns:
        Its size in bytes, and the SHA-256 of its bytes as stored, in hex.

    Raises:
        SourceError: It cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return file.tell(), digest.hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> SourceError:
    """Return the error for a file that cannot be read because of the system or its compression."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SourceError(
        f"{path}: cannot be read: {why}",
        next_step="Check that the file is complete, and that you have permission to read it.",
    )
