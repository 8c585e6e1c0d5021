"""The cells that decide which rows belong together, as text that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.conversions import cell_text
from loader.mapping.expressions import as_text, is_text
from loader.records import PROBLEM

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOST: Final = "\ufffd"  # in place of bytes that are not text in the source's encoding


def keys_of(rows: pl.DataFrame, column: str, nulls: Sequence[str]) -> pl.Series:
    """Return a column's cells as keys.

    Args:
        rows: The column and PROBLEM.
        column: Its name; of single values.
        nulls: Texts that are nulls.

    Returns:
        Trimmed text; null where there is none, or none that could be read.
    """
    dtype = rows.schema[column]
    cell = pl.col(column).cast(pl.String) if is_text(dtype) else as_text(pl.col(column), dtype)
    key = cell_text(cell, ["", *nulls])
    damaged = pl.col(PROBLEM).is_not_null() & key.str.contains(_LOST, literal=True)
    return rows.select(pl.when(~damaged.fill_null(value=False)).then(key).alias(column)).to_series()
