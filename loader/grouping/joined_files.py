"""A second file, whose rows become items of the source's records: read into memory, found by their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.errors import SourceError, SourceLost
from loader.mapping.keys import keys_of
from loader.records import LINE, PARENT, PROBLEM, RECORD_NO, REPEATED_HEADER
from loader.source.reader import open_source

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from loader.mapping.groups import Join
    from loader.records import SourceFile
    from loader.settings import SourceOptions

MOST_BYTES: Final = 512 * 1024 * 1024
"""So much memory the used columns of a second file may take."""
_ROWS_AT_ONCE: Final = 10_000
_TOLD: Final = 3  # places that a message names
_INDEX: Final = "__index"


def find_second_file(name: str, folders: Sequence[Path]) -> str:
    """Looks for a second file.

    Args:
        name: As the mapping has it; an absolute path is taken as it is.
        folders: Where to look, in this order.

    Raises:
        SourceError: It is nowhere; says where it was looked for.
    """
    places = list(dict.fromkeys(folder / name for folder in folders))
    for path in places:
        if path.is_file():
            return str(path)
    looked = ", ".join(str(path) for path in dict.fromkeys(places))
    raise SourceError(
        f"{name}: the mapping takes rows of this second file, and it is not there (looked for {looked})",
        next_step="Put it beside the source file, or write its path in the mapping (rows: …).",
    )


@dataclass(slots=True)
class SecondFile:
    """A second file, opened.

    Attributes:
        name: As the mapping has it.
        file: What is known of it.
        rows: Those of its columns that are used, RECORD_NO, LINE and PROBLEM.
    """

    name: str
    file: SourceFile
    rows: pl.DataFrame


def open_second_file(name: str, path: str, options: SourceOptions, columns: Collection[str]) -> SecondFile:
    """Opens a second file and reads the columns that are used into memory.

    Args:
        name: As the mapping has it.
        path: Where it is.
        options: How to read it; what is left out is detected.
        columns: Those that are used; names that it does not have are left out.

    Raises:
        SourceError: It cannot be read, or its used columns take more than `MOST_BYTES`.
    """
    source = open_source([path], options)
    (file,) = source.files
    used = [column for column in file.schema if column in columns]
    parts = [pl.DataFrame(schema={**{each: file.schema[each] for each in used}, **_OWN})]
    size = 0
    try:
        for batch in source.batches(_ROWS_AT_ONCE):
            data = batch.rows.filter(pl.col(PROBLEM).ne_missing(REPEATED_HEADER))
            parts.append(data.select(*used, *_OWN).rechunk())
            size += int(parts[-1].estimated_size())
            if size > MOST_BYTES:
                raise _too_large(path)
    except SourceLost as error:
        raise SourceError(error.message, next_step=error.next_step) from error
    return SecondFile(name, file, pl.concat(parts, rechunk=True))


_OWN: Final = {RECORD_NO: pl.Int64(), LINE: pl.Int64(), PROBLEM: pl.String()}


def _too_large(path: str) -> SourceError:
    return SourceError(
        f"{path}: the columns that the mapping uses take more than {MOST_BYTES // 2**20} MiB, and a second "
        "file is held in memory",
        next_step="Split the load: give the source in parts, each with its part of the second file.",
    )


class JoinedRows:
    """The rows of a second file, by the key that says whose they are.

    Args:
        join: How they find their records.
        second: The file.
        nulls: Texts that stand for nothing in the source.

    Attributes:
        name: What they are called in `Batch.children`.
        file: The file's name, as the mapping has it.
        path: Where it is.
    """

    def __init__(self, join: Join, second: SecondFile, nulls: Sequence[str]) -> None:
        self.name, self.file, self.path = join.name, join.file, second.file.path
        self._join = join
        self._second = second
        self._nulls = nulls
        theirs = nulls if join.source.null_values is None else join.source.null_values
        keys = keys_of(second.rows, join.key, theirs)
        self._keyless = second.rows.filter(keys.is_null())
        kept = second.rows.with_columns(keys.alias(_INDEX)).filter(pl.col(_INDEX).is_not_null())
        kept = kept.sort(_INDEX, maintain_order=True)
        self._keys = kept[_INDEX]
        self._rows = kept.drop(_INDEX)
        self._wanted = np.zeros(kept.height, dtype=np.bool_)

    def rows_of(self, records: pl.DataFrame) -> pl.DataFrame:
        """The rows of some records, with their PARENT.

        Args:
            records: The source's columns, RECORD_NO and PROBLEM.
        """
        first, count = self._found(records)
        total = int(count.sum())
        ends = np.cumsum(count)
        within = np.arange(total) - np.repeat(ends - count, count)
        parents = np.repeat(records[RECORD_NO].to_numpy(), count)
        rows: pl.DataFrame = self._rows[np.repeat(first, count) + within]
        return rows.with_columns(pl.Series(PARENT, parents, pl.Int64))

    def want(self, records: pl.DataFrame) -> None:
        """Remembers that these records are in the source."""
        first, count = self._found(records)
        change = np.zeros(len(self._wanted) + 1, dtype=np.int64)
        np.add.at(change, first[count > 0], 1)
        np.add.at(change, (first + count)[count > 0], -1)
        self._wanted |= np.cumsum(change)[:-1] > 0

    def judge(self) -> tuple[str, ...]:
        """Judges the rows by the records that were wanted, which must have been all of the source's.

        Returns:
            Notes for people: the rows that belong to no record.

        Raises:
            SourceError: A row cannot be told to belong to any record: which one lacks it nobody knows.
        """
        own = (RECORD_NO, LINE, PROBLEM)
        content = [name for name in self._keyless.columns if name not in (*own, self._join.key)]
        blank = (
            pl.all_horizontal([self._is_blank(name) for name in content]) if content else pl.lit(value=True)
        )
        lost = self._keyless.filter(pl.col(PROBLEM).is_not_null() | ~blank)
        if lost.height:
            raise self._unknown(lost, f"column {self._join.key} is empty")
        strange = self._rows.filter(~pl.Series(self._wanted))
        unreadable = strange.filter(pl.col(PROBLEM).is_not_null())
        if unreadable.height:
            raise self._unknown(unreadable, "")
        if not strange.height:
            return ()
        join = self._join
        told = f"{_rows(strange.height)} no record of the source ({join.equals} is never the {join.key})"
        return (f"{join.file}: {told}: {_places(strange)}",)

    def _found(self, records: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Where each record's rows begin among those sorted by key, and how many there are."""
        keys = keys_of(records, self._join.equals, self._nulls)
        if not len(self._keys):
            nothing = np.zeros(records.height, dtype=np.int64)
            return nothing, nothing
        first = self._keys.search_sorted(keys.fill_null(""), side="left").to_numpy().astype(np.int64)
        last = self._keys.search_sorted(keys.fill_null(""), side="right").to_numpy().astype(np.int64)
        return first, last - first

    def _is_blank(self, name: str) -> pl.Expr:
        cell = pl.col(name)
        if self._keyless.schema[name] != pl.String:
            return cell.is_null()
        return cell.is_null() | cell.str.strip_chars().is_in(["", *self._nulls])

    def _unknown(self, rows: pl.DataFrame, why: str) -> SourceError:
        problem = rows[PROBLEM][0] or why
        return SourceError(
            f"{self._second.file.path}: {_places(rows)}: {problem}; which record of the source the row "
            "belongs to cannot be told, and so which one would lack it",
            next_step="Mend the row, or take it out of the file.",
        )


def _rows(count: int) -> str:
    return "1 row belongs to" if count == 1 else f"{count:,} rows belong to"


def _places(rows: pl.DataFrame) -> str:
    """The first few rows, by number and line."""
    first = rows.sort(RECORD_NO).head(_TOLD).select(RECORD_NO, LINE).iter_rows()
    told = [f"record {number}" + (f", line {line}" if line else "") for number, line in first]
    return "; ".join(told) + ("; …" if rows.height > _TOLD else "")
