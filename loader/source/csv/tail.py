"""The end of a text file: its length, and the lines there that are no records."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.bytes import BLOCK
from loader.source.csv.bytes_dialect import LONGEST_RECORD
from loader.source.csv.footer import TAIL, footer_at
from loader.source.csv.trial_splitter import Marks

if TYPE_CHECKING:
    from loader.source.bytes import SourceContent
    from loader.source.csv.bytes_dialect import BytesDialect

_WIDEST: Final = 4  # bytes of a character in the wide encodings


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file.

    Attributes:
        length: Its content's length in bytes; None where it was not read to its end.
        stop: The offset that its footer begins at; None where it has none.
        footer: The footer's text.
        lines: How many lines that is, blank ones left out.
    """

    length: int | None = None
    stop: int | None = None
    footer: str = ""
    lines: int = 0


def read_tail(content: SourceContent, form: BytesDialect, said: int | None, data_at: int, size: int) -> Tail:
    """Finds the footer, and of a packed file the length.

    Args:
        content: The file.
        form: How it is written, with its columns.
        said: How many lines at the end are no records; None: it is to be found.
        data_at: The offset of the first record.
        size: Bytes as stored.

    Raises:
        SourceError: There are fewer lines than was said, or it cannot be read to its end.
    """
    if said:
        return _said(content, form, said, data_at)
    if said == 0 and not content.packed:
        return Tail()
    length, tail = _last_bytes(content, form, data_at, size)
    if tail is None or said == 0:
        return Tail(length)
    begun = max(data_at, (length or size) - len(tail))
    at = footer_at(
        tail.decode("latin-1"), _marks(form), len(form.columns), form.scanned, from_record=begun == data_at
    )
    if at is None:
        return Tail(length)
    footer = tail[at:].decode(form.scanned, "replace")
    lines = sum(bool(line.strip()) for line in re.split(r"\r\n?|\n", footer))
    return Tail(length, begun + at, footer, lines)


def _marks(form: BytesDialect) -> Marks:
    return Marks(
        delimiter=form.delimiter.decode("latin-1"),
        quote=form.quote.decode("latin-1") if form.quote else None,
        escape=form.escape.decode("latin-1") if form.escape else None,
        lone_cr=form.lone_cr,
    )


def _last_bytes(
    content: SourceContent, form: BytesDialect, data_at: int, size: int
) -> tuple[int | None, bytes | None]:
    """The content's length where it had to be read through, and its last bytes, none before the records.

    None for the bytes of a transcoded file says that there is no footer in them: it was not read through.
    """
    if not content.packed and not content.transcode:
        with content.open(max(data_at, size - TAIL)) as stream:
            return None, stream.read(TAIL)
    if content.transcode and not content.packed and not _may_end_in_footer(content, form, size):
        return None, None
    kept, at = b"", data_at
    with content.open(data_at) as stream:
        while block := stream.read(BLOCK):
            at += len(block)
            kept = (kept + block)[-TAIL:]
    return at, kept


def _may_end_in_footer(content: SourceContent, form: BytesDialect, size: int) -> bool:
    """Whether the end of a transcoded file is worth reading all of it for its place in the text."""
    begun = max(content.bom, size - TAIL // 2)
    begun += (content.bom - begun) % _WIDEST
    with Path(content.path).open("rb") as file:
        file.seek(begun)
        text = file.read().decode(content.transcode or form.encoding, "replace")
    tail = text.encode("utf-8", "replace").decode("latin-1")
    return footer_at(tail, _marks(form), len(form.columns), "utf-8", from_record=False) is not None or (
        begun == content.bom
    )


def _said(content: SourceContent, form: BytesDialect, lines: int, data_at: int) -> Tail:
    length, starts = _last_lines(content, form, lines)
    if len(starts) < lines or starts[0] < data_at:
        raise SourceError(
            f"{content.path}: source.skip_footer says that {lines} lines at the end are not data, and "
            "fewer stand below the header",
            next_step="Lower source.skip_footer.",
        )
    with content.open(starts[0]) as stream:
        footer = stream.read(min(length - starts[0], LONGEST_RECORD))
    return Tail(length, starts[0], footer.decode(form.scanned, "replace"), lines)


def _last_lines(content: SourceContent, form: BytesDialect, lines: int) -> tuple[int, list[int]]:
    """The content's length, and the offsets at which its last lines begin."""
    line_end = re.compile(rb"\r\n?|\n" if form.lone_cr else rb"\n")
    at = content.first
    starts = deque([at], maxlen=lines + 1)
    with content.open(at) as stream:
        while block := stream.read(BLOCK):
            if block.endswith(b"\r"):
                block += stream.read(1)
            starts.extend(at + match.end() for match in line_end.finditer(block))
            at += len(block)
    begun = [start for start in starts if start < at]
    return at, begun[-lines:]
