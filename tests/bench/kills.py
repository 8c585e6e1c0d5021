"""Real kills: a load is killed at random moments and resumed until it is done, and held against the service.

`python -m tests.bench.kills --kills 20 --seed 1`; exits with 1 where a row was duplicated, lost or forgotten.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from loader.journal.states import RowState
from loader.sandbox import RunningSandbox, SandboxSettings, make_app
from tests.support.shell import Shell

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

CONCURRENCY: Final = 16
LATENCY_S: Final = 0.01
ROWS_A_KILL: Final = 300
MOST_ANSWERS: Final = 200
"""A kill comes after so many answers at most, where it does not come at a time."""
HEADING: Final = (
    "| rows | kills | duplicates | lost | missing | wrong id | most in doubt after a kill"
    " | in doubt at the end | seconds |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
_ENDED: Final = frozenset({0, 4})
_LONGEST_S: Final = 900.0
_PAGE: Final = 500  # records


@dataclass
class Counting:
    """A running sandbox.

    Attributes:
        url: Where it is.
        answers: How many it has given; read from another thread than the one that counts.
    """

    url: str = ""
    answers: int = 0

    def note(self, _line: str) -> None:
        """Counts an answer."""
        self.answers += 1


@contextmanager
def _counting(settings: SandboxSettings) -> Iterator[Counting]:
    counts = Counting()
    with RunningSandbox(settings, make=partial(make_app, on_request=counts.note)) as running:
        counts.url = running.url
        yield counts


@dataclass
class Found:
    """What a killed load came to.

    Attributes:
        rows: Rows of the file.
        kills: How often it was killed.
        duplicates: Records stored beyond the first for a row.
        lost: Rows said to be created that the service does not have, and records whose row is neither
            created nor in doubt.
        missing: Rows of the file that `results.csv` does not have exactly once.
        wrong_id: Rows whose id is not the stored record's.
        under_way: After each kill, rows with an intent and no outcome.
        in_doubt: Rows in doubt at the end.
        seconds: From the first start to the last end.
    """

    rows: int
    kills: int = 0
    duplicates: int = 0
    lost: int = 0
    missing: int = 0
    wrong_id: int = 0
    under_way: list[int] = field(default_factory=list)
    in_doubt: int = 0
    seconds: float = 0.0

    @property
    def violations(self) -> list[str]:
        """What the loader promises and did not keep."""
        counts = {
            "duplicates": self.duplicates,
            "lost rows": self.lost,
            "rows missing from results.csv": self.missing,
            "wrong ids": self.wrong_id,
        }
        found = [f"{count} {what}" for what, count in counts.items() if count]
        bound = 2 * CONCURRENCY
        found += [
            f"{item} rows in doubt after a kill, {bound} at most" for item in self.under_way if item > bound
        ]
        if self.in_doubt > sum(self.under_way):
            found.append(
                f"{self.in_doubt} rows in doubt at the end, {sum(self.under_way)} were after the kills"
            )
        return found

    def __str__(self) -> str:
        """A line of a table."""
        cells = (
            *(f"{self.rows:,}", self.kills, self.duplicates, self.lost, self.missing, self.wrong_id),
            *(max(self.under_way, default=0), self.in_doubt, f"{self.seconds:.0f}"),
        )
        return f"| {' | '.join(str(cell) for cell in cells)} |"


def measure(kills: int, seed: int) -> Found:
    """Kills one load so often, lets it end, and compares.

    Args:
        kills: How often; less where the load is done before.
        seed: Of the dice that say when.
    """
    dice = random.Random(seed)
    found = Found(rows=ROWS_A_KILL * (kills + 1))
    settings = SandboxSettings(latency=LATENCY_S, page_size=_PAGE)
    with tempfile.TemporaryDirectory() as folder, _counting(settings) as sandbox:
        shell = Shell(Path(folder))
        shell.write_rows(found.rows)
        started = time.monotonic()
        _run_and_kill(shell, sandbox, kills, dice, found)
        done = _finish(shell, sandbox)
        found.seconds = time.monotonic() - started
        _compare(_results(shell.folder / done["files"]["results"]), _stored(sandbox.url), found)
        if done["rows"]["read"] != found.rows:
            found.missing += abs(found.rows - int(done["rows"]["read"]))
    return found


def _words(shell: Shell, sandbox: Counting) -> list[str]:
    """The load's first run, or its next: a kill may come before it has an id."""
    loads = shell.folder / ".loader" / "loads"
    if loads.is_dir() and (begun := sorted(loads.iterdir())) and _is_in_journal(shell, begun[-1].name):
        return ["resume", begun[-1].name, "--json"]
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json"]
    return [*words, "--concurrency", str(CONCURRENCY), "--batch-size", "100"]


def _run_and_kill(shell: Shell, sandbox: Counting, kills: int, dice: random.Random, found: Found) -> None:
    while found.kills < kills:
        process = shell.start(*_words(shell, sandbox))
        try:
            _wait(process, sandbox, dice)
        finally:
            process.kill()
            _, err = process.communicate(timeout=_LONGEST_S)
        if process.returncode in _ENDED:
            return
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(f"exit code {process.returncode} before the kill:\n{err}")
        found.kills += 1
        found.under_way.append(_under_way(shell))


def _wait(process: subprocess.Popen[str], sandbox: Counting, dice: random.Random) -> None:
    """Until some time has passed, which may be while it starts, or until some rows were answered."""
    if dice.random() < 0.25:
        time.sleep(dice.uniform(0, 1.2))
        return
    wanted = sandbox.answers + dice.randint(1, MOST_ANSWERS)
    while sandbox.answers < wanted and process.poll() is None:
        time.sleep(0.001)
    time.sleep(dice.uniform(0, 2 * LATENCY_S))


def _finish(shell: Shell, sandbox: Counting) -> dict[str, Any]:
    process = shell.start(*_words(shell, sandbox))
    out, err = process.communicate(timeout=_LONGEST_S)
    if process.returncode not in _ENDED:
        raise SystemExit(f"the last run ended with exit code {process.returncode}:\n{err}")
    done: dict[str, Any] = json.loads(out)
    return done


def _query(shell: Shell, query: str, *values: object) -> int:
    """A number from a copy of the journal, so that the journal itself is left as the kill left it."""
    home = shell.folder / ".loader"
    if not (home / "journal.db").exists():
        return 0
    with tempfile.TemporaryDirectory() as place:
        for name in ("journal.db", "journal.db-wal"):
            if (home / name).exists():
                shutil.copy(home / name, place)
        with closing(sqlite3.connect(Path(place) / "journal.db")) as connection:
            (number,) = connection.execute(query, values).fetchone()
            return int(number)


def _under_way(shell: Shell) -> int:
    return _query(shell, "SELECT count(*) FROM load_row WHERE state = ?", int(RowState.SENT))


def _is_in_journal(shell: Shell, load_id: str) -> bool:
    return _query(shell, "SELECT count(*) FROM load WHERE load_id = ?", load_id) > 0


def _results(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _stored(url: str) -> list[dict[str, Any]]:
    """Every record that the sandbox has, page by page."""
    items: list[dict[str, Any]] = []
    asked = {"fields": "id,sys_external_id,sys_bulk_load_record_no"}
    while True:
        address = f"{url}/billingRuns/acme?{urlencode(asked)}"
        request = Request(address, headers={"Authorization": "Bearer any"})  # noqa: S310 - of this machine
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - likewise
            page = json.load(answer)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        asked["exclusiveStartKey"] = page["LastEvaluatedKey"]


def _compare(results: list[dict[str, str]], stored: list[dict[str, Any]], found: Found) -> None:
    """Counts what does not agree; rows in doubt may be stored or not."""
    lines = {int(line["record_no"]): line for line in results}
    found.missing += sum(number not in lines for number in range(1, found.rows + 1))
    found.missing += len(results) - len(lines)
    times = Counter(int(item["sys_bulk_load_record_no"]) for item in stored)
    found.duplicates = sum(count - 1 for count in times.values())
    found.in_doubt = sum(line["status"] == "in_doubt" for line in results)
    created = {number for number, line in lines.items() if line["status"] == "created"}
    known = created | {number for number, line in lines.items() if line["status"] == "in_doubt"}
    found.lost = len(created - set(times)) + len(set(times) - known)
    found.lost += sum(number not in known for number in lines)
    found.wrong_id = sum(
        number in created
        and (item["id"], item["sys_external_id"]) != (lines[number]["id"], lines[number]["external_id"])
        for item in stored
        if (number := int(item["sys_bulk_load_record_no"]))
    )


def section(kills: int, seed: int) -> None:
    """Measures and prints the table.

    Raises:
        SystemExit: The loader broke a promise.
    """
    print(f"Killing a load with kill -9, {CONCURRENCY} requests at once, and resuming it (seed {seed})\n")
    print(HEADING)
    found = measure(kills, seed)
    print(found, "\n")
    if found.kills < kills:
        raise SystemExit(f"the load was done after {found.kills} of {kills} kills: more rows are needed")
    if found.violations:
        raise SystemExit("; ".join(found.violations))


def main() -> None:
    """Measures as the command line says."""
    parser = argparse.ArgumentParser(description="Kills a load again and again, and counts what goes wrong.")
    parser.add_argument("--kills", type=int, default=20, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    words = parser.parse_args()
    section(words.kills, words.seed)


if __name__ == "__main__":
    main()
