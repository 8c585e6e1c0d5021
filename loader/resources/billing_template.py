"""The billing template, of the fundraising service (`POST /billingTemplates/{tenantId}`)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from loader.resources.base import (
    CalculatedFieldError,
    OpenShape,
    Record,
    RelativeDate,
    Restriction,
    ServerState,
)


class FundraisingNoticeOptions(OpenShape):
    """Which schools get a fundraising notice."""

    expiration_date_range_end: RelativeDate = Field(description="The last expiration date included.")
    expiration_date_range_start: RelativeDate = Field(description="The first expiration date included.")
    notice_id: str | None = Field(None, description="The notice sent to the school.")
    phase_ids: list[str] = Field(description="Phases that the restriction speaks of.")
    phase_restriction: Restriction | None = Field(None, description="How phase_ids restricts.")
    program_ids: list[str] = Field(description="Programs that the restriction speaks of.")
    program_restriction: Restriction | None = Field(None, description="How program_ids restricts.")
    school_ids: list[str] = Field(description="Schools that the restriction speaks of.")
    school_restriction: Restriction | None = Field(None, description="How school_ids restricts.")


class PhaseAdvancementOptions(OpenShape):
    """What a school is told when it advances; the page spells out one field of several."""

    notice_id: str | None = Field(None, description="The notice sent to the school when it advances.")


class TeamNoticeOptions(OpenShape):
    """Which visits bring a team notice."""

    team_notice_id: str | None = Field(None, description="The notice sent to the school.")
    visit_start_date_range_end: RelativeDate = Field(description="The last start of a visit included.")
    visit_start_date_range_start: RelativeDate = Field(description="The first start of a visit included.")
    visit_type_ids: list[str] = Field(description="Visit types that the restriction speaks of.")
    visit_type_restriction: Restriction | None = Field(None, description="How visit_type_ids restricts.")


class TemplateFieldError(CalculatedFieldError):
    """An error of a field that the server calculates, with its words."""

    error: str | None = Field(None, description="What went wrong.")


class BillingTemplate(Record):
    """A template that billing runs are made from."""

    name_of_type: ClassVar[str] = "billing-template"
    title: ClassVar[str] = "Billing template (fundraising)"
    service_url: ClassVar[str] = "https://fundraising.api.rhythmsoftware.com"
    path: ClassVar[str] = "/billingTemplates/{tenantId}"
    version: ClassVar[str] = "v1-2025-04-18"

    advance_phases: bool | None = Field(None, description="Whether phases are advanced.")
    description: str | None = Field(None, description="What it is for.")
    fundraising_notice_options: FundraisingNoticeOptions = Field(
        description="Which schools get a fundraising notice."
    )
    is_active: bool | None = Field(None, description="Whether it is in use.")
    phase_advancement_options: PhaseAdvancementOptions = Field(
        description="What a school is told when it advances."
    )
    send_fundraising_notices: bool | None = Field(None, description="Whether fundraising notices are sent.")
    send_team_notices: bool | None = Field(None, description="Whether team notices are sent.")
    sys_calculated_field_errors: Annotated[list[TemplateFieldError] | None, ServerState()] = Field(
        None, description="What went wrong while fields were calculated."
    )
    team_notice_options: TeamNoticeOptions = Field(description="Which visits bring a team notice.")
