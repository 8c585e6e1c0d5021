"""Lists: pages, picked fields, the keys between them, and lists by a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loader.sandbox import SandboxSettings
from tests.sandbox.bodies import paths, run, sandbox_client, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

RECURRING = "R/1 ä"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a sandbox with pages of 3, 7 runs of acme (5 of them recurring) and 1 of zeta."""
    settings = SandboxSettings(tenants=("acme", "zeta"), page_size=3)
    with sandbox_client(settings) as client:
        for number in range(7):
            recurring = {"recurring_billing_run_id": RECURRING} if number < 5 else {}
            client.post("/billingRuns/acme", json=run(name=f"run {number}", **recurring))
        client.post("/billingRuns/zeta", json=run(name="other", recurring_billing_run_id=RECURRING))
        yield client


def walk(client: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    """All pages of a list, as they come."""
    pages: list[dict[str, Any]] = []
    key: str | None = None
    while not pages or key:
        page = client.get(path, params={**query, **({"exclusiveStartKey": key} if key else {})}).json()
        pages.append(page)
        key = page.get("LastEvaluatedKey")
    return pages


def test_a_list_comes_in_pages(client: httpx.Client) -> None:
    """Each page counts its items, and all but the last name the key to go on from."""
    pages = walk(client, "/billingRuns/acme")
    assert [page["Count"] for page in pages] == [3, 3, 1]
    assert ["LastEvaluatedKey" in page for page in pages] == [True, True, False]
    items = [item for page in pages for item in page["Items"]]
    assert [item["name"] for item in items] == [f"run {number}" for number in range(7)]
    assert items[0] == client.get(f"/billingRuns/acme/{items[0]['id']}").json()


def test_a_list_may_pick_fields(client: httpx.Client) -> None:
    """Items have the fields asked for, in that order; those that a record lacks are left out."""
    pages = walk(client, "/billingRuns/acme", fields="name,recurring_billing_run_id")
    items = [item for page in pages for item in page["Items"]]
    assert items[0] == {"name": "run 0", "recurring_billing_run_id": RECURRING}
    assert items[6] == {"name": "run 6"}


def test_a_list_by_a_field_has_only_the_tenants_records_with_that_value(client: httpx.Client) -> None:
    """A value with a slash, a space and an umlaut is found; pages go on as in the whole list."""
    pages = walk(client, "/billingRuns/acme/recurringBillingRun/R%2F1%20%C3%A4", fields="name")
    assert [page["Count"] for page in pages] == [3, 2]
    assert [item["name"] for page in pages for item in page["Items"]] == [
        f"run {number}" for number in range(5)
    ]
    assert walk(client, "/billingRuns/acme/recurringBillingRun/R2") == [{"Count": 0, "Items": []}]


def test_a_full_last_page_names_no_key(client: httpx.Client) -> None:
    """A list of exactly one page's length is over with it."""
    for number in range(3):
        client.post("/billingTemplates/zeta", json=template(name=str(number)))
    assert [page["Count"] for page in walk(client, "/billingTemplates/zeta")] == [3]


def test_an_unknown_key_is_refused(client: httpx.Client) -> None:
    """A list that would start over from a wrong key tells so instead."""
    answer = client.get("/billingRuns/acme", params={"exclusiveStartKey": "nobody"})
    assert (answer.status_code, list(paths(answer))) == (400, ["exclusiveStartKey"])
