"""One process at a time for a tenant and record type: a lock on a file, which ends with its process.

A lock of the operating system ends with the process that holds it, however that ends. So a dead process never
leaves one behind, and nothing depends on process numbers, which the system uses again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

import filelock

from loader.errors import JournalUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def try_lock(home: Path, tenant: str, resource: str) -> Iterator[bool]:
    """Lock a tenant and record type as long as the block runs; give it false where another process did.

    Raises:
        JournalUnusable: The lock's file cannot be made.
    """
    path = _lock_path(home, tenant, resource)
    lock = filelock.FileLock(path, timeout=0, mode=0o600)
    locked = True
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        locked = False
    except OSError as error:
        raise JournalUnusable(
            f"{path}: cannot be locked: {error.strerror or error}",
            next_step="make the folder writable, or choose another one with --home",
        ) from None
    try:
        yield locked
    finally:
        lock.release()


def is_locked(home: Path, tenant: str, resource: str) -> bool:
    """Tell whether a living process holds the lock; what cannot be found out counts as no."""
    if not _lock_path(home, tenant, resource).exists():
        return False
    try:
        with try_lock(home, tenant, resource) as locked:
            return not locked
    except JournalUnusable:
        return False


def _lock_path(home: Path, tenant: str, resource: str) -> Path:
    # A tenant may hold any characters and be long: a hash always makes a file name.
    name = hashlib.sha256(json.dumps([tenant, resource]).encode()).hexdigest()[:16]
    return home / "claims" / f"{name}.lock"
