"""The first rows of a source, as they are read or as the payloads that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.payload.lookups import placeholders
from loader.pipeline.rows.inputs import source_options, tell_inputs
from loader.pipeline.rows.references import tell_untried
from loader.pipeline.rows.transform import NOBODY, Transformer
from loader.records import CORE, EXTERNAL_ID, LINE, RECORD_NO, ROW_NO, STATE
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
    inputs: Inputs, limit: int | None, watcher: Observer
) -> Iterator[tuple[Batch, Payloads]]:
    """The bodies and findings of a source's first records, as a load would have them.

    Args:
        inputs: What to read.
        limit: So many records; None: all.
        watcher: Is told what was detected.
    """
    preparer = Transformer(inputs.mapping, load_id="preview", tenant=NOBODY, find=placeholders)
    tell_inputs(inputs, preparer, watcher)
    tell_untried(inputs.mapping, watcher, tenant=None)
    for batch in inputs.source.batches(min(limit or _BATCH, _BATCH), limit=limit):
        yield batch, preparer.payloads(batch)


def preview_rows(
    path: str,
    overrides: Mapping[str, Any],
    limit: int | None,
    watcher: Observer,
    *,
    spool: Path | None = None,
) -> tuple[list[str], Iterator[Batch]]:
    """The first records of a source as they are read.

    Args:
        path: The source, a file or a glob; `-` is standard input.
        overrides: Keys of `source:`.
        limit: So many records; None: all.
        watcher: Is told what was detected.
        spool: Where standard input is kept; None: in a temporary folder.

    Returns:
        The columns of all files, the first file's first, and the batches.

    Raises:
        LoaderError: The source cannot be read, or an override is wrong.
    """
    source = open_source([path], source_options(SourceOptions(), overrides), spool)
    for file in source.files:
        for note in file.notes:
            watcher.note(f"{file.name}: {note}")
    columns = list(dict.fromkeys(name for file in source.files for name in file.schema))
    return columns, source.batches(min(limit or _BATCH, _BATCH), limit=limit)


def payload_table(payloads: Payloads) -> pl.DataFrame:
    """Payloads and their findings side by side, PAYLOAD_COLUMNS, a line a record.

    The findings of a record are one text, each behind the field that it is about; null where there are none.
    """
    field, message = pl.col("field"), _placed(payloads)
    named = field.fill_null("") != ""
    told = pl.when(named & ~message.str.starts_with(field)).then(field + ": " + message).otherwise(message)
    found = payloads.findings.group_by(RECORD_NO, maintain_order=True).agg(
        told.str.join("; ").alias("findings")
    )
    table = payloads.rows.join(found, on=RECORD_NO, how="left", maintain_order="left")
    return table.select(RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE, "findings").rename(
        dict(zip((RECORD_NO, LINE, EXTERNAL_ID, STATE, CORE), PAYLOAD_COLUMNS, strict=False))
    )


def _placed(payloads: Payloads) -> pl.Expr:
    """Messages, each with the place of its row where that is not the record's first."""
    message = pl.col("message")
    if ROW_NO not in payloads.findings.columns:
        return message
    line = pl.when(pl.col(LINE).is_null()).then(pl.lit("")).otherwise(pl.format(", line {}", LINE))
    placed = pl.format("record {}{}: {}", ROW_NO, line, message)
    return pl.when(pl.col(ROW_NO) != pl.col(RECORD_NO)).then(placed).otherwise(message)
