"""The report of a load, written from the journal."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loader.errors import LoaderError
from loader.pipeline.loads.folder import PAGE, files_of, folder_of, make_folder
from loader.pipeline.loads.summary import summarise
from loader.report.atomic import replacing

if TYPE_CHECKING:
    from loader.journal import Journal
    from loader.pipeline.events import Observer
    from loader.report import Summary


def drop_page(folder: Path) -> None:
    """Removes the report of an earlier run, which would tell other numbers than what is written now."""
    with contextlib.suppress(OSError):  # what stands in the way is told when the new one is written
        (folder / PAGE).unlink(missing_ok=True)


def add_page(journal: Journal, summary: Summary, home: Path, watcher: Observer) -> Summary:
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
        summary = replace(summary, files=files_of(folder))
        summary.write(folder / "summary.json")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a fault in a library that is written in Rust is no Exception
        told = error.message if isinstance(error, LoaderError) else f"{type(error).__name__}: {error}"
        watcher.note(
            f"warning: {PAGE} cannot be made: {told}; the load is as it is, and so are its other files. "
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
    from loader.pipeline.loads.load_report import load_page  # noqa: PLC0415 - no load should wait for it at its beginning
    from loader.report.page import render  # noqa: PLC0415 - likewise

    load_id = summary.load_id or ""
    # Where a load had no time to say how it ended, its other files are of an earlier time, if they are there.
    whole = journal.load(load_id).state != "running"
    names = [Path(path).name for name, path in files_of(folder).items() if name != "report"]
    names += ["summary.json"] if (folder / "summary.json").exists() else []
    links = names if whole else []
    return render(load_page(journal, load_id, summary, at=datetime.now(UTC), links=links))


def _put_page(folder: Path, html: str) -> Path:
    path = folder / PAGE
    with replacing(path) as file:
        file.write(html.encode())
    return path
