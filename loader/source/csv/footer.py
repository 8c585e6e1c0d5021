"""Find the end of a text file: its length, and the lines below the last record that are not data.

A record that is taken for a footer is lost, and nobody knows. So a line is one only if it has fewer cells
than the records, if it says what it is in words known for it (a total, a count, an end), and if complete
records end right above it. A record that was cut off with the file says none of these words, and is rejected
like any other.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.bytes import BLOCK, LONGEST_RECORD
from loader.source.csv.header import kind_of
from loader.source.csv.line_ends import line_start
from loader.source.csv.trial_splitter import split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.records import Dialect
    from loader.source.bytes import SourceContent
    from loader.source.csv.layout import CsvLayout
    from loader.source.csv.trial_splitter import TrialRow

TAIL: Final = 64 * 1024  # bytes at the end in which a footer is looked for
_WIDEST: Final = 4  # bytes of a character in the wide encodings
_MOST: Final = 10  # lines of a footer
_ABOVE: Final = 40  # lines above it that the last record may start on
_NUMBER: Final = r"[-+]?\d[\d.,' \xa0]*"
_TOTAL: Final = (
    r"(?:(?:grand|sub)?[ -]?totals?|sum|count|(?:gesamt|end|zwischen)?summen?|gesamt|insgesamt|anzahl|"
    r"records?|rows?|lines?|entries|datens[^\W\d]+tze|zeilen|s[^\W\d]+tze|somme|nombre|suma|totale|totaal|"
    r"trailer|eof)"
)
_OF: Final = (
    r"(?:\s+(?:of|number|count|sum|amount|total|records?|rows?|lines?|entries|exported|read|written|der|"
    r"aller|betrag|datens[^\W\d]+tze|zeilen|s[^\W\d]+tze|de|lignes|filas))*"
)
_UNIT: Final = r"(?:\s*[^\W\d]+|\s*[€$£%])?"
_LEAD: Final = r"[\s#*=/(\[-]*"
_COUNTED: Final = re.compile(
    rf"{_LEAD}{_NUMBER}\s*(?:rows?|records?|lines?|entries|datens[^\W\d]+tze|zeilen|s[^\W\d]+tze|lignes|filas)"
    r"(?:\s+(?:affected|exported|selected|returned|read|written|fetched|in set|total))?[\s.)\]#*=-]*",
    re.IGNORECASE,
)
_SUMMED: Final = re.compile(
    rf"{_LEAD}{_TOTAL}{_OF}\s*[:=]\s*{_NUMBER}{_UNIT}[\s.)\]#*=-]*|{_LEAD}{_TOTAL}{_OF}\s+{_NUMBER}[\s.)\]#*=-]*",
    re.IGNORECASE,
)
_ENDED: Final = re.compile(
    r"[\s#*=/-]*(?:end|ende|eof|fin)(?:[ -](?:of|der|des)?[ -]?(?:the\s+)?"
    r"(?:file|export|report|data|list|records?|datei|exports?|berichts?|daten|liste|transmission))?[\s.#*=/-]*",
    re.IGNORECASE,
)
_MARKED: Final = re.compile(r"\s*(?:#|\*|=|--|//)")
_RULER: Final = re.compile(r"\s*[-=*_#]{3,}\s*")
_LABEL: Final = re.compile(rf"{_LEAD}{_TOTAL}{_OF}\s*[:=]?\s*", re.IGNORECASE)
_AMOUNT: Final = re.compile(rf"\s*{_NUMBER}{_UNIT}\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file.

    Attributes:
        length: The length of its content in bytes; None where it was not read to its end.
        stop: The offset at which its footer starts; None where it has none.
        footer: The footer's text.
        lines: How many lines that is, without blank ones.
    """

    length: int | None = None
    stop: int | None = None
    footer: str = ""
    lines: int = 0


def read_tail(
    content: SourceContent, layout: CsvLayout, skip_footer: int | None, data_at: int, size: int
) -> Tail:
    """Find the footer of a file, and the length of a compressed one.

    Args:
        content: The file.
        layout: How it is written, with its columns.
        skip_footer: How many lines at the end are not records; None: find out.
        data_at: The offset of the first record.
        size: Bytes of the file as stored.

    Raises:
        SourceError: There are fewer lines than `skip_footer`, or it cannot be read to its end.
    """
    if skip_footer:
        return _fixed_tail(content, layout, skip_footer, data_at)
    # A compressed file is read to its end in any case, so that damage shows before a row is sent.
    if skip_footer == 0 and not content.packed:
        return Tail()
    length, tail = _last_bytes(content, layout, data_at, size)
    if tail is None or skip_footer == 0:
        return Tail(length)
    start = max(data_at, (length or size) - len(tail))
    at = _footer_at(tail, layout, layout.scanned, from_record=start == data_at)
    if at is None:
        return Tail(length)
    footer = tail[at:].decode(layout.scanned, "replace")
    # Any line end counts, whatever the dialect's is: the number is for people, and blank lines count nothing.
    lines = sum(bool(line.strip()) for line in re.split(r"\r\n?|\n", footer))
    return Tail(length, start + at, footer, lines)


# --- Reading the end ---------------------------------------------------------------------------------


def _last_bytes(
    content: SourceContent, layout: CsvLayout, data_at: int, size: int
) -> tuple[int | None, bytes | None]:
    """Return the content's length where it had to be read for it, and its last bytes without the header.

    The bytes are None for a transcoded file without a footer, which is not read for them.
    """
    if not content.packed and not content.transcode:
        with content.open(max(data_at, size - TAIL)) as stream:
            return None, stream.read(TAIL)
    if content.transcode and not content.packed and not _may_end_in_footer(content, layout, size):
        return None, None
    kept, at = b"", data_at
    with content.open(data_at) as stream:
        while block := stream.read(BLOCK):
            at += len(block)
            kept = (kept + block)[-TAIL:]
    return at, kept


def _may_end_in_footer(content: SourceContent, layout: CsvLayout, size: int) -> bool:
    """Return whether a transcoded file must be read to its end for the place of its footer.

    Its offsets count bytes of UTF-8, which only reading can count. Its end can be decoded without that.
    """
    start = max(content.bom, size - TAIL // 2)
    start += (content.bom - start) % _WIDEST
    with Path(content.path).open("rb") as file:
        file.seek(start)
        text = file.read().decode(content.transcode or layout.dialect.encoding, "replace")
    tail = text.encode("utf-8", "replace")
    return _footer_at(tail, layout, "utf-8", from_record=False) is not None or start == content.bom


def _fixed_tail(content: SourceContent, layout: CsvLayout, lines: int, data_at: int) -> Tail:
    length, starts = _last_lines(content, layout, lines)
    if len(starts) < lines or starts[0] < data_at:
        raise SourceError(
            f"{content.path}: source.skip_footer is {lines}, but there are fewer lines below the header",
            next_step="Lower source.skip_footer.",
        )
    with content.open(starts[0]) as stream:
        # Only for people, so that a number set far too high does not read a whole file into memory.
        footer = stream.read(min(length - starts[0], LONGEST_RECORD))
    return Tail(length, starts[0], footer.decode(layout.scanned, "replace"), lines)


def _last_lines(content: SourceContent, layout: CsvLayout, lines: int) -> tuple[int, list[int]]:
    """Return the content's length, and the offsets at which its last lines start."""
    next_line = re.compile(line_start(lone_cr=layout.lone_cr).encode())
    at = content.first
    # One more than asked for: the last may be the end of the file, where no line starts.
    starts = deque([at], maxlen=lines + 1)
    with content.open(at) as stream:
        while block := stream.read(BLOCK):
            # A CRLF that two blocks share would count as two line ends.
            if block.endswith(b"\r"):
                block += stream.read(1)
            starts.extend(at + match.end() for match in next_line.finditer(block))
            at += len(block)
    # Behind the last line end there is a line only if the file does not end there.
    kept = [start for start in starts if start < at]
    return at, kept[-lines:]


# --- Recognizing a footer ----------------------------------------------------------------------------


def _footer_at(tail: bytes, layout: CsvLayout, encoding: str, *, from_record: bool) -> int | None:
    """Return where the lines start that are certainly not records.

    Args:
        tail: The end of the text, at most TAIL bytes of it.
        layout: How it is written, with its columns.
        encoding: The encoding of these bytes.
        from_record: Whether they start with a record; else they start anywhere.

    Returns:
        The index in `tail`; None where there are no such lines.
    """
    width = len(layout.columns)
    if width < 2:  # noqa: PLR2004 - a line cannot have fewer cells than one
        return None
    text = tail.decode("latin-1")
    starts = [0, *(match.end() for match in re.finditer(line_start(lone_cr=layout.lone_cr), text))]
    lines = [(start, text[start:stop]) for start, stop in zip(starts, [*starts[1:], len(text)], strict=True)]
    finder = _FooterFinder(layout.latin(), width, encoding)
    first = finder.first_of_footer(lines)
    if first is None:
        return None
    start = lines[first][0]
    # A record of several lines may end above the footer, so that each line is tried as its start, the nearest
    # one first. The first line of the sample counts only if a record starts there.
    above = [at for at, _ in lines[max(0, first - _ABOVE) : first] if at or from_record]
    return start if any(finder.are_records(text[at:start], text[start:]) for at in reversed(above)) else None


class _FooterFinder:
    def __init__(self, dialect: Dialect, width: int, encoding: str) -> None:
        self._dialect = dialect
        self._width = width
        self._encoding = encoding

    def first_of_footer(self, lines: Sequence[tuple[int, str]]) -> int | None:
        """Return the index of the first one of the lines at the end that say that they are not records."""
        first = None
        filled = [index for index, (_, text) in enumerate(lines) if text.strip("\r\n")]
        for index in reversed(filled[-_MOST:]):
            text = lines[index][1]
            if self._says_so(text.rstrip("\r\n"), closed=text.endswith(("\n", "\r"))):
                first = index
            # The first line that may be a record ends the footer: what is above it is read, whatever it says.
            elif not _RULER.fullmatch(text.rstrip("\r\n")):
                break
            # A ruler is a part of a footer, and never one by itself.
            elif first is not None:
                first = index
        return first

    def _says_so(self, line: str, *, closed: bool) -> bool:
        """Return whether a line says that it is not a record.

        One without a line end (`closed` is false) may be the start of a longer one, cut off with the file.
        """
        # An odd number of quotes: the line may be a part of a quoted cell.
        if self._dialect.quote and line.count(self._dialect.quote) % 2:
            return False
        row = self._row(line)
        if row is None or not row.cells[0].strip():
            return False
        cells = [self._text(cell) for cell in row.cells if cell.strip()]
        if len(cells) > 1:
            return self._is_total(row, cells)
        text = cells[0]
        words = any(pattern.fullmatch(text) for pattern in (_COUNTED, _SUMMED, _ENDED))
        return words and (closed or len(row.cells) == 1) and len(row.cells) < self._width

    def _row(self, line: str) -> TrialRow | None:
        rows = split_rows(line, self._dialect, whole=True, most=1).rows
        return rows[0] if rows else None

    def _text(self, cell: str) -> str:
        return cell.encode("latin-1").decode(self._encoding, "replace").strip()

    def _is_total(self, row: TrialRow, cells: Sequence[str]) -> bool:
        """Return whether cells are a word for a total and numbers, and at least half of the row is empty."""
        # A record may start with such a word as well (`Total` as a name), but is not that empty.
        if not _LABEL.fullmatch(cells[0]) or not all(_AMOUNT.fullmatch(cell) for cell in cells[1:]):
            return False
        return len(row.cells) < self._width or 2 * len(cells) <= self._width

    def are_records(self, text: str, footer: str) -> bool:
        """Return whether a text is complete records, each with more cells than the lines below have."""
        split = split_rows(text, self._dialect, whole=True, most=_ABOVE)
        if not split.rows or split.bad or split.end != len(text):
            return False
        below = split_rows(footer, self._dialect, whole=True, most=_MOST).rows
        # Where records start with words, `Total` at the very end may be the start of one that was cut off.
        if _may_go_on(footer) and any(map(_starts_with_words, split.rows)):
            return False
        most = max((_cells_with_text(row) for row in below), default=0)
        return all(row.fits(self._width) and _cells_with_text(row) > most for row in split.rows)


def _may_go_on(footer: str) -> bool:
    """Return whether a text may be the start of a record, cut off with the file."""
    return not footer.endswith(("\n", "\r", ")", "]")) and not _MARKED.match(footer)


def _starts_with_words(row: TrialRow) -> bool:
    return kind_of(row.cells[0]) == "text" or " " in row.cells[0].strip()


def _cells_with_text(row: TrialRow) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)
