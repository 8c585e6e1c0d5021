"""An API on a real socket that answers each request as a test asks."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Lists = Callable[[str], tuple[int, dict[str, str], str]]
    Answers = Callable[["Asked"], "tuple[int, dict[str, str], str]"]


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        number: Which one it is, from 1.
        path: Its path.
        headers: Its headers, names in lower case.
        body: The record.
        at: When it came, in seconds of the monotonic clock.
    """

    number: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


def created(asked: Asked) -> tuple[int, dict[str, str], str]:
    """The answer of a service that has stored the record."""
    return 200, {}, json.dumps({"id": f"id-{asked.number}"})


def always(status: int, message: str = "no") -> Answers:
    """The same answer to every request."""
    return lambda _: (status, {}, json.dumps({"message": message}))


class Handler(BaseHTTPRequestHandler):
    """Answers requests, and keeps connections open as services do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reply(self, status: int, more: dict[str, str], text: str) -> None:
        """Answers with a status, more headers and a body; a status of 0 closes the connection instead."""
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {**more, "content-length": str(len(text.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that went away is no error here."""


@contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    """Serves on 127.0.0.1 in threads of its own; gives the base URL."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class ScriptedApi:
    """Serves as `serving` does.

    Attributes:
        answers: What each request is answered; a status of 0 closes the connection without an answer.
        gets: What a GET of a path (its query included) is answered; None: this service has none, 501.
        asked: All POSTs, in the order in which they came.
        url: The base URL, once it serves.
    """

    answers: Answers = created
    gets: Lists | None = None
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def keys(self) -> list[str]:
        """The external ids that came, in order."""
        return [item.body["sys_external_id"] for item in self.asked]

    def __enter__(self) -> Self:
        lock = threading.Lock()
        api = self

        class Scripted(Handler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with lock:
                    asked = Asked(len(api.asked) + 1, self.path, headers, body, time.monotonic())
                    api.asked.append(asked)
                self.reply(*api.answers(asked))

            def do_GET(self) -> None:
                self.reply(*(api.gets(self.path) if api.gets else (501, {}, "")))

        self._serving = serving(Scripted)
        self.url = self._serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.__exit__(None, None, None)
