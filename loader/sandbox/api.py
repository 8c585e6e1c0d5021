"""The API itself: what every request is checked for, in order, and what it is answered."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request

from loader.sandbox.answers import ErrorResponse, compact, failure_answer, json_answer, text_answer
from loader.sandbox.contract import ContractViolation, NotValid, read_record
from loader.sandbox.fault_responses import DroppedConnection, disturbed_answer
from loader.sandbox.faults import Faults, source_row
from loader.sandbox.lag import Lag
from loader.sandbox.limits import Bucket
from loader.sandbox.requests import (
    BAD_TOKEN,
    bearer,
    leaves,
    raw_path,
    read_body,
    refuse_method,
    unauthorized,
    wanted_fields,
)
from loader.sandbox.routes import RouteKind, find_route, routes_of
from loader.sandbox.store import StoredRecord, UnknownKey
from loader.sandbox.tokens import NoToken, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from loader.resources import Record
    from loader.sandbox.faults import Fault
    from loader.sandbox.routes import Route
    from loader.sandbox.settings import SandboxSettings
    from loader.sandbox.store import Store

_TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, not a token
_USER = "sandbox"
_REFUSED_READS = {
    "lookups-off": (404, "there is no such lookup"),
    "list-off": (404, "there is no list of all records"),
    "lookups-403": (403, "this token may not read"),
    "lookups-500": (500, "something went wrong"),
}


@dataclass(frozen=True)
class Surroundings:
    """What the API takes from outside, so that tests can give their own.

    Attributes:
        clock: Seconds of a clock that never goes back; limits, tokens and faults go by it.
        now: The time of day, UTC.
        new_id: An id that no record has yet, of letters, digits, `_`, `|` and `-`.
        on_request: Called after each answer with one line: method, path, status, milliseconds.
    """

    clock: Callable[[], float]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    on_request: Callable[[str], None] | None = None


@dataclass(slots=True)
class _Asked:
    """A request, so far as it is known to be good."""

    request: Request
    body: bytes | None
    values: dict[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        return self.values["tenantId"]


class Api:
    """The API as an ASGI application, for the paths of all record types and the token's.

    Args:
        settings: How it behaves.
        store: Where the records are kept.
        surroundings: Clock, time, ids.

    Attributes:
        statuses: How many requests were answered with which status.
        unanswered: How many requests were not answered, by a fault or as their client left.
        faults: The faults that requests meet.
    """

    def __init__(self, settings: SandboxSettings, store: Store, surroundings: Surroundings) -> None:
        self.statuses: Counter[int] = Counter()
        self.unanswered = 0
        self.faults = Faults(settings.faults, settings.fault_seed, surroundings.clock)
        self._settings = settings
        self._store = store
        self._around = surroundings
        self._routes = routes_of()
        self._tokens = Tokens(settings, surroundings.clock)
        self._lag = Lag(settings.fault_lag, surroundings.clock, store.last())
        self._bucket = Bucket(settings.rate, settings.burst, surroundings.clock) if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        started = time.perf_counter()
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            self._count(request, None, started)
            return
        except Exception as error:  # noqa: BLE001 - raised on, it would make the server close the connection
            answer = failure_answer(request, error)
        if self._settings.latency:
            await asyncio.sleep(self._settings.latency)
        self._count(request, None if isinstance(answer, DroppedConnection) else answer.status_code, started)
        await answer(scope, receive, send)

    def _count(self, request: Request, status: int | None, started: float) -> None:
        if status is None:
            self.unanswered += 1
        else:
            self.statuses[status] += 1
        if self._around.on_request:
            spent = (time.perf_counter() - started) * 1000
            self._around.on_request(f"{request.method} {raw_path(request)} {status or '-'} {spent:.1f} ms")

    async def _answer(self, request: Request) -> Response:
        # Read to its end before any check: a connection is fit for the next request only then.
        body = await read_body(request, self._settings.body_limit)
        try:
            if raw_path(request) == _TOKEN_PATH:
                return self._token(request, body)
            return await self._records(_Asked(request, body))
        except ErrorResponse as refusal:
            return refusal.answer()

    def _token(self, request: Request, body: bytes | None) -> Response:
        if request.method != "POST":
            refuse_method(request, ("POST",))
        try:
            granted = self._tokens.grant(b"" if body is None else body)
        except NoToken as refused:
            words = {"error": refused.error, "error_description": refused.description}
            return json_answer(words, status=refused.status, headers={"Cache-Control": "no-store"})
        return json_answer(granted, headers={"Cache-Control": "no-store"})

    async def _records(self, asked: _Asked) -> Response:
        self._authorize(asked.request)
        route = self._find(asked)
        if asked.request.method not in route.methods:
            refuse_method(asked.request, route.methods)
        self._limit()
        if asked.request.method == "POST":
            return await self._create(route.record, asked)
        changes = self._meet_read_faults(route, asked)
        fields = wanted_fields(route, asked.request)
        until = self._seen(asked.request) if "lag" in changes else None
        if route.kind is RouteKind.RECORD:
            return self._one(route.record, asked, fields, until)
        return self._list(route, asked, fields, until, bare="bare-list" in changes)

    def _meet_read_faults(self, route: Route, asked: _Asked) -> frozenset[str]:
        """The faults that change what a GET is answered; refuses it where one does that."""
        request = asked.request
        later_page = bool(request.query_params.get("exclusiveStartKey"))
        # Without ids, which are others in every run.
        about = (asked.tenant, route.record.name_of_type, route.kind, asked.values.get("value"), later_page)
        refusal, changes = self.faults.for_read(
            repr(about), whole=route.kind is RouteKind.RECORDS, later_page=later_page
        )
        if refusal is None:
            return changes
        self.faults.happened(refusal)
        if refusal == "lookups-405":
            refuse_method(request, ("POST",) if route.kind is RouteKind.RECORDS else ())
        status, message = _REFUSED_READS[refusal]
        raise ErrorResponse(status, message)

    def _seen(self, request: Request) -> int | None:
        """The number of the last write that a lagging read sees; None: it sees all."""
        if request.query_params.get("consistentRead") == "true":
            return None
        seen, more = self._lag.seen()
        if more:
            self.faults.happened("lag")
        return seen

    def _authorize(self, request: Request) -> None:
        token = bearer(request)
        if token is not None and self._tokens.accepts(token):
            return
        raise unauthorized("none" if token is None else BAD_TOKEN)

    def _find(self, asked: _Asked) -> Route:
        found = find_route(self._routes, raw_path(asked.request))
        if not found:
            raise ErrorResponse(404, f"there is no path {raw_path(asked.request)[:200]}")
        route, asked.values = found
        if asked.tenant not in self._settings.tenants:
            raise ErrorResponse(404, f"there is no tenant {asked.tenant[:60]!r}")
        return route

    def _limit(self) -> None:
        wait = self._bucket.take() if self._bucket else 0
        if wait:
            # Rounded first: a wait of 2 s that comes out as 2.0000000001 must not become 3.
            seconds = max(1, math.ceil(round(wait, 6)))
            headers = {"Retry-After": str(seconds)} if self._settings.retry_after else None
            raise ErrorResponse(429, "too many requests", headers=headers)

    async def _create(self, record: type[Record], asked: _Asked) -> Response:
        strike = self.faults.for_write(raw_path(asked.request), asked.body or b"")
        if strike and not strike.stores:
            return self._fail(strike, asked.request)
        posted = self._judge(record, asked)
        self._require_references(record, asked.tenant, posted)
        entry = self._entry(record, asked.tenant, posted)
        self._lag.wrote(await self._store.add(entry))
        if strike:
            return await self._disturb(strike, asked.request, entry.body)
        return text_answer(entry.body)

    def _fail(self, strike: Fault, request: Request) -> Response:
        """The answer to a POST that a fault struck before it was stored."""
        self.faults.happened(strike.kind, stored=False)
        if strike.form == "429":
            headers = {"Retry-After": "1"} if strike.retry_after else None
            raise ErrorResponse(429, "too many requests", headers=headers)
        if strike.form == "token-dies":
            self._tokens.kill(bearer(request) or "")
            raise unauthorized(BAD_TOKEN)
        return disturbed_answer(strike, request, "")

    async def _disturb(self, strike: Fault, request: Request, stored: str) -> Response:
        """The answer to a POST that a fault struck after it was stored."""
        if strike.form != "slow":
            self.faults.happened(strike.kind, stored=True)
            return disturbed_answer(strike, request, stored)
        left = await leaves(request, self._settings.fault_slow)
        self.faults.happened(strike.kind, stored=True if left else None)
        if left:
            raise ClientDisconnect
        return text_answer(stored)

    def _judge(self, record: type[Record], asked: _Asked) -> dict[str, Any]:
        """The posted record, if it may be stored."""
        limit = self._settings.body_limit
        if asked.body is None:
            raise ErrorResponse(413, f"the body is larger than {limit} bytes")
        media_type = asked.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            found = repr(media_type[:60]) if media_type else "none"
            raise ErrorResponse(400, f"expected Content-Type: application/json, found {found}")
        try:
            return read_record(record, asked.body)
        except NotValid as refused:
            raise ErrorResponse(400, _summary(record, refused.reasons), reasons=refused.reasons) from None

    def _require_references(self, record: type[Record], tenant: str, posted: dict[str, Any]) -> None:
        reasons = []
        for path, wanted in record.references.items():
            value = _reach(posted, path)
            if value is not None and self._store.get(wanted, tenant, str(value)) is None:
                message = f"no {wanted} with the id {str(value)[:60]!r} is stored in tenant {tenant!r}"
                reasons.append(ContractViolation(path, message))
        if reasons:
            raise ErrorResponse(409, f"{reasons[0].path}: {reasons[0].message}", reasons=reasons)

    def _entry(self, record: type[Record], tenant: str, posted: dict[str, Any]) -> StoredRecord:
        """The record as it is stored, with what the server assigns."""
        now = self._around.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        stored = {"id": self._around.new_id(), **_without(posted, "id")}
        for change in ("created", "last_modified"):
            _give(stored, f"sys_{change}_at", now)
            _give(stored, f"sys_{change}_by_id", _USER)
        stored["sys_version"] = 1
        listed = [(name, _reach(stored, name)) for name in record.listings]
        return StoredRecord(
            type=record.name_of_type,
            tenant=tenant,
            id=stored["id"],
            load=stored.get("sys_bulk_load_id") or "",
            external_id=stored.get("sys_external_id"),
            body=compact(stored),
            listed=tuple((name, str(value)) for name, value in listed if value is not None),
            source_row=source_row(stored),
        )

    def _one(
        self, record: type[Record], asked: _Asked, fields: list[str] | None, until: int | None
    ) -> Response:
        found = self._store.get(record.name_of_type, asked.tenant, asked.values["id"], until=until)
        if found is None:
            shown = asked.values["id"][:60]
            raise ErrorResponse(
                404, f"tenant {asked.tenant!r} has no {record.name_of_type} with the id {shown!r}"
            )
        return text_answer(_pick(found, fields))

    def _list(
        self, route: Route, asked: _Asked, fields: list[str] | None, until: int | None, *, bare: bool
    ) -> Response:
        key = asked.request.query_params.get("exclusiveStartKey") or None
        try:
            page = self._store.page(
                route.record.name_of_type,
                asked.tenant,
                # A bare array has no place for a key, so it has no pages.
                size=None if bare else self._settings.page_size,
                after=key,
                until=until,
                where=(route.field, asked.values["value"]) if route.field else None,
            )
        except UnknownKey:
            reason = ContractViolation(
                "exclusiveStartKey", "expected the LastEvaluatedKey of an earlier page"
            )
            raise ErrorResponse(400, f"{reason.path}: {reason.message}", reasons=[reason]) from None
        items = ",".join(_pick(body, fields) for body in page.bodies)
        if bare:
            self.faults.happened("bare-list")
            return text_answer(f"[{items}]")
        last = f',"LastEvaluatedKey":{compact(page.last)}' if page.last else ""
        return text_answer(f'{{"Count":{len(page.bodies)},"Items":[{items}]{last}}}')


def _pick(body: str, fields: list[str] | None) -> str:
    """A stored record with only these fields; None: as it is."""
    if fields is None:
        return body
    record = json.loads(body)
    return compact({name: record[name] for name in fields if name in record})


def _summary(record: type[Record], reasons: tuple[ContractViolation, ...]) -> str:
    first = f"{reasons[0].path}: {reasons[0].message}" if reasons[0].path else reasons[0].message
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"the {record.name_of_type} is not valid: {first}{more}"


def _reach(value: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in record.items() if each != name}


def _give(record: dict[str, Any], name: str, value: str) -> None:
    if record.get(name) is None:
        record[name] = value
