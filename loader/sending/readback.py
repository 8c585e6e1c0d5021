"""Reads a tenant's records back, to find out which rows were stored.

A list answers with a bare array, or with an object whose `Items` is one page and whose
`LastEvaluatedKey`, as long as there is more, asks for the next as `exclusiveStartKey` (README of the API).
Whether a service lets its records be listed at all is not promised.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, stop_after_delay

from loader.sending.classify_response import cut, words
from loader.sending.client import USER_AGENT
from loader.sending.limits.retry_after import parse_retry_after
from loader.sending.signals import caught_signals
from loader.sending.transport import AiohttpTransport, proxy_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from loader.sending.auth.token import TokenSource
    from loader.settings import RunSettings

FIELDS: Final = "id,sys_external_id,sys_bulk_load_id,sys_bulk_load_record_no,sys_bulk_load_source_file"
ATTEMPTS: Final = 6
"""How often a page is asked for before the lookup counts as broken, for `give_up_after` at the longest."""
LONGEST_WAIT: Final = 10.0
"""Seconds between two attempts, unless the service asks for more."""
_LONGEST_PAGE: Final = 256 * 1024 * 1024  # bytes; a bare array holds all records at once
_MISSING: Final = frozenset({403, 404, 405, 501})
_THROTTLED: Final = 429
_SERVER_ERROR: Final = 500


class NoReadback(Exception):  # noqa: N818 - it is an answer of the service's, not a failure of the program
    """The service does not let its records be looked up, or broke off half-way.

    Attributes:
        missing: It offers no such list: there is no use in asking again.
    """

    def __init__(self, message: str, *, missing: bool) -> None:
        super().__init__(message)
        self.missing = missing


class Interrupted(Exception):  # noqa: N818 - it is the user's wish
    """A signal came while records were looked up."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Mark:
    """By what a stored record is known again within its load: source file and record number."""

    file: str
    record_no: int


def find_stored(
    urls: Sequence[str],
    wanted: Collection[Mark],
    *,
    load_id: str,
    token: TokenSource,
    settings: RunSettings,
    chance: random.Random | None = None,
    sleep: Callable[[float], Any] = asyncio.sleep,
) -> dict[Mark, str]:
    """Looks for records of a load in lists, one pass over each.

    Args:
        urls: The lists; a pass ends early when all that is wanted has been found.
        wanted: What is looked for.
        load_id: The load that the records were sent by.
        token: The bearer token's source.
        settings: The time-outs.
        chance: The dice for jitter.
        sleep: Waits between two attempts at a page.

    Returns:
        The ids of those that are stored. What is not among them was not in the lists at that time.

    Raises:
        NoReadback: A list does not exist, may not be read, or broke off half-way.
        Interrupted: SIGINT or SIGTERM came.
    """
    lister = _Lister(token, settings, chance or random.Random(), sleep)  # noqa: S311 - jitter is no secret
    return asyncio.run(lister.find(urls, wanted, load_id))


def wait(seconds: float) -> None:
    """Waits, outside any event loop.

    Raises:
        Interrupted: SIGINT or SIGTERM came.
    """
    asyncio.run(_interruptible(asyncio.sleep(seconds)))


async def _interruptible(work: Awaitable[None]) -> None:
    """Does work that a signal ends.

    Raises:
        Interrupted: One came.
    """
    caught: list[int] = []
    task = asyncio.current_task()

    def stop(number: int) -> None:
        caught.append(number)
        if task is not None:
            task.cancel()

    with caught_signals(stop):
        try:
            await work
        except asyncio.CancelledError:
            if not caught:
                raise
    if caught:
        raise Interrupted(caught[0])


class _Lister:
    def __init__(
        self, token: TokenSource, settings: RunSettings, chance: random.Random, sleep: Callable[[float], Any]
    ) -> None:
        self._token = token
        self._settings = settings
        self._chance = chance
        self._sleep = sleep

    async def find(self, urls: Sequence[str], wanted: Collection[Mark], load_id: str) -> dict[Mark, str]:
        found: dict[Mark, str] = {}

        async def search() -> None:
            for url in urls:
                await self._search(url, wanted, load_id, found)
                if wanted and len(found) == len(wanted):
                    return

        await _interruptible(search())
        return found

    async def _search(self, url: str, wanted: Collection[Mark], load_id: str, found: dict[Mark, str]) -> None:
        """One pass over one list.

        Raises:
            NoReadback: It cannot be read, or tells of no record which load it is of: then it cannot show
                that a row was not stored.
        """
        transport = AiohttpTransport(
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            connections=1,
            proxy=proxy_for(url),
            longest_answer=_LONGEST_PAGE,
        )
        seen, told = 0, False
        async with httpx.AsyncClient(transport=transport, follow_redirects=False) as client:
            async for record in self._records(client, url):
                seen += 1
                told = told or isinstance(record.get("sys_bulk_load_id"), str)
                mark = _mark(record, load_id, url)
                if mark is not None and mark in wanted:
                    found.setdefault(mark, _id(record, url))
                if len(found) == len(wanted):
                    return
        if seen and not told:
            raise NoReadback(f"GET {url}: its records do not tell sys_bulk_load_id", missing=True)

    async def _records(self, client: httpx.AsyncClient, url: str) -> AsyncIterator[dict[str, Any]]:
        key: str | None = None
        seen: set[str] = set()
        while True:
            items, key = _page(await self._ask(client, url, key))
            for item in items:
                if isinstance(item, dict):
                    yield item
            if key is None:
                return
            if key in seen:
                raise NoReadback(f"GET {url}: the list goes in circles", missing=False)
            seen.add(key)

    async def _ask(self, client: httpx.AsyncClient, url: str, key: str | None) -> httpx.Response:
        retrying = AsyncRetrying(
            sleep=self._sleep,
            wait=self._wait,
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(self._settings.give_up_after),
            retry=retry_if_result(_passing),
            retry_error_callback=_last,
        )
        answer: httpx.Response | httpx.TransportError | None = await retrying(self._get, client, url, key)
        if isinstance(answer, httpx.Response) and answer.is_success:
            return answer
        raise _no_lookup(url, answer)

    async def _get(
        self, client: httpx.AsyncClient, url: str, key: str | None
    ) -> httpx.Response | httpx.TransportError:
        asked = {"fields": FIELDS, **({"exclusiveStartKey": key} if key is not None else {})}
        headers = {
            "authorization": f"Bearer {self._token.current()}",
            "accept": "application/json",
            "user-agent": USER_AGENT,
        }
        try:
            return await client.get(url, params=asked, headers=headers)
        except httpx.TransportError as error:
            return error

    def _wait(self, state: RetryCallState) -> float:
        answer = state.outcome.result() if state.outcome else None
        if isinstance(answer, httpx.Response):
            told = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            if told is not None:
                return min(told, self._settings.give_up_after)
        return self._chance.uniform(0, min(LONGEST_WAIT, 0.5 * 2.0**state.attempt_number))


def _passing(answer: httpx.Response | httpx.TransportError) -> bool:
    """Whether it may be otherwise the next time."""
    if isinstance(answer, httpx.TransportError):
        return True
    status = answer.status_code
    return status == _THROTTLED or (status >= _SERVER_ERROR and status not in _MISSING)


def _last(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


def _no_lookup(url: str, answer: httpx.Response | httpx.TransportError | None) -> NoReadback:
    if isinstance(answer, httpx.Response):
        told = f"{answer.status_code} {cut(words(answer.content), 200)}".strip()
        return NoReadback(f"GET {url}: {told}", missing=answer.status_code in _MISSING)
    return NoReadback(f"GET {url}: {answer}", missing=False)


def _page(answer: httpx.Response) -> tuple[list[Any], str | None]:
    """The records of a page, and the key of the next; None where there is none."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        raise NoReadback(f"GET {answer.url}: the answer is not JSON", missing=False) from None
    if isinstance(body, list):
        return body, None
    items = body.get("Items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise NoReadback(f"GET {answer.url}: the answer is no list of records", missing=False)
    key = body.get("LastEvaluatedKey")
    if not key or isinstance(key, str):
        return items, key or None
    return items, json.dumps(key, separators=(",", ":"))


def _mark(record: dict[str, Any], load_id: str, url: str) -> Mark | None:
    """The record's mark; None where it is of another load, or of none.

    Raises:
        NoReadback: It is of this load and does not say which row: no row can be shown not to be stored.
    """
    if record.get("sys_bulk_load_id") != load_id:
        return None
    number, file = record.get("sys_bulk_load_record_no"), record.get("sys_bulk_load_source_file")
    whole = not isinstance(number, bool) and (
        isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    )
    if isinstance(file, str) and number is not None and whole:
        return Mark(file, int(number))
    raise NoReadback(
        f"GET {url}: a record of this load without its source file or record number", missing=True
    )


def _id(record: dict[str, Any], url: str) -> str:
    """The record's id.

    Raises:
        NoReadback: It has none: its row is stored, and nobody knows as what.
    """
    found = record.get("id")
    if isinstance(found, str) and found:
        return found
    raise NoReadback(f"GET {url}: a record of this load without an id", missing=True)
