"""Write a file of a report: complete or not at all, with an error that says what to do."""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING

from polars.exceptions import PolarsError

from loader.atomic_file import AtomicFile
from loader.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn an error of the file system, or of Polars, into one that names the file.

    Raises:
        Stopped: The file cannot be written.
    """
    try:
        yield
    except (OSError, PolarsError) as error:
        # Polars has errors of its own for a full disk.
        cause = (isinstance(error, OSError) and error.strerror) or error
        raise Stopped(
            f"{path}: cannot be written: {cause}",
            next_step="Make room on that disk, or make the folder writable; then run the same command again.",
        ) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write, which gets its name when the block ends well, and is removed when it raises.

    Raises:
        Stopped: It cannot be written; a file of that name stays as it was.
    """
    with write_errors(path):
        draft = AtomicFile(path)
    try:
        with write_errors(path):
            yield draft.file
            draft.publish()
    finally:
        draft.discard()
