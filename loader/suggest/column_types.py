"""How a column's values can fill a field: the conversions that it takes, with the evidence of the values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.expressions import is_list, is_nested, is_usable
from loader.mapping.grammar import NumberFormat
from loader.resources.fields import Field, FieldKind
from loader.suggest.codes import SAME_WORD, is_rare, read_codes
from loader.suggest.vocabulary import FALSE_LIKE, TRUE_LIKE
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loader.suggest.dates import DateFamily, DateReading
    from loader.suggest.profile import ColumnProfile

_ENOUGH: Final = 0.9
"""The part of a column's values that must parse for the column to be taken for what they are."""
_KNOWN: Final = 0.85  # codes are fewer than other values, so that a few strange rows weigh more
_UNKNOWN_CODES: Final = 0.8  # a column with the field's own name and codes that nobody knows still fills it
_MOST_WORDS: Final = 40
_DEFAULT_WORDS: Final = frozenset((*conversions.TRUE_WORDS, *conversions.FALSE_WORDS))
_DELIMITERS: Final = (";", "|", ",", "\n", "/")
_EMAIL: Final = r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+$"
_NUMBER_LIKE: Final = r"^[+-]?\d[\d.,' \x{a0}\x{202f}]*(?:[eE][+-]?\d+)?$"
_ONE_GROUP_SIGN: Final = r"^[+-]?[1-9]\d{0,2}([.,]\d{3})+$"
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
        origin: `column` or `json`.
        evidence: What supports it, for the comment.
        question: What only a person can decide; the rule is then commented out. None: nothing.
        map_notes: Value of `map` -> why.
        unmapped: Values that `map` leaves out, with their counts.
        note: What must be shown on the command line, too; None: nothing.
    """

    fit: float
    rule: dict[str, Any] = field(default_factory=dict)
    origin: str = "column"
    evidence: str = ""
    question: str | None = None
    map_notes: dict[str, str] = field(default_factory=dict)
    unmapped: tuple[tuple[str, int], ...] = ()
    note: str | None = None


def read(column: ColumnProfile, dates: DateReading | None, target: Field) -> ColumnReading | None:
    """Return how a column can fill a field; None where it cannot.

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
        return _list(target)
    if column.is_text:
        return _text(column, dates, target)
    return _typed(column, target)


def looks_like_email(column: ColumnProfile) -> bool:
    """Return whether most of its values are e-mail addresses."""
    if not column.values.height:
        return False
    fits = column.values.filter(pl.col("text").str.contains(_EMAIL))
    return int(fits["count"].sum()) >= _ENOUGH * column.filled


# --- Typed columns -------------------------------------------------------------------------------------


def _nested(column: ColumnProfile, target: Field) -> ColumnReading | None:
    if target.kind is FieldKind.LIST and isinstance(column.dtype, pl.List | pl.Array):
        inner, item = column.dtype.inner, target.item
        if isinstance(inner, pl.Struct) and item and item.children and _same_fields(inner, item):
            return ColumnReading(1.0, evidence="a list of objects in the file")
    if isinstance(column.dtype, pl.Struct) and target.children and _same_fields(column.dtype, target):
        kind = "a relative date" if target.is_relative_date else "an object"
        return ColumnReading(1.0, evidence=f"{kind} in the file")
    return None


def _same_fields(struct: pl.Struct, target: Field) -> bool:
    """Return whether an object's fields are the target's own, with all that it requires."""
    names = {member.name for member in struct.fields}
    known = set(target.children or {})
    required = {name for name, child in (target.children or {}).items() if child.required}
    return bool(names & known) and names <= known and required <= names


def _list(target: Field) -> ColumnReading | None:
    if target.kind is not FieldKind.LIST or not target.item or target.item.kind is not FieldKind.TEXT:
        return None
    return ColumnReading(1.0, evidence="a list in the file")


def _typed(column: ColumnProfile, target: Field) -> ColumnReading | None:
    dtype, kind = column.dtype, target.kind
    if kind is FieldKind.DATE and isinstance(dtype, pl.Date | pl.Datetime):
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            return ColumnReading(
                1.0, evidence="times without a zone count as UTC", note=_no_zone(column.name)
            )
        return ColumnReading(1.0)
    if kind is FieldKind.BOOLEAN and isinstance(dtype, pl.Boolean):
        return ColumnReading(1.0)
    if kind is FieldKind.NUMBER and dtype.is_numeric():
        return ColumnReading(1.0)
    if kind is FieldKind.TEXT and not target.enum and dtype.is_integer():
        return ColumnReading(0.9)
    return None


def _no_zone(name: str) -> str:
    return f"{name}: times without a zone, read as UTC; add `timezone: Area/City` if they are local"


# --- Text ----------------------------------------------------------------------------------------------


def _text(column: ColumnProfile, dates: DateReading | None, target: Field) -> ColumnReading | None:
    if target.kind is FieldKind.DATE:
        return _date(column, dates)
    if target.kind is FieldKind.NUMBER:
        return _number(column)
    if target.kind is FieldKind.BOOLEAN:
        return _boolean(column)
    if target.kind is FieldKind.LIST:
        return _list_of_text(column, target)
    if target.kind is FieldKind.OBJECT:
        return _object(column, target)
    return _enum(column, target) if target.enum else _plain(column, dates, target)


def _plain(column: ColumnProfile, dates: DateReading | None, target: Field) -> ColumnReading | None:
    takes_email = "email" in target.name
    is_email = looks_like_email(column)
    if takes_email != is_email:
        return ColumnReading(0.3) if takes_email else ColumnReading(0.6)
    if is_email:
        return _email(column)
    return ColumnReading(0.6 if dates else 1.0)


def _email(column: ColumnProfile) -> ColumnReading:
    text, values = pl.col("text"), column.values
    capital = values.filter(text != text.str.to_lowercase())
    fits = int(values.filter(text.str.contains(_EMAIL))["count"].sum())
    evidence = f"{fits:,} of {column.filled:,} are e-mail addresses"
    if not capital.height:
        return ColumnReading(1.0, evidence=evidence)
    evidence += f", {int(capital['count'].sum()):,} with capital letters"
    return ColumnReading(1.0, {"case": "lower"}, evidence=evidence)


def _date(column: ColumnProfile, dates: DateReading | None) -> ColumnReading | None:
    if dates is None:
        return None
    evidence = _parsed(dates.parsed, dates.total, dates.misfits)
    fit = dates.date_like / dates.total
    local = dates.has_time and not dates.has_zone
    if not dates.formats:
        note = _no_zone(column.name) if local else None
        return ColumnReading(fit, evidence=f"ISO 8601 already: {evidence}", note=note)
    formats = dates.formats[0] if len(dates.formats) == 1 else list(dates.formats)
    rule: dict[str, Any] = {"datetime" if dates.has_time else "date": formats}
    if dates.open_families:
        return _ambiguous(column, fit, rule, evidence, describe_open(dates.open_families))
    note = None
    if dates.order_from:
        first = "day" if any(family.order == "day" for family in dates.families) else "month"
        evidence += f"; AMBIGUOUS by themselves, {first} first as in {dates.order_from}"
        note = f"AMBIGUOUS: {column.name}: dates read {first} first as in {dates.order_from}"
    if local:
        evidence += "; without a zone, so read as UTC: add `timezone: Area/City` if they are local"
        note = f"{note}; and without a zone" if note else _no_zone(column.name)
    return ColumnReading(fit, rule, evidence=evidence, note=note)


def _ambiguous(
    column: ColumnProfile, fit: float, rule: dict[str, Any], evidence: str, problem: str
) -> ColumnReading:
    """Return a reading that nobody but a person may choose."""
    return ColumnReading(
        fit,
        rule,
        evidence=evidence,
        question=f"AMBIGUOUS: {problem}",
        note=f"AMBIGUOUS: {column.name}: {problem}",
    )


def describe_open(families: Iterable[DateFamily]) -> str:
    """Return what families of dates leave open."""
    return "; ".join(map(_describe_open, families))


def _describe_open(family: DateFamily) -> str:
    day, month = family.format("day"), family.format("month")
    if family.mixed:
        return f"some dates fit only {day} and others only {month}"
    if family.order is None and family.year == "%Y":
        return f"all dates fit {day} and {month}"
    order = f"{day} or {month}" if family.order is None else family.format(family.order)
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
    if best < _ENOUGH * column.filled:
        return None
    place = weights.index(best)
    form = _FORMATS[place]
    misfits = tuple(values["text"].filter(checked[str(place)].is_null()).head(3))
    evidence = _parsed(best, column.filled, misfits)
    rule: dict[str, Any] = {}
    if (form.decimal, form.thousands) != (".", None):
        rule = {"number": form.model_dump(exclude_none=True)}
    # 1.234 is one and a bit or over a thousand: where three digits follow every sign, nothing shows which.
    grouped = values.filter(text.str.contains(_ONE_GROUP_SIGN))
    with_sign = values.filter(text.str.contains(r"[.,]"))
    if with_sign.height and grouped.height == with_sign.height:
        sign = "." if bool(grouped["text"].str.contains(r"\.").any()) else ","
        problem = f"{sign!r} may be the decimal sign or separate thousands"
        return _ambiguous(column, best / column.filled, rule, evidence, problem)
    return ColumnReading(best / column.filled, rule, evidence=evidence)


def _boolean(column: ColumnProfile) -> ColumnReading | None:
    values = column.top(_MOST_WORDS)
    if column.distinct > len(values):
        return None
    common = [(word, count) for word, count in values if not is_rare(count, column.filled)]
    true = [word for word, _ in common if word.lower() in TRUE_LIKE]
    false = [word for word, _ in common if word.lower() in FALSE_LIKE]
    known = sum(count for word, count in common if word in true or word in false)
    if not (true or false) or known < _ENOUGH * column.filled:
        return None
    evidence = ", ".join(f"{_quoted(word)} {count:,}" for word, count in values[:6])
    if column.empty:
        evidence += f", empty {column.empty:,}"
    unknown = [word for word, _ in values if word not in true and word not in false]
    if unknown:
        evidence += f"; neither true nor false: {', '.join(map(_quoted, unknown[:3]))}"
    if all(word.lower() in _DEFAULT_WORDS for word in (*true, *false)) and not unknown:
        return ColumnReading(1.0, evidence=evidence)
    rule: dict[str, Any] = {"boolean": {"true": true, "false": false}}
    # Where only true has a word, an empty cell is how the file writes false.
    if not false and column.empty:
        rule["default"] = False
    return ColumnReading(known / column.filled, rule, evidence=evidence)


def _list_of_text(column: ColumnProfile, target: Field) -> ColumnReading | None:
    if target.item is None or target.item.kind is not FieldKind.TEXT:
        return _json(column, "[")
    if json_list := _json(column, "["):
        return json_list
    texts, counts = column.values["text"], column.values["count"]
    weights = {sign: int(counts.filter(texts.str.contains(sign, literal=True)).sum()) for sign in _DELIMITERS}
    best = max(weights, key=lambda sign: weights[sign])
    if not weights[best]:
        evidence = "no value has more than one item, so the sign between items is a guess"
        return ColumnReading(0.8, {"split": ";"}, evidence=evidence)
    evidence = f"{weights[best]:,} of {column.filled:,} values have several items"
    return ColumnReading(1.0, {"split": best}, evidence=evidence)


def _object(column: ColumnProfile, target: Field) -> ColumnReading | None:
    if target.is_relative_date:
        fits = column.values.select(conversions.relative_date(pl.col("text")).is_not_null()).to_series()
        parsed = int(column.values["count"].filter(fits).sum())
        if parsed >= _ENOUGH * column.filled:
            misfits = tuple(column.values["text"].filter(~fits).head(3))
            evidence = _parsed(parsed, column.filled, misfits, "phrases")
            return ColumnReading(parsed / column.filled, {"relative_date": True}, evidence=evidence)
    return _json(column, "{")


def _json(column: ColumnProfile, opening: str) -> ColumnReading | None:
    parsed = 0
    for text, count in column.top(1000):
        if not text.startswith(opening):
            return None
        parsed += count * _is_json(text)
    if parsed < _ENOUGH * column.filled:
        return None
    return ColumnReading(1.0, origin="json", evidence=f"{parsed:,} of {column.filled:,} values are JSON")


def kind_of(column: ColumnProfile) -> str:
    """Return what a column holds, in a word or two; dates are not looked for."""
    if not column.is_text:
        return str(column.dtype)
    if not column.filled:
        return "empty"
    if _json(column, "{") or _json(column, "["):
        return "JSON"
    return "numbers" if _looks_like_numbers(column) else "text"


def _looks_like_numbers(column: ColumnProfile) -> bool:
    fits = column.values.filter(pl.col("text").str.contains(_NUMBER_LIKE))
    return int(fits["count"].sum()) >= _ENOUGH * column.filled


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _enum(column: ColumnProfile, target: Field) -> ColumnReading | None:
    values = column.top(_MOST_WORDS + 1)
    codes = read_codes(values, target.enum)
    if codes is None:
        return None
    counts = dict(values)
    rule: dict[str, Any] = {}
    map_notes: dict[str, str] = {}
    known = round(codes.share * column.filled)
    evidence = f"{known:,} of {column.filled:,} values are known"
    question = None if codes.share >= _KNOWN else "what do the others mean?"
    note = None
    if codes.case and not codes.exact and question is None:
        rule["case"] = codes.case
    elif question or not codes.exact:
        rule["map"] = dict(codes.table)
        map_notes = {value: f"{counts[value]:,}: {reason}" for value, reason in codes.reasons.items()}
        if any(reason != SAME_WORD for reason in codes.reasons.values()):
            note = f"{column.name}: the meanings of its codes are guessed, check each"
    if "none" in target.enum and column.empty:
        rule["default"] = "none"
        evidence += f"; empty {column.empty:,}"
    return ColumnReading(
        max(codes.share, _UNKNOWN_CODES),
        rule,
        evidence=evidence,
        question=question,
        map_notes=map_notes,
        unmapped=codes.unknown,
        note=note,
    )


def _parsed(parsed: int, total: int, misfits: tuple[str, ...], noun: str = "values") -> str:
    """Return how many values parse, with some that do not."""
    but = f", not {', '.join(map(_quoted, misfits))}" if misfits else ""
    return f"{parsed:,} of {total:,} {noun} parse{but}"


def _quoted(text: str) -> str:
    return repr(shorten(text, _SHOWN))
