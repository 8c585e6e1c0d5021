"""Rows written: intents, decided rows, outcomes, and the counts of all.

Every function expects an open transaction, which its caller rolls back when it raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.errors import LoaderError
from loader.findings import Finding, dump_findings
from loader.journal.sqlite.row_results import next_key
from loader.journal.sqlite.schema import MISSING_REFERENCE
from loader.journal.states import (
    CLOSED_FROM,
    DECIDED_STATUSES,
    STATE_OF,
    RowState,
    may_become,
    may_begin,
    may_repeat,
    state_name,
)
from loader.records import Status

if TYPE_CHECKING:
    import sqlite3
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from loader.journal.sqlite.load_numbers import LoadNumbers
    from loader.records import DecidedRow, Outcome, SendableRow

_KEYS: Final = 500  # keys in one statement; SQLite allows 999 in its oldest builds

_SENT: Final = RowState.SENT.value
_PENDING: Final = RowState.PENDING.value
_CREATED: Final = RowState.CREATED.value
_IN_DOUBT: Final = RowState.IN_DOUBT.value

# Written with the intent already, for two reasons. After `kill -9` nobody is left to write why the row is in
# doubt. And it keeps the room in the page that the outcome (an id, a status) will take: without it, pages
# filled with intents are split a second time when the outcomes make their rows longer.
_PROCESS_ENDED: Final = (Finding("sending.process_ended"),)
_INTENT_CODE: Final = _PROCESS_ENDED[0].code
_INTENT_FINDINGS: Final = dump_findings(_PROCESS_ENDED)

# The first condition is that of the index on open rows: SQLite uses it only where it sees it word for word.
SENT_KEYS: Final = (
    f"SELECT key FROM load_row WHERE state < {CLOSED_FROM} AND state = {_SENT}"  # noqa: S608 - numbers of our own
    " AND key BETWEEN ? AND ?"
)
_INTENT: Final = (
    "INSERT INTO load_row (state, code, findings, key, scope_no, file_no, record_no, external_id,"  # noqa: S608 - words of our own
    f" payload_hash) VALUES ({_SENT}, '{_INTENT_CODE}', '{_INTENT_FINDINGS}', ?, ?, ?, ?, ?, ?)"
)
_INTENT_AGAIN: Final = (
    f"UPDATE load_row SET state = {_SENT}, code = '{_INTENT_CODE}', findings = '{_INTENT_FINDINGS}',"  # noqa: S608 - likewise
    " payload_hash = ? WHERE key = ?"
)
_DECIDED: Final = (
    "INSERT INTO load_row (key, scope_no, file_no, record_no, line, external_id, payload_hash, state, id,"
    " code, findings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DECIDED_AGAIN: Final = (
    "UPDATE load_row SET line = ?, payload_hash = COALESCE(?, payload_hash), state = ?, id = ?, code = ?,"
    " findings = ? WHERE key = ?"
)
_OUTCOME_CREATED: Final = (
    f"UPDATE load_row SET state = {_CREATED}, id = ?, http_status = COALESCE(?, http_status),"  # noqa: S608 - likewise
    " attempts = attempts + ?, code = NULL, findings = NULL WHERE key = ?"
)
_OUTCOME: Final = (
    "UPDATE load_row SET state = ?, id = ?, http_status = COALESCE(?, http_status), attempts = attempts + ?,"
    " code = ?, findings = ? WHERE key = ?"
)

# Rows that wait for something else, by state: each condition is that of an index.
_WAITING: Final = tuple(
    (state, f"SELECT key FROM load_row WHERE {condition} AND key BETWEEN ? AND ?")  # noqa: S608 - likewise
    for state, condition in (
        (RowState.BLOCKED.value, f"state = {RowState.BLOCKED.value}"),
        (RowState.REFUSED.value, MISSING_REFERENCE),
    )
)


def end_rows(
    connection: sqlite3.Connection, load: LoadNumbers, outcomes: Sequence[Outcome], moves: Counter[int]
) -> tuple[int, int]:
    """Write what became of rows that were sent, and count the moves by state in `moves`.

    Returns:
        How many rows in doubt turned out to be stored, and how many not to be.

    Raises:
        LoaderError: A row has no intent, or ended otherwise before.
    """
    first = load.first_key
    keys = [first + outcome.seq for outcome in outcomes]
    if len(set(keys)) != len(keys):
        raise LoaderError("a row has two outcomes in one commit")
    # One look at the short index of rows in progress answers for nearly all keys; few are left to ask for.
    states = dict.fromkeys(_under_way(connection, load), _SENT)
    states |= _states(connection, [key for key in keys if key not in states])
    created: list[tuple[str | None, int | None, int, int]] = []
    changes = []
    for key, outcome in zip(keys, outcomes, strict=True):
        record_id, state = outcome.id, states.get(key)
        # Nearly every row goes this way; the whole rule takes longer, and so does its statement.
        if outcome.status is Status.CREATED and record_id is not None and state == _SENT:
            created.append((_text(record_id), outcome.http_status, outcome.attempts, key))
        elif _is_change(connection, key, state, outcome):
            answer = (_text(record_id), outcome.http_status, outcome.attempts)
            changes.append((STATE_OF[outcome.status], *answer, *_stored_findings(outcome.findings), key))
    connection.executemany(_OUTCOME_CREATED, created)
    connection.executemany(_OUTCOME, changes)
    moves.update({_CREATED: len(created), _SENT: -len(created)})
    moves.update([change[0] for change in changes])
    moves.subtract([states[change[-1]] for change in changes])
    if _IN_DOUBT not in states.values():
        return 0, 0
    reconciled = [change[0] for change in changes if states[change[-1]] == _IN_DOUBT]
    return reconciled.count(_CREATED), reconciled.count(_PENDING)


def begin_rows(
    connection: sqlite3.Connection,
    load: LoadNumbers,
    decided: Sequence[DecidedRow],
    intents: Sequence[SendableRow],
    moves: Counter[int],
) -> None:
    """Write decided rows and intents, and count the moves by state in `moves`.

    New rows must follow, without a gap, on those that the journal has: where a load continues is known from
    the last of them.

    Raises:
        LoaderError: There is a gap, or a row that the journal has is not pending.
    """
    first, following = load.first_key, next_key(connection, load)
    keys = [first + row.seq for row in decided] + [first + row.seq for row in intents]
    _refuse_gap(keys, first, following)
    states = _states(connection, [key for key in keys if key < following])
    for key, state in states.items():
        if not may_begin(state):
            raise LoaderError(f"row {key - first} was sent or decided already ({state_name(state)})")
    moves.subtract(states.values())
    _write_decided(connection, load, decided, states, moves)
    _write_intents(connection, load, intents, states, moves)


def mark_open_rows(connection: sqlite3.Connection, load: LoadNumbers) -> int:
    """Move the rows that were sent and have no outcome to in doubt; return how many."""
    moved = connection.execute(
        f"UPDATE load_row SET state = {_IN_DOUBT}, attempts = attempts + 1"  # noqa: S608 - numbers of our own
        f" WHERE state < {CLOSED_FROM} AND state = {_SENT} AND key BETWEEN ? AND ?",
        (load.first_key, load.last_key),
    ).rowcount
    count_rows(connection, load, {_SENT: -moved, _IN_DOUBT: moved})
    return moved


def reopen_waiting(connection: sqlite3.Connection, load: LoadNumbers) -> int:
    """Make rows pending that waited for something else: blocked ones, and those refused with 409."""
    moves: dict[int, int] = {}
    for state, query in _WAITING:
        keys = connection.execute(query, (load.first_key, load.last_key)).fetchall()
        connection.executemany(f"UPDATE load_row SET state = {_PENDING} WHERE key = ?", keys)  # noqa: S608 - likewise
        moves[state] = -len(keys)
    total = -sum(moves.values())
    count_rows(connection, load, {**moves, _PENDING: total})
    return total


def record_decisions(
    connection: sqlite3.Connection,
    load: LoadNumbers,
    decisions: Mapping[int, tuple[bool, str | None]],
    by: str,
    at: str,
) -> None:
    """Write a person's decisions about rows in doubt, and who decided when.

    Raises:
        LoaderError: A row is not in doubt.
    """
    moves = {_IN_DOUBT: 0, _CREATED: 0, _PENDING: 0}
    states = _states(connection, [load.first_key + seq for seq in decisions])
    for seq, (stored, record_id) in decisions.items():
        key = load.first_key + seq
        if states.get(key) != _IN_DOUBT:
            raise LoaderError(
                f"row {seq} is not in doubt; in the journal it is {state_name(states.get(key))}"
            )
        state = _CREATED if stored else _PENDING
        code = "reconcile.reported_created" if stored else "reconcile.reported_unsent"
        report = Finding(code, params={"by": by, "at": at})
        connection.execute(
            "UPDATE load_row SET state = ?, id = ?, code = ?, findings = ? WHERE key = ?",
            (state, _text(record_id) if stored else None, *_stored_findings([report]), key),
        )
        connection.execute(
            "INSERT INTO decision (load_no, seq, verdict, decided_by, decided_at) VALUES (?, ?, ?, ?, ?)",
            (load.load_no, seq, "created" if stored else "unsent", by, at),
        )
        moves[_IN_DOUBT] -= 1
        moves[state] += 1
    count_rows(connection, load, moves)


def count_rows(connection: sqlite3.Connection, load: LoadNumbers, moves: Mapping[int, int]) -> None:
    """Add the moves of a transaction to the load's counts."""
    connection.executemany(
        "INSERT INTO tally (load_no, state, row_count) VALUES (?, ?, ?)"
        " ON CONFLICT (load_no, state) DO UPDATE SET row_count = row_count + excluded.row_count",
        [(load.load_no, state, change) for state, change in moves.items() if change],
    )


def _write_decided(
    connection: sqlite3.Connection,
    load: LoadNumbers,
    decided: Sequence[DecidedRow],
    states: Mapping[int, int],
    moves: Counter[int],
) -> None:
    new, again = [], []
    findings: tuple[Finding, ...] = ()
    stored: tuple[str | None, str | None] = (None, None)
    for row in decided:
        if row.status not in DECIDED_STATUSES:
            raise LoaderError(f"row {row.seq} cannot be {row.status} without an intent")
        key, state = load.first_key + row.seq, STATE_OF[row.status]
        # Neighbouring rows mostly have equal findings (loaded already by L), and JSON costs more than SQL.
        if row.findings != findings:
            findings, stored = row.findings, _stored_findings(row.findings)
        values = (row.payload_hash, state, _text(row.id), *stored)
        if key in states:
            again.append((row.line, *values, key))
        else:
            place = (key, load.scope_no, row.file_no, row.record_no, row.line, row.external_id)
            new.append((*place, *values))
        moves[state] += 1
    connection.executemany(_DECIDED, new)
    connection.executemany(_DECIDED_AGAIN, again)


def _write_intents(
    connection: sqlite3.Connection,
    load: LoadNumbers,
    intents: Sequence[SendableRow],
    states: Mapping[int, int],
    moves: Counter[int],
) -> None:
    first, scope_no = load.first_key, load.scope_no
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
        [(row.payload_hash, first + row.seq) for row in intents if first + row.seq in states],
    )
    moves[_SENT] += len(intents)


def _refuse_gap(keys: Sequence[int], first: int, following: int) -> None:
    if len(set(keys)) != len(keys):
        raise LoaderError("a row is sent or decided twice in one commit")
    # A row left out would never be read again: a load continues behind the last row that the journal has.
    new = [key for key in keys if key >= following]
    if new and max(new) - following + 1 != len(new):
        raise LoaderError(
            f"{len(new)} new rows up to {max(new) - first} leave a gap: the next row is {following - first}"
        )


def _is_change(connection: sqlite3.Connection, key: int, state: int | None, outcome: Outcome) -> bool:
    """Tell whether an outcome changes its row; false where it only repeats what the row is.

    Raises:
        LoaderError: The row's state does not allow it.
    """
    status, without_id = outcome.status, outcome.status is Status.CREATED and outcome.id is None
    if may_become(state, status) and not without_id:
        return True
    if may_repeat(state, status):
        # Repeating an outcome is harmless; another id would mean a second record of the row.
        (known,) = connection.execute("SELECT id FROM load_row WHERE key = ?", (key,)).fetchone()
        if known == outcome.id:
            return False
    with_id = f" with id {outcome.id}" if outcome.id else " without an id" if without_id else ""
    raise LoaderError(
        f"row {outcome.seq} cannot become {status}{with_id}; in the journal it is {state_name(state)}"
    )


def _under_way(connection: sqlite3.Connection, load: LoadNumbers) -> list[int]:
    """Return the keys of the rows that were sent and have no outcome."""
    return [key for (key,) in connection.execute(SENT_KEYS, (load.first_key, load.last_key))]


def _states(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, int]:
    """Return the states of those keys that the journal has."""
    states: dict[int, int] = {}
    for start in range(0, len(keys), _KEYS):
        some = keys[start : start + _KEYS]
        marks = ",".join("?" * len(some))
        states.update(
            connection.execute(f"SELECT key, state FROM load_row WHERE key IN ({marks})", some).fetchall()  # noqa: S608 - marks only
        )
    return states


def _stored_findings(findings: Sequence[Finding]) -> tuple[str | None, str | None]:
    """Return the first finding's code and all findings as text; None for each where there are none."""
    return (findings[0].code, dump_findings(findings)) if findings else (None, None)


def _text(text: str | None) -> str | None:
    """Return text that SQLite can hold: JSON may carry halves of surrogate pairs, which UTF-8 cannot."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
