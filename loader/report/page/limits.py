"""How much of each list a page shows, so that it stays small whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Self

MOST_BYTES: Final = 3_000_000
"""No page is larger, in UTF-8."""


@dataclass(frozen=True, slots=True)
class PageLimits:
    """The most items of each list, and the most characters of each long text.

    Numbers that do not depend on the data (three examples, a dozen bars) are where they are used.
    """

    sources: int = 40
    groups: int = 60
    examples: int = 5
    files: int = 6
    fields: int = 250
    conversions: int = 200
    columns: int = 300
    tables: int = 40
    table_rows: int = 30
    cells: int = 150
    payload: int = 12_000
    mapping: int = 40_000
    refusals: int = 40
    pauses: int = 20
    notes: int = 40
    sentence: int = 400

    def halved(self) -> Self:
        """Return half of everything, but at least one of each and a sentence that can be read."""
        half = {limit.name: max(1, getattr(self, limit.name) // 2) for limit in fields(self)}
        return type(self)(**{**half, "sentence": max(self.sentence // 2, 80)})
