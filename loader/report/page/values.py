"""The parts of a page, as plain values.

Texts are plain text of any content: the page cuts them short, makes visible what cannot be seen, and escapes
them. Lists that may be long are `Capped`: what is shown, and how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from loader.report.values import Capped, RowPlace

Tone = Literal["good", "warning", "bad"]


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """The answer to "may I sign?".

    Attributes:
        sentence: One sentence.
        tone: `good`: nothing is wrong; `warning`: some rows are left; `bad`: it cannot go on like this.
    """

    sentence: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class PageOrigin:
    """When the page was written, and by which version.

    Attributes:
        at: With a time zone; shown as UTC.
        version: The loader's version.
        seconds: How long the run took that it is about.
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
        fingerprint: The hash that a load compares it with, in full.
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
        hash: The hash that a load compares it with, in full.
        text: Its text; None leaves it out.
        where: The condition for rows; None where there is none.
        group_by: The column by which several rows are one record; None: a row is a record.
    """

    name: str
    hash: str
    text: str | None = None
    where: str | None = None
    group_by: str | None = None


@dataclass(frozen=True, slots=True)
class Positions:
    """Where in a file the findings are.

    Attributes:
        file: Its name.
        records: How many records it has.
        width: Records a bin.
        counts: Findings in each bin, at most 100 bins: the first counts records 1 to `width`. Empty bins at
            the end may be left out.
    """

    file: str
    records: int
    width: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """A value as it is in the source, and as it is sent; None where there is none."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values.

    Attributes:
        count: How many were counted.
        exact: False where counting ended at that number.
    """

    count: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """A field of the payload: where it comes from, and its values.

    Attributes:
        path: Its path.
        comes_from: Its origin in words: "column State", "always include", "SQL: …".
        conversions: How the value is converted, in words, in order.
        required: Whether the API requires it.
        filled: Rows in which it has a value, of the page's `profiled_rows`.
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
        source: As it is in the source; None where the cell is empty.
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
        others: Rows with values that are not among `rows.total`, since there are too many different ones.
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
        why: Why this one was chosen: "has the most fields"; empty: not shown.
    """

    place: RowPlace
    cells: Capped[tuple[str, str | None]]
    payload: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a load would take.

    Attributes:
        requests: How many.
        basis: Where the rate comes from: `learnt` from earlier loads, `given`, or `none`: nothing is known,
            and the rates are only examples.
        rates: Requests a second, above 0; one, or several where `basis` is `none`.
    """

    requests: int
    basis: Literal["learnt", "given", "none"]
    rates: tuple[float, ...]
