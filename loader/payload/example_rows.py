"""The rows of a mapping's examples as a source's reader would give them: text as written, or typed."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping.document import Scalar, typed
from loader.records import LINE, PROBLEM, RECORD_NO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from polars._typing import PolarsDataType

    from loader.mapping.document import Path
    from loader.mapping.grammar import MappingExample
    from loader.settings import SourceOptions

_TYPED_FORMATS: Final = frozenset({"parquet", "ndjson"})
_PARSED: Final[tuple[tuple[type[pl.DataType], Callable[[str], Any]], ...]] = (
    (pl.Date, date.fromisoformat),
    (pl.Datetime, datetime.fromisoformat),
    (pl.Time, time.fromisoformat),
    (pl.Decimal, Decimal),
)


def is_typed_source(options: SourceOptions) -> bool:
    """Whether a source's cells have types of their own, as far as the mapping says."""
    return options.format in _TYPED_FORMATS


def example_schema(
    options: SourceOptions,
    columns: Iterable[str],
    computed: Iterable[str],
    examples: Sequence[MappingExample],
    schema: Mapping[str, pl.DataType] | None,
) -> dict[str, pl.DataType]:
    """The columns that examples have, with their types.

    Args:
        options: What the mapping says of its source.
        columns: The columns that the mapping reads.
        computed: Those of them that SQL reads.
        examples: All of them: a cell tells the type for the others.
        schema: A source's own columns, which win; None: there is no source.
    """
    if schema is not None:
        return dict(schema)
    rows = [row for each in examples for row in each.own_rows]
    return rows_schema(options, columns, computed, rows)


def rows_schema(
    options: SourceOptions,
    columns: Iterable[str],
    computed: Iterable[str],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, pl.DataType]:
    """The columns that rows of examples have, with their types, as their cells tell them.

    Args:
        options: What the mapping says of their file.
        columns: The columns that the mapping reads.
        computed: Those of them that SQL reads.
        rows: All rows of that file: a cell tells the type for the others.
    """
    names = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    as_text = set(computed) if options.format != "csv" else set(names)
    natural = is_typed_source(options)
    return {
        name: _type_of([row.get(name) for row in rows], natural=natural, empty_is_text=name in as_text)
        for name in names
    }


def _type_of(cells: Sequence[Any], *, natural: bool, empty_is_text: bool) -> pl.DataType:
    """The type of a column by its cells: of text, lists and objects; `natural`: of numbers and flags, too."""
    values = [value for cell in cells if (value := typed(cell)) is not None]
    if not values:
        return pl.String() if empty_is_text else pl.Null()
    if all(isinstance(value, list | dict) for value in values):
        return _nested_type(values)
    kinds = {type(value) for value in values}
    if natural and kinds == {bool}:
        return pl.Boolean()
    if natural and kinds == {int}:
        return pl.Int64()
    if natural and kinds <= {int, float}:
        return pl.Float64()
    return pl.String()


def _nested_type(values: Sequence[Any]) -> pl.DataType:
    """The type of lists or of objects; an object has the members of all."""
    if all(isinstance(value, list) for value in values):
        return pl.List(
            _type_of([item for value in values for item in value], natural=True, empty_is_text=True)
        )
    objects = [value for value in values if isinstance(value, dict)]
    names = dict.fromkeys(name for value in objects for name in value)
    return pl.Struct(
        {
            name: _type_of([value.get(name) for value in objects], natural=True, empty_is_text=True)
            for name in names
        }
    )


def example_frames(
    rows: Sequence[Mapping[str, Any]], schema: Mapping[str, pl.DataType], place: Path
) -> pl.DataFrame:
    """Several records, numbered from 1; else as `example_frame`.

    Args:
        rows: The rows.
        schema: As there.
        place: Where the rows stand in the example, for messages.

    Raises:
        UnfitCell: A cell is not of its column's type.
    """
    frames = [example_frame({}, schema).clear()]
    for index, row in enumerate(rows):
        try:
            frame = example_frame(row, schema)
        except UnfitCell as error:
            error.place = (*place, index)
            raise
        frames.append(frame.with_columns(pl.lit(index + 1, dtype=pl.Int64).alias(RECORD_NO)))
    return pl.concat(frames)


def example_frame(row: Mapping[str, Any], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """One record as the reader gives it; columns that the example leaves out are null.

    Args:
        row: Cells by column, as in the mapping's file.
        schema: The columns with their types; a cell of another column is left out.

    Raises:
        UnfitCell: A cell is not of its column's type.
    """
    columns = {}
    for name, dtype in schema.items():
        try:
            columns[name] = pl.Series([_cell(row.get(name), dtype)], dtype=dtype)
        except (ValueError, TypeError, InvalidOperation, pl.exceptions.PolarsError, OverflowError):
            raise UnfitCell(name, dtype) from None
    return (
        pl.DataFrame(columns).with_columns(
            pl.Series(RECORD_NO, [1], dtype=pl.Int64),
            pl.Series(LINE, [None], dtype=pl.Int64),
            pl.Series(PROBLEM, [None], dtype=pl.String),
        )
        if columns
        else pl.DataFrame(
            {RECORD_NO: [1], LINE: [None], PROBLEM: [None]},
            schema={RECORD_NO: pl.Int64, LINE: pl.Int64, PROBLEM: pl.String},
        )
    )


class UnfitCell(ValueError):  # noqa: N818 - it is about the cell
    """A cell of an example is not of its column's type; `place` is that of its row in the example."""

    def __init__(self, column: str, dtype: pl.DataType) -> None:
        super().__init__(f"the column {column!r} holds {dtype}")
        self.column = column
        self.place: Path = ("row",)


def _cell(cell: Any, dtype: PolarsDataType) -> Any:
    """A cell as the value that a column of this type holds."""
    value = typed(cell)
    if value is None:
        return None
    if isinstance(dtype, pl.String):
        return _text(cell)
    if isinstance(dtype, pl.List):
        return [_cell(each, dtype.inner) for each in _of(cell, list)]
    if isinstance(dtype, pl.Struct):
        members = _of(cell, dict)
        if unknown := set(members) - {field.name for field in dtype.fields}:
            raise ValueError(f"it has no {min(unknown)}")
        return {field.name: _cell(members.get(field.name), field.dtype) for field in dtype.fields}
    for kind, parse in _PARSED:
        if isinstance(dtype, kind):
            return parse(_text(cell))
    if isinstance(dtype, pl.Boolean) is not isinstance(value, bool) or isinstance(value, list | dict):
        raise ValueError("it is of another kind")
    return value


def _of(cell: Any, kind: type) -> Any:
    if not isinstance(cell, kind):
        raise TypeError("it is of another kind")
    return cell


def _text(cell: Any) -> str:
    """A text as it was written; a list or object as JSON."""
    return str(cell) if isinstance(cell, Scalar | str) else json.dumps(typed(cell), ensure_ascii=False)
