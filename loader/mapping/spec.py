"""The grammar of a mapping, as models: the one place where keys, types and meanings are written."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from loader.mapping.document import Scalar, typed
from loader.settings import SourceOptions


def as_text(value: Any) -> Any:
    """A scalar as it was written; a value that was never YAML as JSON writes it."""
    if isinstance(value, Scalar):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _as_texts(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Text = Annotated[str, BeforeValidator(as_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_texts)]
Json = Annotated[Any, BeforeValidator(typed)]
Flag = Annotated[bool, BeforeValidator(typed)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NumberFormat(_Part):
    """How a number is written in the source."""

    decimal: Text = Field(".", min_length=1, max_length=1, description="What stands before the fraction.")
    thousands: Text | None = Field(
        None, min_length=1, max_length=1, description="What groups digits by threes; left out: nothing."
    )


class BooleanWords(_Part):
    """The words of a flag, compared exactly."""

    true: Texts = Field(description="Words that mean yes.")
    false: Texts = Field(description="Words that mean no.")


class Constant(_Part):
    """A constant that stands in for values outside a table."""

    value: Json = Field(description="The constant, of any JSON type.")


def _otherwise(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    return "null" if typed(value) is None else as_text(value)


ORIGINS: Final = ("column", "columns", "value", "template", "sql", "json", "lookup")
CONVERSIONS: Final = (
    "trim",
    "null_if",
    "case",
    "split",
    "map",
    "date",
    "datetime",
    "number",
    "boolean",
    "relative_date",
    "default",
)


class Rule(_Part):
    """Where a field's value comes from, and what is done to it on the way."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    column: Text | None = Field(None, description="The cell of this column.")
    columns: Texts | None = Field(None, description="The first of these columns' cells that is not null.")
    value: Json = Field(None, description="This constant, of any JSON type.")
    template: Text | None = Field(None, description='Text with cells filled in: "{First} {Last}".')
    sql: Text | None = Field(None, description="A Polars SQL expression over the row's columns.")
    json_column: Text | None = Field(
        None, alias="json", description="The cell of this column, parsed as JSON and put in as it is."
    )
    lookup: Text | None = Field(None, description="The record type whose record's id is wanted.")

    trim: Flag = Field(True, description="false: outer white space is kept.")  # noqa: FBT003 - a default
    null_if: Texts = Field((), description="Texts that are null.")
    case: Annotated[Literal["upper", "lower"] | None, BeforeValidator(as_text)] = Field(
        None, description="Changes case."
    )
    split: Text | None = Field(None, min_length=1, description="Cuts one cell into a list at this text.")
    map: dict[str, Json] | None = Field(None, description="Replaces by table.")
    otherwise: Annotated[Literal["keep", "null"] | Constant | None, BeforeValidator(_otherwise)] = Field(
        None, description="What becomes of a value outside the table; left out: it is an error."
    )
    date: Texts = Field((), description="strftime formats; the first that fits parses a date.")
    datetime: Texts = Field((), description="strftime formats; the first that fits parses a time.")
    timezone: Text | None = Field(None, description="Where local times are told, such as Europe/Berlin.")
    number: NumberFormat | None = Field(None, description="Parses a localised number.")
    boolean: BooleanWords | None = Field(None, description="Parses a flag by these words.")
    relative_date: Flag = Field(False, description="Parses a phrase into a relative date.")  # noqa: FBT003
    default: Json = Field(None, description="What a null becomes.")

    @property
    def origin(self) -> str:
        """Which of `ORIGINS` the value comes from."""
        given = {"json" if name == "json_column" else name for name in self.model_fields_set}
        return next(name for name in reversed(ORIGINS) if name in given)

    @property
    def conversions(self) -> tuple[str, ...]:
        """Which of `CONVERSIONS` are given, in the order in which they are applied."""
        return tuple(name for name in CONVERSIONS if name in self.model_fields_set)

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        given = [
            name for name in ORIGINS if ("json_column" if name == "json" else name) in self.model_fields_set
        ]
        if given == ["column", "lookup"]:
            return self
        if len(given) != 1:
            listed = ", ".join(ORIGINS)
            found = f"has {' and '.join(given)}" if given else "has none"
            raise ValueError(f"a rule has exactly one origin of {listed}; this one {found}")
        if given == ["lookup"]:
            raise ValueError("a lookup names the column of the key: {lookup: RESOURCE, column: NAME}")
        if self.otherwise is not None and self.map is None:
            raise ValueError("otherwise goes with map")
        if self.timezone is not None and not self.datetime:
            raise ValueError("timezone goes with datetime")
        return self


Row = dict[str, Json]


class Example(_Part):
    """A row, or the rows of one record, and what must become of it: the mapping's own test."""

    row: Row = Field(default_factory=dict, description="Cells by column; columns left out are null.")
    rows: tuple[Row, ...] = Field((), description="In place of row: the rows of one group, in their order.")
    joined: dict[str, tuple[Row, ...]] = Field(
        default_factory=dict, description="Rows of second files by the file's name, as `rows` has it."
    )
    payload: dict[str, Json] | None = Field(
        None, description="These fields of the payload, exactly; others are free."
    )
    errors: Texts | None = Field(None, description="The fields that are found wrong, these and no others.")

    @model_validator(mode="after")
    def _row_or_rows(self) -> Example:
        if ("row" in self.model_fields_set) == bool(self.rows):
            raise ValueError("an example has either row, or rows: the rows of one group")
        return self


def _source_section(value: Any) -> Any:
    """The section's values typed, but texts that stand for nothing left as written."""
    if not isinstance(value, dict):
        return value
    return {
        str(key): [as_text(each) for each in _as_texts(each_value)]
        if key == "null_values"
        else typed(each_value)
        for key, each_value in value.items()
    }


class Each(_Part):
    """A list of the payload with one item for every row: of the record's group, or of a second file."""

    each: Any = Field(description="What each row becomes: a rule, or an object of rules.")
    rows: Text | None = Field(None, min_length=1, description="A second file; left out: the group's rows.")
    key: Text | None = Field(None, description="The second file's column that says whose row it is.")
    equals: Text | None = Field(
        None, description="The source's column that key is compared with; left out: the one of that name."
    )
    source: Annotated[SourceOptions, BeforeValidator(_source_section)] = Field(
        default_factory=SourceOptions, description="How to read the second file; else it is detected."
    )

    @model_validator(mode="after")
    def _second_file(self) -> Each:
        beside = [name for name in ("key", "equals", "source") if name in self.model_fields_set]
        if self.rows is None and beside:
            raise ValueError(f"{' and '.join(beside)} go with rows: the name of a second file")
        if self.rows is not None and self.key is None:
            raise ValueError("rows names a second file, and key its column that says whose row it is")
        return self


class MappingFile(_Part):
    """A whole mapping, as its file has it; `fields` is read further by `loader.mapping.tree`."""

    resource: Text = Field(description="The record type that rows become.")
    external_id: Any = Field(None, description="The column (or rule) of a row's identity across loads.")
    source: Annotated[SourceOptions, BeforeValidator(_source_section)] = Field(
        default_factory=SourceOptions, description="How to read; what is left out is detected."
    )
    ignore: Texts = Field((), description="Columns left out on purpose; * stands for any text.")
    group_by: Text | None = Field(None, description="Rows with the same cell in this column are one record.")
    where: Text | None = Field(None, description="Rows for which this SQL is not true are filtered out.")
    fields: dict[str, Any] = Field(description="The payload's fields, nested or dotted.")
    examples: tuple[Example, ...] = Field((), description="The mapping's own tests.")
