"""A file as somebody may have written it, with the label that says how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Label:
    """How a file is written.

    Attributes:
        columns: The names in its header, with "|" between two; their number where there is no header.
        records: How many records there are, the rejected ones included.
        rejected: How many records are rejected.
        preamble: How many lines are above the header or, without one, above the first record; blank ones
            included.
        footer: How many lines are below the last record; blank ones left out.
        delimiter: What separates two cells. In a file of one column: what splits none of its cells.
        quote: What encloses a cell; None where nothing does.
        escape: What escapes a quote inside a quoted cell; None where quotes are doubled.
        encoding: The codec's name.
    """

    columns: str | int
    records: int
    rejected: int = 0
    preamble: int = 0
    footer: int = 0
    delimiter: str = ";"
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Case:
    """A file's content and its label."""

    content: bytes
    label: Label


def case(text: str, **label: Any) -> Case:
    """Return a text in its label's encoding, with the label; keywords are those of `Label`."""
    expected = Label(**label)
    return Case(text.encode(expected.encoding), expected)


def lines(count: int, line: str, first: int = 1) -> str:
    """Return so many lines, each `line` with its number in place of `{}`."""
    return "".join(line.format(number) + "\n" for number in range(first, first + count))


def detect(folder: Path, content: bytes) -> Label:
    """Return what is detected in a file's content where no option says anything."""
    source = opened(folder, content)
    (file,) = source.files
    dialect = file.dialect
    assert dialect is not None
    rows = read(source, rows=100_000)
    return Label(
        columns="|".join(file.schema) if dialect.header else len(file.schema),
        records=len(rows.problems),
        rejected=sum(problem is not None for problem in rows.problems),
        preamble=dialect.preamble.count("\n"),
        footer=sum(bool(line.strip()) for line in dialect.footer.splitlines()),
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        encoding=dialect.encoding,
    )
