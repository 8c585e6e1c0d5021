"""How a file's text is cut into records and cells, in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.records import PROBLEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

LONGEST_RECORD: Final = 64 * 1024 * 1024  # bytes; what is longer was never meant as one record
LONGEST_CELL: Final = 16 * 1024 * 1024  # bytes; a record with a longer one is rejected
MOST_CELLS: Final = 100_000  # of a record; so many were never meant as one, and would not fit into memory


@dataclass(frozen=True, slots=True)
class BytesDialect:
    """The dialect as the scan needs it.

    Attributes:
        path: The file, for messages.
        encoding: The file's own encoding, for messages.
        scanned: The encoding of the bytes that are scanned: `encoding`, or UTF-8 that it was turned into.
        delimiter: What stands between two cells.
        quote: What encloses a cell; None where nothing does.
        escape: What escapes a quote inside a quoted cell; None where quotes are doubled.
        lone_cr: Whether a CR alone ends a line (then CRLF and LF do too); else LF and CRLF do.
        columns: Every column of the file in order.
        named: Whether a header line named them.
        header: The header's cells as they stand, a tuple a line; empty where there is none.
        typical: Where there is no header: whether most records have as many cells as there are columns;
            else the first one has.
    """

    path: str
    encoding: str
    scanned: str
    delimiter: bytes
    quote: bytes | None
    escape: bytes | None
    lone_cr: bool
    columns: tuple[str, ...] = ()
    named: bool = True
    header: tuple[tuple[str, ...], ...] = ()
    typical: bool = False

    @property
    def is_simple(self) -> bool:
        """Whether the quick path can read it at all: one-byte ASCII marks and no escape."""
        marks = [self.delimiter] if self.quote is None else [self.delimiter, self.quote]
        return self.escape is None and all(len(mark) == 1 and mark.isascii() for mark in marks)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of a file, in whatever number reading them brought.

    Attributes:
        frame: Every column of the file as text, then PROBLEM.
        starts: The offset of each record's first byte in the content.
        ends: The offset after each record's line end.
        lines: The line that each record begins on, from 1.
        next_lines: The line after each record.
        extra: Index in the chunk -> the surplus cells' text.
    """

    frame: pl.DataFrame
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    lines: NDArray[np.int64]
    next_lines: NDArray[np.int64]
    extra: Mapping[int, tuple[str, ...]]

    @property
    def height(self) -> int:
        """How many records it holds."""
        return self.frame.height

    def part(self, first: int, last: int) -> Chunk:
        """The records from index `first` to before `last`."""
        cut = slice(first, last)
        return Chunk(
            frame=self.frame.slice(first, last - first),
            starts=self.starts[cut],
            ends=self.ends[cut],
            lines=self.lines[cut],
            next_lines=self.next_lines[cut],
            extra={index - first: cells for index, cells in self.extra.items() if first <= index < last},
        )


def text_schema(columns: tuple[str, ...]) -> dict[str, type[pl.String]]:
    """The schema of a chunk's frame: the columns, then PROBLEM."""
    return dict.fromkeys((*columns, PROBLEM), pl.String)


def ragged_problem(cells: int, form: BytesDialect) -> str:
    """What to say of a record with another number of cells than there are columns."""
    norm = "most records have" if form.typical else "the first record has"
    if form.named:
        norm = "the header has"
    return f"has {cells} {'cell' if cells == 1 else 'cells'}, {norm} {len(form.columns)}"
