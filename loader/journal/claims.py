"""One process at a time for a tenant and record type: a lock on a file, which ends with its process.

A lock of the operating system ends with the process that holds it, however that ends, so that a claim is
never left behind by a dead one and no process number is trusted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import filelock

from loader.errors import Busy, JournalUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def claim(home: Path, tenant: str, resource: str, load_id: str) -> Iterator[None]:
    """Holds a tenant and record type for a load, as long as the block runs.

    Args:
        home: The folder of the journal; claims on it are seen by every process that uses it.
        tenant: The tenant.
        resource: The record type.
        load_id: The load that is to be worked on, told to whoever comes second.

    Raises:
        Busy: Another process holds it; says which load, process and machine, and since when.
        JournalUnusable: The lock's file cannot be made.
    """
    name = hashlib.sha256(json.dumps([tenant, resource]).encode()).hexdigest()[:16]
    path = home / "claims" / f"{name}.lock"
    holder = path.with_suffix(".json")
    lock = filelock.FileLock(path, timeout=0, mode=0o600)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise Busy(
            f"another process works on {resource} of tenant {tenant}: {_told(holder)}",
            next_step="wait until it has ended, then run this again",
        ) from None
    except OSError as error:
        raise JournalUnusable(f"{path}: cannot be locked: {error.strerror or error}") from None
    try:
        _tell(holder, load_id)
        yield
    finally:
        lock.release()


def _tell(holder: Path, load_id: str) -> None:
    """Writes down who holds the claim; for people only, so that a full disk does no harm."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"load": load_id, "process": os.getpid(), "machine": socket.gethostname(), "since": since}
    with contextlib.suppress(OSError):
        holder.write_text(json.dumps(told), encoding="utf-8")


def _told(holder: Path) -> str:
    try:
        told = json.loads(holder.read_text(encoding="utf-8"))
        return f"load {told['load']}, process {told['process']} on {told['machine']} since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said who it is"
