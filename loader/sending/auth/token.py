"""The bearer token: held so that it is never shown, and never sent where others could read it."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from typing import Final, Protocol
from urllib.parse import urlsplit

from loader.errors import ConfigurationError

_BEARER: Final = re.compile(r"[!-~]+")  # what a header carries unchanged; RFC 6750 allows no more


class TokenSource(Protocol):
    """Where the client gets its bearer token.

    Contract: `current` first and as often as wanted, it does not block. `renew` is called at most once a
    load, by one coroutine, when the service answered 401 to what `current` gave.
    """

    def current(self) -> str:
        """Return the token to send now."""
        ...

    async def renew(self) -> str | None:
        """Get a fresh token, which `current` returns from then on; return None where there is none."""
        ...


class Token:
    """A fixed bearer token: a `TokenSource` without a fresh one.

    Args:
        secret: The token; white space around it is dropped.
        origin: Where it came from, such as `LOADER_TOKEN`, for messages.

    Raises:
        ConfigurationError: It is empty, or holds characters that no token has.
    """

    __slots__ = ("_origin", "_secret")

    def __init__(self, secret: str, *, origin: str = "LOADER_TOKEN") -> None:
        secret = secret.strip()
        if not secret:
            raise ConfigurationError(
                f"{origin}: the token is empty", next_step=f"set {origin} to the bearer token of the service"
            )
        if not _BEARER.fullmatch(secret):
            raise ConfigurationError(
                f"{origin}: spaces, line breaks or characters outside ASCII, which a bearer token never has",
                next_step=f"set {origin} to the token alone, without `Bearer` and without quotes",
            )
        self._secret = secret
        self._origin = origin

    def __repr__(self) -> str:
        return f"Token(origin={self._origin!r})"

    def __reduce__(self) -> str:
        raise TypeError("a token is not written anywhere, so it cannot be pickled or copied")

    def current(self) -> str:
        """Return the token itself."""
        return self._secret

    async def renew(self) -> str | None:
        """Return None: there is no fresh one."""
        return None


class TokenRenewal:
    """The token of one load, renewed once at most: a second 401 means that renewing does not help.

    Args:
        source: The bearer token's source.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = asyncio.Lock()
        self._renewed = False

    def current(self) -> str:
        """Return the token to send now."""
        return self._source.current()

    async def renew(self, refused: str) -> bool:
        """Get a fresh token after a 401; return false where there is none to be had.

        Args:
            refused: The token that was refused. Of many rows that meet a 401 together the first renews it;
                the others find another token than theirs and use it.
        """
        async with self._lock:
            if self._source.current() != refused:
                return True
            fresh = None if self._renewed else await self._source.renew()
            self._renewed = True
            return fresh is not None


def is_loopback(host: str | None) -> bool:
    """Tell whether a URL's host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_transport_safety(base_url: str, *, origin: str = "--base-url") -> None:
    """Make sure that a token sent to this URL cannot be read on the way.

    Args:
        base_url: Where requests go.
        origin: The option or setting that it comes from, for messages.

    Raises:
        ConfigurationError: It is not an http or https URL with a host, it has a user name or password, or it
            is plain HTTP to another machine.
    """
    step = f"set {origin} to a URL like https://host or http://127.0.0.1:8080"
    try:
        parts = urlsplit(base_url)
        host, named_user, _ = parts.hostname, "@" in parts.netloc, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{origin}: this is not a URL: {error}", next_step=step) from None
    if named_user:
        raise ConfigurationError(
            f"{origin}: the URL has a user name or password, which would be written into the journal",
            next_step="leave them out: the service asks for the token only",
        )
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            f"{origin}: {base_url[:60]!r} is not an http or https URL with a host", next_step=step
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{origin}: {base_url[:60]!r} is plain HTTP to another machine, which shows the token on the way",
            next_step=f"use https://{host}",
        )
