"""A sandbox that counts its answers, and how to hold what a load says against what it has stored."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from loader.sandbox import RunningSandbox, SandboxSettings, make_app
from tests.support.shell import stats, stored

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.support.shell import Ended, Shell


class Counted:
    """A sandbox whose answers are counted as it gives them."""

    def __init__(self) -> None:
        self.url = ""
        self._answers = 0
        self._news = threading.Condition()

    def note(self, _line: str) -> None:
        """Counts an answer."""
        with self._news:
            self._answers += 1
            self._news.notify_all()

    def until(self, answers: int, process: subprocess.Popen[str]) -> None:
        """Waits until so many answers were given; the process must live so long."""
        with self._news:
            while self._answers < answers:
                assert process.poll() is None, process.communicate()
                self._news.wait(0.5)


@contextmanager
def counted(settings: SandboxSettings) -> Iterator[Counted]:
    """A running sandbox that counts."""
    counting = Counted()
    with RunningSandbox(settings, make=partial(make_app, on_request=counting.note)) as running:
        counting.url = running.url
        yield counting


def agrees(shell: Shell, done: Ended, url: str, read: int) -> None:
    """Holds a load's results against the sandbox: all rows in order, none twice, ids as they are stored."""
    lines = shell.results(done)
    assert [int(line["record_no"]) for line in lines] == list(range(1, read + 1))
    records = stored(url)
    assert stats(url)["duplicates"]["billing-run"] == 0
    created = {int(line["record_no"]): line["id"] for line in lines if line["status"] == "created"}
    assert created == {number: records[number]["id"] for number in created}
    doubtful = {int(line["record_no"]) for line in lines if line["status"] == "in_doubt"}
    assert set(records) <= set(created) | doubtful
    for line in lines:
        number = int(line["record_no"])
        assert line["external_id"] == f"K{number:05d}"
        assert number not in records or records[number]["sys_external_id"] == line["external_id"]
