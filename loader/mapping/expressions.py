"""Templates and SQL of rules, and how typed cells become text."""

from __future__ import annotations

import json
import re
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.errors import RuleError
from loader.mapping.yaml_paths import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from polars._typing import PolarsDataType

    from loader.mapping.grammar import Rule


class TextError(RuleError):
    """A template or SQL text cannot be used."""


_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def template_parts(template: str) -> list[tuple[str, bool]]:
    """Return a template as (text, whether it names a column) in order; `{{` and `}}` are braces.

    Raises:
        TextError: A brace is alone, or encloses no name.
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
            raise TextError("template.brace", Span(*match.span()), brace=match[0])
        else:
            parts.append((match[1], True))
    if end < len(template):
        parts.append((template[end:], False))
    return parts


def column_in_template(template: str, name: str) -> Span | None:
    """Return where a template names a column, without the braces; None where it does not."""
    spans = (Span(*match.span(1)) for match in _PLACEHOLDER.finditer(template) if match[1] == name)
    return next(spans, None)


def sql_expression(sql: str) -> pl.Expr:
    """Return the expression of a `sql:` or `where:` text.

    Raises:
        TextError: It does not parse, or reads more than one row.
    """
    try:
        expression = pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OverflowError) as error:
        words = first_line(error)
        raise TextError("sql.syntax", _problem_in_sql(sql, words), words=words) from None
    if _reads_other_rows(expression):
        raise TextError("sql.many_rows")
    return expression


def first_line(error: Exception) -> str:
    """Return the message of an error of Polars, without the trace of an expression behind it."""
    return str(error).partition("\n")[0]


_SQL_PART: Final = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")*)"|`([^`]*)`|([^\W\d]\w*)|.""", re.DOTALL)


def column_in_sql(sql: str, name: str) -> Span | None:
    """Return where SQL names a column, quotes included; None where that cannot be found."""
    for part in _SQL_PART.finditer(sql):
        quoted, ticked, bare = part.groups()
        part_name = (
            quoted.replace('""', '"') if quoted is not None else ticked if ticked is not None else bare
        )
        if part_name == name:
            return Span(*part.span())
    return None


def _problem_in_sql(sql: str, words: str) -> Span | None:
    """Return the part of SQL that a message of Polars is about; None where that cannot be found."""
    about_parts = words.replace(sql, "")  # the whole may hold quotes: what is between them is no part of it
    for quoted in re.findall(r"['`]([^'`]+)['`]", about_parts):
        match = re.search(rf"(?<!\w){re.escape(quoted)}(?!\w)", sql, re.IGNORECASE)
        if match and match[0] != sql:
            return Span(*match.span())
    if match := re.search(r"Line: (\d+), Column: (\d+)", words):
        lines = sql.splitlines(keepends=True)
        start = sum(map(len, lines[: int(match[1]) - 1])) + int(match[2]) - 1
        if start < len(sql):
            return Span(start, start + len(sql[start:].splitlines()[0]))
    return None


_FIRST_DAY: Final = date(1, 1, 2).toordinal() - date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date(9999, 12, 30).toordinal() - date(1970, 1, 1).toordinal()
"""Days since 1970; one less on either side than Python has, since a time zone may move a time by one."""

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
"""Names in a serialized expression that take a value from other rows."""


def _reads_other_rows(expression: pl.Expr) -> bool:
    """Return whether the value of a row depends on other rows: seen by its parts, or by its height."""
    if not _OVER_ROWS.isdisjoint(_part_names(json.loads(expression.meta.serialize(format="json")))):
        return True
    names = expression.meta.root_names()
    if not names:
        return False
    # What has another name than those above still shows by giving one value for two rows.
    probe = pl.DataFrame({name: [None, None] for name in names}, schema=dict.fromkeys(names, pl.String))
    try:
        return probe.select(expression).height != probe.height
    except pl.exceptions.PolarsError:
        return False


def _part_names(node: Any) -> Iterator[str]:
    """Yield the names of an expression's parts, without those of columns and constants."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _part_names(item)
    elif isinstance(node, dict):
        for name, member in node.items():
            if name not in {"Column", "Literal"}:
                yield name
                yield from _part_names(member)


def columns_of(rule: Rule) -> tuple[str, ...]:
    """Return the columns that a rule reads, in order, each once.

    Raises:
        TextError: Its template or SQL does not parse.
    """
    if rule.columns:
        return tuple(dict.fromkeys(rule.columns))
    if rule.template is not None:
        return tuple(dict.fromkeys(text for text, is_column in template_parts(rule.template) if is_column))
    if rule.sql is not None:
        return sql_columns(rule.sql)
    column = rule.column if rule.column is not None else rule.json_column
    return () if column is None else (column,)


def sql_columns(sql: str) -> tuple[str, ...]:
    """Return the columns that SQL reads, in order, each once.

    Raises:
        TextError: It does not parse.
    """
    return tuple(dict.fromkeys(sql_expression(sql).meta.root_names()))


def ignored(column: str, patterns: Sequence[str]) -> bool:
    """Return whether a column is left out on purpose.

    Brackets and question marks in a pattern may be those of a glob, or of a column's own name.
    """
    return any(fnmatchcase(column, pattern) or _starred(pattern).fullmatch(column) for pattern in patterns)


def _starred(pattern: str) -> re.Pattern[str]:
    """Return a pattern in which only `*` has a meaning of its own."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*"), re.DOTALL)


def is_text(dtype: pl.DataType) -> bool:
    """Return whether cells of this type are text: trimmed, and compared with `null_values`."""
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null)


def is_list(dtype: pl.DataType) -> bool:
    """Return whether cells of this type are lists of plain values."""
    return isinstance(dtype, pl.List | pl.Array) and not is_nested(dtype)


def is_nested(dtype: pl.DataType) -> bool:
    """Return whether cells of this type are objects, or lists of objects or lists."""
    if isinstance(dtype, pl.Struct):
        return True
    return isinstance(dtype, pl.List | pl.Array) and isinstance(dtype.inner, pl.Struct | pl.List | pl.Array)


def is_usable(dtype: pl.DataType) -> bool:
    """Return whether a payload can hold cells of this type; bytes and spans of time it cannot."""
    if isinstance(dtype, pl.Struct):
        return all(is_usable(_instance(field.dtype)) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return is_usable(_instance(dtype.inner))
    return (
        is_text(dtype)
        or isinstance(dtype, pl.Boolean | pl.Date | pl.Datetime | pl.Time)
        or dtype.is_numeric()
    )


def _instance(dtype: PolarsDataType) -> pl.DataType:
    """Return a type that Polars may give as a class, such as a list's inner one, as an instance."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def in_years(cell: pl.Expr, dtype: pl.Date | pl.Datetime) -> pl.Expr:
    """Return dates and times of the years 1 to 9999, null for others: Polars cannot compute with these."""
    per_day = (
        1 if isinstance(dtype, pl.Date) else 86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.time_unit]
    )
    day = cell.to_physical() // per_day
    return pl.when(day.is_between(_FIRST_DAY, _LAST_DAY)).then(cell)


def as_text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a plain typed cell as text: dates ISO 8601, times UTC, numbers shortest exact, flags true/false.

    Null for a float that is not finite, and for years that four digits cannot write.
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
