"""What answers mean, line by line of the table in the guarantees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.findings import Finding
from loader.sending import Answer, Failure, FailureKind, ResponseVerdict, VerdictKind, classify_response
from loader.sending.server_words import WORDS_LIMIT, server_words
from loader.wording import message


def _classify(status: int, body: Any = b"", **headers: str) -> ResponseVerdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify_response(Answer(status, headers, raw))


@pytest.mark.parametrize("status", [200, 201])
def test_stored_with_an_id_is_created(status: int) -> None:
    """200 and 201 with an id are created, without a finding."""
    assert _classify(status, {"id": "a|b-C_9"}) == ResponseVerdict(VerdictKind.CREATED, id="a|b-C_9")


@pytest.mark.parametrize(
    ("body", "code", "params"),
    [
        (b"", "answer.not_json", {}),
        (b"<html>", "answer.not_json", {"words": "<html>"}),
        (b"[]", "answer.not_json", {"words": "[]"}),
        (b'"x-1"', "answer.not_json", {"words": '"x-1"'}),
        (b"\xff\xfe", "answer.not_json", {"words": "\ufffd\ufffd"}),
        (b"[" * 100_000, "answer.not_json", {"words": "[" * 59 + "…"}),
        ({}, "answer.no_id", {}),
        ({"id": None}, "answer.bad_id", {"got": "null"}),
        ({"id": 17}, "answer.bad_id", {"got": "17"}),
        ({"id": ""}, "answer.bad_id", {"got": '""'}),
        ({"id": "a b"}, "answer.bad_id", {"got": '"a b"'}),
        ({"id": "x-1\n"}, "answer.bad_id", {"got": '"x-1\\n"'}),
        ({"id": ["x"]}, "answer.bad_id", {"got": '["x"]'}),
    ],
)
def test_stored_without_a_readable_id_is_in_doubt(body: Any, code: str, params: dict[str, Any]) -> None:
    """200 whose body is no object with an id of the API's form is in doubt, without an id."""
    verdict = _classify(200, body)
    assert verdict.kind is VerdictKind.IN_DOUBT
    assert verdict.id is None
    assert verdict.finding == Finding(code, params={"status": 200, **params})
    assert message(verdict.finding).startswith("stored, but")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_row_keeps_the_words_of_the_service(status: int) -> None:
    """400, 413 and 422 are refused, with the server's words."""
    verdict = _classify(status, {"message": "status: not one of them"})
    finding = Finding("answer.refused", params={"status": status, "words": "status: not one of them"})
    assert verdict == ResponseVerdict(VerdictKind.REFUSED, finding=finding)
    assert message(finding) == f"HTTP {status}: status: not one of them"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, VerdictKind.TOKEN, "answer.token_refused"),
        (403, VerdictKind.FORBIDDEN, "answer.forbidden"),
        (404, VerdictKind.NOT_FOUND, "answer.not_found"),
        (405, VerdictKind.NOT_FOUND, "answer.not_found"),
        (409, VerdictKind.MISSING_REFERENCE, "answer.missing_reference"),
        (429, VerdictKind.THROTTLED, "answer.throttled"),
        (500, VerdictKind.IN_DOUBT, "answer.server_error"),
        (502, VerdictKind.IN_DOUBT, "answer.server_error"),
        (503, VerdictKind.IN_DOUBT, "answer.server_error"),
        (504, VerdictKind.IN_DOUBT, "answer.server_error"),
    ],
)
def test_the_other_statuses_of_the_table(status: int, kind: VerdictKind, code: str) -> None:
    """Each status that the table names has the meaning that it names."""
    finding = Finding(code, params={"status": status, "words": "because"})
    assert _classify(status, {"message": "because"}) == ResponseVerdict(kind, finding=finding)


def test_what_did_not_leave_may_be_sent_again() -> None:
    """A failure before the first byte is not stored."""
    finding = Finding("connection.failed", params={"words": "refused"})
    verdict = classify_response(Failure(FailureKind.NOT_SENT, finding))
    assert verdict == ResponseVerdict(VerdictKind.NOT_STORED, finding=finding)


def test_a_failure_after_the_first_byte_is_in_doubt() -> None:
    """A read timeout or a lost connection is in doubt."""
    finding = Finding("answer.timeout")
    verdict = classify_response(Failure(FailureKind.UNKNOWN, finding))
    assert verdict == ResponseVerdict(VerdictKind.IN_DOUBT, finding=finding)


@pytest.mark.parametrize(
    ("kind", "code", "statuses"),
    [
        (VerdictKind.IN_DOUBT, "answer.unexpected_status", [100, 102, 199, 202, 203, 204, 206, 299]),
        (VerdictKind.IN_DOUBT, "answer.request_lost", [408, 425, 460, 499]),
        (VerdictKind.IN_DOUBT, "answer.server_error", [501, 505, 507, 511, 520, 599]),
        (VerdictKind.IN_DOUBT, "answer.unexpected_status", [0, 600, 999]),
        (VerdictKind.NOT_FOUND, "answer.redirected", [300, 301, 302, 303, 304, 307, 308, 399]),
        (VerdictKind.NOT_FOUND, "answer.not_found", [406, 410, 411, 414, 415, 421, 426, 428, 431]),
        (VerdictKind.FORBIDDEN, "answer.forbidden", [402, 407, 451]),
        (VerdictKind.REFUSED, "answer.refused", [412, 416, 417, 418, 423, 424, 444, 498]),
    ],
)
def test_statuses_that_the_table_leaves_out(kind: VerdictKind, code: str, statuses: list[int]) -> None:
    """What nobody documents is read by RFC 9110, and in doubt where that leaves a doubt."""
    for status in statuses:
        assert _classify(status) == ResponseVerdict(kind, finding=Finding(code, params={"status": status}))


@given(st.integers(0, 999), st.binary(max_size=200))
def test_no_answer_makes_a_stored_row_sendable(status: int, body: bytes) -> None:
    """Only what certainly was not stored is ever sent again, whatever the body says."""
    verdict = classify_response(Answer(status, {}, body))
    assert verdict.kind is not VerdictKind.NOT_STORED
    assert (verdict.kind is VerdictKind.THROTTLED) == (status == 429)
    assert (verdict.id is not None) == (verdict.kind is VerdictKind.CREATED)
    if verdict.kind is VerdictKind.CREATED:
        assert status in {200, 201}


def test_a_redirect_has_its_target() -> None:
    """The finding of a redirect has the place, which is not followed."""
    finding = _classify(307, location="https://elsewhere/x").finding
    assert finding == Finding("answer.redirected", params={"status": 307, "target": "https://elsewhere/x"})
    assert message(finding).startswith("HTTP 307")
    assert "https://elsewhere/x" in message(finding)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"message": " a\n  b "}, "a b"),
        ({"error": "invalid", "message": "too long"}, "too long; invalid"),
        ({"errors": ["one", "two", "one"]}, "one; two"),
        ({"errors": [{"field": "status", "message": "wrong"}]}, "status: wrong"),
        ({"errors": {"status": ["wrong", "missing"]}}, "status: wrong; status: missing"),
        ({"detail": [{"loc": ["body", 0, "x"], "msg": "m", "message": "bad"}]}, "body.0.x: bad"),
        ({"error": {"code": "X1", "message": "inner"}}, "inner"),
        ({"nothing": 1}, '{"nothing": 1}'),
        (b"plain\x00 text\x1b[31m\n", "plain text[31m"),
        (b"", ""),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_words_of_the_service(body: Any, expected: str) -> None:
    """The reason is taken out of the usual keys, else the text is; on one line."""
    assert server_words(body if isinstance(body, bytes) else json.dumps(body).encode()) == expected


_JSON = st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.binary() | _JSON.map(lambda value: json.dumps({"errors": value}).encode()))
def test_words_are_one_short_line(body: bytes) -> None:
    """Whatever comes, what is kept fits in a cell of a report."""
    words = server_words(body)
    assert len(words) <= WORDS_LIMIT
    assert words.isprintable()
