"""What a request asks for, as it was sent: its body, path, token, method and parameters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn

from loader.sandbox.answers import ErrorResponse
from loader.sandbox.contract import ContractViolation
from loader.sandbox.routes import RouteKind
from loader.text import did_you_mean, shorten

if TYPE_CHECKING:
    from starlette.requests import Request

    from loader.sandbox.routes import Route

BAD_TOKEN: Final = "a token that is not good"  # noqa: S105 - words, not a token

_PARAMETERS = {
    RouteKind.RECORDS: ("fields", "exclusiveStartKey"),
    RouteKind.LISTING: ("fields", "exclusiveStartKey"),
    RouteKind.RECORD: ("fields", "consistentRead"),
}


async def read_body(request: Request, limit: int) -> bytes | None:
    """Return the request's body, read to its end; None where it is larger than the limit."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    return b"".join(parts) if size <= limit else None


async def leaves(request: Request, seconds: float) -> bool:
    """Wait so many seconds; return whether the client closed its connection, as soon as it does."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def raw_path(request: Request) -> str:
    """Return the path as it was sent, percent-encoded: a slash in a value is not one of the path."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("ascii", errors="replace")


def bearer(request: Request) -> str | None:
    """Return the bearer token, which may be empty; None where the request has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def unauthorized(problem: str) -> ErrorResponse:
    """Return 401, with what was found in place of a good token."""
    return ErrorResponse(
        401,
        f"unauthorized: expected Authorization: Bearer TOKEN with a good token, found {problem}",
        headers={"WWW-Authenticate": "Bearer"},
    )


def refuse_method(request: Request, allowed: tuple[str, ...]) -> NoReturn:
    """Raise 405, with the methods that the path takes."""
    raise ErrorResponse(
        405,
        f"{request.method} is not allowed here: {', '.join(allowed) or 'no method is'}",
        headers={"Allow": ", ".join(allowed)},
    )


def requested_fields(route: Route, request: Request) -> list[str] | None:
    """Return the fields asked for; None for all.

    Raises:
        ErrorResponse: A parameter or a field is not known.
    """
    reasons = [
        ContractViolation(name, f"unknown parameter; expected one of {', '.join(_PARAMETERS[route.kind])}")
        for name in request.query_params
        if name not in _PARAMETERS[route.kind]
    ]
    if request.query_params.get("consistentRead", "true") not in {"true", "false"}:
        reasons.append(ContractViolation("consistentRead", "expected true or false"))
    names = [name for name in request.query_params.get("fields", "").split(",") if name]
    known = route.record_type.fields
    reasons += [
        ContractViolation("fields", f"unknown field {shorten(name)!r}{did_you_mean(name, known)}")
        for name in names
        if name not in known
    ]
    if reasons:
        raise ErrorResponse(400, f"{reasons[0].path}: {reasons[0].message}", reasons=reasons)
    return names or None
