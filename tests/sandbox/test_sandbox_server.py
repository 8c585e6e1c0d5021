"""Serving: loopback only, ready when it says so, and gone quickly and quietly."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from loader.errors import ConfigurationError
from loader.resources import BILLING_RUN, BUILT_IN, registry
from loader.sandbox import RunningSandbox, SandboxSettings, serve, server
from loader.sandbox.routes import RouteKind, find_route, routes_of
from tests.sandbox.bodies import client_of, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", "", "127.0.0.1.example.org"])  # noqa: S104 - refused
def test_a_host_beyond_this_machine_is_refused(host: str) -> None:
    """Only loopback addresses are listened on."""
    with pytest.raises(ConfigurationError, match="this machine only"):
        RunningSandbox(host=host).start()
    with pytest.raises(ConfigurationError, match="this machine only"):
        serve(SandboxSettings(), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_hosts_are_served(host: str) -> None:
    """The URL says where it answers."""
    with RunningSandbox(host=host) as sandbox, client_of(sandbox.url) as client:
        assert client.get("/billingRuns/acme").json() == {"Count": 0, "Items": []}


def test_a_port_that_is_taken_is_told() -> None:
    """The message names address and port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1 port {port}"):
            RunningSandbox(port=port).start()
    with pytest.raises(ConfigurationError, match="found 70000"):
        RunningSandbox(port=70000).start()


def test_a_store_that_cannot_be_opened_frees_the_port(tmp_path: Path) -> None:
    """A sandbox that does not start leaves nothing behind."""
    settings = SandboxSettings(store=tmp_path / "nowhere" / "sandbox.db")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        RunningSandbox(settings).start()


def test_it_is_started_once() -> None:
    """A second start and a URL before the first are mistakes; a second stop is none."""
    sandbox = RunningSandbox()
    with pytest.raises(RuntimeError, match="not been started"):
        sandbox.url.strip()
    with sandbox, pytest.raises(RuntimeError, match="before"):
        sandbox.start()
    sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        client_of(sandbox.url).get("/")


def test_idle_and_half_sent_requests_do_not_hold_up_the_end() -> None:
    """It stops, whatever clients keep open, and closes it; a request in progress is answered before."""
    answers: list[httpx.Response] = []
    sandbox = RunningSandbox(SandboxSettings(latency=0.5)).start()
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    with client_of(sandbox.url) as client, socket.create_connection(address) as half:
        client.get("/billingRuns/acme")
        half.sendall(b"POST /billingRuns/acme HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        asked = threading.Thread(target=lambda: answers.append(client.post("/billingRuns/acme", json=run())))
        asked.start()
        while not client.get("/stats").json()["stored"]["billing-run"]:
            pass
        sandbox.stop()
        half.settimeout(1)
        half.makefile("rb").read()  # to its end, which would never come from a connection that is kept open
        asked.join()
    assert answers[0].status_code == 200


def test_keep_alive_serves_many_requests_on_two_connections() -> None:
    """Refused or not, each answer leaves its connection open, and none is opened anew."""
    with RunningSandbox() as sandbox:
        connections = [http.client.HTTPConnection(sandbox.url.removeprefix("http://")) for _ in range(2)]
        for connection in connections:
            connection.connect()
        sockets = [connection.sock for connection in connections]
        for _ in range(20):
            for connection, path in zip(connections, ("/billingRuns/acme", "/nowhere"), strict=True):
                connection.request("POST", path, body=b"{}")
            for connection in connections:
                answer = connection.getresponse()
                assert (answer.status, bool(answer.read())) == (401, True)
        assert [connection.sock for connection in connections] == sockets
        for connection in connections:
            connection.close()


PROGRAM = """
    import sys
    from loader.sandbox import SandboxSettings, serve
    serve(SandboxSettings(), on_ready=lambda url: print(url, flush=True))
    print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_serving_and_the_caller_goes_on(number: int) -> None:
    """With a connection open, SIGINT and SIGTERM end it, and stderr is empty."""
    program = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(PROGRAM)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with client_of(process.stdout.readline().strip()) as client:
            assert client.post("/billingRuns/acme", json=run()).status_code == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "ended\n", "")


WITHOUT_EXTRA = """
    import sys
    sys.modules["starlette"] = None
    sys.modules["starlette.applications"] = None
    sys.modules["uvicorn"] = None
    sys.modules["jinja2"] = None
    import loader.errors, loader.resources
    try:
        import loader.sandbox
    except loader.errors.ConfigurationError as error:
        print(error.exit_code, error.message, error.next_step)
"""


def test_without_the_extra_the_message_says_what_to_install() -> None:
    """Without the extra, the message names what is missing; the rest of the loader does not need it."""
    program = [sys.executable, "-c", textwrap.dedent(WITHOUT_EXTRA)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("2 the sandbox needs the package ")
    assert "pip install 'loader[sandbox]'" in done.stdout


def test_a_new_record_type_needs_no_change_here() -> None:
    """A type of the registry is served at its path, with its own references and lists."""
    batch = replace(
        BILLING_RUN,
        name="batch",
        title="Batch",
        path="/batches/{tenantId}",
        references={"template_id": "batch"},
        listings={"status": "/batches/{tenantId}/status/{value}"},
    )
    settings = SandboxSettings(record_types=registry([*BUILT_IN.values(), batch]))
    with RunningSandbox(settings) as sandbox, client_of(sandbox.url) as client:
        first = client.post("/batches/acme", json=run()).json()
        assert client.post("/batches/acme", json=run(template_id=first["id"])).status_code == 200
        assert client.post("/batches/acme", json=run(template_id="nobody")).status_code == 409
        assert client.get("/batches/acme/status/draft").json()["Count"] == 2
        assert client.get("/stats").json()["stored"]["batch"] == 2


def test_routes_come_from_the_registry() -> None:
    """Every record type has its list and its records; a listing differs from a record by its length."""
    routes = routes_of(BUILT_IN)
    matches: dict[str, Any] = {}
    for path in ("/billingRuns/t", "/billingRuns/t/a%2Fb", "/billingRuns/t/recurringBillingRun/a%2Fb"):
        match = find_route(routes, path)
        assert match
        matches[path] = (match[0].kind, match[1])
    assert list(matches.values()) == [
        (RouteKind.RECORDS, {"tenantId": "t"}),
        (RouteKind.RECORD, {"tenantId": "t", "id": "a/b"}),
        (RouteKind.LISTING, {"tenantId": "t", "value": "a/b"}),
    ]
    assert find_route(routes, "/billingRuns/t/recurringBillingRun/") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenants": ()},
        {"tenants": ("a/b",)},
        {"tenants": ("",)},
        {"tokens": ("",)},
        {"rate": 0},
        {"rate": float("nan")},
        {"burst": 0},
        {"latency": -1},
        {"latency": float("inf")},
        {"page_size": 0},
        {"body_limit": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    """Each wrong value is named with what was expected."""
    with pytest.raises(ConfigurationError, match=r"expected .*, found "):
        SandboxSettings(**wrong)


def test_answers_are_not_held_back_for_acknowledgements() -> None:
    """Connections inherit TCP_NODELAY from the listening socket: answers come in two writes."""
    with server._listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
