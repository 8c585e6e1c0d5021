"""Figures of a field that grow batch by batch: the smallest and largest value, and what values become."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.tree import EachNode, Leaf, ListNode, Node, ObjectNode, leaves
from loader.report.page.values import Capped, ValueRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.mapping import CompiledMapping

_MOST_VALUES: Final = 2_000
_SHOWN_VALUES: Final = 100


def present_in(compiled: CompiledMapping) -> dict[str, pl.Expr]:
    """For each field, by path, whether a row has what it is part of.

    An item of a list is there for its cells, so that a constant or a default does not make one.
    """
    everywhere = pl.lit(value=True)
    own = {leaf.path: everywhere for leaf in compiled.mapping.leaves}
    return own | dict(_present(compiled.mapping.tree, everywhere, compiled))


def _present(node: Node, around: pl.Expr, compiled: CompiledMapping) -> Iterator[tuple[str, pl.Expr]]:
    if isinstance(node, Leaf):
        yield node.path, around
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _present(item, around, compiled)
    elif isinstance(node, ObjectNode):
        if node.item:
            values = compiled.program.values
            around = pl.any_horizontal([values[leaf.path].present for leaf in leaves(node)])
        for member in node.members.values():
            yield from _present(member, around, compiled)
    elif isinstance(node, EachNode):
        yield node.path, around


@dataclass(slots=True)
class Extremes:
    """The smallest and the largest of a field's values: as numbers where all of them are, else as text."""

    _texts: tuple[str, str] | None = None
    _numbers: tuple[tuple[float, str], tuple[float, str]] | None = None
    _all_numbers: bool = True

    def add(self, texts: pl.Series, *, numbers: bool = True) -> None:
        """Takes values, as they are written in the payload.

        Args:
            texts: At least one, none null.
            numbers: Whether they may be numbers.
        """
        low, high = str(texts.min()), str(texts.max())
        self._texts = (
            min(low, self._texts[0] if self._texts else low),
            max(high, self._texts[1] if self._texts else high),
        )
        amounts = texts.cast(pl.Float64, strict=False) if numbers and self._all_numbers else None
        if amounts is None or amounts.null_count():
            self._all_numbers = False
            return
        least, most = amounts.arg_min() or 0, amounts.arg_max() or 0
        low_number, high_number = (amounts[least], texts[least]), (amounts[most], texts[most])
        self._numbers = (
            min(low_number, self._numbers[0] if self._numbers else low_number),
            max(high_number, self._numbers[1] if self._numbers else high_number),
        )

    @property
    def smallest(self) -> str | None:
        """The smallest value as it is written; None where there is none."""
        return self._ends(0)

    @property
    def largest(self) -> str | None:
        """The largest, likewise."""
        return self._ends(1)

    def _ends(self, side: int) -> str | None:
        if self._all_numbers and self._numbers:
            return self._numbers[side][1]
        return self._texts[side] if self._texts else None


@dataclass(slots=True)
class Tally:
    """How many rows go from which value to which.

    Right ones and wrong ones are kept apart, so that many of one kind do not hide the other.

    Attributes:
        others: Rows whose values came when there were too many different ones.
    """

    others: int = 0
    _right: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    _wrong: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self._right or self._wrong)

    def add(self, before: str | None, after: str | None, rows: int, *, wrong: bool) -> None:
        """Counts rows."""
        values = self._wrong if wrong else self._right
        if (before, after) in values or len(values) < _MOST_VALUES:
            values[before, after] += rows
        else:
            self.others += rows

    @property
    def wrong(self) -> int:
        """How many different values are not allowed, of those that are kept."""
        return len(self._wrong)

    def rows(self) -> Capped[ValueRow]:
        """The most frequent ones first."""
        every = [ValueRow(*pair, rows) for pair, rows in self._right.items()]
        every += [ValueRow(*pair, rows, wrong=True) for pair, rows in self._wrong.items()]
        every.sort(key=lambda each: -each.rows)
        return Capped.of(every, at_most=_SHOWN_VALUES)
