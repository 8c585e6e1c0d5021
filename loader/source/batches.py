"""Cut the records of a file into batches: one loop for all formats."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from loader.records import LINE, PROBLEM, RECORD_NO, Batch, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from loader.records import SourceFile

    Numbers = NDArray[np.int64]


class SourceReader(Protocol):
    """A file that is open: its records can be read from any position on, as often as needed.

    Every format has one. Each pass opens the file again, so that several can be in progress.
    """

    @property
    def file(self) -> SourceFile:
        """What others may know of the file; `file.schema` has its columns."""

    @property
    def height(self) -> int:
        """How many records it has; an estimate for a CSV file that is not small."""

    def batches(self, size: int, start: Position, limit: int | None) -> Iterator[Batch]:
        """Read batches of records from a position on, in the order of the file.

        Args:
            size: Records per batch; the last one may have fewer, and none is empty.
            start: Where to start: the file's first record, or where an earlier batch of it ended.
            limit: Stop before the record with this `seq`; None: read to the end of the file.

        Raises:
            SourceError: The file cannot be read any further, or has changed since it was opened.
        """


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of a file, as many as one step of reading gives.

    Attributes:
        rows: The file's columns, then PROBLEM.
        starts: The offset of each record's first byte, as in `Position`; all 0 where the format has none.
        ends: The offset after each record's line end, likewise.
        lines: The line that each record starts on, from 1; all 0 where the format has none.
        next_lines: The line after each record, likewise.
        extra: The index of a record in the chunk -> the text of its surplus cells.
        raw: Each record's own text, for NDJSON; None for other formats.
    """

    rows: pl.DataFrame
    starts: Numbers
    ends: Numbers
    lines: Numbers
    next_lines: Numbers
    extra: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    raw: pl.Series | None = None

    @property
    def height(self) -> int:
        """Return how many records it has."""
        return self.rows.height

    def part(self, first: int, last: int) -> Chunk:
        """Return the records from index `first` to before `last`."""
        part = slice(first, last)
        return Chunk(
            rows=self.rows.slice(first, last - first),
            starts=self.starts[part],
            ends=self.ends[part],
            lines=self.lines[part],
            next_lines=self.next_lines[part],
            extra={index - first: cells for index, cells in self.extra.items() if first <= index < last},
            raw=None if self.raw is None else self.raw.slice(first, last - first),
        )


def in_batches(
    file: SourceFile, chunks: Iterable[Chunk], size: int, start: Position, limit: int | None
) -> Iterator[Batch]:
    """Cut the records of one file into batches.

    Args:
        file: The file.
        chunks: Its records from `start` on; no more of them are asked for than the batches need.
        size: Records per batch; the last one may have fewer, and none is empty.
        start: The position of the first record.
        limit: Stop before the record with this `seq`; None: take all records.

    Raises:
        SourceError: Reading the chunks fails.
    """
    at, waiting, held = start, list[Chunk](), 0
    if not (needed := _needed(size, at, limit)):
        return
    for chunk in chunks:
        first = 0
        while chunk.height - first >= needed - held:
            last = first + needed - held
            yield (batch := _batch(file, [*waiting, chunk.part(first, last)], at))
            at, waiting, held, first = batch.end, [], 0, last
            if not (needed := _needed(size, at, limit)):
                return
        if first < chunk.height:
            waiting.append(chunk.part(first, chunk.height))
            held += chunk.height - first
    if waiting:
        yield _batch(file, waiting, at)


def _needed(size: int, at: Position, limit: int | None) -> int:
    """Return how many records the next batch takes."""
    return size if limit is None else max(0, min(size, limit - at.seq))


def _batch(file: SourceFile, parts: list[Chunk], at: Position) -> Batch:
    chunk = parts[0] if len(parts) == 1 else _joined(parts)
    end = Position(
        seq=at.seq + chunk.height,
        file_no=file.file_no,
        record_no=at.record_no + chunk.height,
        line=int(chunk.next_lines[-1]),
        offset=int(chunk.ends[-1]),
    )
    numbers = pl.Series(RECORD_NO, np.arange(at.record_no, end.record_no, dtype=np.int64))
    # A format that has no lines has 0 for each, which nobody should see as a line.
    lines = pl.Series(LINE, chunk.lines) if end.line else pl.lit(None, pl.Int64).alias(LINE)
    return Batch(
        file=file,
        start=Position(at.seq, file.file_no, at.record_no, int(chunk.lines[0]), int(chunk.starts[0])),
        end=end,
        rows=chunk.rows.select(*file.schema, numbers, lines, PROBLEM),
        extra={at.record_no + index: cells for index, cells in chunk.extra.items()},
        raw=chunk.raw,
        offsets=chunk.starts if end.offset else None,
    )


def _joined(parts: list[Chunk]) -> Chunk:
    firsts = accumulate((part.height for part in parts), initial=0)
    raws = [part.raw for part in parts if part.raw is not None]
    return Chunk(
        rows=pl.concat([part.rows for part in parts], rechunk=True),
        starts=np.concatenate([part.starts for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        lines=np.concatenate([part.lines for part in parts]),
        next_lines=np.concatenate([part.next_lines for part in parts]),
        extra={
            first + index: cells
            for first, part in zip(firsts, parts, strict=False)
            for index, cells in part.extra.items()
        },
        raw=pl.concat(raws) if raws else None,
    )
