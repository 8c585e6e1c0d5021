"""Loads, the crosswalk and the rate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loader.errors import ConfigurationError, LoaderError
from loader.records import ExistingRecord, Outcome, Requests, Status
from tests.journal.journal_values import created, decided, load, ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from tests.journal.journals import JournalStore

ONE, TWO, THREE = "20261122T101500Z-0000000a", "20261122T101501Z-0000000b", "20261123T000000Z-0000000c"


@pytest.fixture
def journal(store: JournalStore) -> Iterator[Journal]:
    """A journal with two loads of one tenant."""
    with store.open() as journal:
        journal.begin(load(ONE))
        journal.begin(load(TWO))
        yield journal


def test_a_load_comes_back_as_it_was(store: JournalStore) -> None:
    """Everything of a load is kept, dialects and fingerprints too, in another process's eyes as well."""
    with store.open() as journal:
        journal.begin(load(ONE))
    with store.open() as journal:
        assert journal.load(ONE) == load(ONE)


def test_loads_are_listed_newest_first(journal: Journal) -> None:
    """The last load comes first."""
    assert [item.load_id for item in journal.loads()] == [TWO, ONE]


def test_the_beginning_of_an_id_is_enough_where_it_is_unique(journal: Journal) -> None:
    """A unique beginning finds the load; one that several share names them."""
    assert journal.load("20261122T101501").load_id == TWO
    with pytest.raises(ConfigurationError, match="several loads begin with '20261122'") as caught:
        journal.load("20261122")
    assert ONE in caught.value.message
    assert TWO in caught.value.message


def test_an_unknown_load_names_the_nearest_and_the_last(journal: Journal) -> None:
    """A mistyped id is answered with what was probably meant."""
    with pytest.raises(ConfigurationError, match=f"Did you mean {TWO}") as caught:
        journal.load(TWO.replace("b", "d"))
    assert ONE in caught.value.message
    with pytest.raises(ConfigurationError, match="The last loads are"):
        journal.load("")


def test_an_unknown_load_in_an_empty_journal(store: JournalStore) -> None:
    """Where there are no loads the message says so."""
    with store.open() as journal, pytest.raises(ConfigurationError, match="no loads yet"):
        journal.load("x")


def test_a_load_id_is_taken_once(journal: Journal) -> None:
    """A second load of the same id is refused."""
    with pytest.raises(LoaderError, match="already"):
        journal.begin(load(ONE))


def test_rows_of_an_unknown_load_are_refused(journal: Journal) -> None:
    """A commit names a load that has started."""
    with pytest.raises(LoaderError, match="not in the journal"):
        journal.commit(THREE, intents=[ready(0)])


def test_a_load_ends_and_goes_on(journal: Journal) -> None:
    """State, reason, requests and seconds are kept at the end; going on clears the reason only."""
    journal.finish(ONE, "stopped", reason="403", requests=Requests(5, 2, 1), seconds=1.5)
    stopped = replace(load(ONE), state="stopped", reason="403", requests=Requests(5, 2, 1), seconds=1.5)
    assert journal.load(ONE) == stopped
    journal.reopen(ONE)
    assert journal.load(ONE) == replace(stopped, state="running", reason="")
    assert journal.load(TWO) == load(TWO)


def test_what_another_load_created_is_known(journal: Journal) -> None:
    """A record that another load made is found with its id and hash, and not as this load's own."""
    journal.commit(ONE, intents=[ready(0, "A"), ready(1, "B")])
    journal.commit(ONE, outcomes=[created(0), created(1)])
    known = journal.known_elsewhere(TWO, ["B", "A", "B", "C"])
    assert known == {
        "A": ExistingRecord(Status.CREATED, ONE, 0, 1, "id-0", ready(0).payload_hash),
        "B": ExistingRecord(Status.CREATED, ONE, 0, 2, "id-1", ready(1).payload_hash),
    }
    assert journal.known_elsewhere(ONE, ["A", "B"]) == {}


def test_created_comes_before_in_doubt_elsewhere(journal: Journal) -> None:
    """A record that is there for sure counts for more than one that may be there."""
    journal.begin(load(THREE))
    journal.commit(ONE, intents=[ready(0, "A"), ready(1, "B"), ready(2, "C"), ready(3, "D")])
    journal.commit(ONE, outcomes=[created(0), Outcome(1, Status.IN_DOUBT), Outcome(3, Status.PENDING)])
    journal.commit(TWO, intents=[ready(0, "A")])
    known = journal.known_elsewhere(THREE, ["A", "B", "C", "D"])
    assert {key: (item.load_id, item.status) for key, item in known.items()} == {
        "A": (ONE, Status.CREATED),
        "B": (ONE, Status.IN_DOUBT),
        "C": (ONE, Status.IN_DOUBT),
    }


def test_a_dry_run_learns_what_any_load_has_sent(journal: Journal) -> None:
    """Without a load of its own, a dry run finds the records of all; another place knows nothing."""
    journal.commit(ONE, intents=[ready(0, "A"), ready(1, "B")])
    journal.commit(ONE, outcomes=[created(0)])
    known = journal.known_in("acme", "billing-run", ["A", "B", "C"])
    assert {key: item.status for key, item in known.items()} == {"A": Status.CREATED, "B": Status.IN_DOUBT}
    assert journal.known_in("acme", "billing-template", ["A"]) == {}


@pytest.mark.parametrize("other", [{"tenant": "globex"}, {"resource": "billing-template"}])
def test_another_tenant_or_record_type_knows_nothing(journal: Journal, other: dict[str, str]) -> None:
    """External ids mean something within one tenant and record type only."""
    journal.commit(ONE, intents=[ready(0, "A")])
    journal.commit(ONE, outcomes=[created(0)])
    journal.begin(load(THREE, **other))
    assert journal.known_elsewhere(THREE, ["A"]) == {}


def test_the_first_row_of_this_load_with_an_id_is_seen(journal: Journal) -> None:
    """The first row counts, whatever became of it, unless it was filtered out."""
    journal.commit(
        ONE,
        decided=[
            decided(0, Status.FILTERED, "A"),
            decided(2, Status.INVALID, "B"),
            decided(3, Status.INVALID, "A"),
        ],
        intents=[ready(1, "A")],
    )
    journal.commit(TWO, intents=[ready(0, "B")])
    assert journal.known_here(ONE, ["A", "B", "Z"]) == {
        "A": ExistingRecord(Status.IN_DOUBT, ONE, 0, 2, None, ready(1).payload_hash),
        "B": ExistingRecord(Status.INVALID, ONE, 0, 3, None, None),
    }


def test_hostile_external_ids_are_told_apart(journal: Journal) -> None:
    """Ids with quotes, NULs, emoji and trailing blanks are exact, however many are asked for at once."""
    ids = [
        "a\0b",
        "a\0c",
        "a",
        "a ",
        "A",
        "x'y\"",
        "😀",
        "\u2028",
        "",
        *(f"n{number}" for number in range(600)),
    ]
    journal.commit(ONE, intents=[ready(seq, entry) for seq, entry in enumerate(ids)])
    journal.commit(ONE, outcomes=[created(seq) for seq in range(len(ids))])
    known = journal.known_elsewhere(TWO, [*ids, "a\0", "n600"])
    assert {item: known[item].id for item in known} == {entry: f"id-{seq}" for seq, entry in enumerate(ids)}


def test_the_learnt_rate_is_kept_by_place(journal: Journal) -> None:
    """The last rate of each tenant, record type and base URL is remembered."""
    assert journal.learnt_rate("acme", "billing-run", "http://a") is None
    journal.remember_rate("acme", "billing-run", "http://a", 12.5)
    journal.remember_rate("acme", "billing-run", "http://a", 25.0)
    assert journal.learnt_rate("acme", "billing-run", "http://a") == 25.0
    assert journal.learnt_rate("acme", "billing-run", "http://b") is None
    assert journal.learnt_rate("globex", "billing-run", "http://a") is None
