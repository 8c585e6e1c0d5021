"""The rows of a load that are still to be sent, read from the source and transformed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loader.records import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.grouping import GroupedSource
    from loader.pipeline.loads.task import LoadTask
    from loader.pipeline.rows.transform import TransformedBatch, Transformer
    from loader.source import Source


def read_again(
    source: Source | GroupedSource,
    transformer: Transformer,
    seqs: frozenset[int],
    start: Position,
    batch_size: int,
) -> Iterator[TransformedBatch]:
    """Yield rows that the journal has, read from the source and transformed once more.

    No `limit` counts here: it bounds the rows that a load takes, and these are taken.

    Args:
        source: Where they are.
        transformer: Maps and validates them.
        seqs: Their sequence numbers.
        start: Where to start to read; not behind the first of them.
        batch_size: How many records to read at once.

    Raises:
        SourceError: The source can no longer be read.
    """
    last = max(seqs, default=-1)
    for batch in source.batches(batch_size, start):
        if batch.start.seq > last:
            return
        if any(seq in seqs for seq in range(batch.start.seq, batch.end.seq)):
            again = transformer.transform(batch, seqs)
            # The load may have ended in the middle of this batch: the journal has none of the rows behind.
            yield replace(again, end_seq=min(again.end_seq, last + 1))
        if batch.end.seq > last:  # or else the source is read and parsed to its end
            return


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
        settings = self._task.settings
        source = self._task.inputs.source
        for batch in source.batches(settings.batch_size, point.checkpoint, settings.limit):
            if batch.end.seq > point.next_seq:
                yield self._task.transformer.transform(batch, range(point.next_seq, batch.end.seq))

    def again(self, seqs: frozenset[int]) -> Iterator[TransformedBatch]:
        """Yield these rows, which the journal has, once more."""
        return self._from_checkpoint(Position(), seqs)

    def _from_checkpoint(self, checkpoint: Position, seqs: frozenset[int]) -> Iterator[TransformedBatch]:
        task = self._task
        return read_again(task.inputs.source, task.transformer, seqs, checkpoint, task.settings.batch_size)
