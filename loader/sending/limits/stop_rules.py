"""Verdicts on a load, from what became of its rows; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.errors import SameRefusal, Stopped, TooManyErrors
from loader.records import DecidedRow, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.settings import ErrorLimit

FEW_ROWS: Final = 100
"""A share of errors is judged from so many rows on, and at the end."""
STREAK: Final = 20
"""So many first rows refused with the same words stop a load."""


@dataclass(frozen=True, slots=True)
class StopLimits:
    """When a load stops by itself, and how much is under way at once.

    Attributes:
        concurrency: Requests under way at once; twice as many rows at most have an intent and no outcome.
        max_errors: Rows that may go wrong; None: any number.
        unsent: What counts as wrong for `max_errors` without having been sent.
        wrong: Rows that have gone wrong before this run, for `max_errors`.
        read: Rows that were read before this run, for `max_errors`.
        doubts: Rows in doubt after which the run pauses, so that they are reconciled; None: it never does.
        first_run: Whether the load's first rows are sent now, so that a streak of refusals stops it.
    """

    concurrency: int
    max_errors: ErrorLimit | None = None
    unsent: frozenset[Status] = frozenset({Status.INVALID, Status.BLOCKED})
    wrong: int = 0
    read: int = 0
    doubts: int | None = None
    first_run: bool = True


class StopRules:
    """Watches a run: too many errors, or the first rows all refused alike.

    Args:
        limits: When to stop.
    """

    def __init__(self, limits: StopLimits) -> None:
        self._limit = limits.max_errors
        self._unsent = limits.unsent
        self._read = limits.read
        self._wrong = limits.wrong
        self._refusals: list[str] = []
        self._all_alike = limits.first_run

    def add(
        self, judged: Sequence[DecidedRow], sent: int, outcomes: Sequence[Outcome], *, at_end: bool
    ) -> Stopped | None:
        """Takes in what a commit has written.

        Args:
            judged: Rows judged without sending them.
            sent: How many rows got an intent.
            outcomes: What became of rows sent before.
            at_end: Whether no more rows will be read.

        Returns:
            Why the load must stop; None where it may go on.
        """
        refused = [each.message for each in outcomes if each.status is Status.REFUSED]
        self._read += len(judged) + sent
        self._wrong += len(refused) + sum(each.status in self._unsent for each in judged)
        return self._too_many(at_end=at_end) or self._streak(outcomes, refused)

    def _too_many(self, *, at_end: bool) -> TooManyErrors | None:
        limit = self._limit
        if limit is None:
            return None
        if limit.count is not None and self._wrong > limit.count:
            return TooManyErrors(f"{self._wrong} rows are wrong, and --max-errors allows {limit.count}")
        enough = at_end or self._read >= FEW_ROWS
        if limit.share is not None and enough and self._wrong > limit.share * self._read:
            allowed = f"{limit.share * 100:g}%"
            return TooManyErrors(
                f"{self._wrong} of {self._read} rows are wrong, and --max-errors allows {allowed}"
            )
        return None

    def _streak(self, outcomes: Sequence[Outcome], refused: list[str]) -> SameRefusal | None:
        if not self._all_alike:
            return None
        self._refusals += refused
        taken = any(each.status in {Status.CREATED, Status.IN_DOUBT} for each in outcomes)
        if taken or len(set(self._refusals)) > 1:
            self._all_alike, self._refusals = False, []
            return None
        if len(self._refusals) < STREAK:
            return None
        words = self._refusals[0]
        return SameRefusal(f"the first {len(self._refusals)} rows were all refused alike: {words}")
