"""The billing run, of the certifications service (`POST /billingRuns/{tenantId}`)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from loader.resources.base import (
    SERVER_STATE,
    CalculatedFieldError,
    ClosedObject,
    IsoDate,
    Number,
    OpenObject,
    Record,
    Restriction,
)
from loader.resources.record_type import RecordType, schema_of


class ApplicationActivationOptions(OpenObject):
    """Which applications the run activates, and which notice they get."""

    application_notice_id: str | None = Field(None, description="The notice sent with a renewal order.")
    application_types: list[str] | None = Field(None, description="Application types that are included.")
    program_ids: list[str] | None = Field(None, description="Programs that program_restriction is about.")
    program_restriction: Restriction | None = Field(None, description="How program_ids restricts.")
    restrict_application_types: bool | None = Field(
        None, description="Whether only the listed application types are included."
    )
    restrict_status_reasons: bool | None = Field(
        None, description="Whether only applications with the listed status reasons are included."
    )
    status_reason_ids: list[str] | None = Field(None, description="Status reasons that are included.")
    training_provider_ids: list[str] | None = Field(
        None, description="Training providers that training_provider_restriction is about."
    )
    training_provider_restriction: Restriction | None = Field(
        None, description="How training_provider_ids restricts."
    )


class ApplicationExpirationOptions(OpenObject):
    """Between which dates an application expires to be part of the run."""

    expiration_date_range_end: IsoDate = Field(description="The last expiration date that is included.")
    expiration_date_range_start: IsoDate = Field(description="The first expiration date that is included.")


class Reminder(ClosedObject):
    """One reminder."""

    id: Number | None = Field(None, description="The reminder's own number; it never changes.")
    name: str | None = Field(None, description="What people call it.")
    reminder_notice_id: str = Field(description="The notice that is sent.")


class ApplicationReminderOptions(OpenObject):
    """Which reminders the run sends."""

    reminders: list[Reminder] = Field(description="The reminders, in order.")


class DropOptions(OpenObject):
    """Who is dropped; the page lists one field of several."""

    drop_notice_id: str | None = Field(None, description="The notice sent to those who are dropped.")


class RenewalForecastingOptions(OpenObject):
    """What is forecast; the page lists no fields."""


class RenewalReminderOptions(OpenObject):
    """Who is reminded of a renewal; the page lists no fields."""


class TrainingProviderBillingOptions(OpenObject):
    """How training providers are invoiced."""

    email_invoices_to_training_providers: bool | None = Field(
        None, description="Whether a training provider's administrators get the invoice by e-mail."
    )
    invoice_template_id: str = Field(description="The template of the invoices.")
    payment_terms_id: str = Field(description="The payment terms on the invoices.")


class Statistic(ClosedObject):
    """The progress of one action of a run."""

    action: str = Field(description="The action.")
    error: Number | None = Field(None, description="How many failed.")
    excluded: Number | None = Field(None, description="How many were left out.")
    pending: Number | None = Field(None, description="How many are waiting.")
    processing: Number | None = Field(None, description="How many are in progress.")
    successful: Number | None = Field(None, description="How many are done.")
    total: Number | None = Field(None, description="How many in all.")


class BillingRun(Record):
    """A run of billing: what it activates, reminds, drops and invoices, and when."""

    activate_applications: bool | None = Field(
        None, description="Whether it activates applications that meet every requirement."
    )
    application_activation_options: ApplicationActivationOptions = Field(
        description="Which applications it activates."
    )
    application_expiration_options: ApplicationExpirationOptions = Field(
        description="Which expiration dates it looks at."
    )
    application_reminder_options: ApplicationReminderOptions = Field(description="Which reminders it sends.")
    bill_training_providers: bool | None = Field(
        None, description="Whether training providers are invoiced for registrations."
    )
    drop_options: DropOptions = Field(description="Who is dropped.")
    error: Annotated[str | None, SERVER_STATE] = Field(None, description="What went wrong in it.")
    error_stack: Annotated[str | None, SERVER_STATE] = Field(None, description="Where it went wrong.")
    expire_applications: bool | None = Field(
        None, description="Whether applications past their date are expired."
    )
    forecast_renewals: bool | None = Field(None, description="Whether it issues renewal forecasts.")
    last_refresh_date: Annotated[IsoDate | None, SERVER_STATE] = Field(
        None, description="When it was last refreshed."
    )
    perform_drops: bool | None = Field(None, description="Whether expired members are dropped.")
    preprocessing_date: IsoDate | None = Field(None, description="When it was in fact prepared.")
    recurring_billing_run_id: str | None = Field(None, description="The recurring run that it belongs to.")
    renewal_forecasting_options: RenewalForecastingOptions = Field(description="What it forecasts.")
    renewal_reminder_options: RenewalReminderOptions = Field(description="Who is reminded of renewals.")
    run_date: IsoDate | None = Field(None, description="The date of the run.")
    scheduled_preprocessing_date: IsoDate | None = Field(None, description="When it is to be prepared.")
    scheduled_run_date: IsoDate | None = Field(None, description="When it is to be carried out.")
    send_application_reminders: bool | None = Field(
        None, description="Whether applications that miss requirements and are about to expire are reminded."
    )
    send_renewal_reminders: bool | None = Field(
        None, description="Whether those about to expire are reminded of their renewal."
    )
    statistics: Annotated[list[Statistic] | None, SERVER_STATE] = Field(
        None, description="The progress of each action."
    )
    status: Literal[
        "cancelled",
        "completed",
        "draft",
        "error",
        "preprocessing",
        "ready for execution",
        "running",
        "scheduled",
        "scheduled for execution",
        "timed out",
    ] = Field(description="The state of the run.")
    sys_calculated_field_errors: Annotated[list[CalculatedFieldError] | None, SERVER_STATE] = Field(
        None, description="What went wrong while fields were calculated."
    )
    sys_last_bulk_data_operation_id: str | None = Field(
        None, description="The bulk operation that last touched it."
    )
    sys_last_bulk_data_operation_sys_version: str | None = Field(
        None, description="Its version at that operation."
    )
    template_id: str | None = Field(None, description="The billing template that it was made from.")
    training_provider_billing_options: TrainingProviderBillingOptions = Field(
        description="How training providers are invoiced."
    )


BILLING_RUN: Final = RecordType(
    name="billing-run",
    title="Billing run (certifications)",
    service_url="https://certifications.api.rhythmsoftware.com",
    path="/billingRuns/{tenantId}",
    version="v1-2025-04-18",
    schema=schema_of(BillingRun),
    references={"template_id": "billing-template"},
    listings={"recurring_billing_run_id": "/billingRuns/{tenantId}/recurringBillingRun/{value}"},
)
