"""The system calls of a process as strace saw them, and the disk that a power cut would have left."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SYNCS: Final = frozenset({"fsync", "fdatasync"})
_WRITES: Final = frozenset({"write", "pwrite64", "writev", "pwritev", "sendto", "sendmsg"})
_TRACED: Final = (*sorted(_SYNCS | _WRITES), "openat", "ftruncate", "mkdirat", "linkat", "unlinkat")
# With a `?`, since not every kind of processor has them.
_OLDER: Final = ("?mkdir", "?link", "?unlink")
_INSTALL: Final = "strace is not installed, and this proof needs it: apt-get install -y strace"
_NOT_ALLOWED: Final = (
    "strace may not trace processes here, and this proof needs it: allow ptrace (in a container:"
    " --cap-add SYS_PTRACE). strace says: "
)

_LINE: Final = re.compile(r"(?P<thread>\d+)\s+(?P<rest>.*)", re.DOTALL)
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)", re.DOTALL)
_CALL: Final = re.compile(r"(?P<name>\w+)\((?P<words>.*)\)\s+=\s+(?P<result>-?\d+)(?P<more>.*)", re.DOTALL)
_STARTED: Final = re.compile(r"(?P<name>\w+)\((?P<words>.*)", re.DOTALL)
_UNFINISHED: Final = "<unfinished ...>"
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FILE: Final = re.compile(r"^\d+<(?P<path>/[^>]*)>")
_TCP: Final = re.compile(r"^\d+<TCP(?:v6)?:\[(?P<ends>[^\]]*->[^\]]*)\]")


@dataclass
class Call:
    """A system call.

    Attributes:
        name: Which one.
        words: Its arguments as strace writes them.
        result: What it returned; None while it has not.
    """

    name: str
    words: str
    result: int | None = None
    more: str = ""

    @property
    def data(self) -> bytes:
        """The bytes that it was given to write, all its texts together."""
        return b"".join(_bytes(item) for item in _TEXT.findall(self.words))

    @property
    def path(self) -> str | None:
        """The file or folder whose descriptor is its first argument."""
        found = _FILE.match(self.words)
        return found["path"] if found else None

    @property
    def connection(self) -> str | None:
        """The two ends of the TCP connection whose descriptor is its first argument."""
        found = _TCP.match(self.words)
        return found["ends"] if found else None

    def paths(self, folder: str) -> list[str]:
        """The paths among its arguments, made absolute for a process that runs in `folder`."""
        return [
            os.path.normpath(Path(folder, os.fsdecode(_bytes(item)))) for item in _TEXT.findall(self.words)
        ]

    @property
    def offset(self) -> int:
        """Where in the file it writes: the last argument."""
        return int(self.words.rpartition(",")[2])


@dataclass(frozen=True)
class Event:
    """The beginning or the end of a call, in the order in which they happened."""

    call: Call
    ended: bool


def _bytes(text: str) -> bytes:
    found: bytes = codecs.escape_decode(text.encode("latin-1"))[0]
    return found


def traced(
    words: Sequence[str], *, folder: Path, env: Mapping[str, str], trace: Path
) -> tuple[subprocess.CompletedProcess[str], list[Event]]:
    """Runs a command under strace, or fails the test where that cannot be.

    Args:
        words: The command.
        folder: Where it runs.
        env: Its whole environment.
        trace: Where strace may write.

    Returns:
        How it ended, and the calls of all its threads.
    """
    strace = shutil.which("strace")
    if strace is None:
        pytest.fail(_INSTALL)
    options = ["-f", "-qq", "-yy", "-x", "-s", "1000000", "-e", "signal=none", "-o", str(trace)]
    ended = subprocess.run(
        [strace, *options, "-e", f"trace={','.join(_TRACED + _OLDER)}", "--", *words],
        cwd=folder,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    if ended.returncode and re.search(r"ptrace|PTRACE|attach", ended.stderr):
        pytest.fail(_NOT_ALLOWED + ended.stderr.strip()[:300])
    return ended, list(_events(trace))


def _events(trace: Path) -> Iterator[Event]:
    started: dict[str, Call] = {}
    with trace.open(encoding="latin-1", newline="\n") as lines:
        for line in lines:
            if found := _LINE.match(line.rstrip("\n")):
                yield from _events_of(found["thread"], found["rest"], started)


def _events_of(thread: str, rest: str, started: dict[str, Call]) -> Iterator[Event]:
    """What a line tells: a beginning, an end, or both."""
    if rest.endswith(_UNFINISHED):
        if found := _STARTED.match(rest.removesuffix(_UNFINISHED).rstrip()):
            started[thread] = Call(found["name"], found["words"])
            yield Event(started[thread], ended=False)
        return
    if resumed := _RESUMED.match(rest):
        call = started.pop(thread)
        if found := _CALL.match(f"{call.name}({call.words}{resumed['rest']}"):
            call.words, call.result, call.more = found["words"], int(found["result"]), found["more"]
            yield Event(call, ended=True)
        return
    if found := _CALL.match(rest):
        call = Call(found["name"], found["words"], int(found["result"]), found["more"])
        yield Event(call, ended=False)
        yield Event(call, ended=True)


@dataclass
class _Inode:
    """A file: what was written to it, and what of that is on the disk for sure."""

    written: bytearray = field(default_factory=bytearray)
    durable: bytes = b""


class Disk:
    """A disk below one folder that keeps what was synced and loses everything else.

    A file is there after the power cut if its name and those of the folders above it were made durable by a
    sync of the folder that each is in; its content is that of the last sync of the file.

    Args:
        root: The folder that the process runs in; it is there for sure, and has no journal.
        deaf: Syncs do nothing: for seeing that without them nothing is kept.
    """

    def __init__(self, root: Path, *, deaf: bool = False) -> None:
        self._root = os.path.normpath(root)
        self._deaf = deaf
        self._files: dict[str, _Inode] = {}
        self._kept_names: set[str] = {self._root}
        self._syncing: dict[int, bytes] = {}
        self._names: set[str] = set()

    def take(self, event: Event) -> None:
        """Takes in the next event."""
        call = event.call
        if call.name in _SYNCS:
            self._sync(call, ended=event.ended)
        elif event.ended and (call.result or 0) >= 0:
            self._change(call)

    def survivors(self, suffix: str) -> dict[str, bytes]:
        """The files whose paths end so, by name, as they are after a power cut at this moment."""
        return {
            Path(path).name: inode.durable
            for path, inode in self._files.items()
            if path.endswith(suffix) and self._is_kept(path)
        }

    def _is_kept(self, path: str) -> bool:
        while path != self._root:
            if path not in self._kept_names:
                return False
            path = os.path.dirname(path)  # noqa: PTH120 - these are texts of another process, by the thousand
        return True

    def _sync(self, call: Call, *, ended: bool) -> None:
        path = call.path
        if path is None or self._deaf:
            return
        inode = self._files.get(path)
        if not ended:
            self._syncing[id(call)] = bytes(inode.written) if inode else b""
        elif call.result == 0 and inode:
            inode.durable = self._syncing.pop(id(call))
        elif call.result == 0:
            self._kept_names |= {name for name in self._names if os.path.dirname(name) == path}  # noqa: PTH120 - likewise

    def _change(self, call: Call) -> None:
        if call.name == "openat":
            found = re.match(r"<(/[^>]*)>", call.more)
            if found and self._mine(found[1]) and "O_CREAT" in call.words and found[1] not in self._files:
                self._files[found[1]] = _Inode()
                self._names.add(found[1])
        elif call.name in {"mkdir", "mkdirat"}:
            self._names.update(call.paths(self._root))
        elif call.name in {"unlink", "unlinkat"}:
            for path in call.paths(self._root):
                self._files.pop(path, None)
                self._names.discard(path)
                self._kept_names.discard(path)
        elif call.name in {"link", "linkat"}:
            self._link(call)
        elif call.path in self._files:
            self._write(self._files[call.path], call)

    def _link(self, call: Call) -> None:
        source, target = call.paths(self._root)
        if source in self._files:
            self._files[target] = self._files[source]
            self._names.add(target)

    def _write(self, inode: _Inode, call: Call) -> None:
        if call.name == "ftruncate":
            size = call.offset
            inode.written = inode.written[:size].ljust(size, b"\0")
        elif call.name == "pwrite64":
            data = call.data[: call.result]
            end = call.offset + len(data)
            inode.written = inode.written.ljust(end, b"\0")
            inode.written[call.offset : end] = data

    def _mine(self, path: str) -> bool:
        return path.startswith(f"{self._root}/")
