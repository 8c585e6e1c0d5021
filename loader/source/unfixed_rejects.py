"""A rejects file read again: records that could not be read as rows, and that nobody has mended since.

A rejects file has such a record's cells as far as they could be told apart, written so that any program
reads them: missing cells are empty, a quote that was never closed stands in its cell as text, bytes that are
no text are replaced. So the record would now pass for a sound one. It is held back until what was wrong is no
longer to be seen, or its `_message` is emptied.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.records import PROBLEM, REJECT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

_MESSAGE: Final = REJECT_COLUMNS[-1]
_AGAIN: Final = ", as when it was rejected: "
_MEND: Final = f"mend it, or empty its {_MESSAGE} cell if it is right as it is"
_BEGIN: Final = r"(?:^|; )"
_SHORT: Final = re.compile(
    _BEGIN + r"has (\d+) cells?, (?:the header has|the first record has|most records have) \d+"
)
_QUOTES: Final = re.compile(
    _BEGIN + r"(?:a quote opened in line \d|has text after the closing quote of cell \d)"
)
_BYTES: Final = re.compile(_BEGIN + r"(?:bytes at position \d|holds bytes that are not )")
_CUT: Final = re.compile(_BEGIN + r"is [\d,]+ bytes long; at most ")
_ANY: Final = "|".join(each.pattern for each in (_SHORT, _QUOTES, _BYTES, _CUT))
_REPLACED: Final = ("\ufffd", "?")  # what stands where the rejects' encoding has no letter for the bytes


def with_unmended(frame: pl.DataFrame, columns: Sequence[str], quote: str | None) -> pl.DataFrame:
    """Marks records of a rejects file that could not be read as rows and still are as they were.

    Args:
        frame: Every column of the file, and PROBLEM.
        columns: Those that are given out; without REJECT_COLUMNS where the file is a rejects file.
        quote: The file's quote; None where it has none.

    Returns:
        The frame; PROBLEM says so where such a record is as it was.
    """
    if _MESSAGE not in frame.columns or _MESSAGE in columns:
        return frame
    told = frame[PROBLEM].to_list()
    for index in frame[_MESSAGE].str.contains(_ANY).fill_null(value=False).arg_true():
        message, _, _ = frame[_MESSAGE][index].partition(_AGAIN)
        cells = frame.select(columns).row(index)
        if told[index] is None and _is_unmended(message, cells, quote or '"'):
            told[index] = f"{message}{_AGAIN}{_MEND}"
    return frame.with_columns(pl.Series(PROBLEM, told, pl.String))


def _is_unmended(message: str, cells: Sequence[str | None], quote: str) -> bool:
    """Whether what the message says is still to be seen in the cells."""
    if _CUT.search(message):
        return True
    if _QUOTES.search(message) and any(cell and cell.startswith(quote) for cell in cells):
        return True
    if _BYTES.search(message) and any(mark in (cell or "") for cell in cells for mark in _REPLACED):
        return True
    short = _SHORT.search(message)
    missing = cells[int(short[1]) :] if short else ()
    return bool(missing) and not any(missing)
