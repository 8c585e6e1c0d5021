"""Values that the page, the summary and the terminal share: findings in groups, and where they are.

Texts are plain text of any content: whoever shows them cuts and escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loader.records import Status

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Capped(Generic[Item]):
    """The first items of a list, and how many it has.

    Attributes:
        items: Those that are shown, in the order of the list.
        total: How many there are, those that are not shown included.

    Raises:
        ValueError: There are more items than the total says.
    """

    items: tuple[Item, ...] = ()
    total: int = 0

    def __post_init__(self) -> None:
        if self.total < len(self.items):
            raise ValueError(f"{len(self.items)} items of {self.total}")

    @classmethod
    def of(cls, items: Iterable[Item], *, at_most: int | None = None, total: int | None = None) -> Self:
        """Keep the first of some items.

        Args:
            items: All of them, or the first few where `total` says how many there are.
            at_most: How many to keep; None: all of `items`.
            total: How many there are; None: as many as `items`.
        """
        every = tuple(items)
        return cls(every[:at_most], len(every) if total is None else total)

    def first(self, at_most: int) -> Self:
        """Return the same list with no more items than `at_most`."""
        return type(self)(self.items[:at_most], self.total)

    @property
    def more(self) -> int:
        """How many items are not shown."""
        return self.total - len(self.items)


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A record, or one of the rows that it is made of.

    Attributes:
        record_no: From 1, in its file.
        line: The line in its file; None where the format has no lines, or where it is not known.
        external_id: None where there is none.
        file: Its file's name; of a row of a record, empty where it is in the record's own file.
    """

    record_no: int
    line: int | None = None
    external_id: str | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class ExampleValue:
    """A value with a finding.

    Attributes:
        value: The value in the source, or the message where the whole record is wrong; None where the cell
            is empty.
        place: The record.
        nearest: The allowed value that is most like it; None where none is.
        row: The row of the record, or of a second file, that has the value; None for the record's first row.
    """

    value: str | None
    place: RowPlace
    nearest: str | None = None
    row: RowPlace | None = None


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings with the same cause.

    Attributes:
        status: What becomes of their rows.
        code: Their code; empty for those that are counted together because there are too many groups.
        field: The payload's path; empty where the whole record is wrong.
        reason: The cause in a few words, which do not name the field.
        rows: How many rows have such a finding.
        fix: What to do next: a sentence.
        examples: Some of its findings, with different values where there are any; the total counts findings.
        expected: What was expected, to read on from "expected"; None where the reason says it.
        column: The source's column, or several joined with a comma; None where no single one has the values.
        words: The service's own words, for answers; None where there are none. Numbers that differ from row
            to row are an ellipsis.
        http_status: The status of such answers; None where there is none.
        record_nos: The record numbers of the first three rows.
    """

    status: Status
    code: str
    field: str
    reason: str
    rows: int
    fix: str
    examples: Capped[ExampleValue]
    expected: str | None = None
    column: str | None = None
    words: str | None = None
    http_status: int | None = None
    record_nos: tuple[int, ...] = ()

    @property
    def findings(self) -> int:
        """How many findings it has: of a list, each item may have one."""
        return self.examples.total

    @property
    def title(self) -> str:
        """Status, field and reason in one line: `invalid: run_date: not an ISO 8601 date or time`."""
        parts = (self.status.value.replace("_", " "), self.field, self.reason)
        return ": ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many rows have a finding of a code in a field; the field is empty for the whole record."""

    code: str
    field: str
    rows: int
