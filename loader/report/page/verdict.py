"""The verdict of a page in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.records import REJECTED, Status
from loader.report.page.values import PageVerdict
from loader.text import count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loader.records import LoadState


def dry_run_verdict(rows: Mapping[str, int], *, stopped: bool = False) -> PageVerdict:
    """Return the verdict of a dry run.

    Args:
        rows: As `dry_rows` gives them.
        stopped: Whether reading broke off.
    """
    read, valid = rows["read"], rows["valid"]
    invalid, blocked = rows.get(Status.INVALID, 0), rows.get(Status.BLOCKED, 0)
    if stopped:
        return PageVerdict(
            f"The source could not be read to its end: it broke off after {_rows(read)}.", "bad"
        )
    if not read:
        return PageVerdict("The source has no rows: there is nothing to load.", "bad")
    if not (invalid or blocked):
        return PageVerdict(_all_right(read, valid), "good")
    if valid:
        left = _left(invalid, blocked, _rows)
        return PageVerdict(f"{valid:,} of {_rows(read)} can be loaded; {left}.", "warning")
    left = _left(invalid, blocked, lambda number: _of(number, read))
    return PageVerdict(f"No row can be loaded{'' if invalid else ' yet'}: {left}.", "bad")


def _left(invalid: int, blocked: int, rows_in_words: Callable[[int], str]) -> str:
    """Return the words about rows with errors, and about those that only wait for others."""
    parts = [f"{rows_in_words(invalid)} {'has' if invalid == 1 else 'have'} errors"] if invalid else []
    if blocked:
        waiting = f"{blocked:,}" if invalid else rows_in_words(blocked)
        parts.append(f"{waiting} {'waits' if blocked == 1 else 'wait'} for other records")
    return ", and ".join(parts)


def _all_right(read: int, valid: int) -> str:
    if not valid:
        return "Nothing is left to load: every row is already loaded or filtered."
    if valid == read:
        return f"{_every(read)} can be loaded."
    return f"{valid:,} of {_rows(read)} can be loaded; the others do not need to be."


def load_verdict(rows: Mapping[str, int], state: LoadState) -> PageVerdict:
    """Return the verdict of a load.

    Args:
        rows: As `load_rows` gives them.
        state: The state of the load.
    """
    read, loaded = rows["read"], rows.get(Status.CREATED, 0) + rows.get(Status.ALREADY_LOADED, 0)
    wrong, in_doubt, pending = _rejected(rows), rows.get(Status.IN_DOUBT, 0), rows.get(Status.PENDING, 0)
    if state != "finished" or pending:
        return PageVerdict(_unfinished(state, _of(loaded, read), _are(loaded), pending), "bad")
    if in_doubt:
        left = f"{wrong:,} {_are(wrong)} not, and {in_doubt:,}" if wrong else f"{in_doubt:,} more"
        return PageVerdict(
            f"{_of(loaded, read)} {_are(loaded)} loaded; {left} {_are(in_doubt)} in doubt.", "bad"
        )
    if wrong:
        return PageVerdict(
            f"{_of(loaded, read)} {_are(loaded)} loaded; {wrong:,} {_are(wrong)} not.", "warning"
        )
    if loaded == read:
        return PageVerdict(f"{_every(read)} {_are(read)} loaded.", "good")
    return PageVerdict(
        f"{_of(loaded, read)} {_are(loaded)} loaded; the others were left out on purpose.", "good"
    )


def _unfinished(state: LoadState, loaded: str, are: str, pending: int) -> str:
    """Return the sentence about a load with something left to do, or that may not have read all rows."""
    opening = "The load is still running" if state == "running" else "The load is not finished"
    so_far = " read so far" if state != "finished" else ""
    left = f", {_rows(pending)} still wait{'s' if pending == 1 else ''}" if pending else ""
    return f"{opening}: {loaded}{so_far} {are} loaded{left}."


def _rejected(rows: Mapping[str, int]) -> int:
    return sum(rows.get(status, 0) for status in REJECTED)


def _every(number: int) -> str:
    return "The only row" if number == 1 else f"All {_rows(number)}"


def _rows(number: int) -> str:
    return count(number, "row")


def _of(part: int, total: int) -> str:
    return f"{part:,} of {_rows(total)}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
