"""Find where records start and end in blocks of bytes, with numpy.

The scan decides whether a place is inside of quotes by the parity of the quotes before it. That is right as
long as every quote opens or closes a cell, or is one half of a doubled quote inside of one; `scan` proves
this for the block, from left to right, or refuses the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from loader.source.csv.layout import CsvLayout

    Places = NDArray[np.int64]

_LF: Final = 10
_CR: Final = 13


@dataclass(frozen=True, slots=True)
class Scan:
    """The complete records at the start of a block; blank lines are left out of the arrays.

    Attributes:
        consumed: Bytes up to the end of the last complete record or blank line; 0 if there is none.
        breaks: How many line ends these bytes have.
        starts: The index of each record's first byte.
        text_ends: The index after its last cell.
        ends: The index after its line end.
        lines: How many line ends are before it in the block.
        next_lines: How many line ends are before its end, its own included.
        cells: How many cells it has.
        delimiters: The places of the delimiters between cells, those of all records together.
        first_delimiter: The index in `delimiters` of its first one.
        blanks: The start and end of each blank line, in two columns.
    """

    consumed: int
    breaks: int
    starts: Places
    text_ends: Places
    ends: Places
    lines: Places
    next_lines: Places
    cells: Places
    delimiters: Places
    first_delimiter: Places
    blanks: Places


def scan(data: bytes, layout: CsvLayout, *, final: bool) -> Scan | None:
    """Find the complete records of a block that starts with a record.

    Args:
        data: The block.
        layout: How it is written; simple (`CsvLayout.is_simple`).
        final: Whether the file ends with the block.

    Returns:
        The records; None if the block needs the strict parser (because of a quote in a wrong place, a NUL
        byte, or a CR at the end of a cell, which Polars would remove).
    """
    delimiter, quote = layout.delimiter, layout.quote
    block = np.frombuffer(data, dtype=np.uint8)
    breaks = _line_ends(block, lone_cr=layout.lone_cr, final=final)
    quotes = _places(block, ord(quote)) if quote else breaks[:0]
    ends = _outside(breaks, quotes) + 1
    if final and len(block) > (ends[-1] if len(ends) else 0):
        # The last record has no line end. While a quote is open, only the strict parser knows its end.
        if len(quotes) % 2:
            return None
        ends = np.append(ends, len(block))
    consumed = int(ends[-1]) if len(ends) else 0
    # One byte is found ten times as fast as two, and most blocks have no CR at all.
    if b"\0" in data or (b"\r" in data and data.find(b"\r" + delimiter, 0, consumed) >= 0):
        return None
    inner = quotes[: np.searchsorted(quotes, consumed)]
    if not _quotes_are_regular(block, inner, layout):
        return None
    delimiters = _outside(_places(block[:consumed], ord(delimiter)), inner)
    return _records(block, ends, breaks, delimiters)


def _records(block: NDArray[np.uint8], ends: Places, breaks: Places, delimiters: Places) -> Scan:
    starts = np.concatenate((np.zeros(min(1, len(ends)), dtype=np.int64), ends[:-1]))
    text_ends = _without_line_end(block, starts, ends)
    first = np.searchsorted(delimiters, starts)
    counts = np.diff(np.append(first, len(delimiters)))
    kept = text_ends > starts
    return Scan(
        consumed=int(ends[-1]) if len(ends) else 0,
        breaks=int(np.searchsorted(breaks, ends[-1])) if len(ends) else 0,
        starts=starts[kept],
        text_ends=text_ends[kept],
        ends=ends[kept],
        lines=np.searchsorted(breaks, starts[kept]),
        next_lines=np.searchsorted(breaks, ends[kept]),
        cells=counts[kept] + 1,
        delimiters=delimiters,
        first_delimiter=first[kept],
        blanks=np.stack((starts[~kept], ends[~kept]), axis=1),
    )


def _places(block: NDArray[np.uint8], byte: int) -> Places:
    return np.flatnonzero(block == byte)


def _line_ends(block: NDArray[np.uint8], *, lone_cr: bool, final: bool) -> Places:
    """Return the index of the last byte of every line end, inside of quotes too."""
    if not lone_cr:
        return _places(block, _LF)
    is_lf, is_cr = block == _LF, block == _CR
    # A CR at the end of a block may be half of a CRLF that the next block completes.
    before_lf = np.append(is_lf[1:], not final)
    ends: Places = np.flatnonzero(is_lf | (is_cr & ~before_lf))
    return ends


def _outside(places: Places, quotes: Places) -> Places:
    """Return those places that have an even number of quotes before them."""
    if not len(quotes) or not len(places):
        return places
    # Two sorted runs are merged three times as fast as each place is searched for among the quotes.
    merged = np.argsort(np.concatenate((quotes, places)), kind="stable")
    at = np.flatnonzero(merged >= len(quotes))
    outside: Places = places[(at - np.arange(len(at))) % 2 == 0]
    return outside


def _quotes_are_regular(block: NDArray[np.uint8], quotes: Places, layout: CsvLayout) -> bool:
    """Return whether every quote opens or closes a cell, or is half of a doubled one."""
    if layout.quote is None or not len(quotes):
        return True
    openers, closers = quotes[0::2], quotes[1::2]
    if len(openers) != len(closers):
        return False
    borders = np.zeros(256, dtype=np.bool_)
    # A closing quote right before an opening one: the two are a doubled quote inside of one cell.
    borders[[ord(layout.delimiter), ord(layout.quote), _LF]] = True
    borders[_CR] = layout.lone_cr
    before = block[np.maximum(openers - 1, 0)]
    opened = borders[before] | (openers == 0)
    following = np.minimum(closers + 1, len(block) - 1)
    closed = borders[block[following]] | (closers == len(block) - 1)
    if not layout.lone_cr:
        after_next = np.minimum(closers + 2, len(block) - 1)
        closed |= (block[following] == _CR) & ((block[after_next] == _LF) | (following == len(block) - 1))
    return bool(opened.all() and closed.all())


def _without_line_end(block: NDArray[np.uint8], starts: Places, ends: Places) -> Places:
    """Return the index after each record's text."""
    if not len(ends):
        return ends
    stops = ends.copy()
    lf = block[stops - 1] == _LF
    stops -= lf
    has_more = stops > starts
    crs = has_more & (block[np.maximum(stops - 1, 0)] == _CR)
    stops -= crs
    return stops
