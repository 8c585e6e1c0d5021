"""The API over a real socket: every status, in the order of the checks, and what is stored."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from loader.sandbox import SandboxSettings
from loader.sandbox.store import Store
from tests.sandbox.bodies import paths, run, sandbox_client, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from loader.sandbox.store import StoredRecord

NOON = datetime(2026, 11, 22, 12, 0, 0, 5000, UTC)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a sandbox with two tenants and a small limit of a body's size."""
    settings = SandboxSettings(tenants=("acme", "zeta"), body_limit=20_000)
    with sandbox_client(settings, now=lambda: NOON) as client:
        yield client


def test_a_record_is_stored_whole_with_what_the_server_assigns(client: httpx.Client) -> None:
    """200 answers the body as it was sent, with id, dates, users and version."""
    answer = client.post("/billingTemplates/acme", json=template(description="Ä 🎉 \u2028"))
    stored = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(r"[\w|-]+", stored.pop("id"))
    assert stored == template(
        description="Ä 🎉 \u2028",
        sys_created_at="2026-11-22T12:00:00.005Z",
        sys_created_by_id="sandbox",
        sys_last_modified_at="2026-11-22T12:00:00.005Z",
        sys_last_modified_by_id="sandbox",
        sys_version=1,
    )


def test_legacy_dates_and_users_are_kept(client: httpx.Client) -> None:
    """A migrator's own sys_created_* and sys_last_modified_* are kept; null is as good as none."""
    given = {"sys_created_at": "2001-05-06", "sys_created_by_id": "legacy", "sys_last_modified_at": None}
    stored = client.post("/billingRuns/acme", json=run(**given)).json()
    assert stored["sys_created_at"] == "2001-05-06"
    assert stored["sys_created_by_id"] == "legacy"
    assert stored["sys_last_modified_at"] == "2026-11-22T12:00:00.005Z"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic dTpw", "any-token"])
def test_401_without_a_bearer_token(client: httpx.Client, header: str) -> None:
    """No token, an empty one and another scheme are refused, before anything else is looked at."""
    answer = client.post("/nowhere", headers={"Authorization": header}, content=b"{")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/billingRuns/other",
        "/billingRuns",
        "/billingRuns/",
        "/billingRuns/acme/",
        "/billingruns/acme",
        "/billingRuns/acme/x/y/z",
        "/x%zz/acme",
    ],
)
def test_404_for_another_tenant_or_path(client: httpx.Client, path: str) -> None:
    """An unknown path or tenant is answered before the method and the body are looked at."""
    answer = client.request("DELETE", path)
    assert answer.status_code == 404
    assert "there is no" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/billingRuns/acme", "GET, POST"),
        ("POST", "/billingRuns/acme/some-id", "GET"),
        ("DELETE", "/billingRuns/acme/recurringBillingRun/R1", "GET"),
        ("GET", "/oauth/token", "POST"),
    ],
)
def test_405_for_another_method(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    """A method that a path does not take is answered with those that it does."""
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.json()["errors"] == []


def test_400_names_every_reason(client: httpx.Client) -> None:
    """The body's errors come all at once, each with its path, and the message tells the first."""
    body = run(id="mine", status="done", drop_options={"drop_notise_id": 1})
    answer = client.post("/billingRuns/acme", json=body)
    assert answer.status_code == 400
    assert set(paths(answer)) == {"id", "status", "drop_options.drop_notise_id"}
    assert "(and 2 more)" in answer.json()["message"]


def test_400_for_a_body_that_is_not_json(client: httpx.Client) -> None:
    """So does a body that is not JSON, or whose media type is another."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = client.post("/billingRuns/acme", content=b"{", headers=headers)
    assert (answer.status_code, list(paths(answer))) == (400, [""])
    answer = client.post("/billingRuns/acme", content=b"{}")
    assert answer.status_code == 400
    assert "Content-Type" in answer.json()["message"]


def test_413_leaves_the_connection_fit_for_use(client: httpx.Client) -> None:
    """A body over the limit is refused, also without a length, and the next request goes through."""
    large = b" " * 3_000_000
    for content in (large, iter([large, large])):
        answer = client.post("/billingRuns/acme", content=content)
        assert answer.status_code == 413
        assert "20000 bytes" in answer.json()["message"]
        assert "connection" not in answer.headers
    assert client.post("/billingRuns/acme", json=run()).status_code == 200


def test_409_names_the_record_that_is_not_there(client: httpx.Client) -> None:
    """A template of another tenant is not there, and the same body is taken once it is."""
    elsewhere = client.post("/billingTemplates/zeta", json=template()).json()["id"]
    answer = client.post("/billingRuns/acme", json=run(template_id=elsewhere))
    assert answer.status_code == 409
    assert paths(answer) == {
        "template_id": f"no billing-template with the id '{elsewhere}' is stored in tenant 'acme'"
    }
    assert client.post("/billingRuns/zeta", json=run(template_id=elsewhere)).status_code == 200


def test_every_post_stores_another_record_also_of_the_same_body(client: httpx.Client) -> None:
    """There is no idempotency: what is posted twice, at once and over many connections, is there twice."""
    before = client.get("/stats").json()["stored"]["billing-run"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/billingRuns/acme", json=run()), range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 100
    assert client.get("/stats").json()["stored"]["billing-run"] == before + 100


def test_one_record_is_read_back_whole_or_in_part(client: httpx.Client) -> None:
    """GET by id answers what POST did; `fields` picks; another tenant or type does not have it."""
    stored = client.post("/billingRuns/acme", json=run(sys_external_id="007")).json()
    path = f"/billingRuns/acme/{stored['id']}"
    assert client.get(path, params={"consistentRead": "true"}).json() == stored
    picked = client.get(path, params={"fields": "id,sys_external_id,run_date"}).json()
    assert picked == {"id": stored["id"], "sys_external_id": "007"}
    for other in (f"/billingRuns/zeta/{stored['id']}", f"/billingTemplates/acme/{stored['id']}"):
        answer = client.get(other)
        assert answer.status_code == 404
        assert stored["id"] in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("fields=id,sys_externalid", "fields"),
        ("consistentRead=yes", "consistentRead"),
        ("exclusiveStartkey=x", "exclusiveStartkey"),
    ],
)
def test_400_for_a_question_that_is_misspelt(client: httpx.Client, query: str, path: str) -> None:
    """An unknown parameter or field is refused, so that no reader pages for ever."""
    answer = client.get(f"/billingRuns/acme/some-id?{query}")
    assert (answer.status_code, list(paths(answer))) == (400, [path])


def test_the_hidden_limit_goes_by_its_clock() -> None:
    """Beyond the burst 429 comes with whole seconds, until the bucket has filled by the given clock."""
    seconds = [1000.0]
    settings = SandboxSettings(rate=0.4, burst=2)
    with sandbox_client(settings, clock=lambda: seconds[0]) as client:
        answers = [client.post("/billingRuns/acme", json=run()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["retry-after"] == "3"
        assert client.post("/billingRuns/acme", content=b"{").status_code == 429
        assert client.post("/billingRuns/other", json=run()).status_code == 404
        seconds[0] += 2.5
        assert client.get("/billingRuns/acme").status_code == 200
        assert client.get("/billingRuns/acme").status_code == 429
        assert client.get("/stats").json()["requests"] == {"200": 3, "404": 1, "429": 3}


def test_retry_after_can_be_left_out() -> None:
    """A service that does not say how long to wait can be stood in for."""
    settings = SandboxSettings(rate=1, retry_after=False)
    with sandbox_client(settings, clock=lambda: 0.0) as client:
        assert client.post("/billingRuns/acme", json=run()).status_code == 200
        answer = client.post("/billingRuns/acme", json=run())
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


def test_answers_are_held_back_by_the_latency() -> None:
    """No answer of the API comes sooner than the latency, also not a refusal; requests overlap."""
    with sandbox_client(SandboxSettings(latency=0.2)) as client, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post("/billingRuns/acme", content=b"{"), range(6)))
    assert all(answer.elapsed.total_seconds() >= 0.2 for answer in answers)


def test_a_store_that_fails_answers_500_as_json(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure of the sandbox itself is answered as such, is logged and counted, and does not end it."""

    async def fail(_: Store, entry: StoredRecord) -> None:
        raise sqlite3.OperationalError(f"disk full at {entry.type}")

    with sandbox_client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(Store, "add", fail)
            answer = client.post("/billingRuns/acme", json=run())
        assert answer.status_code == 500
        assert answer.json() == {"message": "the sandbox failed: OperationalError", "errors": []}
        assert client.post("/billingRuns/acme", json=run()).status_code == 200
        assert client.get("/stats").json()["requests"] == {"200": 1, "500": 1}
    assert "the sandbox failed at POST /billingRuns/acme" in caplog.text


def test_each_answer_can_be_logged_in_a_line() -> None:
    """The log has method, path, status and time, and no token."""
    lines: list[str] = []
    with sandbox_client(on_request=lines.append) as client:
        client.post("/billingRuns/acme", json=run())
        client.get("/billingRuns/acme/a%0Ab?fields=id")
    assert re.fullmatch(r"POST /billingRuns/acme 200 \d+\.\d ms", lines[0])
    assert re.fullmatch(r"GET /billingRuns/acme/a%0Ab 404 \d+\.\d ms", lines[1])
