"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from loader.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turns an error of the file system inside into one that names the file.

    Raises:
        Stopped: The file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise Stopped(
            f"{path}: cannot be written: {error.strerror or error}",
            next_step="make room on that disk, or make the folder writable, then run the same command again",
        ) from error


class AtomicFile:
    """A file under a temporary name, beside the one that it will replace; its owner alone may read it.

    Args:
        path: What it will be; its folder is made, for its owner only, where it is missing.

    Raises:
        Stopped: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with speaking(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        self.draft_path = Path(name)
        self.file: IO[bytes] = os.fdopen(handle, "wb")

    def keep(self) -> None:
        """Puts it in its place; on disk when this returns.

        Raises:
            Stopped: It cannot be written; what stood there before still does.
        """
        try:
            with speaking(self.path):
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
                self.draft_path.replace(self.path)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Removes it; does nothing after `keep`, or a second time."""
        with contextlib.suppress(OSError):
            self.file.close()
        self.draft_path.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes its place when the block ends well, and is dropped when it raises.

    Raises:
        Stopped: It cannot be written; what stood there before still does.
    """
    draft = AtomicFile(path)
    try:
        with speaking(path):
            yield draft.file
    except BaseException:
        draft.drop()
        raise
    draft.keep()
