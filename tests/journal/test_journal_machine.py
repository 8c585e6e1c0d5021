"""Any sequence of commits, crashes and resumes leaves each row in exactly one state."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loader.errors import LoaderError
from loader.records import Outcome, Position, Status
from tests.journal.journal_values import decided, load, ready, refused
from tests.journal.journals import STORES

ID = load().load_id
ENDS = st.sampled_from([Status.CREATED, Status.REFUSED, Status.IN_DOUBT, Status.PENDING])
VERDICTS = st.sampled_from([Status.FILTERED, Status.INVALID, Status.ALREADY_LOADED, Status.BLOCKED])


class JournalMachine(RuleBasedStateMachine):
    """Holds the journal against a dict of row -> status, "sent" while it is in progress."""

    kind = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.store = STORES[self.kind](self.folder)
        self.journal = self.store.open(wait=0)
        self.journal.begin(load())
        self.rows: dict[int, str] = {}
        self.starts: list[Position] = []
        self.clock = load().created_at

    def teardown(self) -> None:
        """Removes the files of all crashes."""
        self.journal.close()
        shutil.rmtree(self.folder)

    def rows_that_are(self, *states: str) -> list[int]:
        """Rows in one of these states."""
        return [seq for seq, state in self.rows.items() if state in states]

    def later(self, data: st.DataObject) -> datetime:
        """Mostly a later time; now and then the clock goes back."""
        self.clock += timedelta(seconds=data.draw(st.floats(-3, 9), "seconds since then"))
        return self.clock

    @rule(kinds=st.lists(st.one_of(st.just("sent"), VERDICTS), min_size=1, max_size=8), data=st.data())
    def commit_batch(self, kinds: list[str], data: st.DataObject) -> None:
        """Ends some rows that are in progress, sends and decides new ones, sends some pending ones again."""
        ended = data.draw(st.sets(st.sampled_from(self.rows_that_are("sent") or [-1])), "ended") - {-1}
        ends = {seq: data.draw(ENDS, f"end of {seq}") for seq in sorted(ended)}
        again = data.draw(st.sets(st.sampled_from(self.rows_that_are("pending") or [-1])), "again") - {-1}
        first = len(self.rows)
        new = dict(enumerate(kinds, first))
        start = Position(first, 0, first + 1, first + 2, first * 7)
        self.journal.commit(
            ID,
            decided=[decided(seq, Status(kind)) for seq, kind in new.items() if kind != "sent"],
            intents=[ready(seq) for seq in sorted(again | {seq for seq in new if new[seq] == "sent"})],
            outcomes=[_outcome(seq, end) for seq, end in ends.items()],
            checkpoints=[start],
            at=self.later(data),
        )
        self.rows |= {**new, **{seq: end.value for seq, end in ends.items()}, **dict.fromkeys(again, "sent")}
        self.starts.append(start)

    @precondition(lambda self: self.rows_that_are("in_doubt"))
    @rule(data=st.data(), end=st.sampled_from([Status.CREATED, Status.PENDING]))
    def reconcile(self, data: st.DataObject, end: Status) -> None:
        """A readback finds out about a row in doubt."""
        seq = data.draw(st.sampled_from(self.rows_that_are("in_doubt")))
        self.journal.commit(ID, outcomes=[_outcome(seq, end)], at=self.later(data))
        self.rows[seq] = end.value

    @precondition(
        lambda self: self.rows_that_are("created", "refused", "invalid", "filtered", "in_doubt", "sent")
    )
    @rule(data=st.data())
    def sending_again_is_refused(self, data: st.DataObject) -> None:
        """No row but a pending one may be sent again, and a commit that tries changes nothing."""
        barred = self.rows_that_are("created", "refused", "invalid", "filtered", "in_doubt", "sent")
        seq = data.draw(st.sampled_from(barred))
        with pytest.raises(LoaderError):
            self.journal.commit(ID, intents=[ready(seq), ready(len(self.rows))])

    @precondition(lambda self: self.rows_that_are("created", "refused"))
    @rule(data=st.data(), end=ENDS)
    def a_final_state_stays(self, data: st.DataObject, end: Status) -> None:
        """Another outcome of a row that has ended is refused."""
        seq = data.draw(st.sampled_from(self.rows_that_are("created", "refused")))
        with pytest.raises(LoaderError):
            self.journal.commit(ID, outcomes=[Outcome(seq, end, "another")])

    @rule()
    def crash_and_resume(self) -> None:
        """The machine stops: what is durable is all there is; the load is taken up from it."""
        self.journal = self.store.crash(self.journal)
        sent = self.rows_that_are("sent")
        assert self.journal.mark_in_doubt(ID) == len(sent)
        self.rows |= dict.fromkeys(sent, "in_doubt")

    @invariant()
    def each_row_has_its_one_state(self) -> None:
        """Results and totals are what happened; nothing is forgotten."""
        states = ["in_doubt" if state == "sent" else str(state) for state in self.rows.values()]
        assert [row.status.value for row in self.journal.row_results(ID)] == states
        assert {key.value: count for key, count in self.journal.totals(ID).items() if count} == {
            state: states.count(state) for state in states
        }

    @invariant()
    def the_timeline_adds_up(self) -> None:
        """Every created row is in it once, in seconds that never go back."""
        timeline = list(self.journal.timeline(ID))
        assert sum(item.created for item in timeline) == len(self.rows_that_are("created"))
        assert all(item.created >= 0 for item in timeline)
        assert [item.second for item in timeline] == sorted({item.second for item in timeline})

    @invariant()
    def the_load_goes_on_where_it_stopped(self) -> None:
        """The resume point is the first row without a line, the batch start before it, the pending rows."""
        point = self.journal.resume_point(ID)
        assert point.next_seq == len(self.rows)
        assert point.checkpoint == (self.starts[-1] if self.starts else Position())
        pending = [seq for group in point.pending for seq in group.seqs]
        assert pending == self.rows_that_are("pending")
        for group in point.pending:
            behind = [start for start in self.starts if start.seq <= group.seqs[0]][-1]
            assert group.checkpoint == behind


def _outcome(seq: int, end: Status) -> Outcome:
    if end is Status.REFUSED:
        return refused(seq)
    return Outcome(seq, end, f"id-{seq}" if end is Status.CREATED else None)


@pytest.mark.parametrize("kind", STORES)
def test_any_sequence(kind: str) -> None:
    """Runs the machine against each journal."""
    machine = type("Machine", (JournalMachine,), {"kind": kind})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
