"""What a load leaves behind: results, rejects, report and summary, written from the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loader.pipeline.loads.folder import folder_of, make_folder
from loader.pipeline.loads.page_file import add_page, drop_page
from loader.pipeline.loads.rejected_rows import write_rejects
from loader.pipeline.loads.summary import summarise
from loader.records import REJECTED
from loader.report import write_results

if TYPE_CHECKING:
    from pathlib import Path

    from loader.grouping import GroupedSource
    from loader.journal import Journal
    from loader.pipeline.events import Observer
    from loader.records import Load
    from loader.report import Summary
    from loader.source import Source


def write_receipts(
    journal: Journal,
    load: Load,
    source: Source | GroupedSource,
    home: Path,
    *,
    read: int | None,
    batch_size: int,
    watcher: Observer,
) -> Summary:
    """Writes a load's results, rejects, report and summary.

    Args:
        journal: Where its rows stand.
        load: The load.
        source: Its files, for the cells of rejected rows.
        home: The folder below which they go.
        read: How many rows were taken from the source, as whoever took them counted; None where it was
            broken off in between. Then there is no report: whoever broke it off wants it to end.
        batch_size: How many records a batch had: a file that breaks off is read again as far as it was.
        watcher: Is told what people must know to load the rejects again, and why there is no report.

    Raises:
        Unbalanced: The rows read are not the sum of what they became; the files are written all the same.
        Stopped: A file cannot be written, or the source cannot be read again.
    """
    folder = folder_of(home, load.load_id)
    drop_page(folder)
    names = [file.name for file in load.files]
    write_results(folder / "results.csv", journal.receipts(load.load_id), names)
    wanted = sum(count for status, count in journal.totals(load.load_id).items() if status in REJECTED)
    rejected = journal.receipts(load.load_id, REJECTED)
    write_rejects(folder, source, rejected, wanted, watcher=watcher, batch_size=batch_size)
    summary = summarise(journal, load.load_id, home)
    if read is not None:
        summary = replace(summary, rows={**summary.rows, "read": read})
    summary.write(folder / "summary.json")
    if read is not None:
        summary = add_page(journal, summary, home, watcher)
    summary.check_balance()
    return summary


def rewrite_results(journal: Journal, load: Load, home: Path, watcher: Observer) -> Summary:
    """Writes a load's results, report and summary again, where only rows in doubt have changed.

    Rejects are as they were.

    Raises:
        LoaderError: A file cannot be written.
    """
    folder = folder_of(home, load.load_id)
    make_folder(folder)
    drop_page(folder)
    names = [file.name for file in load.files]
    write_results(folder / "results.csv", journal.receipts(load.load_id), names)
    summary = summarise(journal, load.load_id, home)
    summary.write(folder / "summary.json")
    return add_page(journal, summary, home, watcher)
