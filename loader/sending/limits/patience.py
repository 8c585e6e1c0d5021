"""How long a load goes on in rounds of sending and reconciling; pure."""

from __future__ import annotations

from typing import Final

FIRST_PAUSE_AT: Final = 500
"""So many rows in doubt make a load pause and reconcile them: fewer are not worth a readback of all."""
IDLE_ROUNDS: Final = 5
"""So many rounds in a row without progress end a load: by chance its last rows may come in doubt twice."""


class RoundPatience:
    """When a load pauses for rows in doubt, and when further rounds are useless.

    Contract: `round_ended` after each round of sending, `reconciled` after each readback.
    """

    def __init__(self) -> None:
        self._max_in_doubt = FIRST_PAUSE_AT
        self._idle_rounds = 0

    @property
    def max_in_doubt(self) -> int:
        """Return the number of rows in doubt after which the next round pauses."""
        return self._max_in_doubt

    def reconciled(self) -> None:
        """Make the next pause come later: every readback reads all of the tenant's records."""
        self._max_in_doubt *= 2

    def round_ended(self, *, progress: bool) -> bool:
        """Count a round that leaves rows to send; return whether to give up.

        Args:
            progress: Whether it created rows, or read new ones.
        """
        self._idle_rounds = 0 if progress else self._idle_rounds + 1
        return self._idle_rounds >= IDLE_ROUNDS
