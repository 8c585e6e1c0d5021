"""The states of a row in any journal, and the moves between them: the drawing of the guarantees as code.

```
 (new) ──intent───▶ SENT ──outcome──▶ CREATED | REFUSED | IN_DOUBT | PENDING
   │                 ▲ └──stopped──▶ IN_DOUBT ──readback──▶ CREATED | PENDING
   │                 └──intent── PENDING ──decided──▶ (as below)
   └──decided──▶ ALREADY_LOADED | FILTERED | INVALID | BLOCKED | PENDING
```
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from loader.records import Status


class RowState(IntEnum):
    """A row's state as it is stored; the numbers are part of the file format.

    The states below `CLOSED_FROM` are open: something still has to happen to the row.
    """

    SENT = 0  # an intent without an outcome
    PENDING = 1  # certainly not stored; may be sent
    IN_DOUBT = 2
    CREATED = 3
    ALREADY_LOADED = 4
    FILTERED = 5
    INVALID = 6
    BLOCKED = 7
    REFUSED = 8


CLOSED_FROM: Final = 3
"""The first state that is not open."""

# Plain integers: SQLite's driver takes the members of an enumeration by a slow way.
STATE_OF: Final[dict[Status, int]] = {status: RowState[status.name].value for status in Status}
"""How each status is stored."""

STATUS_OF: Final[dict[int, Status]] = {
    RowState.SENT: Status.IN_DOUBT,
    **{int(state): status for status, state in STATE_OF.items()},
}
"""The status of each stored state; a row that was sent and has no outcome is in doubt."""

DECIDED_STATUSES: Final = frozenset(
    {Status.ALREADY_LOADED, Status.FILTERED, Status.INVALID, Status.BLOCKED, Status.PENDING}
)
"""What a row can become without being sent."""

# From in doubt there is no way to refused: a readback shows whether a row is stored, not what the answer was.
_OUTCOMES: Final[dict[int, frozenset[Status]]] = {
    RowState.SENT: frozenset({Status.CREATED, Status.REFUSED, Status.IN_DOUBT, Status.PENDING}),
    RowState.IN_DOUBT: frozenset({Status.CREATED, Status.IN_DOUBT, Status.PENDING}),
}


def may_begin(state: int | None) -> bool:
    """Tell whether a row may get an intent or be decided; `state` is None for a row that is not there yet."""
    return state is None or state == RowState.PENDING


def may_become(state: int | None, status: Status) -> bool:
    """Tell whether an outcome may move a row from `state` to `status`; None: the row is not there yet."""
    return state is not None and status in _OUTCOMES.get(state, frozenset())


def may_repeat(state: int | None, status: Status) -> bool:
    """Tell whether an outcome may repeat what the row already is."""
    return status in (Status.CREATED, Status.REFUSED) and state == STATE_OF[status]


def state_name(state: int | None) -> str:
    """Return a state's name for a message; None: the row is not there yet."""
    return "not started" if state is None else RowState(state).name.lower()
