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
from loader.sandbox.fault_responses import DroppedConnection, fault_response
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
    requested_fields,
    unauthorized,
)
from loader.sandbox.routes import RouteKind, find_route, routes_of
from loader.sandbox.store import StoredRecord, UnknownKey
from loader.sandbox.tokens import NoToken, Tokens
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from loader.resources import RecordType
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
        on_request: Called after each answer with a line: method, path, status, milliseconds; None: no log.
    """

    clock: Callable[[], float]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    on_request: Callable[[str], None] | None = None


@dataclass(slots=True)
class _Call:
    """A request to a path of a record type.

    Attributes:
        request: It.
        body: Its body; None where that is larger than the limit.
        values: What its path has in place of the braces; empty until the route is found.
    """

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
        unanswered: How many requests got no answer, because of a fault or because the client left.
        faults: The faults that requests meet.
    """

    def __init__(self, settings: SandboxSettings, store: Store, surroundings: Surroundings) -> None:
        self.statuses: Counter[int] = Counter()
        self.unanswered = 0
        self.faults = Faults(settings.faults, settings.fault_seed, surroundings.clock)
        self._settings = settings
        self._store = store
        self._around = surroundings
        self._routes = routes_of(settings.record_types)
        self._tokens = Tokens(settings, surroundings.clock)
        self._lag = Lag(settings.fault_lag, surroundings.clock, store.last())
        self._bucket = Bucket(settings.rate, settings.burst, surroundings.clock) if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            self._count(request, None, started)
            return
        except Exception as error:  # noqa: BLE001 - not caught, it makes the server close the connection
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
        # Read to its end before any check: only then can the connection carry the next request.
        body = await read_body(request, self._settings.body_limit)
        try:
            if raw_path(request) == _TOKEN_PATH:
                return self._token(request, body)
            return await self._records(_Call(request, body))
        except ErrorResponse as refusal:
            return refusal.answer()

    def _token(self, request: Request, body: bytes | None) -> Response:
        if request.method != "POST":
            refuse_method(request, ("POST",))
        try:
            token = self._tokens.grant(b"" if body is None else body)
        except NoToken as refused:
            reason = {"error": refused.error, "error_description": refused.description}
            return json_answer(reason, status=refused.status, headers={"Cache-Control": "no-store"})
        return json_answer(token, headers={"Cache-Control": "no-store"})

    async def _records(self, call: _Call) -> Response:
        self._authorize(call.request)
        route = self._find(call)
        if call.request.method not in route.methods:
            refuse_method(call.request, route.methods)
        self._limit()
        if call.request.method == "POST":
            return await self._create(route.record_type, call)
        changes = self._meet_read_faults(route, call)
        fields = requested_fields(route, call.request)
        until = self._last_seen(call.request) if "lag" in changes else None
        if route.kind is RouteKind.RECORD:
            return self._one(route.record_type, call, fields, until)
        return self._list(route, call, fields, until, bare="bare-list" in changes)

    def _meet_read_faults(self, route: Route, call: _Call) -> frozenset[str]:
        """Return the faults that change the answer to a GET; refuse it where a fault does that."""
        request = call.request
        later_page = bool(request.query_params.get("exclusiveStartKey"))
        # Without the record's id, which differs in every run: the same seed brings the same faults.
        question = (call.tenant, route.record_type.name, route.kind, call.values.get("value"), later_page)
        refusal, changes = self.faults.for_read(
            repr(question), whole=route.kind is RouteKind.RECORDS, later_page=later_page
        )
        if refusal is None:
            return changes
        self.faults.happened(refusal)
        if refusal == "lookups-405":
            refuse_method(request, ("POST",) if route.kind is RouteKind.RECORDS else ())
        status, message = _REFUSED_READS[refusal]
        raise ErrorResponse(status, message)

    def _last_seen(self, request: Request) -> int | None:
        """The number of the last write that a lagging read sees; None where it sees all."""
        if request.query_params.get("consistentRead") == "true":
            return None
        last, has_unseen = self._lag.seen()
        if has_unseen:
            self.faults.happened("lag")
        return last

    def _authorize(self, request: Request) -> None:
        token = bearer(request)
        if token is not None and self._tokens.accepts(token):
            return
        raise unauthorized("none" if token is None else BAD_TOKEN)

    def _find(self, call: _Call) -> Route:
        match = find_route(self._routes, raw_path(call.request))
        if not match:
            raise ErrorResponse(404, f"there is no path {shorten(raw_path(call.request), 200)}")
        route, call.values = match
        if call.tenant not in self._settings.tenants:
            raise ErrorResponse(404, f"there is no tenant {shorten(call.tenant)!r}")
        return route

    def _limit(self) -> None:
        wait = self._bucket.take() if self._bucket else 0
        if wait:
            # Rounded first: a wait of 2 s that comes out as 2.0000000001 must not become 3.
            seconds = max(1, math.ceil(round(wait, 6)))
            headers = {"Retry-After": str(seconds)} if self._settings.retry_after else None
            raise ErrorResponse(429, "too many requests", headers=headers)

    async def _create(self, record_type: RecordType, call: _Call) -> Response:
        fault = self.faults.for_write(raw_path(call.request), call.body or b"")
        if fault and not fault.stores:
            return self._answer_not_stored(fault, call.request)
        posted = self._read(record_type, call)
        self._require_references(record_type, call.tenant, posted)
        entry = self._entry(record_type, call.tenant, posted)
        self._lag.wrote(await self._store.add(entry))
        if fault:
            return await self._answer_stored(fault, call.request, entry.body)
        return text_answer(entry.body)

    def _answer_not_stored(self, fault: Fault, request: Request) -> Response:
        """The answer to a POST that a fault met before it was stored."""
        self.faults.happened(fault.kind, stored=False)
        if fault.form == "429":
            headers = {"Retry-After": "1"} if fault.retry_after else None
            raise ErrorResponse(429, "too many requests", headers=headers)
        if fault.form == "token-dies":
            self._tokens.kill(bearer(request) or "")
            raise unauthorized(BAD_TOKEN)
        return fault_response(fault, request, "")

    async def _answer_stored(self, fault: Fault, request: Request, stored: str) -> Response:
        """The answer to a POST that a fault met after it was stored."""
        if fault.form != "slow":
            self.faults.happened(fault.kind, stored=True)
            return fault_response(fault, request, stored)
        # A client that waits long enough learns that its record is stored: then nothing is in doubt.
        has_left = await leaves(request, self._settings.fault_slow)
        self.faults.happened(fault.kind, stored=True if has_left else None)
        if has_left:
            raise ClientDisconnect
        return text_answer(stored)

    def _read(self, record_type: RecordType, call: _Call) -> dict[str, Any]:
        """The posted record, if it may be stored."""
        limit = self._settings.body_limit
        if call.body is None:
            raise ErrorResponse(413, f"the body is larger than {limit} bytes")
        media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            actual = repr(shorten(media_type)) if media_type else "none"
            raise ErrorResponse(400, f"expected Content-Type: application/json, found {actual}")
        try:
            return read_record(record_type, call.body)
        except NotValid as refused:
            raise ErrorResponse(
                400, _summary(record_type, refused.reasons), reasons=refused.reasons
            ) from None

    def _require_references(self, record_type: RecordType, tenant: str, posted: dict[str, Any]) -> None:
        reasons = []
        for path, other_type in record_type.references.items():
            value = _value_at(posted, path)
            if value is not None and self._store.get(other_type, tenant, str(value)) is None:
                message = (
                    f"no {other_type} with the id {shorten(str(value))!r} is stored in tenant {tenant!r}"
                )
                reasons.append(ContractViolation(path, message))
        if reasons:
            raise ErrorResponse(409, f"{reasons[0].path}: {reasons[0].message}", reasons=reasons)

    def _entry(self, record_type: RecordType, tenant: str, posted: dict[str, Any]) -> StoredRecord:
        """The record as it is stored, with what the server assigns."""
        now = self._around.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        stored: dict[str, Any] = {"id": None, **posted}  # the id comes first, as in the service's answers
        stored["id"] = self._around.new_id()
        for change in ("created", "last_modified"):
            _fill(stored, f"sys_{change}_at", now)
            _fill(stored, f"sys_{change}_by_id", _USER)
        stored["sys_version"] = 1
        listed = [(name, _value_at(stored, name)) for name in record_type.listings]
        return StoredRecord(
            type=record_type.name,
            tenant=tenant,
            id=stored["id"],
            load=stored.get("sys_bulk_load_id") or "",
            external_id=stored.get("sys_external_id"),
            body=compact(stored),
            listed=tuple((name, str(value)) for name, value in listed if value is not None),
            source_row=source_row(stored),
        )

    def _one(
        self, record_type: RecordType, call: _Call, fields: list[str] | None, until: int | None
    ) -> Response:
        stored = self._store.get(record_type.name, call.tenant, call.values["id"], until=until)
        if stored is None:
            shown = shorten(call.values["id"])
            raise ErrorResponse(
                404, f"tenant {call.tenant!r} has no {record_type.name} with the id {shown!r}"
            )
        return text_answer(_pick(stored, fields))

    def _list(
        self, route: Route, call: _Call, fields: list[str] | None, until: int | None, *, bare: bool
    ) -> Response:
        key = call.request.query_params.get("exclusiveStartKey") or None
        try:
            page = self._store.page(
                route.record_type.name,
                call.tenant,
                # A bare array has no place for a key, so it has no pages.
                size=None if bare else self._settings.page_size,
                after=key,
                until=until,
                where=(route.field, call.values["value"]) if route.field else None,
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
    """Return a stored record with only these fields; None: as it is."""
    if fields is None:
        return body
    record = json.loads(body)
    return compact({name: record[name] for name in fields if name in record})


def _summary(record_type: RecordType, reasons: tuple[ContractViolation, ...]) -> str:
    first = f"{reasons[0].path}: {reasons[0].message}" if reasons[0].path else reasons[0].message
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"the {record_type.name} is not valid: {first}{more}"


def _value_at(value: Any, path: str) -> Any:
    """Return the value at a dotted path; None where there is none."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _fill(record: dict[str, Any], name: str, value: str) -> None:
    if record.get(name) is None:
        record[name] = value
