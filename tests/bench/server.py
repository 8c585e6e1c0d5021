"""A server that takes every record at once: it is not what is measured."""

from __future__ import annotations

import asyncio
import itertools

_END = b"\r\n\r\n"
_LONGEST_S = 600.0


class _Answers(asyncio.Protocol):
    """Reads requests with a Content-Length, answers each with a new id."""

    numbers = itertools.count(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._buffer) < end + len(_END) + length:
                return
            self._buffer = self._buffer[end + len(_END) + length :]
            body = b'{"id":"r%d"}' % next(self.numbers)
            answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            self._transport.write(answer % (len(body), body))  # type: ignore[attr-defined]  # a stream's transport


def serve() -> None:
    """Serves on a free port of loopback, which it prints, for ten minutes at most."""
    asyncio.run(_serve())


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(_LONGEST_S)
