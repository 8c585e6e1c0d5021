"""What answers mean, line by line of the table in the guarantees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.sending import Answer, Failure, FailureKind, ResponseVerdict, VerdictKind, classify_response
from loader.sending.classify_response import WORDS_LIMIT, words


def _judge(status: int, body: Any = b"", **headers: str) -> ResponseVerdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify_response(Answer(status, headers, raw))


@pytest.mark.parametrize("status", [200, 201])
def test_stored_with_an_id_is_created(status: int) -> None:
    """200 and 201 with an id are created, and nothing more is said."""
    assert _judge(status, {"id": "a|b-C_9"}) == ResponseVerdict(VerdictKind.CREATED, id="a|b-C_9", message="")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"x-1"',
        b"\xff\xfe",
        b"[" * 100_000,
        {},
        {"id": None},
        {"id": 17},
        {"id": ""},
        {"id": "a b"},
        {"id": "x-1\n"},
        {"id": ["x"]},
    ],
)
def test_stored_without_a_readable_id_is_in_doubt(body: Any) -> None:
    """200 whose body is no object with an id of the API's form is in doubt, without an id."""
    verdict = _judge(200, body)
    assert verdict.kind is VerdictKind.IN_DOUBT
    assert verdict.id is None
    assert verdict.message.startswith("stored, but")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_row_keeps_the_words_of_the_service(status: int) -> None:
    """400, 413 and 422 are refused, with the server's words."""
    verdict = _judge(status, {"message": "status: not one of them"})
    assert verdict == ResponseVerdict(VerdictKind.REFUSED, message=f"HTTP {status}: status: not one of them")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, VerdictKind.TOKEN),
        (403, VerdictKind.FORBIDDEN),
        (404, VerdictKind.NOT_FOUND),
        (405, VerdictKind.NOT_FOUND),
        (409, VerdictKind.DANGLING),
        (429, VerdictKind.THROTTLED),
        (500, VerdictKind.IN_DOUBT),
        (502, VerdictKind.IN_DOUBT),
        (503, VerdictKind.IN_DOUBT),
        (504, VerdictKind.IN_DOUBT),
    ],
)
def test_the_other_statuses_of_the_table(status: int, kind: VerdictKind) -> None:
    """Each status that the table names has the meaning that it names."""
    assert _judge(status, {"message": "because"}).kind is kind


def test_what_did_not_leave_may_be_sent_again() -> None:
    """A failure before the first byte is not stored."""
    verdict = classify_response(Failure(FailureKind.NOT_SENT, "no connection: refused"))
    assert verdict == ResponseVerdict(VerdictKind.NOT_STORED, message="no connection: refused")


def test_a_failure_after_the_first_byte_is_in_doubt() -> None:
    """A read timeout or a lost connection is in doubt."""
    verdict = classify_response(Failure(FailureKind.UNKNOWN, "no answer in time"))
    assert verdict == ResponseVerdict(VerdictKind.IN_DOUBT, message="no answer in time")


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        (VerdictKind.IN_DOUBT, [100, 102, 199, 202, 203, 204, 206, 299, 408, 425, 460, 499]),
        (VerdictKind.IN_DOUBT, [501, 505, 507, 511, 520, 599, 0, 600, 999]),
        (VerdictKind.NOT_FOUND, [300, 301, 302, 303, 304, 307, 308, 399]),
        (VerdictKind.NOT_FOUND, [406, 410, 411, 414, 415, 421, 426, 428, 431]),
        (VerdictKind.FORBIDDEN, [402, 407, 451]),
        (VerdictKind.REFUSED, [412, 416, 417, 418, 423, 424, 444, 498]),
    ],
)
def test_statuses_that_the_table_leaves_out(kind: VerdictKind, statuses: list[int]) -> None:
    """What nobody documents is read by RFC 9110, and in doubt where that leaves a doubt."""
    assert {status: _judge(status).kind for status in statuses} == dict.fromkeys(statuses, kind)


@given(st.integers(0, 999), st.binary(max_size=200))
def test_no_answer_makes_a_stored_row_sendable(status: int, body: bytes) -> None:
    """Only what certainly was not stored is ever sent again, whatever the body says."""
    verdict = classify_response(Answer(status, {}, body))
    assert verdict.kind is not VerdictKind.NOT_STORED
    assert (verdict.kind is VerdictKind.THROTTLED) == (status == 429)
    assert (verdict.id is not None) == (verdict.kind is VerdictKind.CREATED)
    if verdict.kind is VerdictKind.CREATED:
        assert status in {200, 201}


def test_a_redirect_says_where_it_leads() -> None:
    """The message of a redirect names the place, which is not followed."""
    message = _judge(307, location="https://elsewhere/x").message
    assert message.startswith("HTTP 307")
    assert "https://elsewhere/x" in message


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
    assert words(body if isinstance(body, bytes) else json.dumps(body).encode()) == expected


_JSON = st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.binary() | _JSON.map(lambda value: json.dumps({"errors": value}).encode()))
def test_words_are_one_short_line(body: bytes) -> None:
    """Whatever comes, what is kept fits in a cell of a report."""
    said = words(body)
    assert len(said) <= WORDS_LIMIT
    assert said.isprintable()
