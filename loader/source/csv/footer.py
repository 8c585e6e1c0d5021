"""Lines below the last record that are surely none: totals, counts, marks of an end.

A record that is taken for such a line is lost without a word. So a line is one only if it has fewer cells
than the records, if it says what it is in words known for it, and if whole records end right above it. A
record that was cut off with the file says none of these words and is rejected like any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from loader.source.csv.header import kind_of
from loader.source.csv.trial_splitter import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.source.csv.trial_splitter import Marks, Row

TAIL: Final = 64 * 1024  # bytes at the end that are looked at
_MOST: Final = 10  # lines
_ABOVE: Final = 40  # lines above it that the last record may begin on
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


def footer_at(tail: str, marks: Marks, width: int, encoding: str, *, from_record: bool) -> int | None:
    """Where the lines begin that are surely no records.

    Args:
        tail: The end of the text, at most TAIL of it, as Latin-1 characters.
        marks: By what it is cut.
        width: How many columns there are.
        encoding: What its bytes are text in.
        from_record: Whether it begins with a record; else anywhere.

    Returns:
        The index in `tail`; None where there are none.
    """
    if width < 2:  # noqa: PLR2004 - a line cannot have fewer cells than one
        return None
    ending = r"\r\n?|\n" if marks.lone_cr else r"\n"
    starts = [0, *(match.end() for match in re.finditer(ending, tail))]
    lines = [(start, tail[start:stop]) for start, stop in zip(starts, [*starts[1:], len(tail)], strict=True)]
    judge = _Judge(marks, width, encoding)
    first = judge.first_of_footer(lines)
    if first is None:
        return None
    start = lines[first][0]
    above = [at for at, _ in lines[max(0, first - _ABOVE) : first] if at or from_record]
    return start if any(judge.are_records(tail[at:start], tail[start:]) for at in reversed(above)) else None


class _Judge:
    def __init__(self, marks: Marks, width: int, encoding: str) -> None:
        self._marks = marks
        self._width = width
        self._encoding = encoding

    def first_of_footer(self, lines: Sequence[tuple[int, str]]) -> int | None:
        """The index of the first of the lines at the end that say that they are no records."""
        first = None
        filled = [index for index, (_, text) in enumerate(lines) if text.strip("\r\n")]
        for index in reversed(filled[-_MOST:]):
            text = lines[index][1]
            if self._says_so(text.rstrip("\r\n"), closed=text.endswith(("\n", "\r"))):
                first = index
            elif not _RULER.fullmatch(text.rstrip("\r\n")):
                break
            elif first is not None:
                first = index
        return first

    def _says_so(self, line: str, *, closed: bool) -> bool:
        """Whether a line is surely no record; one without a line end may be the beginning of a longer one."""
        if self._marks.quote and line.count(self._marks.quote) % 2:
            return False
        row = self._row(line)
        if row is None or not row.cells[0].strip():
            return False
        cells = [self._text(cell) for cell in row.cells if cell.strip()]
        if len(cells) > 1:
            return self._is_total(row, cells)
        text = cells[0]
        words = any(words.fullmatch(text) for words in (_COUNTED, _SUMMED, _ENDED))
        return words and (closed or len(row.cells) == 1) and len(row.cells) < self._width

    def _row(self, line: str) -> Row | None:
        rows = cut(line, self._marks, whole=True, most=1).rows
        return rows[0] if rows else None

    def _text(self, cell: str) -> str:
        return cell.encode("latin-1").decode(self._encoding, "replace").strip()

    def _is_total(self, row: Row, cells: Sequence[str]) -> bool:
        """Whether cells are a word for a total and numbers, and at least half of the record is empty."""
        if not _LABEL.fullmatch(cells[0]) or not all(_AMOUNT.fullmatch(cell) for cell in cells[1:]):
            return False
        return len(row.cells) < self._width or 2 * len(cells) <= self._width

    def are_records(self, text: str, footer: str) -> bool:
        """Whether a text is nothing but whole records, each with more in it than the lines below have."""
        done = cut(text, self._marks, whole=True, most=_ABOVE)
        if not done.rows or done.bad or done.end != len(text):
            return False
        below = cut(footer, self._marks, whole=True, most=_MOST).rows
        if _may_go_on(footer) and any(map(_begins_with_words, done.rows)):
            return False
        most = max((_cells_with_text(row) for row in below), default=0)
        return all(row.fits(self._width) and _cells_with_text(row) > most for row in done.rows)


def _may_go_on(footer: str) -> bool:
    """Whether a text may be the beginning of a record, cut off with the file."""
    return not footer.endswith(("\n", "\r", ")", "]")) and not _MARKED.match(footer)


def _begins_with_words(row: Row) -> bool:
    return kind_of(row.cells[0]) == "text" or " " in row.cells[0].strip()


def _cells_with_text(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)
