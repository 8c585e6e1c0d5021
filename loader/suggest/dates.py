"""How a column writes dates and times: formats tried on every value, and what they leave open.

Only other values show which of two numbers (03/04/2019) is the day and which the month: values of the same
column, or of another column of the same file. Where there are none, the order stays open, and only a person
can decide it: a wrong guess would load a wrong date without a word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from loader.mapping import conversions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Order = Literal["day", "month"]

_SEPARATORS: Final = (".", "/", "-")
_CLEAR_FORMATS: Final = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d. %B %Y",
    "%b %d, %Y",
    "%d.%b.%Y",
)
"""Formats in which day and month cannot be mistaken for each other."""
_CLOCKS: Final = ("%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S%z", "%H:%M%z")
_DATE_LIKE: Final = r"^\D{0,12}\d.*\d"
_NUMERIC_DATE: Final = r"^\d{1,4}([./-])\d{1,2}([./-])\d{1,4}(?:[ T]\d{1,2}:\d{2}.*)?$"
"""Looks like a date of numbers, whether it exists (31.03.2020) or not (31.02.2020)."""
_LONGEST: Final = 40
_ENOUGH: Final = 0.9
_HALF: Final = 0.5
_RARE: Final = 0.01

DAY_FIRST: Final = "%d{0}%m{0}{1}"
MONTH_FIRST: Final = "%m{0}%d{0}{1}"


@dataclass(frozen=True, slots=True)
class DateFamily:
    """Dates of numbers with one separator: day and month in one order or the other.

    Attributes:
        separator: The character between the numbers.
        year: `%Y` or `%y`.
        order: Which comes first, as the values show; None where they do not.
        mixed: Whether some values are only right one way, and others only the other way.
    """

    separator: str
    year: str
    order: Order | None
    mixed: bool = False

    def format(self, order: Order) -> str:
        """Return the strftime format for that order."""
        return (DAY_FIRST if order == "day" else MONTH_FIRST).format(self.separator, self.year)

    @property
    def is_open(self) -> bool:
        """Return whether only a person can decide the order, or the century of a year with two digits."""
        return self.order is None or self.year == "%y"


@dataclass(frozen=True, slots=True)
class DateReading:
    """How a column writes dates.

    Attributes:
        formats: strftime formats that fit, most frequent first; empty for ISO 8601, which needs none.
        has_time: Whether they have a time of day.
        has_zone: Whether the times have a time zone.
        parsed: Values that one of the formats reads.
        date_like: Values that one of them reads or that look like dates all the same (31.02.2020).
        total: Values that there are.
        misfits: A few values that none of them reads.
        families: The families of numeric dates among them.
        order_from: The column that shows the order by its values; None where it is this one's own.
    """

    formats: tuple[str, ...]
    has_time: bool
    has_zone: bool
    parsed: int
    date_like: int
    total: int
    misfits: tuple[str, ...]
    families: tuple[DateFamily, ...]
    order_from: str | None = None

    @property
    def open_families(self) -> tuple[DateFamily, ...]:
        """Return the families that must not be guessed."""
        return tuple(family for family in self.families if family.is_open)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A format that was tried.

    Attributes:
        format: The strftime format.
        fits: For each value, whether the format reads it.
        family: The family of numeric dates that it belongs to; None for other formats.
    """

    format: str
    fits: pl.Series
    family: DateFamily | None = None


def read_dates(values: pl.DataFrame) -> DateReading | None:
    """Return how values are written as dates; None where most are no dates.

    Args:
        values: Distinct texts as `text`, and how often each occurs as `count`.
    """
    if not values.height or not _look_like_dates(values):
        return None
    counts, texts = values["count"], values["text"]
    total = int(counts.sum())
    iso = _reads(values, conversions.iso_date(pl.col("text")))
    has_time = int(counts.filter(texts.str.contains(":")).sum()) * 2 > total
    if _weight(counts, iso) > (1 - _RARE) * total:
        has_zone = bool(texts.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").any()) if has_time else False
        parsed = _weight(counts, iso)
        return DateReading((), has_time, has_zone, parsed, parsed, total, _misfits(texts, iso), ())
    # The day is tried without its clock first: days times clocks would be over a hundred formats.
    days = values.with_columns(pl.col("text").str.extract(r"^([^ T]+)[ T].*:")) if has_time else values
    chosen = _choose(counts, list(_date_candidates(days)))
    if has_time:
        chosen = _with_clocks(values, chosen)
    if not chosen:
        return None
    fits = reduce(or_, (candidate.fits for candidate in chosen))
    parsed = _weight(counts, fits)
    date_like = _weight(counts, fits | texts.str.contains(_NUMERIC_DATE))
    if date_like < _ENOUGH * total or parsed < _HALF * total:
        return None
    return DateReading(
        formats=tuple(candidate.format for candidate in chosen),
        has_time=has_time,
        has_zone=any("%z" in candidate.format for candidate in chosen),
        parsed=parsed,
        date_like=date_like,
        total=total,
        misfits=_misfits(texts, fits),
        families=tuple(dict.fromkeys(candidate.family for candidate in chosen if candidate.family)),
    )


def share_orders(readings: Mapping[str, DateReading]) -> dict[str, DateReading]:
    """Give the order that one column's values show to columns that leave it open.

    One program wrote the file, so its columns follow one order, unless they contradict each other: then no
    order is shared.

    Args:
        readings: Column -> how it writes dates.
    """
    orders: dict[str, dict[Order, str]] = {}
    for name, dates in readings.items():
        for family in dates.families:
            if family.order is not None and not family.mixed:
                orders.setdefault(family.separator, {}).setdefault(family.order, name)
    return {name: _with_orders(dates, orders) for name, dates in readings.items()}


def _with_orders(dates: DateReading, orders: Mapping[str, Mapping[Order, str]]) -> DateReading:
    """Fill in the orders of families that leave theirs open.

    Args:
        dates: How a column writes dates.
        orders: Separator -> the orders that columns show with it -> the first such column.
    """
    formats, families, order_from = list(dates.formats), [], dates.order_from
    for family in dates.families:
        shown = orders.get(family.separator, {})
        decided = family
        if family.order is None and not family.mixed and len(shown) == 1:
            order, order_from = next(iter(shown.items()))
            decided = replace(family, order=order)
            # Formats of an open family were written day first.
            formats = [text.replace(family.format("day"), decided.format(order)) for text in formats]
        families.append(decided)
    return replace(dates, formats=tuple(formats), families=tuple(families), order_from=order_from)


def _look_like_dates(values: pl.DataFrame) -> bool:
    """Return whether most values might be dates: a cheap test, as each format is tried on all of them."""
    text = pl.col("text")
    alike = values.filter((text.str.len_chars() <= _LONGEST) & text.str.contains(_DATE_LIKE))
    return int(alike["count"].sum()) >= _ENOUGH * int(values["count"].sum())


def _reads(values: pl.DataFrame, expression: pl.Expr) -> pl.Series:
    """Return for each value whether the loader's own conversion reads it."""
    return values.select(expression.is_not_null().alias("fits")).to_series()


def _date_candidates(days: pl.DataFrame) -> Iterable[_Candidate]:
    counts = days["count"]
    for text in _CLEAR_FORMATS:
        fits = _reads(days, conversions.date(pl.col("text"), [text]))
        # Polars reads `%Y%m%d` from numbers of other lengths, too.
        if fits.any() and (text != "%Y%m%d" or days["text"].str.contains(r"^\d{8}$").all()):
            yield _Candidate(text, fits)
    for separator in _SEPARATORS:
        for year in ("%Y", "%y"):
            if (candidate := _family_candidate(days, counts, separator, year)) is not None:
                yield candidate


def _family_candidate(days: pl.DataFrame, counts: pl.Series, separator: str, year: str) -> _Candidate | None:
    """Return the dates of numbers with this separator and year; None where there are none."""
    family = DateFamily(separator, year, None)
    read = days.select(
        conversions.date(pl.col("text"), [family.format("day")]).alias("day"),
        conversions.date(pl.col("text"), [family.format("month")]).alias("month"),
    )
    day, month = read["day"].is_not_null(), read["month"].is_not_null()
    if not (day | month).any():
        return None
    only_day, only_month = _weight(counts, day & ~month), _weight(counts, month & ~day)
    differ = (read["day"] != read["month"]).fill_null(value=False).any()
    # A few values of the other order are typing errors; more than that, and the column has two orders.
    if only_day and only_month > _RARE * only_day and only_day > _RARE * only_month:
        return _Candidate(family.format("day"), day | month, replace(family, mixed=True))
    order: Order | None = "day" if only_day > only_month else "month" if only_month else None
    if order is None and not differ:
        order = "day"  # 03/03/2019 and the like: both orders give the same dates
    decided = replace(family, order=order)
    return _Candidate(decided.format(order or "day"), month if order == "month" else day, decided)


def _choose(counts: pl.Series, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the format that reads the most values, and then each that reads some more of them."""
    chosen: list[_Candidate] = []
    left = list(candidates)
    rest = pl.repeat(value=True, n=len(counts), eager=True)
    while left:
        best = max(left, key=lambda candidate: _weight(counts, candidate.fits & rest))
        # A further format must read more than a few typing errors, which would pass for dates by it.
        gain = _weight(counts, best.fits & rest)
        if gain < (max(2, _RARE * int(counts.sum())) if chosen else 1):
            break
        chosen.append(best)
        left.remove(best)
        rest &= ~best.fits
    return chosen


def _with_clocks(values: pl.DataFrame, days: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the formats of days with the times of day that fit behind them."""
    counts = values["count"]
    between = "T" if int(counts.filter(values["text"].str.contains(r"\dT\d")).sum()) else " "
    orders: tuple[Order, ...] = ("day", "month")
    candidates = []
    for day in days:
        family = day.family
        dates = [family.format(order) for order in orders] if family and not family.order else [day.format]
        for clock in _CLOCKS:
            formats = [f"{date}{between}{clock}" for date in dates]
            fits = _reads(values, conversions.datetime(pl.col("text"), formats, None))
            if fits.any():
                candidates.append(_Candidate(formats[0], fits, family))
    return _choose(counts, candidates)


def _weight(counts: pl.Series, mask: pl.Series) -> int:
    """Return how many cells have the values of a mask."""
    return int(counts.filter(mask).sum() or 0)


def _misfits(texts: pl.Series, fits: pl.Series) -> tuple[str, ...]:
    return tuple(texts.filter(~fits).head(3).to_list())
