"""Serving: on loopback addresses only, in this thread until a signal, or in one of its own."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loader.errors import ConfigurationError
from loader.sandbox.app import make_app
from loader.sandbox.fault_responses import CLOSE
from loader.sandbox.settings import SandboxSettings, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from starlette.applications import Starlette

_BACKLOG = 2048
_LAST_PORT = 65535
_KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than a load pauses, so that none is lost to it."""
_LAST_ANSWERS = 2
"""Seconds that requests in progress may take when the server stops."""


class _Protocol(HttpToolsProtocol):
    """HTTP over a connection that the application may close."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CLOSE: {"close": self.transport.close}}


class _Server(uvicorn.Server):
    """A server that reports when it accepts, and after a signal ends without passing it on."""

    def __init__(self, app: Starlette, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                backlog=_BACKLOG,
                http=_Protocol,
                lifespan="on",
                log_config=None,
                log_level="critical",
                server_header=False,
                timeout_graceful_shutdown=_LAST_ANSWERS,
                timeout_keep_alive=_KEEP_ALIVE,
                ws="none",
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(
    settings: SandboxSettings,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] | None = None,
    *,
    on_request: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; a second signal stops it at once.

    Args:
        settings: How the sandbox behaves.
        host: A loopback address, or `localhost` (127.0.0.1).
        port: The port; 0: a free one.
        on_ready: Called once with the base URL, when connections are accepted; None: nobody needs it.
        on_request: Called with a line for each answer of the API; None: no log.

    Raises:
        ConfigurationError: The host is not of this machine only, the port is taken, or the store
            cannot be opened.
    """
    listening = _listen(host, port)
    with listening:
        app = make_app(settings, on_request=on_request)
        try:
            _Server(app, lambda: on_ready(_url(listening)) if on_ready else None).run([listening])
        finally:
            app.state.store.close()


class RunningSandbox:
    """A sandbox in a thread of its own, for as long as a `with` block or until `stop`.

    Start and stop it from one thread. It can be started once.

    Args:
        settings: How it behaves; None: the default.
        host: A loopback address, or `localhost`.
        port: The port; 0: a free one.
        make: Makes the application; tests give their own clock with it.
    """

    def __init__(
        self,
        settings: SandboxSettings | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        make: Callable[[SandboxSettings], Starlette] = make_app,
    ) -> None:
        self._settings = settings or SandboxSettings()
        self._address = (host, port)
        self._make = make
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._server: _Server | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:43017`.

        Raises:
            RuntimeError: It has not been started.
        """
        if self._url is None:
            raise RuntimeError("the sandbox has not been started")
        return self._url

    def start(self) -> Self:
        """Start it; connections are accepted when this returns.

        Raises:
            ConfigurationError: The host, the port or the store cannot be used.
            RuntimeError: It has been started before.
        """
        if self._thread:
            raise RuntimeError("the sandbox has been started before")
        listening = _listen(*self._address)
        try:
            app = self._make(self._settings)
        except BaseException:
            listening.close()
            raise
        self._url = _url(listening)
        self._server = _Server(app, self._ready.set)
        self._thread = threading.Thread(
            target=self._run, args=(self._server, app, listening), name="sandbox", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self._failure:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Stop it; requests in progress have about two seconds left. A second call does nothing."""
        if self._thread and self._server:
            self._server.should_exit = True
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, server: _Server, app: Starlette, listening: socket.socket) -> None:
        try:
            with listening:
                server.run([listening])
        except BaseException as failure:  # noqa: BLE001 - it is raised in the thread that started this one
            self._failure = failure
        finally:
            app.state.store.close()
            self._ready.set()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to a loopback address."""
    if not is_loopback(host):
        raise ConfigurationError(
            f"the sandbox listens on this machine only: expected a loopback address, found {host!r}",
            next_step="Leave the host out, or use 127.0.0.1.",
        )
    if not 0 <= port <= _LAST_PORT:
        raise ConfigurationError(f"the sandbox's port: expected 0 to {_LAST_PORT}, found {port}")
    address = "127.0.0.1" if host.lower() == "localhost" else host
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004
    try:
        listening = socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"the sandbox cannot listen on {address} port {port}: {error}",
            next_step="Leave the port out for a free one, or name another.",
        ) from error
    # Connections inherit it. Without it the second half of an answer waits for the client to acknowledge
    # the first, which takes it 40 ms; asyncio sets it only on sockets made with an explicit protocol.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _url(listening: socket.socket) -> str:
    address, port = listening.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
