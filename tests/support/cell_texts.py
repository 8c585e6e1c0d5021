"""Hypothesis strategies for the texts of cells: good and bad ones for each thing that a field may hold."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.support.readings import WHITE_SPACE

Texts = SearchStrategy[str]

NASTY = (
    '"',
    "a \"b\" 'c'",
    "back\\slash \\n \\u0041",
    "line\nbreak\r\nand\ttab",
    "\x01\x08\x0c\x1b\x7f\x80",
    "x\x1c\x1d\x1e\x1fx",
    "\u2028\u2029\ufeff\u200b",
    "🎓 👩‍👧 \U0001f1e9\U0001f1ea",
    "e\u0301 é ß ŉ İ \u0131 Σας ΟΔΟΣ",
    "00123",
    "1e5",
    "true",
    "null",
    "NULL",
    "{}",
    "[1]",
    "=1+1",
    "a;b,c|d",
    "%d",
    "\u00a0inner\u00a0blank\u3000",
    "اليوم",
)
_CASE_IS_NEWER = "ƛɤ"
"""Letters whose other case came with a Unicode version that not every Python here knows."""

nasty: Texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(
        st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0" + _CASE_IS_NEWER), max_size=12
    ),
)
"""Any text at all but NUL and lone surrogates."""

solid: Texts = st.one_of(nasty, st.text("abcXYZ019 ", min_size=1, max_size=8)).filter(
    lambda text: bool(text.strip()) and text.strip(WHITE_SPACE) not in {"NULL", "n/a", "-"}
)
"""Texts that are values whatever `null_values` are drawn."""

trimmed: Texts = solid.map(lambda text: text.strip(WHITE_SPACE))


@lru_cache(maxsize=1000)
def padded(texts: Texts) -> Texts:
    """Return the texts, some with white space around them."""
    blanks = st.text(st.sampled_from(WHITE_SPACE), max_size=2)
    return st.one_of(texts, st.builds("{1}{0}{2}".format, texts, blanks, blanks))


# --- Numbers ------------------------------------------------------------------------------------------

_DIGITS = st.text("0123456789", min_size=1, max_size=25)


@cache
def numbers(*, least_zero: bool = False) -> Texts:
    """Return numbers as JSON has them, and with leading zeros or a plus sign."""
    sign = st.sampled_from(["", "+"] if least_zero else ["", "-", "+"])
    fraction = st.one_of(st.just(""), st.just(".00"), _DIGITS.map(".{}".format))
    exponent = st.sampled_from(["", "", "", "e3", "e+10", "e-4"])
    return st.builds("{}{}{}{}".format, sign, _DIGITS, fraction, exponent)


@cache
@st.composite
def localised(draw: st.DrawFn, decimal: str, thousands: str | None) -> str:
    """Return numbers with these signs, with and without grouping."""
    whole = draw(st.integers(-(10**12), 10**12))
    text = f"{whole:,}".replace(",", thousands) if thousands and draw(st.booleans()) else str(whole)
    return text + draw(st.one_of(st.just(""), _DIGITS.map(f"{decimal}{{}}".format)))


BAD_NUMBERS = (
    ".5",
    "5.",
    "1,5",
    "1.000,0,0",
    "--1",
    "1_000",
    "0x10",
    "NaN",
    "inf",
    "1e999",
    "١٢",
    "1 2",
    "€ 5",
    "1.2.3",
    "12.34.5",
)
bad_numbers: Texts = st.one_of(st.sampled_from(BAD_NUMBERS), nasty)

# --- Dates and times ----------------------------------------------------------------------------------

DATE_FORMATS = ("%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%d %b %Y", "%Y%m%d", "%d.%m.%y")
TIME_FORMATS = ("%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y %I:%M %p", "%Y-%m-%d %H:%M:%S %z")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")

_days = st.dates(date(1975, 1, 1), date(2036, 12, 31))
_moments = st.datetimes(datetime(1975, 1, 1), datetime(2036, 12, 31))  # noqa: DTZ001 - local times
_around_clock_changes = st.sampled_from(
    [
        datetime(*day, hour, minute)  # noqa: DTZ001 - local times
        for day in ((2019, 3, 31), (2019, 10, 27), (2019, 3, 10), (2019, 11, 3), (2019, 4, 7), (2019, 10, 6))
        for hour in (0, 1, 2, 3)
        for minute in (0, 15, 45)
    ]
)


@cache
def dates(form: str) -> Texts:
    """Return real days, as the format writes them."""
    return _days.map(lambda day: day.strftime(form))


@cache
def times(form: str) -> Texts:
    """Return local times as the format writes them, some around changes of the clock."""
    written = form.replace("%z", "+0200")
    return st.one_of(_moments, _moments, _around_clock_changes).map(lambda when: when.strftime(written))


@cache
@st.composite
def iso(draw: st.DrawFn) -> str:
    """Return ISO 8601 dates and times, with and without a zone and a fraction."""
    when = draw(_moments).replace(microsecond=0)
    if draw(st.booleans()):
        return when.date().isoformat()
    fraction = draw(st.sampled_from(["", ".5", ".120", ".000000", ".123456"]))
    zone = draw(st.sampled_from(["", "Z", "+02:00", "-05:30", "+0100", "+14:00"]))
    return when.isoformat(sep=draw(st.sampled_from("T "))) + fraction + zone


BAD_DATES = (
    "31.02.2019",
    "2019-02-29",
    "02/30/2019",
    "2019-13-01",
    "00.00.0000",
    "0000-00-00",
    "31.03.19x",
    "2019-03-31T",
    "2019-03-31T25:00:00Z",
    "2019-03-31T08:00:00+25:00",
    "easter",
    "1.2",
    "20190231",
    "99",
    "2019-03-31 08:00:00 CET",
)
bad_dates: Texts = st.one_of(st.sampled_from(BAD_DATES), nasty)

# --- Flags, phrases, JSON -----------------------------------------------------------------------------

_WORDS = ("true", "yes", "y", "t", "1", "false", "no", "n", "f", "0")
flags: Texts = st.sampled_from([form(word) for word in _WORDS for form in (str.lower, str.upper, str.title)])
bad_flags: Texts = st.one_of(st.sampled_from(["2", "-1", "ja", "on", "off", "tru", "0.0", "1.0"]), nasty)

_UNITS = ("week", "month", "quarter", "year")
_ANCHORS = ("reference date", *(f"{end} of the {unit}" for end in ("beginning", "end") for unit in _UNITS))


@cache
@st.composite
def phrases(draw: st.DrawFn) -> str:
    """Return relative dates in words, in any case, with blanks here and there."""
    number = draw(st.one_of(st.sampled_from(["a", "an", "one"]), st.integers(0, 10**6).map(str)))
    unit = draw(st.sampled_from(["day", "week", "month", "year"])) + draw(st.sampled_from(["", "s"]))
    side = draw(st.sampled_from(["before", "after"]))
    words = draw(st.sampled_from([[number, unit, side], ["on"]]))
    the = draw(st.sampled_from([["the"], []]))
    text = draw(st.sampled_from([" ", "  ", "\t", " \u00a0"])).join(
        [*words, *the, *draw(st.sampled_from(_ANCHORS)).split()]
    )
    return draw(st.sampled_from([text, text.upper(), text.title()]))


BAD_PHRASES = (
    "30 days",
    "before the end of the month",
    "-1 days before the reference date",
    "3 days on the reference date",
    "3 quarters before the reference date",
    "3 days before the end of month",
    "3days before the reference date",
    "on the the reference date",
    "on",
    "three days after the reference date",
    "1.5 days before the reference date",
    "on the reference date.",
)
bad_phrases: Texts = st.one_of(st.sampled_from(BAD_PHRASES), nasty)

_plain: SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.sampled_from([0.5, -1.25, 1e20]), nasty
)


def _trees(leaves: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(trimmed, inner, max_size=3)),
        max_leaves=5,
    )


json_values = _trees(st.none() | _plain)
"""Any JSON value."""
constants = _trees(_plain)
"""JSON values without nulls: whether a constant keeps the nulls inside it, the document does not say."""

BAD_JSON = ("{", "[1,", "NaN", "01", "'a'", "{a: 1}", "[1] x", "tru", '"\n"', "{,}", "-")
bad_json: Texts = st.sampled_from(BAD_JSON)


@lru_cache(maxsize=1000)
def as_json(values: SearchStrategy[Any]) -> Texts:
    """Return the values as JSON texts, escaped or not."""
    return st.builds(
        lambda value, escaped: json.dumps(value, ensure_ascii=escaped),
        values,
        st.booleans(),
    )
