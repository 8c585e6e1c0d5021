"""`make bench`: the loader beside simpler ways, in one run, since machines are noisy; then what it promises.

Everything stays on this machine. `python -m tests.bench --rows 100000 --kills 5` is quicker.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench import kills, resume
from tests.bench.data import COLUMNS, MAPPING, write_csv
from tests.bench.measure import Taken, one_core, row, run

_SUBJECTS: Final = ("-m", "tests.bench.subjects")
_HEADING: Final = (
    "| what | rows/s | CPU µs/row | peak MiB | times as fast |\n| --- | ---: | ---: | ---: | ---: |"
)


def main() -> None:
    """Measures all of it."""
    parser = argparse.ArgumentParser(description="Measures the loader.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file that is read")
    parser.add_argument("--kills", type=int, default=20, help="how often a load is killed")
    words = parser.parse_args()
    rows: int = words.rows
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
        write_csv(place / "rows.csv", rows)
        size = (place / "rows.csv").stat().st_size
        print(f"{rows:,} rows of {COLUMNS} columns, {size / 1e6:,.0f} MB\n")
        _reading(place, rows)
        _mapping(place, max(1000, rows // 5))
        _dry_run(place, rows)
        _loading(place, max(1000, rows // 50))
    resume.section(rows)
    kills.section(words.kills, seed=1)


def _reading(place: Path, rows: int) -> None:
    path = str(place / "rows.csv")
    print(f"Reading\n\n{_HEADING}")
    by_hand = run([*_SUBJECTS, "read_csv", path])
    print(row("csv.DictReader", rows, by_hand))
    print(row("polars scan_csv.collect_batches", rows, run([*_SUBJECTS, "read_scan", path]), by_hand))
    print(row("loader, the exact path alone", rows, run([*_SUBJECTS, "read_exact", path]), by_hand))
    print(row("loader preview --format csv --limit 0", rows, run([*_SUBJECTS, "preview", path]), by_hand))
    print(row("loader, batches of 10,000", rows, run([*_SUBJECTS, "read", path]), by_hand))
    print(row("loader, batches of 1,000", rows, run([*_SUBJECTS, "read", path, "1000"]), by_hand))
    mapping = str(place / "mapping.yaml")
    whole = run(["-m", "loader", "validate", mapping, path])
    _expect(whole, 3)
    print(row("loader validate, all of it", rows, whole, by_hand), "\n")


def _mapping(place: Path, rows: int) -> None:
    path = str(place / "part.csv")
    write_csv(Path(path), rows)
    mapping = str(place / "mapping.yaml")
    print(f"Reading, mapping and judging {rows:,} rows on one core\n\n{_HEADING}")
    alone = {"POLARS_MAX_THREADS": "1"}
    by_hand = run([*_SUBJECTS, "script", path])
    print(row("csv + Pydantic script", rows, by_hand))
    print(row("loader: bodies and findings", rows, run([*_SUBJECTS, "build", mapping, path], alone), by_hand))
    whole = run(["-m", "loader", "validate", mapping, path], alone)
    _expect(whole, 3)
    print(row("loader validate", rows, whole, by_hand), "\n")


def _dry_run(place: Path, rows: int) -> None:
    path, mapping = str(place / "rows.csv"), str(place / "mapping.yaml")
    print(f"A dry run of {rows:,} rows, 1 % of them wrong, on one core\n\n{_HEADING}")
    alone = {"POLARS_MAX_THREADS": "1"}
    with one_core():
        by_hand = run([*_SUBJECTS, "script", path])
        print(row("csv + Pydantic script", rows, by_hand))
        for what, more in (("", []), (" --report", ["--report", str(place / "report")])):
            whole = run(["-m", "loader", "validate", mapping, path, *more], alone)
            _expect(whole, 3)
            print(row(f"loader validate{what}", rows, whole, by_hand))
    page = place / "report" / "report.html"
    print(f"\nIts report has {page.stat().st_size / 1e6:.2f} MB.\n")


def _loading(place: Path, rows: int) -> None:
    path, mapping = str(place / "few.csv"), str(place / "mapping.yaml")
    write_csv(Path(path), rows)
    print(f"Loading {rows:,} rows, 32 requests at once, into a server on this machine\n\n{_HEADING}")
    with subprocess.Popen([sys.executable, *_SUBJECTS, "serve"], stdout=subprocess.PIPE, text=True) as server:
        port = (server.stdout.readline() if server.stdout else "").strip()
        url = f"http://127.0.0.1:{port}"
        few = max(500, rows // 10)
        stock = run([*_SUBJECTS, "post", f"{url}/billingRuns/acme", str(few), "32"])
        print(row(f"stock httpx, {few:,} posts and nothing else", few, stock))
        home = ["--home", str(place / "home")]
        target = ["--tenant", "acme", "--base-url", url, "--concurrency", "32", *home]
        whole = run(["-m", "loader", "load", mapping, path, *target], {"LOADER_TOKEN": "bench"})
        _expect(whole, 3)
        print(row("loader load: read, map, journal, send, receipts", rows, whole, _scaled(stock, rows / few)))
        again = run(["-m", "loader", "load", mapping, path, *target], {"LOADER_TOKEN": "bench"})
        _expect(again, 3)
        print(row("loader load of the same file again: nothing to send", rows, again), "\n")
        server.terminate()


def _scaled(taken: Taken, times: float) -> Taken:
    """The same for so many times as many rows, for a ratio."""
    return Taken(taken.wall * times, taken.cpu * times, taken.peak, taken.code, taken.output)


def _expect(taken: Taken, code: int) -> None:
    if taken.code != code:
        raise SystemExit(f"exit code {taken.code} where {code} was expected:\n{taken.output}")


if __name__ == "__main__":
    main()
