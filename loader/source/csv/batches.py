"""From the chunks that reading brings to batches of a fixed number of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loader.records import LINE, PROBLEM, RECORD_NO, Batch, Position
from loader.source.columns import with_header_again
from loader.source.unfixed_rejects import with_unmended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.source.csv.bytes_dialect import Chunk
    from loader.source.csv.file import CsvFile


def csv_batches(file: CsvFile, rows: int, start: Position, stop: int | None) -> Iterator[Batch]:
    """Reads batches of `rows` records of one file from a position on.

    Args:
        file: The file.
        rows: Records a batch; the last one may have fewer.
        start: Where to begin; in this file.
        stop: The `seq` to stop before; None: the end of the file.

    Raises:
        SourceError: It cannot be read on.
    """
    seq, record_no = start.seq, start.record_no
    wanted = _wanted(rows, seq, stop)
    waiting: list[Chunk] = []
    held = 0
    if not wanted:
        return
    for chunk in file.chunks(start):
        first = 0
        while chunk.height - first >= wanted - held:
            last = first + wanted - held
            yield _batch(file, [*waiting, chunk.part(first, last)], seq, record_no)
            seq, record_no, first = seq + wanted, record_no + wanted, last
            waiting, held, wanted = [], 0, _wanted(rows, seq, stop)
            if not wanted:
                return
        if first < chunk.height:
            waiting.append(chunk.part(first, chunk.height))
            held += chunk.height - first
    if held:
        yield _batch(file, waiting, seq, record_no)


def _wanted(rows: int, seq: int, stop: int | None) -> int:
    """How many records the next batch is to have."""
    return rows if stop is None else max(0, min(rows, stop - seq))


def _batch(file: CsvFile, parts: list[Chunk], seq: int, record_no: int) -> Batch:
    first, last = parts[0], parts[-1]
    frame = first.frame if len(parts) == 1 else pl.concat([part.frame for part in parts], rechunk=True)
    lines = np.concatenate([part.lines for part in parts])
    numbers = np.arange(record_no, record_no + frame.height, dtype=np.int64)
    file_no, dialect = file.file.file_no, file.file.dialect
    own = (pl.Series(RECORD_NO, numbers), pl.Series(LINE, lines))
    after = record_no + frame.height
    return Batch(
        file=file.file,
        start=Position(seq, file_no, record_no, int(first.lines[0]), int(first.starts[0])),
        end=Position(seq + frame.height, file_no, after, int(last.next_lines[-1]), int(last.ends[-1])),
        rows=with_header_again(
            with_unmended(frame, file.columns, dialect.quote if dialect else None), file.form.header
        )
        .with_columns(own)
        .select(*file.columns, RECORD_NO, LINE, PROBLEM),
        extra=_extra(parts, record_no),
        offsets=first.starts if len(parts) == 1 else np.concatenate([part.starts for part in parts]),
    )


def _extra(parts: list[Chunk], record_no: int) -> dict[int, tuple[str, ...]]:
    extra: dict[int, tuple[str, ...]] = {}
    for part in parts:
        extra.update({record_no + index: cells for index, cells in part.extra.items()})
        record_no += part.height
    return extra
