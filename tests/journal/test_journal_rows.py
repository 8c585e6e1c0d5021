"""What a commit takes, what it refuses, and what is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.errors import LoaderError
from loader.findings import Finding
from loader.journal import PendingRows, ResumePoint
from loader.journal.states import may_become, may_begin
from loader.records import Outcome, Position, Requests, Status
from tests.journal.journal_values import created, decided, load, ready, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.journal import Journal
    from tests.journal.journals import JournalStore

ID = load().load_id


@pytest.fixture
def journal(store: JournalStore) -> Iterator[Journal]:
    """A journal with one load that has started."""
    with store.open() as journal:
        journal.begin(load())
        yield journal


def statuses(journal: Journal, load_id: str = ID) -> list[Status]:
    """Every row's status, in order."""
    return [row.status for row in journal.row_results(load_id)]


def test_a_row_is_in_doubt_between_intent_and_outcome(journal: Journal) -> None:
    """A row that was sent and has no outcome counts as in doubt, and is listed so."""
    journal.commit(ID, intents=[ready(0, "A")])
    (result,) = journal.row_results(ID)
    assert (result.status, result.attempts) == (Status.IN_DOUBT, 1)
    assert result.findings == (Finding("sending.process_ended"),)
    assert journal.totals(ID)[Status.IN_DOUBT] == 1


def test_outcomes_and_new_rows_share_a_commit(journal: Journal) -> None:
    """One commit takes outcomes of earlier rows with new rows, decided ones and intents."""
    bad = (Finding("row.bad_bytes", params={"encoding": "utf-8"}), Finding("required.empty", "name", "Näme"))
    journal.commit(ID, intents=[ready(0, "A"), ready(1, "B")])
    journal.commit(
        ID,
        outcomes=[created(0), refused(1, attempts=2)],
        decided=[decided(2, Status.FILTERED), decided(4, findings=bad, line=9)],
        intents=[ready(3, "D")],
        requests=Requests(3, 1, 1),
    )
    results = list(journal.row_results(ID))
    assert [result.seq for result in results] == [0, 1, 2, 3, 4]
    assert (results[0].id, results[0].http_status, results[0].findings) == ("id-0", 201, ())
    assert (results[1].status, results[1].attempts) == (Status.REFUSED, 2)
    assert results[1].findings == refused(1).findings
    assert (results[4].line, results[4].code, results[4].findings) == (9, "row.bad_bytes", bad)
    assert journal.load(ID).requests == Requests(3, 1, 1)


@pytest.mark.parametrize(
    ("before", "status", "allowed"),
    [
        (before, status, status.value in ends.split())
        for before, ends in {
            None: "",
            "sent": "created refused in_doubt pending",
            "in_doubt": "created in_doubt pending",
            "pending": "",
            "created": "",
            "refused": "",
            "invalid": "",
            "filtered": "",
            "blocked": "",
            "already_loaded": "",
        }.items()
        for status in Status
    ],
)
def test_every_move_is_as_drawn(
    journal: Journal, before: str | None, status: Status, *, allowed: bool
) -> None:
    """An outcome moves a row only where the drawing has an arrow, and a refused one changes nothing."""
    if before in ("sent", "in_doubt", "pending", "created", "refused"):
        journal.commit(ID, intents=[ready(0)])
        if before != "sent":
            journal.commit(ID, outcomes=[Outcome(0, Status(before), "old" if before == "created" else None)])
    elif before:
        journal.commit(ID, decided=[decided(0, Status(before))])
    was, totals = list(journal.row_results(ID)), journal.totals(ID)
    # Refusing a row again is no move: another finding distinguishes the two.
    if before == status == Status.REFUSED:
        journal.commit(ID, outcomes=[refused(0, "again")])
    elif allowed:
        journal.commit(ID, outcomes=[Outcome(0, status, "new")])
        assert statuses(journal) == [status]
        return
    else:
        with pytest.raises(LoaderError, match="row 0 cannot become"):
            journal.commit(ID, outcomes=[Outcome(0, status, "new")])
    assert list(journal.row_results(ID)) == was
    assert journal.totals(ID) == totals


@pytest.mark.parametrize("status", [Status.CREATED, Status.REFUSED, Status.IN_DOUBT, Status.INVALID])
def test_only_a_pending_row_may_be_sent_again(journal: Journal, status: Status) -> None:
    """A second intent is refused for a row that is anything but pending."""
    if status is Status.INVALID:
        journal.commit(ID, decided=[decided(0)])
    else:
        journal.commit(ID, intents=[ready(0)])
        journal.commit(ID, outcomes=[Outcome(0, status, "x" if status is Status.CREATED else None)])
    with pytest.raises(LoaderError, match="row 0 was sent or decided already"):
        journal.commit(ID, intents=[ready(0)])
    assert statuses(journal) == [status]


def test_a_row_under_way_may_not_be_sent_again(journal: Journal) -> None:
    """A second intent is refused while the first has no outcome."""
    journal.commit(ID, intents=[ready(0)])
    with pytest.raises(LoaderError, match="already"):
        journal.commit(ID, intents=[ready(0)])


def test_a_pending_row_is_sent_again_and_attempts_add_up(journal: Journal) -> None:
    """A row known not to be stored gets a new intent; its attempts are added and its last status stays."""
    journal.commit(ID, intents=[ready(0, "A")])
    journal.commit(ID, outcomes=[Outcome(0, Status.PENDING, None, 429, 3)])
    assert statuses(journal) == [Status.PENDING]
    journal.commit(ID, intents=[ready(0, "A")])
    journal.commit(ID, outcomes=[Outcome(0, Status.IN_DOUBT, None, None, 1)])
    (result,) = journal.row_results(ID)
    assert (result.status, result.attempts, result.http_status) == (Status.IN_DOUBT, 4, 429)


def test_a_pending_row_may_turn_out_to_be_loaded_already(journal: Journal) -> None:
    """A pending row may be decided in place of a second intent."""
    journal.commit(ID, intents=[ready(0, "A")])
    journal.commit(ID, outcomes=[Outcome(0, Status.PENDING)])
    journal.commit(ID, decided=[decided(0, Status.ALREADY_LOADED, "A", id="id-9")])
    (result,) = journal.row_results(ID)
    assert (result.status, result.id) == (Status.ALREADY_LOADED, "id-9")
    assert journal.totals(ID)[Status.PENDING] == 0


def test_a_repeated_outcome_changes_nothing(journal: Journal) -> None:
    """The same outcome again is no error, and does not count attempts twice."""
    journal.commit(ID, intents=[ready(0)])
    journal.commit(ID, outcomes=[created(0)])
    journal.commit(ID, outcomes=[created(0)])
    (result,) = journal.row_results(ID)
    assert result.attempts == 1
    assert journal.totals(ID)[Status.CREATED] == 1
    with pytest.raises(LoaderError, match="with id other"):
        journal.commit(ID, outcomes=[Outcome(0, Status.CREATED, "other")])


def test_created_needs_an_id(journal: Journal) -> None:
    """A row cannot be created without the id of its record."""
    journal.commit(ID, intents=[ready(0)])
    with pytest.raises(LoaderError, match="without an id"):
        journal.commit(ID, outcomes=[Outcome(0, Status.CREATED)])


@pytest.mark.parametrize("status", [Status.CREATED, Status.REFUSED, Status.IN_DOUBT])
def test_a_decided_row_cannot_be_one_that_was_sent(journal: Journal, status: Status) -> None:
    """What only sending can bring about needs an intent."""
    with pytest.raises(LoaderError, match="without an intent"):
        journal.commit(ID, decided=[decided(0, status)])


def test_a_gap_is_refused(journal: Journal) -> None:
    """A row left out would never be found again, so its followers are not taken."""
    journal.commit(ID, intents=[ready(0)])
    with pytest.raises(LoaderError, match="gap: the next row is 1"):
        journal.commit(ID, intents=[ready(2)])
    with pytest.raises(LoaderError, match="sent or decided twice"):
        journal.commit(ID, intents=[ready(1)], decided=[decided(1)])
    with pytest.raises(LoaderError, match="two outcomes"):
        journal.commit(ID, outcomes=[created(0), created(0)])
    assert journal.resume_point(ID).next_seq == 1


def test_a_refused_commit_leaves_nothing_behind(journal: Journal) -> None:
    """A commit with one wrong row writes none of its right ones."""
    journal.commit(ID, intents=[ready(0), ready(1)])
    with pytest.raises(LoaderError):
        journal.commit(ID, outcomes=[created(0), created(7)], checkpoints=[Position(2, 0, 3)])
    assert statuses(journal) == [Status.IN_DOUBT, Status.IN_DOUBT]
    assert journal.resume_point(ID).checkpoint == Position()


def test_open_rows_become_in_doubt_on_resume(journal: Journal) -> None:
    """Rows that were in progress when the loader stopped are in doubt; other loads are left alone."""
    journal.begin(load("20261122T101500Z-00000002"))
    journal.commit("20261122T101500Z-00000002", intents=[ready(0)])
    journal.commit(ID, intents=[ready(seq) for seq in range(4)])
    journal.commit(ID, outcomes=[created(0), Outcome(1, Status.PENDING)])
    assert journal.mark_in_doubt(ID) == 2
    assert journal.mark_in_doubt(ID) == 0
    assert statuses(journal) == [Status.CREATED, Status.PENDING, Status.IN_DOUBT, Status.IN_DOUBT]
    journal.commit("20261122T101500Z-00000002", outcomes=[created(0)])


def test_the_resume_point_knows_where_pending_rows_lie(journal: Journal) -> None:
    """Reading goes on at the last batch start; pending rows are found behind theirs."""
    starts = [Position(seq, 0, seq + 1, seq + 2, seq * 10) for seq in (0, 3, 6)]
    for start in starts:
        journal.commit(
            ID, intents=[ready(seq) for seq in range(start.seq, start.seq + 3)], checkpoints=[start]
        )
    journal.commit(ID, outcomes=[Outcome(seq, Status.PENDING) for seq in (1, 2, 7)], checkpoints=starts)
    assert journal.resume_point(ID) == ResumePoint(
        next_seq=9,
        checkpoint=starts[2],
        pending=(PendingRows(starts[0], (1, 2)), PendingRows(starts[2], (7,))),
    )


def test_a_checkpoint_ahead_of_the_rows_is_not_used(journal: Journal) -> None:
    """A batch start is only gone back to when every row before it has a line."""
    journal.commit(ID, intents=[ready(0)], checkpoints=[Position(), Position(5, 0, 6, 7, 80)])
    point = journal.resume_point(ID)
    assert (point.next_seq, point.checkpoint) == (1, Position())


def test_half_characters_in_answers_do_not_stop_the_journal(journal: Journal) -> None:
    """Half a surrogate pair, which JSON can carry and UTF-8 cannot, is kept; in an id as an escape."""
    outcome = refused(0, "no \ud800 é", 400)
    journal.commit(ID, intents=[ready(0), ready(1)])
    journal.commit(ID, outcomes=[outcome, Outcome(1, Status.CREATED, "x\ud800")])
    results = list(journal.row_results(ID))
    assert results[0].findings == outcome.findings
    assert results[1].id == "x\\ud800"


def test_results_may_be_read_between_commits(journal: Journal) -> None:
    """An iterator of results stays good while more is written."""
    journal.commit(ID, decided=[decided(seq) for seq in range(4500)])
    results = journal.row_results(ID)
    first = next(results)
    journal.commit(ID, decided=[decided(4500)])
    assert [first.seq, *(row.seq for row in results)] == list(range(4501))


def test_the_move_table_and_the_begin_rule_agree() -> None:
    """No row that may begin may also end: a row is either waiting or in progress."""
    for state in [None, *range(9)]:
        assert not (may_begin(state) and any(may_become(state, status) for status in Status))
