"""The parts of a report, as plain values.

Texts are plain text of any content: the page cuts them short, makes visible what cannot be seen, and escapes
them. Lists that may be long are `Capped`: what is shown, and how many there are in truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

Item = TypeVar("Item")
Tone = Literal["good", "warning", "bad"]


@dataclass(frozen=True, slots=True)
class Capped(Generic[Item]):
    """The first of a list, and how many there are.

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
        """Keeps the first of some items.

        Args:
            items: All of them, or the first few where `total` says how many there are.
            at_most: How many to keep; None: all of `items`.
            total: How many there are; None: as many as `items`.
        """
        every = tuple(items)
        return cls(every[:at_most], len(every) if total is None else total)

    def first(self, at_most: int) -> Self:
        """The same list with no more items than `at_most`."""
        return type(self)(self.items[:at_most], self.total)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.items)


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """The answer to "may I sign?".

    Attributes:
        sentence: One sentence.
        tone: `good`: nothing stands against it; `warning`: some rows are left; `bad`: it cannot go on so.
    """

    sentence: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class PageOrigin:
    """When and by what the report was made.

    Attributes:
        at: With a time zone; shown as UTC.
        version: The loader's version.
        seconds: How long the run took that it reports.
    """

    at: datetime
    version: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A source file.

    Attributes:
        name: Its name, without the folder.
        size: Bytes.
        fingerprint: The hash that a load holds it against, in full.
        dialect: How it was read, as pairs of words: ("delimiter", ";"), ("encoding", "cp1252").
        records: How many records were read.
    """

    name: str
    size: int
    fingerprint: str
    dialect: tuple[tuple[str, str], ...]
    records: int


@dataclass(frozen=True, slots=True)
class MappingUsed:
    """The mapping.

    Attributes:
        name: Its file's name.
        hash: The hash that a load holds it against, in full.
        text: Its text; None leaves it out.
        where: The expression that rows must meet; None where there is none.
        group_by: The column by which several rows are one record; None: a row is a record.
    """

    name: str
    hash: str
    text: str | None = None
    where: str | None = None
    group_by: str | None = None


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A record.

    Attributes:
        record_no: From 1, in its file.
        line: The line in its file; None where the format has no lines.
        external_id: None where the record has none.
        file: Its file's name; not shown where the page has one source only.
    """

    record_no: int
    line: int | None = None
    external_id: str | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class ExampleValue:
    """A value that is wrong, and where it stands.

    Attributes:
        value: As it stands in the source; None where the cell is empty.
        place: Where.
        nearest: The allowed value that comes nearest; None where none does.
        row: The row of the record, or of a second file, that it stands in: "rem.csv, record 3, line 4"; empty
            where it is the record's own first row.
    """

    value: str | None
    place: RowPlace
    nearest: str | None = None
    row: str = ""


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one field that have one reason.

    Attributes:
        field: The payload's path; empty where the whole row is wrong.
        reason: What is wrong, in a few words: "not in the map".
        rows: How many rows have it.
        column: Where the values come from; None where no single column gives them.
        expected: What is allowed; None where the reason says it.
        mend: A sentence on how to mend it.
        examples: Some of its findings, chosen for different values.
        status: What becomes of such a row.
    """

    field: str
    reason: str
    rows: int
    mend: str
    examples: Capped[ExampleValue]
    column: str | None = None
    expected: str | None = None
    status: Literal["invalid", "blocked"] = "invalid"


@dataclass(frozen=True, slots=True)
class Positions:
    """Where in a file the findings fall.

    Attributes:
        file: Its name.
        records: How many records it has.
        width: Records a bin.
        counts: Findings in each bin, at most 100 bins: the first counts records 1 to `width`. Bins at the end
            that hold nothing may be left out.
    """

    file: str
    records: int
    width: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """A value as it stands in the source, and as it is sent; None where there is none."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values.

    Attributes:
        count: How many were counted.
        exact: False where counting ended there: "more than".
    """

    count: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """A field of the payload: where it comes from and what it holds.

    Attributes:
        path: Its path.
        comes_from: Its origin in words: "column State", "always include", "SQL: …".
        conversions: What is done to the value, in words, in order.
        required: Whether the API asks for it.
        filled: Rows in which it has a value, of the page's `profiled` rows.
        distinct: How many different values; None where they were not counted.
        smallest: The smallest value; None where there is none.
        largest: Likewise.
        examples: At most three, before and after.
    """

    path: str
    comes_from: str
    conversions: tuple[str, ...] = ()
    required: bool = False
    filled: int = 0
    distinct: Distinct | None = None
    smallest: str | None = None
    largest: str | None = None
    examples: tuple[BeforeAfter, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One value of a map or an enum.

    Attributes:
        source: As it stands in the source; None where the cell is empty.
        becomes: What is sent; None where nothing is.
        rows: How many rows have it.
        wrong: Whether the value is not allowed, so that its rows are not sent.
    """

    source: str | None
    becomes: str | None
    rows: int
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class ValueTable:
    """How the values of a field go through its table.

    Attributes:
        field: The payload's path.
        comes_from: Its origin in words.
        kind: `map`: the mapping has a table; `enum`: the API has a list of allowed values.
        rows: The values, most frequent first.
        wrong: How many different values are not allowed, those that are not shown included.
        others: Rows whose values are not among `rows.total`, since there are too many different ones.
    """

    field: str
    comes_from: str
    kind: Literal["map", "enum"]
    rows: Capped[ValueRow]
    wrong: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class SamplePayload:
    """A record as it would be sent or was, beside its source row.

    Attributes:
        place: The record.
        cells: (column, cell); a cell of None is empty.
        payload: JSON, laid out to be read.
        why: Why this one was chosen: "has the most fields"; empty: not said.
    """

    place: RowPlace
    cells: Capped[tuple[str, str | None]]
    payload: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Effort:
    """What a load would take.

    Attributes:
        requests: How many.
        basis: Where the rate comes from: `learnt` from earlier loads, `given`, or `none`: nothing is known,
            the rates are but suppositions.
        rates: Requests a second, above 0; one, or several where `basis` is `none`.
    """

    requests: int
    basis: Literal["learnt", "given", "none"]
    rates: tuple[float, ...]
