"""What a load leaves behind: results, rejects and summary, written from the journal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from loader.records import REJECTED, Receipt, Status
from loader.report import Rejected, RejectsWriter, Summary, load_rows, write_results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loader.journal import Journal
    from loader.records import Load
    from loader.source import Source

_BATCH: Final = 10_000
_MOST_REASONS: Final = 1000
_PLACES: Final = 3


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
    for each in findings:
        path, message = each["field"], each["message"]
        told = message if not path or message.startswith(path) else f"{path}: {message}"
        yield (path, each["expected"] or message), f"invalid: {told}"
    if not findings:
        status = receipt.status.value.replace("_", " ")
        yield (status, receipt.message), f"{status}: {receipt.message}"


def folder_of(home: Path, load_id: str) -> Path:
    """Where a load's files are."""
    return home / "loads" / load_id


def summarise(journal: Journal, load_id: str, home: Path) -> Summary:
    """A load as the journal has it now, with those of its files that are there."""
    load, totals = journal.load(load_id), journal.totals(load_id)
    return Summary(
        load_id=load.load_id,
        resource=load.resource,
        tenant=load.tenant,
        state=load.state,
        rows=load_rows(sum(totals.values()), totals),
        requests=load.requests,
        seconds=load.seconds,
        files=_files(folder_of(home, load.load_id)),
    )


def _files(folder: Path) -> dict[str, str]:
    found = {"results": folder / "results.csv"}
    for suffix in ("csv", "parquet", "ndjson"):
        found |= {"rejects": path} if (path := folder / f"rejects.{suffix}").exists() else {}
    found["report"] = folder / "report.html"
    return {name: str(path) for name, path in found.items() if path.exists()}


def write_receipts(journal: Journal, load: Load, source: Source, home: Path, *, read: int | None) -> Summary:
    """Writes a load's results, rejects and summary.

    Args:
        journal: Where its rows stand.
        load: The load.
        source: Its files, for the cells of rejected rows.
        home: The folder below which they go.
        read: How many rows were taken from the source, as whoever took them counted; None where it was
            broken off in between.

    Raises:
        Unbalanced: The rows read are not the sum of what they became; the files are written all the same.
        LoaderError: A file cannot be written.
    """
    folder = folder_of(home, load.load_id)
    folder.mkdir(parents=True, exist_ok=True)
    names = [file.name for file in load.files]
    write_results(folder / "results.csv", journal.receipts(load.load_id), names)
    wanted = sum(count for status, count in journal.totals(load.load_id).items() if status in REJECTED)
    write_rejects(folder, source, journal.receipts(load.load_id, REJECTED), wanted)
    summary = summarise(journal, load.load_id, home)
    if read is not None:
        summary = replace(summary, rows={**summary.rows, "read": read})
    summary.write(folder / "summary.json")
    summary.check_balance()
    return summary


def write_rejects(folder: Path, source: Source, receipts: Iterator[Receipt], wanted: int) -> Path | None:
    """Writes the rejected rows of a source, cell for cell.

    Args:
        folder: Where to.
        source: The files; read again as far as the last rejected row.
        receipts: The rejected rows, in order.
        wanted: How many of them are rejected.

    Returns:
        The file; None where nothing was rejected.
    """
    for old in folder.glob("rejects.*"):
        old.unlink()
    if not wanted:
        return None
    writer = RejectsWriter(folder, source.files)
    following = next(receipts, None)
    for batch in source.batches(_BATCH):
        here: list[Receipt] = []
        while following is not None and following.seq < batch.end.seq:
            here.append(following)
            following = next(receipts, None)
        if here:
            writer.add(batch, {each.record_no: _rejected(each) for each in here})
        if following is None:
            break
    return writer.close()


def _rejected(receipt: Receipt) -> Rejected:
    findings = json.loads(receipt.findings) if receipt.findings else []
    return Rejected(status=receipt.status, findings=findings, message=receipt.message)
