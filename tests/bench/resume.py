"""Resuming a load with a million rows done: how long until the first row leaves.

`python -m tests.bench.resume --rows 1000000`
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.journal import open_journal
from loader.pipeline.rows import open_inputs, read_mapping
from loader.pipeline.rows.inputs import manifest_of
from loader.records import Load, Outcome, Requests, SendableRow, Status
from loader.resources import BUILT_IN
from loader.settings import RunSettings
from tests.bench.data import MAPPING, write_csv
from tests.support.scripted_api import ScriptedApi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loader.journal import Journal
    from loader.pipeline.rows import Inputs
    from loader.records import Batch

LEFT: Final = 100
AIM_S: Final = 3.0
_ID: Final = "20261122T101500Z-00000001"
_ROWS_A_COMMIT: Final = 20_000
_LONGEST_S: Final = 300.0
_TRIES: Final = 3


def make_journal(home: Path, inputs: Inputs, settings: RunSettings, done: int) -> None:
    """Writes a journal in which the first `done` rows of a load are created and the rest was never reached.

    Args:
        home: Where it comes to stand.
        inputs: The load's.
        settings: The load's.
        done: How many; a multiple of the batch size.
    """
    load = Load(
        load_id=_ID,
        resource=inputs.mapping.record_type.name,
        tenant=settings.tenant,
        base_url=settings.base_url or "",
        mapping_name=inputs.mapping.name,
        mapping_text=inputs.mapping.text,
        manifest=manifest_of(inputs, settings),
        files=inputs.source.files,
        created_at=datetime(2026, 11, 22, 10, 15, tzinfo=UTC),
    )
    with open_journal(home) as journal:
        journal.begin(load)
        group: list[Batch] = []
        for batch in inputs.source.batches(settings.batch_size, limit=done):
            group.append(batch)
            if len(group) * settings.batch_size >= _ROWS_A_COMMIT:
                _commit(journal, group)
                group = []
        if group:
            _commit(journal, group)
        journal.finish(_ID, "interrupted", requests=Requests(done), seconds=1.0)


def _commit(journal: Journal, group: Sequence[Batch]) -> None:
    """The intents of some batches, then their outcomes."""
    seqs = range(group[0].start.seq, group[-1].end.seq)
    intents = [SendableRow(seq, 0, seq + 1, f"{seq:08}", b"", seq.to_bytes(16, "big")) for seq in seqs]
    journal.commit(_ID, intents=intents, checkpoints=[batch.start for batch in group])
    journal.commit(_ID, outcomes=[Outcome(seq, Status.CREATED, f"r{seq}", 200) for seq in seqs])


def first_post(words: Sequence[str], api: ScriptedApi) -> float:
    """Seconds from the start of `loader WORDS` to the first request that the server has read.

    Args:
        words: The command; it is killed afterwards.
        api: Where it posts.

    Raises:
        SystemExit: It ended without a request.
    """
    api.asked.clear()
    with tempfile.TemporaryFile() as told:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "loader", *words],
            env={**os.environ, "LOADER_TOKEN": "bench"},
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        try:
            while not api.asked:
                if process.poll() is not None or time.monotonic() > started + _LONGEST_S:
                    told.seek(0)
                    raise SystemExit(f"no request came from loader {words[0]}:\n{told.read().decode()}")
                time.sleep(0.002)
            return api.asked[0].at - started
        finally:
            process.kill()
            process.wait()


def _resumed(done: Path, home: Path, api: ScriptedApi) -> float:
    """The first POST of a resumed copy: one that was resumed before has rows in doubt."""
    shutil.copytree(done, home)
    return first_post(["resume", _ID, "--home", str(home)], api)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _parts(mapping: Path, path: Path, home: Path) -> dict[str, float]:
    """What the time goes to, each measured alone."""

    def look() -> None:
        with open_journal(home) as journal:
            journal.mark_in_doubt(_ID)
            journal.reopen_waiting(_ID)
            journal.resume_point(_ID)
            journal.totals(_ID)

    program = [sys.executable, "-c", "import loader.cli.load, loader.cli.resume"]
    return {
        "Python and the imports": _timed(lambda: subprocess.run(program, check=True)),
        "opening and fingerprinting the file": _timed(
            lambda: open_inputs(*read_mapping(mapping), [str(path)], {}, types=BUILT_IN)
        ),
        "opening the journal, finding where to go on": _timed(look),
    }


def section(rows: int) -> None:
    """Measures and prints the table.

    Args:
        rows: How many are done; as many and a hundred more are in the file.

    Raises:
        SystemExit: The first POST of the resumed load takes longer than three seconds.
    """
    with tempfile.TemporaryDirectory() as folder, ScriptedApi() as api:
        place = Path(folder)
        mapping, path = place / "mapping.yaml", place / "rows.csv"
        mapping.write_text(MAPPING, encoding="utf-8")
        write_csv(path, rows + LEFT)
        inputs = open_inputs(*read_mapping(mapping), [str(path)], {}, types=BUILT_IN)
        settings = RunSettings(tenant="acme", base_url=api.url)
        making = _timed(lambda: make_journal(place / "done", inputs, settings, rows))
        size = (place / "done" / "journal.db").stat().st_size
        print(f"First POST with {rows:,} rows done, a file of {path.stat().st_size / 1e6:,.0f} MB", end="")
        print(f", a journal of {size / 1e6:,.0f} MB (made in {making:.0f} s)\n")
        load = ["load", str(mapping), str(path), "--tenant", "acme", "--base-url", api.url]
        fresh = min(first_post([*load, "--home", str(place / f"new{n}")], api) for n in range(_TRIES))
        again = min(_resumed(place / "done", place / f"again{n}", api) for n in range(_TRIES))
        _show(fresh, again, _parts(mapping, path, place / "done"))
    if again > AIM_S:
        raise SystemExit(f"the first POST of resume came after {again:.1f} s; the aim is {AIM_S:g} s")


def _show(fresh: float, again: float, parts: dict[str, float]) -> None:
    print("| what | seconds to the first POST | times as long |\n| --- | ---: | ---: |")
    print(f"| loader load, none done | {fresh:.2f} | 1.00 |")
    print(f"| loader resume, all but {LEFT} done | {again:.2f} | {again / fresh:.2f} |")
    for what, seconds in parts.items():
        print(f"| of it, measured alone: {what} | {seconds:.2f} | |")
    print()


def main() -> None:
    """Measures as the command line says."""
    parser = argparse.ArgumentParser(description="Measures the time to the first row of a resumed load.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows that are done")
    section(parser.parse_args().rows)


if __name__ == "__main__":
    main()
