"""When things happened in a load, by the second since it started.

An entry has the counts of rows created and answers throttled before its second. So one entry a second is
enough, however many commits there are, and what the last second brought follows from the counts that every
commit keeps anyway.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from loader.journal.states import RowState
from loader.journal.values import Moment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from loader.journal.sqlite.load_numbers import LoadNumbers

_PAGE: Final = 5000  # entries read at a time, so that no cursor stays open between them

_CREATED: Final = (
    "COALESCE((SELECT row_count FROM tally WHERE load_no = :load_no"  # noqa: S608 - a number of our own
    f" AND state = {RowState.CREATED.value}), 0)"
)
_THROTTLED: Final = "(SELECT throttled FROM load WHERE load_no = :load_no)"
_ADD: Final = (
    "INSERT INTO timeline"  # noqa: S608 - queries of our own
    " (load_no, second, started, created_before, throttled_before, found_stored, found_absent)"
    f" VALUES (:load_no, :second, :started, {_CREATED}, {_THROTTLED}, :found_stored, :found_absent)"
    " ON CONFLICT (load_no, second) DO UPDATE SET started = started + excluded.started,"
    " found_stored = found_stored + excluded.found_stored,"
    " found_absent = found_absent + excluded.found_absent"
)
_LAST: Final = "SELECT second FROM timeline WHERE load_no = ? ORDER BY second DESC LIMIT 1"
_READ: Final = (
    "SELECT second, created_before, throttled_before, started, found_stored, found_absent FROM timeline"
    " WHERE load_no = ? AND second > ? ORDER BY second LIMIT ?"
)
_NOW: Final = f"SELECT 0, {_CREATED}, {_THROTTLED}, 0, 0, 0"

_Entry = tuple[int, int, int, int, int, int]


def last_second(connection: sqlite3.Connection, load: LoadNumbers) -> int:
    """Return the last second that has an entry; -1 where none has."""
    row = connection.execute(_LAST, (load.load_no,)).fetchone()
    return int(row[0]) if row else -1


def add_second(
    connection: sqlite3.Connection,
    load: LoadNumbers,
    second: int,
    *,
    started: int = 0,
    found_stored: int = 0,
    found_absent: int = 0,
) -> None:
    """Give a second its entry, or add to it; in its transaction, before the load's counts change.

    Args:
        connection: The journal's.
        load: The load.
        second: Not before `last_second`.
        started: As in `Moment`, as are the others.
        found_stored: Likewise.
        found_absent: Likewise.
    """
    values = {"started": started, "found_stored": found_stored, "found_absent": found_absent}
    connection.execute(_ADD, {"load_no": load.load_no, "second": second, **values})


def read_timeline(connection: sqlite3.Connection, load: LoadNumbers) -> Iterator[Moment]:
    """Yield the seconds in which something was committed, in order."""
    for entry, following in pairwise(chain(_entries(connection, load), _now(connection, load))):
        second, created, throttled, *counts = entry
        yield Moment(second, following[1] - created, following[2] - throttled, *counts)


def _entries(connection: sqlite3.Connection, load: LoadNumbers) -> Iterator[_Entry]:
    after = -1
    while page := connection.execute(_READ, (load.load_no, after, _PAGE)).fetchall():
        yield from page
        after = page[-1][0]


def _now(connection: sqlite3.Connection, load: LoadNumbers) -> Iterator[_Entry]:
    """Yield what the next entry would be."""
    # A generator, so that the counts are read after the last entry and not before it.
    yield connection.execute(_NOW, {"load_no": load.load_no}).fetchone()
