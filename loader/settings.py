"""How to read and how to run; every number carries its unit.

These are plain values: reading them from options, the environment and `loader.toml` is the shell's work.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

Format = Literal["csv", "parquet", "ndjson", "xlsx"]
"""How a source is written."""


class FormatTraits(NamedTuple):
    """What the rooms that do not read files have to know of a format's cells.

    Attributes:
        has_types: Whether numbers, true and false are values of their own; else they are text.
        only_text: Whether every cell is text, so that an empty one is the empty text, and no column is
            without a type; else a cell without a value is null.
    """

    has_types: bool
    only_text: bool


FORMAT_TRAITS: Final[Mapping[Format | None, FormatTraits]] = MappingProxyType(
    {
        "csv": FormatTraits(has_types=False, only_text=True),
        "parquet": FormatTraits(has_types=True, only_text=False),
        "ndjson": FormatTraits(has_types=True, only_text=False),
        "xlsx": FormatTraits(has_types=False, only_text=False),
        None: FormatTraits(has_types=False, only_text=False),
    }
)
"""The traits of each format; None: the format is detected, and no file shows it yet."""


class SourceOptions(BaseModel):
    """How to read a source: the mapping's `source:` section, overridden by `-s KEY=VALUE`.

    What is left out (not in `model_fields_set`) is detected. An explicit `quote: null` or `escape: null`
    means that there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format | None = Field(
        None, description="How the file is written; by its name or its content where left out."
    )
    sheet: str | None = Field(
        None, min_length=1, description="A workbook's sheet; the first one where left out."
    )
    delimiter: str | None = Field(None, min_length=1, description="The text between two cells.")
    quote: str | None = Field(None, description="The sign around a cell; null: none.")
    escape: str | None = Field(
        None, description="The sign before a quote inside a cell; null: quotes are doubled."
    )
    encoding: str | None = Field(None, description="A codec name, such as utf-8, cp1252 or utf-16.")
    skip_lines: int | None = Field(None, ge=0, description="Lines above the header.")
    header: bool | Annotated[int, Field(ge=1, le=20)] | None = Field(
        None,
        description="false: columns are column_1, column_2, …; a number: that many lines, with names joined.",
    )
    skip_footer: int | None = Field(None, ge=0, description="Lines below the last record.")
    null_values: tuple[str, ...] | None = Field(
        None, description='Texts that mean null; [""] where left out.'
    )


_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(s|m|min|h)\s*")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_rate(value: object) -> object:
    """Return `50/s`, `3000/min` or `1000/h` as requests per second, and any other value as it is.

    Raises:
        ValueError: A text has another form.
    """
    if not isinstance(value, str):
        return value
    if not (match := _RATE.fullmatch(value)):
        raise ValueError(f"{value!r} is not a rate: write it like 50/s or 3000/min")
    return float(match[1]) / _SECONDS[match[2]]


_LIMIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*")


class ErrorLimit(BaseModel):
    """How many rows may be invalid, blocked or refused before a load stops.

    Attributes:
        count: That many rows; None where `share` counts.
        share: That part of the rows read, 0 to 1; it counts from 100 rows on, and at the end.
    """

    model_config = ConfigDict(frozen=True)

    count: int | None = None
    share: float | None = None

    @classmethod
    def parse(cls, value: object) -> object:
        """Return `100` or `2.5%` as a limit, and a value that is not text as it is.

        Raises:
            ValueError: A text has another form.
        """
        if not isinstance(value, str):
            return value
        match = _LIMIT.fullmatch(value)
        if not match or (not match[2] and "." in match[1]) or (match[2] and float(match[1]) > 100):  # noqa: PLR2004
            raise ValueError(f"{value!r} is not a limit: write a number of rows, or a percentage like 2%")
        return cls(share=float(match[1]) / 100) if match[2] else cls(count=int(match[1]))


class RunSettings(BaseModel):
    """How a load runs.

    The command line's options are made from these: their names, ranges, defaults and help.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str = Field(min_length=1, pattern=r"^[^/?#\s]+$", description="Tenant to load into.")
    base_url: str | None = Field(None, description="Send all records to this URL, such as a sandbox.")
    """None: to the URL of each record type's own service."""
    rate: Annotated[
        Annotated[float, Field(gt=0)] | None, BeforeValidator(parse_rate, json_schema_input_type=str)
    ] = Field(None, description="Send no more than this, such as 50/s or 3000/min.")
    """Requests per second; None: as fast as the service allows."""
    concurrency: int = Field(16, ge=1, le=1024, description="Limit the requests in progress.")
    batch_size: int = Field(1000, ge=1, le=100_000, description="Rows per checkpoint.")
    limit: int | None = Field(None, ge=1, description="Load only the first N rows.")
    """None: all."""
    max_errors: Annotated[
        ErrorLimit | None, BeforeValidator(ErrorLimit.parse, json_schema_input_type=str)
    ] = Field(None, description="Stop when more rows than this have errors.")
    """Rows that are invalid, blocked or refused; None: a load does not stop for them."""
    give_up_after: float = Field(300.0, gt=0, description="Stop after an outage this long.")
    """Seconds that the service may be down."""
    reconcile_wait: float = Field(5.0, ge=0, description="Wait this long before a second look.")
    """Seconds between two looks for rows in doubt: reads may lag behind writes."""
    connect_timeout: float = Field(10.0, gt=0, description="Wait this long for a connection.")
    """Seconds."""
    read_timeout: float = Field(60.0, gt=0, description="Wait this long for an answer.")
    """Seconds."""
