"""Looking for stored records in a service's lists."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loader.findings import Finding
from loader.sending import NoReadback, RowKey, SignalReceived, Token, find_stored, wait
from loader.sending.readback import ATTEMPTS, FIELDS
from loader.settings import RunSettings
from tests.support.scripted_api import Handler, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loader.findings import JsonValue

LOAD = "L-1"
SECRET = "t0p-s3cret-t0ken"


@dataclass
class Lists:
    """A service that answers GETs; a status of 0 closes the connection.

    Attributes:
        answers: The answer to each request, by its number from 0 and its query.
        queries: The query of each request.
        headers: The headers of each request, names in lower case.
        paths: The path and query of each request.
    """

    answers: Callable[[int, dict[str, str]], tuple[int, dict[str, str], str]] = lambda *_: (200, {}, "[]")
    queries: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def lists() -> Iterator[Lists]:
    """A service on a real socket that answers as the test says."""
    lists = Lists()

    class Listing(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the name that the standard library calls
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            lists.paths.append(self.path)
            lists.headers.append({name.lower(): value for name, value in self.headers.items()})
            lists.queries.append(query)
            self.reply(*lists.answers(len(lists.queries) - 1, query))

    with serving(Listing) as lists.url:
        yield lists


def record(number: object, record_id: object = None, **changes: Any) -> dict[str, Any]:
    """A stored record of the load; a change to None leaves the field out."""
    whole = {
        "id": record_id or f"id-{number}",
        "sys_bulk_load_id": LOAD,
        "sys_bulk_load_record_no": number,
        "sys_bulk_load_source_file": "runs.csv",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def page(*records: object, key: object = None) -> tuple[int, dict[str, str], str]:
    """A page of records."""
    more = {} if key is None else {"LastEvaluatedKey": key}
    return 200, {}, json.dumps({"Count": len(records), "Items": records, **more})


def find(lists: Lists, *numbers: int, waits: list[float] | None = None, paths: str = "/a") -> dict[int, str]:
    """Looks for these records; gives their ids by record number. Nothing is waited for."""

    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    ids = find_stored(
        [lists.url + path for path in paths.split()],
        {RowKey("runs.csv", number) for number in numbers},
        load_id=LOAD,
        token=Token(SECRET),
        settings=RunSettings(tenant="acme", read_timeout=5),
        chance=random.Random(1),
        sleep=sleep,
    )
    assert {key.file for key in ids} <= {"runs.csv"}
    return {key.record_no: record_id for key, record_id in ids.items()}


def test_pages_are_followed_to_the_last(lists: Lists) -> None:
    """Each page's key asks for the next one; the key is given back as it came."""
    pages = {
        None: page(record(1), key="a b&c/é=+"),
        "a b&c/é=+": page(key="third"),  # a page may be empty and not the last
        "third": page(record(3)),
    }
    lists.answers = lambda _, query: pages[query.get("exclusiveStartKey")]
    assert find(lists, 1, 2, 3) == {1: "id-1", 3: "id-3"}
    assert [query.get("exclusiveStartKey") for query in lists.queries] == [None, "a b&c/é=+", "third"]


@pytest.mark.parametrize("key", ["", None, {}], ids=repr)
def test_a_page_without_a_key_is_the_last(lists: Lists, key: object) -> None:
    """An empty key is none."""
    lists.answers = lambda *_: (200, {}, json.dumps({"Items": [record(1)], "LastEvaluatedKey": key}))
    assert find(lists, 1, 2) == {1: "id-1"}
    assert len(lists.queries) == 1


def test_bare_array(lists: Lists) -> None:
    """A bare array is the whole list."""
    lists.answers = lambda *_: (200, {}, json.dumps([record(1), record(2)]))
    assert find(lists, 2, 4) == {2: "id-2"}
    assert len(lists.queries) == 1


@pytest.mark.parametrize("text", ["[]", '{"Items": []}', '{"Count": 0, "Items": []}'])
def test_empty_list(lists: Lists, text: str) -> None:
    """In an empty list nothing is found, and that is no error."""
    lists.answers = lambda *_: (200, {}, text)
    assert find(lists, 1) == {}


def test_a_pass_ends_when_all_are_found(lists: Lists) -> None:
    """Neither further pages nor further lists are asked for."""
    lists.answers = lambda number, _: page(record(1), record(2), key=f"k{number}")
    assert find(lists, 1, 2, paths="/a /b") == {1: "id-1", 2: "id-2"}
    assert len(lists.queries) == 1


def test_several_lists_are_one_pass(lists: Lists) -> None:
    """What one list lacks is looked for in the next."""
    lists.answers = lambda number, _: page(record(number + 1))
    assert find(lists, 1, 2, 3, paths="/a /b") == {1: "id-1", 2: "id-2"}
    assert [urlsplit(path).path for path in lists.paths] == ["/a", "/b"]


def test_nothing_wanted_asks_one_page_only(lists: Lists) -> None:
    """A list can be tried out without walking through it."""
    lists.answers = lambda *_: page(record(9), key="more")
    assert find(lists) == {}
    assert len(lists.queries) == 1


def test_other_records_are_left_alone(lists: Lists) -> None:
    """Records of other loads, of none, of other files, and what is no record are not taken for a row."""
    others = [
        record(1, sys_bulk_load_id="L-2"),
        record(1, sys_bulk_load_id=None),
        record(1, sys_bulk_load_source_file="other.csv"),
        {"id": "made-by-hand"},
        None,
        "text",
        [record(1)],
        record(None, "x", sys_bulk_load_id="L-2"),
    ]
    lists.answers = lambda *_: page(*others)
    assert find(lists, 1) == {}


@pytest.mark.parametrize("number", [3, 3.0])
def test_record_numbers_are_numbers(lists: Lists, number: float) -> None:
    """A service may give whole numbers as floats."""
    lists.answers = lambda *_: page(record(number, "x"))
    assert find(lists, 3) == {3: "x"}


def test_the_first_of_two_records_counts(lists: Lists) -> None:
    """Should a row be there twice, the first record is the one."""
    lists.answers = lambda *_: page(record(1, "first"), record(1, "second"))
    assert find(lists, 1, 2) == {1: "first"}


@pytest.mark.parametrize(
    ("unclear", "code"),
    [
        (record(None, "x"), "readback.no_record_no"),
        (record("3", "x"), "readback.no_record_no"),
        (record(3.5, "x"), "readback.no_record_no"),
        ({**record(3, "x"), "sys_bulk_load_record_no": True}, "readback.no_record_no"),
        (record(3, "x", sys_bulk_load_source_file=None), "readback.no_record_no"),
        (record(3, 17), "readback.no_id"),
        ({**record(3), "id": None}, "readback.no_id"),
        ({**record(3), "id": ""}, "readback.no_id"),
    ],
    ids=repr,
)
def test_records_of_the_load_that_are_unclear(lists: Lists, unclear: dict[str, Any], code: str) -> None:
    """A record of this load without a readable place or id: no row may count as not stored."""
    lists.answers = lambda *_: page(unclear)
    with pytest.raises(NoReadback, match="a record of this load has no") as caught:
        find(lists, 3)
    assert caught.value.finding == Finding(code, params={"url": f"{lists.url}/a"})
    assert caught.value.missing


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_numbers_that_are_none(lists: Lists, number: str) -> None:
    """What Python reads as JSON and is no number is no record number either."""
    text = json.dumps([record("?", "x")]).replace('"?"', number)
    lists.answers = lambda *_: (200, {}, text)
    with pytest.raises(NoReadback, match="record number"):
        find(lists, 3)


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_no_such_list(lists: Lists, status: int) -> None:
    """A list that does not exist, or may not be read, is not asked for again."""
    lists.answers = lambda *_: (status, {}, '{"message": "not for you"}')
    with pytest.raises(NoReadback, match=f"{status}: not for you") as caught:
        find(lists, 1)
    assert caught.value.missing
    params: dict[str, JsonValue] = {"url": f"{lists.url}/a", "status": status, "words": "not for you"}
    assert caught.value.finding == Finding("readback.refused", params=params)
    assert len(lists.queries) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 422])
def test_answers_that_stay_as_they_are(lists: Lists, status: int) -> None:
    """Other refusals are not repeated, redirects not followed; they may be otherwise another day."""
    lists.answers = lambda *_: (status, {"location": "/elsewhere"}, "")
    with pytest.raises(NoReadback, match=str(status)) as caught:
        find(lists, 1)
    assert not caught.value.missing
    assert caught.value.finding.code == "readback.refused"
    assert len(lists.queries) == 1


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503])
def test_passing_trouble_is_waited_out(lists: Lists, status: int) -> None:
    """A page is asked for again after a server error, a lost connection or too many requests."""
    waits: list[float] = []
    lists.answers = lambda *_: (status, {}, "") if len(waits) < ATTEMPTS - 1 else page(record(1))
    assert find(lists, 1, waits=waits) == {1: "id-1"}
    assert len(waits) == ATTEMPTS - 1
    assert all(0 <= item <= 10 for item in waits)


@pytest.mark.parametrize("status", [0, 429, 500])
def test_lasting_trouble_is_given_up(lists: Lists, status: int) -> None:
    """After some attempts the lookup counts as broken, not as missing."""
    lists.answers = lambda *_: (status, {}, "")
    waits: list[float] = []
    with pytest.raises(NoReadback) as caught:
        find(lists, 1, waits=waits)
    assert not caught.value.missing
    assert len(waits) == ATTEMPTS - 1


def test_nobody_there(lists: Lists) -> None:
    """A service that cannot be reached breaks the lookup."""
    lists.url = "http://127.0.0.1:1"
    with pytest.raises(NoReadback, match=r"127\.0\.0\.1:1") as caught:
        find(lists, 1)
    assert caught.value.finding.code == "readback.failed"
    assert not caught.value.missing


@pytest.mark.parametrize(("seconds", "waited"), [("7", 7.0), ("0", 0.0), ("86400", 300.0)])
def test_retry_after_is_kept(lists: Lists, seconds: str, waited: float) -> None:
    """The service's own waiting time is taken, up to the time after which a load gives up."""
    lists.answers = lambda number, _: page(record(1)) if number else (429, {"retry-after": seconds}, "")
    waits: list[float] = []
    assert find(lists, 1, waits=waits) == {1: "id-1"}
    assert waits == [waited]


@pytest.mark.parametrize("status", [0, 404, 500])
def test_broken_half_way(lists: Lists, status: int) -> None:
    """A list that breaks off is no list: what it did not show is not shown to be missing."""
    lists.answers = lambda number, _: (status, {}, "") if number else page(record(1), key="next")
    with pytest.raises(NoReadback):
        find(lists, 1, 2)


def test_trouble_with_a_later_page_goes_on_there(lists: Lists) -> None:
    """A page that failed is asked for again with its key; earlier ones are not."""
    answers = [page(record(1), key="next"), (500, {}, ""), page(record(2))]
    lists.answers = lambda number, _: answers[number]
    assert find(lists, 1, 2) == {1: "id-1", 2: "id-2"}
    assert [query.get("exclusiveStartKey") for query in lists.queries] == [None, "next", "next"]


@pytest.mark.parametrize("text", ["", "<html>", '{"Items": [', "[" * 100_000])
def test_not_json(lists: Lists, text: str) -> None:
    """An answer that is not JSON breaks the lookup."""
    lists.answers = lambda *_: (200, {}, text)
    with pytest.raises(NoReadback, match="not valid JSON") as caught:
        find(lists, 1)
    assert caught.value.finding.code == "readback.not_json"
    assert not caught.value.missing


@pytest.mark.parametrize("text", ["{}", '{"Items": null}', '{"Items": {}}', "null", '"text"', "3"])
def test_no_list_of_records(lists: Lists, text: str) -> None:
    """JSON that is no list breaks the lookup: it must not look like a list without records."""
    lists.answers = lambda *_: (200, {}, text)
    with pytest.raises(NoReadback, match="not a list of records") as caught:
        find(lists, 1)
    assert caught.value.finding.code == "readback.not_list"


def test_circular_keys(lists: Lists) -> None:
    """A list whose keys go in circles ends."""
    following = {None: "a", "a": "b", "b": "a"}
    lists.answers = lambda _, query: page(key=following[query.get("exclusiveStartKey")])
    with pytest.raises(NoReadback, match="repeat") as caught:
        find(lists, 1)
    assert caught.value.finding == Finding("readback.loop", params={"url": f"{lists.url}/a"})
    assert len(lists.queries) == 3


def test_keys_that_are_no_text(lists: Lists) -> None:
    """A key that is an object is given back as JSON."""
    lists.answers = lambda number, _: page(record(2)) if number else page(key={"id": "é", "n": 1})
    assert find(lists, 2) == {2: "id-2"}
    assert json.loads(lists.queries[1]["exclusiveStartKey"]) == {"id": "é", "n": 1}


def test_what_is_asked(lists: Lists) -> None:
    """Each page is asked for with the fields that are needed, and with the token in the header alone."""
    lists.answers = lambda number, _: page() if number else page(key="next")
    find(lists, 1)
    assert [query["fields"] for query in lists.queries] == [FIELDS, FIELDS]
    assert [header["authorization"] for header in lists.headers] == [f"Bearer {SECRET}"] * 2
    assert not any(SECRET in path for path in lists.paths)
    others = [value for header in lists.headers for name, value in header.items() if name != "authorization"]
    assert not any(SECRET in value for value in others)


def test_the_token_is_in_no_message(lists: Lists) -> None:
    """What goes wrong is reported without the token."""
    lists.answers = lambda *_: (404, {}, "no")
    with pytest.raises(NoReadback) as caught:
        find(lists, 1)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(lists: Lists, number: signal.Signals) -> None:
    """A signal while a page is waited for breaks the lookup off, and the usual handlers are back then."""
    released = threading.Event()

    def answers(*_: object) -> tuple[int, dict[str, str], str]:
        os.kill(os.getpid(), number)
        released.wait(30)
        return page()

    lists.answers = answers
    before = signal.getsignal(number)
    try:
        with pytest.raises(SignalReceived) as caught:
            find(lists, 1)
    finally:
        released.set()
    assert caught.value.number == number
    assert signal.getsignal(number) is before


def test_a_signal_ends_a_wait() -> None:
    """Nobody has to sit out the time between two looks."""
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(SignalReceived):
        wait(60)
    timer.join()


def test_a_list_without_loads_proves_nothing(lists: Lists) -> None:
    """Where no record shows which load it is of, a row that is not found may be stored all the same."""
    unclear = {"id": "id-9", "sys_external_id": "K00009"}
    lists.answers = lambda _number, _query: page(unclear)

    with pytest.raises(NoReadback, match="have no sys_bulk_load_id") as shown:
        find(lists, 1)

    assert shown.value.finding == Finding("readback.no_load_id", params={"url": f"{lists.url}/a"})
    assert shown.value.missing
