"""Standard input, written to a file first: a load must be able to read its source again."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import IO, TYPE_CHECKING, BinaryIO, Final

from loader.atomic_file import AtomicFile
from loader.errors import SourceError
from loader.source.bytes import BLOCK, ENDINGS, packing_of
from loader.source.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loader.settings import Format

STDIN: Final = "-"
"""The name of standard input among sources."""

_NAME: Final = "stdin"
_DIGITS: Final = 16  # hex digits of the content's SHA-256 that name its folder


def with_stdin_spooled(paths: Sequence[str], folder: Path, file_format: Format | None) -> list[str]:
    """Write standard input to a file, and return the paths with that file in place of `-`.

    The same content goes to the same file, `FOLDER/HASH/stdin.csv` or another ending, so that what was
    validated can be loaded and what was loaded can be resumed. It is on disk when this returns. Nothing is
    removed here: once its load is finished, nobody needs it.

    Args:
        paths: The sources; at most one is `-`.
        folder: Where the file goes; created, for its owner only, where it is missing.
        file_format: The format of standard input; None: detect it by the content.

    Raises:
        SourceError: There is no standard input, it is empty, or it cannot be read or written to a file.
    """
    if paths.count(STDIN) > 1:
        raise SourceError("standard input (-) is named twice", next_step="Name it once in a load.")
    if STDIN not in paths:
        return list(paths)
    if sys.stdin is None or sys.stdin.closed:
        raise SourceError("there is no standard input to read", next_step="Name a file in place of -.")
    spooled = _spooled(sys.stdin.buffer, folder, file_format)
    return [str(spooled) if path == STDIN else path for path in paths]


def _spooled(stream: BinaryIO, folder: Path, file_format: Format | None) -> Path:
    try:
        draft = AtomicFile(folder / _NAME)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        digest = _copy(stream, draft.file, folder)
        path = folder / digest[:_DIGITS] / (_NAME + _ending(draft.draft_path, file_format))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft.publish(path)
        # A name lasts through a power cut only when its folder is on disk, too.
        for changed in (path.parent, folder):
            _sync(changed)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        draft.discard()
    return path


def _copy(stream: BinaryIO, file: IO[bytes], folder: Path) -> str:
    """Copy a stream to its end, and return the SHA-256 of its bytes in hex."""
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
            next_step="Check the output of the program before the pipe.",
        )
    file.flush()  # its content is looked at before it has its name
    return digest.hexdigest()


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(BLOCK)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"standard input cannot be read: {error}", next_step="Write the data to a file first."
        ) from error


def _ending(draft: Path, file_format: Format | None) -> str:
    """Return the ending that the name of a file with this content has."""
    try:
        name, packing = format_of(str(draft), file_format).name, packing_of(str(draft))
    except SourceError as error:
        # The draft has a name that nobody knows, and is gone when the message is read.
        message = error.message.replace(str(draft), "standard input")
        raise SourceError(message, next_step=error.next_step) from error
    packed = next((ending for ending, packed_by in ENDINGS.items() if packed_by == packing), "")
    return f".{name}{packed}"


def _sync(folder: Path) -> None:
    """Write the names in a folder to disk; a system that cannot open folders does so by itself."""
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
        next_step="Free space on that disk, or make the folder writable, or name another one with --home.",
    )
