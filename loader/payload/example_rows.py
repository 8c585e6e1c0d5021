"""The rows of a mapping's examples as a source's reader would give them: text as written, or typed."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping.document import Scalar, typed
from loader.records import LINE, PROBLEM, RECORD_NO
from loader.settings import FORMAT_TRAITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from polars._typing import PolarsDataType

    from loader.mapping.grammar import MappingExample
    from loader.mapping.yaml_paths import YamlPath
    from loader.settings import SourceOptions

_READER_COLUMNS: Final = {RECORD_NO: pl.Int64(), LINE: pl.Int64(), PROBLEM: pl.String()}
_PARSED: Final[tuple[tuple[type[pl.DataType], Callable[[str], Any]], ...]] = (
    (pl.Date, date.fromisoformat),
    (pl.Datetime, datetime.fromisoformat),
    (pl.Time, time.fromisoformat),
    (pl.Decimal, Decimal),
)


def example_schema(
    options: SourceOptions,
    columns: Iterable[str],
    sql_columns: Iterable[str],
    examples: Sequence[MappingExample],
    schema: Mapping[str, pl.DataType] | None,
) -> dict[str, pl.DataType]:
    """Return the columns that examples have, with their types.

    Args:
        options: What the mapping sets for its source.
        columns: The columns that the mapping reads.
        sql_columns: Those of them that SQL reads.
        examples: All of them: a cell shows the type for the others.
        schema: A source's own columns, which win; None: there is no source.
    """
    if schema is not None:
        return dict(schema)
    rows = [row for example in examples for row in example.own_rows]
    return rows_schema(options, columns, sql_columns, rows)


def rows_schema(
    options: SourceOptions,
    columns: Iterable[str],
    sql_columns: Iterable[str],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, pl.DataType]:
    """Return the columns that rows of examples have, with the types that their cells show.

    Args:
        options: What the mapping sets for their file.
        columns: The columns that the mapping reads.
        sql_columns: Those of them that SQL reads.
        rows: All rows of that file: a cell shows the type for the others.
    """
    names = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    traits = FORMAT_TRAITS[options.format]
    # SQL needs a type even for a column that no example fills: text is what a CSV file would have.
    text_columns = set(names) if traits.only_text else set(sql_columns)
    return {
        name: _type_of(
            [row.get(name) for row in rows],
            typed_cells=traits.has_types,
            empty_is_text=name in text_columns,
        )
        for name in names
    }


def _type_of(cells: Sequence[Any], *, typed_cells: bool, empty_is_text: bool) -> pl.DataType:
    """Return the type of a column by its cells.

    Args:
        cells: As the mapping's file has them.
        typed_cells: Whether numbers, true and false are values of their own; else they are text.
        empty_is_text: Whether a column without a value is text; else it has the type Null.
    """
    values = [value for cell in cells if (value := typed(cell)) is not None]
    if not values:
        return pl.String() if empty_is_text else pl.Null()
    if all(isinstance(value, list | dict) for value in values):
        return _nested_type(values)
    kinds = {type(value) for value in values}
    if typed_cells and kinds == {bool}:
        return pl.Boolean()
    if typed_cells and kinds == {int}:
        return pl.Int64()
    if typed_cells and kinds <= {int, float}:
        return pl.Float64()
    return pl.String()


def _nested_type(values: Sequence[Any]) -> pl.DataType:
    """Return the type of lists or of objects; an object has the members of all."""
    if all(isinstance(value, list) for value in values):
        items = [item for value in values for item in value]
        return pl.List(_type_of(items, typed_cells=True, empty_is_text=True))
    objects = [value for value in values if isinstance(value, dict)]
    names = dict.fromkeys(name for value in objects for name in value)
    return pl.Struct(
        {
            name: _type_of([value.get(name) for value in objects], typed_cells=True, empty_is_text=True)
            for name in names
        }
    )


def example_frames(
    rows: Sequence[Mapping[str, Any]], schema: Mapping[str, pl.DataType], yaml_path: YamlPath
) -> pl.DataFrame:
    """Return several records, numbered from 1; else as `example_frame`.

    Args:
        rows: The rows.
        schema: As there.
        yaml_path: Where the rows are in the example, for messages.

    Raises:
        CellTypeError: A cell does not have its column's type.
    """
    frames = [example_frame({}, schema).clear()]
    for index, row in enumerate(rows):
        try:
            frame = example_frame(row, schema)
        except CellTypeError as error:
            error.yaml_path = (*yaml_path, index)
            raise
        frames.append(frame.with_columns(pl.lit(index + 1, dtype=pl.Int64).alias(RECORD_NO)))
    return pl.concat(frames)


def example_frame(row: Mapping[str, Any], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return one record as the reader gives it; columns that the example leaves out are null.

    Args:
        row: Cells by column, as in the mapping's file.
        schema: The columns with their types; a cell of another column is left out.

    Raises:
        CellTypeError: A cell does not have its column's type.
    """
    cells: dict[str, Any] = {}
    for name, dtype in schema.items():
        try:
            cells[name] = pl.Series([_cell(row.get(name), dtype)], dtype=dtype)
        except (ValueError, TypeError, InvalidOperation, pl.exceptions.PolarsError, OverflowError):
            raise CellTypeError(name, dtype) from None
    reader_cells = {RECORD_NO: [1], LINE: [None], PROBLEM: [None]}
    return pl.DataFrame({**cells, **reader_cells}, schema={**schema, **_READER_COLUMNS})


class CellTypeError(ValueError):
    """A cell of an example does not have its column's type.

    Attributes:
        column: The column.
        dtype: What it holds.
        yaml_path: Where the cell's row is in the example.
    """

    def __init__(self, column: str, dtype: pl.DataType) -> None:
        super().__init__(f"column {column!r} holds {dtype}")
        self.column = column
        self.dtype = dtype
        self.yaml_path: YamlPath = ("row",)


def _cell(cell: Any, dtype: PolarsDataType) -> Any:
    """Return a cell as the value that a column of this type holds."""
    value = typed(cell)
    if value is None:
        return None
    if isinstance(dtype, pl.String):
        return _text(cell)
    if isinstance(dtype, pl.List):
        return [_cell(item, dtype.inner) for item in _instance(cell, list)]
    if isinstance(dtype, pl.Struct):
        members = _instance(cell, dict)
        if unknown := set(members) - {field.name for field in dtype.fields}:
            raise ValueError(f"unknown member {min(unknown)}")
        return {field.name: _cell(members.get(field.name), field.dtype) for field in dtype.fields}
    for kind, parse in _PARSED:
        if isinstance(dtype, kind):
            return parse(_text(cell))
    if isinstance(dtype, pl.Boolean) is not isinstance(value, bool) or isinstance(value, list | dict):
        raise ValueError("a value of another kind")
    return value


def _instance(cell: Any, kind: type) -> Any:
    if not isinstance(cell, kind):
        raise TypeError("a value of another kind")
    return cell


def _text(cell: Any) -> str:
    """Return a text as it was written; a list or object as JSON."""
    return str(cell) if isinstance(cell, Scalar | str) else json.dumps(typed(cell), ensure_ascii=False)
