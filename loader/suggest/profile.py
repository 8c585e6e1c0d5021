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
_IN_SEVERAL: Final = 2
_NO_VALUES: Final = pl.Schema({"text": pl.String(), "count": pl.Int64()})


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of the sample.

    Attributes:
        name: Its name.
        dtype: Its type.
        place: Its index among the columns.
        rows: How many rows were looked at.
        filled: In how many of them it says something.
        distinct: How many different values it has.
        values: Of text: distinct trimmed values as `text`, how often each stands there as `count`, most
            frequent first, without those that stand for nothing. Empty for other types.
        null_words: Texts that stand for nothing in this column alone -> how often.
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
        """Whether its cells are text."""
        return is_text(self.dtype)

    def top(self, most: int) -> list[tuple[str, int]]:
        """Its most frequent values with their counts."""
        return list(self.values.head(most).iter_rows())

    def says(self, word: str) -> int:
        """How often a value stands there."""
        return int(self.values.filter(pl.col("text") == word)["count"].sum())


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """The columns, and the words that stand for nothing in all of them.

    Attributes:
        columns: In the order of the source.
        null_words: Texts for the source's `null_values` -> in how many columns, and how often.
        rows: How many rows were looked at.
        whole: Whether these are all there are.
    """

    columns: tuple[ColumnProfile, ...]
    null_words: Mapping[str, tuple[int, int]]
    rows: int
    whole: bool


def profile(rows: pl.DataFrame, *, whole: bool, null_values: Iterable[str] | None = None) -> SourceProfile:
    """Looks at the columns of a sample.

    Args:
        rows: The source's own columns.
        whole: Whether these are all the rows that there are.
        null_values: Texts that were said to stand for nothing; None: nothing was said, so they are
            looked for.
    """
    counted = {name: _counted(rows[name]) for name in rows.columns if is_text(rows.schema[name])}
    said = None if null_values is None else frozenset(null_values)
    found = {name: _null_words(values) if said is None else {} for name, values in counted.items()}
    common = _common(found, counted)
    columns = []
    for place, (name, dtype) in enumerate(rows.schema.items()):
        values = counted.get(name)
        if values is None:
            filled = len(rows) - rows[name].null_count()
            distinct = _distinct(rows[name])
            columns.append(
                ColumnProfile(name, dtype, place, len(rows), filled, distinct, _NO_VALUES.to_frame())
            )
            continue
        own = {word: count for word, count in found[name].items() if word not in common}
        nothing = [*common, *own, *(said or ())]
        kept = values.filter(~pl.col("text").is_in(nothing)) if nothing else values
        filled = int(kept["count"].sum())
        columns.append(ColumnProfile(name, dtype, place, len(rows), filled, kept.height, kept, own))
    return SourceProfile(tuple(columns), common, len(rows), whole)


def _counted(cells: pl.Series) -> pl.DataFrame:
    """Distinct trimmed texts and their counts, most frequent first; empty ones left out."""
    text = pl.col("text")
    frame = cells.cast(pl.String).alias("text").to_frame().select(text.str.strip_chars())
    counted = frame.filter(text.is_not_null() & (text != "")).group_by("text", maintain_order=True)
    found = counted.agg(pl.len().cast(pl.Int64).alias("count"))
    return found.sort("count", descending=True, maintain_order=True)


def _distinct(cells: pl.Series) -> int:
    try:
        return cells.drop_nulls().n_unique()
    except pl.exceptions.PolarsError:
        return 0


def _null_words(values: pl.DataFrame) -> dict[str, int]:
    """Words of a column that look as if they stood for nothing, with their counts."""
    words = [*NULL_WORDS, *DASHES]
    found = dict(values.filter(pl.col("text").is_in(words)).iter_rows())
    total = int(values["count"].sum())
    has_plus = bool((values["text"] == "+").any())
    return {
        word: count
        for word, count in found.items()
        if word not in DASHES or not (has_plus or (count > _OFTEN * total and values.height > 1))
    }


def _common(
    found: Mapping[str, Mapping[str, int]], counted: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[int, int]]:
    """Words that stand for nothing in several columns, and mean something in none."""
    by_word: dict[str, list[int]] = {}
    for words in found.values():
        for word, count in words.items():
            by_word.setdefault(word, []).append(count)
    return {
        word: (len(counts), sum(counts))
        for word, counts in by_word.items()
        if len(counts) >= _IN_SEVERAL and not _means_something(word, found, counted.items())
    }


def _means_something(
    word: str,
    found: Mapping[str, Mapping[str, int]],
    counted: Iterable[tuple[str, pl.DataFrame]],
) -> bool:
    return any(word not in found[name] and bool((values["text"] == word).any()) for name, values in counted)
