"""What a format of rejects has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from loader.report.json_text import with_json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from loader.records import SourceFile


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rejected rows of one batch, in its order.

    Attributes:
        cells: The source's columns, or some of them, with the types that they have there.
        added: REJECT_COLUMNS, a line a row.
        surplus: `_record_no` -> cells that the row had beyond its columns.
        texts: Each row's own text and whether it is a sound JSON object; None for formats that keep none.
        mixed: Columns that no single type can hold: nested ones, or of several types.
    """

    cells: pl.DataFrame
    added: pl.DataFrame
    surplus: Mapping[int, Sequence[str]]
    texts: Sequence[tuple[str, bool]] | None
    mixed: frozenset[str]

    def flat_cells(self) -> pl.DataFrame:
        """Return the cells for formats without nested ones: `mixed` columns as JSON text."""
        return with_json_text(self.cells, self.mixed)

    def flat_surplus(self) -> dict[int, Sequence[str]]:
        """Return the surplus cells, with the text of rows that could not be taken apart as one of them."""
        surplus = dict(self.surplus)
        if self.texts is not None:
            rows = zip(self.added["_record_no"], self.texts, strict=True)
            surplus |= {number: (text,) for number, (text, sound) in rows if not sound}
        return surplus


class RejectsFile(Protocol):
    """A file of rejects in one format.

    `add` comes any number of times, in the order of the source; then `publish`, where it is not empty, and in
    the end always `discard`. There is nothing under the file's name before `publish`. Whatever cannot be
    written raises `Stopped`.
    """

    file_name: ClassVar[str]
    """Its name."""

    keeps_nested: ClassVar[bool]
    """Whether lists and objects stay what they are where a column has one type in all files; else: text."""

    def __init__(self, folder: Path, first: SourceFile, columns: Sequence[str]) -> None:
        """Write nothing yet.

        Args:
            folder: Where it goes.
            first: The first file of the source, which has the same form.
            columns: The columns of all files of the source.
        """

    @property
    def path(self) -> Path:
        """Where it goes."""

    @property
    def is_empty(self) -> bool:
        """Whether there was no row so far."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must know to load the file again, one line each; complete after `publish`."""

    def add(self, rows: RejectedRows) -> None:
        """Take rows."""

    def publish(self) -> None:
        """Give the file its name."""

    def discard(self) -> None:
        """Remove what was written and not published; nothing after `publish`."""
