"""What a body must be to be stored, and every reason why it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loader.resources import BILLING_RUN, BILLING_TEMPLATE
from loader.sandbox.contract import NotValid, read_record
from tests.sandbox.bodies import run, template


def reasons(body: bytes | dict[str, Any]) -> dict[str, str]:
    """Return path -> message of every reason why a billing run is refused."""
    with pytest.raises(NotValid) as refused:
        read_record(BILLING_RUN, body if isinstance(body, bytes) else json.dumps(body).encode())
    return {reason.path: reason.message for reason in refused.value.reasons}


def test_a_valid_body_is_read_as_it_is() -> None:
    """Text, numbers and unlisted fields of open objects come through untouched."""
    body = run(
        name='Ä "quoted" \u2028 🎉', drop_options={"school_ids": [1, 2.5, None]}, sys_snapshot_base_version=3
    )
    assert read_record(BILLING_RUN, json.dumps(body).encode()) == body
    assert read_record(BILLING_TEMPLATE, json.dumps(template()).encode()) == template()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff{}", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (json.dumps(run()).encode("utf-16"), "not valid JSON"),
        (b'{"drop_options": {"more": NaN}}', "NaN is not a finite number"),
        (b'{"drop_options": {"more": 1e999}}', "1e999 is not a finite number"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "the body is a list"),
        (b"null", "the body is null"),
        (b"true", "the body is a boolean"),
        (b"12", "the body is a number"),
        (b'"text"', "the body is a text"),
    ],
)
def test_only_json_objects_are_taken(body: bytes, words: str) -> None:
    """Only a UTF-8 JSON object is taken, and JSON has no NaN."""
    messages = reasons(body)
    assert list(messages) == [""]
    assert words in messages[""]


def test_half_a_surrogate_pair_is_refused() -> None:
    """A text that UTF-8 cannot write is not a text."""
    body = json.dumps(run(name="PLACE")).replace("PLACE", "\\ud83d").encode()
    assert "hex escape" in reasons(body)[""]


def test_deep_nesting_in_an_open_object_is_refused() -> None:
    """Nesting that only the second reader refuses is a reason too."""
    body = json.dumps(run()).replace(
        '"drop_options": {}', f'"drop_options": {{"x": {"[" * 300 + "]" * 300}}}'
    )
    assert "recursion" in reasons(body.encode())[""]


def test_a_repeated_name_is_refused() -> None:
    """JSON that names a field twice is not read as whichever comes last."""
    body = json.dumps(run())[:-1] + ', "name": "another"}'
    assert reasons(body.encode()) == {"name": "is there more than once in one object"}


def test_every_reason_comes_at_once() -> None:
    """Refused, unknown, misspelt, missing and wrong fields are all named, wherever they are."""
    body = run(
        id="mine",
        nmae="x",
        zzz=1,
        status="done",
        run_date="2019-02-30",
        drop_options={"drop_notise_id": "a", "program_restrictions": "none"},
        application_expiration_options={"expiration_date_range_end": 5},
        statistics=[{"action": "a"}, {"eror": 1, "total": "many"}],
    )
    del body["renewal_reminder_options"]
    messages = reasons(body)
    assert set(messages) == {
        "id",
        "nmae",
        "zzz",
        "status",
        "run_date",
        "drop_options.drop_notise_id",
        "application_expiration_options.expiration_date_range_end",
        "application_expiration_options.expiration_date_range_start",
        "statistics[1].action",
        "statistics[1].eror",
        "statistics[1].total",
        "renewal_reminder_options",
    }
    assert messages["id"] == 'expected no value, as the server assigns it, found "mine"'
    assert messages["nmae"] == "unknown field 'nmae'; did you mean 'name'?"
    assert messages["zzz"] == "unknown field 'zzz'"
    assert messages["drop_options.drop_notise_id"].endswith("did you mean 'drop_notice_id'?")
    assert messages["statistics[1].eror"].endswith("did you mean 'error'?")
    assert messages["statistics[1].total"] == 'expected a number, found "many"'
    assert messages["renewal_reminder_options"] == "required, and missing"
    assert messages["application_expiration_options.expiration_date_range_end"].endswith("found 5")
    assert messages["status"].endswith('found "done"')


def test_a_wrong_object_deep_down_has_its_whole_path() -> None:
    """A relative date's number below 0 is named by its dotted path."""
    body = template()
    body["fundraising_notice_options"]["expiration_date_range_start"]["number"] = -1
    with pytest.raises(NotValid) as refused:
        read_record(BILLING_TEMPLATE, json.dumps(body).encode())
    (reason,) = refused.value.reasons
    assert reason.path == "fundraising_notice_options.expiration_date_range_start.number"
    assert reason.message == "expected 0 or more, found -1"


def test_an_id_of_null_is_no_id_and_one_of_a_reminder_is_its_own() -> None:
    """Only the record's own id is refused."""
    body = run(id=None, application_reminder_options={"reminders": [{"id": 1, "reminder_notice_id": "N"}]})
    assert read_record(BILLING_RUN, json.dumps(body).encode()) == body


def test_a_long_value_is_cut_in_the_message() -> None:
    """A message shows the start of a value, not a megabyte of it."""
    messages = reasons(run(status="x" * 1_000_000, **{"y" * 5000: 1}))
    assert all(len(message) < 400 for message in messages.values())
