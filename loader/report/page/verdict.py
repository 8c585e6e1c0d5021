"""The verdict of a report in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.records import Status
from loader.report.page.values import PageVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.records import LoadState

_REJECTED: Final = (Status.INVALID, Status.BLOCKED, Status.REFUSED)


def dry_run_verdict(rows: Mapping[str, int], *, stopped: bool = False) -> PageVerdict:
    """What a dry run came to.

    Args:
        rows: As `dry_rows` gives them.
        stopped: Whether reading broke off.
    """
    read, valid, wrong = rows["read"], rows["valid"], _rejected(rows)
    if stopped:
        return PageVerdict(
            f"The source could not be read to its end: it broke off behind {_rows(read)}.", "bad"
        )
    if not read:
        return PageVerdict("The source has no rows: there is nothing to load.", "bad")
    if wrong and not valid:
        return PageVerdict(_none_can(rows, wrong), "bad")
    if wrong:
        return PageVerdict(
            f"{valid:,} of {_rows(read)} can be loaded; {wrong:,} cannot, as they are.", "warning"
        )
    return PageVerdict(_all_right(read, valid), "good")


def _none_can(rows: Mapping[str, int], wrong: int) -> str:
    """Where none can be loaded: those that only wait for others have nothing wrong with them."""
    every = _of(wrong, rows["read"])
    if rows.get(Status.BLOCKED, 0) == wrong:
        return f"No row can be loaded yet: {every} {'waits' if wrong == 1 else 'wait'} for others."
    return f"No row can be loaded: something is wrong with {every}."


def _all_right(read: int, valid: int) -> str:
    if not valid:
        return "Nothing is left to load: every row is already loaded or filtered."
    if valid == read:
        return f"{_every(read)} can be loaded."
    return f"{valid:,} of {_rows(read)} can be loaded; the others need not be."


def load_verdict(rows: Mapping[str, int], state: LoadState) -> PageVerdict:
    """What a load came to.

    Args:
        rows: As `load_rows` gives them.
        state: How the load stands.
    """
    read, there = rows["read"], rows.get(Status.CREATED, 0) + rows.get(Status.ALREADY_LOADED, 0)
    wrong, doubt, pending = _rejected(rows), rows.get(Status.IN_DOUBT, 0), rows.get(Status.PENDING, 0)
    if state != "finished" or pending:
        return PageVerdict(_unfinished(state, _of(there, read), _are(there), pending), "bad")
    if doubt:
        left = f"{wrong:,} {_are(wrong)} not, and for {doubt:,}" if wrong else f"for {doubt:,} more"
        return PageVerdict(f"{_of(there, read)} {_are(there)} loaded; {left} it is not known.", "bad")
    if wrong:
        return PageVerdict(
            f"{_of(there, read)} {_are(there)} loaded; {wrong:,} {_are(wrong)} not.", "warning"
        )
    if there == read:
        return PageVerdict(f"{_every(read)} {_are(read)} loaded.", "good")
    return PageVerdict(
        f"{_of(there, read)} {_are(there)} loaded; the others were left out on purpose.", "good"
    )


def _unfinished(state: LoadState, loaded: str, are: str, pending: int) -> str:
    """The sentence about a load of which something is left, or that may not have read all rows."""
    opening = "The load is still at work" if state == "running" else "The load is not finished"
    so_far = " read so far" if state != "finished" else ""
    left = f", {_rows(pending)} still wait{'s' if pending == 1 else ''}" if pending else ""
    return f"{opening}: {loaded}{so_far} {are} loaded{left}."


def _rejected(rows: Mapping[str, int]) -> int:
    return sum(rows.get(each, 0) for each in _REJECTED)


def _every(count: int) -> str:
    return "The only row" if count == 1 else f"All {_rows(count)}"


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {_rows(whole)}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
