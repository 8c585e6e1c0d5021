"""Which columns a rule reads, and how a typed column becomes text."""

from __future__ import annotations

import json
import re
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.words import first_line
from loader.mapping.yaml_paths import sql_trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from polars._typing import PolarsDataType

    from loader.mapping.grammar import Rule


class TextError(ValueError):
    """A template or SQL text that cannot be used.

    Args:
        message: What is wrong with it.
        word: What of it is meant, and where in it that begins; ("", -1) where that cannot be told.
    """

    def __init__(self, message: str, word: tuple[str, int] = ("", -1)) -> None:
        super().__init__(message)
        self.word = word


_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def template_parts(template: str) -> list[tuple[str, bool]]:
    """A template as (text, whether it names a column) in order; `{{` and `}}` are braces.

    Raises:
        TextError: A brace stands alone, or names nothing.
    """
    parts: list[tuple[str, bool]] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        if match.start() > end:
            parts.append((template[end : match.start()], False))
        end = match.end()
        if match[0] in {"{{", "}}"}:
            parts.append((match[0][0], False))
        elif not match[1]:
            message = f"a {match[0]!r} that names no column; write {{{{ or }}}} for the brace itself"
            raise TextError(message, (match[0], match.start()))
        else:
            parts.append((match[1], True))
    if end < len(template):
        parts.append((template[end:], False))
    return parts


def column_in_template(template: str, name: str) -> tuple[str, int]:
    """The name of a column between its braces, and where it begins."""
    found = (match.start(1) for match in _PLACEHOLDER.finditer(template) if match[1] == name)
    return name, next(found, -1)


def sql_expression(sql: str) -> pl.Expr:
    """The expression of a `sql:` or `where:` text.

    Raises:
        TextError: It does not parse, or looks at more than one row.
    """
    try:
        expression = pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OverflowError) as error:
        why = first_line(error)
        raise TextError(f"this SQL does not parse: {why}", sql_trouble(sql, why)) from None
    if _looks_around(expression):
        raise TextError("this SQL looks at more than one row (an aggregate or a window); it may not")
    return expression


_FIRST_DAY: Final = date(1, 1, 2).toordinal() - date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date(9999, 12, 30).toordinal() - date(1970, 1, 1).toordinal()
"""Days since 1970; one less on either side than Python has, for time zones."""

_OVER_ROWS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        Agg Over Window Rolling Len SubPlan Shift Rank Diff PctChange Quantile Correlation Unique
        UniqueCounts ValueCounts Reverse Random Sample Shuffle TopK BottomK Mode Skew Kurtosis Histogram
        DropNulls DropNans CumCount CumSum CumProd CumMin CumMax ForwardFill BackwardFill Interpolate
        Explode Any All ArgMin ArgMax ArgSort ArgUnique Entropy IsDuplicated IsUnique IsFirstDistinct
        IsLastDistinct Sort SortBy Gather Filter Slice Implode RepeatBy Repeat Range
        FillNullWithStrategy
        """,
    )
)
"""Names in a serialised expression whose value in one row comes from others."""


def _looks_around(expression: pl.Expr) -> bool:
    """Whether the value of a row depends on other rows: seen by its parts, or by its height."""
    if not _OVER_ROWS.isdisjoint(_parts(json.loads(expression.meta.serialize(format="json")))):
        return True
    names = expression.meta.root_names()
    if not names:
        return False
    probe = pl.DataFrame({name: [None, None] for name in names}, schema=dict.fromkeys(names, pl.String))
    try:
        return probe.select(expression).height != probe.height
    except pl.exceptions.PolarsError:
        return False


def _parts(node: Any) -> Iterator[str]:
    """The names of an expression's parts; those of columns and constants left out."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for each in node:
            yield from _parts(each)
    elif isinstance(node, dict):
        for name, each in node.items():
            if name not in {"Column", "Literal"}:
                yield name
                yield from _parts(each)


def columns_of(rule: Rule) -> tuple[str, ...]:
    """The columns that a rule reads, in order, each once; of a rule whose template or SQL parses."""
    if rule.columns:
        found: Iterable[str] = rule.columns
    elif rule.column is not None:
        found = (rule.column,)
    elif rule.json_column is not None:
        found = (rule.json_column,)
    elif rule.template is not None:
        found = [text for text, named in template_parts(rule.template) if named]
    elif rule.sql is not None:
        found = sql_columns(rule.sql)
    else:
        found = ()
    return tuple(dict.fromkeys(found))


def sql_columns(sql: str) -> tuple[str, ...]:
    """The columns that SQL reads, in order, each once; of SQL that parses."""
    return tuple(dict.fromkeys(sql_expression(sql).meta.root_names()))


def ignored(column: str, patterns: Sequence[str]) -> bool:
    """Whether a column is left out on purpose; brackets in a pattern may be a set or stand for themselves."""
    return any(fnmatchcase(column, each) or _starred(each).fullmatch(column) for each in patterns)


def _starred(pattern: str) -> re.Pattern[str]:
    """A pattern in which only * stands for something else."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*"), re.DOTALL)


def is_text(dtype: pl.DataType) -> bool:
    """Whether cells of this type are text, trimmed and compared with `null_values`."""
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null)


def is_list(dtype: pl.DataType) -> bool:
    """Whether cells of this type are lists of plain values."""
    return isinstance(dtype, pl.List | pl.Array) and not is_nested(dtype)


def is_nested(dtype: pl.DataType) -> bool:
    """Whether cells of this type are objects, or lists of objects or lists."""
    if isinstance(dtype, pl.Struct):
        return True
    return isinstance(dtype, pl.List | pl.Array) and isinstance(dtype.inner, pl.Struct | pl.List | pl.Array)


def is_usable(dtype: pl.DataType) -> bool:
    """Whether a payload can hold cells of this type; bytes and spans of time it cannot."""
    if isinstance(dtype, pl.Struct):
        return all(is_usable(_made(field.dtype)) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return is_usable(_made(dtype.inner))
    return (
        is_text(dtype)
        or isinstance(dtype, pl.Boolean | pl.Date | pl.Datetime | pl.Time)
        or dtype.is_numeric()
    )


def _made(dtype: PolarsDataType) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def in_years(cell: pl.Expr, dtype: pl.Date | pl.Datetime) -> pl.Expr:
    """The dates and times of the years 1 to 9999, null for others, with which Polars cannot compute."""
    per_day = (
        1 if isinstance(dtype, pl.Date) else 86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.time_unit]
    )
    day = cell.to_physical() // per_day
    return pl.when(day.is_between(_FIRST_DAY, _LAST_DAY)).then(cell)


def as_text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A plain typed cell as text: dates ISO 8601, times UTC, numbers shortest exact, flags true/false.

    Null for a float that is not finite, and for years that ISO 8601 has no four digits for.
    """
    if isinstance(dtype, pl.Date | pl.Datetime):
        cell = in_years(cell, dtype)
    if isinstance(dtype, pl.Date):
        return cell.dt.strftime("%Y-%m-%d")
    if isinstance(dtype, pl.Datetime):
        moment = cell
        if dtype.time_zone:
            moment = cell.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return conversions.utc_text(moment.dt.cast_time_unit("us"))
    if isinstance(dtype, pl.Float32 | pl.Float64):
        return conversions.float_text(cell)
    text = cell.cast(pl.String)
    return conversions.number(text) if isinstance(dtype, pl.Decimal) else text
