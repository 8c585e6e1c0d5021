"""The API itself: what every request is checked for, in order, and what it is answered."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from loader.resources.base import nearest
from loader.sandbox.answers import Refusal, compact, failure_answer, json_answer, text_answer
from loader.sandbox.contract import NotValid, Reason, read_record
from loader.sandbox.limits import Bucket
from loader.sandbox.routes import Kind, find_route, routes_of
from loader.sandbox.store import Entry, UnknownKey
from loader.sandbox.tokens import NoToken, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from loader.resources import Record
    from loader.sandbox.routes import Route
    from loader.sandbox.settings import SandboxSettings
    from loader.sandbox.store import Store

_TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, not a token
_USER = "sandbox"
_PARAMETERS = {
    Kind.RECORDS: ("fields", "exclusiveStartKey"),
    Kind.LISTING: ("fields", "exclusiveStartKey"),
    Kind.RECORD: ("fields", "consistentRead"),
}


@dataclass(frozen=True)
class Surroundings:
    """What the API takes from outside, so that tests can give their own.

    Attributes:
        clock: Seconds of a clock that never goes back; limits and tokens go by it.
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
    """

    def __init__(self, settings: SandboxSettings, store: Store, surroundings: Surroundings) -> None:
        self.statuses: Counter[int] = Counter()
        self._settings = settings
        self._store = store
        self._around = surroundings
        self._routes = routes_of()
        self._tokens = Tokens(settings, surroundings.clock)
        self._bucket = Bucket(settings.rate, settings.burst, surroundings.clock) if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        started = time.perf_counter()
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - raised on, it would make the server close the connection
            answer = failure_answer(request, error)
        if self._settings.latency:
            await asyncio.sleep(self._settings.latency)
        self._count(request, answer.status_code, started)
        await answer(scope, receive, send)

    def _count(self, request: Request, status: int, started: float) -> None:
        self.statuses[status] += 1
        if self._around.on_request:
            spent = (time.perf_counter() - started) * 1000
            self._around.on_request(f"{request.method} {_raw_path(request)} {status} {spent:.1f} ms")

    async def _answer(self, request: Request) -> Response:
        # Read to its end before any check: a connection is fit for the next request only then.
        body = await _read(request, self._settings.body_limit)
        try:
            if _raw_path(request) == _TOKEN_PATH:
                return self._token(request, body)
            return await self._records(_Asked(request, body))
        except Refusal as refusal:
            return refusal.answer()

    def _token(self, request: Request, body: bytes | None) -> Response:
        if request.method != "POST":
            _refuse_method(request, ("POST",))
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
            _refuse_method(asked.request, route.methods)
        self._limit()
        if asked.request.method == "POST":
            return await self._create(route.record, asked)
        fields = _fields(route, asked.request)
        if route.kind is Kind.RECORD:
            return self._one(route.record, asked, fields)
        return self._list(route, asked, fields)

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._tokens.accepts(token.strip()):
            return
        found = "a token that is not good" if scheme.lower() == "bearer" else "none"
        raise Refusal(
            401,
            f"unauthorized: expected Authorization: Bearer TOKEN with a good token, found {found}",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _find(self, asked: _Asked) -> Route:
        found = find_route(self._routes, _raw_path(asked.request))
        if not found:
            raise Refusal(404, f"there is no path {_raw_path(asked.request)[:200]}")
        route, asked.values = found
        if asked.tenant not in self._settings.tenants:
            raise Refusal(404, f"there is no tenant {asked.tenant[:60]!r}")
        return route

    def _limit(self) -> None:
        wait = self._bucket.take() if self._bucket else 0
        if wait:
            # Rounded first: a wait of 2 s that comes out as 2.0000000001 must not become 3.
            seconds = max(1, math.ceil(round(wait, 6)))
            headers = {"Retry-After": str(seconds)} if self._settings.retry_after else None
            raise Refusal(429, "too many requests", headers=headers)

    async def _create(self, record: type[Record], asked: _Asked) -> Response:
        posted = self._judge(record, asked)
        self._require_references(record, asked.tenant, posted)
        entry = self._entry(record, asked.tenant, posted)
        await self._store.add(entry)
        return text_answer(entry.body)

    def _judge(self, record: type[Record], asked: _Asked) -> dict[str, Any]:
        """The posted record, if it may be stored."""
        limit = self._settings.body_limit
        if asked.body is None:
            raise Refusal(413, f"the body is larger than {limit} bytes")
        media_type = asked.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            found = repr(media_type[:60]) if media_type else "none"
            raise Refusal(400, f"expected Content-Type: application/json, found {found}")
        try:
            return read_record(record, asked.body)
        except NotValid as refused:
            raise Refusal(400, _summary(record, refused.reasons), reasons=refused.reasons) from None

    def _require_references(self, record: type[Record], tenant: str, posted: dict[str, Any]) -> None:
        reasons = []
        for path, wanted in record.references.items():
            value = _reach(posted, path)
            if value is not None and self._store.get(wanted, tenant, str(value)) is None:
                message = f"no {wanted} with the id {str(value)[:60]!r} is stored in tenant {tenant!r}"
                reasons.append(Reason(path, message))
        if reasons:
            raise Refusal(409, f"{reasons[0].path}: {reasons[0].message}", reasons=reasons)

    def _entry(self, record: type[Record], tenant: str, posted: dict[str, Any]) -> Entry:
        """The record as it is stored, with what the server assigns."""
        now = self._around.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        stored = {"id": self._around.new_id(), **_without(posted, "id")}
        for change in ("created", "last_modified"):
            _give(stored, f"sys_{change}_at", now)
            _give(stored, f"sys_{change}_by_id", _USER)
        stored["sys_version"] = 1
        listed = [(name, _reach(stored, name)) for name in record.listings]
        return Entry(
            type=record.name_of_type,
            tenant=tenant,
            id=stored["id"],
            load=stored.get("sys_bulk_load_id") or "",
            external_id=stored.get("sys_external_id"),
            body=compact(stored),
            listed=tuple((name, str(value)) for name, value in listed if value is not None),
        )

    def _one(self, record: type[Record], asked: _Asked, fields: list[str] | None) -> Response:
        found = self._store.get(record.name_of_type, asked.tenant, asked.values["id"])
        if found is None:
            shown = asked.values["id"][:60]
            raise Refusal(404, f"tenant {asked.tenant!r} has no {record.name_of_type} with the id {shown!r}")
        return text_answer(_pick(found, fields))

    def _list(self, route: Route, asked: _Asked, fields: list[str] | None) -> Response:
        key = asked.request.query_params.get("exclusiveStartKey") or None
        try:
            page = self._store.page(
                route.record.name_of_type,
                asked.tenant,
                size=self._settings.page_size,
                after=key,
                where=(route.field, asked.values["value"]) if route.field else None,
            )
        except UnknownKey:
            reason = Reason("exclusiveStartKey", "expected the LastEvaluatedKey of an earlier page")
            raise Refusal(400, f"{reason.path}: {reason.message}", reasons=[reason]) from None
        items = ",".join(_pick(body, fields) for body in page.bodies)
        last = f',"LastEvaluatedKey":{compact(page.last)}' if page.last else ""
        return text_answer(f'{{"Count":{len(page.bodies)},"Items":[{items}]{last}}}')


async def _read(request: Request, limit: int) -> bytes | None:
    """The request's body; None where it is larger than the limit."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    return b"".join(parts) if size <= limit else None


def _raw_path(request: Request) -> str:
    """The path as it was sent, percent-encoded, so that a slash in a value is not one of the path."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("ascii", errors="replace")


def _refuse_method(request: Request, allowed: tuple[str, ...]) -> NoReturn:
    raise Refusal(
        405,
        f"{request.method} is not allowed here: {', '.join(allowed)}",
        headers={"Allow": ", ".join(allowed)},
    )


def _fields(route: Route, request: Request) -> list[str] | None:
    """The fields asked for; None: all. Refuses parameters and fields that are not known."""
    reasons = [
        Reason(name, f"unknown parameter; expected one of {', '.join(_PARAMETERS[route.kind])}")
        for name in request.query_params
        if name not in _PARAMETERS[route.kind]
    ]
    if request.query_params.get("consistentRead", "true") not in {"true", "false"}:
        reasons.append(Reason("consistentRead", "expected true or false"))
    asked = [name for name in request.query_params.get("fields", "").split(",") if name]
    known = list(route.record.model_fields)
    for name in asked:
        if name not in known:
            meant = nearest(name, known)
            hint = f"; did you mean {meant!r}?" if meant else ""
            reasons.append(Reason("fields", f"unknown field {name[:60]!r}{hint}"))
    if reasons:
        raise Refusal(400, f"{reasons[0].path}: {reasons[0].message}", reasons=reasons)
    return asked or None


def _pick(body: str, fields: list[str] | None) -> str:
    """A stored record with only these fields; None: as it is."""
    if fields is None:
        return body
    record = json.loads(body)
    return compact({name: record[name] for name in fields if name in record})


def _summary(record: type[Record], reasons: tuple[Reason, ...]) -> str:
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
