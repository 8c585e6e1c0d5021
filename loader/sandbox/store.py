"""The stored records, in SQLite: one thread writes, in groups, so that no request waits for another's."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import tempfile
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loader.errors import ConfigurationError

_VERSION: Final = 2
_APPLICATION: Final = 0x6C647362
"""Marks a file as a sandbox's store (`ldsb`), so that no other database is written into."""
_GROUP: Final = 500
"""The most records that one transaction stores: so many requests share the cost of one commit."""
_ALL: Final = 2**63 - 1
"""The highest number of SQLite."""
_SCHEMA: Final = f"""
    BEGIN;
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        load TEXT NOT NULL,
        external_id TEXT,
        source_row TEXT,
        body TEXT NOT NULL
    );
    CREATE UNIQUE INDEX records_id ON records (type, tenant, id);
    CREATE INDEX records_load ON records (type, tenant, load);
    CREATE INDEX records_tenant ON records (type, tenant);
    CREATE INDEX records_external_id ON records (type, tenant, external_id) WHERE external_id IS NOT NULL;
    CREATE INDEX records_source_row ON records (type, tenant, load, source_row)
        WHERE source_row IS NOT NULL;
    CREATE TABLE listed (
        type TEXT NOT NULL,
        tenant TEXT NOT NULL,
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (type, tenant, field, value, seq)
    ) WITHOUT ROWID;
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record to store.

    Attributes:
        type: Its record type's name.
        tenant: The tenant that it belongs to.
        id: Its id.
        load: The load that sent it; empty where none did.
        external_id: Its id in the system that it comes from; None where it has none.
        body: The whole record, as JSON.
        listed: The fields that it is listed by, with their values.
        source_row: The file and row that it comes from; None where it does not say.
    """

    type: str
    tenant: str
    id: str
    load: str
    external_id: str | None
    body: str
    listed: tuple[tuple[str, str], ...] = ()
    source_row: str | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list.

    Attributes:
        bodies: The records, as JSON, in the order they came.
        last: The id to go on after; None where there is no more.
    """

    bodies: tuple[str, ...]
    last: str | None


@dataclass(frozen=True, slots=True)
class LoadCount:
    """How many records of one type a load sent to a tenant; `load` is empty where none did."""

    type: str
    tenant: str
    load: str
    count: int


class UnknownKey(LookupError):  # noqa: N818 - a wrong question, not a failure of the store
    """A list cannot go on after an id that is not stored."""


class Store:
    """The records that the sandbox holds.

    `add` is awaited on one event loop; `get` and `page` are quick and called on that loop; `counts`,
    `first` and `duplicates` may take long on a large store and are called from any thread. A record is
    found by all of them once `add` is done, and survives the death of the process (not of the machine).

    Args:
        path: The SQLite file, made where there is none; None: a temporary one, removed by `close`.

    Raises:
        ConfigurationError: The file cannot be made or opened, or is not a sandbox's store.
    """

    def __init__(self, path: Path | None) -> None:
        self._folder = None
        if path is None:
            self._folder = tempfile.TemporaryDirectory(prefix="loader-sandbox-")
            path = Path(self._folder.name, "sandbox.db")
        self.path = path
        self._writing = _open(self.path)
        self._reading = _connect(self.path)
        self._waiting: queue.SimpleQueue[tuple[StoredRecord, asyncio.Future[int]] | None] = (
            queue.SimpleQueue()
        )
        self._writer = threading.Thread(target=self._write, name="sandbox-store", daemon=True)
        self._closed = False
        self._writer.start()

    async def add(self, entry: StoredRecord) -> int:
        """Store a record; done once it is committed.

        Returns:
            The number of the write; a later one has a higher number.

        Raises:
            sqlite3.Error: It could not be stored; nothing of its group was.
        """
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.put((entry, done))
        return await done

    def last(self) -> int:
        """Return the number of the last write; 0 where there is none."""
        return int(self._reading.execute("SELECT COALESCE(MAX(seq), 0) FROM records").fetchone()[0])

    def get(self, record_type: str, tenant: str, record_id: str, *, until: int | None = None) -> str | None:
        """Return a record as JSON, of writes up to this number (None: of all); None if it is not stored."""
        row = self._reading.execute(
            "SELECT body FROM records WHERE type = ? AND tenant = ? AND id = ? AND seq <= ?",
            (record_type, tenant, record_id, _ALL if until is None else until),
        ).fetchone()
        return row[0] if row else None

    def page(
        self,
        record_type: str,
        tenant: str,
        *,
        size: int | None,
        after: str | None = None,
        until: int | None = None,
        where: tuple[str, str] | None = None,
    ) -> ListPage:
        """Return a page of a tenant's records, oldest first.

        Args:
            record_type: The name of their record type.
            tenant: The tenant that they belong to.
            size: The most records on it; None: no limit.
            after: The id of the last record of the page before; None: the first page.
            until: The number of the last write that is seen; None: all are.
            where: A field that records are listed by, and its value; None: all.

        Raises:
            UnknownKey: No record has the id `after`.
        """
        start = self._position(record_type, tenant, after) if after is not None else 0
        if where:
            query = (
                "SELECT records.id, records.body FROM listed JOIN records USING (seq)"
                " WHERE listed.type = ? AND listed.tenant = ? AND field = ? AND value = ? AND listed.seq > ?"
                " AND listed.seq <= ? ORDER BY listed.seq LIMIT ?"
            )
        else:
            query = (
                "SELECT id, body FROM records INDEXED BY records_tenant"
                " WHERE type = ? AND tenant = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
            )
        bounds = (start, _ALL if until is None else until, _ALL if size is None else size + 1)
        rows = self._reading.execute(query, (record_type, tenant, *(where or ()), *bounds)).fetchall()
        last = rows[size - 1][0] if size is not None and len(rows) > size else None
        return ListPage(tuple(body for _, body in rows[:size]), last)

    def counts(self) -> list[LoadCount]:
        """Return how many records each load sent, the latest first."""
        with closing(_connect(self.path)) as database:
            rows = database.execute(
                "SELECT type, tenant, load, COUNT(*) FROM records GROUP BY type, tenant, load"
                " ORDER BY MAX(seq) DESC"
            ).fetchall()
        return [LoadCount(*row) for row in rows]

    def first(self, load: LoadCount, size: int) -> list[str]:
        """Return the first records of a load, as JSON, `size` at most."""
        with closing(_connect(self.path)) as database:
            rows = database.execute(
                "SELECT body FROM records INDEXED BY records_load"
                " WHERE type = ? AND tenant = ? AND load = ? ORDER BY seq LIMIT ?",
                (load.type, load.tenant, load.load, size),
            ).fetchall()
        return [body for (body,) in rows]

    def duplicates(self) -> dict[str, int]:
        """Return by record type how many external ids their tenant has more than once."""
        with closing(_connect(self.path)) as database:
            rows = database.execute(
                "SELECT type, COUNT(*) FROM ("
                " SELECT type FROM records INDEXED BY records_external_id WHERE external_id IS NOT NULL"
                " GROUP BY type, tenant, external_id HAVING COUNT(*) > 1) GROUP BY type"
            ).fetchall()
        return dict(rows)

    def duplicate_rows(self) -> dict[str, int]:
        """Return by record type how many rows (load, file, number) their tenant has more than once."""
        with closing(_connect(self.path)) as database:
            rows = database.execute(
                "SELECT type, COUNT(*) FROM ("
                " SELECT type FROM records INDEXED BY records_source_row WHERE source_row IS NOT NULL"
                " GROUP BY type, tenant, load, source_row HAVING COUNT(*) > 1) GROUP BY type"
            ).fetchall()
        return dict(rows)

    def close(self) -> None:
        """Write what waits, close the file and remove a temporary one; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        self._writer.join()
        self._writing.close()
        self._reading.close()
        if self._folder:
            self._folder.cleanup()

    def _position(self, record_type: str, tenant: str, record_id: str) -> int:
        row = self._reading.execute(
            "SELECT seq FROM records WHERE type = ? AND tenant = ? AND id = ?",
            (record_type, tenant, record_id),
        ).fetchone()
        if not row:
            raise UnknownKey(record_id)
        return int(row[0])

    def _write(self) -> None:
        """The writer's whole life: a group at a time, until None comes."""
        more = True
        while more:
            group = [self._waiting.get()]
            with contextlib.suppress(queue.Empty):
                while group[-1] is not None and len(group) < _GROUP:
                    group.append(self._waiting.get_nowait())
            more = group[-1] is not None
            entries = [waiting for waiting in group if waiting is not None]
            if entries:
                result = self._commit([entry for entry, _ in entries])
                # A loop that has ended has nobody waiting on it.
                with contextlib.suppress(RuntimeError):
                    entries[0][1].get_loop().call_soon_threadsafe(
                        _resolve, [done for _, done in entries], result
                    )

    def _commit(self, entries: list[StoredRecord]) -> list[int] | sqlite3.Error:
        database = self._writing
        numbers = []
        try:
            database.execute("BEGIN IMMEDIATE")
            for entry in entries:
                seq = database.execute(
                    "INSERT INTO records (type, tenant, id, load, external_id, source_row, body)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        entry.type,
                        entry.tenant,
                        entry.id,
                        entry.load,
                        entry.external_id,
                        entry.source_row,
                        entry.body,
                    ),
                ).lastrowid
                numbers.append(seq or 0)
                for field, value in entry.listed:
                    database.execute(
                        "INSERT INTO listed (type, tenant, field, value, seq) VALUES (?, ?, ?, ?, ?)",
                        (entry.type, entry.tenant, field, value, seq),
                    )
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            return error
        return numbers


def _resolve(waiting: list[asyncio.Future[int]], result: list[int] | sqlite3.Error) -> None:
    for index, done in enumerate(waiting):
        if done.done():
            continue
        if isinstance(result, sqlite3.Error):
            done.set_exception(result)
        else:
            done.set_result(result[index])


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)


def _open(path: Path) -> sqlite3.Connection:
    """Return a connection to a store that has its tables."""
    try:
        database = _connect(path)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path}: the sandbox's store cannot be opened: {error}",
            next_step="Name a file in an existing folder.",
        ) from error
    try:
        _prepare(database, path)
    except sqlite3.Error as error:
        database.close()
        raise ConfigurationError(
            f"{path}: expected a sandbox's store or a new file, found something else: {error}",
            next_step="Name another file.",
        ) from error
    except ConfigurationError:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    empty = not database.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()[0]
    marks = tuple(
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if not empty and marks != (_APPLICATION, _VERSION):
        actual = f"one of version {marks[1]}" if marks[0] == _APPLICATION else "another SQLite database"
        raise ConfigurationError(
            f"{path}: expected a sandbox's store of version {_VERSION} or a new file, found {actual}",
            next_step="Name another file.",
        )
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    if empty:
        database.executescript(_SCHEMA)
