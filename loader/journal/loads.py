"""The lines of loads: written, found by their ids, and read back as values."""

from __future__ import annotations

import dataclasses
import difflib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loader.errors import ConfigurationError, LoaderError
from loader.journal.schema import SEQ_BITS
from loader.journal.timeline import begin_second, epoch
from loader.records import Dialect, Load, Requests, Sheet, SourceFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_LISTED: Final = 5  # loads that a message names

_SELECT: Final = (
    "SELECT load_id, resource, tenant, base_url, mapping_name, mapping_text, settings, files, created_at,"
    " state, sent, retried, throttled, seconds, reason FROM load JOIN scope USING (scope_no)"
)


class LoadLine(NamedTuple):
    """The numbers that stand for a load in the tables, and when it began, in seconds since 1970."""

    load_no: int
    scope_no: int
    begun: float

    @property
    def first_key(self) -> int:
        """The key of the load's row with seq 0."""
        return self.load_no << SEQ_BITS

    @property
    def last_key(self) -> int:
        """The highest key that a row of the load can have."""
        return ((self.load_no + 1) << SEQ_BITS) - 1


def insert_load(connection: sqlite3.Connection, load: Load) -> None:
    """Writes a new load, and that work on it begins.

    Raises:
        LoaderError: Its id is taken.
    """
    if connection.execute("SELECT 1 FROM load WHERE load_id = ?", (load.load_id,)).fetchone():
        raise LoaderError(f"load {load.load_id} is in the journal already")
    scope_no = scope(connection, load.tenant, load.resource, make=True)
    files = json.dumps([_file_as_json(each) for each in load.files])
    connection.execute(
        "INSERT INTO load (load_id, scope_no, base_url, mapping_name, mapping_text, settings, files,"
        " created_at, state, sent, retried, throttled, seconds, reason) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            load.load_id,
            scope_no,
            load.base_url,
            load.mapping_name,
            load.mapping_text,
            load.settings,
            files,
            load.created_at.isoformat(),
            load.state,
            *dataclasses.astuple(load.requests),
            load.seconds,
            load.reason,
        ),
    )
    begin_second(connection, find_line(connection, load.load_id), 0, begun=1)


def scope(connection: sqlite3.Connection, tenant: str, resource: str, *, make: bool = False) -> int | None:
    """The number of a tenant and record type; None where the journal has none and `make` is false."""
    if make:
        connection.execute("INSERT OR IGNORE INTO scope (tenant, resource) VALUES (?, ?)", (tenant, resource))
    found = connection.execute(
        "SELECT scope_no FROM scope WHERE tenant = ? AND resource = ?", (tenant, resource)
    ).fetchone()
    return found[0] if found else None


def find_line(connection: sqlite3.Connection, load_id: str) -> LoadLine:
    """The numbers of a load.

    Raises:
        LoaderError: The journal does not know it.
    """
    query = "SELECT load_no, scope_no, created_at FROM load WHERE load_id = ?"
    found = connection.execute(query, (load_id,)).fetchone()
    if not found:
        raise LoaderError(f"load {load_id} is not in the journal")
    load_no, scope_no, created_at = found
    return LoadLine(load_no, scope_no, epoch(created_at))


def read_load(connection: sqlite3.Connection, load_id: str) -> Load:
    """The load of that id, or the only one whose id begins so.

    Raises:
        ConfigurationError: There is none, or there are several; names them, or the nearest and the last.
    """
    if found := connection.execute(f"{_SELECT} WHERE load_id = ?", (load_id,)).fetchone():
        return _load(found)
    ids = [each for (each,) in connection.execute("SELECT load_id FROM load ORDER BY load_no DESC")]
    begun = [each for each in ids if load_id and each.startswith(load_id)]
    if len(begun) == 1:
        return read_load(connection, begun[0])
    raise ConfigurationError(_not_one(load_id, begun, ids), next_step="loader status")


def read_loads(connection: sqlite3.Connection) -> list[Load]:
    """All loads, newest first."""
    return [_load(found) for found in connection.execute(f"{_SELECT} ORDER BY load_no DESC")]


def _not_one(load_id: str, begun: Sequence[str], ids: Sequence[str]) -> str:
    if begun:
        return f"several loads begin with {load_id!r}: {_listing(begun)}. Write more of the id."
    if not ids:
        return f"there is no load {load_id!r}: the journal has no loads yet"
    near = difflib.get_close_matches(load_id, ids, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"there is no load {load_id!r}. {hint}The last loads are {_listing(ids)}."


def _listing(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return ", ".join(ids[:_LISTED]) + more


def _load(found: tuple[Any, ...]) -> Load:
    *front, settings, files, created_at, state, sent, retried, throttled, seconds, reason = found
    load_id, resource, tenant, base_url, mapping_name, mapping_text = front
    return Load(
        load_id=load_id,
        resource=resource,
        tenant=tenant,
        base_url=base_url,
        mapping_name=mapping_name,
        mapping_text=mapping_text,
        settings=settings,
        files=tuple(_file(each) for each in json.loads(files)),
        created_at=datetime.fromisoformat(created_at),
        state=state,
        requests=Requests(sent, retried, throttled),
        seconds=seconds,
        reason=reason,
    )


def _file_as_json(file: SourceFile) -> dict[str, Any]:
    fields = {each.name: getattr(file, each.name) for each in dataclasses.fields(file)}
    return {
        **fields,
        "dialect": None if file.dialect is None else dataclasses.asdict(file.dialect),
        "sheet": None if file.sheet is None else dataclasses.asdict(file.sheet),
        "schema": {name: str(kind) for name, kind in file.schema.items()},
    }


def _file(fields: dict[str, Any]) -> SourceFile:
    dialect, sheet = fields["dialect"], fields.get("sheet")
    return SourceFile(
        **{
            **fields,
            "dialect": None if dialect is None else Dialect(**dialect),
            "sheet": None if sheet is None else Sheet(**sheet),
            "notes": tuple(fields["notes"]),
        }
    )
