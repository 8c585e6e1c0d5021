"""What a rule's conversions, and a field's own type, make of text and typed cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from loader.mapping import conversions
from loader.mapping.expressions import as_text, in_years
from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import JsonValue
    from loader.mapping.grammar import Rule
    from loader.mapping.program import Encoding

Transform: TypeAlias = Callable[[pl.Expr], pl.Expr]
"""A function of a column, or of the items of lists."""


@dataclass(frozen=True, slots=True)
class Parser:
    """A conversion of text that may fail.

    Attributes:
        transform: Gives null where a text does not fit.
        encoding: How its results are held.
        code: Of the finding for a text that does not fit.
        params: Of that finding; those that are None are left out.
    """

    transform: Transform
    encoding: Encoding
    code: str
    params: Mapping[str, JsonValue] = field(default_factory=dict)


# --- Parsing ---------------------------------------------------------------------------------------------


def rule_parser(rule: Rule, dtype: pl.DataType | None) -> Parser | None:
    """Return the conversion that a rule names; None where it names none.

    Args:
        rule: The rule.
        dtype: The cells' own type, which needs no format; None for text.
    """
    if rule.date:
        return Parser(
            lambda text: conversions.date(text, rule.date), "plain", "date.format", {"formats": [*rule.date]}
        )
    if rule.datetime:
        return Parser(
            lambda text: conversions.datetime(text, rule.datetime, rule.timezone),
            "plain",
            "datetime.format",
            {"formats": [*rule.datetime], "timezone": rule.timezone},
        )
    if (number := rule.number) is not None:
        number_format = None if dtype is not None and dtype.is_numeric() else number
        params: dict[str, JsonValue] = {"decimal": number.decimal, "thousands": number.thousands}
        return Parser(lambda text: conversions.number(text, number_format), "json", "number.format", params)
    if (boolean := rule.boolean) is not None:
        words = None if isinstance(dtype, pl.Boolean) else boolean
        allowed: list[JsonValue] = [*boolean.true, *boolean.false]
        return Parser(
            lambda text: conversions.boolean(text, words), "json", "boolean.word", {"allowed": allowed}
        )
    if rule.relative_date:
        return Parser(conversions.relative_date, "json", "relative_date.phrase")
    return None


def field_parser(kind: FieldKind) -> Parser | None:
    """Return what a field's own type makes of text that no conversion parses; None where it stays text."""
    if kind is FieldKind.DATE:
        return Parser(conversions.iso_date, "plain", "date.iso_format")
    if kind is FieldKind.NUMBER:
        return Parser(conversions.number, "json", "number.plain_format")
    if kind is FieldKind.BOOLEAN:
        return Parser(conversions.boolean, "json", "boolean.default_word")
    return None


def typed_parser(dtype: pl.DataType, rule: Rule) -> Parser:
    """Return what makes text of cells that have a type, with the code for those that have none."""
    code, params = "number.not_finite", {}
    if dtype.is_temporal():
        code = "datetime.not_once" if rule.timezone else "date.out_of_range"
        params = {"timezone": rule.timezone} if rule.timezone else {}
    return Parser(lambda cell: _typed_text(cell, dtype, rule), "text", code, params)


def _typed_text(cell: pl.Expr, dtype: pl.DataType, rule: Rule) -> pl.Expr:
    """Return a typed cell as text; the date of a time is the one in the time's own zone."""
    if isinstance(dtype, pl.Date | pl.Datetime):
        cell = in_years(cell, dtype)
    if isinstance(dtype, pl.Datetime) and rule.date:
        return as_text(cell.dt.date(), pl.Date())
    if rule.datetime and isinstance(dtype, pl.Date | pl.Datetime):
        if getattr(dtype, "time_zone", None) is None:
            cell = conversions.local_to_utc(cell.cast(pl.Datetime("us")), rule.timezone)
        else:
            cell = cell.dt.cast_time_unit("us")
        return as_text(cell, pl.Datetime("us", "UTC"))
    return as_text(cell, dtype)


def shown_text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a typed cell as text, whatever it holds: dates out of all range as their number."""
    if isinstance(dtype, pl.Date | pl.Datetime):
        return pl.coalesce(in_years(cell, dtype).cast(pl.String), cell.to_physical().cast(pl.String))
    return cell.cast(pl.String)


# --- Tables ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MapTable:
    """The table of `map`.

    Attributes:
        keys: What is replaced.
        values: By what, as text or JSON; None for nulls.
        gives_text: Whether all values are text; else they are JSON.
        keeps: Whether a value outside of the table stays.
        outside: What else it becomes, as text or JSON; None for a null.
    """

    keys: list[str]
    values: list[str | None]
    gives_text: bool
    keeps: bool
    outside: str | None

    @classmethod
    def of(cls, rule: Rule) -> MapTable:
        """Return the table of a rule that has one."""
        table = rule.map or {}
        outside = getattr(rule.otherwise, "value", None)
        gives_text = all(isinstance(value, str) for value in (*table.values(), outside) if value is not None)

        def written(value: Any) -> str | None:
            if value is None:
                return None
            return str(value) if gives_text else conversions.constant_json(value)

        values = [written(value) for value in table.values()]
        return cls(list(table), values, gives_text, rule.otherwise == "keep", written(outside))

    def apply(self, cell: pl.Expr) -> pl.Expr:
        """Return the cell replaced by the table."""
        outside: pl.Expr = pl.lit(self.outside, dtype=pl.String)
        if self.keeps:
            quoted = pl.concat_str(pl.lit('"'), conversions.escape(cell), pl.lit('"'))
            outside = cell if self.gives_text else quoted
        replaced = cell.replace_strict(self.keys, self.values, default=None, return_dtype=pl.String)
        return pl.when(cell.is_in(self.keys)).then(replaced).when(cell.is_not_null()).then(outside)
