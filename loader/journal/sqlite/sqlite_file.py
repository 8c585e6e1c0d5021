"""Make, open and check the journal's file, and explain in plain words what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import JournalUnusable
from loader.journal.sqlite.schema import APPLICATION_ID, DDL, TABLES, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.errors import LoaderError

FILE_NAME: Final = "journal.db"

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_EXPLANATIONS: Final[dict[int, tuple[str, str]]] = {
    sqlite3.SQLITE_BUSY: ("another program has locked it", "wait until it has ended, then try again"),
    sqlite3.SQLITE_LOCKED: ("another call has locked it", "wait until it has ended, then try again"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room on that disk, then try again"),
    sqlite3.SQLITE_READONLY: ("you have no permission to write it", "make the file and its folder writable"),
    sqlite3.SQLITE_PERM: ("you have no permission to open it", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "make it a file in a folder that you may write to"),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "check the disk, then try again"),
}
KEEP_IT: Final = (
    "do not delete it: only the journal knows which rows are already stored. Put a copy from a backup in "
    "its place, or recover what can be read with `sqlite3 journal.db .recover`. To start without it, choose "
    "another folder with --home"
)


def explain(error: sqlite3.Error, path: Path) -> tuple[str, str]:
    """Return what an SQLite error means for the user: the message, and what to do next."""
    # The low byte is the error's class, the rest its details. A closed connection's error has no code at all.
    code = (getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return f"{path}: the journal is damaged ({error})", KEEP_IT
    cause, next_step = _EXPLANATIONS.get(code, ("SQLite reports an error", "see the words in brackets"))
    return f"{path}: the journal cannot be used: {cause} ({error})", next_step


@contextlib.contextmanager
def sqlite_errors_as(kind: type[LoaderError], path: Path) -> Iterator[None]:
    """Turn every SQLite error inside into one of `kind`."""
    try:
        yield
    except sqlite3.Error as error:
        message, next_step = explain(error, path)
        raise kind(message, next_step=next_step) from error


def open_file(home: Path, *, wait: float) -> sqlite3.Connection:
    """Open `HOME/journal.db`; make it, whole or not at all, where there is none.

    Args:
        home: The folder; made, for its owner only, where it is missing.
        wait: Seconds to wait for a lock.

    Raises:
        JournalUnusable: It cannot be made or opened, is damaged, is not a journal, or is of another version.
    """
    path = home / FILE_NAME
    try:
        _make_home(home)
        if not os.path.lexists(path):
            _refuse_orphaned_log(path)
            _make_file(path)
    except OSError as error:
        raise JournalUnusable(
            f"{path}: the journal cannot be created: {error.strerror}",
            next_step="choose a folder that you may write to with --home",
        ) from error
    _refuse_unwritable(path)
    with sqlite_errors_as(JournalUnusable, path):
        connection = _connect(path, wait=wait)
        try:
            _verify(connection, path)
            _read_each_table(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(path: Path, *, wait: float) -> sqlite3.Connection:
    """Open an existing file; the caller begins and ends transactions by hand.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=wait,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        # On macOS a plain fsync may leave the bytes in the disk's own memory.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA cache_size = -16000")  # KiB: the pages that a batch touches stay in memory
        # Pages, 16 MiB: fewer checkpoints than by default, each of which syncs the whole file.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(path: Path) -> None:
    """Make an empty journal at `path`, where nothing may be, readable and writable for its owner only.

    Raises:
        OSError: The file cannot be made.
        sqlite3.Error: The tables cannot be made.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {DDL} COMMIT;")
    finally:
        connection.close()


def _make_home(home: Path) -> None:
    if home.is_dir():
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync_folder(home.parent)  # a power cut keeps a new name only once its folder is synced


def _make_file(path: Path) -> None:
    """Make the file under another name first, so that a crash leaves a whole journal or none."""
    with tempfile.TemporaryDirectory(prefix=".journal-", dir=path.parent) as folder:
        draft = Path(folder) / FILE_NAME
        with sqlite_errors_as(JournalUnusable, path):
            _make_tables(draft)
        # A link, not a rename: it never replaces a journal that another process has made meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_orphaned_log(path: Path) -> None:
    # A new journal beside an old log would hide that the old one, with its rows, is lost.
    log = path.with_name(path.name + "-wal")
    if log.exists():
        raise JournalUnusable(
            f"{path}: the journal is missing, but its log {log.name} is there: it was moved or deleted",
            next_step=f"put the journal back beside its log; {KEEP_IT}",
        )


def _refuse_unwritable(path: Path) -> None:
    # SQLite would open such a file read-only in silence. `os.access` and not `open`: closing a second handle
    # on the file would drop the locks that SQLite holds for this process (POSIX).
    effective = os.access in os.supports_effective_ids
    for place, mode in ((path, os.R_OK | os.W_OK), (path.parent, os.W_OK | os.X_OK)):
        if not os.access(place, mode, effective_ids=effective):
            raise JournalUnusable(
                f"{place}: you have no permission to write the journal here",
                next_step="make the file and its folder writable, or choose another folder with --home",
            )


def _verify(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not a journal of this program's version."""
    if path.stat().st_size == 0:
        raise JournalUnusable(f"{path}: the journal is damaged (the file is empty)", next_step=KEEP_IT)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise JournalUnusable(
            f"{path}: this is a database, but not a journal of this program",
            next_step="choose another folder with --home",
        )
    if version != VERSION:
        age = "newer" if version > VERSION else "older"
        raise JournalUnusable(
            f"{path}: the journal is of version {version}, this program reads version {VERSION}",
            next_step=f"use the {age} loader that wrote it, or choose another folder with --home",
        )


def _read_each_table(connection: sqlite3.Connection) -> None:
    """Meet damage in the first pages before anything starts."""
    for table in TABLES:
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 - names of our own
