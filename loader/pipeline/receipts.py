"""What a load leaves behind: results, rejects, report and summary, written from the journal."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import ConfigurationError, LoaderError
from loader.journal import is_claimed
from loader.pipeline.approval import approved_code
from loader.pipeline.several import link_second_files
from loader.records import REJECTED, Receipt, Status
from loader.report import Rejected, RejectsWriter, Summary, load_rows, write_results
from loader.report.atomic import replacing, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from loader.pipeline.watch import Watcher
    from loader.records import Judged, Load
    from loader.source import GroupedSource, Source

_BATCH: Final = 10_000
_MOST_REASONS: Final = 1000
_PLACES: Final = 3
_PAGE: Final = "report.html"
_SUFFIXES: Final = ("csv", "parquet", "ndjson", "xlsx")
_NUMBERS: Final = re.compile(r"[0-9]+")
_VALUES: Final = re.compile(r'"[^"]*"')


@dataclass(slots=True)
class Reason:
    """Why rows were rejected or are in doubt.

    Attributes:
        words: What was found wrong, in the words of the first such row.
        count: How many rows.
        places: The record numbers of the first few.
    """

    words: str
    count: int = 0
    places: list[str] = field(default_factory=list)


def reasons_of(journal: Journal, load_id: str) -> list[Reason]:
    """The reasons of a load's rejected and doubtful rows, most frequent first.

    A row with several findings counts under each. Past a thousand different ones the rest are told as
    one, so that memory stays flat.
    """
    found: dict[tuple[str, str], Reason] = {}
    for receipt in journal.receipts(load_id, REJECTED | {Status.IN_DOUBT}):
        for key, words in _words_of(receipt):
            place = key if key in found or len(found) < _MOST_REASONS else ("", "")
            reason = found.setdefault(place, Reason(words if any(place) else "other reasons"))
            reason.count += 1
            if len(reason.places) < _PLACES:
                reason.places.append(str(receipt.record_no))
    return sorted(found.values(), key=lambda each: -each.count)


def _words_of(receipt: Receipt) -> Iterator[tuple[tuple[str, str], str]]:
    findings = json.loads(receipt.findings) if receipt.findings else []
    status = receipt.status.value.replace("_", " ")
    for each in findings:
        path, message = each["field"], each["message"]
        told = message if not path or message.startswith(path) else f"{path}: {message}"
        yield (path, each["expected"] or message), f"{status}: {told}"
    if not findings:
        yield (status, receipt.message), f"{status}: {receipt.message}"


def _alike(message: str) -> str:
    """A message without its numbers and values: the same for all that say the same of other rows."""
    return _NUMBERS.sub("#", _VALUES.sub('"…"', message))


def folder_of(home: Path, load_id: str) -> Path:
    """Where a load's files are."""
    return home / "loads" / load_id


def make_folder(folder: Path) -> None:
    """Makes a folder for the files of a load or a dry run, for its owner only, where it is missing.

    Raises:
        ConfigurationError: It cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: files cannot be written into this folder: {error.strerror or error}",
            next_step="make it writable, or name another",
        ) from None


def finished_summary(journal: Journal, load: Load, home: Path) -> Summary | None:
    """The summary of a load that is finished and has its receipts; None where something is left to do."""
    summary = summarise(journal, load.load_id, home)
    try:
        written = json.loads((folder_of(home, load.load_id) / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = (
        load.state == "finished" and written["state"] == "finished" and written["rows"] == dict(summary.rows)
    )
    open_rows = sum(summary.rows[each] for each in (Status.PENDING, Status.IN_DOUBT, Status.BLOCKED))
    again = open_rows or journal.count_refused_for_now(load.load_id)
    return summary if whole and not again else None


def summarise(journal: Journal, load_id: str, home: Path) -> Summary:
    """A load as the journal has it now, with those of its files that are there.

    A load that no process works on any more, and that had no time to say so, is interrupted.
    """
    load, totals = journal.load(load_id), journal.totals(load_id)
    dead = load.state == "running" and not is_claimed(home, load.tenant, load.resource, load.load_id)
    return Summary(
        load_id=load.load_id,
        resource=load.resource,
        tenant=load.tenant,
        state="interrupted" if dead else load.state,
        rows=load_rows(sum(totals.values()), totals),
        requests=load.requests,
        seconds=load.seconds,
        files=_files(folder_of(home, load.load_id)),
        approved=approved_code(load),
    )


def _files(folder: Path) -> dict[str, str]:
    found = {"results": folder / "results.csv"}
    for suffix in _SUFFIXES:
        found |= {"rejects": path} if (path := folder / f"rejects.{suffix}").exists() else {}
    found["report"] = folder / _PAGE
    return {name: str(path) for name, path in found.items() if path.exists()}


def write_receipts(
    journal: Journal,
    load: Load,
    source: Source | GroupedSource,
    home: Path,
    *,
    read: int | None,
    batch_size: int,
    watcher: Watcher,
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
    _drop_page(folder)
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


def rewrite_results(journal: Journal, load: Load, home: Path, watcher: Watcher) -> Summary:
    """Writes a load's results, report and summary again, where only rows in doubt have changed.

    Rejects are as they were.

    Raises:
        LoaderError: A file cannot be written.
    """
    folder = folder_of(home, load.load_id)
    make_folder(folder)
    _drop_page(folder)
    names = [file.name for file in load.files]
    write_results(folder / "results.csv", journal.receipts(load.load_id), names)
    summary = summarise(journal, load.load_id, home)
    summary.write(folder / "summary.json")
    return add_page(journal, summary, home, watcher)


def add_page(journal: Journal, summary: Summary, home: Path, watcher: Watcher) -> Summary:
    """Writes a load's report, and its summary once more, with the report's path.

    Whatever keeps the report from being made, the load stands as it is.

    Args:
        journal: Where its rows stand.
        summary: What it came to.
        home: The folder below which it goes.
        watcher: Is told where there is no report, and why.

    Returns:
        The summary, with the report where it could be made.
    """
    folder = folder_of(home, summary.load_id or "")
    try:
        with journal.at_one_moment():
            html = _page(journal, summary, folder)
        _put_page(folder, html)
        summary = replace(summary, files=_files(folder))
        summary.write(folder / "summary.json")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a fault in a library that is written in Rust is no Exception
        told = error.message if isinstance(error, LoaderError) else f"{type(error).__name__}: {error}"
        watcher.note(
            f"warning: {_PAGE} cannot be made: {told}; the load is as it is, and so are its other files. "
            f"To try again: loader report {summary.load_id}"
        )
    return summary


def rewrite_page(journal: Journal, load_id: str, home: Path) -> tuple[Path, Summary]:
    """Writes a load's report again, as the journal has it now; also while another process works on the load.

    Returns:
        The file, and the summary that it tells.

    Raises:
        LoaderError: The journal cannot be read, or the file cannot be written.
    """
    folder = folder_of(home, load_id)
    make_folder(folder)
    while True:
        with journal.at_one_moment():
            before = journal.load(load_id)
            summary = summarise(journal, load_id, home)
            html = _page(journal, summary, folder)
        # A load that ended meanwhile has written a report of its own, which tells more.
        if summary.state != "running" or journal.load(load_id).state == before.state:
            return _put_page(folder, html), summary


def _page(journal: Journal, summary: Summary, folder: Path) -> str:
    from loader.pipeline.story import load_page  # noqa: PLC0415 - no load should wait for it at its beginning
    from loader.report.page import render  # noqa: PLC0415 - likewise

    load_id = summary.load_id or ""
    # Where a load had no time to say how it ended, its other files are of an earlier time, if they are there.
    whole = journal.load(load_id).state != "running"
    names = [Path(path).name for name, path in _files(folder).items() if name != "report"]
    names += ["summary.json"] if (folder / "summary.json").exists() else []
    links = names if whole else []
    return render(load_page(journal, load_id, summary, at=datetime.now(UTC), links=links))


def _put_page(folder: Path, html: str) -> Path:
    path = folder / _PAGE
    with replacing(path) as file:
        file.write(html.encode())
    return path


def _drop_page(folder: Path) -> None:
    """Removes the report of an earlier run, which would tell other numbers than what is written now."""
    with contextlib.suppress(OSError):  # what stands in the way is told when the new one is written
        (folder / _PAGE).unlink(missing_ok=True)


def write_rejects(
    folder: Path,
    source: Source | GroupedSource,
    receipts: Iterator[Receipt],
    wanted: int,
    *,
    watcher: Watcher,
    batch_size: int = _BATCH,
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
            here: list[Receipt] = []
            while following is not None and following.seq < batch.end.seq:
                here.append(following)
                following = next(receipts, None)
            writer.add(batch, {each.record_no: rejected(each) for each in here})
        return close_rejects(writer, folder, source, watcher)


def close_rejects(
    writer: RejectsWriter, folder: Path, source: Source | GroupedSource, watcher: Watcher
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
    for suffix in _SUFFIXES:
        old = folder / f"rejects.{suffix}"
        if old != path and old.resolve() not in kept:
            with speaking(old):
                old.unlink(missing_ok=True)


def rejected(row: Receipt | Judged) -> Rejected:
    """Why a row was rejected, as its rejects say it."""
    findings = json.loads(row.findings) if row.findings else []
    return Rejected(status=row.status, findings=findings, message=row.message)
