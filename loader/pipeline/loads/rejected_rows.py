"""The rejected rows of a load or a dry run, taken from its source and written beside its other files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from loader.pipeline.loads.folder import REJECTS
from loader.pipeline.rows.grouped import link_second_files
from loader.report import Rejected, RejectsWriter
from loader.report.atomic import speaking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.grouping import GroupedSource
    from loader.pipeline.events import Observer
    from loader.records import DecidedRow, RowResult
    from loader.source import Source


def write_rejects(
    folder: Path,
    source: Source | GroupedSource,
    receipts: Iterator[RowResult],
    wanted: int,
    *,
    watcher: Observer,
    batch_size: int,
) -> Path | None:
    """Writes the rejected rows of a source, cell for cell, in the place of those of an earlier run.

    Args:
        folder: Where to.
        source: The files; read again as far as the last rejected row.
        receipts: The rejected rows, in order.
        wanted: How many of them are rejected.
        watcher: Is told what people must know to load the file again.
        batch_size: Records to read at once.

    Returns:
        The file; None where nothing was rejected.

    Raises:
        ConfigurationError: The file would replace one of the source's own.
        Stopped: The file cannot be written, or the source cannot be read again.
    """
    with RejectsWriter(folder, source.files) as writer:
        following = next(receipts, None) if wanted else None
        batches = source.batches(batch_size)
        while following is not None:
            batch = next(batches)
            here: list[RowResult] = []
            while following is not None and following.seq < batch.end.seq:
                here.append(following)
                following = next(receipts, None)
            writer.add(batch, {each.record_no: rejected(each) for each in here})
        return close_rejects(writer, folder, source, watcher)


def close_rejects(
    writer: RejectsWriter, folder: Path, source: Source | GroupedSource, watcher: Observer
) -> Path | None:
    """Puts rejects in their place, and says what people must know to load them again.

    Args:
        writer: Has every rejected row.
        folder: Where the file is.
        source: The files that the rows come from.
        watcher: Is told.

    Returns:
        The file; None where nothing was rejected.

    Raises:
        Stopped: The file cannot be written.
    """
    path = writer.close()
    for note in writer.notes:
        watcher.note(f"{path}: {note}")
    _remove_others(folder, path, source)
    for note in link_second_files(folder, source) if path else ():
        watcher.note(f"{path}: {note}")
    return path


def _remove_others(folder: Path, path: Path | None, source: Source | GroupedSource) -> None:
    """Removes rejects in another form, left by an earlier run; never a file of the source."""
    kept = {Path(file.path).resolve() for file in source.files}
    for name in REJECTS:
        old = folder / name
        if old != path and old.resolve() not in kept:
            with speaking(old):
                old.unlink(missing_ok=True)


def rejected(row: RowResult | DecidedRow) -> Rejected:
    """Why a row was rejected, as its rejects say it."""
    findings = json.loads(row.findings) if row.findings else []
    return Rejected(status=row.status, findings=findings, message=row.message)
