"""What a service says about a row, taken out of an answer's body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS_LIMIT: Final = 500
"""Characters kept of what a service says about a row."""

_DEEPEST: Final = 5
"""Levels of an error document that are searched: deep enough for any format of errors that is in use."""
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


def server_words(body: bytes) -> str:
    """Return the reason in an answer's body, for people.

    Args:
        body: JSON with `message`, `error`, `errors` or `detail` (text, lists or objects of them), or any
            text.

    Returns:
        One line of at most `WORDS_LIMIT` characters; empty where the body has no text.
    """
    document = read_json(body)
    reasons = list(_reasons(document)) if document is not None else []
    text = (
        "; ".join(dict.fromkeys(reasons)) if reasons else body[: 8 * WORDS_LIMIT].decode("utf-8", "replace")
    )
    return one_short_line(text, WORDS_LIMIT)


def read_json(body: bytes) -> Any:
    """Return the JSON value of a body; None where it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def one_short_line(text: str, limit: int) -> str:
    """Return the text on one line of `limit` characters at most: white space folded, none unprintable."""
    folded = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def _reasons(document: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts under the usual keys, in order; `field: message` where an object names its field."""
    if isinstance(document, str):
        yield " ".join(document.split())
    elif isinstance(document, list) and depth < _DEEPEST:
        for item in document:
            yield from _reasons(item, depth + 1)
    elif isinstance(document, dict) and depth < _DEEPEST:
        place = _place(document)
        reasons = [
            reason for key in _REASON_KEYS if key in document for reason in _reasons(document[key], depth + 1)
        ]
        # Inside a reason an object may be field -> message. At the top, without a usual key, it is no error
        # document at all: the caller shows the text as it came.
        if not reasons and depth:
            reasons = [
                f"{key}: {text}" for key, value in document.items() for text in _reasons(value, depth + 1)
            ]
            place = ""
        yield from (f"{place}: {reason}" if place else reason for reason in reasons if reason)


def _place(document: dict[str, Any]) -> str:
    for key in _PLACE_KEYS:
        value = document.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return ".".join(str(part) for part in value)
    return ""
