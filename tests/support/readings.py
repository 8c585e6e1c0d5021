"""How one text is read: dates, times, numbers, flags, phrases; for the interpreter, with no library."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space property; `str.strip()` would take \\x1c to \\x1f too, which are not in it."""


class Unreadable(ValueError):  # noqa: N818 - the name is what the text is
    """A text is not of the form that was asked for."""


def trim(text: str) -> str:
    """Return the text without outer white space."""
    return text.strip(WHITE_SPACE)


# --- Numbers and flags --------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def number(text: str) -> int | Decimal:
    """Return a number in JSON's form, a plus sign and leading zeros allowed, that a double can hold."""
    if not _NUMBER.fullmatch(text) or math.isinf(float(text)):
        raise Unreadable(text)
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else exact


def localised_number(text: str, decimal: str = ".", thousands: str | None = None) -> int | Decimal:
    """Return a number with its own decimal and thousands signs; the latter group by threes or not at all.

    There is no exponent: it belongs to a programmer's notation, not to a locale's.
    """
    whole = "[0-9]+"
    if thousands:
        whole = f"(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|{whole})"
    match = re.fullmatch(rf"([+-]?)({whole})(?:{re.escape(decimal)}([0-9]+))?", text)
    if not match:
        raise Unreadable(text)
    digits = match[2].replace(thousands, "") if thousands else match[2]
    return number(f"{match[1]}{digits}.{match[3] or '0'}")


def flag(text: str, words: dict[str, list[str]]) -> bool:
    """Return True or false by the words given, compared exactly."""
    if text in words.get("true", []):
        return True
    if text in words.get("false", []):
        return False
    raise Unreadable(text)


def usual_flag(text: str) -> bool:
    """Return True or false by the usual words, in any case."""
    return flag(
        text.lower(), {"true": ["true", "yes", "y", "t", "1"], "false": ["false", "no", "n", "f", "0"]}
    )


# --- Dates and times ----------------------------------------------------------------------------------

_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?P<fraction>\.[0-9]{1,9})?)?)"
    r"(?P<zone>Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?"
)


def iso(text: str) -> str:
    """Return an ISO 8601 date as it is, a time in UTC; a time without a zone is taken as UTC."""
    match = _ISO.fullmatch(text)
    if not match:
        raise Unreadable(text)
    try:
        if not match["time"]:
            return date.fromisoformat(text).isoformat()
        clock = match["time"].partition(".")[0]
        local = datetime.fromisoformat(f"{match['date']}T{clock}") - _offset(match["zone"])
    except (ValueError, OverflowError) as error:
        raise Unreadable(text) from error
    fraction = (match["fraction"] or "").rstrip("0").rstrip(".")
    return f"{local.isoformat()}{fraction}Z"


def _offset(zone: str | None) -> timedelta:
    if zone in {None, "Z"}:
        return timedelta()
    digits = str(zone)[1:].replace(":", "").ljust(4, "0")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -distance if str(zone)[0] == "-" else distance


def _parsed(text: str, formats: list[str]) -> datetime:
    """Return the text by the first format that fits; digits are 0 to 9 only."""
    if any(sign.isdigit() and not sign.isascii() for sign in text):
        raise Unreadable(text)
    for form in formats:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - callers give it its zone
        except ValueError:
            continue
    raise Unreadable(text)


def local_date(text: str, formats: list[str]) -> str:
    """Return the date, as `YYYY-MM-DD`."""
    return _parsed(text, formats).date().isoformat()


def local_time(text: str, formats: list[str], zone: str | None) -> str:
    """Return the time in UTC; without a zone it is taken as UTC, and in one it must exist exactly once."""
    moment = _parsed(text, formats)
    if moment.tzinfo:
        return in_utc(moment)
    where = ZoneInfo(zone) if zone else UTC
    first, second = (moment.replace(tzinfo=where, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise Unreadable(text)
    return in_utc(first)


def in_utc(when: datetime) -> str:
    """Return ISO 8601 in UTC with Z, the fraction without trailing zeros; a naive time is UTC."""
    try:
        moved = when.astimezone(UTC) if when.tzinfo else when
    except OverflowError as error:
        raise Unreadable(str(when)) from error
    whole = moved.replace(tzinfo=None, microsecond=0).isoformat()
    fraction = f".{moved.microsecond:06}".rstrip("0").rstrip(".")
    return f"{whole}{fraction}Z"


# --- Relative dates -----------------------------------------------------------------------------------

_PHRASE = re.compile(
    r"(?:(?P<number>an?|one|[0-9]+) (?P<unit>day|week|month|year)s? (?P<side>before|after)|on)"
    r" (?:the )?(?P<to>reference date|(?:beginning|end) of the (?:week|month|quarter|year))"
)


def relative_date(text: str) -> dict[str, Any]:
    """Return `30 days before the end of the month`, `on the reference date`: as the API's object."""
    folded = " ".join(part for part in re.split(f"[{WHITE_SPACE}]+", text.lower()) if part)
    match = _PHRASE.fullmatch(folded)
    if not match:
        raise Unreadable(text)
    relative_to = f"the {match['to']}"
    if not match["side"]:
        return {"position": "on", "relative_to": relative_to}
    count = 1 if match["number"] in {"a", "an", "one"} else int(match["number"])
    return {
        "number": count,
        "unit_of_time": f"{match['unit']}s",
        "position": match["side"],
        "relative_to": relative_to,
    }
