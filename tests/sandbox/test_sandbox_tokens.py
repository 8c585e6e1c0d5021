"""Tokens: the OAuth 2.0 grant, which tokens are good, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loader.sandbox import SandboxSettings
from tests.sandbox.bodies import ASKED, sandbox_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


@pytest.fixture
def seconds() -> list[float]:
    """The clock: its one element is the time."""
    return [0.0]


@pytest.fixture
def client(seconds: list[float]) -> Iterator[httpx.Client]:
    """A client of a sandbox that takes one fixed token and one client."""
    settings = SandboxSettings(tokens=("good",), clients=(("loader", "hush"),))
    with sandbox_client(settings, clock=lambda: seconds[0]) as client:
        yield client


def status_with(client: httpx.Client, token: str) -> int:
    """What a list is answered with this token."""
    return client.get("/billingRuns/acme", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_minted_token_is_good_for_a_day(client: httpx.Client, seconds: list[float]) -> None:
    """The grant answers as Auth0 does; its tokens differ, are taken at once, and end after 24 hours."""
    answers = [client.post("/oauth/token", json=ASKED, headers={"Authorization": ""}) for _ in range(2)]
    first, second = (answer.json()["access_token"] for answer in answers)
    assert answers[0].json() == {"access_token": first, "token_type": "Bearer", "expires_in": 86400}
    assert answers[0].headers["cache-control"] == "no-store"
    assert first != second
    seconds[0] = 86399
    assert (status_with(client, first), status_with(client, second)) == (200, 200)
    seconds[0] = 86400
    assert (status_with(client, first), status_with(client, second)) == (401, 401)


def test_only_the_tokens_that_are_named_are_good(client: httpx.Client) -> None:
    """With a list of tokens another one is refused; the scheme's case does not matter."""
    assert status_with(client, "good") == 200
    assert status_with(client, "bad") == 401
    assert client.get("/billingRuns/acme", headers={"Authorization": "bearer good"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied"),
        ({"client_id": "other"}, 401, "access_denied"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"audience": ""}, 400, "invalid_request"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"grant_type": None}, 400, "invalid_request"),
    ],
)
def test_a_bad_request_for_a_token_is_refused(
    client: httpx.Client, change: dict[str, Any], status: int, error: str
) -> None:
    """Refusals have Auth0's form: error and error_description."""
    answer = client.post("/oauth/token", json={**ASKED, **change})
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error


@pytest.mark.parametrize("body", [b"", b"[]", b"grant_type=client_credentials"])
def test_a_request_for_a_token_that_is_no_json_object_is_refused(client: httpx.Client, body: bytes) -> None:
    """The grant takes a JSON object only."""
    answer = client.post("/oauth/token", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_any_client_may_ask_where_none_is_named() -> None:
    """By default any pair of id and secret mints a token."""
    with sandbox_client() as client:
        answer = client.post("/oauth/token", json={**ASKED, "client_secret": "anything"})
        assert status_with(client, answer.json()["access_token"]) == 200
