"""Bearer tokens: which are good, and the OAuth 2.0 client-credentials grant that mints them."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from loader.sandbox.settings import SandboxSettings

LIFETIME: Final = 86_400
"""Seconds that a minted token is good for."""

_PARAMETERS = ("grant_type", "client_id", "client_secret", "audience")


class NoToken(Exception):  # noqa: N818 - an answer of the grant, not a failure of the sandbox
    """The grant is refused, with an error of RFC 6749, section 5.2, as Auth0 uses them.

    Args:
        status: The answer's status.
        error: The error's code.
        description: What is wrong.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


class Tokens:
    """The tokens that are good.

    Args:
        settings: Which tokens and clients are good from the start.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(self, settings: SandboxSettings, clock: Callable[[], float]) -> None:
        self._good = settings.tokens
        self._clients = settings.clients
        self._clock = clock
        self._minted: dict[str, float] = {}
        self._dead: set[str] = set()

    def accepts(self, token: str) -> bool:
        """Return whether the token is good; one that was minted here is until it expires."""
        if token in self._dead:
            return False
        expires_at = self._minted.get(token)
        if expires_at is not None:
            return self._clock() < expires_at
        return bool(token) and (self._good is None or token in self._good)

    def kill(self, token: str) -> None:
        """Refuse a token from now on, as long as the sandbox runs, be it minted here or not."""
        self._dead.add(token)

    def grant(self, body: bytes) -> dict[str, Any]:
        """Mint a token; return the answer to the request for it.

        Args:
            body: A JSON object with `grant_type`, `client_id`, `client_secret` and `audience`.

        Raises:
            NoToken: A parameter is missing, the grant type is another, or the client is unknown.
        """
        parameters = _parameters(body)
        if parameters["grant_type"] != "client_credentials":
            raise NoToken(400, "unsupported_grant_type", "expected the grant_type client_credentials")
        client = (parameters["client_id"], parameters["client_secret"])
        if self._clients is not None and client not in self._clients:
            raise NoToken(401, "access_denied", "Unauthorized")
        token = secrets.token_urlsafe(32)
        self._minted[token] = self._clock() + LIFETIME
        return {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME}


def _parameters(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise NoToken(400, "invalid_request", "expected a JSON object") from None
    if not isinstance(value, dict):
        raise NoToken(400, "invalid_request", "expected a JSON object")
    parameters = {name: value.get(name) for name in _PARAMETERS}
    missing = [name for name, text in parameters.items() if not isinstance(text, str) or not text]
    if missing:
        raise NoToken(400, "invalid_request", f"Missing required parameter: {', '.join(missing)}")
    return {name: str(text) for name, text in parameters.items()}
