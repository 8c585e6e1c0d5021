"""What an answer means: the table of the guarantees as one pure function.

The rule behind every entry: a row may be sent again only where it is certain that nothing was stored, and
whatever leaves a doubt is in doubt. Statuses that the API does not document are read by RFC 9110,
section 15, and by who is known to send them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from loader.findings import Finding
from loader.sending.answers import Answer, Failure, FailureKind
from loader.sending.server_words import one_short_line, read_json, server_words

if TYPE_CHECKING:
    from loader.findings import JsonValue

_ID: Final = re.compile(r"[\w|-]+")
_STORED: Final = frozenset({200, 201})
_SHOWN: Final = 60  # characters of an answer that is not what it should be


class VerdictKind(StrEnum):
    """What an answer means for its row, or for the whole load."""

    CREATED = "created"
    IN_DOUBT = "in_doubt"
    """It may be stored: never sent again before a readback."""
    REFUSED = "refused"
    """Not stored, and never will be as it is."""
    MISSING_REFERENCE = "missing_reference"
    """Not stored: it refers to something that is not there; it may succeed later."""
    TOKEN = "token"  # noqa: S105 - a name, not a secret
    """Not stored: the token is not valid."""
    FORBIDDEN = "forbidden"
    """Not stored, and no other row would be: no permission."""
    NOT_FOUND = "not_found"
    """Not stored, and no other row would be: no such tenant or path, or not the service that is meant."""
    THROTTLED = "throttled"
    """Not stored: too many requests; to be sent again later."""
    NOT_STORED = "not_stored"
    """Certainly not stored; it may be sent again."""


@dataclass(frozen=True, slots=True)
class ResponseVerdict:
    """What came of one request.

    Attributes:
        kind: What it means.
        id: The new record's id, for CREATED; else None.
        finding: What the service answered, or what went wrong; None for CREATED.
    """

    kind: VerdictKind
    id: str | None = None
    finding: Finding | None = None


_MEANING: Final[dict[int, tuple[VerdictKind, str]]] = {
    401: (VerdictKind.TOKEN, "answer.token_refused"),
    409: (VerdictKind.MISSING_REFERENCE, "answer.missing_reference"),
    429: (VerdictKind.THROTTLED, "answer.throttled"),
    # Payment, permission, a proxy's login, legal reasons: no other row would fare better.
    **dict.fromkeys((402, 403, 407, 451), (VerdictKind.FORBIDDEN, "answer.forbidden")),
    # These answer the address or the headers, which are the same for every row.
    **dict.fromkeys(
        (404, 405, 406, 410, 411, 414, 415, 421, 426, 428, 431), (VerdictKind.NOT_FOUND, "answer.not_found")
    ),
    # 408 and 425 may come from something in between while the service works on; 460 is AWS's load balancer
    # and 499 nginx, when the connection was lost in progress.
    **dict.fromkeys((408, 425, 460, 499), (VerdictKind.IN_DOUBT, "answer.request_lost")),
}
"""What each status means that is not read by its class."""


def classify_response(answer: Answer | Failure) -> ResponseVerdict:
    """Return what an answer, or the lack of one, means.

    Args:
        answer: What came back for one POST.

    Returns:
        The verdict; anything that is not known to mean "not stored" or "stored under this id" is IN_DOUBT.
    """
    if isinstance(answer, Failure):
        not_sent = answer.kind is FailureKind.NOT_SENT
        kind = VerdictKind.NOT_STORED if not_sent else VerdictKind.IN_DOUBT
        return ResponseVerdict(kind, finding=answer.finding)
    if answer.status in _STORED:
        return _stored(answer)
    kind, code = _MEANING.get(answer.status) or _meaning_of_class(answer.status)
    params: dict[str, JsonValue] = {}
    if code == "answer.redirected" and (target := answer.headers.get("location")):
        params["target"] = one_short_line(target, 200)
    return ResponseVerdict(kind, finding=_finding(code, answer, server_words(answer.body), params))


def _meaning_of_class(status: int) -> tuple[VerdictKind, str]:
    if 300 <= status < 400:  # noqa: PLR2004 - a class of statuses
        # Never followed: a POST must not end where nobody sent it.
        return VerdictKind.NOT_FOUND, "answer.redirected"
    if 400 <= status < 500:  # noqa: PLR2004 - RFC 9110, 15.5: an unknown 4xx is read as 400
        return VerdictKind.REFUSED, "answer.refused"
    if 500 <= status < 600:  # noqa: PLR2004 - likewise; it may have failed after it stored the record
        return VerdictKind.IN_DOUBT, "answer.server_error"
    return VerdictKind.IN_DOUBT, "answer.unexpected_status"


def _stored(answer: Answer) -> ResponseVerdict:
    document = read_json(answer.body)
    if not isinstance(document, dict):
        words = one_short_line(answer.body[:400].decode("utf-8", "replace"), _SHOWN)
        return ResponseVerdict(VerdictKind.IN_DOUBT, finding=_finding("answer.not_json", answer, words))
    record_id = document.get("id")
    if isinstance(record_id, str) and _ID.fullmatch(record_id):
        return ResponseVerdict(VerdictKind.CREATED, id=record_id)
    return ResponseVerdict(VerdictKind.IN_DOUBT, finding=_without_id(document, answer))


def _without_id(document: dict[str, Any], answer: Answer) -> Finding:
    if "id" not in document:
        return _finding("answer.no_id", answer)
    shown = one_short_line(json.dumps(document["id"], ensure_ascii=False), _SHOWN)
    return _finding("answer.bad_id", answer, more={"got": shown})


def _finding(code: str, answer: Answer, words: str = "", more: dict[str, JsonValue] | None = None) -> Finding:
    params: dict[str, JsonValue] = {"status": answer.status, **(more or {})}
    return Finding(code, params={**params, "words": words} if words else params)
