"""What the payload room gives, bodies and findings of a batch, and what it asks for: ids of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from loader.findings import Finding
    from loader.mapping import CompiledMapping


@dataclass(frozen=True, slots=True)
class Payloads:
    """What a batch became.

    Attributes:
        rows: One line a record, in the batch's order: RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE.
        findings: One line a finding, FINDINGS_SCHEMA, ordered by record, then by field in mapping order; a
            record with findings is `invalid`, or `blocked` where all of them are keys of lookups without an
            id; a filtered one has none. Where records are made of several rows, GROUPED_SCHEMA: LINE and
            ROW_NO are those of the row that the finding is about, in the second file `FILE` if that is set.
        computed: The records that could be read: the source's columns, what the mapping computed from
            them, and STATE.
        items: For each list with an item for every row: how a row becomes one, and what was computed of
            these rows; PARENT is their record.
    """

    rows: pl.DataFrame
    findings: pl.DataFrame
    computed: pl.DataFrame
    items: tuple[tuple[CompiledMapping, pl.DataFrame], ...] = ()


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What is known of the keys of a batch's lookups, for one record type.

    Attributes:
        ids: Key -> id, for records that exist.
        reasons: Key -> why there is no id: a code `lookup.…` with its params; field and column are left
            out, since only the rows know theirs. A key that is in neither is `lookup.not_found`.
    """

    ids: Mapping[str, str]
    reasons: Mapping[str, Finding]
