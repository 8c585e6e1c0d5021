"""Valid bodies, and a client that speaks to a sandbox."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from loader.sandbox import RunningSandbox, SandboxSettings, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = {"Authorization": "Bearer any-token"}
ASKED = {
    "grant_type": "client_credentials",
    "client_id": "loader",
    "client_secret": "hush",
    "audience": "https://api.example.org",
}
ON_THE_DAY = {"position": "on", "relative_to": "the reference date"}


def template(**more: Any) -> dict[str, Any]:
    """A billing template with the required fields, and these."""
    return {
        "name": "Spring",
        "fundraising_notice_options": {
            "expiration_date_range_end": ON_THE_DAY,
            "expiration_date_range_start": {**ON_THE_DAY, "number": 30, "unit_of_time": "days"},
            "phase_ids": [],
            "program_ids": ["P1"],
            "school_ids": [],
        },
        "phase_advancement_options": {},
        "team_notice_options": {
            "visit_start_date_range_end": ON_THE_DAY,
            "visit_start_date_range_start": ON_THE_DAY,
            "visit_type_ids": [],
        },
        **more,
    }


def run(**more: Any) -> dict[str, Any]:
    """A billing run with the required fields, and these."""
    return {
        "name": "Renewals 2019",
        "application_activation_options": {},
        "application_expiration_options": {
            "expiration_date_range_end": "2019-12-31",
            "expiration_date_range_start": "2019-01-01",
        },
        "application_reminder_options": {"reminders": []},
        "drop_options": {},
        "renewal_forecasting_options": {},
        "renewal_reminder_options": {},
        "status": "draft",
        "training_provider_billing_options": {"invoice_template_id": "INV", "payment_terms_id": "NET30"},
        **more,
    }


def client_of(url: str) -> httpx.Client:
    """A client with a token; environment proxies do not apply to it."""
    return httpx.Client(base_url=url, headers=TOKEN, trust_env=False)


@contextmanager
def sandbox_client(settings: SandboxSettings | None = None, **surroundings: Any) -> Iterator[httpx.Client]:
    """A client of a sandbox that runs as long as the block, with the surroundings that `make_app` takes."""
    with (
        RunningSandbox(settings, make=partial(make_app, **surroundings)) as sandbox,
        client_of(sandbox.url) as client,
    ):
        yield client


def paths(answer: httpx.Response) -> dict[str, str]:
    """The errors of an answer: path -> message."""
    return {error["path"]: error["message"] for error in answer.json()["errors"]}
