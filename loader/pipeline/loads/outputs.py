"""What a load leaves behind: results, rejects, report and summary, written from the journal."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loader.errors import LoaderError
from loader.pipeline.events import PageFailed
from loader.pipeline.rejects import close_rejects
from loader.records import REJECTED, Status
from loader.report import RejectsWriter, Summary, load_rows, write_results
from loader.report.atomic import replacing
from loader.report.finding_groups import FindingGroups
from loader.report.folder import PAGE, RESULTS, SUMMARY, files_of, folder_of, make_folder

if TYPE_CHECKING:
    from loader.grouping import GroupedSource
    from loader.journal import Journal
    from loader.pipeline.context import RunContext
    from loader.pipeline.events import Observer
    from loader.records import Load
    from loader.resources import RecordTypes
    from loader.source import Source

# --- Summary -----------------------------------------------------------------------------------------


def summarise(journal: Journal, load_id: str, home: Path) -> Summary:
    """Return what the journal knows of a load now, with those of its files that are there.

    A load that no process works on any more, and that had no time to write so, is interrupted.
    """
    load, totals = journal.load(load_id), journal.totals(load_id)
    dead = load.state == "running" and not journal.is_claimed(load.tenant, load.resource, load.load_id)
    approved = load.manifest.approved
    return Summary(
        load_id=load.load_id,
        resource=load.resource,
        tenant=load.tenant,
        state="interrupted" if dead else load.state,
        rows=load_rows(sum(totals.values()), totals),
        requests=load.requests,
        seconds=load.seconds,
        files=files_of(folder_of(home, load.load_id)),
        approved=approved.code if approved else None,
    )


def finished_summary(journal: Journal, load: Load, home: Path) -> Summary | None:
    """Return the summary of a finished load that has its outputs; None where something is left to do."""
    summary = summarise(journal, load.load_id, home)
    try:
        written = json.loads((folder_of(home, load.load_id) / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = (
        load.state == "finished" and written["state"] == "finished" and written["rows"] == dict(summary.rows)
    )
    open_rows = sum(summary.rows[status] for status in (Status.PENDING, Status.IN_DOUBT, Status.BLOCKED))
    again = open_rows or journal.count_refused_for_now(load.load_id)
    return summary if whole and not again else None


def finding_groups(journal: Journal, load: Load) -> FindingGroups:
    """Return why rows of a load were rejected or are in doubt; in memory that does not grow with them."""
    groups = FindingGroups()
    for row in journal.row_results(load.load_id, REJECTED | {Status.IN_DOUBT}):
        groups.add_row(row, load.files[row.file_no].name)
    return groups


# --- Files -------------------------------------------------------------------------------------------


def write_outputs(
    journal: Journal,
    load: Load,
    source: Source | GroupedSource,
    context: RunContext,
    *,
    read: int | None,
    batch_size: int,
) -> tuple[Summary, FindingGroups]:
    """Write a load's results, rejects, report and summary.

    Args:
        journal: Where its rows are.
        load: The load.
        source: Its files, for the cells of rejected rows.
        context: Where the files go; its observer learns what people must know to load the rejects again, and
            why there is no report.
        read: How many rows were taken from the source, as whoever took them counted; None where that was
            broken off in between. Then there is no report: whoever broke it off wants it to end.
        batch_size: How many records a batch had: a file that breaks off is read again as far as it was.

    Returns:
        The summary, and why rows were rejected or are in doubt.

    Raises:
        Unbalanced: The rows read are not the sum of what they became; the files are written all the same.
        Stopped: A file cannot be written, or the source cannot be read again.
    """
    folder = folder_of(context.home, load.load_id)
    # The old report goes first and the new one comes last: none is there that tells other numbers than the
    # files beside it, whenever the process ends.
    _drop_page(folder)
    _write_results(journal, load, folder)
    _write_rejects(journal, load, source, folder, batch_size=batch_size, observer=context.observer)
    groups = finding_groups(journal, load)
    summary = replace(summarise(journal, load.load_id, context.home), findings=groups.counts())
    if read is not None:
        summary = replace(summary, rows={**summary.rows, "read": read})
    summary.write(folder / SUMMARY)
    if read is not None:
        summary = add_page(journal, summary, context)
    summary.check_balance()
    return summary, groups


def rewrite_outputs(journal: Journal, load: Load, context: RunContext) -> tuple[Summary, FindingGroups]:
    """Write a load's results, report and summary again, where only rows in doubt have changed.

    Rejects stay as they are: no row in doubt is in them.

    Returns:
        The summary, and why rows were rejected or are in doubt.

    Raises:
        LoaderError: A file cannot be written.
    """
    folder = folder_of(context.home, load.load_id)
    make_folder(folder)
    _drop_page(folder)
    _write_results(journal, load, folder)
    groups = finding_groups(journal, load)
    summary = replace(summarise(journal, load.load_id, context.home), findings=groups.counts())
    summary.write(folder / SUMMARY)
    return add_page(journal, summary, context), groups


def _write_results(journal: Journal, load: Load, folder: Path) -> None:
    names = [file.name for file in load.files]
    write_results(folder / RESULTS, journal.row_results(load.load_id), names)


def _write_rejects(
    journal: Journal,
    load: Load,
    source: Source | GroupedSource,
    folder: Path,
    *,
    batch_size: int,
    observer: Observer,
) -> None:
    with RejectsWriter(folder, source.files) as writer:
        rejected = journal.row_results(load.load_id, REJECTED)
        # To count first spares reading a source of which no row was rejected.
        if any(journal.totals(load.load_id)[status] for status in REJECTED):
            writer.add_rows(source.batches(batch_size), rejected)
        close_rejects(writer, folder, source, observer)


# --- Report ------------------------------------------------------------------------------------------


def add_page(journal: Journal, summary: Summary, context: RunContext) -> Summary:
    """Write a load's report, and its summary once more, with the report's path.

    Whatever keeps the report from being made, the load is what it is.

    Args:
        journal: Where its rows are.
        summary: What it came to.
        context: Where the report goes; its observer learns where there is none, and why.

    Returns:
        The summary, with the report where it could be made.
    """
    folder = folder_of(context.home, summary.load_id or "")
    try:
        with journal.at_one_moment():
            html = _render_page(journal, summary, folder, context.types)
        _write_page(folder, html)
        summary = replace(summary, files=files_of(folder))
        summary.write(folder / SUMMARY)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a fault in a library that is written in Rust is no Exception
        reason = error.message if isinstance(error, LoaderError) else f"{type(error).__name__}: {error}"
        context.observer.on_event(PageFailed(summary.load_id or "", PAGE, reason))
    return summary


def rewrite_page(journal: Journal, load_id: str, context: RunContext) -> tuple[Path, Summary]:
    """Write a load's report again, as the journal has it now; also while another process works on the load.

    Returns:
        The file, and the summary that it shows.

    Raises:
        LoaderError: The journal cannot be read, or the file cannot be written.
    """
    folder = folder_of(context.home, load_id)
    make_folder(folder)
    while True:
        with journal.at_one_moment():
            before = journal.load(load_id)
            summary = summarise(journal, load_id, context.home)
            html = _render_page(journal, summary, folder, context.types)
        # A load that ended meanwhile has written a report of its own, which knows more.
        if summary.state != "running" or journal.load(load_id).state == before.state:
            return _write_page(folder, html), summary


def _render_page(journal: Journal, summary: Summary, folder: Path, types: RecordTypes) -> str:
    from loader.pipeline.loads.load_report import load_page  # noqa: PLC0415 - a load need not wait for it at its start
    from loader.report.page import render  # noqa: PLC0415 - likewise

    load_id = summary.load_id or ""
    # A load that had no time to write how it ended has files of an earlier run, if any: no link to those.
    ended = journal.load(load_id).state != "running"
    names = [Path(path).name for name, path in files_of(folder).items() if name != "report"]
    names += [SUMMARY] if (folder / SUMMARY).exists() else []
    links = names if ended else []
    return render(load_page(journal, load_id, summary, types, at=datetime.now(UTC), links=links))


def _write_page(folder: Path, html: str) -> Path:
    path = folder / PAGE
    with replacing(path) as file:
        file.write(html.encode())
    return path


def _drop_page(folder: Path) -> None:
    with contextlib.suppress(OSError):  # what is in the way is reported when the new one is written
        (folder / PAGE).unlink(missing_ok=True)
