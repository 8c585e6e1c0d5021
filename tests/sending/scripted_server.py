"""A server on a real socket that does to each request what a test asks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Sequence

    Behaviour = Callable[["Connection"], Awaitable[None]]


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer; underscores in header names become hyphens."""
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


CREATED = answer(200, b'{"id":"x-1"}')


@dataclass
class Request:
    """What arrived: the head's lines and the body."""

    head: list[str]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value; None where it did not come."""
        found = [line.partition(":")[2].strip() for line in self.head if line.lower().startswith(f"{name}:")]
        return found[0] if found else None


@dataclass
class Connection:
    """One accepted connection, and what a behaviour may do with it."""

    server: ScriptedServer
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> Request:
        """The next whole request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        request = Request(head[:-2], b"")
        if length := request.header("content-length"):
            request.body = await self.reader.readexactly(int(length))
        self.server.requests.append(request)
        self.server.news.set()
        return request

    async def write(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def forever(self) -> None:
        """Keeps the connection open and says nothing until the test ends."""
        await self.server.ending.wait()


@dataclass
class ScriptedServer:
    """Serves on 127.0.0.1, one behaviour a connection; the connection closes when the behaviour ends.

    Attributes:
        behave: What is done with each connection.
        tls: The server's certificate; None for plain HTTP.
        requests: All whole requests that arrived, in order.
        connections: How many connections were accepted.
        news: Set at each request.
    """

    behave: Behaviour
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _serving: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where rows are posted."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/billingRuns/acme"

    async def until(self, count: int) -> None:
        """Waits until so many requests have arrived."""
        while len(self.requests) < count:
            self.news.clear()
            await self.news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if (task := asyncio.current_task()) is not None:
            self._serving.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self.behave(Connection(self, self.connections, reader, writer))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self._serving.difference_update({asyncio.current_task()})

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.ending.set()
        self._server.close()
        if self._serving:
            ended_and_lasting = await asyncio.wait(self._serving, timeout=1)
            assert not ended_and_lasting[1], "the client kept a connection open when it was closed"


def answering(*answers: bytes) -> Behaviour:
    """Keep-alive; the n-th request of the server gets the n-th answer, all further ones the last."""

    async def behave(connection: Connection) -> None:
        while True:
            await connection.read()
            count = len(connection.server.requests)
            await connection.write(_nth(answers, count))

    return behave


def _nth(answers: Sequence[bytes], count: int) -> bytes:
    return answers[min(count, len(answers)) - 1]
