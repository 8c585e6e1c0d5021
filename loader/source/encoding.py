"""Find out which encoding a text file is in."""

from __future__ import annotations

import codecs
from typing import Final

from loader.errors import SourceError
from loader.source.code_pages import likeliest

_MARKS: Final = (  # the longer ones first: the mark of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHOUT_ORDER: Final = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
_WIDE_SAMPLE: Final = 1024


def encoding_of(
    path: str, head: bytes, option: str | None, *, whole: bool, further: bytes = b""
) -> tuple[str, int]:
    """Find the encoding by the option, by the byte-order mark, else by the bytes themselves.

    Args:
        path: The file, for messages.
        head: The first bytes of its unpacked content.
        option: The option `source.encoding`; None: detect it.
        whole: Whether `head` is all of it.
        further: Complete lines from elsewhere in it; used where `head` holds nothing but ASCII.

    Returns:
        The codec's name and the length of the byte-order mark, 0 where there is none.

    Raises:
        SourceError: There is no such codec, or the byte-order mark belongs to another one.
    """
    mark, marked = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", None))
    if option is None:
        return marked or _guess(head, further, whole=whole), len(mark)
    codec = _codec(path, option)
    if marked and marked not in (codec, _WITHOUT_ORDER.get(codec)) and not _fits(codec, marked):
        raise SourceError(
            f"{path}: starts with the byte-order mark of {marked}, but source.encoding is {option}",
            next_step=f"Remove source.encoding, or set it to {marked}.",
        )
    return (marked, len(mark)) if marked else (_WITHOUT_ORDER.get(codec, codec), 0)


def _fits(codec: str, marked: str) -> bool:
    """Return whether a codec takes its byte order from the mark, and the mark is one of its own."""
    return codec in _WITHOUT_ORDER and marked.startswith(codec.removesuffix("-sig"))


def _codec(path: str, name: str) -> str:
    try:
        codec = codecs.lookup(name)
        " ".encode(name)  # refuses codecs such as base64, which are not for text
    except (LookupError, UnicodeError) as error:
        raise SourceError(
            f"{path}: source.encoding is {name!r}, and there is no such encoding",
            next_step="Set it to a codec name such as utf-8, cp1252, iso-8859-15 or utf-16.",
        ) from error
    return codec.name


def _guess(head: bytes, further: bytes, *, whole: bool) -> str:
    if wide := _wide(head[:_WIDE_SAMPLE]):
        return wide
    # ASCII fits every encoding, so that only letters from further down in the file can decide.
    data, ends = (further, True) if further and head.isascii() else (head, whole)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, ends)
    except UnicodeDecodeError:
        return likeliest(data)
    return "utf-8"


def _wide(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 by the places of the zero bytes of ASCII letters; None for neither."""
    quarter, half = len(head) // 4, len(head) // 2
    zeros = [head[place::4].count(0) for place in range(4)]
    if quarter and min(zeros[2:]) >= quarter * 0.95 and zeros[1] > zeros[0]:
        return "utf-32-le"
    if quarter and min(zeros[:2]) >= quarter * 0.95 and zeros[2] > zeros[3]:
        return "utf-32-be"
    if half and head[1::2].count(0) > half * 0.4 and not head[0::2].count(0):
        return "utf-16-le"
    if half and head[0::2].count(0) > half * 0.4 and not head[1::2].count(0):
        return "utf-16-be"
    return None
