"""The column that identifies rows, also across loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.suggest.names import tokens
from loader.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.resources import RecordType
    from loader.suggest.profile import ColumnProfile

_NEARLY_ALL: Final = 0.99
"""A key may have a few empty or repeated values: those rows are findings, and the others keep their key."""
_LONGEST: Final = 64
_ORIGIN_WORDS: Final = frozenset(
    {"legacy", "old", "alt", "external", "extern", "source", "record", "row", "primary"}
)


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column for `external_id`.

    Attributes:
        column: The column.
        evidence: How unique it is, and how often empty.
        sure: Whether its name is that of a key, too.
        flawed: Whether some of its values are repeated, or some rows have none.
    """

    column: ColumnProfile
    evidence: str
    sure: bool
    flawed: bool


def find_key(columns: Sequence[ColumnProfile], record_type: RecordType) -> KeyColumn | None:
    """Return the column that looks most like the key of the rows; None where none does."""
    own = {word for token in tokens(record_type.name) for word in token}
    ranked = sorted(
        ((_rank(column, own), -column.place, column) for column in columns if _is_unique(column)),
        key=lambda item: item[:2],
        reverse=True,
    )
    if not ranked:
        return None
    rank, _, column = ranked[0]
    empty, repeated = column.rows - column.filled, column.filled - column.distinct
    evidence = f"unique in {column.distinct:,} of {column.filled:,} values"
    evidence += f", {count(repeated, 'repeated value')}" if repeated else ""
    evidence += f", empty in {count(empty, 'row')}" if empty else ", never empty"
    return KeyColumn(column, evidence, rank > 0, bool(empty or repeated))


def _is_unique(column: ColumnProfile) -> bool:
    if not (column.is_text or column.dtype.is_integer()) or not column.filled:
        return False
    if column.filled < _NEARLY_ALL * column.rows or column.distinct < _NEARLY_ALL * column.filled:
        return False
    if not column.is_text:
        return True
    # Names and descriptions are often unique as well; a key is short and has no blanks.
    text = pl.col("text")
    unlikely = column.values.filter((text.str.len_chars() > _LONGEST) | text.str.contains(r"\s"))
    return unlikely.height <= (1 - _NEARLY_ALL) * column.distinct


def _rank(column: ColumnProfile, own: set[str]) -> int:
    """Return 2 for the name of a key of this record type or of nothing else, 1 for a key, else 0."""
    name = tokens(column.name)
    words = {word for token in name for word in token}
    if not any(token & {"id"} for token in name):
        return 0
    return 2 if words - {"id"} <= own | _ORIGIN_WORDS else 1
