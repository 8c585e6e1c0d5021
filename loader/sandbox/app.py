"""The sandbox as an ASGI application: the API and the views over one store."""

from __future__ import annotations

import time
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from loader.sandbox.answers import ErrorResponse, error_answer, failure_answer
from loader.sandbox.api import Api, Surroundings
from loader.sandbox.store import Store
from loader.sandbox.views import Views

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from loader.sandbox.settings import SandboxSettings


def make_app(
    settings: SandboxSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    on_request: Callable[[str], None] | None = None,
) -> Starlette:
    """Return the application; it opens its store at once, and closes it when its server shuts down.

    Args:
        settings: How it behaves, and which record types it serves.
        clock: Seconds of a clock that never goes back; the rate limit, tokens and faults go by it.
        now: The time of day, UTC; records are stamped with it.
        new_id: An id that no record has yet.
        on_request: Called on the event loop with a line for each answer of the API; None: no log.

    Returns:
        The application. Its `state.store` is the open store.

    Raises:
        ConfigurationError: The store cannot be opened, or is not a sandbox's.
    """
    store = Store(settings.store)
    api = Api(settings, store, Surroundings(clock, now, new_id, on_request))
    views = Views(settings, store, api)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    app = Starlette(
        routes=[
            Route("/", views.page, methods=["GET"]),
            Route("/stats", views.stats, methods=["GET"]),
            Route("/_faults", views.faults, methods=["GET", "PUT"]),
            Route("/_records/{type}/{tenant}/{id}", views.record, methods=["GET"]),
        ],
        exception_handlers={ErrorResponse: _refused, HTTPException: _not_allowed, Exception: failure_answer},
        lifespan=lifespan,
    )
    # Not a mount: that would look at the decoded path, and let one with a line break in it past the API.
    app.router.default = api
    app.router.redirect_slashes = False
    app.state.store = store
    return app


def _refused(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, ErrorResponse):
        raise refusal
    return refusal.answer()


def _not_allowed(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return error_answer(error.status_code, error.detail, headers=error.headers)
