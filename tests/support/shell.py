"""The program as a user has it: a folder, an environment, commands; and a small load to run."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from loader.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TOKEN = "t0p-s3cret-t0ken"
MAPPING = """\
resource: billing-run
external_id: Key
fields:
  name: Name
  status: {column: State, map: {D: draft, C: completed}, default: draft}
  application_expiration_options.expiration_date_range_start: {value: "2019-01-01"}
  application_expiration_options.expiration_date_range_end: {value: "2019-12-31"}
  training_provider_billing_options.invoice_template_id: {value: INV-STD}
  training_provider_billing_options.payment_terms_id: {value: NET30}
"""
COUNTS = (
    "created",
    "already_loaded",
    "filtered",
    "invalid",
    "blocked",
    "refused",
    "in_doubt",
    "pending",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The `--json` object: the only thing on stdout."""
        assert self.out, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def rows(self) -> dict[str, int]:
        """Its rows, which must balance; those that are 0 are left out."""
        rows: dict[str, int] = self.summary["rows"]
        assert rows["read"] == sum(count for name, count in rows.items() if name != "read")
        return {name: count for name, count in rows.items() if count}

    @property
    def next_words(self) -> list[str]:
        """The command on the last line of stderr, without `loader`."""
        last = self.err.splitlines()[-1]
        assert last.startswith("next: loader "), self.err
        return shlex.split(last.removeprefix("next: loader "))


@dataclass
class Shell:
    """A folder to run the program in.

    Attributes:
        folder: Where it runs.
        env: What it has in its environment beside the test's own.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=lambda: {"LOADER_TOKEN": TOKEN})

    def run(self, *words: str | Path) -> Ended:
        """Runs a command line in this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "oe")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith("LOADER_")]:
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run([str(word) for word in words])
        return Ended(code, _text(out), _text(err))

    def start(self, *words: str | Path, **how: Any) -> subprocess.Popen[str]:
        """Starts a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "loader", *map(str, words)],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            **how,
        )

    def real(self, *words: str | Path, **how: Any) -> Ended:
        """Runs a command line in a process of its own."""
        return ended(self.start(*words, **how))

    def follow(self, after: Ended, *more: str) -> Ended:
        """Runs the command that another one named as the next, as it was printed."""
        return self.run(*after.next_words, *more)

    def write(self, name: str, content: str | bytes) -> Path:
        """Writes a file into the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def write_rows(self, count: int, name: str = "runs.csv", *, first: int = 1) -> Path:
        """Writes the mapping, and a source of so many good rows with keys from `first` on."""
        self.write("runs.yaml", MAPPING)
        rows = "".join(f"K{number:05d},Run {number},C\n" for number in range(first, first + count))
        return self.write(name, f"Key,Name,State\n{rows}")

    def results(self, ended: Ended) -> list[dict[str, str]]:
        """The lines of a load's `results.csv`."""
        path = self.folder / ended.summary["files"]["results"]
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def texts(self) -> Iterable[tuple[Path, bytes]]:
        """Every file below the folder and its content."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOADER_")}
        return {**inherited, **self.env}


def ended(process: subprocess.Popen[str]) -> Ended:
    """Waits for the end of a process."""
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def stats(url: str) -> dict[str, Any]:
    """What a sandbox counted: requests by status, records stored, and which stand there twice."""
    with urlopen(f"{url}/stats", timeout=10) as answer:  # noqa: S310 - a URL of this machine
        found: dict[str, Any] = json.load(answer)
        return found


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def stored(url: str) -> dict[int, dict[str, Any]]:
    """The billing runs that a sandbox has stored for acme, by record number; no two have the same."""
    fields = "id,sys_external_id,sys_bulk_load_record_no"
    request = Request(f"{url}/billingRuns/acme?fields={fields}", headers={"Authorization": "Bearer any"})  # noqa: S310 - a URL of this machine
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
        found = json.load(answer)
    assert "LastEvaluatedKey" not in found
    items = {int(item["sys_bulk_load_record_no"]): item for item in found["Items"]}
    assert len(items) == len(found["Items"])
    return items
