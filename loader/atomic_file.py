"""A file that is written under a temporary name first, so that it appears complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import IO, Final

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})  # a file system without hard links


class AtomicFile:
    """A file beside the one that it will become; only its owner may read it.

    Args:
        path: What it will become; its folder is made, for its owner only, where it is missing.

    Attributes:
        path: As given.
        draft_path: Where it is until then.
        file: To write to.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        self.draft_path = Path(name)
        self.file: IO[bytes] = os.fdopen(handle, "wb")

    def publish(self, path: Path | None = None, *, overwrite: bool = True) -> None:
        """Give the file its name; its content is on disk when this returns.

        Args:
            path: Its name, on the same file system; None: the one that it was made for.
            overwrite: Whether it may replace a file of that name.

        Raises:
            FileExistsError: There is a file of that name already, and it may not be replaced.
            OSError: It cannot be written; a file of that name stays as it was.
        """
        path = path or self.path
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            if overwrite:
                self.draft_path.replace(path)
            else:
                _link(self.draft_path, path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the file; does nothing after `publish`, or a second time."""
        with contextlib.suppress(OSError):
            self.file.close()
        self.draft_path.unlink(missing_ok=True)


def _link(draft: Path, path: Path) -> None:
    try:
        # A link fails where the name is taken: a check before a rename would leave time in between.
        path.hardlink_to(draft)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(path) from None
        draft.rename(path)
