"""What the fields of a payload hold: counted batch by batch, in memory that does not grow with the rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping.columns import columns_of
from loader.mapping.described import conversions_in_words, origin_in_words
from loader.mapping.tree import leaves
from loader.records import PARENT, STATE
from loader.report.page.values import BeforeAfter, Capped, Distinct, Field, ValueRow, ValueTable
from loader.resources.fields import Kind

if TYPE_CHECKING:
    from loader.mapping import CompiledMapping
    from loader.mapping.program import CellCheck, Value
    from loader.mapping.tree import Leaf
    from loader.records import Payloads

_MOST_DISTINCT: Final = 1_000
_MOST_VALUES: Final = 2_000
_SHOWN_VALUES: Final = 100
_EXAMPLES: Final = 3
_LOOKED_AT: Final = 40  # rows of a batch that examples are chosen from
_BEFORE, _AFTER, _WRONG = "before", "after", "wrong"


@dataclass(slots=True)
class _Column:
    """What has been seen of one field."""

    leaf: Leaf
    filled: int = 0
    distinct: set[str] = field(default_factory=set)
    counting: bool = True
    least: tuple[float, str] | tuple[str, str] | None = None
    most: tuple[float, str] | tuple[str, str] | None = None
    examples: dict[str | None, BeforeAfter] = field(default_factory=dict)
    values: Counter[tuple[str | None, str | None, bool]] = field(default_factory=Counter)
    other_values: int = 0

    @property
    def numeric(self) -> bool:
        """Whether its values are compared as numbers."""
        return self.leaf.target.kind is Kind.NUMBER


class Profile:
    """Grows with every batch; rows that `where` leaves out, or that could not be read, do not count."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self.rows = 0

    def add(self, payloads: Payloads, compiled: CompiledMapping) -> None:
        """Counts a batch.

        Args:
            payloads: What its rows became.
            compiled: The mapping, for the columns of this file.
        """
        frame = payloads.computed.filter(pl.col(STATE) != "filtered")
        self.rows += frame.height
        self._add(frame, compiled)
        for rows, computed in payloads.items:
            self._add(computed, rows)

    def _add(self, frame: pl.DataFrame, compiled: CompiledMapping) -> None:
        for leaf in leaves(compiled.mapping.tree):
            self._columns.setdefault(leaf.path, _Column(leaf))
        if not frame.height:
            return
        facts = _facts(frame, compiled)
        for path, value in compiled.program.values.items():
            if path in self._columns:
                self._count(self._columns[path], value, frame, facts, compiled)

    def _count(
        self,
        column: _Column,
        value: Value,
        frame: pl.DataFrame,
        facts: dict[str, Any],
        compiled: CompiledMapping,
    ) -> None:
        if value.column is None:
            self._constant(column, value, _records(frame))
            return
        there = facts[f"{value.column}#"]
        column.filled += _records(frame) if value.default is not None else facts[f"{value.column}="]
        if there:
            _widen(column, facts, value.column)
            if column.counting:
                _distinguish(column, _texts(frame, value))
            if len(column.examples) < _EXAMPLES:
                _exemplify(column, value, frame)
        if _has_table(column.leaf):
            _tabulate(column, value, frame, compiled.program.checks)

    def _constant(self, column: _Column, value: Value, rows: int) -> None:
        if value.constant is not None:
            text = str(_plain(value.constant))
            column.filled += rows
            column.distinct.add(text)
            column.least = column.most = (text, text)

    def fields(self) -> tuple[Field, ...]:
        """Every field that the mapping fills, in payload order."""
        return tuple(
            Field(
                path=path,
                comes_from=origin_in_words(each.leaf.rule),
                conversions=conversions_in_words(each.leaf.rule),
                required=each.leaf.target.required,
                filled=each.filled,
                distinct=Distinct(min(len(each.distinct), _MOST_DISTINCT), exact=each.counting),
                smallest=each.least[1] if each.least else None,
                largest=each.most[1] if each.most else None,
                examples=tuple(each.examples.values())[:_EXAMPLES],
            )
            for path, each in self._columns.items()
        )

    def tables(self) -> tuple[ValueTable, ...]:
        """How values go through tables and lists of allowed values, most frequent first."""
        return tuple(
            ValueTable(
                field=path,
                comes_from=origin_in_words(each.leaf.rule),
                kind="enum" if each.leaf.rule.map is None and not each.leaf.rule.boolean else "map",
                rows=Capped.of(
                    [
                        ValueRow(before, after, rows, wrong)
                        for (before, after, wrong), rows in each.values.most_common(_SHOWN_VALUES)
                    ],
                    total=len(each.values),
                ),
            )
            for path, each in self._columns.items()
            if each.values
        )


def _records(frame: pl.DataFrame) -> int:
    """How many records the rows belong to."""
    return frame[PARENT].n_unique() if PARENT in frame.columns else frame.height


def _facts(frame: pl.DataFrame, compiled: CompiledMapping) -> dict[str, Any]:
    """Of each column: the rows (`#`) and records (`=`) that have it, the smallest (`<`) and largest (`>`)."""
    wanted: dict[str, pl.Expr] = {}
    for leaf in leaves(compiled.mapping.tree):
        value = compiled.program.values.get(leaf.path)
        if value is None or value.column is None:
            continue
        name, column = value.column, pl.col(value.column)
        there = column.list.len() > 0 if value.listed else column.is_not_null()
        wanted[f"{name}#"] = there.sum()
        wanted[f"{name}="] = (
            pl.col(PARENT).filter(there).n_unique() if PARENT in frame.columns else there.sum()
        )
        if value.listed:
            continue
        ordered = column.cast(pl.Float64, strict=False) if leaf.target.kind is Kind.NUMBER else column
        if leaf.target.kind in {Kind.TEXT, Kind.DATE, Kind.ANY, Kind.NUMBER}:
            wanted[f"{name}<"] = ordered.min()
            wanted[f"{name}>"] = ordered.max()
    return frame.select(**wanted).row(0, named=True) if wanted else {}


def _widen(column: _Column, facts: dict[str, Any], name: str) -> None:
    least, most = facts.get(f"{name}<"), facts.get(f"{name}>")
    if least is None or most is None:
        return
    low, high = (least, _told(least)), (most, _told(most))
    column.least = low if column.least is None else min(column.least, low)
    column.most = high if column.most is None else max(column.most, high)


def _told(value: Any) -> str:
    return f"{value:,.12g}" if isinstance(value, float) else str(value)


def _texts(frame: pl.DataFrame, value: Value) -> pl.Series:
    cells = frame[value.column or ""]
    return cells.list.join("; ", ignore_nulls=True) if value.listed else cells


def _distinguish(column: _Column, cells: pl.Series) -> None:
    column.distinct.update(cells.drop_nulls().unique().head(_MOST_DISTINCT + 1).to_list())
    if len(column.distinct) > _MOST_DISTINCT:
        column.counting = False
        column.distinct = set(list(column.distinct)[:_MOST_DISTINCT])


def _before(frame: pl.DataFrame, leaf: Leaf) -> pl.Expr:
    """The cells that a rule reads, as text; several as `A = x, B = y`."""
    names = [name for name in columns_of(leaf.rule) if name in frame.columns]
    if not names:
        return pl.lit(None, dtype=pl.String)
    if len(names) == 1:
        return _as_text(frame, names[0])
    parts = [pl.concat_str(pl.lit(f"{name} = "), _as_text(frame, name).replace("", None)) for name in names]
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)


def _as_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame.schema[name]
    if dtype == pl.String:
        return pl.col(name)
    if dtype.is_nested():
        return pl.col(name).map_batches(
            lambda cells: pl.Series([None if cell is None else str(cell) for cell in cells], dtype=pl.String),
            return_dtype=pl.String,
        )
    return pl.col(name).cast(pl.String)


def _exemplify(column: _Column, value: Value, frame: pl.DataFrame) -> None:
    """Takes examples with different values, first those that a conversion has changed."""
    cells = pl.col(value.column or "")
    there = cells.list.len() > 0 if value.listed else cells.is_not_null()
    after = cells.list.join("; ", ignore_nulls=True) if value.listed else cells
    some = (
        frame.lazy()
        .filter(there)
        .head(_LOOKED_AT)
        .collect()
        .select(_before(frame, column.leaf).alias(_BEFORE), after.alias(_AFTER))
    )
    pairs = sorted(some.iter_rows(), key=lambda pair: pair[0] == pair[1])
    for before, made in pairs:
        if len(column.examples) < _EXAMPLES:
            column.examples.setdefault(
                made, BeforeAfter(before, str(_plain(made)) if value.written == "json" else made)
            )


def _plain(written: str) -> Any:
    """A JSON value as it is told: text without its quotes."""
    value = json.loads(written)
    return value if isinstance(value, str) else written


def _has_table(leaf: Leaf) -> bool:
    item = leaf.target.item if leaf.target.kind is Kind.LIST and leaf.target.item else leaf.target
    rule = leaf.rule
    return rule.origin != "value" and bool(rule.map is not None or rule.boolean or item.enum)


def _tabulate(column: _Column, value: Value, frame: pl.DataFrame, checks: list[CellCheck]) -> None:
    masks = [check.mask for check in checks if check.path == column.leaf.path and check.value is not None]
    cells = pl.col(value.column or "")
    after = cells.list.join("; ", ignore_nulls=True) if value.listed else cells
    if value.default is not None:
        after = after.fill_null(pl.lit(str(_plain(value.default))))
    wrong = pl.any_horizontal(masks) if masks else pl.lit(value=False)
    counted = (
        frame.lazy()
        .select(
            _before(frame, column.leaf).str.strip_chars().replace("", None).alias(_BEFORE),
            after.alias(_AFTER),
            wrong.alias(_WRONG),
        )
        .group_by(_BEFORE, _AFTER, _WRONG)
        .len()
        .collect()
    )
    for before, made, is_wrong, rows in counted.iter_rows():
        key = (before, None if is_wrong else made, is_wrong)
        if key in column.values or len(column.values) < _MOST_VALUES:
            column.values[key] += rows
        else:
            column.other_values += rows
