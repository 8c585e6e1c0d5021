"""Conversions as column-wise functions from text to text: each gives null where a value does not fit.

Every function takes and gives an expression of String type, one value a row, so that they apply to a
column as well as to the items of a list (`pl.element()`).
"""

from __future__ import annotations

import json
import re
from decimal import MAX_PREC, Context, Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.mapping.grammar import BooleanWords, NumberFormat

TRUE_WORDS: Final = ("true", "yes", "y", "t", "1")
FALSE_WORDS: Final = ("false", "no", "n", "f", "0")

_NUMBER: Final = r"^([+-]?)0*([0-9]+?)(?:\.([0-9]*?)0*)?$"
_NUMBER_FORM: Final = r"^[+-]?[0-9]+(?:\.[0-9]+)?$"
_EXPONENT_FORM: Final = r"^[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+$"
_MOST_DIGITS: Final = 308
_MOST_PLACES: Final = 25
_EXACT: Final = Context(prec=MAX_PREC)
_WHOLE_FLOATS: Final = 1e18
_DATE_FORM: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME_FORM: Final = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?:(:[0-5][0-9])(\.[0-9]{1,9})?)?"
    r"(?:Z|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?$"
)
_PHRASE: Final = (
    r"^(?:(?:(?<number>[0-9]+|an?|one) (?<unit>day|week|month|year)s? (?<side>before|after))|on)"
    r" (?:the )?(?<whence>(?:beginning|end) of the (?:week|month|quarter|year)|reference date)$"
)
_FIRST_YEAR, _LAST_YEAR = 1000, 9999


def trim(cell: pl.Expr) -> pl.Expr:
    """Return text without outer white space."""
    return cell.str.strip_chars()


def null_if(cell: pl.Expr, texts: Sequence[str]) -> pl.Expr:
    """Return null where the text is one of these."""
    if not texts:
        return cell
    kept = cell != texts[0] if len(texts) == 1 else ~cell.is_in(list(texts))
    return pl.when(kept).then(cell)


def cell_text(cell: pl.Expr, nulls: Sequence[str], *, trimmed: bool = True) -> pl.Expr:
    """Return text without outer white space, null where it is one of `nulls` before or after trimming.

    Args:
        cell: Text.
        nulls: Texts that are nulls.
        trimmed: False: keeps white space.
    """
    if not trimmed:
        return null_if(cell, nulls)
    # Only texts with white space of their own need a look before trimming: it leaves others as they are.
    padded = [text for text in nulls if text != text.strip()]
    return null_if(trim(null_if(cell, padded)), nulls)


def number(text: pl.Expr, form: NumberFormat | None = None) -> pl.Expr:
    """Return a JSON number in its shortest exact writing: no plus, no leading or trailing zeros, no `.0`.

    Digits are never passed through a float, so long numbers and decimals stay exact. A number that is too
    large for a float is null, since most readers of the JSON would make infinity of it.
    """
    if form is not None:
        return _plain_number(_unlocalised(text, form))
    exponent = pl.when(text.str.contains(_EXPONENT_FORM)).then(text)
    written = exponent.map_batches(_without_exponents, return_dtype=pl.String, is_elementwise=True)
    return pl.coalesce(_plain_number(text), written)


def _without_exponents(texts: pl.Series) -> pl.Series:
    """Write out the few numbers with an exponent, in Python."""
    if texts.null_count() == len(texts):
        return texts
    return pl.Series(
        texts.name,
        [text and (decimal_text(Decimal(text)) if isfinite(float(text)) else None) for text in texts],
        dtype=pl.String,
    )


def decimal_text(number: Decimal) -> str:
    """Return a number as JSON, every digit kept; with an exponent only from 25 places on."""
    shortest = number.normalize(_EXACT)
    if not shortest:
        return "0"
    long = not -_MOST_PLACES < shortest.adjusted() < _MOST_PLACES
    return str(shortest) if long else format(shortest, "f")


def _plain_number(text: pl.Expr) -> pl.Expr:
    return text.map_batches(_plain_numbers, return_dtype=pl.String, is_elementwise=True)


def _plain_numbers(texts: pl.Series) -> pl.Series:
    """Work on a series, since an expression would match its groups again for each use of one."""
    text = pl.col("text")
    sound = pl.when(text.str.contains(_NUMBER_FORM)).then(text)
    parts = texts.alias("text").to_frame().select(sound.str.extract_groups(_NUMBER)).unnest("text")
    whole, part = pl.col("2"), pl.col("3").fill_null("")
    fraction = pl.when(part != "").then(pl.concat_str(pl.lit("."), part)).otherwise(pl.lit(""))
    negative = (pl.col("1") == "-") & ((whole != "0") | (part != ""))
    sign = pl.when(negative).then(pl.lit("-")).otherwise(pl.lit(""))
    fits = whole.str.len_bytes() <= _MOST_DIGITS
    written = pl.when(fits).then(pl.concat_str(sign, whole, fraction))
    return parts.select(written.alias(texts.name)).to_series()


def _unlocalised(text: pl.Expr, form: NumberFormat) -> pl.Expr:
    point = re.escape(form.decimal)
    pattern = rf"^[+-]?[0-9]+(?:{point}[0-9]+)?$"
    if form.thousands:
        group = re.escape(form.thousands)
        pattern += rf"|^[+-]?[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?:{point}[0-9]+)?$"
    sound: pl.Expr = pl.when(text.str.contains(pattern)).then(text)
    if form.thousands:
        sound = sound.str.replace_all(form.thousands, "", literal=True)
    return sound.str.replace_all(form.decimal, ".", literal=True)


def float_text(value: pl.Expr) -> pl.Expr:
    """Return a float as a JSON number, whole ones without a fraction; null where it is not finite."""
    whole = (value == value.round(0)) & (value.abs() < _WHOLE_FLOATS)
    return (
        pl.when(~value.is_finite())
        .then(None)
        .when(whole)
        .then(value.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(value.cast(pl.String))
    )


def boolean(text: pl.Expr, words: BooleanWords | None = None) -> pl.Expr:
    """Return `true` or `false`: by exact words where they are given, else by the usual ones in any case."""
    true, false = (words.true, words.false) if words else (TRUE_WORDS, FALSE_WORDS)
    word = text if words else text.str.to_lowercase()
    return (
        pl.when(word.is_in(list(true)))
        .then(pl.lit("true"))
        .when(word.is_in(list(false)))
        .then(pl.lit("false"))
        .otherwise(None)
    )


def chrono_format(form: str) -> str:
    """Return a strftime format for Polars, which reads microseconds by `%.f` or `%6f`, not by `%f`."""
    return form.replace(".%f", "%.f").replace("%f", "%6f")


def date(text: pl.Expr, forms: Sequence[str]) -> pl.Expr:
    """Return `YYYY-MM-DD` by the first format that fits; `%Y` takes four digits."""
    return pl.coalesce([_one_date(text, form) for form in forms]).dt.strftime("%Y-%m-%d")


def _one_date(text: pl.Expr, form: str) -> pl.Expr:
    return _in_years(text.str.to_date(chrono_format(form), strict=False))


def _in_years(moment: pl.Expr) -> pl.Expr:
    """Return null outside the years 1000 to 9999: `%Y` would read the `19` of `31.03.19` as the year 19."""
    return pl.when(moment.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)).then(moment)


def datetime(text: pl.Expr, forms: Sequence[str], timezone: str | None) -> pl.Expr:
    """Return UTC, `YYYY-MM-DDTHH:MM:SS[.f]Z`, by the first format that fits.

    A format without a zone reads local time of `timezone` (None: UTC); a local time that does not exist
    or exists twice is null.
    """
    return utc_text(pl.coalesce([_one_time(text, form, timezone) for form in forms]))


def _one_time(text: pl.Expr, form: str, timezone: str | None) -> pl.Expr:
    moment = text.str.to_datetime(chrono_format(form), strict=False, time_unit="us")
    if not re.search(r"%[:#]*z|%\+", form):
        moment = local_to_utc(moment, timezone)
    return _in_years(moment.dt.replace_time_zone(None))


def local_to_utc(moment: pl.Expr, timezone: str | None) -> pl.Expr:
    """Return a naive time of a zone (None: UTC) as a time in UTC; null where it is none there, or two."""
    zoned = moment.dt.replace_time_zone(timezone or "UTC", ambiguous="null", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def utc_text(moment: pl.Expr) -> pl.Expr:
    """Return a naive time that is in UTC as text, with a fraction only where there is one."""
    return pl.concat_str(moment.dt.strftime("%Y-%m-%dT%H:%M:%S"), _fraction(moment), pl.lit("Z"))


def _fraction(moment: pl.Expr) -> pl.Expr:
    part = moment.dt.strftime("%.6f").str.strip_chars_end("0")
    return pl.when(part == ".").then(pl.lit("")).otherwise(part)


def iso_date(text: pl.Expr) -> pl.Expr:
    """Return ISO 8601 dates as they are, and times in UTC; a time without a zone is UTC."""
    day = pl.when(text.str.contains(_DATE_FORM)).then(text).str.to_date("%Y-%m-%d", strict=False)
    day = pl.when(day.dt.year() > 0).then(day)
    return pl.coalesce(day.dt.strftime("%Y-%m-%d"), _iso_time(text))


def _iso_time(text: pl.Expr) -> pl.Expr:
    parts = text.str.extract_groups(_TIME_FORM)
    day, clock, second, fraction, sign, hours, minutes = (
        parts.struct.field(str(group)) for group in range(1, 8)
    )
    seconds = second.fill_null(":00")
    naive = pl.concat_str(day, pl.lit("T"), clock, seconds).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us"
    )
    ahead = hours.cast(pl.Int64) * 60 + minutes.cast(pl.Int64).fill_null(0)
    offset = pl.when(sign == "-").then(-ahead).otherwise(ahead).fill_null(0)
    moment = naive - pl.duration(minutes=offset)
    moment = pl.when(moment.dt.year().is_between(1, _LAST_YEAR)).then(moment)
    part = fraction.fill_null("").str.strip_chars_end("0").str.strip_suffix(".")
    return pl.concat_str(moment.dt.strftime("%Y-%m-%dT%H:%M:%S"), part, pl.lit("Z"))


def relative_date(text: pl.Expr) -> pl.Expr:
    """Return a phrase as the JSON of a relative date.

    Phrases are like "30 days before the end of the month" and "on the reference date".
    """
    folded = text.str.to_lowercase().str.replace_all(r"\s+", " ")
    parts = folded.str.extract_groups(_PHRASE)
    count = parts.struct.field("number")
    whole = pl.when(count.is_in(["a", "an", "one"])).then(pl.lit("1")).otherwise(_plain_number(count))
    whence = parts.struct.field("whence")
    on = pl.concat_str(pl.lit('{"position":"on","relative_to":"the '), whence, pl.lit('"}'))
    beside = pl.concat_str(
        pl.lit('{"number":'),
        whole,
        pl.lit(',"position":"'),
        parts.struct.field("side"),
        pl.lit('","relative_to":"the '),
        whence,
        pl.lit('","unit_of_time":"'),
        parts.struct.field("unit"),
        pl.lit('s"}'),
    )
    return pl.when(parts.struct.field("unit").is_null()).then(on).otherwise(beside)


def split(text: pl.Expr, at: str) -> pl.Expr:
    """Return a list of the items between separators, without empty ones."""
    items = text.str.split(at)
    return items.list.eval(pl.element().filter(pl.element() != ""))


_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    **{chr(code): f"\\u{code:04x}" for code in range(32) if chr(code) not in "\b\f\n\r\t"},
}
ESCAPED: Final = r'["\\\x00-\x1f]'
"""Matches what a JSON text cannot hold as it is."""


def escape(text: pl.Expr) -> pl.Expr:
    """Return the inside of a JSON text: quotes, backslashes and control characters escaped, all else raw."""
    return text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))


# --- Constants of a mapping --------------------------------------------------------------------------


def constant_json(value: Any) -> str:
    """Return a constant as compact JSON: without null members, whole floats without a fraction."""
    return json.dumps(_pruned(value), ensure_ascii=False, separators=(",", ":"))


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
