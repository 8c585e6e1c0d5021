"""The steps of one leaf: its origin, its conversions in order, the field's own type, what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from loader.mapping import conversions
from loader.mapping.constants import as_is, to_json, to_json_or_none
from loader.mapping.expressions import as_text, columns_of, in_years, is_list, is_nested, is_text
from loader.mapping.json_cells import JUDGED, judge_json, judge_values
from loader.mapping.program import CellCheck, Lookup, Value, Written
from loader.mapping.words import MADE_OF
from loader.resources.fields import Field, FieldKind

if TYPE_CHECKING:
    from loader.mapping.compiler import Compiler
    from loader.mapping.grammar import Constant, Rule


class UnfitError(ValueError):
    """A rule cannot be computed from what the source's columns hold."""


Transform = Callable[[pl.Expr], pl.Expr]


class FieldCompiler:
    """One leaf's steps."""

    def __init__(self, compiler: Compiler, rule: Rule, target: Field, path: str, name: str) -> None:
        self._compiler = compiler
        self._program = compiler.program
        self._rule = rule
        self._target = target
        self._item = target.item if target.kind is FieldKind.LIST and target.item else target
        self._path = path
        self._name = name
        self._step = 0
        self._column = ""
        self._listed = False
        self._written: Written = "text"
        self._first = ""
        self._dtype: pl.DataType | None = None
        self._masks: list[str] = []
        self._label = ", ".join(columns_of(rule)) or None

    def run(self) -> Value:
        """Adds the steps to the program."""
        self._origin()
        if self._written != "json":
            self._tidy()
            self._table()
            if self._rule.lookup is None:
                self._parse()
                self._field_type()
            else:
                self._look_up(self._rule.lookup)
        self._judge()
        present = pl.col(self._column).is_not_null()
        if self._listed:
            present = pl.col(self._column).list.len() > 0
        wrong = pl.any_horizontal([pl.col(each) for each in self._masks]) if self._masks else pl.lit(False)  # noqa: FBT003 - an expression's value
        return Value(
            column=self._column,
            written=self._written,
            listed=self._listed,
            default=None if self._rule.default is None else to_json(self._rule.default),
            wrong=wrong,
            present=present.fill_null(False) | wrong,  # noqa: FBT003 - likewise
        )

    # --- the chain -------------------------------------------------------------------------------

    def _origin(self) -> None:
        rule = self._rule
        if rule.origin == "sql":
            self._from_sql()
            return
        dtype = (
            self._compiler.schema[rule.column]
            if rule.origin in {"column", "lookup"} and rule.column
            else None
        )
        if dtype is not None and not is_text(dtype):
            self._from_typed(pl.col(rule.column or ""), dtype)
            return
        field = self._target
        read = self._compiler.schema.get(rule.json_column) if rule.json_column else None
        if read is not None and read.is_nested():  # of NDJSON, what one file has as text another has as lists
            self._put(pl.col(rule.json_column or ""))
            self._judged(lambda cells: judge_values(cells, field))
            return
        self._put(self._compiler.origin(rule))
        self._first = self._column
        if rule.origin == "json":
            if rule.null_if:
                self._map(lambda cell: conversions.null_if(cell, rule.null_if))
            self._judged(lambda cells: judge_json(cells, field))

    def _from_sql(self) -> None:
        source, dtype = self._compiler.sql(f"{self._name}_sql", self._rule.sql or "")
        if is_list(dtype) and self._target.kind not in {FieldKind.LIST, FieldKind.ANY}:
            raise UnfitError(f"this SQL gives {dtype}, and {self._path} takes one value")
        self._masks.append(f"{self._name}_sql!")
        if is_text(dtype):
            self._put(self._tidied(source.cast(pl.String)))
            self._first = self._column
        else:
            self._from_typed(source, dtype)
        self._program.checks.append(
            CellCheck(
                mask=pl.col(self._masks[0]),
                path=self._path,
                column=self._label,
                value=None,
                expected="cells that this SQL can be computed with",
                read=columns_of(self._rule),
            )
        )

    def _from_typed(self, cell: pl.Expr, dtype: pl.DataType) -> None:
        """Cells that are no text: used as what they are."""
        if is_nested(dtype):
            field = self._target
            self._put(cell)
            self._judged(lambda cells: judge_values(cells, field))
            return
        if isinstance(dtype, pl.List | pl.Array):
            self._listed = True
            self._put((cell.arr.to_list() if isinstance(dtype, pl.Array) else cell).list.drop_nulls())
            dtype = dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
        else:
            self._put(cell)
        if is_text(dtype):
            self._map(lambda item: self._tidied(item.cast(pl.String)))
            self._first = self._column
            return
        self._dtype = dtype
        self._first = self._program.add(self._step + 1, f"{self._name}_first", self._told(dtype))
        self._convert(lambda item: self._typed_text(item, dtype), self._typed_words(dtype), "text")

    def _told(self, dtype: pl.DataType) -> pl.Expr:
        """Typed cells as text for a message, whatever they hold."""
        cell = pl.col(self._column)
        return cell.list.eval(_told(pl.element(), dtype)) if self._listed else _told(cell, dtype)

    def _tidied(self, text: pl.Expr) -> pl.Expr:
        trimmed = conversions.trim(text) if self._rule.trim else text
        return conversions.null_if(trimmed, self._compiler.null_values)

    def _typed_text(self, cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
        """A typed cell as text; a date of a time is the one of its own zone."""
        rule = self._rule
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

    def _typed_words(self, dtype: pl.DataType) -> str:
        if not dtype.is_temporal():
            return "a finite number"
        if self._rule.timezone:
            return f"a time that exists once in {self._rule.timezone}"
        return "a date of the years 1 to 9999"

    def _judged(self, judge: Callable[[pl.Series], pl.Series]) -> None:
        """The column's JSON, judged by the field's model cell by cell."""
        self._put(pl.col(self._column).map_batches(judge, return_dtype=JUDGED))
        judged = pl.col(self._column)
        self._first = self._program.add(self._step, f"{self._name}_first", judged.struct.field("found"))
        words = self._program.add(self._step, f"{self._name}_words", judged.struct.field("error"))
        self._put(judged.struct.field("json"))
        self._check(pl.col(words).is_not_null(), f"JSON of {MADE_OF[self._target.kind]}", detail=words)
        self._written = "json"

    def _tidy(self) -> None:
        rule = self._rule
        if rule.null_if:
            self._map(lambda cell: conversions.null_if(cell, rule.null_if))
        if rule.case:
            upper = rule.case == "upper"
            self._map(lambda cell: cell.str.to_uppercase() if upper else cell.str.to_lowercase())
        if rule.split and not self._listed:
            self._put(conversions.split(pl.col(self._column), rule.split))
            self._listed = True
            if rule.trim:
                unwanted = [*self._compiler.null_values, *rule.null_if, ""]
                self._map(lambda cell: conversions.null_if(conversions.trim(cell), unwanted))

    def _table(self) -> None:
        table = self._rule.map
        if table is None:
            return
        otherwise = self._rule.otherwise
        outside = getattr(otherwise, "value", None)
        values = [*table.values(), outside]
        texts = all(isinstance(each, str) for each in values if each is not None)
        write: Callable[[Any], str | None] = as_is if texts else to_json_or_none
        keys = list(table)
        before = self._column
        self._map(
            lambda cell: _replaced(
                cell, keys, [write(table[key]) for key in keys], otherwise, write, texts=texts
            )
        )
        if otherwise is None:
            expected = f"in the table ({', '.join(keys)})"
            self._check(self._any(before, lambda cell: ~cell.is_in(keys)), expected, allowed=tuple(keys))
        if not texts:
            self._written = "json"

    def _look_up(self, record_type: str) -> None:
        """The text so far is a key: the value is the id that goes with it, asked for once a batch."""
        lookup = Lookup(
            record_type=record_type,
            key=self._column,
            id=f"{self._name}_id",
            missing=f"{self._name}_missing",
            listed=self._listed,
            path=self._path,
            column=self._label or "",
        )
        self._program.lookups.append(lookup)
        self._masks.append(lookup.missing)
        self._column = lookup.id

    def _parse(self) -> None:
        rule = self._rule
        if self._written == "json":
            return
        own = self._own_type()
        if own is not None and own.is_temporal() and (rule.date or rule.datetime):
            self._written = "plain"
        elif rule.date:
            forms = rule.date
            self._convert(
                lambda cell: conversions.date(cell, forms),
                f"a date of the form {' or '.join(forms)}",
                "plain",
            )
        elif rule.datetime:
            zone = f" that exists once in {rule.timezone}" if rule.timezone else ""
            self._convert(
                lambda cell: conversions.datetime(cell, rule.datetime, rule.timezone),
                f"a time of the form {' or '.join(rule.datetime)}{zone}",
                "plain",
            )
        elif rule.number:
            form = None if own is not None and own.is_numeric() else rule.number
            self._convert(lambda cell: conversions.number(cell, form), _number_words(rule.number), "json")
        elif rule.boolean:
            words = None if isinstance(own, pl.Boolean) else rule.boolean
            self._convert(
                lambda cell: conversions.boolean(cell, words),
                f"one of {', '.join((*rule.boolean.true, *rule.boolean.false))}",
                "json",
            )
        elif rule.relative_date:
            self._convert(
                conversions.relative_date,
                'a phrase like "30 days before the end of the month" or "on the reference date"',
                "json",
            )

    def _own_type(self) -> pl.DataType | None:
        """The cells' own type, where they are no text and no table has replaced them."""
        return self._dtype if self._rule.map is None else None

    def _field_type(self) -> None:
        """What the field's own type makes of text that no conversion has parsed."""
        kind = self._item.kind
        if self._written != "text":
            return
        if kind is FieldKind.DATE:
            self._convert(conversions.iso_date, "an ISO 8601 date or time", "plain")
        elif kind is FieldKind.NUMBER:
            self._convert(conversions.number, "a number", "json")
        elif kind is FieldKind.BOOLEAN:
            self._convert(conversions.boolean, "one of true/false, yes/no, y/n, t/f, 1/0", "json")
        elif kind is FieldKind.ANY and (own := self._own_type()) is not None:
            self._written = "json" if own.is_numeric() or isinstance(own, pl.Boolean) else "text"

    def _judge(self) -> None:
        """Enum and least value, judged on what is about to be sent."""
        if self._item.enum and self._written == "text":
            allowed = self._item.enum
            self._check(
                self._any(self._column, lambda cell: ~cell.is_in(list(allowed))),
                f"one of {', '.join(allowed)}",
                allowed=allowed,
            )
        least = self._item.minimum
        if least is not None and self._written == "json" and self._item.kind is FieldKind.NUMBER:
            self._check(
                self._any(self._column, lambda cell: cell.cast(pl.Float64, strict=False) < least),
                f"{least:g} or more",
            )

    # --- steps -----------------------------------------------------------------------------------

    def _put(self, expression: pl.Expr) -> None:
        self._column = self._program.add(self._step, f"{self._name}_{self._step}", expression)
        self._step += 1

    def _map(self, transform: Transform) -> None:
        """Applies a function to each value; nulls that it makes in a list go."""
        if self._listed:
            self._put(pl.col(self._column).list.eval(transform(pl.element())).list.drop_nulls())
        else:
            self._put(transform(pl.col(self._column)))

    def _convert(self, transform: Transform, expected: str, written: Written) -> None:
        """Applies a function whose null means that a value does not fit."""
        before = self._column
        self._map(transform)
        if self._listed:
            lost = pl.col(before).list.len() != pl.col(self._column).list.len()
        else:
            lost = pl.col(before).is_not_null() & pl.col(self._column).is_null()
        self._check(lost, expected)
        self._written = written

    def _any(self, column: str, test: Transform) -> pl.Expr:
        """A mask: where any of the column's values passes a test."""
        if self._listed:
            return pl.col(column).list.eval(test(pl.element())).list.any().fill_null(False)  # noqa: FBT003 - an expression's value
        return test(pl.col(column)).fill_null(False)  # noqa: FBT003 - likewise

    def _check(
        self,
        mask: pl.Expr,
        expected: str,
        *,
        allowed: tuple[str, ...] = (),
        detail: str | None = None,
    ) -> None:
        name = f"{self._name}_x{len(self._masks)}"
        self._program.add(self._step, name, mask.fill_null(False))  # noqa: FBT003 - an expression's value
        self._masks.append(name)
        self._step += 1
        self._program.checks.append(
            CellCheck(
                mask=pl.col(name),
                path=self._path,
                column=self._label,
                value=self._first,
                expected=expected,
                allowed=allowed,
                detail=detail,
            )
        )


def _told(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A typed cell as text, whatever it holds: dates out of all range as their number."""
    if isinstance(dtype, pl.Date | pl.Datetime):
        return pl.coalesce(in_years(cell, dtype).cast(pl.String), cell.to_physical().cast(pl.String))
    return cell.cast(pl.String)


def _replaced(
    cell: pl.Expr,
    keys: list[str],
    values: list[str | None],
    otherwise: Literal["keep", "null"] | Constant | None,
    write: Callable[[Any], str | None],
    *,
    texts: bool,
) -> pl.Expr:
    """The table applied; outside it null, unless `otherwise` says else."""
    kept: pl.Expr = pl.lit(None, dtype=pl.String)
    if otherwise == "keep":
        kept = cell if texts else pl.concat_str(pl.lit('"'), conversions.escape(cell), pl.lit('"'))
    elif otherwise is not None and otherwise != "null":
        kept = pl.lit(write(otherwise.value), dtype=pl.String)
    replaced = cell.replace_strict(keys, values, default=None, return_dtype=pl.String)
    return pl.when(cell.is_in(keys)).then(replaced).when(cell.is_not_null()).then(kept)


def _number_words(form: Any) -> str:
    grouped = f", digits grouped by {form.thousands!r}" if form.thousands else ""
    return f"a number with the decimal sign {form.decimal!r}{grouped}"
