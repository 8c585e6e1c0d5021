"""The machine's own testimony: before a row's first byte leaves, its intent would survive a power cut."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from loader.journal.states import RowState
from tests.proof.syscalls import Disk, traced
from tests.support.scripted_api import ScriptedApi

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.proof.syscalls import Event
    from tests.support.shell import Shell

ROWS: Final = 14
_WRITES: Final = frozenset({"sendto", "sendmsg", "write", "writev"})
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Posted:
    """A row that left.

    Attributes:
        at: The number of the event with which its first byte left.
        external_id: The row.
    """

    at: int
    external_id: str


def posts(events: Sequence[Event], port: int) -> list[Posted]:
    """The rows posted to a port, in the order of their first bytes.

    A request's first byte is the first one after the end of the one before it on its connection, whether or
    not it left together with the rest of the request.
    """
    streams: dict[str, list[tuple[int, bytes]]] = {}
    for number, event in enumerate(events):
        call = event.call
        ends = call.connection
        if not event.ended and call.name in _WRITES and ends and ends.endswith(f":{port}"):
            streams.setdefault(ends, []).append((number, call.data[: call.result]))
    return sorted(
        (request for pieces in streams.values() for request in _requests(pieces)), key=lambda each: each.at
    )


def _requests(pieces: Sequence[tuple[int, bytes]]) -> list[Posted]:
    found, buffer, began = [], b"", -1
    for number, data in pieces:
        began = began if buffer else number
        buffer += data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            length = int(found_length[1]) if (found_length := _LENGTH.search(buffer[:end])) else 0
            if len(buffer) < end + 4 + length:
                break
            if buffer.startswith(b"POST "):
                found.append(Posted(began, json.loads(buffer[end + 4 : end + 4 + length])["sys_external_id"]))
            buffer, began = buffer[end + 4 + length :], number
    assert not buffer, "a request was not sent to its end"
    return found


def intents(disk: Disk, folder: Path) -> set[str]:
    """The external ids of the rows that the journal left by a power cut now knows as sent."""
    files = disk.survivors("/.loader/journal.db") | disk.survivors("/.loader/journal.db-wal")
    if not files.get("journal.db"):
        return set()
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    connection = sqlite3.connect(folder / "journal.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = connection.execute("SELECT external_id FROM load_row WHERE state = ?", (int(RowState.SENT),))
        return {external_id for (external_id,) in found}
    finally:
        connection.close()


def unprotected(
    shell: Shell, place: Path, events: Sequence[Event], sent: Sequence[Posted], *, deaf: bool = False
) -> list[Posted]:
    """The rows whose first byte left when a power cut would have lost their intent."""
    disk = Disk(shell.folder, deaf=deaf)
    place.mkdir()
    leaving: dict[int, list[Posted]] = {}
    for item in sent:
        leaving.setdefault(item.at, []).append(item)
    missing = []
    for number, event in enumerate(events):
        if number in leaving:
            kept = intents(disk, place / str(number))
            missing += [item for item in leaving[number] if item.external_id not in kept]
        disk.take(event)
    return missing


@pytest.mark.parametrize("concurrency", [1, 4])
def test_intent_is_on_disk_before_the_first_byte(shell: Shell, tmp_path: Path, concurrency: int) -> None:
    """At each row's first byte, what was synced is a whole journal that has the row as sent.

    The system calls of a real load are replayed against a disk that keeps only what was synced, files and
    names of files, the journal's making included. A disk whose syncs do nothing shows that this can fail.
    """
    shell.write_rows(ROWS)
    with ScriptedApi() as api:
        ended, events = traced(
            [sys.executable, "-m", "loader", *_words(api.url, concurrency)],
            folder=shell.folder,
            env={**os.environ, **shell.env},
            trace=tmp_path / "trace.txt",
        )
        assert ended.returncode == 0, ended.stderr
        sent = posts(events, int(api.url.rpartition(":")[2]))
        assert sorted(item.external_id for item in sent) == sorted(api.keys())
    assert len({item.external_id for item in sent}) == len(sent) == ROWS
    assert unprotected(shell, tmp_path / "kept", events, sent) == []
    assert unprotected(shell, tmp_path / "lost", events, sent, deaf=True) == sent


def _words(url: str, concurrency: int) -> list[str]:
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url]
    return [*words, "--concurrency", str(concurrency), "--batch-size", "5"]
