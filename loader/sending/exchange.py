"""One POST: a row's body and the token out, an answer or a failure back; and how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import httpx

from loader import __version__
from loader.findings import Finding
from loader.records import Requests
from loader.sending.answers import Answer, Failure
from loader.sending.classify_response import ResponseVerdict, VerdictKind
from loader.sending.send_result import SendResult
from loader.sending.transport import UNSENT, AiohttpTransport, failure_of, proxy_for

if TYPE_CHECKING:
    from types import TracebackType

    from loader.settings import RunSettings

USER_AGENT: Final = f"loader/{__version__}"
_SECRET_LENGTH: Final = 12  # characters


class RowProgress:
    """A row on its way: what must be known of it when it is cut off.

    Args:
        body: The JSON body, UTF-8.
    """

    __slots__ = ("attempts", "body", "http_status", "request", "verdict")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.attempts = 0
        self.http_status: int | None = None
        self.request: httpx.Request | None = None  # the one in progress; None while none is
        self.verdict = ResponseVerdict(VerdictKind.NOT_STORED)

    def result(self, verdict: ResponseVerdict) -> SendResult:
        """Return how the row ends with its last verdict."""
        findings = (verdict.finding,) if verdict.finding else ()
        return SendResult(verdict.kind, verdict.id, self.http_status, self.attempts, findings)

    def cut_off(self) -> SendResult:
        """Return what is known of the row if it ends now."""
        # Cancelled in progress: only what the transport has marked has certainly not left.
        if self.request is not None and not self.request.extensions.get(UNSENT):
            cut = Finding("sending.cut_off")
            return SendResult(VerdictKind.IN_DOUBT, None, None, self.attempts, (cut,))
        waiting = Finding("sending.not_started")
        return SendResult(VerdictKind.NOT_STORED, None, self.http_status, self.attempts, (waiting,))


class Exchange:
    """Carries rows to one URL and counts the requests.

    Contract: enter it as an async context manager in the event loop that uses it; then any number of
    coroutines may call `post` at once.

    Args:
        url: Where to post.
        settings: `connect_timeout`, `read_timeout` and `concurrency` are read.
        transport: What carries the requests; None: aiohttp, with the environment's proxy and authorities.
    """

    def __init__(self, url: str, settings: RunSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        self._url = httpx.URL(url)
        self._settings = settings
        self._transport = transport
        self._headers: tuple[str, httpx.Headers] = ("", httpx.Headers())
        self._sent = self._retried = self._throttled = 0

    async def __aenter__(self) -> Self:
        # Made only here: aiohttp's session belongs to the event loop that runs when it is made.
        if self._transport is None:
            self._transport = AiohttpTransport(
                connect_timeout=self._settings.connect_timeout,
                read_timeout=self._settings.read_timeout,
                connections=self._settings.concurrency,
                proxy=proxy_for(str(self._url)),
            )
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            await self._transport.__aexit__(kind, error, traceback)

    @property
    def requests(self) -> Requests:
        """Return the requests made so far."""
        return Requests(self._sent, self._retried, self._throttled)

    def count_throttled(self) -> None:
        """Count an answer with 429."""
        self._throttled += 1

    async def post(self, row: RowProgress, token: str) -> Answer | Failure:
        """Send a row once; keep in `row` what is known of it meanwhile.

        Args:
            row: The row.
            token: The bearer token.
        """
        if self._transport is None:
            raise RuntimeError("the client must be entered before it posts")
        request = httpx.Request(
            "POST", self._url, headers=self._headers_for(token), content=row.body, extensions={}
        )
        self._sent += 1
        self._retried += row.attempts > 0
        row.attempts += 1
        row.http_status = None
        row.request = request
        # Not in a `finally`: cancelled here, the request must still be there for `cut_off`.
        try:
            answer = await self._transport.handle_async_request(request)
            body = await answer.aread()
        except httpx.RequestError as error:
            row.request = None
            return failure_of(error)
        row.request = None
        row.http_status = answer.status_code
        return Answer(answer.status_code, answer.headers, _without(token, body))

    def _headers_for(self, token: str) -> httpx.Headers:
        # The same for every row: httpx takes longer to build them than to send them.
        if self._headers[0] != token:
            headers = {
                "host": self._url.netloc.decode(),
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
            }
            self._headers = (token, httpx.Headers(headers))
        return self._headers[1]


def _without(token: str, body: bytes) -> bytes:
    """Return an answer's body without the token, should a service repeat it: its words are kept and shown.

    A made-up token of a few letters may be part of an id by chance, and is no secret.
    """
    secret = token.encode()
    return body.replace(secret, b"[token]") if len(secret) >= _SECRET_LENGTH and secret in body else body
