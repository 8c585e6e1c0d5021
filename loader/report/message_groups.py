"""Rows by the words that were said about them; in memory that does not grow with the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loader.report.page.load_values import InDoubtGroup, RefusedGroup
from loader.report.page.values import Capped

if TYPE_CHECKING:
    from loader.report.page.values import RowPlace

_MOST: Final = 1_000
_EXAMPLES: Final = 5
_LONG: Final = 2_000  # characters of an answer's words that are looked at
_NUMBER: Final = re.compile(r"[0-9]+")
OTHER: Final = "other words"


@dataclass(slots=True)
class _Group:
    """Rows of which the same was said.

    Attributes:
        words: Those of the first such row; where others differ in their numbers, these are left out.
        http_status: What was answered with; None where no answer came.
        rows: How many.
        examples: The first few.
    """

    words: str
    http_status: int | None
    rows: int = 0
    examples: list[RowPlace] = field(default_factory=list)


class MessageGroups:
    """Grows with the rows.

    Words that differ in their numbers only are the same, so that "id 17 is taken" and "id 18 is taken" stand
    together. Past a thousand different ones the rest count as one.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, int | None], _Group] = {}

    def add(self, words: str, http_status: int | None, place: RowPlace) -> None:
        """Counts a row.

        Args:
            words: What was said.
            http_status: What it was answered with; None where no answer came.
            place: The row.
        """
        words = words[:_LONG]
        key = (_NUMBER.sub("#", words), http_status)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= _MOST:
                key, words, http_status = (OTHER, None), OTHER, None
            group = self._groups.setdefault(key, _Group(words, http_status))
        if group.words != words:
            group.words = OTHER if key[0] == OTHER else key[0].replace("#", "…")
        group.rows += 1
        if len(group.examples) < _EXAMPLES:
            group.examples.append(place)

    def refusals(self) -> Capped[RefusedGroup]:
        """As refusals, most frequent first."""
        return Capped.of(
            RefusedGroup(each.words, each.http_status, each.rows, _examples(each)) for each in self._ordered()
        )

    def doubts(self) -> Capped[InDoubtGroup]:
        """As doubts, most frequent first."""
        return Capped.of(InDoubtGroup(each.words, each.rows, _examples(each)) for each in self._ordered())

    def _ordered(self) -> list[_Group]:
        return sorted(self._groups.values(), key=lambda each: -each.rows)


def _examples(group: _Group) -> Capped[RowPlace]:
    return Capped.of(group.examples, total=group.rows)
