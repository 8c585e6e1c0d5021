"""Why rows of a load were rejected or are in doubt, counted for people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loader.records import REJECTED, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from loader.records import RowResult

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


def _words_of(receipt: RowResult) -> Iterator[tuple[tuple[str, str], str]]:
    findings = json.loads(receipt.findings) if receipt.findings else []
    status = receipt.status.value.replace("_", " ")
    for each in findings:
        path, message = each["field"], each["message"]
        told = message if not path or message.startswith(path) else f"{path}: {message}"
        yield (path, each["expected"] or message), f"{status}: {told}"
    if not findings:
        yield (status, receipt.message), f"{status}: {receipt.message}"
