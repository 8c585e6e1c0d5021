"""The rows of a load that are still to be sent, read from the source and transformed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.records import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.pipeline.loads.task import LoadTask
    from loader.pipeline.rows.transform import TransformedBatch
    from loader.records import Batch


class UnfinishedRows:
    """Reads what has no final outcome yet.

    Args:
        task: The run.
    """

    def __init__(self, task: LoadTask) -> None:
        self._task = task

    def batches(self) -> Iterator[TransformedBatch]:
        """Yield first the rows that are known not to be stored, then those that were never reached."""
        point = self._task.journal.resume_point(self._task.load_id)
        # Pending rows come first: a `limit`, or a source that breaks off later, must not keep them back.
        for pending in point.pending:
            yield from self._from_checkpoint(pending.checkpoint, frozenset(pending.seqs))
        for batch in self._read(point.checkpoint):
            if batch.end.seq > point.next_seq:
                yield self._task.transformer.transform(batch, range(point.next_seq, batch.end.seq))

    def again(self, seqs: frozenset[int]) -> Iterator[TransformedBatch]:
        """Yield these rows once more."""
        for batch in self._read(Position()):
            if any(seq in seqs for seq in range(batch.start.seq, batch.end.seq)):
                yield self._task.transformer.transform(batch, seqs)

    def _from_checkpoint(self, checkpoint: Position, seqs: frozenset[int]) -> Iterator[TransformedBatch]:
        last = max(seqs)
        for batch in self._read(checkpoint):
            yield self._task.transformer.transform(batch, seqs)
            if batch.end.seq > last:
                return

    def _read(self, start: Position) -> Iterator[Batch]:
        settings = self._task.settings
        return self._task.inputs.source.batches(settings.batch_size, start, settings.limit)
