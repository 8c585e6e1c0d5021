"""The values that a journal gives back, whatever it keeps them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from loader.records import Position


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a tenant and record type.

    The SQLite journal locks a file of this machine: it counts the epoch and sets no deadline. A journal on a
    server, which cannot see that a holder has died, sets both.

    Attributes:
        epoch: From 1, one more with each claim of the scope: what a holder of an earlier epoch still writes
            is out of date.
        deadline: When the claim ends unless it is renewed, an aware time; None: it ends with its process.
    """

    epoch: int
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingRows:
    """Rows that the journal has and that may be sent again.

    Attributes:
        checkpoint: The last batch start at or before the first of them, and so of each of them.
        seqs: Their numbers over all files of the load, ascending; never empty.
    """

    checkpoint: Position
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a load continues.

    Attributes:
        next_seq: The first row that the journal does not have; it has every row before it.
        checkpoint: The last batch start at or before it; the beginning of the source where there is none.
        pending: The pending rows before it, by the checkpoint that they lie behind, ascending.
    """

    next_seq: int
    checkpoint: Position
    pending: tuple[PendingRows, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadStatistics:
    """What is counted over all rows of a load.

    Attributes:
        records: Rows by the index of their file.
        attempts: Rows by how often they were sent; rows that never were are left out.
        ids: Rows whose record's id is known.
        changed: Rows loaded already whose payload differs from what was sent then: `changed.payload`.
        decided: How often a person has decided what became of a row in doubt.
    """

    records: Mapping[int, int] = field(default_factory=dict)
    attempts: Mapping[int, int] = field(default_factory=dict)
    ids: int = 0
    changed: int = 0
    decided: int = 0


class Moment(NamedTuple):
    """What was committed in one second of a load.

    Attributes:
        second: Whole seconds since the load started, by the wall clock.
        created: Rows that became created, whoever found it out.
        throttled: Answers with status 429.
        started: How many times work on the load started then, its first start included.
        found_stored: Rows in doubt that a readback found in the service; they are among `created`.
        found_absent: Rows in doubt that a readback showed not to be stored.
    """

    second: int
    created: int = 0
    throttled: int = 0
    started: int = 0
    found_stored: int = 0
    found_absent: int = 0
