"""What the record types share: field types, markers, the relative date, the bulk-load fields.

A field's type, enum and required flag are written in the models and nowhere else: the compiler, the
schema command and the sandbox read them from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from loader.text import nearest


@dataclass(frozen=True, slots=True)
class ServerAssigned:
    """Marks a field that the stored record always has because the server fills it.

    The API's pages call such a field required; a request need not carry it.

    Attributes:
        refused: A request that carries it is refused (`id`).
    """

    refused: bool = False


@dataclass(frozen=True, slots=True)
class ServerState:
    """Marks a field that is the server's own state: it may be sent, and `check` warns."""


@dataclass(frozen=True, slots=True)
class BulkLoadField:
    """Marks a field that the loader fills for every row; a mapping cannot."""


@dataclass(frozen=True, slots=True)
class DateLike:
    """Marks a text field that holds an ISO 8601 date or UTC time."""


_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z)?")


def _iso_date(text: str) -> str:
    match = _ISO.fullmatch(text)
    if not match:
        raise ValueError("expected an ISO 8601 date (2019-03-31) or UTC time (2019-03-31T08:00:00Z)")
    if match[2]:
        datetime.fromisoformat(text[:19])
    else:
        date.fromisoformat(text)
    return text


IsoDate = Annotated[str, AfterValidator(_iso_date), DateLike()]
"""A date `YYYY-MM-DD`, or a time in UTC `YYYY-MM-DDTHH:MM:SS[.fff]Z` (README of the API: ISO 8601)."""

Number = Annotated[int | float, Field(allow_inf_nan=False)]
"""A JSON number; whole numbers are written without a fraction."""

Restriction = Literal["exclude", "include", "none"]
"""How a list of ids restricts a run: leave these out, take only these, or no restriction."""

_ALIKE = 0.86


class Shape(BaseModel):
    """A JSON object of the API. Closed: a field that it does not list is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    open: ClassVar[bool] = False
    """Whether the live service has more fields here than its page lists."""


class OpenShape(Shape):
    """An object that may carry fields its page does not list, except misspellings of listed ones."""

    model_config = ConfigDict(extra="allow")

    open: ClassVar[bool] = True

    @classmethod
    def misspelt(cls, name: str) -> str | None:
        """The listed field that an unlisted `name` looks like a misspelling of; None if like none."""
        return nearest(name, list(cls.model_fields), cutoff=_ALIKE)

    @model_validator(mode="after")
    def _no_misspelt_fields(self) -> Self:
        for name in self.model_extra or {}:
            if meant := self.misspelt(name):
                raise ValueError(f"unknown field {name!r}; did you mean {meant!r}?")
        return self


class RelativeDate(Shape):
    """A date told by its distance from another, such as 30 days before the end of the month."""

    number: Annotated[Number, Field(ge=0)] | None = Field(None, description="How many units of time.")
    position: Literal["after", "before", "on"] = Field(description="Which side of the reference date.")
    relative_to: Literal[
        "the beginning of the month",
        "the beginning of the quarter",
        "the beginning of the week",
        "the beginning of the year",
        "the end of the month",
        "the end of the quarter",
        "the end of the week",
        "the end of the year",
        "the reference date",
    ] = Field(description="The date that it counts from.")
    unit_of_time: Literal["days", "months", "weeks", "years"] | None = Field(
        None, description="What the number counts."
    )


class CalculatedFieldError(Shape):
    """An error of a field that the server calculates."""

    field: str | None = Field(None, description="The field's name.")


class SecurityContext(OpenShape):
    """Who last changed the record; the page lists no fields."""


class Record(Shape):
    """A record type: the fields that every one has, and how it is addressed.

    Subclasses set the class variables and add their own fields. A request is valid if this model takes
    it; `id` is never taken.
    """

    name_of_type: ClassVar[str]
    """As mappings and `loader schema` name it, such as `billing-run`."""
    title: ClassVar[str]
    """What it is, in a few words."""
    service_url: ClassVar[str]
    """The base URL of the service that it belongs to."""
    path: ClassVar[str]
    """Where it is posted to and listed from, with `{tenantId}`."""
    version: ClassVar[str]
    """The API's version that the model was written from."""
    references: ClassVar[dict[str, str]] = {}
    """Fields that hold the id of another record: field -> record type."""
    listings: ClassVar[dict[str, str]] = {}
    """Partial lists, where the whole cannot be listed: field -> path with `{tenantId}` and `{value}`."""

    id: Annotated[str | None, ServerAssigned(refused=True)] = Field(
        None, description="The record's id; the server assigns it and refuses a request that carries one."
    )
    name: str = Field(description="What people call it.")
    notification_email: str | None = Field(None, description="Where notifications about it are sent.")

    sys_bulk_load_at: Annotated[IsoDate | None, BulkLoadField()] = Field(
        None, description="When the row was processed, UTC."
    )
    sys_bulk_load_id: Annotated[str | None, BulkLoadField()] = Field(None, description="The load.")
    sys_bulk_load_pk: Annotated[str | None, BulkLoadField()] = Field(
        None, description="Tenant and load, as a partition key."
    )
    sys_bulk_load_record_no: Annotated[Number | None, BulkLoadField()] = Field(
        None, description="The record's number in its source file, from 1."
    )
    sys_bulk_load_source_file: Annotated[str | None, BulkLoadField()] = Field(
        None, description="The source file's name."
    )
    sys_calculated_field_error: Annotated[str | None, ServerState()] = Field(
        None, description="What went wrong while a field was calculated."
    )
    sys_configuration_snapshot_id: str | None = Field(
        None, description="The configuration snapshot that the record was restored from."
    )
    sys_created_at: Annotated[IsoDate | None, ServerAssigned()] = Field(
        None, description="When the record was created; set it to keep a legacy date."
    )
    sys_created_by_id: Annotated[str | None, ServerAssigned()] = Field(
        None, description="Who created it; set it to keep a legacy user."
    )
    sys_deleted_by_id: str | None = Field(None, description="Who deleted it, or last tried to.")
    sys_directive: str | None = Field(None, description="A hint for the server's processing.")
    sys_external_id: Annotated[str | None, BulkLoadField()] = Field(
        None, description="Its id in the system that it comes from: the mapping's external_id."
    )
    sys_has_files_in_s3: bool | None = Field(None, description="Whether files are stored with it.")
    sys_last_modified_at: Annotated[IsoDate | None, ServerAssigned()] = Field(
        None, description="When it was last changed; set it to keep a legacy date."
    )
    sys_last_modified_by_id: Annotated[str | None, ServerAssigned()] = Field(
        None, description="Who last changed it; set it to keep a legacy user."
    )
    sys_last_security_context: Annotated[SecurityContext | None, ServerState()] = Field(
        None, description="Under which rights it was last changed."
    )
    sys_locked: bool | None = Field(None, description="Whether the API may no longer change it.")
    sys_snapshot_base_version: Number | None = Field(
        None, description="The version that snapshots of it start from; the server takes 1 where left out."
    )
    sys_version: Annotated[Number | None, ServerState()] = Field(
        None, description="The record's version in the database."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_id(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("id") is not None:
            raise ValueError("id: the server assigns it; leave it out")
        return data
