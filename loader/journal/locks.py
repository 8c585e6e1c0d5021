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
    path = _lock_of(home, tenant, resource)
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


def is_claimed(home: Path, tenant: str, resource: str, load_id: str) -> bool:
    """Whether a living process works on this load just now.

    Args are those of `claim`. What cannot be found out counts as no.
    """
    path = _lock_of(home, tenant, resource)
    if not path.exists():
        return False
    lock = filelock.FileLock(path, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except filelock.Timeout:
        return f'"load": "{load_id}"' in _read(path.with_suffix(".json"))
    except OSError:
        return False
    lock.release()
    return False


def _lock_of(home: Path, tenant: str, resource: str) -> Path:
    name = hashlib.sha256(json.dumps([tenant, resource]).encode()).hexdigest()[:16]
    return home / "claims" / f"{name}.lock"


def _read(holder: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return holder.read_text(encoding="utf-8")
    return ""


def _tell(holder: Path, load_id: str) -> None:
    """Writes down who holds the claim; for people only, so that a full disk does no harm."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"load": load_id, "process": os.getpid(), "machine": socket.gethostname(), "since": since}
    with contextlib.suppress(OSError):
        holder.write_text(json.dumps(told), encoding="utf-8")


def _told(holder: Path) -> str:
    try:
        told = json.loads(_read(holder))
        return f"load {told['load']}, process {told['process']} on {told['machine']} since {told['since']}"
    except (ValueError, KeyError, TypeError):
        return "it has not said who it is"
