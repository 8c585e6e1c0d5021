"""When things happened in a load: counts by the second since it began, kept with what they count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from loader.journal.loads import LoadLine

_PAGE: Final = 5000  # lines read at a time, so that no cursor stays open between them

_ADD: Final = (
    "INSERT INTO timeline (load_no, second, begun, created, throttled, found, absent)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (load_no, second) DO UPDATE SET"
    " begun = begun + excluded.begun, created = created + excluded.created,"
    " throttled = throttled + excluded.throttled, found = found + excluded.found,"
    " absent = absent + excluded.absent"
)
_READ: Final = (
    "SELECT second, begun, created, throttled, found, absent FROM timeline"
    " WHERE load_no = ? AND second > ? ORDER BY second LIMIT ?"
)


class Moment(NamedTuple):
    """What was committed in one second of a load.

    Attributes:
        second: Whole seconds since the load began, by the clock on the wall.
        begun: How many times work on the load began then, its own beginning included.
        created: Rows that became created, whoever found it out.
        throttled: Answers that said "too many requests".
        found: Rows in doubt that a lookup found stored; they are among `created`.
        absent: Rows in doubt that a lookup showed not to be stored.
    """

    second: int
    begun: int = 0
    created: int = 0
    throttled: int = 0
    found: int = 0
    absent: int = 0


def second_of(line: LoadLine, at: datetime) -> int:
    """Whole seconds from a load's beginning to an aware time; 0 where the clock went back beyond it."""
    return max(0, int(at.timestamp() - line.begun))


def add_moment(connection: sqlite3.Connection, line: LoadLine, moment: Moment) -> None:
    """Adds to what the second has already; expects an open transaction."""
    connection.execute(_ADD, (line.load_no, *moment))


def read_timeline(connection: sqlite3.Connection, line: LoadLine) -> Iterator[Moment]:
    """The seconds in which something was committed, in order."""
    after = -1
    while page := connection.execute(_READ, (line.load_no, after, _PAGE)).fetchall():
        for found in page:
            yield Moment(*found)
        after = page[-1][0]


def epoch(created_at: str) -> float:
    """A load's beginning in seconds since 1970, from what its line says; a time without a zone is UTC."""
    at = datetime.fromisoformat(created_at)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
