"""What stops a load by what became of its rows."""

from __future__ import annotations

import pytest

from loader.errors import SameRefusal, TooManyErrors
from loader.findings import Finding
from loader.records import DecidedRow, Outcome, Status
from loader.sending.limits.patience import FIRST_PAUSE_AT, IDLE_ROUNDS, RoundPatience
from loader.sending.limits.stop_rules import STREAK, StopLimits, StopRules
from loader.settings import ErrorLimit


def refused(seq: int, words: str = "unknown field", code: str = "answer.refused") -> Outcome:
    """A row that the service refused."""
    status = 409 if code == "answer.missing_reference" else 400
    finding = Finding(code, params={"status": status, "words": words})
    return Outcome(seq, Status.REFUSED, None, status, 1, (finding,))


def created(seq: int) -> Outcome:
    """A row that was stored."""
    return Outcome(seq, Status.CREATED, f"id-{seq}", 200)


def in_doubt(seq: int) -> Outcome:
    """A row that may be stored."""
    return Outcome(seq, Status.IN_DOUBT, None, 500)


def invalid(seq: int) -> DecidedRow:
    """A row that is not sent."""
    return DecidedRow(seq, 0, seq + 1, None, Status.INVALID)


def test_first_rows_refused_alike_stop_a_load() -> None:
    """At the twentieth, however they are spread over commits, with the service's words."""
    rules = StopRules(StopLimits())
    assert rules.add([], 30, [refused(seq) for seq in range(STREAK - 1)]) is None
    reason = rules.add([], 0, [refused(STREAK)])
    assert isinstance(reason, SameRefusal)
    assert reason.message == (
        f"the first {STREAK} rows were all refused for the same reason: HTTP 400: unknown field"
    )


@pytest.mark.parametrize(
    "other",
    [created(0), in_doubt(0), refused(0, "too long"), refused(0, code="answer.missing_reference")],
    ids=["created", "in doubt", "other words", "another code"],
)
@pytest.mark.parametrize("place", [0, STREAK // 2, STREAK - 1])
def test_one_other_end_breaks_the_streak(other: Outcome, place: int) -> None:
    """The code and the service's words are what is compared; a broken streak never counts again."""
    rules = StopRules(StopLimits())
    outcomes = [refused(seq) for seq in range(1, STREAK)]
    outcomes.insert(place, other)
    assert rules.add([], 30, outcomes) is None
    assert rules.add([], 100, [refused(seq) for seq in range(100, 200)]) is None


def test_a_later_run_has_no_streak() -> None:
    """Only a load's first rows show that the whole load is wrong."""
    rules = StopRules(StopLimits(nothing_created=False))
    assert rules.add([], 100, [refused(seq) for seq in range(100)]) is None


def test_errors_of_earlier_runs_count() -> None:
    """Rows that are invalid or refused count, each once, and those of earlier runs with them."""
    rules = StopRules(StopLimits(max_errors=ErrorLimit(count=5), errors_before=3))
    assert rules.add([invalid(0)], 2, [refused(1)]) is None
    reason = rules.add([invalid(3)], 0, [])
    assert isinstance(reason, TooManyErrors)
    assert reason.message == "6 rows have errors, and --max-errors allows 5"


def test_one_error_is_one_row() -> None:
    """The message's numbers agree with their nouns."""
    reason = StopRules(StopLimits(max_errors=ErrorLimit(count=0))).add([invalid(0)], 0, [])
    assert reason is not None
    assert reason.message == "1 row has errors, and --max-errors allows 0"


def test_a_share_of_few_rows_counts_at_the_end_only() -> None:
    """One of three rows is no share to stop at while there may be thousands."""
    rules = StopRules(StopLimits(max_errors=ErrorLimit(share=0.05)))
    assert rules.add([invalid(0)], 2, []) is None
    reason = rules.at_end()
    assert isinstance(reason, TooManyErrors)
    assert reason.message == "1 of 3 rows have errors, and --max-errors allows 5%"


def test_blocked_rows_count_where_they_are_errors() -> None:
    """A load that refers to itself may have blocked rows for a while."""
    blocked = DecidedRow(0, 0, 1, None, Status.BLOCKED)
    limit = ErrorLimit(count=0)
    assert StopRules(StopLimits(max_errors=limit)).add([blocked], 0, [])
    lenient = StopLimits(max_errors=limit, error_statuses=frozenset({Status.INVALID}))
    assert StopRules(lenient).add([blocked], 0, []) is None


def test_rows_in_doubt_pause_a_run() -> None:
    """At the limit; without one never."""
    rules, endless = StopRules(StopLimits(max_in_doubt=3)), StopRules(StopLimits())
    for one in (rules, endless):
        one.add([], 4, [in_doubt(0), in_doubt(1), created(2)])
    assert (rules.must_pause, endless.must_pause) == (False, False)
    for one in (rules, endless):
        one.add([], 0, [in_doubt(3)])
    assert (rules.must_pause, endless.must_pause) == (True, False)


def test_rounds_without_progress_end_a_load() -> None:
    """A round with progress starts the count again."""
    patience = RoundPatience()
    assert not any(patience.round_ended(progress=False) for _ in range(IDLE_ROUNDS - 1))
    assert not patience.round_ended(progress=True)
    assert not any(patience.round_ended(progress=False) for _ in range(IDLE_ROUNDS - 1))
    assert patience.round_ended(progress=False)


def test_pauses_become_rarer() -> None:
    """Each readback reads all of the tenant's records."""
    patience = RoundPatience()
    assert patience.max_in_doubt == FIRST_PAUSE_AT
    patience.reconciled()
    patience.reconciled()
    assert patience.max_in_doubt == 4 * FIRST_PAUSE_AT
