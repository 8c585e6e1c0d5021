"""How a text file is written: its delimiter, line ends and header, as said or as found."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.columns import check_names
from loader.source.exact import Exact, Record
from loader.source.form import LONGEST_RECORD, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.settings import SourceOptions

_DELIMITERS: Final = (";", "\t", "|", ",")  # where all else is equal: a comma is also a decimal sign
_DEFAULT_DELIMITER: Final = ","
_RECORDS_JUDGED: Final = 100
_DATA: Final = re.compile(
    r"""\s*(?:
        [-+]?[\d.,\ ']*\d(?:[eE][-+]?\d+)?\s*%?                             # a number
      | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T\ ][\d:.]+(?:Z|[-+][\d:]+)?)?   # a date or a time stamp
    )?\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands at the beginning of a file.

    Attributes:
        form: How it is written, with its columns.
        newline: Its first line end: LF, CRLF or CR.
        preamble: Text above the header.
        header_line: The line of the header or, without one, of the first record; from 1.
        data_at: The index in the sample of what follows the header.
        data_line: The line of it.
    """

    form: Form
    newline: str
    preamble: str
    header_line: int
    data_at: int
    data_line: int


def read_opening(sample: bytes, form: Form, options: SourceOptions, *, whole: bool) -> Opening | None:
    """Finds out how a file is written from its first bytes.

    Args:
        sample: The first bytes, in the encoding that is scanned, without a byte-order mark.
        form: What is known: path, encoding and marks; delimiter, line ends and columns are found here.
        options: What was said.
        whole: Whether the sample is all of the file.

    Returns:
        What was found; None where the header does not end within the sample.

    Raises:
        SourceError: There is nothing in it, or no usable header.
    """
    skipped = options.skip_lines or 0
    newline = _newline(sample, form.quote if not skipped else None)
    form = replace(form, lone_cr=newline == "\r")
    at = _after_lines(sample, skipped, form, whole=whole)
    if at is None:
        return None
    if options.delimiter is None:
        form = replace(form, delimiter=_delimiter(sample[at:], form, whole=whole))
    final = whole or len(sample) - at > LONGEST_RECORD
    named = options.header is not False
    found = _first(sample, at, skipped + 1, form, final=final, blank_stops=named)
    if found is None:
        return None
    start, line, record = found
    if named:
        form = replace(form, columns=_names(record, line, form, said=options.header is True))
        start, line_after = record.end, line + record.breaks
    else:
        width = len(record.cells or [])
        form = replace(form, columns=tuple(f"column_{place}" for place in range(1, width + 1)), named=False)
        line_after = line
    return Opening(form, newline, sample[:at].decode(form.scanned, "replace"), line, start, line_after)


def _newline(sample: bytes, quote: bytes | None) -> str:
    """The first line end that is not between quotes; LF where there is none."""
    quoted = False
    for match in re.finditer((re.escape(quote) + b"|" if quote else b"") + rb"\r\n|\n|\r", sample):
        if match[0] == quote:
            quoted = not quoted
        elif not quoted:
            return match[0].decode("ascii")
    return "\n"


def _after_lines(sample: bytes, lines: int, form: Form, *, whole: bool) -> int | None:
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


def _delimiter(text: bytes, form: Form, *, whole: bool) -> bytes:
    """The delimiter by which most records have as many cells as the first, and the most cells."""
    best = (0.0, 1, _DEFAULT_DELIMITER.encode())
    for candidate in _DELIMITERS:
        mark = candidate.encode()
        widths = [len(cells) for cells in _sampled(text, replace(form, delimiter=mark), whole=whole)]
        if not widths or widths[0] == 1:
            continue
        share = Counter(widths)[widths[0]] / len(widths)
        if (share, widths[0]) > best[:2]:
            best = (share, widths[0], mark)
    return best[2]


def _sampled(text: bytes, form: Form, *, whole: bool) -> Iterator[list[str]]:
    exact = Exact(form)
    at = count = 0
    while at < len(text) and count < _RECORDS_JUDGED:
        record = exact.record(text, at, 1, final=whole)
        if record is None:
            return
        at = record.end
        if record.cells is not None:
            count += 1
            yield record.cells


def _first(
    sample: bytes, at: int, line: int, form: Form, *, final: bool, blank_stops: bool
) -> tuple[int, int, Record] | None:
    """Where the first record begins, on which line, and the record itself."""
    exact = Exact(form)
    blank_line = None
    while at < len(sample):
        record = exact.record(sample, at, line, final=final)
        if record is None:
            return None
        if record.cells is not None:
            if blank_stops and blank_line is not None:
                raise SourceError(
                    f"{form.path}: line {blank_line} is empty; a header that names the columns was expected",
                    next_step=f"If the header stands in line {line}, say source.skip_lines: {line - 1}; "
                    "if there is none, say source.header: false.",
                )
            return at, line, record
        blank_line = blank_line or line
        at, line = record.end, line + record.breaks
    if not final:
        return None
    raise SourceError(
        f"{form.path}: is empty; a header and records were expected"
        if line == 1 and not sample
        else f"{form.path}: holds nothing but empty or skipped lines; a header and records were expected",
        next_step="Check that the export wrote this file.",
    )


def _names(record: Record, line: int, form: Form, *, said: bool) -> tuple[str, ...]:
    cells = [cell.strip() for cell in record.cells or []]
    if record.problem:
        raise SourceError(
            f"{form.path}: the header in line {line} cannot be read: it {record.problem}",
            next_step="Check source.encoding and source.quote, or mend the header.",
        )
    if not said and all(_DATA.fullmatch(cell) for cell in cells):
        shown = form.delimiter.decode(form.scanned).join(cells)
        shown = shown if len(shown) <= 60 else shown[:59] + "…"  # noqa: PLR2004 - the width that messages give to values
        raise SourceError(
            f"{form.path}: line {line} should name the columns, and holds only numbers, dates or nothing: "
            f"{shown}",
            next_step="If the file has no header, say source.header: false; if it stands further down, say "
            "source.skip_lines; if these are the names, say source.header: true.",
        )
    names = tuple(cell or f"column_{place}" for place, cell in enumerate(cells, 1))
    check_names(form.path, names)
    return names
