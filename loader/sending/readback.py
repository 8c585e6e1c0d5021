"""Read a tenant's records back, to find out which rows were stored.

A list answers with a bare array, or with an object whose `Items` is one page and whose
`LastEvaluatedKey`, as long as there is more, asks for the next as `exclusiveStartKey` (README of the API).
The API does not promise that a service offers such lists at all.
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

from loader.findings import Finding
from loader.sending.exchange import USER_AGENT
from loader.sending.limits.retry_after import parse_retry_after
from loader.sending.server_words import one_short_line, server_words
from loader.sending.signals import until_signal
from loader.sending.transport import AiohttpTransport, proxy_for
from loader.wording import message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from loader.findings import JsonValue
    from loader.sending.auth.token import TokenSource
    from loader.settings import RunSettings

FIELDS: Final = "id,sys_external_id,sys_bulk_load_id,sys_bulk_load_record_no,sys_bulk_load_source_file"
ATTEMPTS: Final = 6
"""How often a page is asked for before the readback counts as broken, for `give_up_after` at the longest."""
LONGEST_WAIT: Final = 10.0
"""Seconds between two attempts, unless the service asks for more."""
_LONGEST_PAGE: Final = 256 * 1024 * 1024  # bytes; a bare array holds all records at once
# How services answer that have no such list, or none for this token: the next attempt would end alike.
_MISSING: Final = frozenset({403, 404, 405, 501})
_THROTTLED: Final = 429
_SERVER_ERROR: Final = 500


class NoReadback(Exception):  # noqa: N818 - it is an answer of the service's, not a failure of the program
    """The service does not list its records, or broke off half-way.

    Attributes:
        finding: Why: `readback.*`.
        missing: It offers no such list: there is no use in asking again.
        detail: What else there is to know; mostly empty.
    """

    def __init__(self, finding: Finding, *, missing: bool, detail: str = "") -> None:
        super().__init__("; ".join(part for part in (message(finding), detail) if part))
        self.finding = finding
        self.missing = missing
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RowKey:
    """What a stored record has of its row: the source file and the record number within the load."""

    file: str
    record_no: int


def find_stored(
    urls: Sequence[str],
    rows: Collection[RowKey],
    *,
    load_id: str,
    token: TokenSource,
    settings: RunSettings,
    chance: random.Random | None = None,
    sleep: Callable[[float], Any] = asyncio.sleep,
) -> dict[RowKey, str]:
    """Search lists for records of a load, one pass over each.

    Args:
        urls: The lists; a pass ends early when all rows have been found.
        rows: The rows to search for.
        load_id: The load that the records were sent by.
        token: The bearer token's source.
        settings: The time-outs.
        chance: The dice for jitter.
        sleep: Waits between two attempts at a page.

    Returns:
        The ids of those that are stored. What is not among them was not in the lists at that time.

    Raises:
        NoReadback: A list does not exist, may not be read, or broke off half-way.
        SignalReceived: SIGINT or SIGTERM came.
    """
    lister = _Lister(token, settings, chance or random.Random(), sleep)  # noqa: S311 - jitter is no secret
    return asyncio.run(lister.find(urls, rows, load_id))


class _Lister:
    def __init__(
        self, token: TokenSource, settings: RunSettings, chance: random.Random, sleep: Callable[[float], Any]
    ) -> None:
        self._token = token
        self._settings = settings
        self._chance = chance
        self._sleep = sleep

    async def find(self, urls: Sequence[str], rows: Collection[RowKey], load_id: str) -> dict[RowKey, str]:
        ids: dict[RowKey, str] = {}

        async def search() -> None:
            for url in urls:
                await self._search(url, rows, load_id, ids)
                if rows and len(ids) == len(rows):
                    return

        await until_signal(search())
        return ids

    async def _search(self, url: str, rows: Collection[RowKey], load_id: str, ids: dict[RowKey, str]) -> None:
        """Make one pass over one list.

        Raises:
            NoReadback: It cannot be read, or no record shows which load it is of: then it cannot show that a
                row was not stored.
        """
        transport = AiohttpTransport(
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            connections=1,  # each page is asked for with the key that the one before it ends with
            proxy=proxy_for(url),
            longest_answer=_LONGEST_PAGE,
        )
        records, shows_load = 0, False
        async with httpx.AsyncClient(transport=transport, follow_redirects=False) as client:
            async for record in self._records(client, url):
                records += 1
                shows_load = shows_load or isinstance(record.get("sys_bulk_load_id"), str)
                key = _row_key(record, load_id, url)
                if key is not None and key in rows:
                    # Should a row be there twice, the first record counts.
                    ids.setdefault(key, _id(record, url))
                # Also true of no rows at all: such a call only asks whether the list exists.
                if len(ids) == len(rows):
                    return
        if records and not shows_load:
            raise _no_readback("readback.no_load_id", url, missing=True)

    async def _records(self, client: httpx.AsyncClient, url: str) -> AsyncIterator[dict[str, Any]]:
        key: str | None = None
        keys: set[str] = set()
        while True:
            # An empty page is not the last one: only a missing key ends the list.
            items, key = _page(await self._ask(client, url, key))
            for item in items:
                if isinstance(item, dict):
                    yield item
            if key is None:
                return
            # Any key, not only the last one: a list may come back to its start after several pages.
            if key in keys:
                raise _no_readback("readback.loop", url)
            keys.add(key)

    async def _ask(self, client: httpx.AsyncClient, url: str, key: str | None) -> httpx.Response:
        retrying = AsyncRetrying(
            sleep=self._sleep,
            wait=self._wait,
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(self._settings.give_up_after),
            retry=retry_if_result(_may_change),
            retry_error_callback=_last,
        )
        answer: httpx.Response | httpx.TransportError | None = await retrying(self._get, client, url, key)
        if isinstance(answer, httpx.Response):
            if answer.is_success:
                return answer
            raise _refused(url, answer)
        raise _no_readback("readback.failed", url, words=one_short_line(str(answer), 200))

    async def _get(
        self, client: httpx.AsyncClient, url: str, key: str | None
    ) -> httpx.Response | httpx.TransportError:
        query = {"fields": FIELDS, **({"exclusiveStartKey": key} if key is not None else {})}
        headers = {
            "authorization": f"Bearer {self._token.current()}",
            "accept": "application/json",
            "user-agent": USER_AGENT,
        }
        # A GET changes nothing, so unlike a POST it is repeated after any failure.
        try:
            return await client.get(url, params=query, headers=headers)
        except httpx.TransportError as error:
            return error

    def _wait(self, state: RetryCallState) -> float:
        answer = state.outcome.result() if state.outcome else None
        if isinstance(answer, httpx.Response):
            seconds = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            if seconds is not None:
                return min(seconds, self._settings.give_up_after)
        return self._chance.uniform(0, min(LONGEST_WAIT, 0.5 * 2.0**state.attempt_number))


def _may_change(answer: httpx.Response | httpx.TransportError) -> bool:
    """Tell whether the next attempt may have another answer."""
    if isinstance(answer, httpx.TransportError):
        return True
    status = answer.status_code
    return status == _THROTTLED or (status >= _SERVER_ERROR and status not in _MISSING)


def _last(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


def _no_readback(code: str, url: str, *, missing: bool = False, **params: JsonValue) -> NoReadback:
    given = {name: value for name, value in params.items() if value != ""}
    return NoReadback(Finding(code, params={"url": url, **given}), missing=missing)


def _refused(url: str, answer: httpx.Response) -> NoReadback:
    status = answer.status_code
    words = one_short_line(server_words(answer.content), 200)
    return _no_readback("readback.refused", url, missing=status in _MISSING, status=status, words=words)


def _page(answer: httpx.Response) -> tuple[list[Any], str | None]:
    """Return the records of a page, and the key of the next; None where there is none."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        raise _no_readback("readback.not_json", str(answer.url)) from None
    if isinstance(body, list):
        return body, None
    items = body.get("Items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise _no_readback("readback.not_list", str(answer.url))
    key = body.get("LastEvaluatedKey")
    if not key or isinstance(key, str):
        return items, key or None
    return items, json.dumps(key, separators=(",", ":"))


def _row_key(record: dict[str, Any], load_id: str, url: str) -> RowKey | None:
    """Return the row that a record was made from; None where it is of another load, or of none.

    Raises:
        NoReadback: It is of this load and does not show which row: no row can be shown not to be stored.
    """
    if record.get("sys_bulk_load_id") != load_id:
        return None
    number, file = record.get("sys_bulk_load_record_no"), record.get("sys_bulk_load_source_file")
    # A service may keep all numbers as floats; to Python, true and false are whole numbers as well.
    whole = not isinstance(number, bool) and (
        isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    )
    if isinstance(file, str) and number is not None and whole:
        return RowKey(file, int(number))
    raise _no_readback("readback.no_record_no", url, missing=True)


def _id(record: dict[str, Any], url: str) -> str:
    """Return the record's id.

    Raises:
        NoReadback: It has none: its row is stored, and nobody knows as what.
    """
    record_id = record.get("id")
    if isinstance(record_id, str) and record_id:
        return record_id
    raise _no_readback("readback.no_id", url, missing=True)
