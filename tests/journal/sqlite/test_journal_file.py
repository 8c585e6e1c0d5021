"""The journal's file: made with care, durable, and never replaced."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loader.errors import JournalFailed, JournalUnusable
from loader.journal.sqlite.crosswalk import ELSEWHERE, HERE, ROWS
from loader.journal.sqlite.journal import SqliteJournal
from loader.journal.sqlite.resume import LAST_CHECKPOINT, PENDING_KEYS
from loader.journal.sqlite.rows import SENT_KEYS
from loader.journal.sqlite.schema import VERSION
from loader.journal.states import STATUS_OF
from loader.records import Requests, Status
from tests.journal.journal_values import created, decided, load, ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ID = load().load_id

WRITER = """
import os, sys
from pathlib import Path
from tests.journal.journal_values import created, load, ready
from loader.journal import open_journal
journal = open_journal(Path(sys.argv[1]))
journal.begin(load())
for seq in range(int(sys.argv[2])):
    journal.commit(load().load_id, intents=[ready(seq)], outcomes=[created(seq - 1)] if seq else [])
    print(seq, flush=True)
os._exit(9)
"""
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE load SET reason = 'held'")
print("held", flush=True)
sys.stdin.read()
"""


def run_beside(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts a Python program that can import these tests' values."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])},
    )


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write anywhere; these tests are about users who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a journal that holds one load of 300 rows."""
    home = tmp_path / "home"
    with SqliteJournal.open(home, wait=10) as journal:
        journal.begin(load())
        journal.commit(ID, intents=[ready(seq, f"E{seq}") for seq in range(300)])
        journal.commit(ID, outcomes=[created(seq) for seq in range(300)])
    return home


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """The home is 0700, the file and its companions 0600, whatever the umask."""
    home = tmp_path / "a" / "home"
    before = os.umask(0)
    try:
        with SqliteJournal.open(home, wait=10) as journal:
            journal.begin(load())
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["journal.db", "journal.db-wal", "journal.db-shm"], 0o600)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_every_commit_is_synced_to_the_disk(home: Path) -> None:
    """The file is in WAL mode, and each commit is synced."""
    with SqliteJournal.open(home, wait=10) as journal:
        assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("killed", [True, False], ids=["kill -9", "os._exit"])
def test_what_was_committed_survives_the_process(tmp_path: Path, *, killed: bool) -> None:
    """Every row whose commit returned is in the journal after the process died without closing it."""
    rows = 10**9 if killed else 40
    with run_beside(WRITER, str(tmp_path), str(rows)) as writer:
        assert writer.stdout
        seqs = [int(writer.stdout.readline()) for _ in range(40)]
        if killed:
            writer.send_signal(signal.SIGKILL)
        seqs += [int(line) for line in writer.stdout]
    assert writer.returncode == (-signal.SIGKILL if killed else 9)
    with SqliteJournal.open(tmp_path, wait=10) as journal:
        point = journal.resume_point(ID)
        assert point.next_seq > seqs[-1]
        assert journal.mark_in_doubt(ID) == 1
        assert journal.totals(ID)[Status.CREATED] == point.next_seq - 1


def test_the_counts_agree_with_the_rows(home: Path) -> None:
    """The totals, which are kept beside the rows, are what a walk over the rows finds."""
    with SqliteJournal.open(home, wait=10) as journal:
        journal.commit(ID, decided=[decided(300, Status.FILTERED), decided(301)], intents=[ready(302)])
        walk = dict.fromkeys(Status, 0)
        for state, count in journal._connection.execute(
            "SELECT state, count(*) FROM load_row GROUP BY state"
        ):
            walk[STATUS_OF[state]] += count
        assert journal.totals(ID) == walk


def test_a_full_disk_stops_the_load_and_keeps_what_was(home: Path) -> None:
    """A commit that finds no room fails whole, says so, and the journal goes on when there is room."""
    with SqliteJournal.open(home, wait=10) as journal:
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalFailed, match="disk is full") as caught:
            journal.commit(ID, intents=[ready(seq, "x" * 100) for seq in range(300, 2000)])
        assert caught.value.next_step == "make room on that disk, then try again"
        assert journal.resume_point(ID).next_seq == 300
        journal._connection.execute("PRAGMA max_page_count = 1000000")
        journal.commit(ID, intents=[ready(300)])


def test_a_writer_in_the_way_is_named(home: Path) -> None:
    """While another process writes, a commit fails after the wait; reading goes on."""
    with (
        run_beside(HOLDER, str(home / "journal.db"), "SELECT 1") as holder,
        SqliteJournal.open(home, wait=0.01) as journal,
    ):
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(JournalFailed, match="another program has locked it"):
            journal.commit(ID, intents=[ready(300)])
        with pytest.raises(JournalUnusable, match="locked"):
            journal.begin(load("20261122T101500Z-00000002"))
        assert journal.resume_point(ID).next_seq == 300
        holder.communicate("")
        journal.commit(ID, intents=[ready(300)])


def test_a_journal_locked_whole_cannot_be_opened(home: Path) -> None:
    """A process that keeps the file to itself is waited for, then named as the reason."""
    with run_beside(HOLDER, str(home / "journal.db"), "PRAGMA locking_mode = EXCLUSIVE") as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(JournalUnusable, match="another program has locked it"):
            SqliteJournal.open(home, wait=0.01)
        holder.communicate("")


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _scribble(path: Path) -> None:
    path.write_bytes(b"Dear diary" * 1000)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def _first_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)


@pytest.mark.parametrize("damage", [_cut, _scribble, _empty, _header, _first_page])
def test_a_damaged_journal_is_never_replaced(home: Path, damage: Callable[[Path], None]) -> None:
    """Damage is an error that says what to do, and the file stays as it is."""
    path = home / "journal.db"
    damage(path)
    was = path.read_bytes()
    with pytest.raises(JournalUnusable, match="damaged") as caught:
        SqliteJournal.open(home, wait=10)
    assert "do not delete it" in (caught.value.next_step or "")
    assert path.read_bytes() == was


def test_damage_among_the_rows_stops_reading_and_writing(home: Path) -> None:
    """Damage that opening does not meet is an error of whatever meets it."""
    path = home / "journal.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4096 * 8 // 10 * 4096)
        file.write(b"\xff" * (size - file.tell()))
    with SqliteJournal.open(home, wait=10) as journal:
        with pytest.raises(JournalFailed, match="damaged"):
            list(journal.row_results(ID))
        with pytest.raises(JournalFailed, match="damaged"):
            journal.commit(ID, intents=[ready(300)])
        with pytest.raises(JournalUnusable, match="damaged"):
            journal.resume_point(ID)


@pytest.mark.parametrize(
    ("version", "age"), [(99, "newer"), (2, "older"), (1, "older")], ids=["newer", "last", "first"]
)
def test_a_journal_of_another_version_is_left_alone(home: Path, version: int, age: str) -> None:
    """A file that another loader wrote is not touched; the message names both versions and the way out."""
    with contextlib.closing(sqlite3.connect(home / "journal.db")) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    text = f"version {version}, this program reads version {VERSION}"
    with pytest.raises(JournalUnusable, match=text) as caught:
        SqliteJournal.open(home, wait=10)
    assert caught.value.exit_code == 2
    assert f"the {age} loader" in (caught.value.next_step or "")
    with contextlib.closing(sqlite3.connect(home / "journal.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)


def test_another_programs_database_is_left_alone(home: Path) -> None:
    """A database of something else is not taken for a journal."""
    (home / "journal.db").unlink()
    with contextlib.closing(sqlite3.connect(home / "journal.db")) as connection:
        connection.execute("CREATE TABLE load (x)")
    with pytest.raises(JournalUnusable, match="not a journal of this program"):
        SqliteJournal.open(home, wait=10)


def test_a_log_without_its_journal_is_not_replaced(home: Path) -> None:
    """A journal that was deleted or moved away from its log is missed, not replaced."""
    (home / "journal.db").rename(home / "elsewhere.db")
    (home / "journal.db-wal").write_bytes(b"left over")
    with pytest.raises(JournalUnusable, match="the journal is missing"):
        SqliteJournal.open(home, wait=10)
    assert not (home / "journal.db").exists()


@pytest.mark.parametrize("exists", [True, False], ids=["old journal", "no journal"])
def test_a_folder_that_may_not_be_written(*, exists: bool) -> None:
    """Where the journal cannot be written, nothing begins."""
    home = Path(tempfile.mkdtemp())
    try:
        if exists:
            SqliteJournal.open(home, wait=10).close()
            (home / "journal.db").chmod(0o644)
        home.chmod(0o555)
        with without_privileges(), pytest.raises(JournalUnusable) as caught:
            SqliteJournal.open(home, wait=10)
        assert "no permission to write" in caught.value.message or "Permission denied" in caught.value.message
        assert "--home" in (caught.value.next_step or "")
    finally:
        home.chmod(0o755)
        shutil.rmtree(home)


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    """A file in the place of the home is named."""
    (tmp_path / "home").write_text("x")
    with pytest.raises(JournalUnusable, match="cannot be created: File exists"):
        SqliteJournal.open(tmp_path / "home", wait=10)


def test_a_journal_that_is_a_folder(tmp_path: Path) -> None:
    """A folder in the place of the journal is named."""
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(JournalUnusable, match="cannot be opened"):
        SqliteJournal.open(tmp_path, wait=10)


def test_two_that_make_it_at_once_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that another process made a moment ago is used, not replaced."""
    with SqliteJournal.open(tmp_path, wait=10) as first:
        first.begin(load())
        with monkeypatch.context() as patched:
            patched.setattr("loader.journal.sqlite.sqlite_file.os.path.lexists", lambda _path: False)
            patched.setattr("loader.journal.sqlite.sqlite_file._refuse_orphaned_log", lambda _path: None)
            with SqliteJournal.open(tmp_path, wait=10) as second:
                assert second.load(ID) == load()


def test_a_closed_journal_raises(home: Path) -> None:
    """A call after `close` is an error, not a loss."""
    journal = SqliteJournal.open(home, wait=10)
    journal.close()
    with pytest.raises(JournalFailed, match="closed"):
        journal.finish(ID, "finished", requests=Requests(), seconds=0)


def test_decisions_are_kept_with_who_and_when(home: Path) -> None:
    """A decision has an entry of its own, in UTC, which nothing overwrites."""
    with SqliteJournal.open(home, wait=10) as journal:
        journal.commit(ID, intents=[ready(300), ready(301)])
        journal.mark_in_doubt(ID)
        at = datetime(2026, 11, 22, 12, 30, tzinfo=timezone(timedelta(hours=2)))
        journal.record_decisions(ID, {300: (True, "x-1"), 301: (False, None)}, by="ann", at=at)
        query = "SELECT load_id, seq, verdict, decided_by, decided_at FROM decision JOIN load USING (load_no)"
        assert journal._connection.execute(f"{query} ORDER BY seq").fetchall() == [
            (ID, 300, "created", "ann", "2026-11-22T10:30:00+00:00"),
            (ID, 301, "unsent", "ann", "2026-11-22T10:30:00+00:00"),
        ]


def test_long_timelines_are_read_to_the_end(home: Path) -> None:
    """In order, and whole, also while commits come in between."""
    seconds = 12_000
    with SqliteJournal.open(home, wait=10) as journal:
        with journal._writing(JournalFailed):
            journal._connection.executemany(
                "INSERT INTO timeline VALUES (1, ?, 0, 0, 0, 0, 0)",
                [(number,) for number in range(1, seconds)],
            )
        read = journal.timeline(ID)
        next(read)
        journal.commit(ID, intents=[ready(300)], at=load().created_at + timedelta(seconds=seconds))
        assert [item.second for item in read] == list(range(1, seconds + 1))


PLACE: dict[str, object] = {"scope": 1, "first": 2, "last": 3, "id0": "A"}


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        (SENT_KEYS, (1, 2)),
        (PENDING_KEYS, (1, 2)),
        (LAST_CHECKPOINT, (1, 2)),
        (f"{ELSEWHERE.format(marks='(:id0)')}{ROWS}", PLACE),
        (f"{HERE.format(marks='(:id0)')}{ROWS}", PLACE),
    ],
)
def test_no_query_of_a_resume_or_a_batch_walks_over_rows(
    home: Path, query: str, arguments: tuple[int, ...] | dict[str, object]
) -> None:
    """Each query finds its rows by an index: its time does not grow with the rows done."""
    with SqliteJournal.open(home, wait=10) as journal:
        plan = [row[3] for row in journal._connection.execute(f"EXPLAIN QUERY PLAN {query}", arguments)]
    assert any(step.startswith("SEARCH") for step in plan), plan
    assert not any(step.startswith("SCAN load_row") or "SCAN checkpoint" in step for step in plan), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


def test_a_lock_that_cannot_be_made_is_reported(home: Path) -> None:
    """A file where the folder of the locks should be."""
    (home / "claims").write_text("")

    with SqliteJournal.open(home, wait=10) as journal:
        with pytest.raises(JournalUnusable, match="cannot be locked"), journal.claim("a", "b", "c"):
            pass
        assert not journal.is_claimed("a", "b", "c")
