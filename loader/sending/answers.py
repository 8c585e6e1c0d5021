"""What comes back for a request, before anybody decides what it means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding


class FailureKind(StrEnum):
    """Whether anything of a request may have reached the service."""

    NOT_SENT = "not_sent"
    """No connection, DNS, TLS, pool timeout: nothing of the request left."""
    UNKNOWN = "unknown"
    """Read timeout, connection lost after the first byte, answer cut short or unreadable."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: The HTTP status.
        headers: By name in lower case.
        body: As received, content encodings undone.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """No whole answer came.

    Attributes:
        kind: Whether the request may have arrived.
        finding: What happened: `connection.*` where nothing was sent, `answer.*` where that is unknown.
    """

    kind: FailureKind
    finding: Finding
