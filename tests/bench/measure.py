"""Runs a command as a process of its own and says what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LONGEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process took.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: Seconds of processor time, user and system.
        peak: The most memory it held, MiB.
        code: Its exit code.
        output: What it wrote to stdout.
    """

    wall: float
    cpu: float
    peak: float
    code: int
    output: str


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Taken:
    """Runs `python ARGUMENTS`; it is killed after a quarter of an hour."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if wall > _LONGEST_S:
        raise TimeoutError(f"{arguments} took {wall:.0f} s")
    return Taken(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss / 1024,
        code=os.waitstatus_to_exitcode(status),
        output=output.decode(),
    )


@contextmanager
def one_core() -> Iterator[None]:
    """What runs inside has one core, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(every)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


def row(what: str, rows: int, taken: Taken, reference: Taken | None = None) -> str:
    """A line of a table; with a reference, how many times as fast as it."""
    ratio = f"{reference.wall / taken.wall:.2f}" if reference else ""
    return (
        f"| {what} | {rows / taken.wall:,.0f} | {taken.cpu / rows * 1e6:.1f} | {taken.peak:.0f} | {ratio} |"
    )
