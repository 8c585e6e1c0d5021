"""A frame of cells and a compiled mapping become JSON bodies, or all findings of a row.

`draft` and `finish` map and judge a batch, `build` does both by itself, and `stamp` makes what is sent;
`build_records` does the same where several rows make a record. `examples` runs a mapping's own tests
through them.
"""

from __future__ import annotations

from loader.payload.groups import build_records, kept_rows, record_rows
from loader.payload.rows import FINDINGS_SCHEMA, PayloadDraft, build, draft, finish, stamp

__all__ = [
    "FINDINGS_SCHEMA",
    "PayloadDraft",
    "build",
    "build_records",
    "draft",
    "finish",
    "kept_rows",
    "record_rows",
    "stamp",
]
