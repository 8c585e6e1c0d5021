"""What the transport says of sockets that misbehave: above all, whether a request may have arrived."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import trustme
import yarl
from multidict import CIMultiDict, CIMultiDictProxy

from loader.errors import ConfigurationError
from loader.findings import Finding
from loader.sending.answers import FailureKind
from loader.sending.transport import (
    LONGEST_ANSWER,
    UNSENT,
    AiohttpTransport,
    _translated,
    failure_of,
    proxy_for,
    tls_context,
)
from loader.wording import message
from tests.sending.scripted_server import CREATED, Connection, ScriptedServer, answer, answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.sending.scripted_server import Behaviour

_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def _transport(**given: Any) -> AiohttpTransport:
    return AiohttpTransport(**{"connect_timeout": 5.0, "read_timeout": 5.0, "connections": 4} | given)


def _request(url: str, body: bytes = b'{"a":1}') -> httpx.Request:
    return httpx.Request("POST", url, headers={"authorization": "Bearer t"}, content=body, extensions={})


def _outcome(behave: Behaviour, *, body: bytes = b'{"a":1}', **given: Any) -> tuple[Any, ScriptedServer]:
    """What one request to a server that behaves so comes to: a response or an error; and the server."""

    async def talk() -> tuple[Any, ScriptedServer]:
        async with ScriptedServer(behave) as server, _transport(**given) as transport:
            try:
                return await transport.handle_async_request(_request(server.url, body)), server
            except httpx.TransportError as error:
                return error, server

    return asyncio.run(talk())


# --- What certainly did not leave ---------------------------------------------------------------------


def _error(url: str, **given: Any) -> httpx.TransportError:
    async def talk() -> httpx.TransportError:
        async with _transport(**given) as transport:
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(_request(url))
            return caught.value

    return asyncio.run(talk())


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where nobody listens: bound, so that nobody else takes it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: connecting neither succeeds nor fails."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for item in waiting:
            item.settimeout(0)
            item.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for item in waiting:
            item.close()


def test_a_refused_connection_was_not_sent(silent_port: int) -> None:
    """Nobody listens: nothing has left."""
    failure = failure_of(_error(f"http://127.0.0.1:{silent_port}/"))
    assert failure.kind is FailureKind.NOT_SENT
    assert failure.finding.code == "connection.failed"
    assert message(failure.finding).startswith(f"no connection: 127.0.0.1:{silent_port}: ")
    assert "refused" in str(failure.finding.params["words"])


def test_a_name_that_does_not_resolve_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS fails: nothing has left."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = failure_of(_error("http://nowhere.example/"))
    assert failure.kind is FailureKind.NOT_SENT
    assert failure.finding.code == "connection.failed"
    assert "nowhere.example" in str(failure.finding.params["words"])
    assert "not known" in str(failure.finding.params["words"])


def test_a_connection_that_does_not_come_about_in_time_was_not_sent(full_port: int) -> None:
    """A connect timeout: nothing has left."""
    error = _error(f"http://127.0.0.1:{full_port}/", connect_timeout=0.1)
    assert isinstance(error, httpx.ConnectTimeout)
    assert failure_of(error).kind is FailureKind.NOT_SENT


def test_a_handshake_that_never_ends_was_not_sent() -> None:
    """A server that accepts and does not speak TLS: nothing has left."""

    async def talk() -> httpx.TransportError:
        async with ScriptedServer(Connection.forever) as server, _transport(connect_timeout=0.1) as transport:
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(_request(server.url.replace("http:", "https:")))
            return caught.value

    assert failure_of(asyncio.run(talk())).kind is FailureKind.NOT_SENT


def test_a_server_nobody_vouches_for_was_not_sent_to() -> None:
    """An untrusted certificate: nothing has left."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def talk() -> tuple[httpx.TransportError, int]:
        async with ScriptedServer(answering(CREATED), tls=context) as server, _transport() as transport:
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(_request(server.url))
            return caught.value, len(server.requests)

    error, arrived = asyncio.run(talk())
    assert failure_of(error).kind is FailureKind.NOT_SENT
    assert "certificate" in str(failure_of(error).finding.params["words"])
    assert arrived == 0


def test_a_pool_without_a_free_connection_was_not_sent() -> None:
    """All connections are taken: the request that waits has not left."""

    async def talk() -> tuple[httpx.TransportError, int]:
        async with (
            ScriptedServer(_reads_and_waits) as server,
            _transport(connections=1, connect_timeout=0.1, read_timeout=30) as transport,
        ):
            first = asyncio.ensure_future(transport.handle_async_request(_request(server.url)))
            await server.until(1)
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(_request(server.url))
            first.cancel()
            await asyncio.wait({first})
            return caught.value, len(server.requests)

    error, arrived = asyncio.run(talk())
    assert failure_of(error).kind is FailureKind.NOT_SENT
    assert arrived == 1


@pytest.mark.parametrize("url", ["http://", "https:///x", "http://127.0.0.1:99999/"])
def test_what_is_no_address_was_not_sent(url: str) -> None:
    """A URL that nothing can be sent to: nothing has left."""

    async def talk() -> None:
        async with _transport() as transport:
            request = _request("http://127.0.0.1/")
            request.url = _Verbatim(url)  # type: ignore[assignment]  # what httpx itself would not take
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(request)
            assert failure_of(caught.value).kind is FailureKind.NOT_SENT

    asyncio.run(talk())


class _Verbatim(str):
    __slots__ = ()
    scheme = "http"


# --- What may have arrived ----------------------------------------------------------------------------


async def _reads_and_waits(connection: Connection) -> None:
    await connection.read()
    await connection.forever()


async def _closes_at_once(_: Connection) -> None:
    """Accepts and closes."""


async def _resets_at_once(connection: Connection) -> None:
    connection.reset()


async def _closes_after_reading(connection: Connection) -> None:
    await connection.read()


async def _resets_after_reading(connection: Connection) -> None:
    await connection.read()
    connection.reset()


def _says(data: bytes, *, hangs: bool = False) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read()
        await connection.write(data)
        if hangs:
            await connection.forever()

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(_closes_at_once, id="closes before reading"),
        pytest.param(_resets_at_once, id="resets before reading"),
        pytest.param(_closes_after_reading, id="closes after reading"),
        pytest.param(_resets_after_reading, id="resets after reading"),
        pytest.param(_says(b"HTTP/1.1 200 OK\r\ncontent-le"), id="half a head"),
        pytest.param(_says(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), id="half a body"),
        pytest.param(
            _says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"), id="half a chunk"
        ),
        pytest.param(_says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), id="no chunk"),
        pytest.param(_says(b"SSH-2.0-nope\r\n\r\n"), id="not HTTP"),
        pytest.param(_says(b"HTTP/1.1 2x0 OK\r\n\r\n"), id="no status"),
        pytest.param(_says(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n"), id="endless header"),
        pytest.param(_says(answer(200, b"not gzip", content_encoding="gzip")), id="broken gzip"),
    ],
)
def test_a_connection_lost_after_it_was_made_is_unknown(behave: Behaviour) -> None:
    """Whatever happens once there is a connection, the request may have arrived; it went out once."""
    error, server = _outcome(behave)
    assert isinstance(error, httpx.TransportError)
    assert failure_of(error).kind is FailureKind.UNKNOWN
    assert message(failure_of(error).finding)
    assert server.connections == 1


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(_reads_and_waits, id="nothing"),
        pytest.param(_says(b"HTTP/1.1 200 OK\r\n", hangs=True), id="half a head"),
        pytest.param(_says(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", hangs=True), id="half a body"),
    ],
)
def test_an_answer_that_does_not_come_is_unknown(behave: Behaviour) -> None:
    """A read timeout: the request may have arrived, and did."""
    error, server = _outcome(behave, read_timeout=0.1)
    assert isinstance(error, httpx.ReadTimeout)
    assert failure_of(error).kind is FailureKind.UNKNOWN
    assert len(server.requests) == server.connections == 1


def test_an_answer_that_drips_is_unknown() -> None:
    """A server that sends a byte now and then does not hold a row for ever."""

    async def drips(connection: Connection) -> None:
        await connection.read()
        await connection.write(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n")
        while not connection.server.ending.is_set():
            await connection.write(b" ")
            await asyncio.sleep(0.02)

    error, _ = _outcome(drips, connect_timeout=0.2, read_timeout=0.2)
    assert isinstance(error, httpx.ReadTimeout)
    assert failure_of(error).kind is FailureKind.UNKNOWN


def test_a_connection_closed_while_idle_is_not_used_again() -> None:
    """After the server has closed a kept connection the next request takes a new one, and goes out once."""

    async def once(connection: Connection) -> None:
        await connection.read()
        await connection.write(CREATED)

    async def talk() -> list[int]:
        async with ScriptedServer(once) as server, _transport() as transport:
            for count in (1, 2, 3):
                response = await transport.handle_async_request(_request(server.url))
                assert response.status_code == 200
                await _closed_by_the_server(transport)
                assert server.connections == len(server.requests) == count
            return [len(server.requests), server.connections]

    assert asyncio.run(talk()) == [3, 3]


async def _closed_by_the_server(transport: AiohttpTransport) -> None:
    """Lets the event loop run until the pooled connections know that they are closed."""
    pools = transport._session.connector._conns.values()  # type: ignore[union-attr]  # the session is open
    for protocol in [protocol for pool in pools for protocol, _ in pool]:
        while protocol.is_connected():  # noqa: ASYNC110 - aiohttp has no event for it
            await asyncio.sleep(0)


def test_a_request_on_a_kept_connection_that_breaks_is_not_sent_again() -> None:
    """A kept connection that is closed when the second request comes: unknown, and not repeated."""

    async def breaks(connection: Connection) -> None:
        await connection.read()
        await connection.write(CREATED)
        await connection.read()

    async def talk() -> tuple[httpx.TransportError, ScriptedServer]:
        async with ScriptedServer(breaks) as server, _transport() as transport:
            await transport.handle_async_request(_request(server.url))
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(_request(server.url))
            return caught.value, server

    error, server = asyncio.run(talk())
    assert failure_of(error).kind is FailureKind.UNKNOWN
    assert (len(server.requests), server.connections) == (2, 1)


def test_cancelling_tells_what_left() -> None:
    """A request cut off while it waits for a connection has not left; one that is in progress may have."""

    async def cancelled(transport: AiohttpTransport, url: str, started: Callable[[], Any]) -> bool:
        request = _request(url)
        task = asyncio.ensure_future(transport.handle_async_request(request))
        await started()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        return bool(request.extensions.get(UNSENT))

    async def talk() -> list[bool]:
        async with ScriptedServer(_reads_and_waits) as server, _transport(connections=1) as transport:
            holding = asyncio.ensure_future(transport.handle_async_request(_request(server.url)))
            await server.until(1)
            waiting = await cancelled(transport, server.url, lambda: asyncio.sleep(0.01))
            holding.cancel()
            await asyncio.wait({holding})
            under_way = await cancelled(transport, server.url, lambda: server.until(2))
            return [waiting, under_way]

    assert asyncio.run(talk()) == [True, False]


# --- Answers ------------------------------------------------------------------------------------------


def test_a_redirect_is_handed_back_and_leaves_no_cookie() -> None:
    """A 307 is an answer like any other; nothing is followed, no cookie kept."""

    async def talk() -> tuple[int, ScriptedServer]:
        redirect = answer(307, location="/elsewhere", set_cookie="a=b; Path=/")
        async with ScriptedServer(answering(redirect, CREATED)) as server, _transport() as transport:
            status = (await transport.handle_async_request(_request(server.url))).status_code
            await transport.handle_async_request(_request(server.url))
            return status, server

    status, server = asyncio.run(talk())
    assert status == 307
    assert [request.head[0] for request in server.requests] == ["POST /billingRuns/acme HTTP/1.1"] * 2
    assert all(request.header("cookie") is None for request in server.requests)


def test_the_body_goes_out_byte_for_byte() -> None:
    """A large body of any bytes arrives as it is, with its length."""
    body = bytes(range(256)) * 4096
    response, server = _outcome(answering(CREATED), body=body)
    assert response.status_code == 200
    assert server.requests[0].body == body
    assert server.requests[0].header("content-length") == str(len(body))
    assert server.requests[0].header("authorization") == "Bearer t"


def test_a_packed_answer_is_read() -> None:
    """A server that packs its answer unasked is understood."""
    packed = gzip.compress(b'{"id":"x-1"}')
    response, _ = _outcome(answering(answer(200, packed, content_encoding="gzip")))
    assert response.content == b'{"id":"x-1"}'


def test_an_endless_answer_is_cut() -> None:
    """Of an answer that is too long only a part is read; the connection goes with the rest."""

    async def pours(connection: Connection) -> None:
        await connection.read()
        await connection.write(b"HTTP/1.1 400 No\r\ncontent-length: 999999999\r\n\r\n")
        while not connection.server.ending.is_set():
            await connection.write(b"x" * 65536)

    response, _ = _outcome(pours)
    assert response.status_code == 400
    assert len(response.content) == LONGEST_ANSWER


def test_an_answer_that_comes_before_the_body_was_read_is_an_answer() -> None:
    """413 from a server that does not read on is 413, not a lost connection."""

    async def refuses(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.write(answer(413, connection="close"))
        await connection.reader.read()

    response, _ = _outcome(refuses, body=b"x" * 100_000)
    assert response.status_code == 413


# --- Foreign errors -----------------------------------------------------------------------------------


def _subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(_subclasses(item) for item in kind.__subclasses__()))


@pytest.mark.parametrize("unsent", [True, False])
def test_no_foreign_error_is_missing(unsent: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Every error of aiohttp, and what lies below it, is one of httpx's, and unsent only where known."""
    kinds = _subclasses(aiohttp.ClientError) | {OSError, TimeoutError, ssl.SSLError, EOFError, ValueError}
    assert len(kinds) > 25
    for kind in kinds:
        request = _request("http://127.0.0.1/")
        if unsent:
            request.extensions[UNSENT] = True
        with pytest.raises(httpx.TransportError) as caught, _translated(request):
            raise _made(kind)
        expected = (
            FailureKind.NOT_SENT if unsent or issubclass(kind, aiohttp.InvalidURL) else FailureKind.UNKNOWN
        )
        assert failure_of(caught.value).kind is expected, kind


def _made(kind: type[Exception]) -> Exception:
    """An error of that class, whatever its constructor wants."""
    error = kind.__new__(kind)
    info = aiohttp.RequestInfo(
        yarl.URL("http://x/"), "POST", CIMultiDictProxy(CIMultiDict()), yarl.URL("http://x/")
    )
    key = aiohttp.client_reqrep.ConnectionKey("x", 80, False, True, None, None, None)  # noqa: FBT003 - theirs
    if isinstance(error, aiohttp.ClientResponseError):
        aiohttp.ClientResponseError.__init__(error, info, (), status=502, message="m")
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        error.__init__(key, OSError(1, "m"))  # type: ignore[misc]  # made in two steps on purpose
    elif isinstance(error, aiohttp.ClientConnectorError):
        aiohttp.ClientConnectorError.__init__(error, key, OSError(1, "m"))
    elif isinstance(error, aiohttp.ServerFingerprintMismatch):
        error.__init__(b"a", b"b", "x", 80)  # type: ignore[misc]  # likewise
    elif isinstance(error, aiohttp.InvalidURL):
        error.__init__("x")  # type: ignore[misc]  # likewise
    return error


def test_an_error_that_nobody_thought_of_is_unknown() -> None:
    """Of httpx's own errors only those of connecting count as unsent."""
    unsent = {
        kind
        for kind in _subclasses(httpx.RequestError)
        if failure_of(kind("m")).kind is FailureKind.NOT_SENT  # type: ignore[arg-type]  # all are RequestErrors
    }
    assert unsent == {
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
    }


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (httpx.ConnectError, "connection.failed"),
        (httpx.ConnectTimeout, "connection.timeout"),
        (httpx.PoolTimeout, "connection.none_free"),
        (httpx.ProxyError, "connection.proxy_failed"),
        (httpx.UnsupportedProtocol, "connection.bad_url"),
        (httpx.ReadTimeout, "answer.timeout"),
        (httpx.RemoteProtocolError, "answer.not_http"),
        (httpx.ReadError, "answer.connection_lost"),
        (httpx.WriteError, "answer.connection_lost"),
        (httpx.WriteTimeout, "answer.connection_lost"),
    ],
)
def test_each_failure_has_its_code(kind: type[httpx.RequestError], code: str) -> None:
    """The code names what failed; the system's words are a parameter, where there are any."""
    assert failure_of(kind(" a\n b ")).finding == Finding(code, params={"words": "a b"})
    assert failure_of(kind("")).finding == Finding(code)


# --- Proxies and authorities --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "https://x.example", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://x.example", "http://p:1"),
        ({"https_proxy": "p:1"}, "https://x.example", "http://p:1"),
        ({"ALL_PROXY": "https://p:1"}, "https://x.example", "https://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "ALL_PROXY": "http://q:1"}, "https://x.example", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://x.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.example"}, "https://x.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"}, "https://x.example:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://x.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "y.example"}, "https://x.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "http://127.0.0.1:8080", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://127.0.0.1:8080", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://localhost", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://[::1]:8443", None),
    ],
)
def test_the_proxy_of_the_environment(
    environment: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY and ALL_PROXY are honoured, NO_PROXY is, and this machine is never reached through one."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == expected


def test_a_proxy_of_another_kind_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is a configuration error, which does not show the proxy's password."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:secret@p:1")
    with pytest.raises(ConfigurationError, match="socks5") as caught:
        proxy_for("https://x.example")
    assert "secret" not in str(caught.value)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that `SSL_CERT_FILE` names."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def _tls_server(behave: Behaviour, authority: trustme.CA, name: str) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return ScriptedServer(behave, tls=context)


def test_an_authority_of_one_s_own_is_trusted(authority: trustme.CA) -> None:
    """A server that `SSL_CERT_FILE` vouches for gets the request."""

    async def talk() -> int:
        async with (
            _tls_server(answering(CREATED), authority, "127.0.0.1") as server,
            _transport() as transport,
        ):
            return (await transport.handle_async_request(_request(server.url))).status_code

    assert asyncio.run(talk()) == 200


def test_authorities_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing file and a file without certificates are configuration errors."""
    (tmp_path / "empty.pem").write_text("nothing\n")
    for name in ("missing.pem", "empty.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
        with pytest.raises(ConfigurationError, match="certificate authorities"):
            tls_context()


def _proxy_to(target: Callable[[], ScriptedServer], status: int = 200) -> Behaviour:
    """A CONNECT proxy that leads wherever it is asked to go to the target."""

    async def behave(connection: Connection) -> None:
        await connection.read()
        await connection.write(f"HTTP/1.1 {status} Said\r\n\r\n".encode())
        if status != 200:
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", target().port)
        await asyncio.gather(_pump(connection.reader, writer), _pump(reader, connection.writer))

    return behave


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def test_requests_go_through_the_proxy_and_stay_private(authority: trustme.CA) -> None:
    """Through a CONNECT proxy the service gets the request; the proxy sees its name and no token."""

    async def talk() -> tuple[int, ScriptedServer, ScriptedServer]:
        async with (
            _tls_server(answering(CREATED), authority, "service.example") as server,
            ScriptedServer(_proxy_to(lambda: server)) as proxy,
            _transport(proxy=f"http://user:pass@127.0.0.1:{proxy.port}") as transport,
        ):
            response = await transport.handle_async_request(_request("https://service.example/x"))
            return response.status_code, server, proxy

    status, server, proxy = asyncio.run(talk())
    assert status == 200
    assert server.requests[0].header("authorization") == "Bearer t"
    assert proxy.requests[0].head[0] == "CONNECT service.example:443 HTTP/1.1"
    assert proxy.requests[0].header("proxy-authorization") == "Basic dXNlcjpwYXNz"
    assert proxy.requests[0].header("authorization") is None


@pytest.mark.parametrize("behave", [_proxy_to(lambda: pytest.fail("no"), status=407), _closes_after_reading])
def test_a_proxy_that_does_not_lead_on_was_not_sent_through(behave: Behaviour) -> None:
    """A proxy that refuses, or breaks off before it leads on: nothing of the request has left."""

    async def talk() -> httpx.TransportError:
        async with (
            ScriptedServer(behave) as proxy,
            _transport(proxy=f"http://user:pass@127.0.0.1:{proxy.port}") as transport,
        ):
            with pytest.raises(httpx.TransportError) as caught:
                await transport.handle_async_request(_request("https://service.example/x"))
            return caught.value

    failure = failure_of(asyncio.run(talk()))
    assert failure.kind is FailureKind.NOT_SENT
    assert "pass" not in message(failure.finding)


def test_a_proxy_that_is_not_there_was_not_sent_through(silent_port: int) -> None:
    """No proxy where one should be: nothing has left."""
    failure = failure_of(_error("https://service.example/x", proxy=f"http://127.0.0.1:{silent_port}"))
    assert failure.kind is FailureKind.NOT_SENT
