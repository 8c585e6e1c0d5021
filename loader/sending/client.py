"""Posts rows: paced, repeated where that is certainly safe, judged, and stopped all at once."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_result

from loader import __version__
from loader.errors import NoSuchTenant, NotPermitted, ServiceDown, Stopped, TokenRefused
from loader.records import Requests
from loader.sending.classify_response import Answer, Failure, ResponseVerdict, VerdictKind, classify_response
from loader.sending.limits.circuit_breaker import CircuitBreaker
from loader.sending.limits.retry_after import parse_http_date, parse_retry_after
from loader.sending.send_result import CutOff, SendResult
from loader.sending.transport import UNSENT, AiohttpTransport, failure_of, proxy_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from loader.sending.auth.token import TokenSource
    from loader.sending.limits.rate_limiter import RateLimiter
    from loader.settings import RunSettings

__all__ = ["Client", "CutOff", "SendResult"]

USER_AGENT: Final = f"loader/{__version__}"
FIRST_BACKOFF: Final = 0.1
"""Seconds: the longest wait of a row after its first attempt found no connection; doubled with each more."""
LONGEST_BACKOFF: Final = 10.0
"""Seconds: that wait grows no longer."""

_NOT_FINAL: Final = frozenset({VerdictKind.NOT_STORED, VerdictKind.THROTTLED, VerdictKind.TOKEN})
_SERVER_ERROR: Final = 500
_SECRET_LENGTH: Final = 12  # characters


class _Row:
    """A row on its way: what `post` must know when it is cut off."""

    __slots__ = ("attempts", "body", "http_status", "request", "verdict")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.attempts = 0
        self.http_status: int | None = None
        self.request: httpx.Request | None = None
        self.verdict = ResponseVerdict(VerdictKind.NOT_STORED)

    def sent(self, verdict: ResponseVerdict) -> SendResult:
        return SendResult(verdict.kind, verdict.id, self.http_status, self.attempts, verdict.message)

    def cut_off(self) -> SendResult:
        if self.request is not None and not self.request.extensions.get(UNSENT):
            return SendResult(
                VerdictKind.IN_DOUBT, None, None, self.attempts, "cut off while its request was under way"
            )
        return SendResult(
            VerdictKind.NOT_STORED, None, self.http_status, self.attempts, "cut off before it was sent"
        )


class Client:
    """Posts rows to one URL for one load.

    Contract: enter it as an async context manager in the event loop that uses it; then up to
    `settings.concurrency` coroutines may call `post` at once. Leaving it closes the connections: have every
    `post` ended by then.

    What `post` does:
    - It returns once the row's fate is known, or known to be unknown. Only what is certainly not stored is
      sent again (no connection, 429, 401 with a fresh token).
    - It raises a `Stopped` for what would fail every row the same way, once a load, and only where its own
      row is certainly not stored. From then on all that wait, and all later calls, return NOT_STORED;
      requests under way are left to finish. `interrupt` does the same without an error.
    - Cancelled, it raises `CutOff`, which is a `CancelledError` and knows whether the row is in doubt.

    Args:
        url: Where to post. Give it to `check_transport_safety` first.
        token: The bearer token's source.
        pace: The load's pace, of the same clock.
        settings: `connect_timeout`, `read_timeout`, `concurrency` and `give_up_after` are read.
        clock: Seconds that never go back.
        sleep: Waits so many seconds; it is cancelled to wake up early.
        wall_clock: The present moment with its zone, for a `Retry-After` date in an answer without `Date`.
        chance: The dice for jitter.
        transport: What carries the requests; None: aiohttp, with the environment's proxy and authorities.
            It raises the errors that `failure_of` knows before the first byte only.
    """

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource,
        pace: RateLimiter,
        settings: RunSettings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        chance: random.Random | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = httpx.URL(url)
        self._token = token
        self._pace = pace
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._wall_clock = wall_clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter is no secret
        self._transport = transport
        self._outage = CircuitBreaker(settings.give_up_after)
        self._turn = asyncio.Lock()
        self._renewing = asyncio.Lock()
        self._renewed = False
        self._headers: tuple[str, httpx.Headers] = ("", httpx.Headers())
        self._naps: set[asyncio.Future[None]] = set()
        self._closed = ""  # why, once it is
        self._stopped: Stopped | None = None
        self._trouble: str | None = None
        self._sent = self._retried = self._throttled = 0

    async def __aenter__(self) -> Self:
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
        self.abort()
        if self._transport is not None:
            await self._transport.__aexit__(kind, error, traceback)

    @property
    def requests(self) -> Requests:
        """The requests made so far: all, those that repeated a row, those answered with 429."""
        return Requests(self._sent, self._retried, self._throttled)

    @property
    def trouble(self) -> str | None:
        """What keeps the service from taking rows at the moment, for people; None while all is well."""
        return self._trouble if self._outage.since is not None else None

    @property
    def stopped(self) -> Stopped | None:
        """The error that stopped the load; None while nothing did."""
        return self._stopped

    def interrupt(self) -> None:
        """Stops sending: rows that wait return NOT_STORED at once, requests under way finish.

        Does nothing when called again. Call it in the client's event loop.
        """
        self._close("not sent: the load was interrupted")

    def abort(self) -> None:
        """As `interrupt`, where something outside the client went wrong: the rows' messages say so."""
        self._close("not sent: the load was stopped")

    def _close(self, message: str) -> None:
        if not self._closed:
            self._closed = message
            self._wake()

    async def post(self, body: bytes) -> SendResult:
        """Sends one row.

        Args:
            body: The JSON body, UTF-8.

        Returns:
            What became of it.

        Raises:
            TokenRefused: 401, also with a fresh token where one could be had.
            NotPermitted: 403, or another answer that forbids every row.
            NoSuchTenant: 404, 405, a redirect, or another answer that only the wrong address gives.
            ServiceDown: Failing for `give_up_after` seconds without a success, or asked to wait longer.
            CutOff: Cancelled.
        """
        row = _Row(body)
        try:
            verdict = await self._attempt(row)
            if _may_repeat(verdict):
                verdict = await self._repeat(row)
            return row.sent(verdict)
        except asyncio.CancelledError as cancelled:
            raise CutOff(row.cut_off()) from cancelled

    async def _repeat(self, row: _Row) -> ResponseVerdict:
        """Attempts until one is final; tenacity costs a third of a request, so only rows that need it pay."""
        retrying = AsyncRetrying(
            sleep=self._nap,
            wait=self._backoff,
            stop=self._is_closed,
            retry=retry_if_result(_may_repeat),
            retry_error_callback=_last_result,
        )
        await self._nap(self._wait_of(row))
        return await retrying(self._attempt, row)

    async def _attempt(self, row: _Row) -> ResponseVerdict:
        """One request of a row, from its turn to its verdict."""
        if not await self._take_turn():
            return ResponseVerdict(VerdictKind.NOT_STORED, message=row.verdict.message or self._closed)
        token = self._token.current()
        sent_at = self._clock()
        answer = await self._exchange(row, token)
        row.verdict = verdict = classify_response(answer)
        self._note(answer, verdict, sent_at)
        if verdict.kind is VerdictKind.TOKEN:
            await self._renew(token, verdict.message)
        elif verdict.kind in _STOPS:
            self._stop(_STOPS[verdict.kind], verdict.message)
        if self._closed and verdict.kind in _NEVER_STORED:
            return ResponseVerdict(VerdictKind.NOT_STORED, message=verdict.message)
        return verdict

    async def _take_turn(self) -> bool:
        """Waits until one request may leave; False where the load was stopped instead."""
        async with self._turn:
            while not self._closed:
                now = self._clock()
                self._check_patience(now)
                wait = self._outage.hold(now) or self._pace.reserve(now)
                if not wait:
                    self._outage.leaving(now)
                    return True
                await self._nap(min(wait, self._outage.patience(now)))
            return False

    def _check_patience(self, now: float) -> None:
        """Stops the load where the service was down, or wants to be left alone, for too long."""
        if self._outage.given_up(now):
            self._stop(
                ServiceDown, f"nothing got through for {self._settings.give_up_after:g} s; {self._trouble}"
            )
        hold = self._pace.hold(now)
        if hold > self._outage.patience(now):
            self._stop(
                ServiceDown, f"the service asks to be left alone for another {hold:.0f} s; {self._trouble}"
            )

    async def _exchange(self, row: _Row, token: str) -> Answer | Failure:
        request = httpx.Request(
            "POST", self._url, headers=self._headers_for(token), content=row.body, extensions={}
        )
        self._sent += 1
        self._retried += row.attempts > 0
        row.attempts += 1
        row.http_status = None
        row.request = request
        try:
            answer = await self._carrier.handle_async_request(request)
            body = await answer.aread()
        except httpx.RequestError as error:
            row.request = None
            return failure_of(error)
        row.request = None
        row.http_status = answer.status_code
        return Answer(answer.status_code, answer.headers, _without(token, body))

    @property
    def _carrier(self) -> httpx.AsyncBaseTransport:
        if self._transport is None:
            raise RuntimeError("the client must be entered before it posts")
        return self._transport

    def _headers_for(self, token: str) -> httpx.Headers:
        if self._headers[0] != token:
            lines = {
                "host": self._url.netloc.decode(),
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
            }
            self._headers = (token, httpx.Headers(lines))
        return self._headers[1]

    def _note(self, answer: Answer | Failure, verdict: ResponseVerdict, sent_at: float) -> None:
        """Tells the pace and the outage what came."""
        now = self._clock()
        if verdict.kind is VerdictKind.THROTTLED:
            self._throttled += 1
            self._trouble = verdict.message
            self._outage.refused_service(now)
            self._pace.throttled(
                now, self._retry_after(answer), sent_at=sent_at, chance=self._chance.random()
            )
        elif isinstance(answer, Failure) or answer.status >= _SERVER_ERROR:
            self._trouble = verdict.message
            wait = self._retry_after(answer)
            self._outage.failed(now, sent_at, chance=self._chance.random(), retry_after=wait)
        else:
            self._pace.accepted(now)
            if self._outage.succeeded():
                self._wake()

    def _retry_after(self, answer: Answer | Failure) -> float | None:
        if isinstance(answer, Failure):
            return None
        present = parse_http_date(answer.headers.get("date")) or self._wall_clock()
        return parse_retry_after(answer.headers.get("retry-after"), present)

    async def _renew(self, refused: str, message: str) -> None:
        """Gets one fresh token for the whole load, or stops it."""
        async with self._renewing:
            if self._closed or self._token.current() != refused:
                return
            fresh = None if self._renewed else await self._token.renew()
            self._renewed = True
            if fresh is None:
                self._stop(TokenRefused, message)

    def _stop(self, kind: type[Stopped], message: str) -> None:
        """Ends the load; raises unless it has ended already."""
        if self._closed:
            return
        self._stopped = kind(f"POST {self._url}: {message}", next_step=_NEXT_STEPS[kind])
        self.abort()
        raise self._stopped

    async def _nap(self, seconds: float) -> None:
        """Sleeps, until woken at the latest."""
        if self._closed or seconds <= 0:
            return
        nap = asyncio.ensure_future(self._sleep(seconds))
        self._naps.add(nap)
        try:
            await asyncio.wait({nap})
        finally:
            self._naps.discard(nap)
            nap.cancel()

    def _wake(self) -> None:
        for nap in self._naps:
            nap.cancel()

    def _backoff(self, state: RetryCallState) -> float:
        return self._wait_of(state.args[0])

    def _wait_of(self, row: _Row) -> float:
        """Seconds before a row's next attempt, by chance; after a 429 the pace alone says when."""
        if row.verdict.kind is not VerdictKind.NOT_STORED:
            return 0.0
        longest = min(FIRST_BACKOFF * 2 ** min(row.attempts - 1, 16), LONGEST_BACKOFF)
        return self._chance.uniform(0, min(longest, self._outage.patience(self._clock())))

    def _is_closed(self, _: RetryCallState) -> bool:
        return bool(self._closed)


_STOPS: Final[dict[VerdictKind, type[Stopped]]] = {
    VerdictKind.FORBIDDEN: NotPermitted,
    VerdictKind.NOT_FOUND: NoSuchTenant,
}
_NEVER_STORED: Final = _NOT_FINAL | frozenset(_STOPS)
_NEXT_STEPS: Final[dict[type[Stopped], str]] = {
    TokenRefused: "get a valid token (LOADER_TOKEN), then resume the load",
    NotPermitted: "let the token's owner have the permission to create these records, then resume the load",
    NoSuchTenant: "check --tenant and --base-url; with the right ones, load again or resume",
    ServiceDown: "resume the load when the service is back",
}


def _without(token: str, body: bytes) -> bytes:
    """An answer's body without the token, should a service repeat it: its words are kept and shown.

    A made-up token of a few letters may stand in an id by chance, and is no secret.
    """
    secret = token.encode()
    return body.replace(secret, b"[token]") if len(secret) >= _SECRET_LENGTH and secret in body else body


def _may_repeat(verdict: ResponseVerdict) -> bool:
    return verdict.kind in _NOT_FINAL


def _last_result(state: RetryCallState) -> ResponseVerdict:
    """How a row ends that waited when the load was stopped: certainly not stored."""
    verdict = state.outcome.result() if state.outcome else None
    message = verdict.message if isinstance(verdict, ResponseVerdict) else ""
    return ResponseVerdict(VerdictKind.NOT_STORED, message=message)
