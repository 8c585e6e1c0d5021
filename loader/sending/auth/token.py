"""The bearer token: held so that it is never shown, and never sent where others could read it."""

from __future__ import annotations

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
        """The token to send now."""
        ...

    async def renew(self) -> str | None:
        """Gets a fresh token; None where there is none to be had. Afterwards `current` gives it."""
        ...


class Token:
    """A fixed bearer token: a `TokenSource` that has no fresh one.

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
        """The token itself."""
        return self._secret

    async def renew(self) -> str | None:
        """None: there is no fresh one."""
        return None


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_transport_safety(base_url: str, *, origin: str = "--base-url") -> None:
    """Makes sure that a token sent to this URL cannot be read on the way.

    Args:
        base_url: Where requests go.
        origin: The option or setting that it comes from, for messages.

    Raises:
        ConfigurationError: It is no http or https URL with a host, it carries a user name or password, or
            it is plain HTTP to another machine.
    """
    step = f"give {origin} a URL like https://host or http://127.0.0.1:8080"
    try:
        parts = urlsplit(base_url)
        host, named_user, _ = parts.hostname, "@" in parts.netloc, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{origin}: this is no URL: {error}", next_step=step) from None
    if named_user:
        raise ConfigurationError(
            f"{origin}: the URL carries a user name or password, which would be written into the journal",
            next_step="leave them out: the token is all that the service asks for",
        )
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            f"{origin}: {base_url[:60]!r} is no http or https URL with a host", next_step=step
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{origin}: {base_url[:60]!r} is plain HTTP to another machine and shows the token on the way",
            next_step=f"use https://{host}",
        )
