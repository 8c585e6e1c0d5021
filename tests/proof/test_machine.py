"""Any sequence of runs, answers, crashes and resumes: nothing twice, nothing lost, few rows in doubt."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loader.errors import JournalFailed
from loader.findings import Finding
from loader.identity import decide_rows
from loader.journal import open_journal
from loader.records import DecidedRow, Outcome, Position, Requests, SendableRow, Status
from loader.sending import Client, Clock, Dispatcher, RateLimiter, StopLimits, Threads, Token, dispatch
from loader.settings import RunSettings
from tests.journal.journal_values import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loader.journal import Journal, PendingRows
    from loader.sending import DispatchResult

ROWS: Final = 18
BATCH: Final = 5
CONCURRENCY: Final = 3
LOADS: Final = ("20261122T101500Z-0000000a", "20261122T101500Z-0000000b")
FINAL: Final = frozenset(Status) - {Status.PENDING}
_DECIDED: Final = Finding("required.empty", "name")

Kind = Literal[
    "stored", "stored, answer lost", "stored, 500", "stored, no id", "not stored, answer lost",
    "not stored, 500", "400", "409", "429", "no connection", "401", "403",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = (
    *("stored",) * 8,
    "stored, answer lost", "stored, 500", "stored, no id", "not stored, answer lost", "not stored, 500",
    "400", "409", "429", "no connection", "401", "403",
)  # fmt: skip
STATUSES: Final[dict[str, int]] = {
    "stored": 200, "stored, 500": 500, "stored, no id": 200, "not stored, 500": 500,
    "400": 400, "409": 409, "429": 429, "401": 401, "403": 403,
}  # fmt: skip


class Crashed(Exception):  # noqa: N818 - not an error of the program but its end
    """The process is gone at this point."""


@dataclass(frozen=True)
class Crash:
    """Where a run ends.

    Attributes:
        place: At a commit or at a request.
        number: At which one of this run, from 0.
        late: After it took effect, not before.
        full: The disk is full instead: the commit fails, the process lives and stops by itself.
    """

    place: Literal["commit", "request"]
    number: int
    late: bool
    full: bool = False


CRASHES: Final = st.one_of(
    st.builds(Crash, st.just("commit"), st.integers(0, 14), st.booleans()),
    st.builds(Crash, st.just("request"), st.integers(0, 20), st.booleans()),
    st.builds(Crash, st.just("commit"), st.integers(0, 14), st.just(value=False), st.just(value=True)),
)


@dataclass(frozen=True)
class Answer:
    """What happens to a request.

    Attributes:
        kind: What the service does.
        turns: How often others come to their turn before it does it, and before its answer is there.
    """

    kind: Kind
    turns: tuple[int, int]


ANSWERS: Final = st.builds(Answer, st.sampled_from(KINDS), st.tuples(st.integers(0, 4), st.integers(0, 4)))


@dataclass
class Service:
    """What is stored, and what its senders cannot know of what they sent.

    Attributes:
        stored: The ids under which each row is stored.
        unclear: Rows that were sent, of which no sender has learnt that they were not stored.
        twice: Rows that came although an earlier request may have stored them.
    """

    stored: dict[str, list[str]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)

    def comes(self, key: str) -> None:
        """A request with the row arrives."""
        if key in self.unclear:
            self.twice.append(key)
        self.unclear.add(key)

    def store(self, key: str) -> str:
        """Stores the row under a new id."""
        ids = self.stored.setdefault(key, [])
        ids.append(f"{key}-{len(ids)}")
        return ids[-1]


class Life:
    """One process: it may end at a commit or a request, and then does nothing any more."""

    def __init__(self, crash: Crash | None) -> None:
        self._crash = crash
        self._counts = {"commit": 0, "request": 0}
        self.over = False

    def due(self, place: Literal["commit", "request"]) -> Crash | None:
        """Counts one more commit or request; gives the crash that belongs to it."""
        number = self._counts[place]
        self._counts[place] += 1
        crash = self._crash
        return crash if crash and (crash.place, crash.number) == (place, number) else None

    def end(self) -> Crashed:
        """Ends it."""
        self.over = True
        return Crashed()


class Wire(httpx.AsyncBaseTransport):
    """Carries requests to the service, as drawn; a service goes on with what it has after a crash."""

    def __init__(self, service: Service, life: Life, answers: Sequence[Answer]) -> None:
        self._service = service
        self._life = life
        self._answers = iter(answers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request: its body is its row's key."""
        key = request.content.decode()
        crash = self._life.due("request")
        answer = next(self._answers, Answer("stored", (0, 0)))
        if self._life.over:
            await asyncio.Event().wait()
        if crash and not crash.late:
            raise self._life.end()
        if answer.kind == "no connection":
            raise httpx.ConnectError("connection refused", request=request)
        self._service.comes(key)
        await _turns(answer.turns[0])
        record_id = self._service.store(key) if answer.kind.startswith("stored") else ""
        if crash:
            raise self._life.end()
        await _turns(answer.turns[1])
        if self._life.over:
            await asyncio.Event().wait()
        return self._answered(key, answer.kind, record_id, request)

    def _answered(self, key: str, kind: Kind, record_id: str, request: httpx.Request) -> httpx.Response:
        if kind.endswith("lost"):
            raise httpx.ReadError("the connection was lost", request=request)
        if kind in {"400", "409", "429", "401", "403"}:
            self._service.unclear.discard(key)
        document = {"id": record_id} if kind == "stored" else {"message": f"{kind}: {key}"}
        return httpx.Response(STATUSES[kind], json=document, request=request)


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class NoThreads(Threads):
    """No threads, so that a run can be repeated; others run around each piece of work."""

    def __init__(self, turns: Iterator[int]) -> None:
        super().__init__()
        self._turns = turns

    async def read(self, work: Callable[[], Any]) -> Any:
        """Work in the event loop."""
        await _turns(next(self._turns, 0))
        try:
            return work()
        finally:
            await _turns(next(self._turns, 0))

    write = read


@dataclass(frozen=True)
class RowBatch:
    """Rows of a load, decided or not."""

    checkpoint: Position
    rows: list[SendableRow | DecidedRow]


class Ledger:
    """The journal with a seam at each commit."""

    def __init__(self, journal: Journal, load_id: str, life: Life) -> None:
        self._journal = journal
        self._load_id = load_id
        self._life = life

    def decide(self, prepared: RowBatch) -> RowBatch:
        """As a load does."""
        journal, load_id = self._journal, self._load_id
        rows = decide_rows(
            prepared.rows,
            elsewhere=partial(journal.known_elsewhere, load_id),
            here=partial(journal.known_here, load_id),
            id_field="sys_external_id",
            file_names=["rows.csv"],
        )
        return RowBatch(prepared.checkpoint, rows)

    def commit(self, *, requests: Requests, **changes: Any) -> None:
        """Writes, unless the process ends here."""
        crash = self._life.due("commit")
        if self._life.over:
            raise Crashed
        if crash and crash.full:
            raise JournalFailed("the disk is full")
        if crash and not crash.late:
            raise self._life.end()
        self._journal.commit(self._load_id, requests=requests, **changes)
        if crash:
            raise self._life.end()


class FakeTime:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        """The present."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Lets time pass at once."""
        self.now += seconds
        await asyncio.sleep(0)


def key_of(load_id: str, seq: int, external_id: str | None) -> str:
    """What the service knows a row by: its external id, or its place where it has none."""
    return external_id or f"{load_id}:{seq}"


@dataclass(frozen=True)
class Sources:
    """The rows of the loads: external ids, and which rows are invalid or filtered by themselves.

    Attributes:
        external_ids: By row.
        decided: The statuses of rows that are not to be sent.
    """

    external_ids: tuple[str | None, ...]
    decided: tuple[Status | None, ...]

    def batch(self, load_id: str, start: int, chosen: Callable[[int], bool]) -> RowBatch:
        """The chosen rows of the batch that begins at `start`."""
        seqs = range(start, min(start + BATCH, ROWS))
        rows = [self._row(load_id, seq) for seq in seqs if chosen(seq)]
        return RowBatch(Position(start, 0, start + 1), rows)

    def _row(self, load_id: str, seq: int) -> SendableRow | DecidedRow:
        external_id, status = self.external_ids[seq], self.decided[seq]
        if status:
            return DecidedRow(seq, 0, seq + 1, external_id, status, findings=(_DECIDED,))
        key = key_of(load_id, seq, external_id)
        return SendableRow(seq, 0, seq + 1, external_id, key.encode(), seq.to_bytes(16, "big"))


def batches(source: Sources, journal: Journal, load_id: str) -> Iterator[RowBatch]:
    """What a load has still to do, as a load reads it."""
    point = journal.resume_point(load_id)
    for behind in point.pending:
        yield from _pending(source, load_id, behind)
    for start in range(point.checkpoint.seq, ROWS, BATCH):
        prepared = source.batch(load_id, start, lambda seq: seq >= point.next_seq)
        if prepared.rows:
            yield prepared


def _pending(source: Sources, load_id: str, behind: PendingRows) -> Iterator[RowBatch]:
    for start in range(behind.checkpoint.seq, max(behind.seqs) + 1, BATCH):
        yield source.batch(load_id, start, lambda seq: seq in behind.seqs)


SOURCES: Final = st.builds(
    Sources,
    st.tuples(*[st.sampled_from([f"K{seq}", f"K{seq}", f"K{seq}", "K0", "K3", None]) for seq in range(ROWS)]),
    st.tuples(*[st.sampled_from([None] * 6 + [Status.INVALID, Status.FILTERED])] * ROWS),
)


class LoadMachine(RuleBasedStateMachine):
    """Two loads of the same rows in one journal; each run may crash, and the journal is what is on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="loads-"))
        self.homes = 0
        self.journal = open_journal(self.folder / "0", wait=0)
        self.service = Service()
        self.started: list[str] = []
        self.source = Sources((), ())

    @initialize(source=SOURCES)
    def choose_rows(self, source: Sources) -> None:
        """Draws what is in the file."""
        self.source = source

    def teardown(self) -> None:
        """Removes the files of all crashes."""
        self.journal.close()
        shutil.rmtree(self.folder)

    @rule(
        load_id=st.sampled_from(LOADS),
        crash=st.none() | CRASHES,
        answers=st.lists(ANSWERS, max_size=40),
        turns=st.lists(st.integers(0, 6), max_size=40),
        max_in_doubt=st.sampled_from([None, 1, 4]),
    )
    def run_load(
        self,
        load_id: str,
        crash: Crash | None,
        answers: list[Answer],
        turns: list[int],
        max_in_doubt: int | None,
    ) -> None:
        """A load is started, or taken up again, and runs to its end or to a crash."""
        self._take_up(load_id)
        life = Life(crash)
        try:
            ended = self._dispatch(load_id, life, answers, turns, max_in_doubt)
        except Crashed:
            self._die()
        except JournalFailed:
            return
        else:
            if not ended.early:
                self._all_is_done(load_id)

    @precondition(lambda self: self.started)
    @rule(data=st.data(), by_hand=st.booleans(), crash=st.sampled_from(["no", "before", "after"]))
    def look_up(self, data: st.DataObject, by_hand: bool, crash: str) -> None:  # noqa: FBT001 - drawn
        """The service or a person decides about rows in doubt, and it is written down, or nearly so."""
        load_id = data.draw(st.sampled_from(self.started))
        self._doubt(load_id)
        ids: dict[int, str | None] = {}
        for row in self.journal.row_results(load_id, {Status.IN_DOUBT}):
            key = key_of(load_id, row.seq, row.external_id)
            ids[row.seq] = next(iter(self.service.stored.get(key, [])), None)
        if crash != "before":
            self._reconcile(load_id, ids, by_hand=by_hand)
        if crash != "no":
            self._die()

    def _reconcile(self, load_id: str, ids: dict[int, str | None], *, by_hand: bool) -> None:
        """Writes down the ids of rows in doubt, None for those that were not stored."""
        if by_hand:
            decisions = {seq: (record_id is not None, record_id) for seq, record_id in ids.items()}
            at = datetime(2026, 11, 22, tzinfo=UTC)
            self.journal.record_decisions(load_id, decisions, by="somebody", at=at)
        else:
            ends = {seq: Status.CREATED if record_id else Status.PENDING for seq, record_id in ids.items()}
            outcomes = [Outcome(seq, end, ids[seq], attempts=0) for seq, end in ends.items()]
            self.journal.commit(load_id, outcomes=outcomes)
        for seq, record_id in ids.items():
            if record_id is None:
                self.service.unclear.discard(key_of(load_id, seq, self.source.external_ids[seq]))

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        """No row came that an earlier request may have stored, and none is stored twice."""
        assert not self.service.twice
        assert all(len(ids) == 1 for ids in self.service.stored.values())

    @invariant()
    def each_row_has_its_one_state(self) -> None:
        """Rows have one line each, without gaps; the states agree with the totals and with the service."""
        claimed: dict[str, list[Status]] = {}
        for load_id in self.started:
            results = list(self.journal.row_results(load_id))
            assert [row.seq for row in results] == list(range(len(results)))
            totals = self.journal.totals(load_id)
            assert sum(totals.values()) == len(results)
            for row in results:
                key = key_of(load_id, row.seq, row.external_id)
                assert row.external_id == self.source.external_ids[row.seq]
                if row.status is Status.CREATED or row.status is Status.ALREADY_LOADED:
                    assert [row.id] == self.service.stored[key]
                if row.status in {Status.CREATED, Status.IN_DOUBT}:
                    claimed.setdefault(key, []).append(row.status)
        for key in set(self.service.stored) | self.service.unclear:
            assert len(claimed[key]) == 1, "a row that may be stored is not known as such, or more than once"
            assert key in self.service.stored or claimed[key] == [Status.IN_DOUBT]

    # --- How a process lives ------------------------------------------------------------------------

    def _take_up(self, load_id: str) -> None:
        if load_id not in self.started:
            self.started.append(load_id)
            self.journal.begin(load(load_id))
            return
        self.journal.reopen(load_id)
        self._doubt(load_id)
        self.journal.reopen_waiting(load_id)

    def _doubt(self, load_id: str) -> None:
        """Rows that were in progress are in doubt from now on: twice the concurrency at most."""
        assert self.journal.mark_in_doubt(load_id) <= 2 * CONCURRENCY

    def _dispatch(
        self,
        load_id: str,
        life: Life,
        answers: list[Answer],
        turns: list[int],
        max_in_doubt: int | None,
    ) -> DispatchResult:
        time = FakeTime()
        run = RunSettings(tenant="acme", concurrency=CONCURRENCY)

        def make() -> Dispatcher[RowBatch]:
            client = Client(
                "http://127.0.0.1:1/billingRuns/acme",
                token=Token("t-1"),
                rate_limiter=RateLimiter(None, time.now),
                settings=run,
                clock=Clock(time, time.sleep),
                chance=random.Random(1),
                transport=Wire(self.service, life, answers),
            )
            rows = batches(self.source, self.journal, load_id)
            return Dispatcher(
                rows,
                Ledger(self.journal, load_id, life),
                client,
                concurrency=CONCURRENCY,
                limits=StopLimits(max_in_doubt=max_in_doubt),
                on_progress=_silent,
                threads=NoThreads(iter(turns)),
            )

        ended = dispatch(make)
        if life.over:
            raise Crashed
        return ended

    def _die(self) -> None:
        """The process is gone: another one finds what is on the disk."""
        dead, self.homes = self.folder / str(self.homes), self.homes + 1
        home = self.folder / str(self.homes)
        home.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(dead / name, home / name)
        self.journal.close()
        self.journal = open_journal(home, wait=0)

    def _all_is_done(self, load_id: str) -> None:
        """After a run that came to its end every row of the file has an end."""
        results = list(self.journal.row_results(load_id))
        assert len(results) == ROWS
        assert {row.status for row in results} <= FINAL
        assert self.journal.mark_in_doubt(load_id) == 0


def _silent() -> None:
    """Nobody watches."""


@pytest.mark.timeout(600)  # a failure takes minutes to be made small
class TestLoads(LoadMachine.TestCase):  # type: ignore[valid-type,misc]  # made while it runs
    """Runs the machine."""

    settings = settings(
        max_examples=120, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
    )
