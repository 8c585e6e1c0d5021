"""The `Retry-After` header, in both of its forms (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 86_400.0
"""Seconds: no wait is read as longer than a day."""

_SECONDS: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)


def parse_http_date(value: str | None) -> datetime | None:
    """Read an HTTP date.

    Args:
        value: Such as `Sun, 06 Nov 1994 08:49:37 GMT`; None where the header is missing.

    Returns:
        The moment, with its zone (UTC where the text names none); None where it is not a date.
    """
    try:
        moment = parsedate_to_datetime(value) if value else None
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read how long a service asks to wait before the next request.

    Args:
        value: Seconds or an HTTP date, as the header has it; None where there is none.
        now: The present moment by the service's own clock where it is known (its `Date`), with a zone.

    Returns:
        Seconds from `now`, 0 for a date that is past, at most `LONGEST`; None for what is neither.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST)
    moment = parse_http_date(text)
    return None if moment is None else min(max((moment - now).total_seconds(), 0.0), LONGEST)
