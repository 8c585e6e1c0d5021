"""An API on a real socket that answers each request as a test says."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

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


@dataclass
class ScriptedApi:
    """Serves on 127.0.0.1 in threads of its own.

    Attributes:
        answers: What each request is answered; a status of 0 closes the connection without an answer.
        gets: What a GET of a path (its query included) is answered; None: this service has none, 501.
        asked: All POSTs, in the order in which they came.
    """

    answers: Answers = created
    gets: Lists | None = None
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def keys(self) -> list[str]:
        """The external ids that came, in order."""
        return [each.body["sys_external_id"] for each in self.asked]

    def __enter__(self) -> Self:
        lock = threading.Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with lock:
                    asked = Asked(len(api.asked) + 1, self.path, headers, body, time.monotonic())
                    api.asked.append(asked)
                self._say(*api.answers(asked))

            def do_GET(self) -> None:
                self._say(*(api.gets(self.path) if api.gets else (501, {}, "")))

            def _say(self, status: int, more: dict[str, str], text: str) -> None:
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**more, "content-length": str(len(text.encode()))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """A client that went away is no error here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
