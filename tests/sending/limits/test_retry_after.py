"""`Retry-After` in both forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.sending import parse_retry_after
from loader.sending.limits.retry_after import LONGEST

_NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("1", 1.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("999999999", LONGEST),
        ("Sun, 22 Nov 2026 10:00:07 GMT", 7.0),
        ("Sunday, 22-Nov-26 10:00:07 GMT", 7.0),
        ("Sun, 22 Nov 2026 12:00:07 +0200", 7.0),
        ("Sun, 22 Nov 2026 09:59:00 GMT", 0.0),
        ("Tue, 22 Nov 2033 10:00:00 GMT", LONGEST),
        (None, None),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
        ("nan", None),
        ("inf", None),
        ("٣", None),
        ("Sun, 99 Nov 2026 10:00:07 GMT", None),
    ],
)
def test_seconds_dates_and_what_is_neither(value: str | None, expected: float | None) -> None:
    """Seconds and dates are read, a past date is 0, a long wait is a day, all else is None."""
    assert parse_retry_after(value, _NOW) == expected


@given(st.integers(-100, 80_000))
def test_a_date_is_as_far_off_as_it_says(seconds: int) -> None:
    """A date that many seconds ahead is a wait of so many."""
    value = format_datetime(_NOW + timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(value, _NOW) == max(seconds, 0)


@given(st.text())
def test_no_text_breaks_it(value: str) -> None:
    """Whatever a server sends is None or a wait that is not too long."""
    wait = parse_retry_after(value, _NOW)
    assert wait is None or 0 <= wait <= LONGEST
