"""Preview the first rows of a source, as they are read or as the payloads that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader import wording
from loader.payload import findings_by_record
from loader.payload.lookups import placeholders
from loader.pipeline.events import FindingReported, SourceNote
from loader.pipeline.rows.inputs import input_notes, source_options
from loader.pipeline.rows.references import untried_lookups
from loader.pipeline.rows.transform import NO_TENANT, Transformer
from loader.records import CORE, EXTERNAL_ID, LINE, RECORD_NO, STATE
from loader.settings import SourceOptions
from loader.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from loader.payload.results import Payloads
    from loader.pipeline.events import Observer
    from loader.pipeline.rows.inputs import Inputs
    from loader.records import Batch

_BATCH: Final = 5_000
PAYLOAD_COLUMNS: Final = ("record_no", "line", "external_id", "state", "payload", "findings")


def preview_payloads(
    inputs: Inputs, limit: int | None, observer: Observer
) -> Iterator[tuple[Batch, Payloads]]:
    """Yield the bodies and findings of a source's first records, as a load would have them.

    Args:
        inputs: What to read.
        limit: How many records; None: all.
        observer: Learns what was detected.
    """
    transformer = Transformer(inputs.mapping, load_id="preview", tenant=NO_TENANT, find=placeholders)
    for note in input_notes(inputs, transformer):
        observer.on_event(note)
    # A preview needs no tenant, and so looks nothing up: placeholders show where ids go.
    for finding in untried_lookups(inputs.mapping, tenant=None):
        observer.on_event(FindingReported(finding))
    for batch in inputs.source.batches(min(limit or _BATCH, _BATCH), limit=limit):
        yield batch, transformer.payloads(batch)


def preview_rows(
    path: str,
    overrides: Mapping[str, Any],
    limit: int | None,
    observer: Observer,
    *,
    spool: Path | None = None,
) -> tuple[list[str], Iterator[Batch]]:
    """Open a source, and read its first records as they are.

    Args:
        path: The source, a file or a glob; `-` is standard input.
        overrides: Keys of `source:`.
        limit: How many records; None: all.
        observer: Learns what was detected.
        spool: Where standard input is kept; None: in a temporary folder.

    Returns:
        The columns of all files, the first file's first, and the batches.

    Raises:
        LoaderError: The source cannot be read, or an override is wrong.
    """
    source = open_source([path], source_options(SourceOptions(), overrides), spool)
    for file in source.files:
        for note in file.notes:
            observer.on_event(SourceNote(file.name, note))
    columns = list(dict.fromkeys(name for file in source.files for name in file.schema))
    return columns, source.batches(min(limit or _BATCH, _BATCH), limit=limit)


def payload_table(payloads: Payloads) -> pl.DataFrame:
    """Return payloads and their findings side by side, PAYLOAD_COLUMNS, a line a record.

    The findings of a record are one text, each with its field; null where there are none.
    """
    texts = [
        (record_no, "; ".join(wording.line(finding) for finding in findings))
        for record_no, findings in findings_by_record(payloads).items()
    ]
    schema = {RECORD_NO: pl.Int64, "findings": pl.String}
    table = payloads.rows.join(
        pl.DataFrame(texts, schema=schema, orient="row"), on=RECORD_NO, how="left", maintain_order="left"
    )
    columns = (RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE, "findings")
    return table.select(columns).rename(dict(zip(columns, PAYLOAD_COLUMNS, strict=True)))
