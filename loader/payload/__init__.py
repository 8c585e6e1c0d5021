"""A frame of cells and a compiled mapping become JSON bodies and findings.

`draft` and `finish` map and check a batch, `build` does both by itself, and `stamp` makes what is sent;
`build_records` does the same where several rows make a record. `examples` runs a mapping's own tests
through them.
"""

from __future__ import annotations

from loader.payload.finding_frames import FILE, FINDINGS_SCHEMA, GROUPED_SCHEMA, findings_by_record
from loader.payload.groups import build_records, kept_rows, record_rows
from loader.payload.rows import PayloadDraft, build, draft, finish, stamp

__all__ = [
    "FILE",
    "FINDINGS_SCHEMA",
    "GROUPED_SCHEMA",
    "PayloadDraft",
    "build",
    "build_records",
    "draft",
    "findings_by_record",
    "finish",
    "kept_rows",
    "record_rows",
    "stamp",
]
