"""Answers that a fault spoils: none at all, half of one, or one that tells nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from loader.sandbox.answers import error_answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from loader.sandbox.faults import Fault

CLOSE: Final = "loader.sandbox.close"
"""The ASGI extension by which an answer closes its connection: a function under `close`."""

_PHRASES: Final = {"502": "Bad Gateway", "503": "Service Unavailable", "504": "Gateway Time-out"}


class DroppedConnection(Response):
    """No answer: the connection is closed before its first byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Closes the connection."""
        await _close(scope, receive)


class CutResponse(Response):
    """An answer that breaks off: its head promises the whole body, half of which comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the head and half of the body, then closes the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _close(scope, receive)


async def _close(scope: Scope, receive: Receive) -> None:
    scope["extensions"][CLOSE]["close"]()
    # Till the server has noticed; before that it would answer 500 in place of the answer that is missing.
    while (await receive())["type"] != "http.disconnect":
        pass


def disturbed_answer(strike: Fault, request: Request, stored: str) -> Response:
    """What a POST is answered that met a fault after which its client does not know what was stored.

    Args:
        strike: The fault; neither a 429 nor one of tokens or time.
        request: What was asked.
        stored: The record, as JSON; empty where it was not stored.
    """
    if strike.form == "drop":
        return DroppedConnection()
    if strike.form == "cut":
        return CutResponse(stored.encode(errors="replace"), media_type="application/json")
    if strike.form == "empty":
        return Response(b"", media_type="application/json")
    if strike.form == "garbage":
        page = f"<!doctype html><title>Welcome</title><p>{request.method} was received.</p>"
        return Response(page, media_type="application/json")
    if strike.form == "500":
        return error_answer(500, "something went wrong")
    # A gateway answers for the service, in its own words: HTML.
    phrase = f"{strike.form} {_PHRASES[strike.form]}"
    headers = {"Retry-After": "1"} if strike.retry_after else None
    page = f"<html><head><title>{phrase}</title></head><body><h1>{phrase}</h1></body></html>"
    return Response(page, int(strike.form), headers, "text/html")
