"""What the fields of a payload hold: counted batch by batch, in memory that does not grow with the rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping.columns import columns_of
from loader.mapping.described import conversions_in_words, origin_in_words
from loader.records import PARENT, RECORD_NO, STATE
from loader.report.figures import Extremes, Tally, present_in
from loader.report.page.values import BeforeAfter, Distinct, Field, ValueTable
from loader.resources.fields import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.mapping import CompiledMapping
    from loader.mapping.program import CellCheck, Value
    from loader.mapping.tree import Leaf
    from loader.records import Payloads

_MOST_DISTINCT: Final = 1_000
_EXAMPLES: Final = 3
_LOOKED_AT: Final = 40  # rows of a batch that examples are chosen from
_ORDERED: Final = frozenset({Kind.TEXT, Kind.DATE, Kind.ANY, Kind.NUMBER})
_BEFORE, _AFTER, _WRONG = "before", "after", "wrong"


@dataclass(slots=True)
class _Column:
    """What has been seen of one field."""

    leaf: Leaf
    filled: int = 0
    distinct: set[str] = field(default_factory=set)
    counting: bool = True
    extremes: Extremes = field(default_factory=Extremes)
    examples: dict[str | None, BeforeAfter] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def add(self, texts: pl.Series) -> None:
        """Counts different values."""
        if self.counting:
            self.distinct.update(texts.drop_nulls().unique().head(_MOST_DISTINCT + 1).to_list())
            if len(self.distinct) > _MOST_DISTINCT:
                self.counting = False
                self.distinct = set(list(self.distinct)[:_MOST_DISTINCT])


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
            parents = frame.select(pl.col(RECORD_NO).alias(PARENT))
            self._add(computed.join(parents, on=PARENT, how="semi", maintain_order="left"), rows)

    def _add(self, frame: pl.DataFrame, compiled: CompiledMapping) -> None:
        for leaf in compiled.mapping.leaves:
            self._columns.setdefault(leaf.path, _Column(leaf))
        if not frame.height:
            return
        present = present_in(compiled)
        facts = _facts(frame, compiled, present)
        for path, value in compiled.program.values.items():
            if path in self._columns:
                column = self._columns[path]
                _count(column, value, frame, _Facts(facts, path))
                if _has_table(column.leaf):
                    _tabulate(column, value, frame, compiled.program.checks, present[path])

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
                smallest=each.extremes.smallest,
                largest=each.extremes.largest,
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
                rows=each.tally.rows(),
                wrong=each.tally.wrong,
                others=each.tally.others,
            )
            for path, each in self._columns.items()
            if each.tally
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    """The figures of one field in a batch.

    Attributes:
        every: Those of all fields, as `_facts` gives them.
        path: The field.
    """

    every: Mapping[str, Any]
    path: str

    def __getitem__(self, name: str) -> Any:
        return self.every[f"{name} {self.path}"]


def _facts(frame: pl.DataFrame, compiled: CompiledMapping, present: Mapping[str, pl.Expr]) -> dict[str, Any]:
    """Of each field: `own` rows with a value of their own, rows that are `given` one, and records `filled`.

    A constant is given to every row that has no value of its own, as a default is.
    """
    wanted: dict[str, pl.Expr] = {}
    for leaf in compiled.mapping.leaves:
        value = compiled.program.values.get(leaf.path)
        if value is None:
            continue
        there = pl.lit(value=False) if value.column is None else _there(value)
        always = value.constant is not None or value.default is not None
        given = present[leaf.path] & ~value.wrong if always else pl.lit(value=False)
        for name, mask in (("own", there), ("given", given & ~there), ("filled", there | given)):
            wanted[f"{name} {leaf.path}"] = mask
    masks = frame.select(
        pl.repeat(mask, pl.len()).alias(name) if not mask.meta.root_names() else mask.alias(name)
        for name, mask in wanted.items()
    )
    if PARENT not in frame.columns:
        return masks.sum().row(0, named=True)
    parents = frame[PARENT]
    return {
        name: parents.filter(mask).n_unique() if name.startswith("filled ") else mask.sum()
        for name, mask in masks.to_dict().items()
    }


def _there(value: Value) -> pl.Expr:
    """Whether a row has a value of its own."""
    cells = pl.col(value.column or "")
    return (cells.list.len() > 0).fill_null(value=False) if value.listed else cells.is_not_null()


def _count(column: _Column, value: Value, frame: pl.DataFrame, facts: _Facts) -> None:
    column.filled += facts["filled"]
    if facts["given"]:
        given = pl.Series([str(_plain(value.constant or value.default or ""))])
        column.add(given)
        column.extremes.add(given)
    if facts["own"]:
        texts = _texts(frame, value)
        column.add(texts)
        if not value.listed and column.leaf.target.kind in _ORDERED:
            column.extremes.add(texts.drop_nulls(), numbers=value.written == "json")
        if len(column.examples) < _EXAMPLES:
            _exemplify(column, value, frame)


def _texts(frame: pl.DataFrame, value: Value) -> pl.Series:
    cells = frame[value.column or ""]
    return cells.list.join("; ", ignore_nulls=True) if value.listed else cells


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
    after = cells.list.join("; ", ignore_nulls=True) if value.listed else cells
    some = (
        frame.lazy()
        .filter(_there(value))
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


def _tabulate(
    column: _Column, value: Value, frame: pl.DataFrame, checks: list[CellCheck], present: pl.Expr
) -> None:
    masks = [check.mask for check in checks if check.path == column.leaf.path and check.value is not None]
    cells = pl.col(value.column or "")
    after = cells.list.join("; ", ignore_nulls=True) if value.listed else cells
    if value.default is not None:
        after = pl.when(after.is_null() & present).then(pl.lit(str(_plain(value.default)))).otherwise(after)
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
        column.tally.add(before, None if is_wrong else made, rows, wrong=is_wrong)
