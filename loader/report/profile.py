"""The values of a payload's fields, counted batch by batch, in memory that does not grow with the rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import EXTERNAL_ID_PATH
from loader.mapping.explain import conversions_in_words, origin_in_words
from loader.mapping.expressions import columns_of, is_text
from loader.mapping.tree import EachNode, Leaf, ObjectNode, leaves, unlisted
from loader.records import PARENT, RECORD_NO, STATE, RowFate
from loader.report.page.values import BeforeAfter, Distinct, FieldProfile, ValueRow, ValueTable
from loader.report.table_csv import cell_text
from loader.report.values import Capped
from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loader.mapping import CompiledMapping
    from loader.mapping.program import CellCheck, Value
    from loader.mapping.tree import Node
    from loader.payload.results import Payloads

_MOST_DISTINCT: Final = 1_000
_MOST_VALUES: Final = 2_000
_SHOWN_VALUES: Final = 100
_EXAMPLES: Final = 3
_CANDIDATES: Final = 40  # rows of a batch that examples are chosen from
_BEFORE, _AFTER, _WRONG = "before", "after", "wrong"
_BETWEEN: Final = "; "
_ALIVE: Final = "__alive"
_KEY: Final = replace(unlisted(EXTERNAL_ID_PATH), kind=FieldKind.TEXT, required=True)

_Bound = tuple[int, Any, str]
"""Numbers (0) before texts (1), what is compared, and its text."""


@dataclass(slots=True)
class _Column:
    """What is known of one field so far."""

    leaf: Leaf
    filled: int = 0
    distinct: set[str] = field(default_factory=set)
    counting: bool = True
    least: _Bound | None = None
    most: _Bound | None = None
    examples: dict[str | None, BeforeAfter] = field(default_factory=dict)
    values: Counter[tuple[str | None, str | None, bool]] = field(default_factory=Counter)
    other_values: int = 0


class PayloadProfile:
    """Counts the values of every field, without rows that `where` leaves out or that could not be read.

    Attributes:
        rows: How many rows were counted.
    """

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self.rows = 0

    def add(self, payloads: Payloads, compiled: CompiledMapping) -> None:
        """Count a batch.

        Args:
            payloads: What its rows became.
            compiled: The mapping, for the columns of this file.
        """
        frame = payloads.computed.filter(pl.col(STATE) != RowFate.FILTERED)
        self.rows += frame.height
        self._add(frame, compiled)
        records = frame.select(pl.col(RECORD_NO).alias(PARENT)) if payloads.items else frame
        for rows, computed in payloads.items:
            self._add(computed.join(records, on=PARENT, how="semi", maintain_order="left"), rows)

    def _add(self, frame: pl.DataFrame, compiled: CompiledMapping) -> None:
        for leaf in _leaves(compiled):
            self._columns.setdefault(leaf.path, _Column(leaf))
        if not frame.height:
            return
        frame = _without_wrong(frame, compiled)
        facts = _facts(frame, compiled)
        for path, value in compiled.program.values.items():
            if path in self._columns:
                self._count(self._columns[path], value, frame, facts)
                if value.column and _has_table(self._columns[path].leaf):
                    _tabulate(self._columns[path], value, frame, compiled.program.checks)

    def _count(
        self, column: _Column, value: Value, frame: pl.DataFrame, facts: Mapping[tuple[str, str], Any]
    ) -> None:
        path = column.leaf.path
        present, given = facts.get((path, "present"), 0), facts.get((path, "given"), 0)
        column.filled += facts.get((path, "records"), present + given)
        if present:
            _widen(column, value, facts)
            if column.counting:
                _distinguish(column, _texts(frame, value))
            if len(column.examples) < _EXAMPLES:
                _exemplify(column, value, frame)
        if given:
            _take(column, value)

    def fields(self) -> tuple[FieldProfile, ...]:
        """Return every field that the mapping fills, the external id first, in payload order."""
        return tuple(
            FieldProfile(
                path=path,
                comes_from=origin_in_words(column.leaf.rule),
                conversions=conversions_in_words(column.leaf.rule),
                required=column.leaf.target.required,
                filled=column.filled,
                distinct=Distinct(min(len(column.distinct), _MOST_DISTINCT), exact=column.counting),
                smallest=column.least[2] if column.least else None,
                largest=column.most[2] if column.most else None,
                examples=tuple(column.examples.values())[:_EXAMPLES],
            )
            for path, column in self._columns.items()
        )

    def tables(self) -> tuple[ValueTable, ...]:
        """Return the values of fields with tables and lists of allowed values, most frequent first."""
        return tuple(
            ValueTable(
                field=path,
                comes_from=origin_in_words(column.leaf.rule),
                kind="enum" if column.leaf.rule.map is None and not column.leaf.rule.boolean else "map",
                rows=Capped.of(
                    [
                        ValueRow(before, after, rows, wrong)
                        for (before, after, wrong), rows in column.values.most_common(_SHOWN_VALUES)
                    ],
                    total=len(column.values),
                ),
                wrong=sum(wrong for _, _, wrong in column.values),
                others=column.other_values,
            )
            for path, column in self._columns.items()
            if column.values
        )


def _external_id(compiled: CompiledMapping) -> Iterator[Leaf]:
    if compiled.mapping.external_id is not None:
        yield Leaf(EXTERNAL_ID_PATH, _KEY, compiled.mapping.external_id, ("external_id",))


def _leaves(compiled: CompiledMapping) -> tuple[Leaf, ...]:
    return (*_external_id(compiled), *leaves(compiled.mapping.tree))


def _without_wrong(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Return the frame without values that are not allowed; what could not be converted is null already."""
    values = compiled.program.values
    restricted = [
        values[leaf.path]
        for leaf in _leaves(compiled)
        if leaf.target.enum or leaf.target.minimum is not None or values[leaf.path].is_list
    ]
    return frame.with_columns(
        pl.when(~value.wrong).then(pl.col(value.column)).alias(value.column)
        for value in restricted
        if value.column
    )


def _facts(frame: pl.DataFrame, compiled: CompiledMapping) -> dict[tuple[str, str], Any]:
    """Return by path how many rows have a value (`present`), how many a constant or default, and bounds.

    Constants and defaults are `given`. Of rows that make items of their records' lists also how many
    `records` have either.
    """
    # All facts of all fields in one pass: a `select` for each field would take most of a dry run's time.
    facts: dict[tuple[str, str], pl.Expr] = {}
    values = compiled.program.values
    external_id = [(leaf, pl.col(_ALIVE)) for leaf in _external_id(compiled)]
    for leaf, alive in [*external_id, *_with_items(compiled.mapping.tree, values)]:
        value = values[leaf.path]
        if value.column is not None:
            facts |= {(leaf.path, name): fact for name, fact in _column_facts(leaf, value).items()}
        given = None
        if value.constant is not None:
            given = alive
        elif value.default is not None:
            given = alive & ~value.wrong & ~_is_present(value)
        if given is not None:
            facts[leaf.path, "given"] = given.sum()
        if PARENT in frame.columns:
            masks = [*([_is_present(value)] if value.column else []), *([given] if given is not None else [])]
            if masks:
                facts[leaf.path, "records"] = pl.col(PARENT).filter(pl.any_horizontal(masks)).n_unique()
    counted = frame.with_columns(pl.lit(value=True).alias(_ALIVE)).select(
        fact.alias(str(place)) for place, fact in enumerate(facts.values())
    )
    return dict(zip(facts, counted.row(0), strict=True)) if facts else {}


def _with_items(
    node: Node, values: Mapping[str, Value], alive: pl.Expr | None = None
) -> Iterator[tuple[Leaf, pl.Expr]]:
    """Yield the leaves below a node, and whether the list item around each exists: constants make none."""
    alive = pl.col(_ALIVE) if alive is None else alive
    if isinstance(node, Leaf):
        yield node, alive
        return
    if isinstance(node, EachNode):
        return  # its items are rows of their own
    for below in node.members.values() if isinstance(node, ObjectNode) else node.items:
        inside = alive
        if isinstance(below, ObjectNode) and below.item:
            inside = pl.any_horizontal([values[leaf.path].has_input for leaf in leaves(below)])
        yield from _with_items(below, values, inside)


def _column_facts(leaf: Leaf, value: Value) -> dict[str, pl.Expr]:
    column = pl.col(value.column or "")
    facts = {"present": _is_present(value).sum()}
    if value.is_list or leaf.target.kind not in {
        FieldKind.TEXT,
        FieldKind.DATE,
        FieldKind.ANY,
        FieldKind.NUMBER,
    }:
        return facts
    if not _may_be_number(leaf, value):
        if value.encoding == "json":
            column = column.map_batches(_plain_cells, return_dtype=pl.String)
        return facts | {"least": column.min(), "most": column.max()}
    # Compared as numbers, but kept as the text that has all digits.
    number = column.cast(pl.Float64, strict=False)
    return facts | {"least": column.get(number.arg_min()), "most": column.get(number.arg_max())}


def _is_present(value: Value) -> pl.Expr:
    column = pl.col(value.column or "")
    return (column.list.len() > 0).fill_null(value=False) if value.is_list else column.is_not_null()


def _may_be_number(leaf: Leaf, value: Value) -> bool:
    return value.encoding == "json" and leaf.target.kind in {FieldKind.NUMBER, FieldKind.ANY}


def _widen(column: _Column, value: Value, facts: Mapping[tuple[str, str], Any]) -> None:
    for name in ("least", "most"):
        text = facts.get((column.leaf.path, name))
        if text is not None:
            number = _may_be_number(column.leaf, value)
            _bound(column, (0, float(text), text) if number else (1, text, text))


def _bound(column: _Column, bound: _Bound) -> None:
    column.least = bound if column.least is None else min(column.least, bound)
    column.most = bound if column.most is None else max(column.most, bound)


def _take(column: _Column, value: Value) -> None:
    """Count the constant, or the default of rows without a cell, as one of the field's values."""
    written = value.constant if value.constant is not None else value.default
    if written is None:
        return
    text = _given_text(written)
    if column.counting or text in column.distinct:
        column.distinct.add(text)
    plain = json.loads(written)
    if isinstance(plain, bool | list | dict):
        return
    _bound(column, (0, float(plain), text) if isinstance(plain, int | float) else (1, text, text))


def _given_text(written: str) -> str:
    """Return a constant or default as a cell with the same value is shown."""
    value = json.loads(written)
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return _BETWEEN.join(item if isinstance(item, str) else json.dumps(item) for item in value)
    return value if isinstance(value, str) else written


def _texts(frame: pl.DataFrame, value: Value) -> pl.Series:
    cells = frame[value.column or ""]
    return cells.filter(cells.list.len() > 0).list.join(_BETWEEN) if value.is_list else cells


def _distinguish(column: _Column, cells: pl.Series) -> None:
    column.distinct.update(cells.drop_nulls().unique().head(_MOST_DISTINCT + 1).to_list())
    if len(column.distinct) > _MOST_DISTINCT:
        column.counting = False
        column.distinct = set(list(column.distinct)[:_MOST_DISTINCT])


def _before(frame: pl.DataFrame, leaf: Leaf) -> pl.Expr:
    """Return the cells that a rule reads, as text; several as `A = x, B = y`."""
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
    if dtype.is_numeric() or dtype in {pl.Boolean, pl.Date, pl.Null} or is_text(dtype):
        return pl.col(name).cast(pl.String)
    return pl.col(name).map_batches(_texts_of_cells, return_dtype=pl.String)


def _texts_of_cells(cells: pl.Series) -> pl.Series:
    return pl.Series([None if cell is None else cell_text(cell) for cell in cells], dtype=pl.String)


def _exemplify(column: _Column, value: Value, frame: pl.DataFrame) -> None:
    """Take examples with different values, first those that a conversion has changed."""
    cells = pl.col(value.column or "")
    after = cells.list.join(_BETWEEN) if value.is_list else cells
    read = [name for name in columns_of(column.leaf.rule) if name in frame.columns]
    # Lazy, so that only as many rows are looked through as it takes.
    some = (
        frame.select(*read, value.column or "")
        .lazy()
        .filter(_is_present(value))
        .head(_CANDIDATES)
        .collect()
        .select(_before(frame, column.leaf).alias(_BEFORE), after.alias(_AFTER))
    )
    pairs = sorted(some.iter_rows(), key=lambda pair: pair[0] == pair[1])
    for before, after_text in pairs:
        if len(column.examples) < _EXAMPLES:
            column.examples.setdefault(after_text, BeforeAfter(before, _shown(after_text, value)))


def _plain_cells(cells: pl.Series) -> pl.Series:
    return pl.Series([None if cell is None else _plain(cell) for cell in cells], dtype=pl.String)


def _shown(text: str, value: Value) -> str:
    """Return a value as it is shown; the items of a list are shown as they are written."""
    return _plain(text) if value.encoding == "json" and not value.is_list else text


def _plain(written: str) -> str:
    """Return a JSON value as it is shown: text without its quotes."""
    value = json.loads(written) if written.startswith('"') else None
    return value if isinstance(value, str) else written


def _has_table(leaf: Leaf) -> bool:
    item = leaf.target.item if leaf.target.kind is FieldKind.LIST and leaf.target.item else leaf.target
    rule = leaf.rule
    return rule.origin != "value" and bool(rule.map is not None or rule.boolean or item.enum)


def _tabulate(column: _Column, value: Value, frame: pl.DataFrame, checks: list[CellCheck]) -> None:
    masks = [value.wrong, *(check.mask for check in checks if check.path == column.leaf.path)]
    cells = pl.col(value.column or "")
    after = pl.when(_is_present(value)).then(cells.list.join(_BETWEEN)) if value.is_list else cells
    wrong = pl.any_horizontal(masks)
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
    default = None if value.default is None else _given_text(value.default)
    for before, after_text, is_wrong, rows in counted.iter_rows():
        becomes = default if after_text is None else _shown(after_text, value)
        key = (before, None if is_wrong else becomes, is_wrong)
        if key in column.values or len(column.values) < _MOST_VALUES:
            column.values[key] += rows
        else:
            column.other_values += rows
