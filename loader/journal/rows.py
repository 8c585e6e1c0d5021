"""The lines of rows: first lines, outcomes, counts and receipts.

Every function that writes expects an open transaction, which its caller rolls back when it raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.errors import LoaderError
from loader.journal.schema import DANGLING
from loader.journal.states import (
    CLOSED_FROM,
    STATE_OF,
    STATUS_OF,
    VERDICTS,
    RowState,
    may_become,
    may_begin,
    may_repeat,
)
from loader.records import RowResult, Status

if TYPE_CHECKING:
    import sqlite3
    from collections import Counter
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from loader.journal.loads import LoadLine
    from loader.records import DecidedRow, Outcome, SendableRow

_PAGE: Final = 2000  # receipts read at a time, so that no cursor stays open between them
_KEYS: Final = 500  # keys asked for at a time
# Written with the intent already: it keeps the room that the outcome will take, so that pages are not split
# a second time.
STOPPED_UNDER_WAY: Final = "the loader stopped while the row was under way"

_SENT: Final = RowState.SENT.value
_CREATED: Final = RowState.CREATED.value
_IN_DOUBT: Final = RowState.IN_DOUBT.value

SENT_KEYS: Final = (
    f"SELECT key FROM load_row WHERE state < {CLOSED_FROM} AND state = {RowState.SENT.value}"  # noqa: S608 - numbers of our own
    " AND key BETWEEN ? AND ?"
)
_INTENT: Final = (
    "INSERT INTO load_row (state, message, key, scope_no, file_no, record_no, external_id, payload_hash)"  # noqa: S608 - words of our own
    f" VALUES ({_SENT}, '{STOPPED_UNDER_WAY}', ?, ?, ?, ?, ?, ?)"
)
_INTENT_AGAIN: Final = "UPDATE load_row SET state = ?, message = ?, payload_hash = ? WHERE key = ?"
_VERDICT: Final = (
    "INSERT INTO load_row (key, scope_no, file_no, record_no, line, external_id, payload_hash, state, id,"
    " message, findings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_VERDICT_AGAIN: Final = (
    "UPDATE load_row SET line = ?, payload_hash = COALESCE(?, payload_hash), state = ?, id = ?, message = ?,"
    " findings = ? WHERE key = ?"
)
_OUTCOME: Final = (
    "UPDATE load_row SET state = ?, id = ?, http_status = COALESCE(?, http_status), attempts = attempts + ?,"
    " message = ? WHERE key = ?"
)


def end_rows(
    connection: sqlite3.Connection, line: LoadLine, outcomes: Sequence[Outcome], tally: Counter[int]
) -> tuple[int, int]:
    """Writes what became of rows that were sent, and counts the moves in `tally`.

    Returns:
        How many rows in doubt turned out to be stored, and how many not to be.

    Raises:
        LoaderError: A row has no intent, or ended otherwise before.
    """
    first = line.first_key
    keys = [first + each.seq for each in outcomes]
    if len(set(keys)) != len(keys):
        raise LoaderError("a row has two outcomes in one commit")
    states = dict.fromkeys(_under_way(connection, line), _SENT)
    states |= _states(connection, [key for key in keys if key not in states])
    changes = []
    for key, each in zip(keys, outcomes, strict=True):
        # Nearly every row goes this way; the whole rule takes longer.
        plain = each.status is Status.CREATED and each.id is not None and states.get(key) == _SENT
        if plain or _is_news(connection, key, states.get(key), each):
            after = _CREATED if plain else STATE_OF[each.status]
            told = (_text(each.id), each.http_status, each.attempts, _text(each.message))
            changes.append((after, *told, key))
    tally.update([change[0] for change in changes])
    tally.subtract([states[change[-1]] for change in changes])
    connection.executemany(_OUTCOME, changes)
    if _IN_DOUBT not in states.values():
        return 0, 0
    reconciled = [change[0] for change in changes if states[change[-1]] == _IN_DOUBT]
    return reconciled.count(_CREATED), reconciled.count(RowState.PENDING.value)


def begin_rows(
    connection: sqlite3.Connection,
    line: LoadLine,
    judged: Sequence[DecidedRow],
    intents: Sequence[SendableRow],
    tally: Counter[int],
) -> None:
    """Writes verdicts and intents, and counts the moves in `tally`.

    Rows without a line must follow, without a gap, on those that have one: where a load goes on is
    known from the last of them.

    Raises:
        LoaderError: There is a gap, or a row that has a line is not pending.
    """
    first, following = line.first_key, next_key(connection, line)
    keys = [first + each.seq for each in judged] + [first + each.seq for each in intents]
    _refuse_gap(keys, first, following)
    states = _states(connection, [key for key in keys if key < following])
    for key, state in states.items():
        if not may_begin(state):
            raise LoaderError(f"row {key - first} has an intent or a verdict already ({_named(state)})")
    tally.subtract(states.values())
    _write_verdicts(connection, line, judged, states, tally)
    _write_intents(connection, line, intents, states, tally)


def next_key(connection: sqlite3.Connection, line: LoadLine) -> int:
    """The key of the load's first row without a line."""
    found = connection.execute(
        "SELECT key FROM load_row WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
        (line.first_key, line.last_key),
    ).fetchone()
    return found[0] + 1 if found else line.first_key


def doubt_open_rows(connection: sqlite3.Connection, line: LoadLine) -> int:
    """Moves the rows that were sent and have no outcome to in doubt; returns how many."""
    moved = connection.execute(
        f"UPDATE load_row SET state = {RowState.IN_DOUBT.value}, attempts = attempts + 1"  # noqa: S608 - numbers of our own
        f" WHERE state < {CLOSED_FROM} AND state = {RowState.SENT.value} AND key BETWEEN ? AND ?",
        (line.first_key, line.last_key),
    ).rowcount
    count_rows(connection, line, {RowState.SENT: -moved, RowState.IN_DOUBT: moved})
    return moved


BLOCKED: Final = f"state = {RowState.BLOCKED.value}"
WAITING: Final = tuple(
    (state, f"FROM load_row WHERE {condition} AND key BETWEEN ? AND ?")
    for state, condition in ((RowState.BLOCKED.value, BLOCKED), (RowState.REFUSED.value, DANGLING))
)
"""Rows that wait for something else, by state: each condition is that of an index."""


def count_refused_for_now(connection: sqlite3.Connection, line: LoadLine) -> int:
    """How many rows were refused with 409."""
    _, rows = WAITING[1]
    found = connection.execute(f"SELECT COUNT(*) {rows}", (line.first_key, line.last_key)).fetchone()
    return int(found[0])


def reopen_waiting(connection: sqlite3.Connection, line: LoadLine) -> int:
    """Makes rows pending that waited for something else: blocked ones, and those refused with 409."""
    moved: dict[int, int] = {}
    for state, rows in WAITING:
        keys = connection.execute(f"SELECT key {rows}", (line.first_key, line.last_key)).fetchall()
        connection.executemany(f"UPDATE load_row SET state = {RowState.PENDING.value} WHERE key = ?", keys)  # noqa: S608 - likewise
        moved[state] = -len(keys)
    total = -sum(moved.values())
    count_rows(connection, line, {**moved, RowState.PENDING.value: total})
    return total


def decide_rows(
    connection: sqlite3.Connection,
    line: LoadLine,
    decided: Mapping[int, tuple[bool, str | None]],
    by: str,
    at: str,
) -> None:
    """Writes a person's word for rows in doubt, and keeps who said it and when."""
    tally = {RowState.IN_DOUBT.value: 0, _CREATED: 0, RowState.PENDING.value: 0}
    states = _states(connection, [line.first_key + seq for seq in decided])
    for seq, (stored, record_id) in decided.items():
        key = line.first_key + seq
        if states.get(key) != RowState.IN_DOUBT:
            raise LoaderError(f"row {seq} is not in doubt: the journal has it as {_named(states.get(key))}")
        after = _CREATED if stored else RowState.PENDING.value
        message = f"said to be {'stored' if stored else 'not stored'} by {by} at {at}"
        connection.execute(
            "UPDATE load_row SET state = ?, id = ?, message = ? WHERE key = ?",
            (after, record_id if stored else None, message, key),
        )
        connection.execute(
            "INSERT INTO decision (load_no, seq, verdict, decided_by, decided_at) VALUES (?, ?, ?, ?, ?)",
            (line.load_no, seq, "created" if stored else "unsent", by, at),
        )
        tally[RowState.IN_DOUBT.value] -= 1
        tally[after] += 1
    count_rows(connection, line, tally)


def count_rows(connection: sqlite3.Connection, line: LoadLine, tally: Mapping[int, int]) -> None:
    """Adds the moves of a transaction to the load's counts."""
    connection.executemany(
        "INSERT INTO tally (load_no, state, row_count) VALUES (?, ?, ?)"
        " ON CONFLICT (load_no, state) DO UPDATE SET row_count = row_count + excluded.row_count",
        [(line.load_no, state, change) for state, change in tally.items() if change],
    )


def read_totals(connection: sqlite3.Connection, line: LoadLine) -> dict[Status, int]:
    """The load's rows by status, every status named."""
    totals = dict.fromkeys(Status, 0)
    for state, row_count in connection.execute(
        "SELECT state, row_count FROM tally WHERE load_no = ?", (line.load_no,)
    ):
        totals[STATUS_OF[state]] += row_count
    return totals


def read_receipts(
    connection: sqlite3.Connection, line: LoadLine, only: Collection[Status] | None = None
) -> Iterator[RowResult]:
    """The load's rows in order of seq, a page at a time; of these statuses, or of all."""
    wanted = "" if only is None else f" AND state IN ({_states_of(only)})"
    query = (
        "SELECT key, file_no, record_no, line, external_id, state, id, http_status, attempts, message,"  # noqa: S608 - numbers of our own
        f" findings FROM load_row WHERE key > ? AND key <= ?{wanted} ORDER BY key LIMIT ?"
    )
    after = line.first_key - 1
    while page := connection.execute(query, (after, line.last_key, _PAGE)).fetchall():
        for key, file_no, record_no, at_line, external_id, state, *rest in page:
            record_id, http_status, attempts, message, findings = rest
            place = (key - line.first_key, file_no, record_no, at_line, external_id)
            if state == _SENT:
                attempts += 1  # as `doubt_open_rows` would count it
            yield RowResult(*place, STATUS_OF[state], record_id, http_status, attempts, message, findings)
        after = page[-1][0]


def _states_of(statuses: Collection[Status]) -> str:
    """The stored states that are called so, for a query."""
    return ", ".join(str(state) for state, status in STATUS_OF.items() if status in statuses)


def _write_verdicts(
    connection: sqlite3.Connection,
    line: LoadLine,
    judged: Sequence[DecidedRow],
    states: Mapping[int, int],
    tally: Counter[int],
) -> None:
    new, again = [], []
    for each in judged:
        if each.status not in VERDICTS:
            raise LoaderError(f"row {each.seq} cannot be {each.status} without an intent")
        key, after = line.first_key + each.seq, STATE_OF[each.status]
        told = (each.payload_hash, after, each.id, _text(each.message), each.findings)
        if key in states:
            again.append((each.line, *told, key))
        else:
            place = (key, line.scope_no, each.file_no, each.record_no, each.line, each.external_id)
            new.append((*place, *told))
        tally[after] += 1
    connection.executemany(_VERDICT, new)
    connection.executemany(_VERDICT_AGAIN, again)


def _write_intents(
    connection: sqlite3.Connection,
    line: LoadLine,
    intents: Sequence[SendableRow],
    states: Mapping[int, int],
    tally: Counter[int],
) -> None:
    first, scope_no = line.first_key, line.scope_no
    connection.executemany(
        _INTENT,
        [
            (first + row.seq, scope_no, row.file_no, row.record_no, row.external_id, row.payload_hash)
            for row in intents
            if first + row.seq not in states
        ],
    )
    connection.executemany(
        _INTENT_AGAIN,
        [
            (_SENT, STOPPED_UNDER_WAY, row.payload_hash, first + row.seq)
            for row in intents
            if first + row.seq in states
        ],
    )
    tally[_SENT] += len(intents)


def _refuse_gap(keys: Sequence[int], first: int, following: int) -> None:
    if len(set(keys)) != len(keys):
        raise LoaderError("a row has two intents or verdicts in one commit")
    new = [key for key in keys if key >= following]
    if new and max(new) - following + 1 != len(new):
        raise LoaderError(
            f"{len(new)} new rows up to {max(new) - first} leave a gap: the next row is {following - first}"
        )


def _is_news(connection: sqlite3.Connection, key: int, before: int | None, outcome: Outcome) -> bool:
    """Whether an outcome changes its row; false where it only says again what the row is.

    Raises:
        LoaderError: The row's state does not allow it.
    """
    status, without_id = outcome.status, outcome.status is Status.CREATED and outcome.id is None
    if may_become(before, status) and not without_id:
        return True
    if may_repeat(before, status):
        (known,) = connection.execute("SELECT id FROM load_row WHERE key = ?", (key,)).fetchone()
        if known == outcome.id:
            return False
    with_id = f" with id {outcome.id}" if outcome.id else " without an id" if without_id else ""
    raise LoaderError(
        f"row {outcome.seq} cannot become {status}{with_id}: the journal has it as {_named(before)}"
    )


def _named(state: int | None) -> str:
    return "not begun" if state is None else RowState(state).name.lower()


def _under_way(connection: sqlite3.Connection, line: LoadLine) -> list[int]:
    """The keys of the rows that were sent and have no outcome."""
    return [key for (key,) in connection.execute(SENT_KEYS, (line.first_key, line.last_key))]


def _states(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, int]:
    """The states of those keys that have a line."""
    states: dict[int, int] = {}
    for start in range(0, len(keys), _KEYS):
        some = keys[start : start + _KEYS]
        marks = ",".join("?" * len(some))
        states.update(
            connection.execute(f"SELECT key, state FROM load_row WHERE key IN ({marks})", some).fetchall()  # noqa: S608 - marks only
        )
    return states


def _text(text: str | None) -> str | None:
    """Text that SQLite can hold: JSON answers may carry halves of surrogate pairs, which UTF-8 cannot."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
