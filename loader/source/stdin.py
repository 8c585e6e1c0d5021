"""Standard input, written to a file first: a load must be able to read its source again."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from loader.errors import SourceError
from loader.source.bytes import BLOCK, ENDINGS, packing_of
from loader.source.formats import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.records import Format

STDIN: Final = "-"
"""What names standard input among sources."""

_NAME: Final = "stdin"
_HASH: Final = 16  # hex digits of the content's SHA-256 that name its folder


def with_stdin_spooled(paths: Sequence[str], folder: Path, said: Format | None) -> list[str]:
    """The paths of sources, with the file that standard input was written to in the place of `-`.

    The same content goes to the same file, `FOLDER/HASH/stdin.csv` or another ending, so that what was
    validated can be loaded and what was loaded can be resumed. It is on disk when this returns. Nothing is
    ever removed here: once its load is finished, nobody needs it.

    Args:
        paths: The sources; at most one is `-`.
        folder: Where the file goes; made, for its owner only, where it is missing.
        said: How it is written; None: its content tells.

    Raises:
        SourceError: There is no standard input, it is empty, or it cannot be read or written to a file.
    """
    if paths.count(STDIN) > 1:
        raise SourceError("standard input (-) is named twice", next_step="Name it once in a load.")
    if STDIN not in paths:
        return list(paths)
    if sys.stdin is None or sys.stdin.closed:
        raise SourceError("there is no standard input to read", next_step="Name a file in place of -.")
    spooled = _spooled(sys.stdin.buffer, folder, said)
    return [str(spooled) if path == STDIN else path for path in paths]


def _spooled(stream: BinaryIO, folder: Path, said: Format | None) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".stdin-", dir=folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            digest = _copied(stream, file, folder)
        path = folder / digest[:_HASH] / (_NAME + _ending(draft, said))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft.replace(path)
        for changed in (path.parent, folder):
            _sync(changed)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        draft.unlink(missing_ok=True)
    return path


def _copied(stream: BinaryIO, file: BinaryIO, folder: Path) -> str:
    """Copies to the end; the SHA-256 in hex of what was copied."""
    digest = hashlib.sha256()
    while block := _read(stream):
        digest.update(block)
        try:
            file.write(block)
        except OSError as error:
            raise _unwritable(folder, error) from error
    if not file.tell():
        raise SourceError(
            "standard input is empty; records were expected",
            next_step="Check that the program before the pipe wrote something.",
        )
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(BLOCK)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"standard input cannot be read: {error}", next_step="Write the data to a file first."
        ) from error


def _ending(draft: Path, said: Format | None) -> str:
    """What a file of this content would be called."""
    try:
        kind, packing = kind_of(str(draft), said), packing_of(str(draft))
    except SourceError as error:
        told = error.message.replace(str(draft), "standard input")
        raise SourceError(told, next_step=error.next_step) from error
    packed = next((ending for ending, named in ENDINGS.items() if named == packing), "")
    return f".{kind}{packed}"


def _sync(folder: Path) -> None:
    """Makes the names in a folder last; where the system opens no folders, they last anyway."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError) -> SourceError:
    return SourceError(
        f"{folder}: standard input cannot be written to a file here: {error.strerror or error}",
        next_step="Make room on that disk, or make the folder writable; --home names another place.",
    )
