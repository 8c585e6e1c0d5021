"""What the built-in record types share: types of fields, kinds of objects, and the fields of every record.

A field's type, enum and required flag are written in the models and nowhere else. The rest of the program
reads them from the JSON Schema that the models emit (`field_tree`), with the keywords that are named there.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from loader.resources.dates import iso_date_problem
from loader.resources.field_tree import RELATIVE_DATE, ROLE_KEY
from loader.resources.fields import Role, misspelt
from loader.resources.misfits import is_finite


def _iso_date(text: str) -> str:
    if problem := iso_date_problem(text):
        raise ValueError(problem)
    return text


IsoDate = Annotated[
    str,
    AfterValidator(_iso_date),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]
"""A date `YYYY-MM-DD`, or a time in UTC `YYYY-MM-DDTHH:MM:SS[.fff]Z` (README of the API: ISO 8601)."""


def _finite(number: float) -> float:
    # Not `allow_inf_nan=False`: of a whole number beyond a float that makes an OverflowError.
    if not is_finite(number):
        raise ValueError("expected a number that a float can hold")
    return number


Number = Annotated[int | float, AfterValidator(_finite), WithJsonSchema({"type": "number"})]
"""A JSON number; whole numbers are written without a fraction."""

NotNegative = Annotated[
    int | float,
    Field(ge=0),
    AfterValidator(_finite),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
"""A number of 0 or more."""

Restriction = Literal["exclude", "include", "none"]
"""How a list of ids restricts a run: leave these out, take only these, or no restriction."""


def has_role(role: Role) -> Any:
    """Return what marks a field as one of this role, in an `Annotated` type."""
    return Field(json_schema_extra={ROLE_KEY: role.value})


SERVER_STATE: Final = has_role(Role.SERVER_STATE)
"""Marks what is the server's own state."""
_ASSIGNED: Final = has_role(Role.SERVER_ASSIGNED)


def _refuse_id(value: Any) -> Any:
    if value is not None:
        raise ValueError("the server assigns it: leave it out")
    return value


class ClosedObject(BaseModel):
    """A JSON object of the API. Closed: a field that it does not list is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OpenObject(ClosedObject):
    """An object that may carry fields its page does not list, except misspellings of listed ones."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _no_misspelt_fields(self) -> Self:
        for name in self.model_extra or {}:
            if listed := misspelt(name, type(self).model_fields):
                raise ValueError(f"unknown field {name!r}; did you mean {listed!r}?")
        return self


class RelativeDate(ClosedObject):
    """A date given by its distance from another, such as 30 days before the end of the month."""

    model_config = ConfigDict(json_schema_extra={"format": RELATIVE_DATE})

    number: NotNegative | None = Field(None, description="How many units of time.")
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


class CalculatedFieldError(ClosedObject):
    """An error of a field that the server calculates."""

    field: str | None = Field(None, description="The field's name.")


class SecurityContext(OpenObject):
    """Who last changed the record; the page lists no fields."""


class Record(ClosedObject):
    """The fields that the records of every built-in type have.

    A request is valid if the model of its type takes it; `id` is never taken.
    """

    id: Annotated[str | None, BeforeValidator(_refuse_id), has_role(Role.READ_ONLY)] = Field(
        None, description="The record's id; the server assigns it and refuses a request that carries one."
    )
    name: str = Field(description="What people call it.")
    notification_email: str | None = Field(None, description="Where notifications about it are sent.")

    sys_bulk_load_at: Annotated[IsoDate | None, has_role(Role.LOADED_AT)] = Field(
        None, description="When the row was processed, UTC."
    )
    sys_bulk_load_id: Annotated[str | None, has_role(Role.LOAD_ID)] = Field(None, description="The load.")
    sys_bulk_load_pk: Annotated[str | None, has_role(Role.LOAD_KEY)] = Field(
        None, description="Tenant and load, as a partition key."
    )
    sys_bulk_load_record_no: Annotated[Number | None, has_role(Role.RECORD_NO)] = Field(
        None, description="The record's number in its source file, from 1."
    )
    sys_bulk_load_source_file: Annotated[str | None, has_role(Role.SOURCE_FILE)] = Field(
        None, description="The source file's name."
    )
    sys_calculated_field_error: Annotated[str | None, SERVER_STATE] = Field(
        None, description="What went wrong while a field was calculated."
    )
    sys_configuration_snapshot_id: str | None = Field(
        None, description="The configuration snapshot that the record was restored from."
    )
    sys_created_at: Annotated[IsoDate | None, _ASSIGNED] = Field(
        None, description="When the record was created; set it to keep a legacy date."
    )
    sys_created_by_id: Annotated[str | None, _ASSIGNED] = Field(
        None, description="Who created it; set it to keep a legacy user."
    )
    sys_deleted_by_id: str | None = Field(None, description="Who deleted it, or last tried to.")
    sys_directive: str | None = Field(None, description="A hint for the server's processing.")
    sys_external_id: Annotated[str | None, has_role(Role.EXTERNAL_ID)] = Field(
        None, description="Its id in the system that it comes from: the mapping's external_id."
    )
    sys_has_files_in_s3: bool | None = Field(None, description="Whether files are stored with it.")
    sys_last_modified_at: Annotated[IsoDate | None, _ASSIGNED] = Field(
        None, description="When it was last changed; set it to keep a legacy date."
    )
    sys_last_modified_by_id: Annotated[str | None, _ASSIGNED] = Field(
        None, description="Who last changed it; set it to keep a legacy user."
    )
    sys_last_security_context: Annotated[SecurityContext | None, SERVER_STATE] = Field(
        None, description="Under which rights it was last changed."
    )
    sys_locked: bool | None = Field(None, description="Whether the API may no longer change it.")
    sys_snapshot_base_version: Number | None = Field(
        None, description="The version that snapshots of it start from; the server takes 1 where left out."
    )
    sys_version: Annotated[Number | None, SERVER_STATE] = Field(
        None, description="The record's version in the database."
    )
