"""Values that the journal's tests write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loader.findings import Finding
from loader.manifest import Manifest
from loader.records import DecidedRow, Dialect, Load, Outcome, SendableRow, SourceFile, Status
from loader.settings import RunSettings

_TYPE_NAMES: Any = {"Id": "String", "Näme": "String"}  # as the journal gives them back
FILE = SourceFile(
    file_no=0,
    path="in/räte.csv",
    name="räte.csv",
    size=12,
    fingerprint="ab" * 32,
    format="csv",
    dialect=Dialect(delimiter=";", encoding="cp1252", newline="\r\n", preamble="Export\r\n"),
    schema=_TYPE_NAMES,
    notes=("delimiter ; was detected",),
)


def load(load_id: str = "20261122T101500Z-00000001", **changes: Any) -> Load:
    """A load into tenant acme."""
    values: dict[str, Any] = {
        "resource": "billing-run",
        "tenant": "acme",
        "base_url": "http://127.0.0.1:1",
        "mapping_name": "billing-run.yaml",
        "mapping_text": "resource: billing-run\n",
        "manifest": Manifest(settings=RunSettings(tenant="acme", rate=5.5), sources=("in/räte.csv",)),
        "files": (FILE,),
        "created_at": datetime(2026, 11, 22, 10, 15, tzinfo=UTC),
    }
    return Load(load_id=load_id, **{**values, **changes})


def ready(seq: int, external_id: str | None = None) -> SendableRow:
    """A row to send."""
    return SendableRow(seq, 0, seq + 1, external_id, b"{}", seq.to_bytes(16, "big"))


def decided(
    seq: int, status: Status = Status.INVALID, external_id: str | None = None, **more: Any
) -> DecidedRow:
    """A row that is not sent."""
    return DecidedRow(seq, 0, seq + 1, external_id, status, **more)


def refused(seq: int, words: str = "no such state", status: int = 422, attempts: int = 1) -> Outcome:
    """The outcome of a row that the service refused."""
    code = "answer.missing_reference" if status == 409 else "answer.refused"
    finding = Finding(code, params={"status": status, "words": words})
    return Outcome(seq, Status.REFUSED, None, status, attempts, (finding,))


def created(seq: int) -> Outcome:
    """The outcome of a row that was stored."""
    return Outcome(seq, Status.CREATED, f"id-{seq}", 201)
