"""What a person sees: the page, single records, the figures; and who may not see it."""

from __future__ import annotations

import re
import sqlite3
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from loader.sandbox import SandboxSettings
from loader.sandbox.store import Store
from tests.sandbox.bodies import run, sandbox_client, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

EVIL = "<script>alert('&amp;')</script>"


class Page(HTMLParser):
    """The page as a browser reads it: its tags, links and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag, and where it leads."""
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]

    def handle_data(self, data: str) -> None:
        """Notes text."""
        self.text += f" {data}"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client of a sandbox with the tenants acme and zeta."""
    with sandbox_client(SandboxSettings(tenants=("acme", "zeta"))) as client:
        yield client


def test_an_empty_sandbox_has_a_page(client: httpx.Client) -> None:
    """Each record type is there, with nothing stored."""
    page = Page(client.get("/").text)
    assert page.text.count("Nothing stored") == 2
    assert "Billing run (certifications)" in page.text


def test_the_page_shows_each_load_with_its_first_records(client: httpx.Client) -> None:
    """A load has its count, its first records with their origin, and how many more there are."""
    for number in range(1, 13):
        client.post(
            "/billingRuns/acme",
            json=run(
                name=f"Run {number}",
                sys_external_id=f"00{number}",
                sys_bulk_load_id="20261122T101500Z-8f3a2c1d",
                sys_bulk_load_source_file="runs.csv",
                sys_bulk_load_record_no=number,
            ),
        )
    client.post("/billingRuns/zeta", json=run(name="Lone"))
    text = Page(client.get("/").text).text
    assert "Load 20261122T101500Z-8f3a2c1d 12 records tenant acme" in text
    assert "Without a load 1 record tenant zeta" in text
    assert re.search(r"001 Run 1 [\w-]+ runs\.csv 1 002 Run 2", text)
    assert "Run 10" in text
    assert "Run 11" not in text
    assert "and 2 more" in text
    assert "13 answers 200" in text


def test_every_value_is_escaped(client: httpx.Client) -> None:
    """A record whose texts are markup brings no tag into the page, and its text is seen as it is."""
    client.post(
        "/billingTemplates/acme",
        json=template(name=EVIL, sys_external_id=EVIL, sys_bulk_load_id=EVIL, sys_bulk_load_source_file=EVIL),
    )
    answer = client.get("/")
    page = Page(answer.text)
    assert "script" not in page.tags
    assert page.text.count(EVIL) == 4
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_each_record_links_to_its_json_without_a_token(client: httpx.Client) -> None:
    """The links lead to the stored records, and to nothing outside."""
    stored = client.post("/billingTemplates/zeta", json=template(name=EVIL)).json()
    page = Page(client.get("/").text)
    assert page.links == ["data:,", "/stats", f"/_records/billing-template/zeta/{stored['id']}"]
    answer = client.get(page.links[2], headers={"Authorization": ""})
    assert answer.json() == stored
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/_records/billing-run/zeta/nobody").status_code == 404


def test_the_figures_tell_what_happened(client: httpx.Client) -> None:
    """Requests by status; what is stored by type; external ids stored twice, by tenant and type."""
    for tenant, external_id in (("acme", "1"), ("acme", "1"), ("acme", "1"), ("acme", "2"), ("zeta", "2")):
        client.post(f"/billingRuns/{tenant}", json=run(sys_external_id=external_id))
    client.post("/billingTemplates/acme", json=template(sys_external_id="2"))
    client.post("/billingRuns/acme", json=run())
    client.post("/billingRuns/acme", json=run())
    client.post("/billingRuns/acme", json={})
    client.get("/")
    assert client.get("/stats").json() == {
        "requests": {"200": 8, "400": 1},
        "unanswered": 0,
        "stored": {"billing-run": 7, "billing-template": 1},
        "duplicates": {"billing-run": 1, "billing-template": 0},
        "duplicate_rows": {"billing-run": 0, "billing-template": 0},
        "faults": {},
        "ambiguous": {"stored": {}, "not_stored": {}},
    }
    assert "1 external id stored more than once" in Page(client.get("/").text).text


def test_the_page_tells_the_faults_that_are_set(client: httpx.Client) -> None:
    """Whoever wonders about an answer sees why it came; without faults there is no word of them."""
    assert "Faults" not in Page(client.get("/").text).text
    client.put("/_faults", json={"500-after": 0.1, "lag": 1})
    assert "Faults are set 500-after:0.1 , lag:1.0" in Page(client.get("/").text).text


def test_only_the_latest_loads_are_shown(client: httpx.Client) -> None:
    """A store of many loads has a page of some of them, and says so."""
    for number in range(53):
        client.post("/billingTemplates/acme", json=template(sys_bulk_load_id=f"load-{number:02}"))
    text = Page(client.get("/").text).text
    assert "load-52" in text
    assert "load-03" in text
    assert "load-02" not in text
    assert "there are 3 more" in text


def test_the_page_is_for_reading(client: httpx.Client) -> None:
    """Another method than GET is refused in the form of all errors."""
    answer = client.post("/stats")
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert answer.json() == {"message": "Method Not Allowed", "errors": []}


def test_a_view_that_fails_answers_500_as_json(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure behind a view is answered as such and logged."""

    def fail(_: Store) -> None:
        raise sqlite3.OperationalError("damaged")

    monkeypatch.setattr(Store, "counts", fail)
    answer = client.get("/stats")
    assert (answer.status_code, answer.json()["message"]) == (500, "the sandbox failed: OperationalError")
    assert "damaged" in caplog.text


@pytest.mark.parametrize("path", ["/", "/stats", "/_records/billing-run/acme/some-id"])
def test_a_host_that_is_not_this_machine_is_refused(client: httpx.Client, path: str) -> None:
    """A web page elsewhere cannot read the records through a name that it lets lead here."""
    answer = client.get(path, headers={"Host": "attacker.example"})
    assert answer.status_code == 403
    assert answer.json()["errors"] == []
    assert client.get("/stats", headers={"Host": "localhost:1"}).status_code == 200
