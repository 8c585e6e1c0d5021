"""The grammar of a mapping as models: the one place where keys, types and meanings are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from loader.mapping.document import Scalar, is_null, typed
from loader.mapping.grammar_errors import KEY
from loader.settings import SourceOptions

if TYPE_CHECKING:
    from loader.findings import JsonValue


def as_text(value: Any) -> Any:
    """Return a scalar as it was written; a value that was never YAML as JSON writes it."""
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

    decimal: Text = Field(
        ".", min_length=1, max_length=1, description="The sign before the fraction.", examples=[","]
    )
    thousands: Text | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="The sign that groups digits by threes; left out: digits are not grouped.",
        examples=["."],
    )


class BooleanWords(_Part):
    """The words of a flag, compared exactly."""

    true: Texts = Field(description="Words that mean yes.", examples=[["J", "Y"]])
    false: Texts = Field(description="Words that mean no.", examples=[["N"]])


class Constant(_Part):
    """A constant for values outside a table."""

    value: Json = Field(description="The constant, of any JSON type.", examples=["draft"])


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
PARSING: Final = ("date", "datetime", "number", "boolean", "relative_date")
"""The conversions that parse text: a rule has one of them at most, and a lookup none."""

NEEDS: Final = {"lookup": "column", "otherwise": "map", "timezone": "datetime"}
"""Keys of a rule that have a meaning only beside another one."""

_NULLABLE: Final = frozenset({"value", "default", "otherwise"})
"""Keys of a rule for which null is a value."""


def _error(code: str, at_key: str = "", **params: JsonValue) -> PydanticCustomError:
    """Return an error that `grammar_errors` turns into a finding; `at_key` is the key that it is about.

    Pydantic carries it among its own: the type is the code, the context has the parameters.
    """
    context = {**params, KEY: at_key} if at_key else params
    return PydanticCustomError(code, code, context)


class Rule(_Part):
    """Where a field's value comes from, and what is done to it on the way."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    column: Text | None = Field(
        None, description="The cell. A bare string in place of a rule means the same.", examples=["Run Name"]
    )
    columns: Texts | None = Field(
        None,
        min_length=1,
        description="The first of these columns' cells that is not null.",
        examples=[["Owner", "Office"]],
    )
    value: Json = Field(None, description="The constant, of any JSON type.", examples=["INV-STD"])
    template: Text | None = Field(
        None,
        description="The text with trimmed cells filled in; null if one of them is null. {{ and }} are "
        "braces.",
        examples=["{First} {Last}"],
    )
    sql: Text | None = Field(
        None,
        description="A Polars SQL expression over the row's columns, untrimmed (of a text file, all are "
        "text; `null_values` are null). It cannot read other rows.",
        examples=["CASE WHEN Net = '30' THEN 'NET30' ELSE 'DUE' END"],
    )
    json_column: Text | None = Field(
        None,
        alias="json",
        description="The cell parsed as JSON, checked by the field's type, and used as it is.",
        examples=["Options"],
    )
    lookup: Text | None = Field(
        None,
        description="The id of the record of this type that has the cell of `column` as its external id. "
        "Any earlier load into the same tenant counts.",
        examples=["billing-template"],
    )

    trim: Flag = Field(
        True,  # noqa: FBT003 - a default
        description="false: keeps white space around text; true removes it.",
        examples=[False],
    )
    null_if: Texts = Field((), description="These texts are null.", examples=[["-", "none"]])
    case: Annotated[Literal["upper", "lower"] | None, BeforeValidator(as_text)] = Field(
        None, description="Changes case.", examples=["lower"]
    )
    split: Text | None = Field(
        None,
        min_length=1,
        description="Splits one cell into a list at this text; empty items are dropped. Later conversions "
        "and trimming apply to every item.",
        examples=[";"],
    )
    map: dict[str, Json] | None = Field(
        None,
        description="Replaces values by a table; a value outside it is an error, unless `otherwise` is set.",
        examples=[{"D": "draft", "C": "completed"}],
    )
    otherwise: Annotated[Literal["keep", "null"] | Constant | None, BeforeValidator(_otherwise)] = Field(
        None,
        description="What a value outside the table of `map` becomes: itself, null, or a constant.",
        examples=["keep", "null", {"value": "draft"}],
    )
    date: Texts = Field(
        (),
        description="Parses by strftime codes (of several formats, by the first that fits) and writes "
        "YYYY-MM-DD; %Y takes four digits.",
        examples=["%d.%m.%Y", ["%d.%m.%Y", "%Y-%m-%d"]],
    )
    datetime: Texts = Field(
        (),
        description="Parses like `date` and writes ISO 8601 in UTC, …Z; a time without a zone is UTC.",
        examples=["%d.%m.%Y %H:%M"],
    )
    timezone: Text | None = Field(
        None,
        description="The zone of the times of `datetime`. A time that does not exist there, or exists "
        "twice, is an error.",
        examples=["Europe/Berlin"],
    )
    number: NumberFormat | None = Field(
        None,
        description="Parses a localized number; digits are grouped by threes or not at all.",
        examples=[{"decimal": ",", "thousands": "."}],
    )
    boolean: BooleanWords | None = Field(
        None, description="Parses by exactly these words.", examples=[{"true": ["J", "Y"], "false": ["N"]}]
    )
    relative_date: Flag = Field(
        False,  # noqa: FBT003 - a default
        description='Parses a phrase, "30 days before the end of the month" or "on the reference date".',
        examples=[True],
    )
    default: Json = Field(None, description="Replaces null.", examples=["draft"])

    @property
    def origin(self) -> str:
        """Return which of `ORIGINS` the value comes from."""
        given = {"json" if name == "json_column" else name for name in self.model_fields_set}
        return next(name for name in reversed(ORIGINS) if name in given)

    @property
    def conversions(self) -> tuple[str, ...]:
        """Return which of `CONVERSIONS` are given, in the order in which they are applied."""
        return tuple(name for name in CONVERSIONS if name in self.model_fields_set)

    @model_validator(mode="before")
    @classmethod
    def _no_empty_keys(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if is_null(data[key]) and key not in _NULLABLE:
                raise _error("rule.empty_key", key, key=key)
        return data

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        given = [
            name for name in ORIGINS if ("json_column" if name == "json" else name) in self.model_fields_set
        ]
        if not given:
            raise _error("rule.no_origin", allowed=[*ORIGINS])
        if given != ["column", "lookup"] and len(given) != 1:
            raise _error("rule.several_origins", given[-1], keys=[*given], allowed=[*ORIGINS])
        for key, needed in NEEDS.items():
            # An empty table is one, too: every value is outside it.
            if getattr(self, key) is None or getattr(self, needed) not in (None, ()):
                continue
            if key == "lookup":
                raise _error("lookup.no_column", key)
            raise _error("rule.needs_key", key, key=key, needs=needed)
        return self


Row = dict[str, Any]


class MappingExample(_Part):
    """A row, or the rows of one record, with the payload that it becomes or the errors that it has."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["row"]}, {"required": ["rows"]}]},
    )

    row: Row = Field(
        default_factory=dict,
        description="Cells by column, as the source has them; a column that is left out is null.",
        examples=[{"RunId": "000401", "State": "C"}],
    )
    rows: tuple[Row, ...] = Field(
        (),
        description="In place of `row`, where the mapping has `group_by`: the rows of one group in order.",
        examples=[[{"RunId": "7", "Notice": "N1"}, {"RunId": "7", "Notice": "N2"}]],
    )
    joined: dict[str, tuple[Row, ...]] = Field(
        default_factory=dict,
        description="Rows of second files, by the name of the file.",
        examples=[{"reminders.csv": [{"Run": "7", "Notice": "N1"}]}],
    )
    payload: dict[str, Json] | None = Field(
        None,
        description="These fields of the payload (or dotted paths), exactly; others are not compared. Null: "
        "the field is left out.",
        examples=[{"status": "completed"}],
    )
    errors: Texts | None = Field(
        None,
        description="Fields that have an error; `check` warns of errors in other fields. []: no errors.",
        examples=[["name", "status"]],
    )

    @property
    def own_rows(self) -> tuple[Row, ...]:
        """Return the source's rows: the one, or those of the group."""
        return self.rows or (self.row,)

    @model_validator(mode="after")
    def _row_or_rows(self) -> MappingExample:
        if ("row" in self.model_fields_set) == bool(self.rows):
            raise _error("example.row_or_rows")
        return self


def _source_section(value: Any) -> Any:
    """Return the section with typed values, but for null values: these are texts as they are written."""
    if not isinstance(value, dict):
        return value
    return {
        str(key): [as_text(text) for text in _as_texts(option)] if key == "null_values" else typed(option)
        for key, option in value.items()
    }


class Each(_Part):
    """A list of the payload with one item for every row: of the record's group, or of a second file."""

    each: Any = Field(
        description="What each row becomes: a column, a rule, or an object of rules.",
        examples=["Program", {"reminder_notice_id": "Notice", "name": "Name"}],
    )
    rows: Text | None = Field(
        None,
        min_length=1,
        description="The second file to take rows from: beside the source, else beside the mapping, else in "
        "the working directory. Left out: the rows of the record's group.",
        examples=["reminders.csv"],
    )
    key: Text | None = Field(
        None, description="The second file's column that names the record of a row.", examples=["Run"]
    )
    equals: Text | None = Field(
        None,
        description="The source's column that `key` is compared with; left out: the one of the same name.",
        examples=["RunId"],
    )
    source: Annotated[SourceOptions, BeforeValidator(_source_section)] = Field(
        default_factory=SourceOptions,
        description="How to read the second file; what is left out is detected.",
        examples=[{"delimiter": ";"}],
    )

    @model_validator(mode="after")
    def _second_file(self) -> Each:
        given: list[JsonValue] = [
            name for name in ("key", "equals", "source") if name in self.model_fields_set
        ]
        if self.rows is None and given:
            raise _error("each.lone_key", keys=given)
        if self.rows is not None and self.key is None:
            raise _error("each.no_key")
        return self


class MappingSpec(_Part):
    """A whole mapping as its file has it; `loader.mapping.tree_builder` reads `fields` further."""

    resource: Text = Field(
        description="The record type that rows become; `loader schema` lists them.", examples=["billing-run"]
    )
    external_id: Any = Field(
        None,
        description="The column (or rule) that identifies rows, also in later loads; it becomes "
        "sys_external_id. Without it, no later load knows what was sent before.",
        examples=["RunId"],
    )
    source: Annotated[SourceOptions, BeforeValidator(_source_section)] = Field(
        default_factory=SourceOptions,
        description="How to read the source; what is left out is detected and shown.",
        examples=[{"delimiter": ";", "encoding": "cp1252"}],
    )
    ignore: Texts = Field(
        (),
        description="Columns left out on purpose; * matches any text. `loader check` lists other "
        "unused columns.",
        examples=[["Notes", "Old_*"]],
    )
    group_by: Text | None = Field(
        None,
        description="Rows with the same cell in this column are one record; `each` makes list items of them.",
        examples=["RunId"],
    )
    where: Text | None = Field(
        None,
        description="SQL; only rows for which it is true are sent, the others are filtered.",
        examples=["State <> 'TEST'"],
    )
    fields: dict[str, Any] = Field(
        description="The payload's fields, nested or dotted, each with a rule.",
        examples=[{"name": "Run Name", "status": {"value": "draft"}}],
    )
    examples: tuple[MappingExample, ...] = Field(
        (),
        description="The mapping's own tests: `loader check` runs them through the engine that loads use.",
        examples=[[{"row": {"State": "C"}, "payload": {"status": "completed"}}]],
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_keys_are_absent(cls, data: Any) -> Any:
        """Drop keys without a value: their null must not become the text `null` of a filter or a column."""
        return {key: value for key, value in data.items() if key in _REQUIRED or not is_null(value)}


_REQUIRED: Final = frozenset({"resource", "fields"})
