"""Compile one leaf: its origin, its conversions in order, the field's own type, what the field allows.

Each step is a column of its own that the next one reads. Beside them are masks: for each way a cell can be
wrong, one that is true where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from loader.mapping import conversions
from loader.mapping.cell_reader import UnfitError
from loader.mapping.expressions import columns_of, is_list, is_nested, is_text
from loader.mapping.json_cells import CHECKED_CELL, JSON_CODES, check_json, check_nested
from loader.mapping.parsers import MapTable, field_parser, rule_parser, shown_text, typed_parser
from loader.mapping.program import CellCheck, Lookup, Value
from loader.mapping.type_words import type_in_words
from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loader.findings import JsonValue
    from loader.mapping.cell_reader import CellReader
    from loader.mapping.grammar import Rule
    from loader.mapping.parsers import Parser, Transform
    from loader.mapping.program import Encoding
    from loader.mapping.tree import Leaf


@dataclass(frozen=True, slots=True)
class _Cells:
    """A leaf's cells behind one of its steps.

    Attributes:
        column: The column that holds them.
        encoding: How it holds them.
        is_list: Whether it holds lists of them.
        dtype: Their type in the source, where that is not text.
        shown: The column with what the source has, for findings.
    """

    column: str
    encoding: Encoding = "text"
    is_list: bool = False
    dtype: pl.DataType | None = None
    shown: str | None = None


class FieldCompiler:
    """Compiles one leaf.

    Args:
        reader: The source's columns; its program gets the steps.
        leaf: The field and its rule.
        name: Begins the names of the leaf's columns.
    """

    def __init__(self, reader: CellReader, leaf: Leaf, name: str) -> None:
        self._reader = reader
        self._leaf = leaf
        self._name = name
        self._stage = 0
        self._masks: list[str] = []

    def compile(self) -> Value:
        """Add the leaf's steps and checks to the program, and return its value.

        Raises:
            UnfitError: The leaf cannot be computed from what the source's columns hold.
        """
        rule = self._rule
        cells = self._origin()
        if cells.encoding != "json":
            cells = self._replaced(self._cleaned(cells))
            cells = self._parsed(cells) if rule.lookup is None else self._looked_up(cells, rule.lookup)
        self._check_allowed(cells)
        column = pl.col(cells.column)
        has_value = column.list.len() > 0 if cells.is_list else column.is_not_null()
        wrong = pl.any_horizontal(self._masks) if self._masks else pl.lit(value=False)
        return Value(
            column=cells.column,
            encoding=cells.encoding,
            is_list=cells.is_list,
            default=None if rule.default is None else conversions.constant_json(rule.default),
            wrong=wrong,
            has_input=has_value.fill_null(value=False) | wrong,
        )

    @property
    def _rule(self) -> Rule:
        return self._leaf.rule

    # --- origins -----------------------------------------------------------------------------------------

    def _origin(self) -> _Cells:
        rule, schema = self._rule, self._reader.schema
        if rule.origin == "sql":
            return self._from_sql(rule.sql or "")
        if rule.origin in {"column", "lookup"} and rule.column and not is_text(schema[rule.column]):
            return self._from_typed(pl.col(rule.column), schema[rule.column])
        if rule.json_column and schema[rule.json_column].is_nested():
            # What one NDJSON file has as text, another has as lists: `json` takes both.
            return self._checked_json(self._step(pl.col(rule.json_column)), check_nested)
        column = self._step(self._reader.origin(rule))
        cells = _Cells(column, shown=column)
        if rule.origin != "json":
            return cells
        return self._checked_json(self._without_nulls(cells).column, check_json)

    def _from_sql(self, sql: str) -> _Cells:
        name = f"{self._name}_sql"
        source, dtype = self._reader.sql(name, sql)
        if is_list(dtype) and self._leaf.target.kind not in {FieldKind.LIST, FieldKind.ANY}:
            raise UnfitError("sql.list", type=type_in_words(dtype))
        failed = f"{name}!"  # made by whoever runs the program
        self._masks.append(failed)
        if is_text(dtype):
            column = self._step(self._reader.text(source.cast(pl.String), trimmed=self._rule.trim))
            cells = _Cells(column, shown=column)
        else:
            cells = self._from_typed(source, dtype)
        self._add_check(pl.col(failed), "sql.failed", read=columns_of(self._rule))
        return cells

    def _from_typed(self, cell: pl.Expr, dtype: pl.DataType) -> _Cells:
        """Take cells that are not text as what they are."""
        if is_nested(dtype):
            return self._checked_json(self._step(cell), check_nested)
        if not isinstance(dtype, pl.List | pl.Array):
            return self._from_items(_Cells(self._step(cell)), dtype)
        items = (cell.arr.to_list() if isinstance(dtype, pl.Array) else cell).list.drop_nulls()
        inner = dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
        return self._from_items(_Cells(self._step(items), is_list=True), inner)

    def _from_items(self, cells: _Cells, dtype: pl.DataType) -> _Cells:
        """Make text of cells, or of the items of lists, that have a type of their own."""
        if is_text(dtype):
            cells = self._mapped(
                cells, lambda cell: self._reader.text(cell.cast(pl.String), trimmed=self._rule.trim)
            )
            return replace(cells, shown=cells.column)
        column = pl.col(cells.column)
        shown = (
            column.list.eval(shown_text(pl.element(), dtype)) if cells.is_list else shown_text(column, dtype)
        )
        self._reader.program.add(self._stage, f"{self._name}_shown", shown)
        cells = replace(cells, dtype=dtype, shown=f"{self._name}_shown")
        return self._converted(cells, typed_parser(dtype, self._rule))

    def _checked_json(self, column: str, check: Callable[[pl.Series, Any], pl.Series]) -> _Cells:
        """Check a column of JSON texts or nested values against the field, cell by cell."""
        target, program = self._leaf.target, self._reader.program
        result = pl.col(column).map_batches(lambda cells: check(cells, target), return_dtype=CHECKED_CELL)
        checked = pl.col(self._step(result)).struct
        shown, code, params = (
            program.add(self._stage, f"{self._name}_{part}", checked.field(part))
            for part in ("found", "code", "params")
        )
        cells = _Cells(self._step(checked.field("json")), encoding="json", shown=shown)
        self._add_mask(pl.col(code).is_not_null())
        for json_code in JSON_CODES:
            mask = pl.col(code).eq_missing(pl.lit(json_code))
            self._add_check(mask, json_code, shown=shown, row_params=params)
        return cells

    # --- conversions -------------------------------------------------------------------------------------

    def _without_nulls(self, cells: _Cells) -> _Cells:
        texts = self._rule.null_if
        return self._mapped(cells, lambda cell: conversions.null_if(cell, texts)) if texts else cells

    def _cleaned(self, cells: _Cells) -> _Cells:
        """Apply `null_if`, `case` and `split`."""
        rule = self._rule
        cells = self._without_nulls(cells)
        if rule.case == "upper":
            cells = self._mapped(cells, lambda cell: cell.str.to_uppercase())
        elif rule.case == "lower":
            cells = self._mapped(cells, lambda cell: cell.str.to_lowercase())
        if not rule.split or cells.is_list:
            return cells
        column = self._step(conversions.split(pl.col(cells.column), rule.split))
        cells = replace(cells, column=column, is_list=True)
        if not rule.trim:
            return cells
        nulls = [*self._reader.nulls, *rule.null_if, ""]
        return self._mapped(cells, lambda cell: conversions.cell_text(cell, nulls))

    def _replaced(self, cells: _Cells) -> _Cells:
        """Apply `map`."""
        rule = self._rule
        if rule.map is None:
            return cells
        keys, before = list(rule.map), cells.column
        table = MapTable.of(rule)
        cells = self._mapped(cells, table.apply)
        if rule.otherwise is None:
            is_outside = _any_of(before, lambda cell: ~cell.is_in(keys), is_list=cells.is_list)
            self._check(is_outside, cells, "map.no_entry", {"allowed": [*keys]})
        # What a table gives is no longer of the source's type.
        return replace(cells, encoding="text" if table.gives_text else "json", dtype=None)

    def _looked_up(self, cells: _Cells, record_type: str) -> _Cells:
        """Make the text so far a key: the value is the id that belongs to it, looked up once a batch."""
        lookup = Lookup(
            record_type=record_type,
            key=cells.column,
            id=f"{self._name}_id",
            missing=f"{self._name}_missing",
            is_list=cells.is_list,
            path=self._leaf.path,
            column=self._source_column or "",
        )
        self._reader.program.lookups.append(lookup)
        self._masks.append(lookup.missing)
        return replace(cells, column=lookup.id)

    def _parsed(self, cells: _Cells) -> _Cells:
        """Apply the conversion that parses, or else what the field's own type makes of text."""
        if cells.encoding == "json":
            return cells
        rule, kind = self._rule, self._leaf.item.kind
        if cells.dtype is not None and cells.dtype.is_temporal() and (rule.date or rule.datetime):
            return replace(cells, encoding="plain")
        if parser := rule_parser(rule, cells.dtype) or field_parser(kind):
            return self._converted(cells, parser)
        if kind is FieldKind.ANY and isinstance(cells.dtype, pl.Boolean):
            return replace(cells, encoding="json")
        is_number = cells.dtype is not None and cells.dtype.is_numeric()
        return replace(cells, encoding="json") if kind is FieldKind.ANY and is_number else cells

    def _check_allowed(self, cells: _Cells) -> None:
        """Check enum and minimum, of what is about to be sent."""
        item = self._leaf.item
        if item.enum and cells.encoding == "text":
            allowed = list(item.enum)
            mask = _any_of(cells.column, lambda cell: ~cell.is_in(allowed), is_list=cells.is_list)
            self._check(mask, cells, "enum.value", {"allowed": [*allowed]})
        minimum = item.minimum
        if minimum is not None and cells.encoding == "json" and item.kind is FieldKind.NUMBER:
            mask = _any_of(
                cells.column,
                lambda cell: cell.cast(pl.Float64, strict=False) < minimum,
                is_list=cells.is_list,
            )
            self._check(mask, cells, "number.minimum", {"minimum": minimum})

    # --- steps -------------------------------------------------------------------------------------------

    @property
    def _source_column(self) -> str | None:
        return ", ".join(columns_of(self._rule)) or None

    def _step(self, expression: pl.Expr) -> str:
        """Add a column that reads those before it, and return its name."""
        column = self._reader.program.add(self._stage, f"{self._name}_{self._stage}", expression)
        self._stage += 1
        return column

    def _mapped(self, cells: _Cells, transform: Transform) -> _Cells:
        """Apply a function to each value; items of a list that become null go."""
        column = pl.col(cells.column)
        if cells.is_list:
            result = column.list.eval(transform(pl.element())).list.drop_nulls()
        else:
            result = transform(column)
        return replace(cells, column=self._step(result))

    def _converted(self, cells: _Cells, parser: Parser) -> _Cells:
        """Apply a conversion, with a check for what it makes null."""
        before, cells = pl.col(cells.column), self._mapped(cells, parser.transform)
        after = pl.col(cells.column)
        if cells.is_list:
            failed = before.list.len() != after.list.len()
        else:
            failed = before.is_not_null() & after.is_null()
        self._check(failed, cells, parser.code, parser.params)
        return replace(cells, encoding=parser.encoding)

    def _check(self, mask: pl.Expr, cells: _Cells, code: str, params: Mapping[str, JsonValue]) -> None:
        """Add a check with a column as its mask, so that it is computed once."""
        self._add_check(self._add_mask(mask), code, shown=cells.shown, params=params)

    def _add_mask(self, mask: pl.Expr) -> pl.Expr:
        name = f"{self._name}_x{len(self._masks)}"
        self._reader.program.add(self._stage, name, mask.fill_null(value=False))
        self._stage += 1
        self._masks.append(name)
        return pl.col(name)

    def _add_check(
        self,
        mask: pl.Expr,
        code: str,
        *,
        shown: str | None = None,
        row_params: str | None = None,
        read: tuple[str, ...] = (),
        params: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self._reader.program.checks.append(
            CellCheck(
                mask=mask,
                path=self._leaf.path,
                column=self._source_column,
                value=shown,
                code=code,
                params={name: value for name, value in (params or {}).items() if value is not None},
                row_params=row_params,
                read=read,
            )
        )


def _any_of(column: str, test: Transform, *, is_list: bool) -> pl.Expr:
    """Return a mask that is true where a column's value, or any item of its lists, passes a test."""
    if not is_list:
        return test(pl.col(column))
    return pl.col(column).list.eval(test(pl.element())).list.any()
