"""What an answer means: the table of the guarantees as one pure function.

The rule behind every line: a row may be sent again only where it is certain that nothing was stored, and
whatever leaves a doubt is in doubt. Statuses that the API does not document are read by RFC 9110,
section 15, and by who is known to send them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORDS_LIMIT: Final = 500
"""Characters kept of what a service says about a row."""

_ID: Final = re.compile(r"[\w|-]+")
_STORED: Final = frozenset({200, 201})
_UNKNOWN_4XX: Final = {
    408: "the service gave up waiting for the request",
    425: "the service did not want to risk an early request",
    460: "a load balancer lost its connection",
    499: "a proxy lost its connection",
}
_FORBIDDEN: Final = {
    402: "payment is required",
    403: "the token may not do this",
    407: "a proxy wants to know who is calling",
    451: "this may not be given out for legal reasons",
}
_NOT_FOUND: Final = {
    404: "no such tenant or path",
    405: "nothing can be posted to this path",
    406: "the service does not answer in JSON",
    410: "this path is gone",
    411: "the service wants a length that was sent: something in between drops it",
    414: "the address is too long",
    415: "the service does not take JSON",
    421: "this host does not serve that address",
    426: "the service wants another protocol",
    428: "the service wants a conditional request",
    431: "the headers are too long: is the token what it should be?",
}


class FailureKind(StrEnum):
    """Whether anything of a request may have reached the service."""

    NOT_SENT = "not_sent"
    """No connection, DNS, TLS, pool timeout: nothing of the request left."""
    UNKNOWN = "unknown"
    """Read timeout, connection lost after the first byte, answer cut short or unreadable."""


class VerdictKind(StrEnum):
    """What an answer means for its row, or for the whole load."""

    CREATED = "created"
    IN_DOUBT = "in_doubt"
    """It may be stored: never sent again before a lookup."""
    REFUSED = "refused"
    """Not stored, and never will be as it is."""
    DANGLING = "dangling"
    """Not stored: it refers to something that is not there; it may succeed later."""
    TOKEN = "token"  # noqa: S105 - a name, not a secret
    """Not stored: the token is no good."""
    FORBIDDEN = "forbidden"
    """Not stored, and no other row would be: no permission."""
    NOT_FOUND = "not_found"
    """Not stored, and no other row would be: no such tenant or path, or not the service that is meant."""
    THROTTLED = "throttled"
    """Not stored: too many requests; to be sent again later."""
    NOT_STORED = "not_stored"
    """Certainly not stored; it may be sent again."""


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
        detail: What happened, for people; no secrets.
    """

    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True)
class ResponseVerdict:
    """What came of one request.

    Attributes:
        kind: What it means.
        id: The new record's id, for CREATED; else None.
        message: The service's words, or what went wrong; empty for CREATED.
    """

    kind: VerdictKind
    id: str | None = None
    message: str = ""


def classify_response(answer: Answer | Failure) -> ResponseVerdict:
    """Says what an answer, or the lack of one, means.

    Args:
        answer: What came back for one POST.

    Returns:
        The verdict; anything that is not known to mean "not stored" or "stored under this id" is IN_DOUBT.
    """
    if isinstance(answer, Failure):
        unsent = answer.kind is FailureKind.NOT_SENT
        return ResponseVerdict(
            VerdictKind.NOT_STORED if unsent else VerdictKind.IN_DOUBT, message=answer.detail
        )
    if answer.status in _STORED:
        return _stored(answer)
    kind = _kind(answer.status)
    return ResponseVerdict(kind, message=_message(answer))


def _stored(answer: Answer) -> ResponseVerdict:
    document = _json(answer.body)
    if not isinstance(document, dict):
        return ResponseVerdict(
            VerdictKind.IN_DOUBT, message=f"stored, but the answer is no JSON object: {_found(answer)}"
        )
    found = document.get("id")
    if isinstance(found, str) and _ID.fullmatch(found):
        return ResponseVerdict(VerdictKind.CREATED, id=found)
    if "id" not in document:
        return ResponseVerdict(VerdictKind.IN_DOUBT, message="stored, but the answer has no id")
    shown = cut(json.dumps(found, ensure_ascii=False), 60)
    return ResponseVerdict(VerdictKind.IN_DOUBT, message=f"stored, but the answer's id is not one: {shown}")


_EXACT: Final = {
    401: VerdictKind.TOKEN,
    409: VerdictKind.DANGLING,
    429: VerdictKind.THROTTLED,
    **dict.fromkeys(_FORBIDDEN, VerdictKind.FORBIDDEN),
    **dict.fromkeys(_NOT_FOUND, VerdictKind.NOT_FOUND),
    **dict.fromkeys(_UNKNOWN_4XX, VerdictKind.IN_DOUBT),
}


def _kind(status: int) -> VerdictKind:
    if status in _EXACT:
        return _EXACT[status]
    if 300 <= status < 400:  # noqa: PLR2004 - a class of statuses
        return VerdictKind.NOT_FOUND  # never followed: a POST must not end where nobody sent it
    if 400 <= status < 500:  # noqa: PLR2004 - RFC 9110, 15.5: an unknown 4xx is read as 400
        return VerdictKind.REFUSED
    return VerdictKind.IN_DOUBT


def _message(answer: Answer) -> str:
    status = answer.status
    meaning = _FORBIDDEN.get(status) or _NOT_FOUND.get(status) or _UNKNOWN_4XX.get(status) or ""
    if 300 <= status < 400:  # noqa: PLR2004 - a class of statuses
        place = cut(answer.headers.get("location", "somewhere else"), 200)
        meaning = f"the service sends the loader on to {place}, and redirects are not followed"
    said = words(answer.body)
    return ": ".join(part for part in (f"HTTP {status}", meaning, said) if part)


def words(body: bytes) -> str:
    """The reason in an answer's body, for people.

    Args:
        body: JSON with `message`, `error`, `errors` or `detail` (text, lists or objects of them), or any
            text.

    Returns:
        One line of at most `WORDS_LIMIT` characters; empty where the body says nothing.
    """
    document = _json(body)
    found = list(_reasons(document)) if document is not None else []
    text = "; ".join(dict.fromkeys(found)) if found else body[: 8 * WORDS_LIMIT].decode("utf-8", "replace")
    return cut(text, WORDS_LIMIT)


_REASON_KEYS: Final = (
    "message",
    "Message",
    "error",
    "error_description",
    "errors",
    "detail",
    "details",
    "title",
)
_PLACE_KEYS: Final = ("field", "path", "loc", "instancePath", "pointer")


def _reasons(document: Any, depth: int = 0) -> Iterator[str]:
    """The texts under the usual keys, in order; `field: message` where an object names its field."""
    if isinstance(document, str):
        yield " ".join(document.split())
    elif isinstance(document, list) and depth < 5:  # noqa: PLR2004 - deep enough for any error format
        for item in document:
            yield from _reasons(item, depth + 1)
    elif isinstance(document, dict) and depth < 5:  # noqa: PLR2004 - likewise
        place = _place(document)
        told = [
            reason for key in _REASON_KEYS if key in document for reason in _reasons(document[key], depth + 1)
        ]
        if not told and depth:
            told = [
                f"{key}: {text}" for key, value in document.items() for text in _reasons(value, depth + 1)
            ]
            place = ""
        yield from (f"{place}: {reason}" if place else reason for reason in told if reason)


def _place(document: dict[str, Any]) -> str:
    for key in _PLACE_KEYS:
        value = document.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return ".".join(str(part) for part in value)
    return ""


def _json(body: bytes) -> Any:
    """The JSON value of a body; None where it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _found(answer: Answer) -> str:
    return cut(answer.body[:400].decode("utf-8", "replace"), 60) or "it is empty"


def cut(text: str, limit: int) -> str:
    """The text on one line, white space folded, unprintable characters left out, at most `limit` long."""
    folded = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"
