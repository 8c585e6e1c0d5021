"""Open a text file: find out what it is, before any record is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.errors import SourceError
from loader.records import Dialect, SourceFile
from loader.source.bytes import LONGEST_RECORD, SourceContent, packing_of, scanned_encoding
from loader.source.columns import kept_columns
from loader.source.csv.dialect import read_opening
from loader.source.csv.file import CsvFile
from loader.source.csv.footer import Tail, read_tail
from loader.source.csv.scan import scan
from loader.source.encoding import encoding_of
from loader.source.paths import fingerprint
from loader.text import count

if TYPE_CHECKING:
    from loader.settings import SourceOptions
    from loader.source.csv.dialect import Opening
    from loader.source.csv.layout import CsvLayout

_SAMPLE: Final = 1024 * 1024
_BLOCKS: Final = 16  # places of a large file that are searched for letters of its encoding
_BLOCK: Final = 64 * 1024
_NAMED: Final = {"\t": "tab", " ": "space"}


def open_csv(path: str, file_no: int, options: SourceOptions) -> CsvFile:
    """Find out how a text file is written, and fingerprint it.

    A compressed file is read to its end, so that damage in it shows before a row is sent.

    Raises:
        SourceError: It cannot be read, is empty, or has no usable header.
    """
    size, digest = fingerprint(path)
    content, known = _content(path, options)
    opening, sample = _opening(content, known, options)
    layout = opening.layout
    tail = read_tail(content, layout, options.skip_footer, opening.data_at + content.first, size)
    kept, dropped = kept_columns(path, layout.columns)
    file = SourceFile(
        file_no=file_no,
        path=path,
        name=Path(path).name,
        size=size,
        fingerprint=digest,
        format="csv",
        dialect=_dialect(layout, content, tail, options),
        schema=dict.fromkeys(kept, pl.String()),
        notes=(*_detected(opening, content, tail, options), *opening.changes, *dropped),
    )
    return CsvFile(
        file=file,
        content=content,
        layout=layout,
        data_at=opening.data_at + content.first,
        data_line=opening.data_line,
        stop=tail.stop or tail.length or (None if content.transcode else size),
        height=_height(sample, opening, content, tail, size),
    )


def csv_columns(path: str, options: SourceOptions) -> tuple[dict[str, pl.DataType], tuple[str, ...]]:
    """Return a text file's columns, and what was detected and assumed; no more is read than the header needs.

    Raises:
        SourceError: It cannot be read, is empty, or has no usable header.
    """
    content, known = _content(path, options)
    opening, _ = _opening(content, known, options)
    kept, dropped = kept_columns(path, opening.layout.columns)
    notes = (*_detected(opening, content, Tail(), options), *dropped)
    return dict.fromkeys(kept, pl.String()), notes


def _content(path: str, options: SourceOptions) -> tuple[SourceContent, Dialect]:
    """Return the content, and what the options and the encoding tell of its dialect."""
    raw = SourceContent(path, packed=packing_of(path))
    with raw.open(0) as stream:
        head = stream.read(_SAMPLE)
    whole = len(head) < _SAMPLE
    further = b"" if whole or raw.packed or options.encoding else _spread(path)
    encoding, bom = encoding_of(path, head, options.encoding, whole=whole, further=further)
    transcode = None if scanned_encoding(encoding) == encoding else encoding
    return SourceContent(path, raw.packed, bom, transcode), _known(path, options, encoding)


def _spread(path: str) -> bytes:
    """Return lines from all over a large file: its first letters beyond ASCII may come late."""
    parts = []
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        for place in range(1, _BLOCKS + 1):
            file.seek(min(size * place // _BLOCKS, size - _BLOCK))
            parts.append(file.read(_BLOCK).split(b"\n", 1)[-1].rpartition(b"\n")[0])
    return b"\n".join(parts)


def _known(path: str, options: SourceOptions, encoding: str) -> Dialect:
    quote = options.quote if "quote" in options.model_fields_set else '"'
    escape = options.escape if options.escape != quote else None
    dialect = Dialect(options.delimiter or ",", quote, escape if quote else None, encoding)
    for key, mark in (("delimiter", dialect.delimiter), ("quote", quote), ("escape", escape)):
        _check_mark(path, key, mark, encoding)
    if quote == dialect.delimiter:
        raise SourceError(
            f"{path}: source.quote and source.delimiter are both {quote!r}",
            next_step="Set two different ones.",
        )
    return dialect


def _check_mark(path: str, key: str, mark: str | None, encoding: str) -> None:
    if mark and ("\r" in mark or "\n" in mark):
        raise SourceError(f"{path}: source.{key} has a line end: {mark!r}", next_step="Set another one.")
    try:
        (mark or "").encode(encoding)
    except UnicodeEncodeError as error:
        raise SourceError(
            f"{path}: source.{key} is {mark!r}, which cannot be written in {encoding}",
            next_step="Check source.encoding.",
        ) from error


def _opening(content: SourceContent, known: Dialect, options: SourceOptions) -> tuple[Opening, bytes]:
    """Read as much of the file as its header needs; return that sample, too, of `_SAMPLE` bytes or more."""
    size = _SAMPLE
    while True:
        with content.open(content.first) as stream:
            sample = stream.read(size)
        opening = read_opening(content.path, sample, known, options, whole=len(sample) < size)
        if opening is not None:
            return opening, sample
        if size > LONGEST_RECORD:
            raise SourceError(
                f"{content.path}: no header ends within {LONGEST_RECORD // 2**20} MiB",
                next_step="Check that the file is text, and check source.skip_lines.",
            )
        size *= 8


def _dialect(layout: CsvLayout, content: SourceContent, tail: Tail, options: SourceOptions) -> Dialect:
    header_lines = max(1, int(options.header or 1)) if layout.dialect.header else 1
    return replace(layout.dialect, bom=content.bom > 0, footer=tail.footer, header_lines=header_lines)


def _detected(
    opening: Opening, content: SourceContent, tail: Tail, options: SourceOptions
) -> tuple[str, ...]:
    """Return a line with all that no option sets; no line where the options set everything."""
    layout, dialect, fields = opening.layout, opening.layout.dialect, options.model_fields_set
    parts: list[str] = [content.packed] if content.packed else []
    if options.encoding is None:
        parts.append(dialect.encoding + (" with a byte-order mark" if content.bom else ""))
    if options.delimiter is None:
        parts.append(_shown(dialect.delimiter) if len(layout.columns) > 1 else "one column")
    if "quote" not in fields:
        parts.append(f"quote {dialect.quote}" if dialect.quote else "no quote")
    if "escape" not in fields and dialect.escape:
        parts.append(f"escape {dialect.escape}")
    if dialect.newline == "\r" or opening.mixed:
        parts.append("mixed line ends" if opening.mixed else "CR line ends")
    parts += _detected_lines(opening, tail, options)
    return (f"detected: {', '.join(parts)}",) if parts else ()


def _detected_lines(opening: Opening, tail: Tail, options: SourceOptions) -> list[str]:
    """Return what was detected of the lines that are not records."""
    parts = []
    dialect = opening.layout.dialect
    if dialect.header and (options.header is None or (dialect.preamble and options.skip_lines is None)):
        parts.append(f"header in line {opening.header_line}")
    elif not dialect.header and options.header is None:
        parts.append("no header")
    if not dialect.header and options.skip_lines is None and dialect.preamble.strip():
        parts.append(f"first record in line {opening.header_line}")
    if options.skip_footer is None and tail.lines:
        parts.append(count(tail.lines, "footer line"))
    return parts


def _shown(mark: str) -> str:
    """Return a delimiter as people read it."""
    if mark in _NAMED:
        return _NAMED[mark]
    return f'"{mark}"' if mark.isprintable() else f'"{mark.encode("unicode_escape").decode()}"'


def _height(sample: bytes, opening: Opening, content: SourceContent, tail: Tail, size: int) -> int:
    """Return about how many records the file has; exact where the sample is all of a plain file."""
    data = sample[opening.data_at :]
    length = (tail.stop or tail.length or _length(sample, content, size)) - content.first
    whole = length <= len(sample)
    data = data[: max(0, length - opening.data_at)]
    scanned = scan(data, opening.layout, final=whole) if opening.layout.is_simple else None
    records = len(scanned.starts) if scanned else max(data.count(b"\n"), data.count(b"\r"))
    seen = scanned.consumed if scanned else len(data)
    return records if whole else round(records * (length - opening.data_at) / max(1, seen))


def _length(sample: bytes, content: SourceContent, size: int) -> int:
    """Return the content's length in bytes; for a transcoded file, an estimate from the sample."""
    if content.transcode is None:
        return size
    stored = len(sample.decode("utf-8", "replace").encode(content.transcode, "replace"))
    return round((size - content.bom) * len(sample) / max(1, stored))
