"""Find out how a text file is written from its start: its marks, line ends and header."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.bytes import LONGEST_RECORD
from loader.source.columns import check_names, column_names
from loader.source.csv.layout import CsvLayout, from_latin
from loader.source.csv.line_ends import line_start
from loader.source.csv.sniff import DialectHints, sniff
from loader.source.csv.strict_parser import StrictParser
from loader.text import count
from loader.wording import message

if TYPE_CHECKING:
    from loader.records import Dialect
    from loader.settings import SourceOptions
    from loader.source.csv.header import Table
    from loader.source.csv.sniff import SniffedLayout
    from loader.source.csv.strict_parser import ParsedRecord

_WINDOW: Final = 128 * 1024  # bytes in which the dialect is looked for
_FEW: Final = 5  # rows; with fewer in the window all of the sample is used
_QUOTES: Final[tuple[str | None, ...]] = ('"', "'", None)
_ESCAPES: Final[tuple[str | None, ...]] = (None, "\\")
_SEPARATOR: Final = re.compile(r"""\ufeff?(["']?)sep=([^\r\n]{1,4}?)\1(?:\r\n?|\n|\Z)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opening:
    """The start of a file.

    Attributes:
        layout: How the file is written; its dialect lacks the footer and the byte-order mark.
        mixed: Whether there are other line ends than the dialect's.
        header_line: The line of the header or, without one, of the first record; from 1.
        data_at: The index in the sample of what follows the header.
        data_line: The line of it.
        changes: What was changed in the header's names, a line for each.
    """

    layout: CsvLayout
    mixed: bool
    header_line: int
    data_at: int
    data_line: int
    changes: tuple[str, ...]


def read_opening(
    path: str, sample: bytes, dialect: Dialect, options: SourceOptions, *, whole: bool
) -> Opening | None:
    """Find out how a file is written from its first bytes.

    Args:
        path: The file, for messages.
        sample: The first bytes, in the encoding that is scanned, without a byte-order mark.
        dialect: What is known of it: the encoding, and the marks that the options have.
        options: What the user sets.
        whole: Whether the sample is all of the file.

    Returns:
        The start of the file; None where the header does not end within the sample.

    Raises:
        SourceError: The file is empty, or has no usable header.
    """
    start = CsvLayout(replace(dialect, lone_cr=_first_newline(sample) == "\r"))
    separator = _separator(sample, start)
    skipped = int(separator is not None) if options.skip_lines is None else options.skip_lines
    at = _after_lines(path, sample, skipped, start, whole=whole)
    if at is None:
        return None
    final = whole or len(sample) - at > LONGEST_RECORD
    sniffed = _sniffed(sample[at:], _hints(options, start, separator), start, whole=final)
    if sniffed.table is None:
        if final:
            raise _nothing_in(path, is_empty=not sample)
        return None
    marks = from_latin(sniffed.dialect, start.scanned)
    marks = replace(marks, encoding=dialect.encoding, escape=marks.escape if marks.quote else None)
    first = sniffed.split.rows[sniffed.table.top]
    header_at = at + first.start
    layout = CsvLayout(replace(marks, preamble=sample[:header_at].decode(start.scanned, "replace")))
    return _opened(path, sample, header_at, skipped + first.line, layout, sniffed.table, final=final)


def _opened(
    path: str, sample: bytes, at: int, line: int, layout: CsvLayout, table: Table, *, final: bool
) -> Opening | None:
    """Parse the header as records are parsed, and return the start with the columns that it names."""
    parsed = _records(path, sample, at, line, table, layout, final=final)
    if parsed is None:
        return None
    records, data_line = parsed
    end = records[-1].end
    newline, mixed = _newlines(sample, end, layout)
    dialect = replace(layout.dialect, newline=newline, header=bool(table.lines))
    if table.lines:
        header = tuple(tuple(record.cells or ()) for record in records)
        columns, changes = column_names(header)
        check_names(path, columns)
        layout = CsvLayout(dialect, columns, header)
        return Opening(layout, mixed, line, end, data_line, changes)
    width = len(records[0].cells or ())
    numbered = tuple(f"column_{place}" for place in range(1, table.width + 1))
    layout = CsvLayout(dialect, numbered, is_typical=table.width != width)
    return Opening(layout, mixed, line, at, line, ())


def _records(
    path: str, sample: bytes, at: int, line: int, table: Table, layout: CsvLayout, *, final: bool
) -> tuple[list[ParsedRecord], int] | None:
    """Return the header's records, or the first one, and the line after them; None if more text is needed."""
    parser = StrictParser(layout)
    records: list[ParsedRecord] = []
    while len(records) < max(1, table.lines) and at < len(sample):
        record = parser.record(sample, at, line, final=final)
        if record is None:
            return None
        if record.findings and table.lines:
            raise SourceError(
                f"{path}: the header in line {line} cannot be read: {message(record.findings[0])}",
                next_step="Check source.encoding and source.quote, or fix the header.",
            )
        at, line = record.end, line + record.breaks
        if record.cells is not None:
            records.append(record)
    return records, line


def _sniffed(sample: bytes, hints: DialectHints, layout: CsvLayout, *, whole: bool) -> SniffedLayout:
    """Find the marks and the table that they make, in as much of the sample as is needed."""
    text = sample[:_WINDOW].decode("latin-1")
    everything = len(sample) <= _WINDOW
    sniffed = sniff(text, hints, lone_cr=layout.lone_cr, whole=whole and everything)
    if everything or len(sniffed.split.rows) >= _FEW:
        return sniffed
    return sniff(sample.decode("latin-1"), hints, lone_cr=layout.lone_cr, whole=whole)


def _hints(options: SourceOptions, layout: CsvLayout, separator: str | None) -> DialectHints:
    """Return what the options leave open, with no mark for two purposes."""
    fields = options.model_fields_set
    delimiter = _latin(options.delimiter, layout) if options.delimiter else separator
    quotes, escapes = _QUOTES, _ESCAPES
    if "quote" in fields:
        quotes = (_latin(options.quote, layout),)
    elif options.escape and options.escape in _QUOTES:  # a quote that escapes itself is a doubled one
        quotes = (options.escape,)
    if "escape" in fields:
        escapes = (_latin(options.escape, layout) if options.escape != quotes[0] else None,)
    if len(quotes) > 1:
        quotes = tuple(quote for quote in quotes if quote is None or quote not in (delimiter, escapes[0]))
    if len(escapes) > 1:
        escapes = tuple(mark for mark in escapes if mark is None or mark not in (delimiter, quotes[0]))
    return DialectHints(
        delimiter=delimiter,
        quotes=quotes,
        escapes=escapes,
        header=options.header,
        fixed=options.skip_lines is not None,
        encoding=layout.scanned,
    )


def _latin(mark: str | None, layout: CsvLayout) -> str | None:
    """Return a mark as it is in the scanned bytes, decoded as Latin-1."""
    return mark.encode(layout.scanned).decode("latin-1") if mark else None


def _separator(sample: bytes, layout: CsvLayout) -> str | None:
    """Return the delimiter of a first line `sep=;`, as spreadsheet programs write and read it."""
    match = _SEPARATOR.match(sample[:64].decode(layout.scanned, "replace"))
    return _latin(match[2], layout) if match else None


def _first_newline(sample: bytes) -> str:
    """Return the first line end that is not between quotation marks; LF where there is none."""
    quoted = False
    for match in re.finditer(rb'"|\r\n|\n|\r', sample[:_WINDOW]):
        if match[0] == b'"':
            quoted = not quoted
        elif not quoted:
            return match[0].decode("ascii")
    first = re.search(rb"\r\n|\n|\r", sample)
    return first[0].decode("ascii") if first else "\n"


def _newlines(sample: bytes, end: int, layout: CsvLayout) -> tuple[str, bool]:
    """Return the line end before an index, else the first one, and whether there are others behind it."""
    last = re.search(rb"(?:\r\n|\n|\r)\Z", sample[max(0, end - 2) : end]) or re.search(rb"\r\n|\n|\r", sample)
    newline = last[0].decode("ascii") if last else "\n"
    text, quote = sample[end : end + _WINDOW], layout.quote
    if quote and quote in text:
        mark = re.escape(quote)
        text = re.sub(mark + b"[^" + re.escape(quote[:1]) + b"]*+" + mark, b"", text)
    # CRLF and LF are different here, as nowhere else: people may wonder about a mixture. Quoted
    # cells were taken out, since line ends in a text follow the program that it was typed in.
    ends = set(re.findall(rb"\r\n|\n|\r(?!\Z)" if layout.lone_cr else rb"\r?\n", text))
    return newline, bool(ends - {newline.encode()})


def _after_lines(path: str, sample: bytes, lines: int, layout: CsvLayout, *, whole: bool) -> int | None:
    """Return the index after the first `lines` lines; None where they do not end within the sample."""
    at = 0
    ends = re.finditer(line_start(lone_cr=layout.lone_cr).encode(), sample)
    for skipped in range(lines):
        match = next(ends, None)
        if match is None and not whole:
            return None
        if match is None:
            total = skipped + (at < len(sample))
            raise SourceError(
                f"{path}: source.skip_lines is {lines}, but the file has only {count(total, 'line')}",
                next_step="Lower source.skip_lines.",
            )
        at = match.end()
    return at


def _nothing_in(path: str, *, is_empty: bool) -> SourceError:
    return SourceError(
        f"{path}: is empty; a header and records were expected"
        if is_empty
        else f"{path}: has nothing but empty or skipped lines; a header and records were expected",
        next_step="Check the export that wrote this file.",
    )
