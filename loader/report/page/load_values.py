"""What happened in a load, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loader.report.page.values import Capped

if TYPE_CHECKING:
    from loader.records import LoadState
    from loader.report.page.values import RowPlace


MOST_ATTEMPTS: Final = 12
"""How many different numbers of attempts a page tells apart."""


@dataclass(frozen=True, slots=True)
class RefusedGroup:
    """Rows that the server refused with the same words.

    Attributes:
        words: The server's.
        http_status: What it answered with.
        rows: How many rows.
        examples: Some of them.
    """

    words: str
    http_status: int | None
    rows: int
    examples: Capped[RowPlace]


@dataclass(frozen=True, slots=True)
class InDoubtGroup:
    """Rows of which it is not known whether they were stored.

    Attributes:
        reason: What happened: "the connection was lost before the answer came".
        rows: How many rows.
        examples: Some of them.
    """

    reason: str
    rows: int
    examples: Capped[RowPlace]


@dataclass(frozen=True, slots=True)
class ReconciledCounts:
    """What became of rows that were in doubt.

    Attributes:
        created: Found stored by a lookup.
        not_stored: Found not stored by a lookup; they were sent again, or wait for it.
        by_hand: Decided by a person.
    """

    created: int = 0
    not_stored: int = 0
    by_hand: int = 0


@dataclass(frozen=True, slots=True)
class ThroughputBin:
    """What happened in one stretch of time.

    Attributes:
        created: Records created.
        throttled: Answers that said "too many requests".
    """

    created: int
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """A time without sending.

    Attributes:
        start: Seconds since the load began.
        end: Likewise.
        why: In a few words: "interrupted", "the server asked to wait".
    """

    start: float
    end: float
    why: str


@dataclass(frozen=True, slots=True)
class Throughput:
    """A load over time.

    Attributes:
        width: Seconds a bin, above 0.
        bins: At most 240; the first starts when the load began.
        pauses: In the order of time.
    """

    width: float
    bins: tuple[ThroughputBin, ...]
    pauses: Capped[Pause] = field(default_factory=Capped)


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """What a dry run had said of the rows that were not loaded.

    Attributes:
        rejected: Rows of the load that are invalid, blocked or refused.
        by_dry_run: Those of them that the dry run had named.
    """

    rejected: int
    by_dry_run: int


@dataclass(frozen=True, slots=True)
class LoadPageValues:
    """What happened in a load.

    Attributes:
        load_id: The load.
        state: How it stands.
        sent: Requests sent, over all runs.
        retried: Those of them that repeated an earlier one.
        throttled: Answers that said "too many requests".
        ids_known: Rows with the id that the server gave, those already loaded included.
        changed: Rows already loaded whose content differs from what was sent then.
        refusals: By the server's words, most frequent first.
        doubts: By what happened, most frequent first.
        reconciled: What became of rows that were in doubt.
        throughput: Over time; None where it was not recorded.
        attempts: (attempts, rows), in order, for rows that were sent; at most MOST_ATTEMPTS, and where there
            are so many, the last stands for all that took as many or more.
        foreseen: None where no dry run is known.
        approved_code: The code of the report that was approved; None where none was named.
    """

    load_id: str
    state: LoadState
    sent: int = 0
    retried: int = 0
    throttled: int = 0
    ids_known: int = 0
    changed: int = 0
    refusals: Capped[RefusedGroup] = field(default_factory=Capped)
    doubts: Capped[InDoubtGroup] = field(default_factory=Capped)
    reconciled: ReconciledCounts = field(default_factory=ReconciledCounts)
    throughput: Throughput | None = None
    attempts: tuple[tuple[int, int], ...] = ()
    foreseen: ComparisonResult | None = None
    approved_code: str | None = None
