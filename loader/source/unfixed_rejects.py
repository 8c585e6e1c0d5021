"""A rejects file that is read again: records that could not be read as rows, and that nobody has fixed.

A rejects file has such a record's cells as far as they are known, written so that any program reads them:
missing cells are empty, a quote that was never closed is text in its cell, bytes that are not text are
replaced. Read again, the record would pass for a sound one. It is held back while its `_code` names such a
fault and the cells still show it, or until somebody empties its `_code`.

Codes and cells alone decide. A sentence is for people: however it is worded, it lets no record pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.findings import Finding, dump_findings
from loader.records import PROBLEM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Check = Callable[[Sequence[Any], str], bool]

MARKER: Final = "_code"
"""The column of a rejects file that decides; a record with an empty cell in it is taken as it is."""

_BETWEEN: Final = "; "  # joins the codes of a record
_NOT_FIXED: Final = "rejects.not_fixed"
_REPLACEMENTS: Final = ("\ufffd", "?")  # what is written where the rejects' encoding cannot hold the bytes


def _starts_with_quote(cells: Sequence[Any], quote: str) -> bool:
    return any(cell.startswith(quote) for cell in cells if isinstance(cell, str))


def _has_replacement(cells: Sequence[Any], _quote: str) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    return any(mark in text for text in texts for mark in _REPLACEMENTS)


def _has_gap(cells: Sequence[Any], _quote: str) -> bool:
    # A rejects file does not say which cell held the error, so any empty one may be it.
    return any(_is_empty(cell) for cell in cells)


def _ends_in_gap(cells: Sequence[Any], _quote: str) -> bool:
    return _is_empty(cells[-1])


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == ""


_CHECKS: Final[dict[str, Check]] = {
    "excel.error_value": _has_gap,
    "excel.formula_without_value": _has_gap,
    "row.bad_bytes": _has_replacement,
    "row.text_after_quote": _starts_with_quote,
    "row.too_few_cells": _ends_in_gap,
    # Only the start of such a record was kept, and no cell shows what is missing.
    "row.too_long": lambda _cells, _quote: True,
    "row.unclosed_quote": _starts_with_quote,
}
"""The faults that a rejects file hides, each with the check whether a record's cells still show it.

Other faults are found again by reading: a NUL byte and too many cells are in the file as they were.
"""


def with_unfixed(rows: pl.DataFrame, columns: Sequence[str], quote: str | None) -> pl.DataFrame:
    """Set the PROBLEM of records of a rejects file that nobody has fixed.

    Args:
        rows: The file's columns, its REJECT_COLUMNS among them, and PROBLEM.
        columns: Those that are read as data; without REJECT_COLUMNS in a rejects file.
        quote: The file's quote; None where it has none.

    Returns:
        The rows; PROBLEM is `rejects.not_fixed` where a record was sound and is not fixed.
    """
    if MARKER not in rows.columns or MARKER in columns:
        return rows
    markers = rows[MARKER].cast(pl.String)
    # A rejects file has few different texts here, and most of them name faults that reading finds again.
    hidden = [text for text in markers.unique().drop_nulls() if _hidden_faults(text)]
    if not hidden:
        return rows
    suspects = (markers.is_in(hidden) & rows[PROBLEM].is_null()).fill_null(value=False)
    problems = rows[PROBLEM].to_list()
    data = rows.select(columns)
    for index in suspects.arg_true():
        problems[index] = _not_fixed(markers[index], data.row(index), quote or '"')
    return rows.with_columns(pl.Series(PROBLEM, problems, pl.String))


def _not_fixed(marker: str, cells: Sequence[Any], quote: str) -> str | None:
    """Return the PROBLEM of a record with hidden faults; None where its cells do not show them any more."""
    faults = _hidden_faults(marker)
    causes = [code for code in faults if code in _CHECKS and _CHECKS[code](cells, quote)]
    # Rejected a second time, and the first cause is not known any more: nothing shows that it is fixed.
    if not causes and faults != [_NOT_FIXED]:
        return None
    return dump_findings([Finding(_NOT_FIXED, params={"causes": [*causes], "marker": MARKER})])


def _hidden_faults(marker: str) -> list[str]:
    """Return the codes in a `_code` cell that a rejects file hides."""
    codes = dict.fromkeys(code.strip() for code in marker.split(_BETWEEN))
    return [code for code in codes if code in _CHECKS or code == _NOT_FIXED]
