"""Who claimed a tenant and record type last, and how often it was claimed."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from loader.journal.sqlite.load_numbers import find_scope, make_scope

if TYPE_CHECKING:
    import sqlite3


class ClaimHolder(NamedTuple):
    """Who made the last claim on a scope; whether it still holds is up to the lock."""

    load_id: str
    process: int
    machine: str
    claimed_at: str


def write_claim(connection: sqlite3.Connection, tenant: str, resource: str, load_id: str) -> int:
    """Write that this process claims a scope, and return the epoch; needs a transaction and the lock."""
    scope_no = make_scope(connection, tenant, resource)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(
        "INSERT INTO claim (scope_no, epoch, load_id, process, machine, claimed_at) VALUES (?, 1, ?, ?, ?, ?)"
        " ON CONFLICT (scope_no) DO UPDATE SET epoch = epoch + 1, load_id = excluded.load_id,"
        " process = excluded.process, machine = excluded.machine, claimed_at = excluded.claimed_at",
        (scope_no, load_id, os.getpid(), socket.gethostname(), since),
    )
    (epoch,) = connection.execute("SELECT epoch FROM claim WHERE scope_no = ?", (scope_no,)).fetchone()
    return int(epoch)


def read_holder(connection: sqlite3.Connection, tenant: str, resource: str) -> ClaimHolder | None:
    """Return who made the last claim on a scope; None where nobody did."""
    row = connection.execute(
        "SELECT load_id, process, machine, claimed_at FROM claim WHERE scope_no = ?",
        (find_scope(connection, tenant, resource),),
    ).fetchone()
    return ClaimHolder(*row) if row else None
