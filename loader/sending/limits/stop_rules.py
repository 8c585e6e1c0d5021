"""When what became of a load's rows stops the load, or makes it pause; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.errors import SameRefusal, Stopped, TooManyErrors
from loader.findings import group_key
from loader.records import DecidedRow, Outcome, Status
from loader.text import count
from loader.wording import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.findings import Finding
    from loader.settings import ErrorLimit

FEW_ROWS: Final = 100
"""A share of errors counts from so many rows on, and at the end."""
STREAK: Final = 20
"""So many first rows refused for the same reason stop a load: the mapping is wrong then, not the rows."""


@dataclass(frozen=True, slots=True)
class StopLimits:
    """When a load stops by itself.

    Attributes:
        max_errors: Rows that may have errors; None: any number.
        error_statuses: The statuses of rows that count for `max_errors` without having been sent.
        errors_before: Rows with errors before this run, for `max_errors`.
        rows_before: Rows read before this run, for `max_errors`.
        max_in_doubt: Rows in doubt after which the run pauses, so that they are reconciled; None: it never
            does.
        nothing_created: Whether no row of the load is created or in doubt yet, so that a streak of refusals
            stops it.
    """

    max_errors: ErrorLimit | None = None
    error_statuses: frozenset[Status] = frozenset({Status.INVALID, Status.BLOCKED})
    errors_before: int = 0
    rows_before: int = 0
    max_in_doubt: int | None = None
    nothing_created: bool = True


class StopRules:
    """Watch one run: too many errors, first rows refused alike, too many rows in doubt.

    Contract: `add` after each commit, in their order, and `at_end` once no more rows will be read. A run ends
    at the first reason; what later calls return then is of no use.

    Args:
        limits: When to stop.
    """

    def __init__(self, limits: StopLimits) -> None:
        self._limits = limits
        self._rows = limits.rows_before
        self._errors = limits.errors_before
        self._in_doubt = 0
        self._streak = _Streak() if limits.nothing_created else None

    def add(self, decided: Sequence[DecidedRow], sent: int, outcomes: Sequence[Outcome]) -> Stopped | None:
        """Take in what a commit has written.

        Args:
            decided: Rows decided without sending them.
            sent: How many rows got an intent.
            outcomes: What became of rows sent before.

        Returns:
            Why the load must stop; None where it may go on.
        """
        refused = sum(outcome.status is Status.REFUSED for outcome in outcomes)
        self._rows += len(decided) + sent
        self._errors += refused + sum(row.status in self._limits.error_statuses for row in decided)
        self._in_doubt += sum(outcome.status is Status.IN_DOUBT for outcome in outcomes)
        return self._too_many(at_end=False) or self._same_refusal(outcomes)

    def at_end(self) -> Stopped | None:
        """Return why the load must stop, also by the share of few rows; None where it is fine."""
        return self._too_many(at_end=True)

    @property
    def must_pause(self) -> bool:
        """Tell whether so many rows of this run are in doubt that they are reconciled first."""
        return self._limits.max_in_doubt is not None and self._in_doubt >= self._limits.max_in_doubt

    def _too_many(self, *, at_end: bool) -> TooManyErrors | None:
        limit = self._limits.max_errors
        if limit is None:
            return None
        if limit.count is not None and self._errors > limit.count:
            has = "has" if self._errors == 1 else "have"
            return TooManyErrors(
                f"{count(self._errors, 'row')} {has} errors, and --max-errors allows {limit.count}"
            )
        # A share of the first few rows says nothing: one bad row of three would stop a load with 5 %.
        enough = at_end or self._rows >= FEW_ROWS
        if limit.share is not None and enough and self._errors > limit.share * self._rows:
            allowed = f"{limit.share * 100:g}%"
            return TooManyErrors(
                f"{self._errors:,} of {count(self._rows, 'row')} have errors,"
                f" and --max-errors allows {allowed}"
            )
        return None

    def _same_refusal(self, outcomes: Sequence[Outcome]) -> SameRefusal | None:
        if self._streak is None:
            return None
        self._streak.add(outcomes)
        if self._streak.broken:
            self._streak = None
            return None
        if self._streak.rows < STREAK or self._streak.first is None:
            return None
        return SameRefusal(
            f"the first {self._streak.rows} rows were all refused for the same reason:"
            f" {message(self._streak.first)}"
        )


class _Streak:
    """The refusals since the load's first row, as long as they all have the same cause."""

    def __init__(self) -> None:
        self.rows = 0
        self.first: Finding | None = None
        self.broken = False

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count refusals; a row that was stored, or may be, and another reason break the streak."""
        for outcome in outcomes:
            if outcome.status in {Status.CREATED, Status.IN_DOUBT}:
                self.broken = True
            elif outcome.status is Status.REFUSED:
                finding = outcome.findings[0] if outcome.findings else None
                self.first = self.first or finding
                self.rows += 1
                self.broken = self.broken or not _same(self.first, finding)


def _same(first: Finding | None, finding: Finding | None) -> bool:
    if first is None or finding is None:
        return first is finding
    return group_key(first) == group_key(finding)
