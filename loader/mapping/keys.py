"""The cells by which rows are told to belong together, as text that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.conversions import null_if, trim
from loader.mapping.expressions import as_text, is_text
from loader.records import PROBLEM

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOST: Final = "\ufffd"  # stands where the source had bytes that are no text in its encoding


def keys_of(rows: pl.DataFrame, column: str, nulls: Sequence[str]) -> pl.Series:
    """A column's cells as keys.

    Args:
        rows: The column and PROBLEM.
        column: Its name; of single values.
        nulls: Texts that stand for nothing.

    Returns:
        Trimmed text; null where there is none, or none that could be read.
    """
    dtype = rows.schema[column]
    cell = pl.col(column).cast(pl.String) if is_text(dtype) else as_text(pl.col(column), dtype)
    unwanted = ["", *nulls]
    key = null_if(trim(null_if(cell, unwanted)), unwanted)
    damaged = pl.col(PROBLEM).is_not_null() & key.str.contains(_LOST, literal=True)
    return rows.select(pl.when(~damaged.fill_null(value=False)).then(key).alias(column)).to_series()
