"""Posts rows: at the load's rate, repeated where that is certainly safe, and stopped all at once."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final, Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_result

from loader.errors import NoSuchTenant, NotPermitted, Stopped, TokenRefused
from loader.findings import Finding
from loader.sending.answers import Answer, Failure
from loader.sending.auth.token import TokenRenewal
from loader.sending.classify_response import ResponseVerdict, VerdictKind, classify_response
from loader.sending.clock import REAL_CLOCK, Clock, Sleeper
from loader.sending.exchange import Exchange, RowProgress
from loader.sending.limits.retry_after import parse_http_date, parse_retry_after
from loader.sending.send_result import CutOff, SendResult
from loader.sending.turns import STOPPED, LocalTurns, TurnOutcome
from loader.wording import fix, message

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

    from loader.records import Requests
    from loader.sending.auth.token import TokenSource
    from loader.sending.limits.rate_limiter import RateLimiter
    from loader.sending.turns import Turns
    from loader.settings import RunSettings

FIRST_BACKOFF: Final = 0.1
"""Seconds: the longest wait of a row after its first attempt found no connection; doubled with each more."""
LONGEST_BACKOFF: Final = 10.0
"""Seconds: that wait grows no longer."""

_INTERRUPTED: Final = Finding("sending.interrupted")
_STOPS: Final[dict[VerdictKind, type[Stopped]]] = {
    VerdictKind.FORBIDDEN: NotPermitted,
    VerdictKind.NOT_FOUND: NoSuchTenant,
}
_NOT_FINAL: Final = frozenset({VerdictKind.NOT_STORED, VerdictKind.THROTTLED, VerdictKind.TOKEN})
_NEVER_STORED: Final = _NOT_FINAL | frozenset(_STOPS)
_SERVER_ERROR: Final = 500


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
      requests in progress are left to finish. `interrupt` does the same without an error.
    - Cancelled, it raises `CutOff`, which is a `CancelledError` and knows whether the row is in doubt.

    Args:
        url: Where to post. Give it to `check_transport_safety` first.
        token: The bearer token's source.
        rate_limiter: The load's rate, of the same clock.
        settings: `connect_timeout`, `read_timeout`, `concurrency` and `give_up_after` are read.
        clock: The time; its `wall_time` is for a `Retry-After` date in an answer without `Date`.
        chance: The dice for jitter.
        transport: What carries the requests; None: aiohttp, with the environment's proxy and authorities.
            It raises the errors that `failure_of` knows before the first byte only.
    """

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource,
        rate_limiter: RateLimiter,
        settings: RunSettings,
        clock: Clock = REAL_CLOCK,
        chance: random.Random | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._target = f"POST {url}"
        self._token = TokenRenewal(token)
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter is no secret
        self._sleeper = Sleeper(clock)
        self._exchange = Exchange(url, settings, transport)
        self._turns: Turns = LocalTurns(
            self._target,
            rate_limiter=rate_limiter,
            give_up_after=settings.give_up_after,
            clock=clock,
            sleeper=self._sleeper,
            chance=self._chance,
        )

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abort()
        await self._exchange.__aexit__(kind, error, traceback)

    @property
    def requests(self) -> Requests:
        """Return the requests made so far: all, those that repeated a row, those answered with 429."""
        return self._exchange.requests

    @property
    def trouble(self) -> Finding | None:
        """Return what keeps the service from taking rows at the moment; None while all is well."""
        return self._turns.trouble

    @property
    def stopped(self) -> Stopped | None:
        """Return the error that stopped the load; None where none did."""
        return self._turns.stopped

    def interrupt(self) -> None:
        """Stop sending: rows that wait return NOT_STORED at once, requests in progress finish.

        Does nothing when called again. Call it in the client's event loop.
        """
        self._turns.close(_INTERRUPTED)

    def abort(self) -> None:
        """Do as `interrupt`, where something outside the client went wrong: the rows' findings differ."""
        self._turns.close(STOPPED)

    async def post(self, body: bytes) -> SendResult:
        """Send one row.

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
        row = RowProgress(body)
        try:
            verdict = await self._attempt(row)
            if _may_repeat(verdict):
                verdict = await self._repeat(row)
            return row.result(verdict)
        except asyncio.CancelledError as cancelled:
            raise CutOff(row.cut_off()) from cancelled

    async def _repeat(self, row: RowProgress) -> ResponseVerdict:
        """Attempt until a verdict is final."""
        # Tenacity costs a third of a request, so only rows that need it pay for it.
        retrying = AsyncRetrying(
            sleep=self._nap,
            wait=lambda state: self._wait_of(state.args[0]),
            stop=lambda _: self._turns.closed is not None,
            retry=retry_if_result(_may_repeat),
            retry_error_callback=_last_result,
        )
        await self._nap(self._wait_of(row))
        return await retrying(self._attempt, row)

    async def _attempt(self, row: RowProgress) -> ResponseVerdict:
        """Make one request for a row, from its turn to its verdict."""
        taken_at = await self._turns.take()
        if taken_at is None:
            # What went wrong with its last attempt says more than that the load was stopped.
            finding = row.verdict.finding or self._turns.closed
            return ResponseVerdict(VerdictKind.NOT_STORED, finding=finding)
        token = self._token.current()
        answer = await self._exchange.post(row, token)
        row.verdict = verdict = classify_response(answer)
        self._report(answer, verdict, taken_at)
        if verdict.kind is VerdictKind.TOKEN:
            await self._renew(token, verdict)
        elif verdict.kind in _STOPS:
            self._stop(_STOPS[verdict.kind], verdict)
        # Somebody else stopped the load meanwhile. The row is not stored, so it is simply one that waits.
        if self._turns.closed and verdict.kind in _NEVER_STORED:
            return ResponseVerdict(VerdictKind.NOT_STORED, finding=verdict.finding)
        return verdict

    def _report(self, answer: Answer | Failure, verdict: ResponseVerdict, taken_at: float) -> None:
        """Report what a request says about the service."""
        if verdict.kind is VerdictKind.THROTTLED:
            self._exchange.count_throttled()
            outcome = TurnOutcome("throttled", verdict.finding, self._retry_after(answer))
        elif isinstance(answer, Failure) or answer.status >= _SERVER_ERROR:
            outcome = TurnOutcome("failed", verdict.finding, self._retry_after(answer))
        else:
            outcome = _ACCEPTED
        self._turns.report(taken_at, outcome)

    def _retry_after(self, answer: Answer | Failure) -> float | None:
        if isinstance(answer, Failure):
            return None
        # A date is by the service's own clock, which its `Date` shows; ours may differ.
        present = parse_http_date(answer.headers.get("date")) or self._clock.wall_time()
        return parse_retry_after(answer.headers.get("retry-after"), present)

    async def _renew(self, refused: str, verdict: ResponseVerdict) -> None:
        """Get one fresh token for the whole load, or stop it."""
        if self._turns.closed is None and not await self._token.renew(refused):
            self._stop(TokenRefused, verdict)

    def _stop(self, kind: type[Stopped], verdict: ResponseVerdict) -> None:
        """End the load; raise unless it has ended already."""
        finding = verdict.finding
        error = kind(
            f"{self._target}: {message(finding) if finding else verdict.kind}",
            next_step=fix(finding) if finding else None,
        )
        if self._turns.close(STOPPED, error):
            raise error

    async def _nap(self, seconds: float) -> None:
        # Once the turns are closed nobody wakes a new sleep.
        if self._turns.closed is None:
            await self._sleeper.nap(seconds)

    def _wait_of(self, row: RowProgress) -> float:
        """Return the seconds before a row's next attempt, by chance; after a 429 its turn alone says when."""
        if row.verdict.kind is not VerdictKind.NOT_STORED:
            return 0.0
        longest = min(FIRST_BACKOFF * 2 ** min(row.attempts - 1, 16), LONGEST_BACKOFF)
        return self._chance.uniform(0, min(longest, self._turns.time_left()))


_ACCEPTED: Final = TurnOutcome("accepted")


def _may_repeat(verdict: ResponseVerdict) -> bool:
    return verdict.kind in _NOT_FINAL


def _last_result(state: RetryCallState) -> ResponseVerdict:
    """Return how a row ends that waited when the load was stopped: certainly not stored."""
    verdict = state.outcome.result() if state.outcome else None
    finding = verdict.finding if isinstance(verdict, ResponseVerdict) else None
    return ResponseVerdict(VerdictKind.NOT_STORED, finding=finding)
