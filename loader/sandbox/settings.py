"""How a sandbox behaves: the settings, checked once."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loader.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_TENANT = re.compile(r"[\w.~-]+", re.ASCII)


@dataclass(frozen=True)
class SandboxSettings:
    """How a sandbox behaves.

    Attributes:
        tenants: The tenants that exist; every other one is answered with 404.
        tokens: The bearer tokens that are good, beside those it mints; None: any text is a good token.
        clients: Pairs of client id and secret that may mint a token; None: any pair may.
        rate: Requests a second that are let through before 429; None: no limit.
        burst: Requests that may come at once after a pause; None: one second's worth.
        retry_after: Whether 429 says in `Retry-After` how many seconds to wait.
        latency: Seconds that every answer of the API is held back; the page for people is not.
        page_size: Records on one page of a list.
        body_limit: The largest body taken, in bytes; a larger one is answered with 413.
        store: The SQLite file that keeps the records; None: a temporary one, gone at the end.

    Raises:
        ConfigurationError: A value cannot work.
    """

    tenants: tuple[str, ...] = ("acme",)
    tokens: tuple[str, ...] | None = None
    clients: tuple[tuple[str, str], ...] | None = None
    rate: float | None = None
    burst: int | None = None
    retry_after: bool = True
    latency: float = 0
    page_size: int = 100
    body_limit: int = 1024 * 1024
    store: Path | None = None

    def __post_init__(self) -> None:
        for tenant in self.tenants:
            if not _TENANT.fullmatch(tenant):
                raise _wrong("tenant", repr(tenant), "letters, digits, '_', '-', '.' and '~' only")
        if not self.tenants:
            raise _wrong("tenants", "none", "one at least")
        if self.tokens is not None and not all(self.tokens):
            raise _wrong("tokens", "an empty one", "texts that are not empty")
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise _wrong("rate", self.rate, "requests a second, more than 0")
        if self.burst is not None and self.burst < 1:
            raise _wrong("burst", self.burst, "1 or more requests")
        if not (math.isfinite(self.latency) and self.latency >= 0):
            raise _wrong("latency", self.latency, "seconds, 0 or more")
        if self.page_size < 1:
            raise _wrong("page size", self.page_size, "1 or more records")
        if self.body_limit < 1:
            raise _wrong("body limit", self.body_limit, "1 or more bytes")


def _wrong(what: str, found: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"sandbox: {what}: expected {expected}, found {found}")


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of this machine only: `localhost`, or of 127.0.0.0/8, or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
