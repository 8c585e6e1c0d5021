"""Loads written, and read back as values."""

from __future__ import annotations

import dataclasses
import difflib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from loader.errors import ConfigurationError, JournalUnusable, LoaderError
from loader.journal.sqlite.load_numbers import find_load, make_scope
from loader.journal.sqlite.timeline import add_second
from loader.manifest import Manifest
from loader.records import Dialect, Load, Requests, Sheet, SourceFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_LISTED: Final = 5  # loads that a message names

_SELECT: Final = (
    "SELECT load_id, resource, tenant, base_url, mapping_name, mapping_text, manifest, files, created_at,"
    " state, sent, retried, throttled, seconds, reason FROM load JOIN scope USING (scope_no)"
)


def insert_load(connection: sqlite3.Connection, load: Load) -> None:
    """Write a new load, and that work on it starts; needs a transaction.

    Raises:
        LoaderError: Its id is taken.
    """
    if connection.execute("SELECT 1 FROM load WHERE load_id = ?", (load.load_id,)).fetchone():
        raise LoaderError(f"load {load.load_id} is in the journal already")
    scope_no = make_scope(connection, load.tenant, load.resource)
    connection.execute(
        "INSERT INTO load (load_id, scope_no, base_url, mapping_name, mapping_text, manifest, files,"
        " created_at, state, sent, retried, throttled, seconds, reason) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            load.load_id,
            scope_no,
            load.base_url,
            load.mapping_name,
            load.mapping_text,
            load.manifest.dump(),
            json.dumps([_file_as_json(file) for file in load.files]),
            load.created_at.isoformat(),
            load.state,
            *dataclasses.astuple(load.requests),
            load.seconds,
            load.reason,
        ),
    )
    add_second(connection, find_load(connection, load.load_id), 0, started=1)


def read_load(connection: sqlite3.Connection, load_id: str) -> Load:
    """Return the load with this id, or the only one that begins with it.

    Raises:
        ConfigurationError: There is none, or there are several; names them, or the nearest and the last.
        JournalUnusable: Its manifest cannot be read.
    """
    if row := connection.execute(f"{_SELECT} WHERE load_id = ?", (load_id,)).fetchone():
        return _load(row)
    ids = [name for (name,) in connection.execute("SELECT load_id FROM load ORDER BY load_no DESC")]
    matches = [name for name in ids if load_id and name.startswith(load_id)]
    if len(matches) == 1:
        return read_load(connection, matches[0])
    raise ConfigurationError(_not_one(load_id, matches, ids), next_step="loader status")


def read_loads(connection: sqlite3.Connection) -> list[Load]:
    """Return all loads, newest first.

    Raises:
        JournalUnusable: A manifest cannot be read.
    """
    return [_load(row) for row in connection.execute(f"{_SELECT} ORDER BY load_no DESC")]


def _not_one(load_id: str, matches: Sequence[str], ids: Sequence[str]) -> str:
    if matches:
        return f"several loads begin with {load_id!r}: {_listing(matches)}. Write more of the id."
    if not ids:
        return f"there is no load {load_id!r}: the journal has no loads yet"
    # The ids of a day differ in few characters: no folding of case or separators as between names.
    near = difflib.get_close_matches(load_id, ids, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"there is no load {load_id!r}. {hint}The last loads are {_listing(ids)}."


def _listing(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return ", ".join(ids[:_LISTED]) + more


def _load(row: tuple[Any, ...]) -> Load:
    *front, manifest, files, created_at, state, sent, retried, throttled, seconds, reason = row
    load_id, resource, tenant, base_url, mapping_name, mapping_text = front
    return Load(
        load_id=load_id,
        resource=resource,
        tenant=tenant,
        base_url=base_url,
        mapping_name=mapping_name,
        mapping_text=mapping_text,
        manifest=_manifest(load_id, manifest),
        files=tuple(_file(fields) for fields in json.loads(files)),
        created_at=datetime.fromisoformat(created_at),
        state=state,
        requests=Requests(sent, retried, throttled),
        seconds=seconds,
        reason=reason,
    )


def _manifest(load_id: str, text: str) -> Manifest:
    try:
        return Manifest.load(text)
    except ValueError as error:
        raise JournalUnusable(
            f"load {load_id}: its manifest in the journal cannot be read: {error}",
            next_step="use the loader that started this load",
        ) from None


def _file_as_json(file: SourceFile) -> dict[str, Any]:
    fields = {field.name: getattr(file, field.name) for field in dataclasses.fields(file)}
    return {
        **fields,
        "dialect": None if file.dialect is None else dataclasses.asdict(file.dialect),
        "sheet": None if file.sheet is None else dataclasses.asdict(file.sheet),
        "schema": {name: str(kind) for name, kind in file.schema.items()},
    }


def _file(fields: dict[str, Any]) -> SourceFile:
    dialect, sheet = fields["dialect"], fields["sheet"]
    return SourceFile(
        **{
            **fields,
            "dialect": None if dialect is None else Dialect(**dialect),
            "sheet": None if sheet is None else Sheet(**sheet),
            "notes": tuple(fields["notes"]),
        }
    )
