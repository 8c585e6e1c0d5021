"""Answers that a fault spoils: none at all, half of one, or one that says nothing about the record."""

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
        """Close the connection."""
        await _close(scope, receive)


class CutResponse(Response):
    """An answer that breaks off: its head promises the whole body, half of which comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half of the body, then close the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _close(scope, receive)


async def _close(scope: Scope, receive: Receive) -> None:
    scope["extensions"][CLOSE]["close"]()
    # Wait until the server notices: an application that returns without an answer makes it send 500.
    while (await receive())["type"] != "http.disconnect":
        pass


def fault_response(fault: Fault, request: Request, stored: str) -> Response:
    """Return the answer to a POST with a fault that leaves its client in doubt whether it was stored.

    Args:
        fault: Neither a 429 nor one of tokens or time.
        request: The POST.
        stored: The record, as JSON; empty where it was not stored.
    """
    if fault.form == "drop":
        return DroppedConnection()
    if fault.form == "cut":
        return CutResponse(stored.encode(errors="replace"), media_type="application/json")
    if fault.form == "empty":
        return Response(b"", media_type="application/json")
    if fault.form == "garbage":
        page = f"<!doctype html><title>Welcome</title><p>{request.method} was received.</p>"
        return Response(page, media_type="application/json")
    if fault.form == "500":
        return error_answer(500, "something went wrong")
    # A gateway answers in place of the service, with a page of its own.
    phrase = f"{fault.form} {_PHRASES[fault.form]}"
    headers = {"Retry-After": "1"} if fault.retry_after else None
    page = f"<html><head><title>{phrase}</title></head><body><h1>{phrase}</h1></body></html>"
    return Response(page, int(fault.form), headers, "text/html")
