"""The parts of a load's page that a dry run's does not have, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loader.report.values import Capped

if TYPE_CHECKING:
    from loader.records import LoadState
    from loader.report.values import FindingGroup

MOST_ATTEMPTS: Final = 12
"""How many different numbers of attempts a page shows."""


@dataclass(frozen=True, slots=True)
class ReconciledCounts:
    """What became of rows that were in doubt.

    Attributes:
        created: Rows that reading back found in the service.
        not_stored: Rows that it did not find; they were sent again, or wait for it.
        by_hand: Rows that a person decided about.
    """

    created: int = 0
    not_stored: int = 0
    by_hand: int = 0


@dataclass(frozen=True, slots=True)
class ThroughputBin:
    """What happened in one stretch of time.

    Attributes:
        created: Records created.
        throttled: Answers with "too many requests".
    """

    created: int
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """A time without sending.

    Attributes:
        start: Seconds since the load began.
        end: Likewise.
        why: In a few words: "interrupted", "the service asked to wait".
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
    """A load compared with its dry run.

    Attributes:
        rejected: Rows of the load that are invalid, blocked or refused.
        by_dry_run: Those of them that had findings in the dry run.
    """

    rejected: int
    by_dry_run: int


@dataclass(frozen=True, slots=True)
class LoadPageValues:
    """What happened in a load.

    Attributes:
        load_id: The load.
        state: Its state.
        sent: Requests sent, over all runs.
        retried: Those of them that repeated an earlier one.
        throttled: Answers with "too many requests".
        ids_known: Rows with the id that the service gave, those already loaded included.
        changed: Rows already loaded with another content than was sent then.
        refusals: What the service refused, most frequent first.
        in_doubt: Why rows are in doubt, most frequent first.
        reconciled: What became of rows that were in doubt.
        throughput: Over time; None where it was not recorded.
        attempts: (attempts, rows), in order, for rows that were sent; at most MOST_ATTEMPTS, and where there
            are so many, the last is for all that took as many or more.
        dry_run: None where no dry run is known.
        approved_code: The code of the report that was approved; None where none was named.
    """

    load_id: str
    state: LoadState
    sent: int = 0
    retried: int = 0
    throttled: int = 0
    ids_known: int = 0
    changed: int = 0
    refusals: Capped[FindingGroup] = field(default_factory=Capped)
    in_doubt: Capped[FindingGroup] = field(default_factory=Capped)
    reconciled: ReconciledCounts = field(default_factory=ReconciledCounts)
    throughput: Throughput | None = None
    attempts: tuple[tuple[int, int], ...] = ()
    dry_run: ComparisonResult | None = None
    approved_code: str | None = None
