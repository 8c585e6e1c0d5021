"""What a sample shows of each column: how many cells are filled, and with which texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.expressions import is_text
from loader.suggest.vocabulary import DASHES, NULL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OFTEN: Final = 0.3
"""A dash in a larger part of a column's cells is a value, unless there is nothing else in it."""
_IN_SEVERAL: Final = 2
_VALUES_SCHEMA: Final = pl.Schema({"text": pl.String(), "count": pl.Int64()})


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of the sample.

    Attributes:
        name: Its name.
        dtype: Its type.
        place: Its index among the columns.
        rows: How many rows the sample has.
        filled: How many of them have a value here.
        distinct: How many different values it has.
        values: Of text: distinct trimmed values as `text`, how often each occurs as `count`, most frequent
            first, without those that mean null. Empty for other types.
        null_words: Texts that mean null in this column alone -> how often.
    """

    name: str
    dtype: pl.DataType
    place: int
    rows: int
    filled: int
    distinct: int
    values: pl.DataFrame
    null_words: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_text(self) -> bool:
        """Return whether its cells are text."""
        return is_text(self.dtype)

    @property
    def empty(self) -> int:
        """Return how many rows have no value here."""
        return self.rows - self.filled

    def top(self, most: int) -> list[tuple[str, int]]:
        """Return its most frequent values with their counts."""
        return list(self.values.head(most).iter_rows())


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """The columns, and the words that mean null in all of them.

    Attributes:
        columns: In the order of the source.
        null_words: Texts for the source's `null_values` -> in how many columns, and how often.
        rows: How many rows the sample has.
    """

    columns: tuple[ColumnProfile, ...]
    null_words: Mapping[str, tuple[int, int]]
    rows: int


def profile(rows: pl.DataFrame, *, null_values: Iterable[str] | None = None) -> SourceProfile:
    """Return what the columns of a sample hold.

    Args:
        rows: The source's own columns.
        null_values: Texts that count as null; None: nobody has set them, so they are looked for.
    """
    counts = {name: _value_counts(rows[name]) for name in rows.columns if is_text(rows.schema[name])}
    nulls = None if null_values is None else frozenset(null_values)
    null_words = {name: _null_words(values) if nulls is None else {} for name, values in counts.items()}
    common = _common_null_words(null_words, counts)
    columns = []
    for place, (name, dtype) in enumerate(rows.schema.items()):
        values = counts.get(name)
        if values is None:
            filled = len(rows) - rows[name].null_count()
            distinct = _distinct(rows[name])
            columns.append(
                ColumnProfile(name, dtype, place, len(rows), filled, distinct, _VALUES_SCHEMA.to_frame())
            )
            continue
        own = {word: count for word, count in null_words[name].items() if word not in common}
        dropped = [*common, *own, *(nulls or ())]
        kept = values.filter(~pl.col("text").is_in(dropped)) if dropped else values
        filled = int(kept["count"].sum())
        columns.append(ColumnProfile(name, dtype, place, len(rows), filled, kept.height, kept, own))
    return SourceProfile(tuple(columns), common, len(rows))


def _value_counts(cells: pl.Series) -> pl.DataFrame:
    """Return distinct trimmed texts and their counts, most frequent first; empty ones left out."""
    text = pl.col("text")
    trimmed = cells.cast(pl.String).alias("text").to_frame().select(text.str.strip_chars())
    groups = trimmed.filter(text.is_not_null() & (text != "")).group_by("text", maintain_order=True)
    values = groups.agg(pl.len().cast(pl.Int64).alias("count"))
    return values.sort("count", descending=True, maintain_order=True)


def _distinct(cells: pl.Series) -> int:
    try:
        return cells.drop_nulls().n_unique()
    except pl.exceptions.PolarsError:
        # Polars cannot compare values of some nested types; how many differ is only evidence.
        return 0


def _null_words(values: pl.DataFrame) -> dict[str, int]:
    """Return the words of a column that look as if they meant null, with their counts."""
    words = [*NULL_WORDS, *DASHES]
    candidates = dict(values.filter(pl.col("text").is_in(words)).iter_rows())
    total = int(values["count"].sum())
    # Beside a plus, a dash is a minus: a mark of its own.
    has_plus = bool((values["text"] == "+").any())
    return {
        word: count
        for word, count in candidates.items()
        if word not in DASHES or not (has_plus or (count > _OFTEN * total and values.height > 1))
    }


def _common_null_words(
    null_words: Mapping[str, Mapping[str, int]], counts: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[int, int]]:
    """Return the words that mean null in several columns and are a value in none.

    Args:
        null_words: Column -> words that look as if they meant null there -> how often.
        counts: Column -> its values and their counts.

    Returns:
        Word -> in how many columns, and how often.
    """
    by_word: dict[str, list[int]] = {}
    for words in null_words.values():
        for word, count in words.items():
            by_word.setdefault(word, []).append(count)
    return {
        word: (len(word_counts), sum(word_counts))
        for word, word_counts in by_word.items()
        if len(word_counts) >= _IN_SEVERAL and not _is_value(word, null_words, counts.items())
    }


def _is_value(
    word: str,
    null_words: Mapping[str, Mapping[str, int]],
    counts: Iterable[tuple[str, pl.DataFrame]],
) -> bool:
    """Return whether some column has the word as a value."""
    return any(
        word not in null_words[name] and bool((values["text"] == word).any()) for name, values in counts
    )
