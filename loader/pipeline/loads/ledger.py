"""What the dispatcher asks and tells a load's journal, and the totals that come of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from loader.identity import decide_rows
from loader.mapping import EXTERNAL_ID_PATH
from loader.records import Requests, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.identity import Row
    from loader.pipeline.loads.task import LoadTask
    from loader.pipeline.rows.transform import TransformedBatch
    from loader.records import DecidedRow, Outcome, Position, SendableRow


@dataclass(frozen=True, slots=True)
class DecidedBatch:
    """A batch with rows that are also decided by what the journal knows of their external ids."""

    checkpoint: Position
    rows: list[Row]


class JournalLedger:
    """Makes a load's rows durable. Calls come one at a time, from the dispatcher's writing thread.

    Args:
        task: The run.

    Attributes:
        totals: Rows by status; of the rows in progress none counts as in doubt.
        requests: The load's requests over all its runs.
        read_to: The first row that was not read yet.
    """

    def __init__(self, task: LoadTask) -> None:
        self._task = task
        self._file_names = [file.name for file in task.load.files]
        self.requests = task.load.requests
        self.start_round()

    def start_round(self) -> None:
        """Prepare for another dispatcher: it counts its requests from zero, and nothing is in progress."""
        self._requests_before = self.requests
        self._under_way = 0
        self.totals: Mapping[Status, int] = self._task.journal.totals(self._task.load_id)
        # The journal has no gaps: as many rows were read as it has.
        self.read_to = sum(self.totals.values())

    def decide(self, transformed: TransformedBatch) -> DecidedBatch:
        """Decide a batch's rows by what the journal knows of their external ids."""
        journal, load_id = self._task.journal, self._task.load_id
        self.read_to = max(self.read_to, transformed.end_seq)
        rows = decide_rows(
            transformed.rows,
            elsewhere=partial(journal.known_elsewhere, load_id),
            here=partial(journal.known_here, load_id),
            id_field=EXTERNAL_ID_PATH,
            file_names=self._file_names,
        )
        return DecidedBatch(transformed.checkpoint, rows)

    def commit(
        self,
        *,
        decided: Sequence[DecidedRow],
        intents: Sequence[SendableRow],
        outcomes: Sequence[Outcome],
        checkpoints: Sequence[Position],
        requests: Requests,
    ) -> None:
        """Write all of it to the journal in one transaction, and keep the new totals.

        Raises:
            JournalFailed: It cannot be written; nothing of it is.
        """
        before = self._requests_before
        self.requests = Requests(
            before.sent + requests.sent,
            before.retried + requests.retried,
            before.throttled + requests.throttled,
        )
        # One transaction: an intent without its checkpoint, or an outcome without the count of its requests,
        # would be there after a crash and never be put right.
        self._task.journal.commit(
            self._task.load_id,
            decided=decided,
            intents=intents,
            outcomes=outcomes,
            checkpoints=checkpoints,
            requests=self.requests,
            at=datetime.now(UTC),
        )
        self._under_way += len(intents) - len(outcomes)
        totals = self._task.journal.totals(self._task.load_id)
        # The journal counts rows in progress as in doubt, which would alarm whoever watches.
        self.totals = {**totals, Status.IN_DOUBT: totals[Status.IN_DOUBT] - self._under_way}
