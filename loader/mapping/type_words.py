"""The types of columns in the words of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

_WORDS: Final = (
    ((pl.String, pl.Categorical, pl.Enum), "text", "text"),
    ((pl.Boolean,), "true or false", "true or false"),
    ((pl.Decimal, pl.Float32, pl.Float64), "a number", "numbers"),
    ((pl.Date,), "a date", "dates"),
    ((pl.Datetime,), "a date with a time", "dates with times"),
    ((pl.Time,), "a time of day", "times of day"),
    ((pl.Duration,), "a duration", "durations"),
    ((pl.Struct,), "an object", "objects"),
    ((pl.List, pl.Array), "a list", "lists"),
    ((pl.Binary,), "bytes", "bytes"),
    ((pl.Null,), "nothing", "nothing"),
)
"""Types, with the words for one value and for several."""


def type_in_words(dtype: PolarsDataType) -> str:
    """Return what a column of a type holds, such as `text` or `a list of numbers`."""
    if isinstance(dtype, pl.List | pl.Array):
        return f"a list of {_words(dtype.inner)[1]}"
    return _words(dtype)[0]


def _words(dtype: PolarsDataType) -> tuple[str, str]:
    dtype = dtype() if isinstance(dtype, type) else dtype  # a list's inner type may be a class
    if dtype.is_integer():
        return "a whole number", "whole numbers"
    for types, one, several in _WORDS:
        if isinstance(dtype, types):
            return one, several
    return str(dtype), str(dtype)
