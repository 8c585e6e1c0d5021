"""How the rows of records lie in a source: one pass over the column that tells which are one record.

Rows with the same key, one below the other, are a run. A record is a run and, where its key comes again
further down in the same file, the runs there. What could leave a record incomplete without anybody knowing
is found here, before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from loader.errors import SourceError
from loader.records import PROBLEM, RECORD_NO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from loader.records import Batch, SourceFile

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

KEY: Final = "__key"  # String: what tells which record the row belongs to; null where nothing does
KEPT: Final = "__kept"  # Boolean: whether the mapping's `where` keeps the row
MOST_ROWS: Final = 100_000
"""So many rows a record may have, may stand apart from their records, and may have no key."""

Place = tuple[int, int]
"""The index of a file and the number of a record in it."""


@dataclass(frozen=True, slots=True)
class GroupIndex:
    """What is not plain about the rows of records.

    Attributes:
        records: How many records there are; None where that is not known.
        moved: The first rows of runs that belong to a record further up.
        gathered: The first row of a record -> its rows in such runs, in the order of the file.
        extra: The index of a file -> the surplus cells of those rows, by record number.
        remarks: A row -> why its record is not known to be whole.
        notes: What people should know.
    """

    records: int | None = None
    moved: frozenset[Place] = frozenset()
    gathered: Mapping[Place, pl.DataFrame] = field(default_factory=dict)
    extra: Mapping[int, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    remarks: Mapping[Place, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the rows of every record stand one below the other, and all are known to be there."""
        return not (self.moved or self.remarks)


@dataclass(slots=True)
class Runs:
    """The runs of all files, a column an attribute; of a run over several batches one line.

    Attributes:
        file_no: The file.
        number: The record number of the first row.
        count: How many rows.
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


def starts_of(keys: pl.Series, before: str | None) -> Flags:
    """Which rows begin a run; `before` is the key of the row before the first one."""
    previous = pl.concat([pl.Series([before], dtype=pl.String), keys.head(max(0, len(keys) - 1))])
    same = (keys == previous.head(len(keys))).fill_null(value=False)
    return ~same.to_numpy()


class GroupScan:
    """One pass over a source's rows, batch by batch.

    Args:
        by: The column that tells which rows are one record.
    """

    def __init__(self, by: str) -> None:
        self._by = by
        self._parts: list[Runs] = []
        self._file_no = -1
        self._last: str | None = None

    def add(self, file: SourceFile, rows: pl.DataFrame) -> None:
        """Takes the next rows.

        Args:
            file: Their file.
            rows: KEY, KEPT, PROBLEM and RECORD_NO.

        Raises:
            SourceError: A record has more than `MOST_ROWS` rows.
        """
        if file.file_no != self._file_no:
            self._file_no, self._last = file.file_no, None
        begins = starts_of(rows[KEY], self._last)
        self._last = rows[KEY][-1]
        begun = np.flatnonzero(begins)
        if not begins[0]:
            self._continue(rows.head(int(begun[0]) if len(begun) else rows.height))
        if len(begun):
            self._parts.append(_runs(file.file_no, rows, begun))
        if int(self._parts[-1].count.max()) > MOST_ROWS:
            first = int(self._parts[-1].number[self._parts[-1].count.argmax()])
            raise SourceError(
                f"{file.path}: more than {MOST_ROWS:,} rows from record {first} on have the same {self._by}, "
                "and would be one record",
                next_step=f"Check that group_by: {self._by} names the column that tells records apart.",
            )

    def _continue(self, rows: pl.DataFrame) -> None:
        """Adds rows to the last run."""
        last = self._parts[-1]
        last.count[-1] += rows.height
        last.unreadable[-1] &= rows[PROBLEM].is_not_null().all()
        last.kept[-1] |= rows[KEPT].any()

    def runs(self) -> Runs:
        """All runs."""
        names = Runs.__dataclass_fields__
        if not self._parts:
            nothing = np.zeros(0, dtype=np.int64)
            no = nothing.astype(np.bool_)
            return Runs(nothing, nothing, nothing, nothing.astype(np.uint64), no, no, no)
        return Runs(**{name: np.concatenate([getattr(part, name) for part in self._parts]) for name in names})


def _runs(file_no: int, rows: pl.DataFrame, begun: NDArray[np.intp]) -> Runs:
    """The runs that begin in these rows, as far as these go; the rows before the first are another's."""
    keys = rows[KEY].gather(begun)
    problem = rows[PROBLEM].is_not_null().to_numpy()
    return Runs(
        file_no=np.full(len(begun), file_no, dtype=np.int64),
        number=rows[RECORD_NO].to_numpy()[begun].astype(np.int64),
        count=np.diff(np.append(begun, rows.height)).astype(np.int64),
        key=np.where(keys.is_null().to_numpy(), np.uint64(0), keys.hash().to_numpy()),
        keyless=keys.is_null().to_numpy().copy(),
        unreadable=np.logical_and.reduceat(problem, begun),
        kept=np.logical_or.reduceat(rows[KEPT].to_numpy(), begun),
    )


def layout_of(
    runs: Runs,
    by: str,
    files: Sequence[SourceFile],
    again: Callable[[], Iterable[tuple[Batch, pl.DataFrame]]],
) -> GroupIndex:
    """Tells from the runs of a source how its records lie.

    Args:
        runs: Those of all files.
        by: The column that tells which rows are one record.
        files: The files.
        again: Reads the source once more, each batch with KEY and KEPT beside its rows; only called where
            the rows of a record stand apart.

    Raises:
        SourceError: Too many rows stand apart or have no key, or rows that may belong to any record stand
            in a file that is not sorted.
    """
    apart = runs.kept & ~runs.keyless & _again(runs.key, runs.kept & ~runs.keyless)
    unreadable = runs.unreadable & ~runs.keyless
    apart &= ~unreadable | np.isin(runs.key, runs.key[apart & ~unreadable])
    doubtful = (runs.keyless & runs.kept) | (unreadable & ~apart)
    total = len(runs.number)
    if int(doubtful.sum()) > MOST_ROWS:
        raise _too_many_doubtful(runs, doubtful, by, files)
    remarks = _Remarks()
    _doubt_neighbours(runs, doubtful, by, remarks)
    if not apart.any():
        return GroupIndex(records=total, remarks=remarks.found)
    _refuse_scattered(runs, apart, doubtful, by, files)
    texts, rows, extra = _read_apart(runs, apart, again())
    moved, gathered, notes = _gather(runs, texts, rows, files)
    _doubt_other_files(runs, texts, by, files, remarks)
    return GroupIndex(total - len(moved), frozenset(moved), gathered, extra, remarks.found, notes)


def _again(keys: NDArray[np.uint64], among: Flags) -> Flags:
    """Which runs have a key that stands in several of these runs."""
    found, counts = np.unique(keys[among], return_counts=True)
    return np.isin(keys, found[counts > 1])


class _Remarks:
    """Why records are not known to be whole, row by row."""

    def __init__(self) -> None:
        self.found: dict[Place, str] = {}

    def add(self, place: Place, text: str) -> None:
        before = self.found.get(place)
        self.found[place] = f"{before}; {text}" if before else text


def _doubt_neighbours(runs: Runs, doubtful: Flags, by: str, remarks: _Remarks) -> None:
    """A row that may belong to the record above or below: neither is known to be whole."""
    solid = np.flatnonzero(~doubtful & ~(runs.keyless & ~runs.kept))
    for run in np.flatnonzero(doubtful).tolist():
        file_no, number = int(runs.file_no[run]), int(runs.number[run])
        if runs.keyless[run] and not runs.unreadable[run]:
            remarks.add(
                (file_no, number), f"column {by} is empty: which record the row belongs to is not said"
            )
        what = "cannot be read" if runs.unreadable[run] else f"has no {by}"
        after = int(np.searchsorted(solid, run))
        for side, index in (("below", after - 1), ("above", after)):
            if not 0 <= index < len(solid) or runs.file_no[solid[index]] != file_no:
                continue
            near = int(solid[index])
            place = int(runs.number[near]) + (int(runs.count[near]) - 1 if side == "below" else 0)
            beside = f"a row {side} it (record "
            if beside not in remarks.found.get((file_no, place), ""):
                remarks.add((file_no, place), f"{beside}{number}) {what}, and may belong to this record")


def _doubt_other_files(
    runs: Runs, texts: Mapping[int, str], by: str, files: Sequence[SourceFile], remarks: _Remarks
) -> None:
    """A record whose rows stand in two files is invalid in both: it belongs to neither as a whole."""
    where: dict[str, dict[int, int]] = {}
    for run, text in texts.items():
        where.setdefault(text, {}).setdefault(int(runs.file_no[run]), int(runs.number[run]))
    for text, places in where.items():
        for file_no, number in places.items() if len(places) > 1 else ():
            other, there = next(each for each in places.items() if each[0] != file_no)
            remarks.add(
                (file_no, number),
                f'{by} "{text[:60]}" also stands in {files[other].name}, record {there}: all rows of a '
                "record must stand in one file",
            )


def _refuse_scattered(
    runs: Runs, apart: Flags, doubtful: Flags, by: str, files: Sequence[SourceFile]
) -> None:
    """Refuses a file whose rows lie in no order where that leaves a doubt, or more than fits into memory.

    Raises:
        SourceError: It does.
    """
    _, first = np.unique(
        np.stack((runs.file_no[apart], runs.key[apart].view(np.int64))), axis=1, return_index=True
    )
    later = np.flatnonzero(apart)
    later = np.delete(later, first)
    if int(runs.count[later].sum()) > MOST_ROWS:
        raise SourceError(
            f"{files[int(runs.file_no[later[0]])].path}: is not sorted by {by}: more than {MOST_ROWS:,} rows "
            f"stand apart from their records (the first: {_pair(runs, apart, int(later[0]))})",
            next_step=f"Sort the file by {by}, its header kept on top, and run the same command again.",
        )
    for run in np.flatnonzero(doubtful).tolist():
        here = later[runs.file_no[later] == runs.file_no[run]]
        if len(here):
            what = "cannot be read as a row" if runs.unreadable[run] else f"has no {by}"
            path = files[int(runs.file_no[run])].path
            raise SourceError(
                f"{path}: record {runs.number[run]} {what}, and the file is not sorted by {by} "
                f"({_pair(runs, apart, int(here[0]))} are one record): which record the row belongs to "
                "cannot be told, and so which one would lack it",
                next_step=f"Mend the row, sort the file by {by}, or leave such rows out with where:.",
            )


def _pair(runs: Runs, apart: Flags, later: int) -> str:
    """The places of a run that stands apart and of the first one of its record."""
    same = apart & (runs.key == runs.key[later]) & (runs.file_no == runs.file_no[later])
    return f"records {runs.number[int(np.flatnonzero(same)[0])]} and {runs.number[later]}"


def _too_many_doubtful(runs: Runs, doubtful: Flags, by: str, files: Sequence[SourceFile]) -> SourceError:
    first = int(np.flatnonzero(doubtful)[0])
    return SourceError(
        f"{files[int(runs.file_no[first])].path}: which record they belong to cannot be told of more than "
        f"{MOST_ROWS:,} rows: {by} is empty, or they cannot be read (the first: record {runs.number[first]})",
        next_step=f"Check that group_by: {by} names the right column; every row needs its cell filled.",
    )


def _read_apart(
    runs: Runs, apart: Flags, again: Iterable[tuple[Batch, pl.DataFrame]]
) -> tuple[dict[int, str], dict[int, list[pl.DataFrame]], dict[int, dict[int, tuple[str, ...]]]]:
    """Reads the runs of scattered records: their keys, rows and surplus cells, by the index of the run."""
    texts: dict[int, str] = {}
    rows: dict[int, list[pl.DataFrame]] = {}
    extra: dict[int, dict[int, tuple[str, ...]]] = {}
    of_file = {int(each): np.flatnonzero(apart & (runs.file_no == each)) for each in np.unique(runs.file_no)}
    firsts: dict[tuple[int, int], int] = {}
    for run in np.flatnonzero(apart).tolist():
        firsts.setdefault((int(runs.file_no[run]), int(runs.key[run])), run)
    for batch, keyed in again:
        file_no = batch.file.file_no
        here = of_file[file_no]
        for run, part in _parts_of(keyed, here, runs):
            if part[RECORD_NO][0] == runs.number[run]:
                texts[run] = part[KEY][0]
            if firsts[file_no, int(runs.key[run])] != run:
                rows.setdefault(run, []).append(part.drop(KEY).rechunk())
                numbers = part[RECORD_NO]
                found = {each: batch.extra[each] for each in numbers if each in batch.extra}
                extra.setdefault(file_no, {}).update(found)
    return texts, rows, extra


def _parts_of(keyed: pl.DataFrame, here: NDArray[np.intp], runs: Runs) -> Iterator[tuple[int, pl.DataFrame]]:
    """The parts of these rows that belong to one of the runs."""
    first = int(keyed[RECORD_NO][0])
    numbers, ends = runs.number[here], runs.number[here] + runs.count[here]
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
) -> tuple[set[Place], dict[Place, pl.DataFrame], tuple[str, ...]]:
    """Puts later runs to the first of their record; runs are alike by their keys, not by hashes alone."""
    moved: set[Place] = set()
    found: dict[tuple[int, str], tuple[int, list[pl.DataFrame]]] = {}
    told: dict[int, list[tuple[int, int]]] = {}
    for run in sorted(texts):
        file_no = int(runs.file_no[run])
        first, below = found.setdefault((file_no, texts[run]), (run, []))
        if first != run:
            moved.add((file_no, int(runs.number[run])))
            if not below:
                told.setdefault(file_no, []).append((int(runs.number[first]), int(runs.number[run])))
            below.extend(rows[run])
    gathered = {
        (file_no, int(runs.number[first])): pl.concat(below)
        for (file_no, _), (first, below) in found.items()
        if below
    }
    notes = tuple(
        f"{files[file_no].name}: the rows of {len(pairs):,} records do not stand one below the other "
        f"(the first: records {pairs[0][0]} and {pairs[0][1]}); they are put together"
        for file_no, pairs in told.items()
    )
    return moved, gathered, notes
