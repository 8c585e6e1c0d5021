"""What happened when: kept with what it counts, and added to journals from before there was a timeline."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from loader.errors import JournalFailed, JournalUnusable, LoaderError
from loader.journal import Journal, LoadStatistics, Moment
from loader.journal.schema import DDL, STEPS, VERSION
from loader.records import Outcome, Requests, Status
from tests.journal.journal_values import created, judged, load, ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ID = load().load_id
BEGAN = load().created_at


def after(seconds: float) -> datetime:
    """So many seconds after the load began."""
    return BEGAN + timedelta(seconds=seconds)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with a load that has begun."""
    with Journal.open(tmp_path) as journal:
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
        Moment(0, begun=1),
        Moment(1, created=2, throttled=2),
        Moment(7, created=1, throttled=1),
        Moment(8),
    ]


def test_a_commit_that_fails_counts_nothing(journal: Journal) -> None:
    """What is undone is not in the timeline either, and answers of it are counted by the next commit."""
    journal.commit(ID, intents=[ready(0)], at=after(0), requests=Requests(1, 0, 1))
    with pytest.raises(LoaderError):
        journal.commit(ID, outcomes=[created(0), created(9)], at=after(1), requests=Requests(9, 0, 5))
    assert timeline(journal) == [Moment(0, begun=1, throttled=1)]
    assert journal._connection.execute("SELECT COUNT(*) FROM timeline").fetchone() == (1,)
    journal.commit(ID, outcomes=[created(0)], at=after(2), requests=Requests(9, 0, 7))
    assert timeline(journal)[1:] == [Moment(2, created=1, throttled=6)]


def test_throttled_answers_go_on_from_the_file(journal: Journal, tmp_path: Path) -> None:
    """A process that takes the load over counts only the answers that it adds."""
    journal.commit(ID, intents=[ready(0)], at=after(0), requests=Requests(4, 0, 4))
    with Journal.open(tmp_path) as another:
        another.mark_in_doubt(ID, at=after(60))
        another.finish(ID, "stopped", requests=Requests(6, 0, 5), seconds=1, at=after(61))
        assert timeline(another)[1:] == [Moment(60, begun=1), Moment(61, throttled=1)]
        assert sum(each.throttled for each in timeline(another)) == another.load(ID).requests.throttled


def test_lookups_and_words_of_people_are_told_apart(journal: Journal) -> None:
    """Rows in doubt that a lookup reconciles are counted, either way; those of a person are decisions."""
    journal.commit(ID, intents=[ready(seq) for seq in range(6)], at=after(0))
    journal.commit(ID, outcomes=[Outcome(seq, Status.IN_DOUBT) for seq in range(5)], at=after(1))
    journal.commit(ID, outcomes=[created(0), created(5)], at=after(2))
    gone = [Outcome(seq, Status.PENDING, attempts=0) for seq in (1, 2)]
    journal.commit(ID, outcomes=gone, at=after(3))
    journal.decide(ID, {3: (True, None), 4: (False, None)}, by="ann", at=after(4))
    assert timeline(journal)[2:] == [Moment(2, created=2, found=1), Moment(3, absent=2), Moment(4, created=1)]
    assert journal.figures(ID, mark="x").decided == 2


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


def test_a_clock_that_is_set_back(journal: Journal, tmp_path: Path) -> None:
    """The last second goes on until the clock has caught up, also in another process."""
    journal.commit(ID, intents=[ready(seq) for seq in range(4)], at=after(100))
    journal.commit(ID, outcomes=[created(0)], at=after(100))
    journal.commit(ID, outcomes=[created(1)], at=after(40))
    with Journal.open(tmp_path) as another:
        another.mark_in_doubt(ID, at=after(41))
        another.commit(ID, outcomes=[created(2)], at=after(50))
        another.commit(ID, outcomes=[created(3)], at=after(101))
    assert timeline(journal)[1:] == [
        Moment(100, created=3, begun=1, found=1),
        Moment(101, created=1, found=1),
    ]


def test_time_that_is_not_told(journal: Journal) -> None:
    """A commit without a time counts under the last one that was told."""
    journal.commit(ID, intents=[ready(0), ready(1)], at=after(3), requests=Requests(1, 0, 1))
    journal.commit(ID, outcomes=[created(0)])
    journal.commit(ID, outcomes=[created(1)], at=after(4))
    assert timeline(journal)[1:] == [Moment(3, created=1, throttled=1), Moment(4, created=1)]


def test_long_timelines_are_read_to_the_end(journal: Journal) -> None:
    """In order, and whole, also while commits come in between."""
    seconds = 12_000
    with journal._writing(JournalFailed):
        journal._connection.executemany(
            "INSERT INTO timeline VALUES (1, ?, 0, 0, 0, 0, 0)", [(each,) for each in range(1, seconds)]
        )
    read = journal.timeline(ID)
    next(read)
    journal.commit(ID, intents=[ready(0)], at=after(seconds))
    assert [each.second for each in read] == list(range(1, seconds + 1))


def test_figures_count_all_rows(journal: Journal) -> None:
    """Records by file, attempts of rows that were sent, ids, and messages that begin as asked."""
    already = judged(3, Status.ALREADY_LOADED, id="id-9", message="changed: load x created it")
    same = judged(4, Status.ALREADY_LOADED, id="id-8", message="created by load x")
    journal.commit(ID, intents=[ready(0), ready(1), ready(2)], judged=[already, same, judged(5)])
    journal.commit(ID, outcomes=[created(0), Outcome(1, Status.PENDING, None, 429, 3)])
    journal.commit(ID, intents=[ready(1)])
    assert journal.figures(ID, mark="changed: ") == LoadStatistics(
        records={0: 6}, attempts={1: 2, 4: 1}, ids=3, marked=1
    )


def test_reading_at_one_moment(journal: Journal, tmp_path: Path) -> None:
    """What another process commits meanwhile is not seen before the end."""
    journal.commit(ID, intents=[ready(0)], at=after(0))
    with Journal.open(tmp_path) as another:
        with journal.at_one_moment():
            before = journal.totals(ID)
            another.commit(ID, outcomes=[created(0)], at=after(1))
            assert journal.totals(ID) == before
            assert [each.created for each in timeline(journal)] == [0]
        assert journal.totals(ID)[Status.CREATED] == sum(each.created for each in timeline(journal)) == 1


def older(home: Path, version: int) -> None:
    """Makes the journal that the program wrote at an earlier version, with a load of two rows."""
    with Journal.open(home) as journal:
        journal.begin(load())
        journal.commit(ID, intents=[ready(0), ready(1)])
        journal.commit(ID, outcomes=[created(0)])
    with contextlib.closing(sqlite3.connect(home / "journal.db")) as connection:
        connection.executescript(f"DROP TABLE timeline; PRAGMA user_version = {version};")


def tables(home: Path) -> tuple[int, dict[str, str]]:
    """The version of a journal, and its tables and indexes as they are written."""
    with contextlib.closing(sqlite3.connect(home / "journal.db")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
        return version, dict(connection.execute(query).fetchall())


def test_a_journal_of_version_1_is_brought_along(tmp_path: Path) -> None:
    """It becomes what a new one is; its rows stay, and its loads go on."""
    older(tmp_path / "old", 1)
    Journal.open(tmp_path / "new").close()
    with Journal.open(tmp_path / "old") as journal:
        assert tables(tmp_path / "old") == tables(tmp_path / "new")
        assert list(journal.timeline(ID)) == []
        assert journal.totals(ID)[Status.CREATED] == 1
        journal.commit(ID, outcomes=[created(1)], at=after(5))
        assert timeline(journal) == [Moment(5, created=1)]  # the one before it is not known
    with Journal.open(tmp_path / "old") as journal:
        assert journal.load(ID) == load()


def test_two_that_bring_it_along_at_once(tmp_path: Path) -> None:
    """The second finds that it is done."""
    older(tmp_path, 1)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as first:
        first.execute("BEGIN IMMEDIATE")
        first.execute(STEPS[1])
        first.execute(f"PRAGMA user_version = {VERSION}")
        with pytest.raises(JournalUnusable, match="locked"):
            Journal.open(tmp_path, wait=0.01)
        first.execute("COMMIT")
    with Journal.open(tmp_path) as journal:
        assert list(journal.timeline(ID)) == []


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or not at all: the version stays, and a later try succeeds."""
    older(tmp_path, 1)
    before = tables(tmp_path)
    with monkeypatch.context() as patch:
        patch.setitem(STEPS, 1, "CREATE TABLE load (x)")
        with pytest.raises(JournalUnusable):
            Journal.open(tmp_path)
    assert tables(tmp_path) == before
    Journal.open(tmp_path).close()
    assert tables(tmp_path)[0] == VERSION


def test_every_earlier_version_has_a_step() -> None:
    """A file of any earlier version can be brought along, and what a step makes is in a new file too."""
    assert sorted(STEPS) == list(range(1, VERSION))
    assert all(step in DDL for step in STEPS.values())
    assert BEGAN.tzinfo is UTC
