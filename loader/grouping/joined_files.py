"""Read a second file into memory, and find the rows that are items of the source's records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.errors import SourceError, SourceLost
from loader.findings import load_findings
from loader.mapping.keys import keys_of
from loader.records import LINE, PARENT, PROBLEM, RECORD_NO, REPEATED_HEADER
from loader.source import open_source
from loader.text import count
from loader.wording import message

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from loader.mapping import Join
    from loader.records import SourceFile
    from loader.settings import SourceOptions

    Numbers = NDArray[np.int64]

MOST_BYTES: Final = 512 * 1024 * 1024
"""How much memory the used columns of a second file may take."""
_ROWS_AT_ONCE: Final = 10_000
_SHOWN: Final = 3  # rows that a message names
_INDEX: Final = "__index"


def find_second_file(name: str, folders: Sequence[Path]) -> str:
    """Return the path of a second file.

    Args:
        name: Its name in the mapping; an absolute path is taken as it is.
        folders: Where to look for it, in this order.

    Raises:
        SourceError: It is in none of the folders.
    """
    paths = list(dict.fromkeys(folder / name for folder in folders))
    for path in paths:
        if path.is_file():
            return str(path)
    raise SourceError(
        f"{name}: the mapping needs this second file, and it is missing (looked for "
        f"{', '.join(map(str, paths))})",
        next_step="Put it beside the source file, or write its path in the mapping (rows: …).",
    )


@dataclass(slots=True)
class SecondFile:
    """A second file, opened.

    Attributes:
        name: Its name in the mapping.
        file: What is known of it.
        rows: The columns that are used, RECORD_NO, LINE and PROBLEM.
    """

    name: str
    file: SourceFile
    rows: pl.DataFrame


def open_second_file(name: str, path: str, options: SourceOptions, columns: Collection[str]) -> SecondFile:
    """Open a second file, and read the columns that are used into memory.

    Args:
        name: Its name in the mapping.
        path: Where it is.
        options: How to read it; what is left out is detected.
        columns: The columns that are used; names that it does not have are left out.

    Raises:
        SourceError: It cannot be read, or its used columns take more than `MOST_BYTES`.
    """
    source = open_source([path], options)
    (file,) = source.files
    used = [column for column in file.schema if column in columns]
    parts = [pl.DataFrame(schema={**{column: file.schema[column] for column in used}, **_OWN})]
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
        next_step="Split the load: load the source in parts, each with its part of the second file.",
    )


class JoinedRows:
    """The rows of a second file, by the key that says which record they belong to.

    Args:
        join: How they find their records.
        second: The file.
        nulls: Texts that mean "no value" in the source.

    Attributes:
        name: Their name in `Batch.children`.
        file: The file's name in the mapping.
        path: Where the file is.
    """

    def __init__(self, join: Join, second: SecondFile, nulls: Sequence[str]) -> None:
        self.name, self.file, self.path = join.name, join.file, second.file.path
        self._join = join
        self._second = second
        self._nulls = nulls
        self._own_nulls = nulls if join.source.null_values is None else join.source.null_values
        keys = keys_of(second.rows, join.key, self._own_nulls)
        self._keyless = second.rows.filter(keys.is_null())
        kept = second.rows.with_columns(keys.alias(_INDEX)).filter(pl.col(_INDEX).is_not_null())
        kept = kept.sort(_INDEX, maintain_order=True)
        self._keys = kept[_INDEX]
        self._rows = kept.drop(_INDEX)
        self._used = np.zeros(kept.height, dtype=np.bool_)

    def rows_of(self, records: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of some records, with their PARENT.

        Args:
            records: The source's columns, RECORD_NO and PROBLEM.
        """
        first, counts = self._ranges(records)
        total = int(counts.sum())
        ends = np.cumsum(counts)
        # The rows of a record are consecutive, so that its first one and a running number give all of them.
        within = np.arange(total) - np.repeat(ends - counts, counts)
        parents = np.repeat(records[RECORD_NO].to_numpy(), counts)
        rows: pl.DataFrame = self._rows[np.repeat(first, counts) + within]
        return rows.with_columns(pl.Series(PARENT, parents, pl.Int64))

    def mark_used(self, records: pl.DataFrame) -> None:
        """Remember that the rows of these records of the source belong to a record."""
        first, counts = self._ranges(records)
        # +1 where a range of rows starts and -1 behind it: the running sum is above 0 inside of a range.
        change = np.zeros(len(self._used) + 1, dtype=np.int64)
        np.add.at(change, first[counts > 0], 1)
        np.add.at(change, (first + counts)[counts > 0], -1)
        self._used |= np.cumsum(change)[:-1] > 0

    def check_unused(self) -> tuple[str, ...]:
        """Check the rows that belong to no record, once all records of the source have been marked.

        Returns:
            Notes for people: the rows that belong to no record.

        Raises:
            SourceError: It is unknown which record a row belongs to, so that any record may lack it.
        """
        keyless = self._keyless.filter(pl.col(PROBLEM).is_not_null() | ~self._is_blank())
        if keyless.height:
            raise self._unknown_record(keyless)
        unused = self._rows.filter(~pl.Series(self._used))
        unreadable = unused.filter(pl.col(PROBLEM).is_not_null())
        if unreadable.height:
            raise self._unknown_record(unreadable)
        if not unused.height:
            return ()
        join = self._join
        rows = "1 row belongs" if unused.height == 1 else f"{count(unused.height, 'row')} belong"
        unmatched = f"{rows} to no record of the source ({join.equals} is never the {join.key})"
        return (f"{join.file}: {unmatched}: {_first_rows(unused)}",)

    def _ranges(self, records: pl.DataFrame) -> tuple[Numbers, Numbers]:
        """Return where each record's rows start among those sorted by key, and how many there are."""
        keys = keys_of(records, self._join.equals, self._nulls)
        if not len(self._keys):
            nothing = np.zeros(records.height, dtype=np.int64)
            return nothing, nothing
        first = self._keys.search_sorted(keys.fill_null(""), side="left").to_numpy().astype(np.int64)
        last = self._keys.search_sorted(keys.fill_null(""), side="right").to_numpy().astype(np.int64)
        return first, last - first

    def _is_blank(self) -> pl.Series:
        """Return which rows without a key have nothing in any other column, either."""
        rows = self._keyless
        content = [name for name in rows.columns if name not in (RECORD_NO, LINE, PROBLEM, self._join.key)]
        blank = pl.repeat(value=True, n=rows.height, eager=True)
        for name in content:
            is_text = rows.schema[name] == pl.String
            blank &= (keys_of(rows, name, self._own_nulls) if is_text else rows[name]).is_null()
        return blank

    def _unknown_record(self, rows: pl.DataFrame) -> SourceError:
        problem = rows[PROBLEM][0]
        what = f"column {self._join.key} is empty"
        if problem:
            what = "; ".join(map(message, load_findings(problem)))
        return SourceError(
            f"{self._second.file.path}: {_first_rows(rows)}: {what}; it is unknown which record of the "
            "source the row belongs to, and so which one would lack it",
            next_step="Fix the row, or remove it from the file.",
        )


def _first_rows(rows: pl.DataFrame) -> str:
    """Return the first few rows, by number and line."""
    first = rows.sort(RECORD_NO).head(_SHOWN).select(RECORD_NO, LINE).iter_rows()
    names = [f"record {number}" + (f", line {line}" if line else "") for number, line in first]
    return "; ".join(names) + ("; …" if rows.height > _SHOWN else "")
