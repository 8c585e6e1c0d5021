"""The wording of what a service answered, or of its silence, and of what became of rows in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.wording.phrases import Wording, choose, select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loader.findings import Finding

_FORBIDDEN: Final = {
    "402": "payment is required",
    "403": "the token has no permission for this",
    "407": "a proxy asks for a login",
    "451": "it is not available for legal reasons",
}
_NOT_FOUND: Final = {
    "404": "there is no such tenant or path",
    "405": "this path takes no POST",
    "406": "the service does not answer in JSON",
    "410": "this path is gone",
    "411": "the length that was sent did not arrive",
    "414": "the address is too long",
    "415": "the service does not take JSON",
    "421": "this host does not serve the address",
    "426": "the service asks for another protocol",
    "428": "the service asks for a conditional request",
    "431": "the headers are too long; check the token",
}
_LOST: Final = {
    "408": "the service stopped waiting for the request",
    "425": "the service refused an early request",
    "460": "a load balancer lost its connection",
    "499": "a proxy lost its connection",
}
_RECONCILE: Final = "Run `loader reconcile LOAD` to find out whether these rows were stored."
_RESUME: Final = "Run `loader resume LOAD` to send these rows."


def _http(meanings: Mapping[str, str], otherwise: str = "") -> Callable[[Finding], str]:
    """The status, what it means, and the words of the service."""

    def sentence(finding: Finding) -> str:
        status, words = str(finding.params.get("status", "…")), finding.params.get("words")
        meaning = meanings.get(status, otherwise)
        # Many services repeat the meaning of the status: once is enough.
        own = str(words) if words and _letters(str(words)) != _letters(meaning) else ""
        parts = (f"HTTP {status}", meaning, own)
        return ": ".join(part for part in parts if part)

    return sentence


def _letters(text: str) -> str:
    """Return a text without what does not matter to a comparison: case, punctuation and white space."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _redirected(finding: Finding) -> str:
    target = finding.params.get("target") or "another address"
    return _http({}, f"the service redirects to {target}, and redirects are not followed")(finding)


def _failed(what: str) -> Callable[[Finding], str]:
    """A request without an answer, with the words of the system."""

    def sentence(finding: Finding) -> str:
        words = finding.params.get("words")
        return f"{what}: {words}" if words else what

    return sentence


ANSWERS: Final[Mapping[str, Wording]] = {
    "answer.refused": Wording(
        message=_http({}),
        fix="Correct these rows as the service asks, then load the rejects file.",
    ),
    "answer.missing_reference": Wording(
        message=_http({}),
        expected="references to records that exist",
        fix="Load the records that these rows refer to, then load these rows again.",
    ),
    "answer.token_refused": Wording(
        message=_http({}, "the token is not valid"),
        expected="a valid token",
        fix="Set `LOADER_TOKEN` to a valid token, then run `loader resume LOAD`.",
    ),
    "answer.forbidden": Wording(
        message=_http(_FORBIDDEN, "this is not allowed"),
        expected="permission to create these records",
        fix="Give the owner of the token permission to create these records, then run `loader resume LOAD`.",
    ),
    "answer.not_found": Wording(
        message=_http(_NOT_FOUND, "there is no such address"),
        expected="the address of the service",
        fix="Check `--tenant` and `--base-url`, then load again.",
    ),
    "answer.redirected": Wording(
        message=_redirected,
        expected="an answer without a redirect",
        fix="Set `--base-url` to the address that the service redirects to, if you trust it.",
    ),
    "answer.throttled": Wording(
        message=_http({}, "too many requests"),
        fix=_RESUME,
    ),
    "answer.request_lost": Wording(
        message=_http(_LOST, "the request may be lost"),
        expected="an answer from the service",
        fix=_RECONCILE,
    ),
    "answer.server_error": Wording(message=_http({}), expected="status 200 or 201", fix=_RECONCILE),
    "answer.unexpected_status": Wording(
        message=_http({}, "the API does not document this status"),
        expected="status 200 or 201",
        fix=_RECONCILE,
    ),
    "answer.not_json": Wording(
        message=choose(
            "words",
            "stored, but the answer is not a JSON object: {words}",
            "stored, but the answer is empty, not a JSON object",
        ),
        expected="a JSON object with an id",
        fix=_RECONCILE,
        reason="stored, but the answer is not a JSON object",
    ),
    "answer.no_id": Wording(
        message="stored, but the answer has no id",
        expected="an id",
        fix=_RECONCILE,
    ),
    "answer.bad_id": Wording(
        message="stored, but the answer has an invalid id: {got}",
        expected="an id",
        fix=_RECONCILE,
        reason="stored, but the answer has an invalid id",
    ),
    "answer.timeout": Wording(
        message=_failed("no answer in time"),
        expected="an answer from the service",
        fix=_RECONCILE,
    ),
    "answer.connection_lost": Wording(
        message=_failed("the connection was lost before the whole answer arrived"),
        expected="an answer from the service",
        fix=_RECONCILE,
    ),
    "answer.not_http": Wording(
        message=_failed("the answer is not HTTP"),
        expected="an answer from the service",
        fix=_RECONCILE,
    ),
    "connection.failed": Wording(message=_failed("no connection"), expected="a connection", fix=_RESUME),
    "connection.timeout": Wording(
        message=_failed("no connection in time"), expected="a connection", fix=_RESUME
    ),
    "connection.none_free": Wording(
        message=_failed("no free connection in time"), expected="a connection", fix=_RESUME
    ),
    "connection.proxy_failed": Wording(
        message=_failed("no connection through the proxy"),
        expected="a connection",
        fix="Check `HTTPS_PROXY` and `NO_PROXY`, then run `loader resume LOAD`.",
    ),
    "connection.bad_url": Wording(
        message=_failed("the address cannot be sent to"),
        expected="a URL like https://host",
        fix="Correct `--base-url`, then load again.",
    ),
    "sending.cut_off": Wording(
        message="stopped while its request was in progress",
        expected="an answer from the service",
        fix=_RECONCILE,
    ),
    "sending.process_ended": Wording(
        message="the loader ended while its request was in progress",
        expected="an answer from the service",
        fix=_RECONCILE,
    ),
    "sending.waiting": Wording(
        message="sent just now; the answer has not arrived yet",
        fix="Wait for the load to finish.",
    ),
    "sending.not_started": Wording(message="stopped before it was sent", fix=_RESUME),
    "sending.interrupted": Wording(message="not sent: the load was interrupted", fix=_RESUME),
    "sending.stopped": Wording(
        message=choose("words", "not sent: the load stopped: {words}", "not sent: the load stopped"),
        fix=_RESUME,
    ),
    "reconcile.not_stored": Wording(
        message="not stored: two searches in the service did not find it", fix=_RESUME
    ),
    "reconcile.reported_created": Wording(
        message="reported as stored by {by} at {at}",
        fix="No action is needed: the record exists.",
        reason="reported as stored by {by}",
    ),
    "reconcile.reported_unsent": Wording(
        message="reported as not stored by {by} at {at}",
        fix=_RESUME,
        reason="reported as not stored by {by}",
    ),
}

_BY_HAND: Final = "Look them up in the service, then run `loader reconcile LOAD --as created|unsent`."
_AGAIN: Final = "Run `loader reconcile LOAD` again later."

READBACKS: Final[Mapping[str, Wording]] = {
    "readback.refused": Wording(
        message=choose("words", "GET {url}: HTTP {status}: {words}", "GET {url}: HTTP {status}"),
        expected="a list of records",
        fix=select("status", dict.fromkeys(("403", "404", "405", "501"), _BY_HAND), _AGAIN),
    ),
    "readback.failed": Wording(message="GET {url}: {words}", expected="a list of records", fix=_AGAIN),
    "readback.not_json": Wording(
        message="GET {url}: the answer is not valid JSON", expected="a list of records", fix=_AGAIN
    ),
    "readback.not_list": Wording(
        message="GET {url}: the answer is not a list of records", expected="a list of records", fix=_AGAIN
    ),
    "readback.loop": Wording(
        message="GET {url}: the pages of the list repeat", expected="a last page", fix=_AGAIN
    ),
    "readback.no_load_id": Wording(
        message="GET {url}: its records have no sys_bulk_load_id",
        expected="records with the load that created them",
        fix=_BY_HAND,
    ),
    "readback.no_record_no": Wording(
        message="GET {url}: a record of this load has no source file or record number",
        expected="records with their source file and record number",
        fix=_BY_HAND,
    ),
    "readback.no_id": Wording(
        message="GET {url}: a record of this load has no id", expected="records with an id", fix=_BY_HAND
    ),
    "readback.no_value": Wording(
        message="the service lists records only by a field that these rows do not have",
        expected="a field to list them by",
        fix=_BY_HAND,
    ),
}
