"""How a sandbox behaves: the settings, checked once."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loader.errors import ConfigurationError
from loader.resources import BUILT_IN
from loader.sandbox.faults import check_faults

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loader.resources import RecordTypes

_TENANT = re.compile(r"[\w.~-]+", re.ASCII)


@dataclass(frozen=True)
class SandboxSettings:
    """How a sandbox behaves.

    Attributes:
        record_types: The record types that it serves.
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
        faults: The probability, 0 to 1, of each kind of fault (`loader.sandbox.faults.KINDS`) that is set
            from the start.
        fault_seed: What the dice of the faults are seeded with.
        fault_slow: Seconds that an answer is held back by the fault `slow`.
        fault_lag: Seconds that a write stays unseen by reads with the fault `lag`.

    Raises:
        ConfigurationError: A value cannot work.
    """

    record_types: RecordTypes = field(default_factory=lambda: BUILT_IN, hash=False)
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
    faults: Mapping[str, float] = field(default_factory=dict, hash=False)
    fault_seed: int = 0
    fault_slow: float = 90
    fault_lag: float = 3

    def __post_init__(self) -> None:
        check_faults(self.faults)
        self._check_names()
        self._check_limits()
        for name in ("latency", "fault_slow", "fault_lag"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds >= 0):
                raise _wrong(name.replace("_", " "), seconds, "seconds, 0 or more")

    def _check_names(self) -> None:
        for tenant in self.tenants:
            if not _TENANT.fullmatch(tenant):
                raise _wrong("tenant", repr(tenant), "letters, digits, '_', '-', '.' and '~' only")
        if not self.tenants:
            raise _wrong("tenants", "none", "at least one")
        if self.tokens is not None and not all(self.tokens):
            raise _wrong("tokens", "an empty one", "texts that are not empty")

    def _check_limits(self) -> None:
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise _wrong("rate", self.rate, "requests a second, more than 0")
        if self.burst is not None and self.burst < 1:
            raise _wrong("burst", self.burst, "1 or more requests")
        if self.page_size < 1:
            raise _wrong("page size", self.page_size, "1 or more records")
        if self.body_limit < 1:
            raise _wrong("body limit", self.body_limit, "1 or more bytes")


def _wrong(setting: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"sandbox: {setting}: expected {expected}, found {value}")


def is_loopback(host: str) -> bool:
    """Return whether `host` is an address of this machine only: `localhost`, or of 127.0.0.0/8, or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
