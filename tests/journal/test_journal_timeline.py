"""What happened when: kept with what it counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from loader.errors import LoaderError
from loader.findings import Finding
from loader.journal import LoadStatistics, Moment
from loader.records import Outcome, Requests, Status
from tests.journal.journal_values import created, decided, load, ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from tests.journal.journals import JournalStore

ID = load().load_id
BEGAN = load().created_at


def after(seconds: float) -> datetime:
    """So many seconds after the load began."""
    return BEGAN + timedelta(seconds=seconds)


@pytest.fixture
def journal(store: JournalStore) -> Iterator[Journal]:
    """A journal with a load that has started."""
    with store.open() as journal:
        journal.begin(load())
        yield journal


def timeline(journal: Journal) -> list[Moment]:
    """The load's timeline."""
    return list(journal.timeline(ID))


def test_commits_are_counted_in_their_second(journal: Journal) -> None:
    """Commits of one second add up; created rows and throttled answers are counted where they are new."""
    journal.commit(ID, intents=[ready(seq) for seq in range(4)], at=after(0.2), requests=Requests())
    journal.commit(ID, outcomes=[created(0)], at=after(1.0), requests=Requests(3, 0, 2))
    journal.commit(ID, outcomes=[created(1), created(0)], at=after(1.9), requests=Requests(5, 0, 2))
    journal.commit(ID, outcomes=[created(2)], at=after(7), requests=Requests(6, 0, 3))
    journal.commit(ID, outcomes=[Outcome(3, Status.REFUSED, None, 400)], at=after(8))
    assert timeline(journal) == [
        Moment(0, started=1),
        Moment(1, created=2, throttled=2),
        Moment(7, created=1, throttled=1),
        Moment(8),
    ]


def test_a_commit_that_fails_counts_nothing(journal: Journal) -> None:
    """What is undone is not in the timeline either, and answers of it are counted by the next commit."""
    journal.commit(ID, intents=[ready(0)], at=after(0), requests=Requests(1, 0, 1))
    with pytest.raises(LoaderError):
        journal.commit(ID, outcomes=[created(0), created(9)], at=after(1), requests=Requests(9, 0, 5))
    assert timeline(journal) == [Moment(0, started=1, throttled=1)]
    journal.commit(ID, outcomes=[created(0)], at=after(2), requests=Requests(9, 0, 7))
    assert timeline(journal)[1:] == [Moment(2, created=1, throttled=6)]


def test_throttled_answers_go_on_from_the_file(journal: Journal, store: JournalStore) -> None:
    """A process that takes the load over counts only the answers that it adds."""
    journal.commit(ID, intents=[ready(0)], at=after(0), requests=Requests(4, 0, 4))
    with store.open() as another:
        another.mark_in_doubt(ID, at=after(60))
        another.finish(ID, "stopped", requests=Requests(6, 0, 5), seconds=1, at=after(61))
        assert timeline(another)[1:] == [Moment(60, started=1), Moment(61, throttled=1)]
        assert sum(item.throttled for item in timeline(another)) == another.load(ID).requests.throttled


def test_readbacks_and_decisions_are_counted_apart(journal: Journal) -> None:
    """Rows in doubt that a readback reconciles are counted, either way; those of a person are decisions."""
    journal.commit(ID, intents=[ready(seq) for seq in range(6)], at=after(0))
    journal.commit(ID, outcomes=[Outcome(seq, Status.IN_DOUBT) for seq in range(5)], at=after(1))
    journal.commit(ID, outcomes=[created(0), created(5)], at=after(2))
    gone = [Outcome(seq, Status.PENDING, attempts=0) for seq in (1, 2)]
    journal.commit(ID, outcomes=gone, at=after(3))
    journal.record_decisions(ID, {3: (True, None), 4: (False, None)}, by="ann", at=after(4))
    assert timeline(journal)[2:] == [
        Moment(2, created=2, found_stored=1),
        Moment(3, found_absent=2),
        Moment(4, created=1),
    ]
    assert journal.statistics(ID).decided == 2


@pytest.mark.parametrize(
    ("at", "second"),
    [
        (BEGAN - timedelta(days=1), 0),
        (after(59.999), 59),
        (after(90).astimezone(timezone(timedelta(hours=-7))), 90),
        (BEGAN + timedelta(days=400), 400 * 86_400),
    ],
)
def test_seconds_are_those_since_the_load_began(journal: Journal, at: datetime, second: int) -> None:
    """Whatever the time zone; a clock that went back counts as the beginning."""
    journal.commit(ID, intents=[ready(0)], at=after(0))
    journal.commit(ID, outcomes=[created(0)], at=at)
    assert timeline(journal)[-1].second == second
    assert timeline(journal)[-1].created == 1


def test_a_clock_that_is_set_back(journal: Journal, store: JournalStore) -> None:
    """The last second goes on until the clock has caught up, also in another process."""
    journal.commit(ID, intents=[ready(seq) for seq in range(4)], at=after(100))
    journal.commit(ID, outcomes=[created(0)], at=after(100))
    journal.commit(ID, outcomes=[created(1)], at=after(40))
    with store.open() as another:
        another.mark_in_doubt(ID, at=after(41))
        another.commit(ID, outcomes=[created(2)], at=after(50))
        another.commit(ID, outcomes=[created(3)], at=after(101))
    assert timeline(journal)[1:] == [
        Moment(100, created=3, started=1, found_stored=1),
        Moment(101, created=1, found_stored=1),
    ]


def test_a_commit_without_a_time(journal: Journal) -> None:
    """A commit without a time counts under the last one that was given."""
    journal.commit(ID, intents=[ready(0), ready(1)], at=after(3), requests=Requests(1, 0, 1))
    journal.commit(ID, outcomes=[created(0)])
    journal.commit(ID, outcomes=[created(1)], at=after(4))
    assert timeline(journal)[1:] == [Moment(3, created=1, throttled=1), Moment(4, created=1)]


def test_statistics_count_all_rows(journal: Journal) -> None:
    """Records by file, attempts of rows that were sent, ids, and rows loaded already that have changed."""
    changed = Finding("changed.payload", params={"load_id": "x"})
    unchanged = Finding("external_id.already_loaded", params={"load_id": "x"})
    already = decided(3, Status.ALREADY_LOADED, id="id-9", findings=(changed,))
    same = decided(4, Status.ALREADY_LOADED, id="id-8", findings=(unchanged,))
    journal.commit(ID, intents=[ready(0), ready(1), ready(2)], decided=[already, same, decided(5)])
    journal.commit(ID, outcomes=[created(0), Outcome(1, Status.PENDING, None, 429, 3)])
    journal.commit(ID, intents=[ready(1)])
    assert journal.statistics(ID) == LoadStatistics(records={0: 6}, attempts={1: 2, 4: 1}, ids=3, changed=1)


def test_reading_at_one_moment(journal: Journal, store: JournalStore) -> None:
    """What another process commits meanwhile is not seen before the end."""
    journal.commit(ID, intents=[ready(0)], at=after(0))
    with store.open() as another:
        with journal.at_one_moment():
            before = journal.totals(ID)
            another.commit(ID, outcomes=[created(0)], at=after(1))
            assert journal.totals(ID) == before
            assert [item.created for item in timeline(journal)] == [0]
        assert journal.totals(ID)[Status.CREATED] == sum(item.created for item in timeline(journal)) == 1
