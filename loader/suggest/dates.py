"""How a column writes dates and times: formats tried on every value, and what they leave open.

A day and a month that could be each other (03/04/2019) are told apart only by other values: of the same
column, or of columns beside it. Where there are none, the format stays open.
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
_OTHERS: Final = (
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
_CLOCKS: Final = ("%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S%z", "%H:%M%z")
_ISO: Final = "%Y-%m-%d"
_DATE_LIKE: Final = r"^\D{0,12}\d.*\d"
_LONGEST: Final = 40
_ENOUGH: Final = 0.9
_HALF: Final = 0.5
_SHAPE: Final = r"^\d{1,4}([./-])\d{1,2}([./-])\d{1,4}(?:[ T]\d{1,2}:\d{2}.*)?$"
_RARE: Final = 0.01

DAY_FIRST: Final = "%d{0}%m{0}{1}"
MONTH_FIRST: Final = "%m{0}%d{0}{1}"


@dataclass(frozen=True, slots=True)
class Family:
    """Dates of figures with one separator: day and month in one order or the other.

    Attributes:
        separator: What stands between the figures.
        year: `%Y` or `%y`.
        order: Which comes first, as the values show; None where they do not.
        mixed: Whether some values are only right one way, and others only the other way.
    """

    separator: str
    year: str
    order: Order | None
    mixed: bool = False

    def form(self, order: Order) -> str:
        """The strftime format for that order."""
        return (DAY_FIRST if order == "day" else MONTH_FIRST).format(self.separator, self.year)


@dataclass(frozen=True, slots=True)
class Dates:
    """How a column writes dates.

    Attributes:
        forms: strftime formats that fit, most frequent first; empty where ISO 8601 says it all.
        timed: Whether they tell a time of day.
        zoned: Whether a zone stands behind the times.
        parsed: Values that one of the formats reads.
        shaped: Values that one of them reads or that look like dates all the same (31.02.2020).
        total: Values that there are.
        misfits: A few values that none of them reads.
        families: The families of figures among them.
        open: Families whose order nothing shows, or whose year has two digits: not to be guessed.
        lent: The column whose values showed the order; None where that was this one's.
    """

    forms: tuple[str, ...]
    timed: bool
    zoned: bool
    parsed: int
    shaped: int
    total: int
    misfits: tuple[str, ...]
    families: tuple[Family, ...]
    open: tuple[Family, ...] = ()
    lent: str | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    text: str
    fits: pl.Series
    family: Family | None = None


def read_dates(values: pl.DataFrame) -> Dates | None:
    """How these values are written as dates; None where most are none.

    Args:
        values: Distinct texts as `text`, and how often each stands there as `count`.
    """
    if not values.height or not _look_like_dates(values):
        return None
    counts, texts = values["count"], values["text"]
    total = int(counts.sum())
    iso = _engine(values, conversions.iso_date(pl.col("text")))
    timed = int(counts.filter(texts.str.contains(":")).sum()) * 2 > total
    if _weight(counts, iso) > (1 - _RARE) * total:
        zoned = bool(texts.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").any()) if timed else False
        parsed = _weight(counts, iso)
        return Dates((), timed, zoned, parsed, parsed, total, _misfits(texts, iso), ())
    days = values.with_columns(pl.col("text").str.extract(r"^([^ T]+)[ T].*:")) if timed else values
    chosen = _choose(counts, list(_date_forms(days)))
    if timed:
        chosen = _with_clocks(values, chosen)
    if not chosen:
        return None
    fits = reduce(or_, (form.fits for form in chosen))
    parsed = _weight(counts, fits)
    shaped = _weight(counts, fits | texts.str.contains(_SHAPE))
    if shaped < _ENOUGH * total or parsed < _HALF * total:
        return None
    families = tuple(dict.fromkeys(form.family for form in chosen if form.family))
    return Dates(
        forms=tuple(form.text for form in chosen),
        timed=timed,
        zoned=any("%z" in form.text for form in chosen),
        parsed=parsed,
        shaped=shaped,
        total=total,
        misfits=_misfits(texts, fits),
        families=families,
        open=tuple(each for each in families if each.order is None or each.year == "%y"),
    )


def reconcile_orders(found: Mapping[str, Dates]) -> dict[str, Dates]:
    """Lends the order that one column's values show to columns whose own leave it open.

    Args:
        found: Column -> how it writes dates.
    """
    shown: dict[str, dict[Order, str]] = {}
    for name, dates in found.items():
        for each in dates.families:
            if each.order is not None and not each.mixed:
                shown.setdefault(each.separator, {}).setdefault(each.order, name)
    return {name: _reconciled(dates, shown) for name, dates in found.items()}


def _reconciled(dates: Dates, shown: Mapping[str, Mapping[Order, str]]) -> Dates:
    forms, families, lent = list(dates.forms), [], None
    for family in dates.families:
        orders = shown.get(family.separator, {})
        reconciled = family
        if family.order is None and not family.mixed and len(orders) == 1:
            order, lent = next(iter(orders.items()))
            reconciled = replace(family, order=order)
            before = family.form("day")
            forms = [form.replace(before, reconciled.form(order)) for form in forms]
        families.append(reconciled)
    still_open = tuple(each for each in families if each.order is None or each.year == "%y")
    return replace(dates, forms=tuple(forms), families=tuple(families), open=still_open, lent=lent)


def _look_like_dates(values: pl.DataFrame) -> bool:
    text = pl.col("text")
    alike = values.filter((text.str.len_chars() <= _LONGEST) & text.str.contains(_DATE_LIKE))
    return int(alike["count"].sum()) >= _ENOUGH * int(values["count"].sum())


def _engine(values: pl.DataFrame, expression: pl.Expr) -> pl.Series:
    """Where the loader's own conversion reads a value."""
    return values.select(expression.is_not_null().alias("fits")).to_series()


def _date_forms(days: pl.DataFrame) -> Iterable[_Form]:
    counts = days["count"]
    for form in _OTHERS:
        fits = _engine(days, conversions.date(pl.col("text"), [form]))
        if fits.any() and (form != "%Y%m%d" or days["text"].str.contains(r"^\d{8}$").all()):
            yield _Form(form, fits)
    for separator in _SEPARATORS:
        for year in ("%Y", "%y"):
            if (found := _family(days, counts, separator, year)) is not None:
                yield found


def _family(days: pl.DataFrame, counts: pl.Series, separator: str, year: str) -> _Form | None:
    family = Family(separator, year, None)
    read = days.select(
        conversions.date(pl.col("text"), [family.form("day")]).alias("day"),
        conversions.date(pl.col("text"), [family.form("month")]).alias("month"),
    )
    day, month = read["day"].is_not_null(), read["month"].is_not_null()
    if not (day | month).any():
        return None
    only_day, only_month = _weight(counts, day & ~month), _weight(counts, month & ~day)
    differ = (read["day"] != read["month"]).fill_null(value=False).any()
    if only_day and only_month > _RARE * only_day and only_day > _RARE * only_month:
        return _Form(family.form("day"), day | month, replace(family, mixed=True))
    order: Order | None = "day" if only_day > only_month else "month" if only_month else None
    if order is None and not differ:
        order = "day"
    reconciled = replace(family, order=order)
    return _Form(reconciled.form(order or "day"), month if order == "month" else day, reconciled)


def _choose(counts: pl.Series, forms: Sequence[_Form]) -> list[_Form]:
    """The formats that read the most values, and then each that reads some more of them."""
    chosen: list[_Form] = []
    left = list(forms)
    rest = pl.repeat(value=True, n=len(counts), eager=True)
    while left:
        best = max(left, key=lambda form: _weight(counts, form.fits & rest))
        gain = _weight(counts, best.fits & rest)
        if gain < (max(2, _RARE * int(counts.sum())) if chosen else 1):
            break
        chosen.append(best)
        left.remove(best)
        rest &= ~best.fits
    return chosen


def _with_clocks(values: pl.DataFrame, days: Sequence[_Form]) -> list[_Form]:
    counts = values["count"]
    between = "T" if int(counts.filter(values["text"].str.contains(r"\dT\d")).sum()) else " "
    forms = []
    for day in days:
        for clock in _CLOCKS:
            orders: tuple[Order, ...] = ("day", "month")
            family = day.family
            texts = [family.form(each) for each in orders] if family and not family.order else [day.text]
            timed = [f"{each}{between}{clock}" for each in texts]
            fits = _engine(values, conversions.datetime(pl.col("text"), timed, None))
            if fits.any():
                forms.append(_Form(timed[0], fits, family))
    return _choose(counts, forms)


def _weight(counts: pl.Series, mask: pl.Series) -> int:
    return int(counts.filter(mask).sum() or 0)


def _misfits(texts: pl.Series, fits: pl.Series) -> tuple[str, ...]:
    return tuple(texts.filter(~fits).head(3).to_list())
