"""What splits the bytes of a file into records and cells: its dialect, and its columns."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.findings import Finding, dump_findings
from loader.records import PROBLEM, Dialect
from loader.source.bytes import scanned_encoding

if TYPE_CHECKING:
    from loader.findings import JsonValue

LONGEST_CELL: Final = 16 * 1024 * 1024  # bytes; a record with a longer one is rejected
MOST_CELLS: Final = 100_000  # of a record; nobody meant more as one, and they would not fit into memory


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How records are laid out in a file's bytes.

    The dialect is text, for people and for the journal. Whoever searches bytes takes its marks from here, in
    the encoding of these bytes.

    Attributes:
        dialect: How the file is written.
        columns: All columns of the file in order; empty while they are not known.
        header: The header's cells as they are in the file, a tuple for each line; empty where there is none.
        is_typical: Where there is no header: whether most records have as many cells as there are columns;
            else the first one has.
    """

    dialect: Dialect
    columns: tuple[str, ...] = ()
    header: tuple[tuple[str, ...], ...] = ()
    is_typical: bool = False

    @property
    def scanned(self) -> str:
        """Return the encoding of the bytes: the file's own, or UTF-8 that it is turned into."""
        return scanned_encoding(self.dialect.encoding)

    @property
    def delimiter(self) -> bytes:
        """Return what separates two cells."""
        return self.dialect.delimiter.encode(self.scanned)

    @property
    def quote(self) -> bytes | None:
        """Return what encloses a cell; None where nothing does."""
        return self.dialect.quote.encode(self.scanned) if self.dialect.quote else None

    @property
    def escape(self) -> bytes | None:
        """Return what escapes a quote inside of a quoted cell; None where quotes are doubled."""
        return self.dialect.escape.encode(self.scanned) if self.dialect.escape else None

    @property
    def lone_cr(self) -> bool:
        """Return whether a CR alone ends a line."""
        return self.dialect.lone_cr

    def latin(self) -> Dialect:
        """Return the dialect with the marks as characters of the bytes decoded as Latin-1."""
        return in_latin(self.dialect, self.scanned)

    @property
    def is_simple(self) -> bool:
        """Return whether the fast parser can read the file at all: one-byte ASCII marks and no escape."""
        marks = [self.delimiter] if self.quote is None else [self.delimiter, self.quote]
        return self.escape is None and all(len(mark) == 1 and mark.isascii() for mark in marks)

    @property
    def basis(self) -> str:
        """Return what decides the number of columns: `header`, `first_record` or `most_records`."""
        if self.dialect.header:
            return "header"
        return "most_records" if self.is_typical else "first_record"


def in_latin(dialect: Dialect, encoding: str) -> Dialect:
    """Return a dialect of text as one of the bytes of this text in an encoding, decoded as Latin-1."""
    return _recoded(dialect, encoding, "latin-1")


def from_latin(dialect: Dialect, encoding: str) -> Dialect:
    """Return the dialect of the text, from one of its bytes in an encoding, decoded as Latin-1."""
    return _recoded(dialect, "latin-1", encoding)


def _recoded(dialect: Dialect, before: str, after: str) -> Dialect:
    delimiter, quote, escape = (
        mark.encode(before).decode(after) if mark else mark
        for mark in (dialect.delimiter, dialect.quote, dialect.escape)
    )
    return replace(dialect, delimiter=delimiter or "", quote=quote, escape=escape)


def text_schema(columns: tuple[str, ...]) -> dict[str, type[pl.String]]:
    """Return the schema of a chunk's rows: the columns, then PROBLEM."""
    return dict.fromkeys((*columns, PROBLEM), pl.String)


def ragged_finding(cells: int, columns: int, basis: str) -> Finding:
    """Return the finding for a record with another number of cells than there are columns.

    Args:
        cells: How many cells the record has.
        columns: How many columns there are.
        basis: As in `CsvLayout.basis`.
    """
    code = "row.too_few_cells" if cells < columns else "row.too_many_cells"
    params: dict[str, JsonValue] = {"cells": cells, "columns": columns, "basis": basis}
    return Finding(code, params=params)


@functools.lru_cache(maxsize=1024)
def ragged_problem(cells: int, columns: int, basis: str) -> str:
    """Return the finding as PROBLEM has it; cached, because often all records of a file are ragged alike."""
    return dump_findings([ragged_finding(cells, columns, basis)])
