"""The rows of a run between reading and the ledger: those that wait, and those that are in progress."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from loader.records import DecidedRow, Outcome, SendableRow, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.records import Position

MOST_DECIDED: Final = 2000
"""Rows decided without sending that share one commit at most: outcomes of others wait while it is written."""
LINGER_S: Final = 0.25
"""Seconds that an outcome waits for others to share its commit: four commits a second if answers are few."""


class WaitingRows:
    """Rows that were read and are not in the ledger yet, in file order, and where their batches begin."""

    def __init__(self) -> None:
        self._rows: deque[SendableRow | DecidedRow] = deque()
        self._checkpoints: list[Position] = []

    def __bool__(self) -> bool:
        return bool(self._rows)

    @property
    def has_checkpoints(self) -> bool:
        """Tell whether a batch start is not in the ledger yet."""
        return bool(self._checkpoints)

    def add(self, checkpoint: Position, rows: Sequence[SendableRow | DecidedRow]) -> None:
        """Put a batch behind the others."""
        self._rows.extend(rows)
        self._checkpoints.append(checkpoint)

    def take_checkpoints(self) -> list[Position]:
        """Return the batch starts that are not in the ledger yet, and forget them."""
        checkpoints, self._checkpoints = self._checkpoints, []
        return checkpoints

    def take(self, room: int, *, sending: bool) -> tuple[list[DecidedRow], list[SendableRow]]:
        """Return the next rows for the ledger, in order, and forget them.

        Args:
            room: How many of them may be sent.
            sending: Whether rows are still sent; if not, all that are left are pending.

        Returns:
            Rows that are decided, and rows that get an intent.
        """
        decided: list[DecidedRow] = []
        intents: list[SendableRow] = []
        while self._rows and len(decided) < MOST_DECIDED:
            row = self._rows[0]
            if isinstance(row, DecidedRow):
                decided.append(row)
            elif not sending:
                decided.append(_unsent(row))
            elif len(intents) < room:
                intents.append(row)
            else:
                # Not even a decided row further on: the ledger takes rows in order, without gaps.
                break
            self._rows.popleft()
        return decided, intents


class SendWindow:
    """Rows with an intent and without a durable outcome: at most twice the concurrency.

    That is the number of rows in doubt after a crash. Twice, so that each worker has a row while outcomes and
    new intents are committed. Outcomes wait here for others, so that many share a commit.

    Args:
        concurrency: Requests in progress at once.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._open = 0  # rows with an intent and no durable outcome
        self._outcomes: list[Outcome] = []
        self._oldest = 0.0

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def has_outcomes(self) -> bool:
        """Tell whether an outcome is not durable yet."""
        return bool(self._outcomes)

    @property
    def room(self) -> int:
        """Return how many more rows may get an intent: those with an outcome make room, committed or not."""
        return 2 * self.concurrency - (self._open - len(self._outcomes))

    def sent(self, rows: int) -> None:
        """Count rows with a durable intent."""
        self._open += rows

    def add(self, outcome: Outcome, now: float) -> None:
        """Keep an outcome for the next commit."""
        if not self._outcomes:
            self._oldest = now
        self._outcomes.append(outcome)

    def is_due(self, now: float) -> bool:
        """Tell whether to commit outcomes: a group is full, no other can come, or one is old enough."""
        count = len(self._outcomes)
        if not count:
            return False
        # All that is open has an outcome: waiting longer could bring no other one.
        return count >= self.concurrency or count == self._open or now >= self._oldest + LINGER_S

    def time_left(self, now: float) -> float | None:
        """Return the seconds until the oldest outcome is old enough; None where there are none."""
        return max(0.0, self._oldest + LINGER_S - now) if self._outcomes else None

    def take(self) -> list[Outcome]:
        """Return the outcomes to commit, and forget them and their rows."""
        outcomes, self._outcomes = self._outcomes, []
        self._open -= len(outcomes)
        return outcomes


def _unsent(row: SendableRow) -> DecidedRow:
    """Return a row that was read and is not sent, because the load stops."""
    return DecidedRow(
        row.seq, row.file_no, row.record_no, row.external_id, Status.PENDING, payload_hash=row.payload_hash
    )
