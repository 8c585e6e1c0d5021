"""A source with records of several rows: of a group's rows, of a second file's rows, or of both.

It is read like any other source, but a batch has a number of records: its positions are those of the records'
first rows, and its sequence numbers count records.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.errors import LoaderError, SourceError, SourceLost
from loader.findings import dump_findings
from loader.grouping.group_index import KEPT, KEY, GroupIndex, GroupScan, index_groups, run_starts
from loader.mapping.keys import keys_of
from loader.payload import record_rows
from loader.records import (
    GROUP,
    INCOMPLETE,
    LEFT_OUT,
    LINE,
    PARENT,
    PROBLEM,
    RAW,
    RECORD_NO,
    REPEATED_HEADER,
    ROW_NO,
    Batch,
    Position,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from loader.grouping.joined_files import JoinedRows
    from loader.records import SourceFile
    from loader.source import Source

    Kept = Callable[[SourceFile, pl.DataFrame], pl.Series]
    Indexes = NDArray[np.intp]

_ROWS_AT_ONCE: Final = 5_000
_OFFSET: Final = "__offset"
_ADDED: Final = (PARENT, LEFT_OUT, INCOMPLETE, ROW_NO, RAW, KEY, KEPT, _OFFSET)
_START: Final = Position()


class GroupedSource:
    """A source that is read record by record, where records are made of several rows.

    Args:
        source: The source's rows.
        by: The column that says which rows are one record; None: each row is one.
        nulls: Texts that mean "no value".
        kept: Returns which rows of a file the mapping's `where` keeps; only called where `by` is given.
        joined: The second files' rows.
        index: Where the rows of each record are, if an earlier pass over the same files has found it; None:
            find it before the first batch.
    """

    def __init__(
        self,
        source: Source,
        *,
        by: str | None,
        nulls: Sequence[str],
        kept: Kept,
        joined: Sequence[JoinedRows] = (),
        index: GroupIndex | None = None,
    ) -> None:
        self._source = source
        self._by = by
        self._nulls = nulls
        self._kept = kept
        self._joined = tuple(joined)
        self._index = index
        for file in source.files:
            _refuse_names(file)

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """Return what is known of each file; as `Source.files`."""
        return self._source.files

    @property
    def second_files(self) -> dict[str, str]:
        """Return where the second files are, by the names that the mapping has for them."""
        return {joined.file: joined.path for joined in self._joined}

    def checked(self, expected: Sequence[SourceFile]) -> None:
        """Check that these are the files that a load started with; as `Source.checked`.

        Raises:
            SourceChanged: They are not.
        """
        self._source.checked(expected)

    def total_hint(self) -> int | None:
        """Return how many records there are, where that is known; else as `Source.total_hint`."""
        records = self._index.records if self._index else None
        return self._source.total_hint() if records is None else records

    @property
    def index(self) -> GroupIndex:
        """Return where the rows of each record are; the first call reads the source once.

        Raises:
            SourceError: It is unclear which rows make which record; nothing has been sent.
        """
        if self._index is None:
            try:
                self._index = self._find_index()
            except SourceLost as error:
                # Nothing has been sent yet, so that there is no load to resume.
                raise SourceError(error.message, next_step=error.next_step) from error
        return self._index

    def batches(self, rows: int, start: Position = _START, limit: int | None = None) -> Iterator[Batch]:
        """Read the records from a position on.

        Args:
            rows: Records per batch. The last one of a file may have fewer; none spans two files, and none is
                empty.
            start: As in `Source.batches`.
            limit: Stop before the record with this `seq`; None: read to the end.

        Raises:
            ValueError: `rows` is less than 1.
            SourceError: It is unclear which rows make which record.
            SourceLost: A file cannot be read any further.
        """
        if rows < 1:
            raise ValueError(f"rows is {rows}; a batch has at least one")
        index = self.index
        batches = self._source.batches(rows, start, limit)
        if self._by is not None:
            batches = self._groups(index, rows, start, limit)
        for batch in batches:
            second = {joined.name: joined.rows_of(batch.rows) for joined in self._joined}
            yield replace(batch, children={**batch.children, **second})

    # --- The pass before -------------------------------------------------------------------------

    def _find_index(self) -> GroupIndex:
        scan = None if self._by is None else GroupScan(self._by)
        for batch, keyed in self._keyed(_START):
            for joined in self._joined:
                joined.mark_used(batch.rows)
            if scan:
                # A repeated header is no data: it cannot be a row that some record lacks.
                unreadable = pl.when(pl.col(PROBLEM) != REPEATED_HEADER).then(PROBLEM)
                scan.add(batch.file, keyed.select(KEY, KEPT, unreadable, RECORD_NO))
        index = GroupIndex()
        if scan and self._by is not None:
            index = index_groups(scan.runs(), self._by, self.files, lambda: self._keyed(_START))
        unused = [note for joined in self._joined for note in joined.check_unused()]
        return replace(index, notes=(*index.notes, *unused))

    def _keyed(self, start: Position) -> Iterator[tuple[Batch, pl.DataFrame]]:
        """Return the rows from a position on, with KEY, KEPT and the offset of each beside them."""
        at = replace(start, seq=0)
        for batch in self._source.batches(_ROWS_AT_ONCE, at):
            own = [pl.Series(KEY, keys_of(batch.rows, self._by, self._nulls))] if self._by else []
            if self._by:
                repeated = batch.rows[PROBLEM].eq_missing(REPEATED_HEADER)
                own.append((self._kept(batch.file, batch.rows) & ~repeated).rename(KEPT))
            if batch.raw is not None:
                own.append(batch.raw.alias(RAW))
            yield batch, batch.rows.with_columns(*own, pl.Series(_OFFSET, _offsets(batch), pl.Int64))

    # --- Groups ----------------------------------------------------------------------------------

    def _groups(self, index: GroupIndex, rows: int, start: Position, limit: int | None) -> Iterator[Batch]:
        seq = start.seq
        for file_no, parts in groupby(self._keyed(start), key=lambda part: part[0].file.file_no):
            if limit is not None and seq >= limit:
                return
            seq = yield from _FileGroups(index, file_no, rows, limit).batches(parts, seq)


class _FileGroups:
    """Cut the rows of one file into batches of a number of records."""

    def __init__(self, index: GroupIndex, file_no: int, rows: int, limit: int | None) -> None:
        self._index = index
        self._file_no = file_no
        self._moved = np.array([number for file, number in index.moved if file == file_no], dtype=np.int64)
        self._rows = rows
        self._limit = limit
        self._extra: dict[int, tuple[str, ...]] = {}

    def batches(self, parts: Iterable[tuple[Batch, pl.DataFrame]], seq: int) -> Generator[Batch, None, int]:
        """Yield the file's batches, and return the number of the record behind them."""
        held: pl.DataFrame | None = None
        flags = np.zeros(0, dtype=np.bool_)
        following = iter(parts)
        part = next(following, None)
        while part is not None:
            (source, keyed), part = part, next(following, None)
            self._extra |= source.extra
            before = None if held is None or not held.height else held[KEY][-1]
            flags = np.concatenate((flags, run_starts(keyed[KEY], before)))
            held = keyed if held is None else pl.concat([held, keyed])
            cut = 0
            for first, last, count in self._cuts(held, flags, seq, whole=part is None):
                end = source.end if last == held.height else _position(held, last, source)
                yield self._batch(source, held.slice(first, last - first), flags[first:last], seq, count, end)
                seq, cut = seq + count, last
                if self._limit is not None and seq >= self._limit:
                    return seq
            held, flags = held.slice(cut), flags[cut:]
        return seq

    def _cuts(
        self, held: pl.DataFrame, flags: NDArray[np.bool_], seq: int, *, whole: bool
    ) -> Iterator[tuple[int, int, int]]:
        """Return where batches start and end, and how many records they have; only complete ones."""
        starts = np.flatnonzero(flags)
        starts = starts[~self._is_moved(held, starts)]
        first = index = 0
        while index < len(starts):
            needed = self._rows if self._limit is None else min(self._rows, self._limit - seq)
            following = index + needed
            # The last run may go on in the rows that come: it ends where another one starts.
            if following >= len(starts) and not whole:
                return
            last = int(starts[following]) if following < len(starts) else held.height
            count = min(needed, len(starts) - index)
            yield first, last, count
            first, index, seq = last, following, seq + count

    def _is_moved(self, held: pl.DataFrame, starts: Indexes) -> NDArray[np.bool_]:
        """Return which runs belong to a record further up."""
        if not len(self._moved):
            return np.zeros(len(starts), dtype=np.bool_)
        return np.isin(held[RECORD_NO].to_numpy()[starts], self._moved)

    def _batch(
        self,
        source: Batch,
        rows: pl.DataFrame,
        flags: NDArray[np.bool_],
        seq: int,
        count: int,
        end: Position,
    ) -> Batch:
        starts = np.flatnonzero(flags)
        moved = self._is_moved(rows, starts)
        first = int(starts[~moved][0])
        lengths = np.diff(np.append(starts, rows.height))
        numbers = rows[RECORD_NO].to_numpy()
        parents = pl.Series(PARENT, np.repeat(numbers[starts], lengths), pl.Int64)
        own = rows.with_columns(parents)
        if moved.any():
            own = own.filter(pl.Series(~np.repeat(moved, lengths)))
        own = self._with_gathered(own, numbers[starts[~moved]])
        own = own.with_columns((~pl.col(KEPT)).alias(LEFT_OUT), self._incomplete(own))
        columns = [*source.file.schema, RECORD_NO, LINE, PROBLEM]
        raw = [] if source.raw is None else [RAW]
        start = replace(_position(rows, first, source), seq=seq)
        extra = {number: self._extra.pop(number) for number in numbers.tolist() if number in self._extra}
        extra |= self._index.extra.get(self._file_no, {})
        return Batch(
            file=source.file,
            start=start,
            end=replace(end, seq=seq + count),
            rows=record_rows(own).select(*columns, ROW_NO),
            extra=extra,
            children={GROUP: own.select(*columns, *raw, PARENT, LEFT_OUT, INCOMPLETE)},
        )

    def _with_gathered(self, own: pl.DataFrame, records: NDArray[np.int64]) -> pl.DataFrame:
        """Add the rows of these records that are further down in the file."""
        gathered, file_no = self._index.gathered, self._file_no
        if not gathered:
            return own
        more = [
            gathered[file_no, number].with_columns(
                pl.lit(number, dtype=pl.Int64).alias(PARENT), pl.lit(None, dtype=pl.String).alias(KEY)
            )
            for number in records.tolist()
            if (file_no, number) in gathered
        ]
        if not more:
            return own
        return pl.concat([own, *(rows.select(own.columns) for rows in more)]).sort(
            PARENT, maintain_order=True
        )

    def _incomplete(self, own: pl.DataFrame) -> pl.Series:
        """Return INCOMPLETE."""
        findings, file_no = self._index.incomplete, self._file_no
        if not findings:
            return pl.Series(INCOMPLETE, [None], pl.String).new_from_index(0, own.height)
        of_rows = [findings.get((file_no, number)) for number in own[RECORD_NO]]
        return pl.Series(INCOMPLETE, [row and dump_findings(row) for row in of_rows], pl.String)


def _offsets(batch: Batch) -> NDArray[np.int64]:
    if batch.offsets is not None:
        return batch.offsets
    if batch.end.offset:
        raise LoaderError(f"{batch.file.path}: its batches have offsets, but their records have none")
    return np.zeros(batch.rows.height, dtype=np.int64)


def _position(rows: pl.DataFrame, index: int, source: Batch) -> Position:
    """Return where a row starts; its seq is left at 0."""
    number, line, offset = rows.select(RECORD_NO, LINE, _OFFSET).row(index)
    return Position(0, source.file.file_no, number, line or 0, offset)


def _refuse_names(file: SourceFile) -> None:
    """Refuse names that the loader uses itself.

    Raises:
        SourceError: A column has such a name.
    """
    for name in _ADDED:
        if name in file.schema:
            raise SourceError(
                f'{file.path}: a column has the name "{name}", which the loader uses itself',
                next_step="Rename it in the file.",
            )
