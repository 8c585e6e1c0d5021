"""The column that tells rows apart, also across loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.suggest.names import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.resources import Record
    from loader.suggest.profile import ColumnProfile

_ENOUGH: Final = 0.99
_LONGEST: Final = 64
_OLD: Final = frozenset({"legacy", "old", "alt", "external", "extern", "source", "record", "row", "primary"})


@dataclass(frozen=True, slots=True)
class Key:
    """A column for `external_id`.

    Attributes:
        column: The column.
        evidence: How unique it is, and how often empty.
        sure: Whether its name says so, too.
        flawed: Whether some of its values stand twice, or some rows have none.
    """

    column: ColumnProfile
    evidence: str
    sure: bool
    flawed: bool


def find_key(columns: Sequence[ColumnProfile], record: type[Record]) -> Key | None:
    """The column that looks most like the key of the rows; None where none does."""
    own = {word for token in tokens(record.name_of_type) for word in token}
    ranked = sorted(
        ((_named(column, own), -column.place, column) for column in columns if _is_unique(column)),
        key=lambda each: each[:2],
        reverse=True,
    )
    if not ranked:
        return None
    named, _, column = ranked[0]
    empty, twice = column.rows - column.filled, column.filled - column.distinct
    told = f"unique in {column.distinct:,} of {column.filled:,} values"
    told += f", {twice:,} stand there again" if twice else ""
    told += f", empty in {empty:,} rows" if empty else ", never empty"
    return Key(column, told, named > 0, bool(empty or twice))


def _is_unique(column: ColumnProfile) -> bool:
    if not (column.is_text or column.dtype.is_integer()) or not column.filled:
        return False
    if column.filled < _ENOUGH * column.rows or column.distinct < _ENOUGH * column.filled:
        return False
    if not column.is_text:
        return True
    text = pl.col("text")
    odd = column.values.filter((text.str.len_chars() > _LONGEST) | text.str.contains(r"\s"))
    return odd.height <= (1 - _ENOUGH) * column.distinct


def _named(column: ColumnProfile, own: set[str]) -> int:
    """2: a key of this record type or of nothing else; 1: a key; 0: its name does not say so."""
    name = tokens(column.name)
    said = {word for token in name for word in token}
    if not any(token & {"id"} for token in name):
        return 0
    return 2 if said - {"id"} <= own | _OLD else 1
