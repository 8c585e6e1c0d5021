"""What is measured, each started as a process: `python -m tests.bench.subjects NAME ARGUMENTS`."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import polars as pl

from loader.cli import run
from loader.pipeline.rows import open_inputs, read_mapping
from loader.resources import BUILT_IN, BillingRun
from loader.settings import SourceOptions
from loader.source import open_source
from tests.bench.server import serve


def read(path: str, rows: str = "10000") -> None:
    """The loader's reader: frames with record and line numbers."""
    batches = open_source([path], SourceOptions()).batches(int(rows))
    print(sum(batch.rows.height for batch in batches))


def read_exact(path: str) -> None:
    """The reader's exact path alone, on a file that does not need it."""
    with mock.patch("loader.source.csv.file.read_plain", return_value=None):
        read(path)


def preview(path: str) -> None:
    """`loader preview --format csv --limit 0` into nothing."""
    with Path(os.devnull).open("w", encoding="utf-8") as nothing, contextlib.redirect_stdout(nothing):
        run(["preview", path, "--format", "csv", "--limit", "0"])


def read_scan(path: str) -> None:
    """Polars alone, streaming: no lines, no check for ragged records."""
    frame = pl.scan_csv(path, separator=";", infer_schema=False)
    print(sum(batch.height for batch in frame.collect_batches(chunk_size=10_000)))


def read_csv(path: str) -> None:
    """The csv module, a dict a row."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        print(sum(1 for _ in csv.DictReader(file, delimiter=";")))


def build(mapping: str, path: str) -> None:
    """Reading, mapping and validating, without the journal."""
    from loader.pipeline.rows.transform import Transformer  # noqa: PLC0415 - not part of the room's face

    inputs = open_inputs(*read_mapping(Path(mapping)), [path], {}, types=BUILT_IN)
    transformer = Transformer(inputs.mapping, load_id="bench", tenant="acme")
    print(sum(transformer.payloads(batch).rows.height for batch in inputs.source.batches(10_000)))


def script(path: str) -> None:
    """What one writes by hand: csv, a function a row, Pydantic."""
    good = bad = 0
    with Path(path).open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file, delimiter=";"):
            try:
                BillingRun.model_validate(_mapped(cells)).model_dump_json(exclude_none=True)
                good += 1
            except ValueError:
                bad += 1
    print(good, bad)


def _day(text: str) -> str:
    return datetime.strptime(text.strip(), "%d.%m.%Y").date().isoformat()  # noqa: DTZ007 - a date alone


def _mapped(cells: dict[str, str]) -> dict[str, Any]:
    extra = {number: cells[f"Extra{number}"].strip() for number in range(10, 34)}
    flag = {"Y": True, "N": False}[cells["Flag"]]
    return {
        "name": cells["Name"].strip(),
        "status": {"D": "draft", "C": "completed", "S": "scheduled"}[cells["State"]],
        "run_date": _day(cells["RunDate"]),
        "scheduled_run_date": _day(cells["From"]),
        "preprocessing_date": _day(cells["To"]),
        "notification_email": cells["Email"].strip().lower(),
        "bill_training_providers": flag,
        "perform_drops": flag,
        "expire_applications": flag,
        "sys_snapshot_base_version": float(cells["Amount"]),
        "sys_external_id": cells["RunId"],
        "application_activation_options": {
            "program_ids": [item.strip() for item in cells["Programs"].split(",")],
            "program_restriction": "include",
            "application_notice_id": extra[10],
            "status_reason_ids": [extra[11], extra[12]],
        },
        "application_expiration_options": {
            "expiration_date_range_start": _day(cells["From"]),
            "expiration_date_range_end": _day(cells["To"]),
        },
        "application_reminder_options": {
            "reminders": [
                {"reminder_notice_id": extra[13], "name": extra[14]},
                {"reminder_notice_id": extra[15], "name": extra[16]},
            ]
        },
        "drop_options": {
            "drop_notice_id": extra[17],
            **dict(zip("abcd", list(extra.values())[8:12], strict=True)),
        },
        "renewal_forecasting_options": dict(zip("efghi", list(extra.values())[12:17], strict=True)),
        "renewal_reminder_options": dict(zip("jklmn", list(extra.values())[17:22], strict=True)),
        "training_provider_billing_options": {
            "invoice_template_id": extra[32],
            "payment_terms_id": extra[33],
        },
    }


def post(url: str, rows: str, concurrency: str) -> None:
    """Stock httpx with its own pool: bodies of 1.5 KB, no journal, no mapping."""
    asyncio.run(_post(url, int(rows), int(concurrency)))


async def _post(url: str, rows: int, concurrency: int) -> None:
    body = json.dumps({"name": "x" * 1500}).encode()
    left = iter(range(rows))
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=concurrency)) as client:

        async def work() -> None:
            for _ in left:
                (await client.post(url, content=body)).raise_for_status()

        await asyncio.gather(*(work() for _ in range(concurrency)))


SUBJECTS = {
    item.__name__: item
    for item in (read, read_exact, preview, read_scan, read_csv, build, script, post, serve)
}

if __name__ == "__main__":
    SUBJECTS[sys.argv[1]](*sys.argv[2:])
