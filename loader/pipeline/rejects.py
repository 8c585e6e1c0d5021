"""The rejects of a load or a dry run, put in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.pipeline.events import RejectsNote, SecondFileNotLinked
from loader.pipeline.rows.grouped import unlinked_second_files

if TYPE_CHECKING:
    from pathlib import Path

    from loader.grouping import GroupedSource
    from loader.pipeline.events import Observer
    from loader.report import RejectsWriter
    from loader.source import Source


def close_rejects(
    writer: RejectsWriter, folder: Path, source: Source | GroupedSource, observer: Observer
) -> Path | None:
    """Put rejects in their place, and report what people must know to load them again.

    Args:
        writer: Has every rejected row.
        folder: Where the file goes.
        source: The files that the rows come from.
        observer: Watches.

    Returns:
        The file; None where nothing was rejected.

    Raises:
        Stopped: The file cannot be written.
    """
    path = writer.close()
    for note in writer.notes:
        observer.on_event(RejectsNote(str(path), note))
    if path is not None:
        for name, target in unlinked_second_files(folder, source).items():
            observer.on_event(SecondFileNotLinked(str(path), name, target))
    return path
