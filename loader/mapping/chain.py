"""The steps of one leaf: its origin, its conversions in order, the field's own type, what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from loader.mapping import conversions
from loader.mapping.columns import as_json, as_text, columns_of, is_list, is_nested, is_text
from loader.mapping.constants import as_is, to_json, to_json_or_none
from loader.mapping.json_cells import JUDGED, judge_json
from loader.mapping.program import CellCheck, Value, Written
from loader.mapping.words import MADE_OF
from loader.resources.fields import Field, Kind

if TYPE_CHECKING:
    from loader.mapping.compile import Compiler
    from loader.mapping.spec import Constant, Rule

Transform = Callable[[pl.Expr], pl.Expr]


class Chain:
    """One leaf's steps."""

    def __init__(self, compiler: Compiler, rule: Rule, target: Field, path: str, name: str) -> None:
        self._compiler = compiler
        self._program = compiler.program
        self._rule = rule
        self._target = target
        self._item = target.item if target.kind is Kind.LIST and target.item else target
        self._path = path
        self._name = name
        self._step = 0
        self._column = ""
        self._listed = False
        self._written: Written = "text"
        self._first = ""
        self._masks: list[str] = []
        self._label = ", ".join(columns_of(rule)) or None

    def run(self) -> Value:
        """Adds the steps to the program."""
        self._origin()
        if self._written != "json":
            self._tidy()
            self._table()
            self._parse()
            self._field_type()
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
        dtype = self._compiler.schema[rule.column] if rule.origin == "column" and rule.column else None
        if dtype is not None and is_nested(dtype):
            self._put(as_json(pl.col(rule.column or ""), dtype))
            self._first = self._column
            self._json()
        elif dtype is not None and is_list(dtype):
            self._from_list(pl.col(rule.column or ""), dtype)
        else:
            self._put(self._compiler.origin(rule))
            self._first = self._column
            if rule.origin == "json":
                self._json()

    def _from_sql(self) -> None:
        source, dtype = self._compiler.sql(f"{self._name}_sql", self._rule.sql or "")
        self._masks.append(f"{self._name}_sql!")
        if is_nested(dtype):
            self._put(as_json(source, dtype))
            self._json()
        elif is_list(dtype):
            self._from_list(source, dtype)
        elif is_text(dtype):
            text = source.cast(pl.String)
            self._put(
                conversions.null_if(conversions.trim(text), self._compiler.null_values)
                if self._rule.trim
                else text
            )
        else:
            self._put(as_text(source, dtype))
        self._first = self._column
        self._check(pl.col(f"{self._name}_sql!"), "something this SQL can compute with", marked=True)
        if not is_text(dtype) and not self._listed and self._written != "json":
            mask = source.is_not_null() & pl.col(self._column).is_null()
            self._check(mask, "a finite number")

    def _from_list(self, cell: pl.Expr, dtype: pl.DataType) -> None:
        inner = getattr(dtype, "inner", None) or pl.String()
        items = cell.arr.to_list() if isinstance(dtype, pl.Array) else cell
        element = pl.element()
        if is_text(inner):
            text = element.cast(pl.String)
            each = conversions.null_if(
                conversions.trim(text) if self._rule.trim else text, self._compiler.null_values
            )
        else:
            each = as_text(element, inner)
        self._put(items.list.eval(each).list.drop_nulls())
        self._first = self._column
        self._listed = True

    def _json(self) -> None:
        """The column's JSON text, judged by the field's model cell by cell."""
        field = self._target
        self._put(
            pl.col(self._column).map_batches(lambda cells: judge_json(cells, field), return_dtype=JUDGED)
        )
        judged = self._column
        self._put(pl.col(judged).struct.field("json"))
        self._check(
            pl.col(judged).struct.field("error").is_not_null(),
            f"JSON of {MADE_OF[field.kind]}",
            detail=(judged, "error"),
        )
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

    def _parse(self) -> None:
        rule = self._rule
        if self._written == "json":
            return
        if rule.date:
            forms = rule.date
            typed = self._typed()
            self._convert(
                (lambda cell: cell.str.slice(0, 10))
                if typed
                else (lambda cell: conversions.date(cell, forms)),
                f"a date of the form {' or '.join(forms)}",
                "plain",
            )
        elif rule.datetime:
            zone = f" in {rule.timezone}" if rule.timezone else ""
            self._convert(self._time(), f"a time of the form {' or '.join(rule.datetime)}{zone}", "plain")
        elif rule.number:
            form = rule.number
            self._convert(lambda cell: conversions.number(cell, form), _number_words(form), "json")
        elif rule.boolean:
            words = rule.boolean
            self._convert(
                lambda cell: conversions.boolean(cell, words),
                f"one of {', '.join((*words.true, *words.false))}",
                "json",
            )
        elif rule.relative_date:
            self._convert(
                conversions.relative_date,
                'a phrase like "30 days before the end of the month" or "on the reference date"',
                "json",
            )

    def _typed(self) -> pl.DataType | None:
        """The column's own type, where it is a date or a time already."""
        dtype = self._compiler.schema.get(self._rule.column or "") if self._rule.map is None else None
        return dtype if isinstance(dtype, pl.Date | pl.Datetime) else None

    def _time(self) -> Transform:
        rule, typed = self._rule, self._typed()
        if typed is None:
            return lambda cell: conversions.datetime(cell, rule.datetime, rule.timezone)
        moment = pl.col(rule.column or "").cast(pl.Datetime("us", getattr(typed, "time_zone", None)))
        if getattr(typed, "time_zone", None) is None:
            moment = conversions.local_to_utc(moment, rule.timezone)
        utc = conversions.utc_text(moment.dt.convert_time_zone("UTC").dt.replace_time_zone(None))
        return lambda _: utc

    def _field_type(self) -> None:
        """What the field's own type makes of text that no conversion has parsed."""
        kind = self._item.kind
        if self._written != "text":
            return
        if kind is Kind.DATE:
            self._convert(conversions.iso_date, "an ISO 8601 date or time", "plain")
        elif kind is Kind.NUMBER:
            self._convert(conversions.number, "a number", "json")
        elif kind is Kind.BOOLEAN:
            self._convert(conversions.boolean, "true/false, yes/no, y/n, t/f or 1/0", "json")

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
        if least is not None and self._written == "json" and self._item.kind is Kind.NUMBER:
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
        detail: tuple[str, str] | None = None,
        marked: bool = False,
    ) -> None:
        name = f"{self._name}_x{len(self._masks)}"
        if not marked:
            self._program.add(self._step, name, mask.fill_null(False))  # noqa: FBT003 - an expression's value
            self._masks.append(name)
            self._step += 1
        words = None
        if detail:
            words = self._program.add(self._step, f"{name}_words", pl.col(detail[0]).struct.field(detail[1]))
        self._program.checks.append(
            CellCheck(
                mask=mask if marked else pl.col(name),
                path=self._path,
                column=self._label,
                value=self._first,
                expected=expected,
                allowed=allowed,
                detail=words,
            )
        )


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
