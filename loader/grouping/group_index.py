"""Find the rows of each record in one pass over the column that says which rows are one record.

Rows with the same key, one below the other, are a run. A record is a run and, where its key appears again
further down in the same file, the runs there. Whatever could leave a record incomplete, so that nobody would
know, is found here, before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.errors import SourceError
from loader.findings import Finding
from loader.records import PROBLEM, RECORD_NO
from loader.text import count, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from loader.findings import JsonValue
    from loader.records import Batch, SourceFile

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

KEY: Final = "__key"  # String: what says which record the row belongs to; null where nothing does
KEPT: Final = "__kept"  # Boolean: whether the mapping's `where` keeps the row
MOST_ROWS: Final = 100_000
"""How many rows a record may have, how many may be apart from their records, and how many may have no key."""

RowPosition = tuple[int, int]
"""The index of a file and the number of a record in it."""


@dataclass(frozen=True, slots=True)
class GroupIndex:
    """Where the rows of records are, as far as they are not simply one below the other.

    Attributes:
        records: How many records there are; None where that is not known.
        moved: The first rows of runs that belong to a record further up.
        gathered: The first row of a record -> its rows in such runs, in the order of the file.
        extra: The index of a file -> the surplus cells of those rows, by record number.
        incomplete: A row -> why its record may be incomplete.
        notes: What people should know.
    """

    records: int | None = None
    moved: frozenset[RowPosition] = frozenset()
    gathered: Mapping[RowPosition, pl.DataFrame] = field(default_factory=dict)
    extra: Mapping[int, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    incomplete: Mapping[RowPosition, tuple[Finding, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Return whether the rows of every record are one below the other, and none may be missing."""
        return not (self.moved or self.incomplete)


@dataclass(slots=True)
class Runs:
    """The runs of all files, an attribute for each column; a run over several batches is one line.

    Attributes:
        file_no: The file.
        number: The record number of the first row.
        count: How many rows it has.
        key: A hash of the key; 0 where there is none.
        keyless: Whether there is none; such a row is a run of its own.
        unreadable: Whether no row of it can be read.
        kept: Whether `where` keeps any of its rows.
    """

    file_no: Numbers
    number: Numbers
    count: Numbers
    key: NDArray[np.uint64]
    keyless: Flags
    unreadable: Flags
    kept: Flags


def run_starts(keys: pl.Series, before: str | None) -> Flags:
    """Return which rows start a run; `before` is the key of the row before the first one."""
    previous = pl.concat([pl.Series([before], dtype=pl.String), keys.head(max(0, len(keys) - 1))])
    # Null equals nothing, not even null: each row without a key is a run of its own.
    same = (keys == previous.head(len(keys))).fill_null(value=False)
    return ~same.to_numpy()


class GroupScan:
    """One pass over a source's rows, batch by batch.

    Args:
        by: The column that says which rows are one record.
    """

    def __init__(self, by: str) -> None:
        self._by = by
        self._parts: list[Runs] = []
        self._file_no = -1
        self._last: str | None = None

    def add(self, file: SourceFile, rows: pl.DataFrame) -> None:
        """Take the next rows into account.

        Args:
            file: Their file.
            rows: KEY, KEPT, PROBLEM and RECORD_NO.

        Raises:
            SourceError: A record has more than `MOST_ROWS` rows.
        """
        if file.file_no != self._file_no:
            self._file_no, self._last = file.file_no, None
        flags = run_starts(rows[KEY], self._last)
        self._last = rows[KEY][-1]
        starts = np.flatnonzero(flags)
        if not flags[0]:
            self._continue(rows.head(int(starts[0]) if len(starts) else rows.height))
        if len(starts):
            self._parts.append(_runs(file.file_no, rows, starts))
        # A run over many batches grows in the last part, so that only this one can have become too long.
        if int(self._parts[-1].count.max()) > MOST_ROWS:
            first = int(self._parts[-1].number[self._parts[-1].count.argmax()])
            raise SourceError(
                f"{file.path}: more than {MOST_ROWS:,} rows from record {first} on have the same {self._by}, "
                "and would be one record",
                next_step=f"Check that group_by: {self._by} names the column that identifies records.",
            )

    def _continue(self, rows: pl.DataFrame) -> None:
        """Add rows to the last run."""
        # In place: the arrays are copies of the part's own (`_runs`), and nobody has them before `runs`.
        last = self._parts[-1]
        last.count[-1] += rows.height
        last.unreadable[-1] &= rows[PROBLEM].is_not_null().all()
        last.kept[-1] |= rows[KEPT].any()

    def runs(self) -> Runs:
        """Return all runs."""
        names = Runs.__dataclass_fields__
        if not self._parts:
            no, none = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64)
            key = np.zeros(0, dtype=np.uint64)
            return Runs(none, none.copy(), none.copy(), key, no, no.copy(), no.copy())
        return Runs(**{name: np.concatenate([getattr(part, name) for part in self._parts]) for name in names})


def _runs(file_no: int, rows: pl.DataFrame, starts: NDArray[np.intp]) -> Runs:
    """Return the runs that start in these rows, as far as the rows go."""
    keys = rows[KEY].gather(starts)
    problem = rows[PROBLEM].is_not_null().to_numpy()
    return Runs(
        file_no=np.full(len(starts), file_no, dtype=np.int64),
        number=rows[RECORD_NO].to_numpy()[starts].astype(np.int64),
        count=np.diff(np.append(starts, rows.height)).astype(np.int64),
        # Eight bytes for each run, however long the keys are: a source may have millions of records.
        key=np.where(keys.is_null().to_numpy(), np.uint64(0), keys.hash().to_numpy()),
        keyless=keys.is_null().to_numpy().copy(),
        unreadable=np.logical_and.reduceat(problem, starts),
        kept=np.logical_or.reduceat(rows[KEPT].to_numpy(), starts),
    )


def index_groups(
    runs: Runs,
    by: str,
    files: Sequence[SourceFile],
    read_again: Callable[[], Iterable[tuple[Batch, pl.DataFrame]]],
) -> GroupIndex:
    """Find the rows of each record from the runs of a source.

    Args:
        runs: The runs of all files.
        by: The column that says which rows are one record.
        files: The files.
        read_again: Reads the source once more, each batch with KEY and KEPT beside its rows; only called
            where the rows of a record are apart.

    Raises:
        SourceError: Too many rows are apart or have no key, or rows that may belong to any record are in a
            file that is not sorted.
    """
    apart = runs.kept & ~runs.keyless & _occurs_again(runs.key, runs.kept & ~runs.keyless)
    unreadable = runs.unreadable & ~runs.keyless
    # The key of a row that cannot be read may be a cell of another column. It counts only if a row that can
    # be read has the same key.
    apart &= ~unreadable | np.isin(runs.key, runs.key[apart & ~unreadable])
    unclear = (runs.keyless & runs.kept) | (unreadable & ~apart)
    total = len(runs.number)
    if int(unclear.sum()) > MOST_ROWS:
        raise _too_many_unclear(runs, unclear, by, files)
    incomplete = _Incomplete()
    _mark_neighbours(runs, unclear, by, incomplete)
    if not apart.any():
        return GroupIndex(records=total, incomplete=incomplete.findings)
    _refuse_unsorted(runs, apart, unclear, by, files)
    texts, rows, extra = _read_apart(runs, apart, read_again())
    moved, gathered, notes = _gather(runs, texts, rows, files)
    _mark_several_files(runs, texts, by, files, incomplete)
    return GroupIndex(total - len(moved), frozenset(moved), gathered, extra, incomplete.findings, notes)


def _occurs_again(keys: NDArray[np.uint64], among: Flags) -> Flags:
    """Return which runs have a key that several of some runs have."""
    # By hash: a collision only makes runs be read again, and their keys are compared then.
    unique, counts = np.unique(keys[among], return_counts=True)
    return np.isin(keys, unique[counts > 1])


class _Incomplete:
    """Why records may be incomplete, row by row."""

    def __init__(self) -> None:
        self.findings: dict[RowPosition, tuple[Finding, ...]] = {}

    def add(self, row: RowPosition, finding: Finding) -> None:
        self.findings[row] = (*self.findings.get(row, ()), finding)

    def has_neighbour(self, row: RowPosition, side: str) -> bool:
        """Return whether a row on this side of it is named already."""
        return any(finding.params.get("side") == side for finding in self.findings.get(row, ()))


def _mark_neighbours(runs: Runs, unclear: Flags, by: str, incomplete: _Incomplete) -> None:
    """Mark the records above and below a row that may belong to either: both may lack it."""
    # Rows without a key that `where` leaves out belong to no record, and do not separate others.
    solid = np.flatnonzero(~unclear & ~(runs.keyless & ~runs.kept))
    for run in np.flatnonzero(unclear).tolist():
        file_no, number = int(runs.file_no[run]), int(runs.number[run])
        is_readable = not runs.unreadable[run]
        if runs.keyless[run] and is_readable:
            incomplete.add((file_no, number), Finding("group.key_empty", column=by))
        code = "group.neighbour_without_key" if is_readable else "group.neighbour_unreadable"
        after = int(np.searchsorted(solid, run))
        for side, index in (("below", after - 1), ("above", after)):
            if not 0 <= index < len(solid) or runs.file_no[solid[index]] != file_no:
                continue
            near = int(solid[index])
            # The row beside it: the last one of the record above, the first one of the record below.
            row = (file_no, int(runs.number[near]) + (int(runs.count[near]) - 1 if side == "below" else 0))
            if not incomplete.has_neighbour(row, side):
                column = by if is_readable else None
                finding = Finding(code, column=column, params={"record_no": number, "side": side})
                incomplete.add(row, finding)


def _mark_several_files(
    runs: Runs, texts: Mapping[int, str], by: str, files: Sequence[SourceFile], incomplete: _Incomplete
) -> None:
    """Mark a record with rows in two files in both of them: neither file has all of it."""
    firsts: dict[str, dict[int, int]] = {}
    for run, text in texts.items():
        firsts.setdefault(text, {}).setdefault(int(runs.file_no[run]), int(runs.number[run]))
    for text, rows in firsts.items():
        for file_no, number in rows.items() if len(rows) > 1 else ():
            other, record_no = next(row for row in rows.items() if row[0] != file_no)
            params: dict[str, JsonValue] = {"file": files[other].name, "record_no": record_no}
            finding = Finding("group.in_two_files", column=by, value=shorten(text), params=params)
            incomplete.add((file_no, number), finding)


def _refuse_unsorted(runs: Runs, apart: Flags, unclear: Flags, by: str, files: Sequence[SourceFile]) -> None:
    """Refuse an unsorted file where a row may belong to any record, or where too many rows must be held.

    Raises:
        SourceError: There is such a file.
    """
    _, first = np.unique(
        np.stack((runs.file_no[apart], runs.key[apart].view(np.int64))), axis=1, return_index=True
    )
    # The first run of each key is where its record is: only the others must be held in memory.
    later = np.flatnonzero(apart)
    later = np.delete(later, first)
    if int(runs.count[later].sum()) > MOST_ROWS:
        raise SourceError(
            f"{files[int(runs.file_no[later[0]])].path}: is not sorted by {by}: more than {MOST_ROWS:,} rows "
            f"are apart from their records (the first: {_pair(runs, apart, int(later[0]))})",
            next_step=f"Sort the file by {by}, keep its header on top, and run the same command again.",
        )
    # In a sorted file an unclear row can only belong to its neighbours, which are marked. Here it may belong
    # to any record, and so every record of the file might lack it.
    for run in np.flatnonzero(unclear).tolist():
        here = later[runs.file_no[later] == runs.file_no[run]]
        if len(here):
            what = "cannot be read as a row" if runs.unreadable[run] else f"has no {by}"
            path = files[int(runs.file_no[run])].path
            raise SourceError(
                f"{path}: record {runs.number[run]} {what}, and the file is not sorted by {by} "
                f"({_pair(runs, apart, int(here[0]))} are one record): it is unknown which record the row "
                "belongs to, and so which one would lack it",
                next_step=f"Fix the row, sort the file by {by}, or leave such rows out with where:.",
            )


def _pair(runs: Runs, apart: Flags, later: int) -> str:
    """Return the numbers of a run that is apart from its record, and of the first run of this record."""
    same = apart & (runs.key == runs.key[later]) & (runs.file_no == runs.file_no[later])
    return f"records {runs.number[int(np.flatnonzero(same)[0])]} and {runs.number[later]}"


def _too_many_unclear(runs: Runs, unclear: Flags, by: str, files: Sequence[SourceFile]) -> SourceError:
    first = int(np.flatnonzero(unclear)[0])
    return SourceError(
        f"{files[int(runs.file_no[first])].path}: it is unknown which record they belong to for more than "
        f"{MOST_ROWS:,} rows: {by} is empty, or they cannot be read (the first: record {runs.number[first]})",
        next_step=f"Check that group_by: {by} names the right column; every row needs a value in it.",
    )


def _read_apart(
    runs: Runs, apart: Flags, batches: Iterable[tuple[Batch, pl.DataFrame]]
) -> tuple[dict[int, str], dict[int, list[pl.DataFrame]], dict[int, dict[int, tuple[str, ...]]]]:
    """Read the runs that share their key with others: their keys, and the rows of all but the first ones.

    Returns:
        Index of a run -> its key, index of a later run -> its rows, and the surplus cells as in `GroupIndex`.
    """
    texts: dict[int, str] = {}
    rows: dict[int, list[pl.DataFrame]] = {}
    extra: dict[int, dict[int, tuple[str, ...]]] = {}
    of_file = {
        int(file_no): np.flatnonzero(apart & (runs.file_no == file_no)) for file_no in np.unique(runs.file_no)
    }
    # By hash, since the keys are only read below. Where two keys have the same one, the first run of the
    # second key is not among these, and its rows are kept for nothing: `_gather` goes by the keys, and leaves
    # them out. A later run never is among them, because the first one of its key has the same hash.
    firsts: dict[tuple[int, int], int] = {}
    for run in np.flatnonzero(apart).tolist():
        firsts.setdefault((int(runs.file_no[run]), int(runs.key[run])), run)
    for batch, keyed in batches:
        file_no = batch.file.file_no
        for run, part in _parts_of(keyed, of_file[file_no], runs):
            # A run over several batches comes in parts: its key is that of the first one.
            if part[RECORD_NO][0] == runs.number[run]:
                texts[run] = part[KEY][0]
            if firsts[file_no, int(runs.key[run])] != run:
                # Copied: a slice would keep all of its batch in memory.
                rows.setdefault(run, []).append(part.drop(KEY).rechunk())
                surplus = {number: batch.extra[number] for number in part[RECORD_NO] if number in batch.extra}
                extra.setdefault(file_no, {}).update(surplus)
    return texts, rows, extra


def _parts_of(keyed: pl.DataFrame, here: NDArray[np.intp], runs: Runs) -> Iterator[tuple[int, pl.DataFrame]]:
    """Return the parts of these rows that belong to some runs of their file, with the index of each run."""
    first = int(keyed[RECORD_NO][0])
    numbers, ends = runs.number[here], runs.number[here] + runs.count[here]
    # Runs are in file order and do not overlap, so that those in these rows are neighbours.
    lo = int(np.searchsorted(ends, first, side="right"))
    hi = int(np.searchsorted(numbers, first + keyed.height, side="left"))
    for index in range(lo, hi):
        begin = max(0, int(numbers[index]) - first)
        yield int(here[index]), keyed.slice(begin, int(ends[index]) - first - begin)


def _gather(
    runs: Runs,
    texts: Mapping[int, str],
    rows: Mapping[int, Sequence[pl.DataFrame]],
    files: Sequence[SourceFile],
) -> tuple[set[RowPosition], dict[RowPosition, pl.DataFrame], tuple[str, ...]]:
    """Move later runs to the first run of their record, and return `moved`, `gathered` and `notes`."""
    moved: set[RowPosition] = set()
    # By the keys themselves: two keys may have the same hash, and would become one record.
    groups: dict[tuple[int, str], tuple[int, list[pl.DataFrame]]] = {}
    pairs: dict[int, list[tuple[int, int]]] = {}
    for run in sorted(texts):
        file_no = int(runs.file_no[run])
        first, below = groups.setdefault((file_no, texts[run]), (run, []))
        if first != run:
            moved.add((file_no, int(runs.number[run])))
            if not below:
                pairs.setdefault(file_no, []).append((int(runs.number[first]), int(runs.number[run])))
            below.extend(rows[run])
    gathered = {
        (file_no, int(runs.number[first])): pl.concat(below)
        for (file_no, _), (first, below) in groups.items()
        if below
    }
    notes = tuple(
        f"{files[file_no].name}: the rows of {count(len(scattered), 'record')} are not one below the other "
        f"(the first: records {scattered[0][0]} and {scattered[0][1]}); they are put together"
        for file_no, scattered in pairs.items()
    )
    return moved, gathered, notes
