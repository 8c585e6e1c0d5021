"""The billing template, of the fundraising service (`POST /billingTemplates/{tenantId}`)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from loader.resources.base import (
    SERVER_STATE,
    CalculatedFieldError,
    OpenObject,
    Record,
    RelativeDate,
    Restriction,
)
from loader.resources.record_type import RecordType, schema_of


class FundraisingNoticeOptions(OpenObject):
    """Which schools get a fundraising notice."""

    expiration_date_range_end: RelativeDate = Field(description="The last expiration date included.")
    expiration_date_range_start: RelativeDate = Field(description="The first expiration date included.")
    notice_id: str | None = Field(None, description="The notice sent to the school.")
    phase_ids: list[str] = Field(description="Phases that phase_restriction is about.")
    phase_restriction: Restriction | None = Field(None, description="How phase_ids restricts.")
    program_ids: list[str] = Field(description="Programs that program_restriction is about.")
    program_restriction: Restriction | None = Field(None, description="How program_ids restricts.")
    school_ids: list[str] = Field(description="Schools that school_restriction is about.")
    school_restriction: Restriction | None = Field(None, description="How school_ids restricts.")


class PhaseAdvancementOptions(OpenObject):
    """Which notice a school gets when it advances; the page lists one field of several."""

    notice_id: str | None = Field(None, description="The notice sent to the school when it advances.")


class TeamNoticeOptions(OpenObject):
    """Which visits bring a team notice."""

    team_notice_id: str | None = Field(None, description="The notice sent to the school.")
    visit_start_date_range_end: RelativeDate = Field(description="The last start of a visit included.")
    visit_start_date_range_start: RelativeDate = Field(description="The first start of a visit included.")
    visit_type_ids: list[str] = Field(description="Visit types that visit_type_restriction is about.")
    visit_type_restriction: Restriction | None = Field(None, description="How visit_type_ids restricts.")


class TemplateFieldError(CalculatedFieldError):
    """An error of a field that the server calculates, with its message."""

    error: str | None = Field(None, description="What went wrong.")


class BillingTemplate(Record):
    """A template that billing runs are made from."""

    advance_phases: bool | None = Field(None, description="Whether phases are advanced.")
    description: str | None = Field(None, description="What it is for.")
    fundraising_notice_options: FundraisingNoticeOptions = Field(
        description="Which schools get a fundraising notice."
    )
    is_active: bool | None = Field(None, description="Whether it is in use.")
    phase_advancement_options: PhaseAdvancementOptions = Field(
        description="Which notice a school gets when it advances."
    )
    send_fundraising_notices: bool | None = Field(None, description="Whether fundraising notices are sent.")
    send_team_notices: bool | None = Field(None, description="Whether team notices are sent.")
    sys_calculated_field_errors: Annotated[list[TemplateFieldError] | None, SERVER_STATE] = Field(
        None, description="What went wrong while fields were calculated."
    )
    team_notice_options: TeamNoticeOptions = Field(description="Which visits bring a team notice.")


BILLING_TEMPLATE: Final = RecordType(
    name="billing-template",
    title="Billing template (fundraising)",
    service_url="https://fundraising.api.rhythmsoftware.com",
    path="/billingTemplates/{tenantId}",
    version="v1-2025-04-18",
    schema=schema_of(BillingTemplate),
)
