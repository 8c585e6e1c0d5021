"""Read the bytes of a text file: decompressed, and in an encoding in which ASCII bytes are ASCII characters.

UTF-8 and single-byte encodings are read as they are. Any other encoding is turned into UTF-8 while it is
read, and offsets then count the bytes of that UTF-8 text. Bytes that do not decode become bytes that are not
valid UTF-8 either, so that the parser finds them where it finds all others.
"""

from __future__ import annotations

import codecs
import functools
import gzip
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Protocol, Self

from loader.errors import SourceError
from loader.findings import Finding
from loader.source.paths import unreadable
from loader.text import shorten

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from types import TracebackType

    from loader.findings import JsonValue

Packing = Literal["gzip", "zstd"]

_MAGIC: Final[tuple[tuple[bytes, Packing], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((bytes([0x50 + number]) + b"\x2a\x4d\x18", "zstd") for number in range(16)),  # a frame to skip
)
ENDINGS: Final[dict[str, Packing]] = {".gz": "gzip", ".zst": "zstd"}
BLOCK: Final = 4 * 1024 * 1024  # bytes that are read at once
LONGEST_RECORD: Final = 64 * 1024 * 1024  # bytes; nobody meant a longer text as one record
_HEAD: Final = 64 * 1024  # bytes that are enough to recognize a format
_KEEP: Final = "loader.source.keep"


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(_KEEP, _keep_bytes)


def kept_bytes(text: bytes) -> bytes:
    """Return the first run of bytes that did not decode, from text that `SourceContent` turned into UTF-8."""
    run = bytearray()
    for letter in text.decode("utf-8", "surrogatepass"):
        if 0xDC00 <= ord(letter) <= 0xDCFF:  # noqa: PLR2004 - the range that _keep_bytes writes
            run.append(ord(letter) - 0xDC00)
        elif run:
            break
    return bytes(run)


def bad_bytes(encoding: str, run: bytes, column: str | None = None, position: int | None = None) -> Finding:
    """Return the finding for bytes that do not decode.

    Args:
        encoding: The file's encoding.
        run: The bytes, as they are in the file; the first few are shown, in hex.
        column: The column that has them; None where it is not known.
        position: Where in the record they start, in bytes from 1; None where it is not known.
    """
    params: dict[str, JsonValue] = {"encoding": encoding, "bytes": shorten(run.hex(" ").upper())}
    if position is not None:
        params["position"] = position
    return Finding("row.bad_bytes", column=column, params=params)


@functools.cache
def scanned_encoding(encoding: str) -> str:
    """Return the encoding of the bytes that are scanned: the file's own, or UTF-8 that it is turned into.

    Delimiters, quotes and line ends can be searched for in UTF-8 and in single-byte encodings that have ASCII
    in their lower half. In others, such as UTF-16 or Shift JIS, a byte of ASCII may be half of a character.
    """
    if encoding == "utf-8":
        return encoding
    low, high = bytes(range(128)), bytes(range(128, 256))
    try:
        is_ascii = low.decode(encoding) == low.decode("ascii")
        is_single_byte = len(high.decode(encoding, "replace")) == len(high)
    except (UnicodeError, LookupError):
        return "utf-8"
    return encoding if is_ascii and is_single_byte else "utf-8"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


_Seekable = BinaryIO | gzip.GzipFile | zstd.ZstdFile


class _Transcoded:
    """Read text of another encoding as UTF-8."""

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
        """Read `size` bytes; fewer only at the end.

        Raises:
            SourceError: The file cannot be read any further, or its compressed data is damaged or cut short.
        """
        parts: list[bytes] = []
        try:
            while size > 0 and (part := self._raw.read(size)):
                parts.append(part)
                size -= len(part)
        except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
            raise SourceError(
                f"{self._path}: the {self._packing} data is damaged or cut short: {error}",
                next_step=f"Download or compress the file again; `{self._packing} -t` checks it.",
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
    """The content of a text file.

    Attributes:
        path: Where the file is.
        packed: How it is compressed; None where it is not.
        bom: How many bytes its byte-order mark has; 0 for none.
        transcode: The encoding that is turned into UTF-8; None where the bytes are read as they are.
    """

    path: str
    packed: Packing | None
    bom: int = 0
    transcode: str | None = None

    @property
    def first(self) -> int:
        """Return the offset of the first byte of text."""
        return 0 if self.transcode else self.bom

    def open(self, offset: int) -> Stream:
        """Open the content, to be read from `offset` on.

        A plain file is opened there at once; a compressed or transcoded one is read from its start.

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


@dataclass(frozen=True, slots=True)
class FileHead:
    """The start of a file of any format.

    Attributes:
        path: Where the file is.
        packing: How it is compressed; None where it is not.
        data: Its first bytes, decompressed.
    """

    path: str
    packing: Packing | None
    data: bytes


def read_head(path: str) -> FileHead:
    """Return the start of a file.

    Raises:
        SourceError: It cannot be read, or is named as compressed but is not.
    """
    packing = packing_of(path)
    with SourceContent(path, packing).open(0) as stream:
        return FileHead(path, packing, stream.read(_HEAD))


def packing_of(path: str) -> Packing | None:
    """Return how a file is compressed, by its first bytes; None where it is not.

    Raises:
        SourceError: It cannot be opened, or its name ends in `.gz` or `.zst` but its content is not.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise unreadable(path, error) from error
    packing = next((packing for magic, packing in _MAGIC if head.startswith(magic)), None)
    ending = Path(path).suffix.lower()
    if (expected := ENDINGS.get(ending)) and expected != packing:
        raise SourceError(
            f"{path}: is named {ending} but is not {expected}",
            next_step=f"It is {packing}: rename it."
            if packing
            else "Rename it if it is not compressed, or download it again.",
        )
    return packing
