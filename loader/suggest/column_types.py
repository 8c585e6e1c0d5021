"""What a column would have to go through to fill a field, with the evidence that its values give."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.expressions import is_list, is_nested, is_usable
from loader.mapping.grammar import NumberFormat
from loader.resources.fields import Field, FieldKind
from loader.suggest.codes import read_codes
from loader.suggest.vocabulary import FALSE_WORDS, TRUE_WORDS

if TYPE_CHECKING:
    from loader.suggest.dates import Dates, Family
    from loader.suggest.profile import ColumnProfile

ENOUGH: Final = 0.9
"""The part of a column's values that must parse for the column to be taken for what they are."""
_KNOWN: Final = 0.85  # codes are fewer than other values, so that a few strange rows weigh more
_OPEN_FIT: Final = 0.8  # a column with the field's own name and codes that nobody knows is still that field's
_RARE: Final = 0.005
_MANY: Final = 200
_DEFAULT_FLAGS: Final = frozenset((*conversions.TRUE_WORDS, *conversions.FALSE_WORDS))
_DELIMITERS: Final = (";", "|", ",", "\n", "/")
_EMAIL: Final = r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+$"
_NUMBER_LIKE: Final = r"^[+-]?\d[\d.,' \x{a0}\x{202f}]*(?:[eE][+-]?\d+)?$"
_SHOWN: Final = 30
_FORMATS: Final = tuple(
    NumberFormat(decimal=decimal, thousands=thousands)
    for decimal, thousands in (
        (".", None),
        (",", None),
        (",", "."),
        (".", ","),
        (".", "'"),
        (",", " "),
        (".", " "),
        (",", "\u00a0"),
        (",", "\u202f"),
    )
)


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """How a column can fill a field.

    Attributes:
        fit: How well its values are what the field takes: 0 to 1.
        rule: The conversions; without the column.
        origin: `column`, `json` or `lookup`.
        evidence: What speaks for it, for the comment.
        open: What only a person can decide; the rule is then left commented out. None: nothing.
        table_notes: Value of `map` -> why.
        outside: Values that `map` leaves out, with their counts.
        aloud: What has to be said on the command line, too; None: nothing.
    """

    fit: float
    rule: dict[str, Any] = field(default_factory=dict)
    origin: str = "column"
    evidence: str = ""
    open: str | None = None
    table_notes: dict[str, str] = field(default_factory=dict)
    outside: tuple[tuple[str, int], ...] = ()
    aloud: str | None = None


def read(column: ColumnProfile, dates: Dates | None, target: Field) -> ColumnReading | None:
    """How a column can fill a field; None where it cannot.

    Args:
        column: The column.
        dates: How it writes dates; None where it holds none.
        target: The field, not an item of a list.
    """
    if not is_usable(column.dtype) or not column.filled:
        return None
    if is_nested(column.dtype):
        return _nested(column, target)
    if is_list(column.dtype):
        return _listed(target)
    if column.is_text:
        return _of_text(column, dates, target)
    return _typed(column, target)


def looks_like_email(column: ColumnProfile) -> bool:
    """Whether most of its values are e-mail addresses."""
    if not column.values.height:
        return False
    fits = column.values.filter(pl.col("text").str.contains(_EMAIL))
    return int(fits["count"].sum()) >= ENOUGH * column.filled


# --- typed columns ------------------------------------------------------------------------------------


def _nested(column: ColumnProfile, target: Field) -> ColumnReading | None:
    if target.kind is FieldKind.LIST and isinstance(column.dtype, pl.List | pl.Array):
        inner, item = column.dtype.inner, target.item
        if isinstance(inner, pl.Struct) and item and item.children and _same_fields(inner, item):
            return ColumnReading(1.0, evidence="a list of objects in the file")
    if isinstance(column.dtype, pl.Struct) and target.children and _same_fields(column.dtype, target):
        what = "a relative date" if target.is_relative_date else "an object"
        return ColumnReading(1.0, evidence=f"{what} in the file")
    return None


def _same_fields(struct: pl.Struct, target: Field) -> bool:
    """Whether an object's fields are the target's own; those of an open object may be more."""
    names = {each.name for each in struct.fields}
    known = set(target.children or {})
    required = {name for name, child in (target.children or {}).items() if child.required}
    return bool(names & known) and names <= known and required <= names


def _listed(target: Field) -> ColumnReading | None:
    if target.kind is not FieldKind.LIST or not target.item or target.item.kind is not FieldKind.TEXT:
        return None
    return ColumnReading(1.0, evidence="a list in the file")


def _typed(column: ColumnProfile, target: Field) -> ColumnReading | None:
    dtype, kind = column.dtype, target.kind
    if kind is FieldKind.DATE and isinstance(dtype, pl.Date | pl.Datetime):
        naive = isinstance(dtype, pl.Datetime) and dtype.time_zone is None
        told = "times without a zone count as UTC" if naive else ""
        return ColumnReading(1.0, evidence=told, aloud=_no_zone(column.name) if naive else None)
    if kind is FieldKind.BOOLEAN and isinstance(dtype, pl.Boolean):
        return ColumnReading(1.0)
    if kind is FieldKind.NUMBER and dtype.is_numeric():
        return ColumnReading(1.0)
    if kind is FieldKind.TEXT and not target.enum and dtype.is_integer():
        return ColumnReading(0.9)
    return None


def _no_zone(name: str) -> str:
    return f"{name}: times without a zone, read as UTC; add timezone: Area/City if they are local"


# --- text ---------------------------------------------------------------------------------------------


def _of_text(column: ColumnProfile, dates: Dates | None, target: Field) -> ColumnReading | None:
    if target.kind is FieldKind.DATE:
        return _date(column, dates)
    if target.kind is FieldKind.NUMBER:
        return _number(column)
    if target.kind is FieldKind.BOOLEAN:
        return _flag(column)
    if target.kind is FieldKind.LIST:
        return _list_of_text(column, target)
    if target.kind is FieldKind.OBJECT:
        return _object(column, target)
    return _enum(column, target) if target.enum else _plain(column, dates, target)


def _plain(column: ColumnProfile, dates: Dates | None, target: Field) -> ColumnReading | None:
    wants_email = "email" in target.name
    is_email = looks_like_email(column)
    if wants_email != is_email:
        return ColumnReading(0.3) if wants_email else ColumnReading(0.6)
    if is_email:
        return _email(column)
    return ColumnReading(0.6 if dates else 1.0)


def _email(column: ColumnProfile) -> ColumnReading:
    text, values = pl.col("text"), column.values
    capital = values.filter(text != text.str.to_lowercase())
    fits = int(values.filter(text.str.contains(_EMAIL))["count"].sum())
    told = f"{fits:,} of {column.filled:,} are e-mail addresses"
    if not capital.height:
        return ColumnReading(1.0, evidence=told)
    return ColumnReading(
        1.0, {"case": "lower"}, evidence=f"{told}, {int(capital['count'].sum()):,} written with capitals"
    )


def _date(column: ColumnProfile, dates: Dates | None) -> ColumnReading | None:
    if dates is None:
        return None
    told = f"{dates.parsed:,} of {dates.total:,} values parse" + _but(dates.misfits)
    fit = dates.shaped / dates.total
    if not dates.forms:
        return ColumnReading(
            fit,
            evidence=f"ISO 8601 already: {told}",
            aloud=_no_zone(column.name) if dates.timed and not dates.zoned else None,
        )
    rule: dict[str, Any] = {"datetime" if dates.timed else "date": _one_or_list(dates.forms)}
    if dates.open:
        words = "; ".join(open_words(family) for family in dates.open)
        return ColumnReading(
            fit, rule, evidence=told, open=f"AMBIGUOUS: {words}", aloud=f"AMBIGUOUS: {column.name}: {words}"
        )
    aloud = None
    if dates.lent:
        first = "day" if any(each.order == "day" for each in dates.families) else "month"
        told += f"; AMBIGUOUS by themselves, {first} first as in {dates.lent}"
        aloud = f"AMBIGUOUS: {column.name}: dates taken {first} first as in {dates.lent}"
    if dates.timed and not dates.zoned:
        told += "; no zone in them, so UTC: add timezone: Area/City if they are local"
        aloud = f"{aloud}; and without a zone" if aloud else _no_zone(column.name)
    return ColumnReading(fit, rule, evidence=told, aloud=aloud)


def open_words(family: Family) -> str:
    """What a family of dates leaves open."""
    day, month = family.form("day"), family.form("month")
    if family.mixed:
        return f"some dates fit only {day} and others only {month}"
    if family.order is None and family.year == "%Y":
        return f"all dates fit {day} and {month}"
    order = f"{day} or {month}" if family.order is None else family.form(family.order)
    return f"years of two digits, {order}: 69 to 99 would be 1969 to 1999, 00 to 68 would be 2000 to 2068"


def _number(column: ColumnProfile) -> ColumnReading | None:
    if not _looks_like_numbers(column):
        return None
    values, text = column.values, pl.col("text")
    checked = values.select(
        *(conversions.number(text, form).alias(str(place)) for place, form in enumerate(_FORMATS))
    )
    weights = [int(values["count"].filter(checked[name].is_not_null()).sum()) for name in checked.columns]
    best = max(weights)
    if best < ENOUGH * column.filled:
        return None
    place = weights.index(best)
    form = _FORMATS[place]
    misfits = tuple(values["text"].filter(checked[str(place)].is_null()).head(3))
    told = f"{best:,} of {column.filled:,} values parse" + _but(misfits)
    rule: dict[str, Any] = {}
    if (form.decimal, form.thousands) != (".", None):
        rule = {"number": form.model_dump(exclude_none=True)}
    grouped = values.filter(text.str.contains(r"^[+-]?[1-9]\d{0,2}([.,]\d{3})+$"))
    marked = values.filter(text.str.contains(r"[.,]"))
    if marked.height and grouped.height == marked.height:
        sign = "." if bool(grouped["text"].str.contains(r"\.").any()) else ","
        words = f"{sign!r} may be the decimal sign or stand between thousands"
        return ColumnReading(
            best / column.filled,
            rule,
            evidence=told,
            open=f"AMBIGUOUS: {words}",
            aloud=f"AMBIGUOUS: {column.name}: {words}",
        )
    return ColumnReading(best / column.filled, rule, evidence=told)


def _flag(column: ColumnProfile) -> ColumnReading | None:
    values = column.top(40)
    if column.distinct > len(values):
        return None
    common = [(word, count) for word, count in values if not _rare(count, column.filled)]
    true = [word for word, _ in common if word.lower() in TRUE_WORDS]
    false = [word for word, _ in common if word.lower() in FALSE_WORDS]
    known = sum(count for word, count in common if word in true or word in false)
    if not (true or false) or known < ENOUGH * column.filled:
        return None
    told = ", ".join(f"{_short(word)} {count:,}" for word, count in values[:6])
    if column.rows > column.filled:
        told += f", empty {column.rows - column.filled:,}"
    odd = [word for word, _ in values if word not in true and word not in false]
    if odd:
        told += f"; {', '.join(map(_short, odd[:3]))}: no word of it"
    if all(word.lower() in _DEFAULT_FLAGS for word in (*true, *false)) and not odd:
        return ColumnReading(1.0, evidence=told)
    rule: dict[str, Any] = {"boolean": {"true": true, "false": false}}
    if not false and column.filled < column.rows:
        rule["default"] = False
    return ColumnReading(known / column.filled, rule, evidence=told)


def _rare(count: int, total: int) -> bool:
    return total >= _MANY and count < _RARE * total


def _list_of_text(column: ColumnProfile, target: Field) -> ColumnReading | None:
    if target.item is None or target.item.kind is not FieldKind.TEXT:
        return _json(column, "[")
    if json_list := _json(column, "["):
        return json_list
    texts, counts = column.values["text"], column.values["count"]
    weights = {each: int(counts.filter(texts.str.contains(each, literal=True)).sum()) for each in _DELIMITERS}
    best = max(weights, key=lambda each: weights[each])
    if not weights[best]:
        told = "no value has more than one item: the sign that it is cut at is a guess"
        return ColumnReading(0.8, {"split": ";"}, evidence=told)
    return ColumnReading(
        1.0, {"split": best}, evidence=f"{weights[best]:,} of {column.filled:,} values have several items"
    )


def _object(column: ColumnProfile, target: Field) -> ColumnReading | None:
    if target.is_relative_date:
        fits = column.values.select(conversions.relative_date(pl.col("text")).is_not_null()).to_series()
        parsed = int(column.values["count"].filter(fits).sum())
        if parsed >= ENOUGH * column.filled:
            misfits = tuple(column.values["text"].filter(~fits).head(3))
            told = f"{parsed:,} of {column.filled:,} phrases parse" + _but(misfits)
            return ColumnReading(parsed / column.filled, {"relative_date": True}, evidence=told)
    return _json(column, "{")


def _json(column: ColumnProfile, opening: str) -> ColumnReading | None:
    parsed = 0
    for text, count in column.top(1000):
        if not text.startswith(opening):
            return None
        parsed += count * _is_json(text)
    told = f"{parsed:,} of {column.filled:,} values are JSON"
    return ColumnReading(1.0, origin="json", evidence=told) if parsed >= ENOUGH * column.filled else None


def kind_of(column: ColumnProfile) -> str:
    """What a column holds, in a word or two; dates not looked for."""
    if not column.is_text:
        return str(column.dtype)
    if not column.filled:
        return "empty"
    if _json(column, "{") or _json(column, "["):
        return "JSON"
    return "numbers" if _looks_like_numbers(column) else "text"


def _looks_like_numbers(column: ColumnProfile) -> bool:
    fits = column.values.filter(pl.col("text").str.contains(_NUMBER_LIKE))
    return int(fits["count"].sum()) >= ENOUGH * column.filled


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _enum(column: ColumnProfile, target: Field) -> ColumnReading | None:
    codes = read_codes(column.top(41), target.enum)
    if codes is None:
        return None
    rule: dict[str, Any] = {}
    notes: dict[str, str] = {}
    counted = dict(column.top(41))
    known = round(codes.share * column.filled)
    evidence = f"{known:,} of {column.filled:,} values are known"
    still_open = None if codes.share >= _KNOWN else "what do the others mean?"
    aloud = None
    if codes.case and not codes.exact and still_open is None:
        rule["case"] = codes.case
    elif still_open or not codes.exact:
        rule["map"] = dict(codes.table)
        notes = {value: f"{counted[value]:,}: {how}" for value, how in codes.how.items()}
        guessed = [value for value, how in codes.how.items() if how != "same word"]
        if guessed:
            aloud = f"{column.name}: the meanings of its codes are guessed, look at each"
    if "none" in target.enum and column.filled < column.rows:
        rule["default"] = "none"
        evidence += f"; empty {column.rows - column.filled:,}"
    return ColumnReading(
        max(codes.share, _OPEN_FIT),
        rule,
        evidence=evidence,
        open=still_open,
        table_notes=notes,
        outside=codes.outside,
        aloud=aloud,
    )


def _one_or_list(forms: tuple[str, ...]) -> str | list[str]:
    return forms[0] if len(forms) == 1 else list(forms)


def _but(misfits: tuple[str, ...]) -> str:
    return f", not {', '.join(map(_short, misfits))}" if misfits else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
