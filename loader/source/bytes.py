"""The bytes of a text file: unpacked, and in an encoding in which ASCII stands for itself.

UTF-8 and single-byte encodings are read as they are. Any other encoding is turned into UTF-8 on the
way, and offsets then count the bytes of that UTF-8 text; bytes that do not decode become bytes that are
not UTF-8 either, so that the reader finds them where it finds all others.
"""

from __future__ import annotations

import codecs
import gzip
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Protocol, Self

from loader.errors import SourceError
from loader.source.paths import unreadable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from types import TracebackType

Packing = Literal["gzip", "zstd"]

_MAGIC: Final[tuple[tuple[bytes, Packing], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((bytes([0x50 + number]) + b"\x2a\x4d\x18", "zstd") for number in range(16)),  # a frame to be skipped
)
ENDINGS: Final[dict[str, Packing]] = {".gz": "gzip", ".zst": "zstd"}
BLOCK: Final = 4 * 1024 * 1024
_KEEP: Final = "loader.source.keep"


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(_KEEP, _keep_bytes)


def kept_bytes(text: bytes) -> bytes:
    """The first run of bytes that did not decode, out of text that `SourceContent` turned into UTF-8."""
    run = bytearray()
    for letter in text.decode("utf-8", "surrogatepass"):
        if 0xDC00 <= ord(letter) <= 0xDCFF:  # noqa: PLR2004 - the range that _keep_bytes writes
            run.append(ord(letter) - 0xDC00)
        elif run:
            break
    return bytes(run)


def is_ascii_compatible(encoding: str) -> bool:
    """Whether delimiters, quotes and line ends can be looked for in the bytes of this encoding."""
    if encoding == "utf-8":
        return True
    low, high = bytes(range(128)), bytes(range(128, 256))
    try:
        return low.decode(encoding) == low.decode("ascii") and len(high.decode(encoding, "replace")) == len(
            high
        )
    except (UnicodeError, LookupError):
        return False


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


_Seekable = BinaryIO | gzip.GzipFile | zstd.ZstdFile


class _Transcoded:
    """Text of another encoding, read as UTF-8."""

    def __init__(self, raw: _Readable, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)(_KEEP)
        self._ready = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while len(self._ready) < size and not self._ended:
            block = self._raw.read(min(size, BLOCK))
            self._ended = not block
            text = self._decoder.decode(block, self._ended)
            self._ready += text.encode("utf-8", "surrogatepass")
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken

    def close(self) -> None:
        self._raw.close()


class Stream:
    """An open content; every failure to read it is a `SourceError`."""

    def __init__(self, path: str, raw: _Readable, packing: Packing | None) -> None:
        self._path = path
        self._raw = raw
        self._packing = packing

    def read(self, size: int, /) -> bytes:
        """Reads `size` bytes; fewer only at the end.

        Raises:
            SourceError: The file cannot be read on, or its packing is damaged or cut short.
        """
        parts: list[bytes] = []
        try:
            while size > 0 and (part := self._raw.read(size)):
                parts.append(part)
                size -= len(part)
        except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
            raise SourceError(
                f"{self._path}: the {self._packing} data is damaged or cut short: {error}",
                next_step=f"Fetch or pack the file again; `{self._packing} -t` tells whether it is whole.",
            ) from error
        except OSError as error:
            raise unreadable(self._path, error) from error
        return b"".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()


@dataclass(frozen=True, slots=True)
class SourceContent:
    """What a text file holds.

    Attributes:
        path: Where it is.
        packed: How it is packed; None where it is not.
        bom: Bytes of the byte-order mark at its beginning.
        transcode: The encoding it is turned into UTF-8 from; None where it is read as it is.
    """

    path: str
    packed: Packing | None
    bom: int = 0
    transcode: str | None = None

    @property
    def first(self) -> int:
        """The offset of the first byte that is text."""
        return 0 if self.transcode else self.bom

    def open(self, offset: int) -> Stream:
        """Opens the content, to be read from `offset` on.

        Plain files are sought in; packed and transcoded ones are read and skipped.

        Raises:
            SourceError: It cannot be opened or read up to there.
        """
        try:
            raw = self._unpacked()
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            return self._at(raw, offset)
        except BaseException:
            raw.close()
            raise

    def _unpacked(self) -> _Seekable:
        if self.packed == "gzip":
            return gzip.GzipFile(self.path)
        return zstd.ZstdFile(self.path) if self.packed else Path(self.path).open("rb")

    def _at(self, raw: _Seekable, offset: int) -> Stream:
        stream = Stream(self.path, raw, self.packed)
        before = self.bom if self.transcode else offset
        if self.packed:
            _skip(stream, before)
        else:
            raw.seek(before)
        if self.transcode:
            stream = Stream(self.path, _Transcoded(raw, self.transcode), self.packed)
            _skip(stream, offset)
        return stream


def _skip(stream: Stream, size: int) -> None:
    while size > 0 and (block := stream.read(min(size, BLOCK))):
        size -= len(block)


def packing_of(path: str) -> Packing | None:
    """How a file is packed, by its first bytes; None where it is not.

    Raises:
        SourceError: It cannot be opened, or its name ends in `.gz` or `.zst` and it is not.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise unreadable(path, error) from error
    packing = next((packing for magic, packing in _MAGIC if head.startswith(magic)), None)
    ending = Path(path).suffix.lower()
    if (named := ENDINGS.get(ending)) and named != packing:
        raise SourceError(
            f"{path}: is named {ending} and is not {named}",
            next_step=f"It is {packing}: rename it."
            if packing
            else "Rename it if it is not packed, or fetch it again.",
        )
    return packing
