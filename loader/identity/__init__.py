"""Decide by its external id whether a row may be sent: each id once in a load, and once in a tenant."""

from __future__ import annotations

from loader.identity.decide import KnownIds, Row, decide_rows, payload_hash
from loader.identity.duplicate_index import DuplicateIndex

__all__ = ["DuplicateIndex", "KnownIds", "Row", "decide_rows", "payload_hash"]
