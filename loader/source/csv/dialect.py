"""How a text file is written: its marks, line ends and header, as said or as found."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.columns import check_names, column_names
from loader.source.csv.bytes_dialect import LONGEST_RECORD, BytesDialect
from loader.source.csv.sniff import DialectHints, guess
from loader.source.csv.strict_parser import Exact

if TYPE_CHECKING:
    from loader.settings import SourceOptions
    from loader.source.csv.header import Table
    from loader.source.csv.sniff import SniffedLayout
    from loader.source.csv.strict_parser import ParsedRecord
    from loader.source.csv.trial_splitter import Marks

_WINDOW: Final = 128 * 1024  # bytes in which the dialect is looked for
_FEW: Final = 5  # rows; with fewer in the window all of the sample is taken
_QUOTES: Final[tuple[str | None, ...]] = ('"', "'", None)
_ESCAPES: Final[tuple[str | None, ...]] = (None, "\\")
_SEPARATOR: Final = re.compile(r"""\ufeff?(["']?)sep=([^\r\n]{1,4}?)\1(?:\r\n?|\n|\Z)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands at the beginning of a file.

    Attributes:
        form: How it is written, with its columns.
        newline: The line end of its header or, without one, of its first record: LF, CRLF or CR.
        mixed: Whether other line ends stand beside that one.
        preamble: Text above the header.
        header_line: The line of the header or, without one, of the first record; from 1.
        data_at: The index in the sample of what follows the header.
        data_line: The line of it.
        changes: What was made of the header's names, a line each.
    """

    form: BytesDialect
    newline: str
    mixed: bool
    preamble: str
    header_line: int
    data_at: int
    data_line: int
    changes: tuple[str, ...]


def read_opening(sample: bytes, form: BytesDialect, options: SourceOptions, *, whole: bool) -> Opening | None:
    """Finds out how a file is written from its first bytes.

    Args:
        sample: The first bytes, in the encoding that is scanned, without a byte-order mark.
        form: What is known: path and encoding; marks, line ends and columns are found here.
        options: What was said.
        whole: Whether the sample is all of the file.

    Returns:
        What was found; None where the header does not end within the sample.

    Raises:
        SourceError: There is nothing in it, or no usable header.
    """
    form = replace(form, lone_cr=_first_newline(sample) == "\r")
    separator = _separator(sample, form)
    skipped = int(separator is not None) if options.skip_lines is None else options.skip_lines
    at = _after_lines(sample, skipped, form, whole=whole)
    if at is None:
        return None
    final = whole or len(sample) - at > LONGEST_RECORD
    layout = _layout(sample[at:], _said(options, form, separator), form, whole=final)
    if layout.table is None:
        if final:
            raise _nothing_in(form, is_empty=not sample)
        return None
    form = _with_marks(form, layout.marks)
    first = layout.done.rows[layout.table.top]
    return _opened(sample, at + first.start, skipped + first.line, form, layout.table, final=final)


def _opened(
    sample: bytes, at: int, line: int, form: BytesDialect, table: Table, *, final: bool
) -> Opening | None:
    """The header, read as records are, and the form with the columns that it names."""
    found = _records(sample, at, line, table, form, final=final)
    if found is None:
        return None
    records, data_line = found
    end = records[-1].end
    changes: tuple[str, ...] = ()
    if table.lines:
        header = tuple(tuple(record.cells or ()) for record in records)
        columns, changes = column_names(header)
        check_names(form.path, columns)
        form = replace(form, columns=columns, header=header)
    else:
        width = len(records[0].cells or ())
        numbered = tuple(f"column_{place}" for place in range(1, table.width + 1))
        form = replace(form, columns=numbered, named=False, typical=table.width != width)
        end, data_line = at, line
    newline, mixed = _newlines(sample, records[-1].end, form)
    preamble = sample[:at].decode(form.scanned, "replace")
    return Opening(form, newline, mixed, preamble, line, end, data_line, changes)


def _records(
    sample: bytes, at: int, line: int, table: Table, form: BytesDialect, *, final: bool
) -> tuple[list[ParsedRecord], int] | None:
    """The header's records, or the first one, and the line after them; None where more text is needed."""
    exact = Exact(form)
    records: list[ParsedRecord] = []
    while len(records) < max(1, table.lines) and at < len(sample):
        record = exact.record(sample, at, line, final=final)
        if record is None:
            return None
        if record.problem and table.lines:
            raise SourceError(
                f"{form.path}: the header in line {line} cannot be read: it {record.problem}",
                next_step="Check source.encoding and source.quote, or mend the header.",
            )
        at, line = record.end, line + record.breaks
        if record.cells is not None:
            records.append(record)
    return records, line


def _layout(sample: bytes, said: DialectHints, form: BytesDialect, *, whole: bool) -> SniffedLayout:
    """The marks and the table that they make, looked for in as much of the sample as is needed."""
    text = sample[:_WINDOW].decode("latin-1")
    everything = len(sample) <= _WINDOW
    found = guess(text, said, lone_cr=form.lone_cr, whole=whole and everything)
    if everything or len(found.done.rows) >= _FEW:
        return found
    return guess(sample.decode("latin-1"), said, lone_cr=form.lone_cr, whole=whole)


def _said(options: SourceOptions, form: BytesDialect, separator: str | None) -> DialectHints:
    """What was said of the marks, none of them twice."""
    named = options.model_fields_set
    delimiter = _latin(options.delimiter, form) if options.delimiter else separator
    quotes, escapes = _QUOTES, _ESCAPES
    if "quote" in named:
        quotes = (_latin(options.quote, form),)
    elif options.escape and options.escape in _QUOTES:  # a quote that escapes itself is a doubled one
        quotes = (options.escape,)
    if "escape" in named:
        escapes = (_latin(options.escape, form) if options.escape != quotes[0] else None,)
    if len(quotes) > 1:
        quotes = tuple(each for each in quotes if each is None or each not in (delimiter, escapes[0]))
    if len(escapes) > 1:
        escapes = tuple(each for each in escapes if each is None or each not in (delimiter, quotes[0]))
    return DialectHints(
        delimiter=delimiter,
        quotes=quotes,
        escapes=escapes,
        header=options.header,
        fixed=options.skip_lines is not None,
    )


def _latin(mark: str | None, form: BytesDialect) -> str | None:
    """A mark as it stands in the scanned bytes, read as Latin-1."""
    return mark.encode(form.scanned).decode("latin-1") if mark else None


def _with_marks(form: BytesDialect, marks: Marks) -> BytesDialect:
    return replace(
        form,
        delimiter=marks.delimiter.encode("latin-1"),
        quote=marks.quote.encode("latin-1") if marks.quote else None,
        escape=marks.escape.encode("latin-1") if marks.escape and marks.quote else None,
        lone_cr=marks.lone_cr,
    )


def _separator(sample: bytes, form: BytesDialect) -> str | None:
    """The delimiter that a first line `sep=;` names, as spreadsheets write and read it."""
    match = _SEPARATOR.match(sample[:64].decode(form.scanned, "replace"))
    return _latin(match[2], form) if match else None


def _first_newline(sample: bytes) -> str:
    """The first line end that is not between quotation marks; LF where there is none."""
    quoted = False
    for match in re.finditer(rb'"|\r\n|\n|\r', sample[:_WINDOW]):
        if match[0] == b'"':
            quoted = not quoted
        elif not quoted:
            return match[0].decode("ascii")
    first = re.search(rb"\r\n|\n|\r", sample)
    return first[0].decode("ascii") if first else "\n"


def _newlines(sample: bytes, end: int, form: BytesDialect) -> tuple[str, bool]:
    """The line end before an index, else the first one, and whether others stand after it outside quotes."""
    last = re.search(rb"(?:\r\n|\n|\r)\Z", sample[max(0, end - 2) : end]) or re.search(rb"\r\n|\n|\r", sample)
    newline = last[0].decode("ascii") if last else "\n"
    text = sample[end : end + _WINDOW]
    if form.quote and form.quote in text:
        quote = re.escape(form.quote)
        text = re.sub(quote + b"[^" + re.escape(form.quote[:1]) + b"]*+" + quote, b"", text)
    ends = set(re.findall(rb"\r\n|\n|\r(?!\Z)" if form.lone_cr else rb"\r?\n", text))
    return newline, bool(ends - {newline.encode()})


def _after_lines(sample: bytes, lines: int, form: BytesDialect, *, whole: bool) -> int | None:
    """The index after so many lines; None where they do not end within the sample."""
    at = 0
    ends = re.finditer(rb"\r\n?|\n" if form.lone_cr else rb"\n", sample)
    for skipped in range(lines):
        match = next(ends, None)
        if match is None and not whole:
            return None
        if match is None:
            found = skipped + (at < len(sample))
            raise SourceError(
                f"{form.path}: has {found} lines, and source.skip_lines says that {lines} stand "
                "above the header",
                next_step="Lower source.skip_lines.",
            )
        at = match.end()
    return at


def _nothing_in(form: BytesDialect, *, is_empty: bool) -> SourceError:
    return SourceError(
        f"{form.path}: is empty; a header and records were expected"
        if is_empty
        else f"{form.path}: holds nothing but empty or skipped lines; a header and records were expected",
        next_step="Check that the export wrote this file.",
    )
