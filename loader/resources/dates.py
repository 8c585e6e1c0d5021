"""The dates of the API: ISO 8601 as far as the service takes it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

_ISO: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z)?", re.ASCII)
_SECONDS_END: Final = len("2019-03-31T08:00:00")


def iso_date_problem(text: str) -> str | None:
    """Return what is wrong with a date or time, in words; None where nothing is.

    Args:
        text: Expected `YYYY-MM-DD`, or a time in UTC `YYYY-MM-DDTHH:MM:SS[.fff]Z` (the API: ISO 8601).
    """
    match = _ISO.fullmatch(text)
    if not match:
        return "expected an ISO 8601 date (2019-03-31) or UTC time (2019-03-31T08:00:00Z)"
    try:
        if match[2]:
            # Cut, as `datetime` takes six digits of a second and the API takes nine.
            datetime.fromisoformat(text[:_SECONDS_END])
        else:
            date.fromisoformat(text)
    except ValueError:
        return "expected a day and a time that exist, of the years 1 to 9999"
    return None
