"""The one place that knows what carries the requests: an httpx transport over aiohttp.

httpx's own pool slows down with concurrency, so this transport replaces it. Of the ready-made ones neither
will do: where a connection is lost after the request has left, pyreqwest's (0.15) raises
`httpx.ConnectError` and httpx-aiohttp's (0.2) `httpx.ConnectTimeout`, and pyreqwest's raises
`httpx.ConnectTimeout` for a read timeout. A sender that trusted them would send rows twice.

Here "nothing has left" does not depend on an exception's class. It is known because the connector failed or
was cancelled itself, and its work ends before the first byte of a request.
"""

from __future__ import annotations

import io
import urllib.request
from contextlib import contextmanager
from contextvars import ContextVar
from os import environ, strerror
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
import httpx
import yarl

from loader.errors import ConfigurationError
from loader.findings import Finding
from loader.sending.answers import Failure, FailureKind
from loader.sending.auth.token import is_loopback
from loader.sending.server_words import one_short_line

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from loader.findings import JsonValue

UNSENT: Final = "loader.unsent"
"""The request extension that is True once it is certain that no byte of the request has left."""
LONGEST_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of an answer to a POST that are read."""
IDLE: Final = 4.0
"""Seconds that an idle connection is kept: less than the 5 s after which common servers close theirs, since
a request on a connection that is just being closed leaves its row in doubt."""

# aiohttp hands its connector no object of ours: the request in progress is found through its task's context.
_request: ContextVar[httpx.Request] = ContextVar("request")


def failure_of(error: httpx.RequestError) -> Failure:
    """Return what a failed request means: whether it may have arrived, and what happened.

    Args:
        error: From a transport that raises `ConnectError`, `ConnectTimeout`, `PoolTimeout`, `ProxyError` and
            `UnsupportedProtocol` only before the first byte of the request has left, as httpx's own and
            `AiohttpTransport` do.

    Returns:
        NOT_SENT for those; UNKNOWN for every other error, also one that nobody thought of.
    """
    words = one_short_line(str(error), 300)
    params: dict[str, JsonValue] = {"words": words} if words else {}
    for known, kind, code in _FAILURES:
        if isinstance(error, known):
            return Failure(kind, Finding(code, params=params))
    return Failure(FailureKind.UNKNOWN, Finding("answer.connection_lost", params=params))


_FAILURES: Final[tuple[tuple[type[httpx.RequestError], FailureKind, str], ...]] = (
    (httpx.ConnectError, FailureKind.NOT_SENT, "connection.failed"),
    (httpx.ConnectTimeout, FailureKind.NOT_SENT, "connection.timeout"),
    (httpx.PoolTimeout, FailureKind.NOT_SENT, "connection.none_free"),
    (httpx.ProxyError, FailureKind.NOT_SENT, "connection.proxy_failed"),
    (httpx.UnsupportedProtocol, FailureKind.NOT_SENT, "connection.bad_url"),
    (httpx.ReadTimeout, FailureKind.UNKNOWN, "answer.timeout"),
    (httpx.RemoteProtocolError, FailureKind.UNKNOWN, "answer.not_http"),
)


class _Connector(aiohttp.TCPConnector):
    """Mark the request in progress as unsent where it got no connection.

    Should a later aiohttp stop calling `connect`, nothing is marked and every failure counts as unknown.
    """

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection, pooled or new, on which nothing of this request has been written yet."""
        try:
            return await super().connect(*args, **kwargs)
        except BaseException:  # a cancellation too: it is how a connect timeout ends
            if (request := _request.get(None)) is not None:
                request.extensions[UNSENT] = True
            raise


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Send httpx requests through aiohttp: no redirects, no cookies, no retries of a POST, no netrc.

    A request whose extensions hold `UNSENT` after an error or a cancellation has certainly not left. Must be
    made and used in one running event loop.

    Args:
        connect_timeout: Seconds for a connection: pool, DNS, TCP, proxy and TLS together.
        read_timeout: Seconds for the answer.
        connections: The most open connections at once.
        proxy: The proxy for requests to `https` URLs; None for none.
        tls: How servers prove who they are; None: `tls_context()`.
        longest_answer: Bytes of an answer that are read, content encodings undone; the rest is left unread.
    """

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        connections: int,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        longest_answer: int = LONGEST_ANSWER,
    ) -> None:
        self._longest_answer = longest_answer
        self._proxy = proxy
        self._urls: dict[httpx.URL, yarl.URL] = {}
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=connections, keepalive_timeout=IDLE, ssl=tls or tls_context()),
            timeout=aiohttp.ClientTimeout(
                total=connect_timeout + read_timeout, connect=connect_timeout, sock_read=read_timeout
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # netrc and proxies would be looked up for every request: 600 µs
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its answer, up to `longest_answer`.

        Raises:
            httpx.ConnectError: No connection: refused, DNS, TLS, proxy. Nothing has left.
            httpx.ConnectTimeout: No connection in time. Nothing has left.
            httpx.UnsupportedProtocol: Not a URL to send to. Nothing has left.
            httpx.TransportError: Any other of them: the request may have arrived.
        """
        token = _request.set(request)
        try:
            with _translated(request):
                return await self._send(request)
        finally:
            _request.reset(token)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        async with self._session.request(
            request.method,
            self._url(request.url),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=request.content if len(request.content) <= _WHOLE else io.BytesIO(request.content),
            allow_redirects=False,
            proxy=self._proxy if request.url.scheme == "https" else None,
        ) as answer:
            body = await _read(answer.content, self._longest_answer)
            headers = [pair for pair in answer.raw_headers if pair[0].lower() not in _UNDONE]
            return httpx.Response(answer.status, headers=headers, content=body, request=request)

    def _url(self, url: httpx.URL) -> yarl.URL:
        # Parsing takes longer than sending, and a load has one URL. `encoded`: the URL goes out as it is.
        if (known := self._urls.get(url)) is None:
            try:
                known = yarl.URL(str(url), encoded=True)
                str(known)  # a port out of range shows only now
            except ValueError as error:
                raise aiohttp.InvalidURL(str(url), str(error)) from error
            self._urls[url] = known
        return known

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()


_WHOLE: Final = 1024 * 1024
"""Bytes: aiohttp writes a body up to this size in one go, and warns of a longer one."""
_UNDONE: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""Headers that aiohttp has dealt with: httpx would decode the body a second time."""


async def _read(content: aiohttp.StreamReader, longest: int) -> bytes:
    """Return the body; a longer one is cut there, which closes the connection."""
    body = await content.read(longest)
    while len(body) < longest and (more := await content.read(longest - len(body))):
        body += more
    return body


@contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    """Turn whatever aiohttp raises into httpx's errors; the one place where foreign errors are known."""
    try:
        yield
    except httpx.TransportError:
        raise
    except aiohttp.InvalidURL as error:
        request.extensions[UNSENT] = True
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
    except Exception as error:  # whatever it is: of an unknown error only the mark says whether bytes left
        kind = _kind_of(error, unsent=request.extensions.get(UNSENT, False))
        raise kind(_detail(error), request=request) from error


def _kind_of(error: Exception, *, unsent: bool) -> type[httpx.TransportError]:
    timeout = isinstance(error, TimeoutError)
    if unsent:
        return httpx.ConnectTimeout if timeout else httpx.ConnectError
    if timeout:
        return httpx.ReadTimeout
    return httpx.RemoteProtocolError if isinstance(error, aiohttp.ClientResponseError) else httpx.ReadError


def _detail(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status} {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {_reason(error.os_error)}"
    if isinstance(error, aiohttp.ClientResponseError):
        return one_short_line(error.message, 100)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the service closed it"
    return str(error) or type(error).__name__


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionError) and error.errno:
        return strerror(error.errno)  # asyncio's own words are "Connect call failed"
    return error.strerror or str(error)


def tls_context() -> ssl.SSLContext:
    """Return how servers prove who they are.

    `SSL_CERT_FILE` or `SSL_CERT_DIR` in the environment replace the authorities trusted otherwise: those of
    the system and of Mozilla's list.

    Raises:
        ConfigurationError: What those variables name cannot be read.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError among them
        raise ConfigurationError(
            f"the certificate authorities cannot be read: {error}",
            next_step="set SSL_CERT_FILE to a file of PEM certificates, or unset it",
        ) from error
    if not (environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR")):
        context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL.

    `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` names the host. Plain HTTP goes to this machine only
    and so never through a proxy, which would see the token; nor does anything else sent to this machine.

    Args:
        url: Where requests go.

    Returns:
        The proxy's URL; None where there is none.

    Raises:
        ConfigurationError: It is not an http or https proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in {"http", "https"}:
        raise ConfigurationError(
            f"HTTPS_PROXY: a {urlsplit(proxy).scheme} proxy cannot be used",
            next_step="use an http:// or https:// proxy, or list the service's host in NO_PROXY",
        )
    return proxy
