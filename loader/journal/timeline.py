"""When things happened in a load, by the second since it began.

A line says how many rows were created, and how many answers throttled, before its second: so one line a
second is enough, however many commits there are, and what the last second brought is known from the counts
that every commit keeps anyway.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from loader.journal.states import RowState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from loader.journal.loads import LoadLine

_PAGE: Final = 5000  # lines read at a time, so that no cursor stays open between them

_CREATED: Final = (
    "COALESCE((SELECT row_count FROM tally WHERE load_no = :load_no"  # noqa: S608 - a number of our own
    f" AND state = {RowState.CREATED.value}), 0)"
)
_THROTTLED: Final = "(SELECT throttled FROM load WHERE load_no = :load_no)"
_BEGIN: Final = (
    "INSERT INTO timeline (load_no, second, begun, created_before, throttled_before, found, absent)"  # noqa: S608 - queries of our own
    f" VALUES (:load_no, :second, :begun, {_CREATED}, {_THROTTLED}, :found, :absent)"
    " ON CONFLICT (load_no, second) DO UPDATE SET begun = begun + excluded.begun,"
    " found = found + excluded.found, absent = absent + excluded.absent"
)
_LAST: Final = "SELECT second FROM timeline WHERE load_no = ? ORDER BY second DESC LIMIT 1"
_READ: Final = (
    "SELECT second, created_before, throttled_before, begun, found, absent FROM timeline"
    " WHERE load_no = ? AND second > ? ORDER BY second LIMIT ?"
)
_NOW: Final = f"SELECT 0, {_CREATED}, {_THROTTLED}, 0, 0, 0"

_Line = tuple[int, int, int, int, int, int]


class Moment(NamedTuple):
    """What was committed in one second of a load.

    Attributes:
        second: Whole seconds since the load began, by the clock on the wall.
        created: Rows that became created, whoever found it out.
        throttled: Answers that said "too many requests".
        begun: How many times work on the load began then, its own beginning included.
        found: Rows in doubt that a lookup found stored; they are among `created`.
        absent: Rows in doubt that a lookup showed not to be stored.
    """

    second: int
    created: int = 0
    throttled: int = 0
    begun: int = 0
    found: int = 0
    absent: int = 0


def second_of(line: LoadLine, at: datetime) -> int:
    """Whole seconds from a load's beginning to an aware time; negative where the clock was set back."""
    return int(at.timestamp() - line.begun)


def last_second(connection: sqlite3.Connection, line: LoadLine) -> int:
    """The last second that has a line; -1 where none has."""
    found = connection.execute(_LAST, (line.load_no,)).fetchone()
    return int(found[0]) if found else -1


def begin_second(
    connection: sqlite3.Connection,
    line: LoadLine,
    second: int,
    *,
    begun: int = 0,
    found: int = 0,
    absent: int = 0,
) -> None:
    """Gives a second its line, or adds to it; before anything else of it is counted, in its transaction.

    Args:
        connection: The journal's.
        line: The load.
        second: Not before `last_second`.
        begun: As in `Moment`, as are the others.
        found: Likewise.
        absent: Likewise.
    """
    told = {"begun": begun, "found": found, "absent": absent}
    connection.execute(_BEGIN, {"load_no": line.load_no, "second": second, **told})


def read_timeline(connection: sqlite3.Connection, line: LoadLine) -> Iterator[Moment]:
    """The seconds in which something was committed, in order."""
    for this, following in pairwise(chain(_lines(connection, line), _now(connection, line))):
        second, created, throttled, *more = this
        yield Moment(second, following[1] - created, following[2] - throttled, *more)


def _lines(connection: sqlite3.Connection, line: LoadLine) -> Iterator[_Line]:
    after = -1
    while page := connection.execute(_READ, (line.load_no, after, _PAGE)).fetchall():
        yield from page
        after = page[-1][0]


def _now(connection: sqlite3.Connection, line: LoadLine) -> Iterator[_Line]:
    """What the next line would say; asked for when the last one has been read."""
    yield connection.execute(_NOW, {"load_no": line.load_no}).fetchone()


def epoch(created_at: str) -> float:
    """A load's beginning in seconds since 1970, from what its line says; a time without a zone is UTC."""
    at = datetime.fromisoformat(created_at)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
