"""Opening a text file: what it is, before any record is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.errors import SourceError
from loader.records import Dialect, SourceFile
from loader.source.bytes import SourceContent, is_ascii_compatible, packing_of
from loader.source.columns import kept_columns
from loader.source.csv.bytes_dialect import LONGEST_RECORD, BytesDialect
from loader.source.csv.dialect import read_opening
from loader.source.csv.file import CsvFile
from loader.source.csv.scan import scan
from loader.source.csv.tail import Tail, read_tail
from loader.source.encoding import encoding_of
from loader.source.paths import fingerprint

if TYPE_CHECKING:
    from loader.settings import SourceOptions
    from loader.source.csv.dialect import Opening

_SAMPLE: Final = 1024 * 1024
_BLOCKS: Final = 16  # so many places of a large file are looked at for its encoding
_BLOCK: Final = 64 * 1024
_NAMED: Final = {"\t": "tab", " ": "space"}


def open_csv(path: str, file_no: int, options: SourceOptions) -> CsvFile:
    """Finds out how a text file is written, and fingerprints it.

    A packed file is read to its end, so that damage in it shows before a row is sent.

    Raises:
        SourceError: It cannot be read, is empty, or has no usable header.
    """
    size, digest = fingerprint(path)
    content, form = _content(path, options)
    opening, sample = _opening(content, form, options)
    form = opening.form
    tail = read_tail(content, form, options.skip_footer, opening.data_at + content.first, size)
    kept, dropped = kept_columns(path, form.columns)
    file = SourceFile(
        file_no=file_no,
        path=path,
        name=Path(path).name,
        size=size,
        fingerprint=digest,
        format="csv",
        dialect=_dialect(opening, content, tail.footer, options),
        schema=dict.fromkeys(kept, pl.String()),
        notes=(*_detected(opening, content, tail, options), *opening.changes, *dropped),
    )
    return CsvFile(
        file=file,
        content=content,
        form=form,
        columns=kept,
        data_at=opening.data_at + content.first,
        data_line=opening.data_line,
        stop=tail.stop or tail.length or (None if content.transcode else size),
        hint=_hint(sample, opening, content, tail, size),
    )


def csv_columns(path: str, options: SourceOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A text file's columns, and what was detected and assumed; reads no further than its header needs.

    Raises:
        SourceError: It cannot be read, is empty, or has no usable header.
    """
    content, form = _content(path, options)
    opening, _ = _opening(content, form, options)
    kept, dropped = kept_columns(path, opening.form.columns)
    return kept, (*_detected(opening, content, Tail(), options), *dropped)


def _content(path: str, options: SourceOptions) -> tuple[SourceContent, BytesDialect]:
    raw = SourceContent(path, packed=packing_of(path))
    with raw.open(0) as stream:
        head = stream.read(_SAMPLE)
    whole = len(head) < _SAMPLE
    further = b"" if whole or raw.packed or options.encoding else _spread(path)
    encoding, bom = encoding_of(path, head, options.encoding, whole=whole, further=further)
    scanned = encoding if is_ascii_compatible(encoding) else "utf-8"
    transcode = None if scanned == encoding else encoding
    return SourceContent(path, raw.packed, bom, transcode), _form(path, options, encoding, scanned)


def _spread(path: str) -> bytes:
    """Lines from all over a large file: the first letters beyond ASCII may come late."""
    parts = []
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        for place in range(1, _BLOCKS + 1):
            file.seek(min(size * place // _BLOCKS, size - _BLOCK))
            parts.append(file.read(_BLOCK).split(b"\n", 1)[-1].rpartition(b"\n")[0])
    return b"\n".join(parts)


def _form(path: str, options: SourceOptions, encoding: str, scanned: str) -> BytesDialect:
    quote = options.quote if "quote" in options.model_fields_set else '"'
    escape = options.escape if options.escape != quote else None
    marks = {"delimiter": options.delimiter or ",", "quote": quote, "escape": escape}
    for key, mark in marks.items():
        _check_mark(path, key, mark, encoding)
    if quote == marks["delimiter"]:
        raise SourceError(
            f"{path}: source.quote and source.delimiter are both {quote!r}",
            next_step="Say two different ones.",
        )
    in_bytes = {key: mark.encode(scanned) if mark else None for key, mark in marks.items()}
    return BytesDialect(
        path=path,
        encoding=encoding,
        scanned=scanned,
        delimiter=in_bytes["delimiter"] or b",",
        quote=in_bytes["quote"],
        escape=in_bytes["escape"] if quote else None,
        lone_cr=False,
    )


def _check_mark(path: str, key: str, mark: str | None, encoding: str) -> None:
    if mark and ("\r" in mark or "\n" in mark):
        raise SourceError(f"{path}: source.{key} holds a line end: {mark!r}", next_step="Say another one.")
    try:
        (mark or "").encode(encoding)
    except UnicodeEncodeError as error:
        raise SourceError(
            f"{path}: source.{key} is {mark!r}, which cannot be written in {encoding}",
            next_step="Check source.encoding.",
        ) from error


def _opening(content: SourceContent, form: BytesDialect, options: SourceOptions) -> tuple[Opening, bytes]:
    """Reads as much of the file as its header needs; gives that sample back, cut at `_SAMPLE` or later."""
    size = _SAMPLE
    while True:
        with content.open(content.first) as stream:
            sample = stream.read(size)
        opening = read_opening(sample, form, options, whole=len(sample) < size)
        if opening is not None:
            return opening, sample
        if size > LONGEST_RECORD:
            raise SourceError(
                f"{content.path}: no header ends within {LONGEST_RECORD // 2**20} MiB",
                next_step="Check that the file is text, and what source.skip_lines says.",
            )
        size *= 8


def _dialect(opening: Opening, content: SourceContent, footer: str, options: SourceOptions) -> Dialect:
    form = opening.form
    return Dialect(
        delimiter=form.delimiter.decode(form.scanned),
        quote=form.quote.decode(form.scanned) if form.quote else None,
        escape=form.escape.decode(form.scanned) if form.escape else None,
        encoding=form.encoding,
        bom=content.bom > 0,
        newline=opening.newline,
        header=form.named,
        preamble=opening.preamble,
        footer=footer,
        header_lines=max(1, int(options.header or 1)) if form.named else 1,
    )


def _detected(
    opening: Opening, content: SourceContent, tail: Tail, options: SourceOptions
) -> tuple[str, ...]:
    """One line that says what the options did not; none where they said everything."""
    form, said = opening.form, options.model_fields_set
    found: list[str] = [content.packed] if content.packed else []
    if options.encoding is None:
        found.append(form.encoding + (" with a byte-order mark" if content.bom else ""))
    if options.delimiter is None:
        found.append(_shown(form.delimiter.decode(form.scanned)) if len(form.columns) > 1 else "one column")
    if "quote" not in said:
        found.append(f"quote {form.quote.decode(form.scanned)}" if form.quote else "no quote")
    if "escape" not in said and form.escape:
        found.append(f"escape {form.escape.decode(form.scanned)}")
    if opening.newline == "\r" or opening.mixed:
        found.append("mixed line ends" if opening.mixed else "CR line ends")
    found += _detected_lines(opening, tail, options)
    return (f"detected: {', '.join(found)}",) if found else ()


def _detected_lines(opening: Opening, tail: Tail, options: SourceOptions) -> list[str]:
    """What is said of the lines that are no records."""
    found = []
    if opening.form.named and (options.header is None or (opening.preamble and options.skip_lines is None)):
        found.append(f"header in line {opening.header_line}")
    elif not opening.form.named and options.header is None:
        found.append("no header")
    if not opening.form.named and options.skip_lines is None and opening.preamble.strip():
        found.append(f"first record in line {opening.header_line}")
    if options.skip_footer is None and tail.lines:
        found.append(f"{tail.lines} footer {'line' if tail.lines == 1 else 'lines'}")
    return found


def _shown(mark: str) -> str:
    """A delimiter for people."""
    if mark in _NAMED:
        return _NAMED[mark]
    return f'"{mark}"' if mark.isprintable() else f'"{mark.encode("unicode_escape").decode()}"'


def _hint(sample: bytes, opening: Opening, content: SourceContent, tail: Tail, size: int) -> int:
    """About how many records the file has; exact where the sample is all of it and it is plain."""
    data = sample[opening.data_at :]
    length = (tail.stop or tail.length or _length(sample, content, size)) - content.first
    whole = length <= len(sample)
    data = data[: max(0, length - opening.data_at)]
    found = scan(data, opening.form, final=whole) if opening.form.is_simple else None
    records = len(found.starts) if found else max(data.count(b"\n"), data.count(b"\r"))
    seen = found.consumed if found else len(data)
    return records if whole else round(records * (length - opening.data_at) / max(1, seen))


def _length(sample: bytes, content: SourceContent, size: int) -> int:
    """The content's length in bytes, guessed from the sample where it is transcoded."""
    if content.transcode is None:
        return size
    stored = len(sample.decode("utf-8", "replace").encode(content.transcode, "replace"))
    return round((size - content.bom) * len(sample) / max(1, stored))
