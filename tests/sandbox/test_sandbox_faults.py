"""Every kind of fault over a real socket: what came back, byte by byte, and what was stored."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from loader.sandbox import SandboxSettings
from tests.sandbox.bodies import ASKED, run, sandbox_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = [1000.0]
NUMBERS = itertools.count(1)
PATH = "/billingRuns/acme"


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    """A client of a sandbox with a clock that does not move, and pages of 2."""
    with sandbox_client(SandboxSettings(page_size=2), clock=lambda: SECONDS[0]) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """The client, of a sandbox without faults."""
    put(shared, {})
    return shared


def put(client: httpx.Client, faults: dict[str, float]) -> None:
    """Sets these faults and no others."""
    assert client.put("/_faults", json=faults).json() == faults


def row(number: int | None = None, **more: Any) -> dict[str, Any]:
    """A run as a load sends it, of this row, or of one that there was not yet."""
    number = next(NUMBERS) if number is None else number
    origin = {"sys_bulk_load_source_file": "runs.csv", "sys_bulk_load_record_no": number}
    return run(sys_bulk_load_id="L1", **origin, **more)


@dataclass(frozen=True)
class Came:
    """All that came back until the connection was closed."""

    raw: bytes

    @property
    def status(self) -> int:
        """The answer's status."""
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers, with small letters."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """What came of the answer's body."""
        return self.raw.partition(b"\r\n\r\n")[2]


def post(client: httpx.Client, body: dict[str, Any] | bytes | None = None, bearer: str = "any") -> Came:
    """Posts a body (None: a new row's) over a connection of its own, and reads till that is closed."""
    content = body if isinstance(body, bytes) else json.dumps(row() if body is None else body).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=20) as raw:
        raw.sendall(head.encode() + content)
        return Came(b"".join(iter(lambda: raw.recv(65536), b"")))


def stats(client: httpx.Client) -> dict[str, Any]:
    """What really happened so far."""
    found: dict[str, Any] = client.get("/stats").json()
    return found


@contextmanager
def happening(client: httpx.Client) -> Iterator[dict[str, int]]:
    """What happens in the block: each figure that grows, and by how much."""
    before = _flat(stats(client))
    grown: dict[str, int] = {}
    yield grown
    for name, count in _flat(stats(client)).items():
        if count != before.get(name, 0):
            grown[name] = count - before.get(name, 0)


def _flat(figures: dict[str, Any], above: str = "") -> dict[str, int]:
    flat: dict[str, int] = {}
    for name, value in figures.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return flat


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_before_or_after_storing(client: httpx.Client, status: int, moment: str) -> None:
    """The status says nothing about storing: with `-before` nothing is stored, with `-after` the record."""
    kind = f"{status}-{moment}"
    put(client, {kind: 1})
    with happening(client) as grown:
        came = post(client)
    assert (came.status, int(came.headers["content-length"])) == (status, len(came.body))
    assert came.headers["content-type"].startswith("application/json" if status == 500 else "text/html")
    ambiguous = "not_stored" if moment == "before" else "stored"
    assert grown == {
        f"requests.{status}": 1,
        f"faults.{kind}": 1,
        f"ambiguous.{ambiguous}.{kind}": 1,
        **({"stored.billing-run": 1} if moment == "after" else {}),
    }


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_plain_status_strikes_before_or_after_storing(client: httpx.Client, status: int) -> None:
    """Which of the two, the dice say; the figures tell how often each."""
    put(client, {str(status): 1})
    with happening(client) as grown:
        assert {post(client).status for _ in range(30)} == {status}
    stored, not_stored = (grown[f"ambiguous.{item}.{status}"] for item in ("stored", "not_stored"))
    assert stored + not_stored == grown[f"faults.{status}"] == 30
    assert stored == grown["stored.billing-run"]
    assert min(stored, not_stored) > 3


def test_some_503_say_how_long_to_wait(client: httpx.Client) -> None:
    """About half have a Retry-After."""
    put(client, {"503-before": 1})
    waits = [post(client).headers.get("retry-after") for _ in range(30)]
    assert set(waits) == {"1", None}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connection_that_drops(client: httpx.Client, moment: str) -> None:
    """Not one byte comes back; with `-after` the record is stored nevertheless."""
    kind = f"drop-{moment}"
    put(client, {kind: 1})
    with happening(client) as grown:
        assert post(client).raw == b""
    ambiguous = {"before": "not_stored", "after": "stored"}[moment]
    stored = {"stored.billing-run": 1} if moment == "after" else {}
    assert grown == {"unanswered": 1, f"faults.{kind}": 1, f"ambiguous.{ambiguous}.{kind}": 1, **stored}


def test_requests_without_an_answer_are_logged() -> None:
    """A bar is in the status's place."""
    lines: list[str] = []
    with sandbox_client(SandboxSettings(faults={"drop-after": 1}), on_request=lines.append) as client:
        assert post(client).raw == b""
    assert [line.partition(" ms")[0].rpartition(" ")[0] for line in lines] == [f"POST {PATH} -"]


def test_an_answer_that_is_cut(client: httpx.Client) -> None:
    """The head promises more than comes; what comes is the beginning of the stored record."""
    put(client, {"cut": 1})
    with happening(client) as grown:
        came = post(client)
    assert came.status == 200
    assert 0 < len(came.body) < int(came.headers["content-length"])
    assert came.body.startswith(b'{"id":"')
    assert grown == {
        "requests.200": 1,
        "stored.billing-run": 1,
        "faults.cut": 1,
        "ambiguous.stored.cut": 1,
    }


@pytest.mark.parametrize(("kind", "beginning"), [("empty", b""), ("garbage", b"<!doctype html>")])
def test_an_answer_that_tells_no_id(client: httpx.Client, kind: str, beginning: bytes) -> None:
    """200 with a whole body that is not JSON; the record is stored."""
    put(client, {kind: 1})
    with happening(client) as grown:
        came = post(client)
    assert (came.status, int(came.headers["content-length"])) == (200, len(came.body))
    assert came.body[:15] == beginning
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(came.body)
    assert (grown["stored.billing-run"], grown[f"ambiguous.stored.{kind}"]) == (1, 1)


def test_a_slow_answer_outlasts_its_client() -> None:
    """The record is there at once; a client that gives up leaves it ambiguous."""
    with sandbox_client(SandboxSettings(faults={"slow": 1}, fault_slow=600)) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(PATH, json=row(), timeout=0.2)
        while not (found := stats(client))["unanswered"]:
            pass
        assert found["stored"]["billing-run"] == 1
        assert found["faults"] == {"slow": 1}
        assert found["ambiguous"] == {"stored": {"slow": 1}, "not_stored": {}}
        assert found["requests"] == {}


def test_a_slow_answer_that_is_waited_for() -> None:
    """It comes whole after that time, and leaves nothing open."""
    with sandbox_client(SandboxSettings(faults={"slow": 1}, fault_slow=0.3)) as client:
        answer = client.post(PATH, json=row())
        assert answer.elapsed.total_seconds() >= 0.3
        assert client.get(f"{PATH}/{answer.json()['id']}").json() == answer.json()
        found = stats(client)
    assert (found["faults"], found["ambiguous"]["stored"]) == ({"slow": 1}, {})


@pytest.mark.parametrize(("kind", "wait"), [("429", "1"), ("429-silent", None)])
def test_a_burst_of_429(client: httpx.Client, kind: str, wait: str | None) -> None:
    """The POSTs after the one that began it meet it too, ten in all; nothing is stored, reads go on."""
    put(client, {kind: 0.2})
    with happening(client) as grown:
        came = [post(client) for _ in range(60)]
        assert client.get(PATH).status_code == 200
    refused = [item.status == 429 for item in came]
    lengths = [len(list(group)) for is_429, group in itertools.groupby(refused[:-10]) if is_429]
    assert lengths
    assert all(length >= 10 for length in lengths[:-1])
    assert {item.headers.get("retry-after") for item in came if item.status == 429} == {wait}
    assert grown["stored.billing-run"] == refused.count(False)
    assert grown[f"faults.{kind}"] == refused.count(True)
    assert not [name for name in grown if name.startswith("ambiguous")]


def test_a_token_that_dies(client: httpx.Client) -> None:
    """401 comes for it from then on, whatever is asked; another one is good."""
    minted = client.post("/oauth/token", json=ASKED).json()["access_token"]
    put(client, {"token-dies": 1})
    with happening(client) as grown:
        came = [post(client, bearer=token) for token in ("fixed", minted)]
    assert [item.status for item in came] == [401, 401]
    assert came[0].headers["www-authenticate"] == "Bearer"
    assert grown == {"requests.401": 2, "faults.token-dies": 2}
    put(client, {})
    for token, status in (("fixed", 401), (minted, 401), ("other", 200)):
        assert client.get(PATH, headers={"Authorization": f"Bearer {token}"}).status_code == status


@pytest.fixture
def lists(client: httpx.Client) -> dict[str, str]:
    """The list of all, a list by a field (3 records, 2 pages), its second page, and a record, as paths."""
    recurring = f"R{next(NUMBERS)}"
    stored = [client.post(PATH, json=row(recurring_billing_run_id=recurring)).json() for _ in range(3)]
    listing = f"{PATH}/recurringBillingRun/{recurring}"
    return {
        "list": PATH,
        "listing": listing,
        "later": f"{listing}?exclusiveStartKey={stored[1]['id']}",
        "record": f"{PATH}/{stored[0]['id']}?consistentRead=true",
    }


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("lookups-off", {"list": 404, "listing": 404, "later": 404, "record": 404}),
        ("lookups-403", {"list": 403, "listing": 403, "later": 403, "record": 403}),
        ("lookups-405", {"list": 405, "listing": 405, "later": 405, "record": 405}),
        ("lookups-500", {"list": 200, "listing": 200, "later": 500, "record": 200}),
        ("list-off", {"list": 404, "listing": 200, "later": 200, "record": 200}),
    ],
)
def test_lookups_that_are_refused(
    client: httpx.Client, lists: dict[str, str], kind: str, statuses: dict[str, int]
) -> None:
    """A refusal has the API's own form; POSTs go on."""
    put(client, {kind: 1})
    with happening(client) as grown:
        found = {name: client.get(path) for name, path in lists.items()}
        assert post(client).status == 200
    assert {name: answer.status_code for name, answer in found.items()} == statuses
    refused = [answer for answer in found.values() if answer.status_code != 200]
    assert all(set(answer.json()) == {"message", "errors"} for answer in refused)
    assert grown[f"faults.{kind}"] == len(refused)
    if kind == "lookups-405":
        assert [answer.headers["allow"] for answer in refused] == ["POST", "", "", ""]


def test_a_list_as_a_bare_array(client: httpx.Client, lists: dict[str, str]) -> None:
    """All its records come at once, as there is no place for a key; fields are picked as ever."""
    put(client, {"bare-list": 1})
    found = client.get(lists["listing"], params={"fields": "sys_bulk_load_source_file"}).json()
    assert found == [{"sys_bulk_load_source_file": "runs.csv"}] * 3
    assert len(client.get(lists["later"]).json()) == 1
    assert client.get(lists["record"]).json()["sys_bulk_load_id"] == "L1"


def test_reads_that_lag_behind_writes(client: httpx.Client) -> None:
    """A write is seen 3 s later, or at once with consistentRead; what was seen before stays."""
    SECONDS[0] += 3
    recurring = f"R{next(NUMBERS)}"
    listing = f"{PATH}/recurringBillingRun/{recurring}"

    def seen(record_id: str) -> tuple[int, int, int]:
        ask = {"consistentRead": "true"}
        one, sure = client.get(f"{PATH}/{record_id}"), client.get(f"{PATH}/{record_id}", params=ask)
        return one.status_code, sure.status_code, client.get(listing).json()["Count"]

    put(client, {"lag": 1})
    with happening(client) as grown:
        first = client.post(PATH, json=row(recurring_billing_run_id=recurring)).json()["id"]
        assert seen(first) == (404, 200, 0)
        SECONDS[0] += 2
        second = client.post(PATH, json=row(recurring_billing_run_id=recurring)).json()["id"]
        SECONDS[0] += 1
        assert seen(first) == (200, 200, 1)
        assert seen(second) == (404, 200, 1)
        SECONDS[0] += 2
        assert seen(second) == (200, 200, 2)
    assert grown["faults.lag"] == 6


def test_a_store_from_before_does_not_lag(tmp_path: Path) -> None:
    """Records that were there when the sandbox started are seen at once."""
    settings = SandboxSettings(store=tmp_path / "sandbox.db", faults={"lag": 1})
    with sandbox_client(settings) as client:
        stored = client.post(PATH, json=run()).json()
    with sandbox_client(settings) as client:
        assert client.get(PATH).json() == {"Count": 1, "Items": [stored]}


def test_a_record_that_is_not_valid_is_refused_all_the_same(client: httpx.Client) -> None:
    """A fault after storing needs a record that is stored; one before does not."""
    put(client, {"drop-after": 1})
    with happening(client) as grown:
        assert post(client, run(status="done")).status == 400
        assert post(client, b"{").status == 400
    assert grown == {"requests.400": 2}
    put(client, {"drop-before": 1})
    assert post(client, b"{").raw == b""


def test_answers_with_a_fault_leave_the_connection_open(client: httpx.Client) -> None:
    """Only `drop` and `cut` close it."""
    put(client, {"500-after": 0.3, "502": 0.3, "empty": 0.3})
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(client.base_url.host, client.base_url.port)) as connection:
        connection.connect()
        first = connection.sock
        statuses = set()
        for _ in range(40):
            connection.request("POST", PATH, json.dumps(row()), headers)
            answer = connection.getresponse()
            statuses.add(answer.status)
            answer.read()
            assert connection.sock is first
    assert statuses >= {200, 500, 502}


def test_rows_that_stand_twice_are_counted(client: httpx.Client) -> None:
    """A row is identified by load, file and number; another load may have it again."""
    twice, once = row(sys_external_id="twice"), row()
    with happening(client) as grown:
        for body in (twice, twice, twice, once, {**once, "sys_bulk_load_id": "L2"}, run(), run()):
            assert client.post(PATH, json=body).status_code == 200
    assert grown == {
        "requests.200": 7,
        "stored.billing-run": 7,
        "duplicates.billing-run": 1,
        "duplicate_rows.billing-run": 1,
    }
