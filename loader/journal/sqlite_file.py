"""Making, opening and judging the journal's file, and saying in plain words what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import JournalUnusable
from loader.journal.schema import APPLICATION_ID, DDL, STEPS, TABLES, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.errors import LoaderError

FILE_NAME: Final = "journal.db"

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_WORDS: Final[dict[int, tuple[str, str]]] = {
    sqlite3.SQLITE_BUSY: ("another program holds it locked", "wait until that one has ended, then try again"),
    sqlite3.SQLITE_LOCKED: ("another call holds it locked", "wait until that one has ended, then try again"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room on that disk, then try again"),
    sqlite3.SQLITE_READONLY: ("it may not be written", "make the file and its folder writable"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "make it a file in a folder that you may write to"),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "check the disk, then try again"),
}
KEEP_IT: Final = (
    "do not delete it: it alone knows which rows are stored already. Put a copy from a backup in its place, "
    "or bring back what can be read with `sqlite3 journal.db .recover`; to begin anew all the same, "
    "choose another folder with --home"
)


def explained(error: sqlite3.Error, path: Path) -> tuple[str, str]:
    """What an SQLite error means for the user: the message, and what to do next."""
    code = (getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return f"{path}: the journal is damaged ({error})", KEEP_IT
    found, next_step = _WORDS.get(code, ("SQLite refuses", "look at the words in brackets"))
    return f"{path}: the journal cannot be used: {found} ({error})", next_step


@contextlib.contextmanager
def translated(kind: type[LoaderError], path: Path) -> Iterator[None]:
    """Turns every SQLite error inside into one of `kind`."""
    try:
        yield
    except sqlite3.Error as error:
        message, next_step = explained(error, path)
        raise kind(message, next_step=next_step) from error


def open_file(home: Path, *, wait: float) -> sqlite3.Connection:
    """Opens `HOME/journal.db`; makes it, whole or not at all, where there is none.

    Args:
        home: The folder; made, for its owner only, where it is missing.
        wait: Seconds to wait for a lock.

    Raises:
        JournalUnusable: It cannot be made or opened, is damaged, is not a journal, or is of a newer version.
    """
    path = home / FILE_NAME
    try:
        _make_home(home)
        if not os.path.lexists(path):
            _refuse_orphaned_log(path)
            _make_file(path)
    except OSError as error:
        raise JournalUnusable(
            f"{path}: the journal cannot be made: {error.strerror}",
            next_step="choose a folder that you may write to with --home",
        ) from error
    _refuse_unwritable(path)
    with translated(JournalUnusable, path):
        connection = _connect(path, wait=wait)
        try:
            _verify(connection, path)
            _read_each_table(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(path: Path, *, wait: float) -> sqlite3.Connection:
    """Opens an existing file; transactions are begun and ended by hand.

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
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(path: Path) -> None:
    """Makes an empty journal at `path`, where nothing may be, readable and writable for its owner only.

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
    _sync_folder(home.parent)


def _make_file(path: Path) -> None:
    """Makes the file under another name first, so that a crash leaves a whole journal or none."""
    with tempfile.TemporaryDirectory(prefix=".journal-", dir=path.parent) as folder:
        draft = Path(folder) / FILE_NAME
        with translated(JournalUnusable, path):
            _make_tables(draft)
        # A link never replaces a journal that another process has made meanwhile.
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
    log = path.with_name(path.name + "-wal")
    if log.exists():
        raise JournalUnusable(
            f"{path}: the journal is missing, but its log {log.name} is there: it was moved or deleted",
            next_step=f"put the journal back beside its log; {KEEP_IT}",
        )


def _refuse_unwritable(path: Path) -> None:
    """SQLite would open a file read-only in silence, and a look by `open` would drop this process's locks."""
    effective = os.access in os.supports_effective_ids
    for each, mode in ((path, os.R_OK | os.W_OK), (path.parent, os.W_OK | os.X_OK)):
        if not os.access(each, mode, effective_ids=effective):
            raise JournalUnusable(
                f"{each}: the journal may not be written here",
                next_step="make the file and its folder writable, or choose another folder with --home",
            )


def _verify(connection: sqlite3.Connection, path: Path) -> None:
    """Whether it is a journal of a version that this program knows; an older one is brought along."""
    if path.stat().st_size == 0:
        raise JournalUnusable(f"{path}: the journal is damaged (the file is empty)", next_step=KEEP_IT)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise JournalUnusable(
            f"{path}: this is a database, but not a journal of this program",
            next_step="choose another folder with --home",
        )
    if version > VERSION:
        raise JournalUnusable(
            f"{path}: the journal is of version {version}, this program knows version {VERSION}",
            next_step="use the newer loader that wrote it",
        )
    if version < VERSION:
        _bring_along(connection)


def _bring_along(connection: sqlite3.Connection) -> None:
    """Takes a file of an earlier version to this one, whole or not at all; what is in it stays.

    The version is read again behind the lock: another process may have done it meanwhile.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for each in range(version, VERSION):
            connection.execute(STEPS[each])
            connection.execute(f"PRAGMA user_version = {each + 1}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _read_each_table(connection: sqlite3.Connection) -> None:
    """Meets damage in the first pages before anything is begun."""
    for table in TABLES:
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 - names of our own
