"""A frame of cells and a compiled mapping become JSON bodies, or all findings of a row; column-wise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping import EXTERNAL_ID_PATH
from loader.mapping.conversions import null_if
from loader.mapping.expressions import is_text
from loader.mapping.tree import leaves
from loader.payload.json_bodies import body
from loader.payload.lookups import placeholders, unfound, wanted, with_ids
from loader.payload.results import Payloads
from loader.records import (
    BODY,
    CORE,
    EXTERNAL_ID,
    FINDING_COLUMNS,
    LINE,
    PROBLEM,
    RECORD_NO,
    REPEATED_HEADER,
    STATE,
)
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from loader.mapping import CompiledMapping
    from loader.mapping.program import CellCheck
    from loader.payload.results import LookupResult

FINDINGS_SCHEMA: Final = pl.Schema(
    {
        RECORD_NO: pl.Int64(),
        LINE: pl.Int64(),
        EXTERNAL_ID: pl.String(),
        "field": pl.String(),
        "column": pl.String(),
        "value": pl.String(),
        "expected": pl.String(),
        "message": pl.String(),
    }
)
"""The columns of a frame of findings, with their types."""

_SHOWN: Final = 60
_ORDER: Final = "__order"


@dataclass(frozen=True, slots=True)
class PayloadDraft:
    """A batch, computed as far as it goes without the ids that its lookups want.

    Attributes:
        rows: As they were read.
        frame: The records that could be read, with the mapping's computed columns.
        compiled: The mapping.
    """

    rows: pl.DataFrame
    frame: pl.DataFrame
    compiled: CompiledMapping

    @property
    def keys(self) -> dict[str, list[str]]:
        """The different keys that its lookups want the ids of, by record type; none without lookups."""
        return wanted(self.frame, self.compiled.program.lookups)


def draft(rows: pl.DataFrame, compiled: CompiledMapping) -> PayloadDraft:
    """Maps a batch, but for its lookups.

    Args:
        rows: The source's columns, RECORD_NO, LINE and PROBLEM; in file order.
        compiled: The mapping, compiled for these columns.
    """
    sound = rows[PROBLEM].is_null()
    frame = rows if sound.all() else rows.filter(sound)
    return PayloadDraft(rows, _compute(frame, compiled), compiled)


def build(rows: pl.DataFrame, compiled: CompiledMapping) -> Payloads:
    """Maps and judges a batch by itself: lookups give texts such as `<billing-template T07>`, never ids.

    Args and result are those of `draft` and `finish`. What is to be sent goes through these.
    """
    begun = draft(rows, compiled)
    return finish(begun, placeholders(begun.keys))


def finish(begun: PayloadDraft, found: Mapping[str, LookupResult]) -> Payloads:
    """Judges a batch.

    Args:
        begun: The batch.
        found: What is known of its `keys`, by record type; what is not named is not known.

    Returns:
        Bodies for the rows that are right, every finding of the others.
    """
    rows, compiled = begun.rows, begun.compiled
    frame = with_ids(begun.frame, compiled.program.lookups, found)
    findings = _cell_findings(frame, compiled)
    waiting = _waiting(frame, compiled, found)
    frame = frame.with_columns(
        _state(compiled, findings, waiting).alias(STATE), _external_id(compiled).alias(EXTERNAL_ID)
    )
    if waiting.height:
        findings = _in_order(pl.concat([findings, waiting]), compiled)
    findings = findings.join(
        frame.filter(pl.col(STATE).is_in(["invalid", "blocked"])).select(RECORD_NO), on=RECORD_NO, how="semi"
    )
    read = {value.column for value in compiled.program.values.values() if value.column}
    read |= _presence(compiled)
    ready = frame.select(RECORD_NO, STATE, *sorted(read)).filter(pl.col(STATE) == "ready")
    bodies = ready.select(RECORD_NO, body(ready, compiled).alias(CORE))
    judged = frame.select(RECORD_NO, LINE, EXTERNAL_ID, STATE).join(
        bodies, on=RECORD_NO, how="left", maintain_order="left"
    )
    if frame.height == rows.height:
        return Payloads(judged, findings, frame)
    bad = rows.filter(pl.col(PROBLEM).is_not_null())
    return _with_problems(Payloads(judged, findings, frame), bad)


def stamp(
    rows: pl.DataFrame, *, load_id: str, tenant: str, source_file: str, processed_at: datetime
) -> pl.DataFrame:
    """Adds BODY to ready rows: the core with the platform's bulk-load fields behind it.

    Args:
        rows: RECORD_NO and CORE; no nulls.
        load_id: The load.
        tenant: The tenant; with the load it makes `sys_bulk_load_pk`.
        source_file: The file's name, no folders.
        processed_at: When the rows were processed; an aware time.
    """
    moment = processed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    constants = {
        "sys_bulk_load_at": moment,
        "sys_bulk_load_id": load_id,
        "sys_bulk_load_pk": f"{tenant}:{load_id}",
        "sys_bulk_load_source_file": source_file,
    }
    joined = json.dumps(constants, ensure_ascii=False, separators=(",", ":"))[1:-1]
    whole = pl.concat_str(
        pl.col(CORE).str.strip_suffix("}"),
        pl.when(pl.col(CORE) == "{}").then(pl.lit("")).otherwise(pl.lit(",")),
        pl.lit(f'{joined},"sys_bulk_load_record_no":'),
        pl.col(RECORD_NO),
        pl.lit("}"),
    )
    return rows.with_columns(whole.cast(pl.Binary).alias(BODY))


# --- computing -----------------------------------------------------------------------------------------


def _compute(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    program = compiled.program
    frame = frame.with_columns([expression.alias(name) for name, expression in program.cells.items()])
    if program.guarded:
        frame = _with_guarded(frame, program.guarded, compiled)
    for stage in program.stages:
        frame = frame.with_columns(stage)
    return frame


def _with_guarded(
    frame: pl.DataFrame, guarded: dict[str, pl.Expr], compiled: CompiledMapping
) -> pl.DataFrame:
    """Adds SQL columns, and beside each a mask (`!`) of rows that it cannot compute with."""
    cells = _nulled(frame, compiled)
    for name, expression in guarded.items():
        value, failed = _guard(cells, expression.alias(name))
        frame = frame.with_columns(value.alias(name), failed.alias(f"{name}!"))
    return frame


def _nulled(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """The source's cells as SQL sees them: untrimmed, null where they stand for nothing."""
    nulls = compiled.mapping.source.null_values
    read = {name for each in compiled.program.guarded.values() for name in each.meta.root_names()}
    texts = [name for name, dtype in frame.schema.items() if is_text(dtype) and name in read]
    return frame.with_columns([null_if(pl.col(name), [""] if nulls is None else nulls) for name in texts])


def _guard(cells: pl.DataFrame, expression: pl.Expr) -> tuple[pl.Series, pl.Series]:
    """Evaluates SQL; where a batch fails, its halves are tried, so that one bad row costs one row."""
    try:
        value = cells.with_columns(expression)[expression.meta.output_name()]
    except pl.exceptions.PolarsError:
        if cells.height > 1:
            half = cells.height // 2
            first, first_failed = _guard(cells.head(half), expression)
            second, second_failed = _guard(cells.slice(half), expression)
            joined = pl.concat([first.to_frame(), second.to_frame()], how="vertical_relaxed")
            return joined.to_series(), first_failed.append(second_failed)
        dtype = cells.lazy().select(expression).collect_schema().dtypes()[0]
        return pl.Series(expression.meta.output_name(), [None], dtype=dtype), pl.Series([True])
    return value, pl.repeat(value=False, n=cells.height, eager=True)


def _presence(compiled: CompiledMapping) -> set[str]:
    """The columns that tell whether a list item is there."""
    return {name for value in compiled.program.values.values() for name in value.present.meta.root_names()}


def _state(compiled: CompiledMapping, findings: pl.DataFrame, waiting: pl.DataFrame) -> pl.Expr:
    judged = pl.lit("ready")
    for found, state in ((waiting, "blocked"), (findings, "invalid")):
        if found.height:
            records = found[RECORD_NO].unique().implode()
            judged = pl.when(pl.col(RECORD_NO).is_in(records)).then(pl.lit(state)).otherwise(judged)
    if compiled.where is None:
        return judged
    kept = pl.col(compiled.where).fill_null(False) | pl.col(f"{compiled.where}!")  # noqa: FBT003 - a value
    return pl.when(kept).then(judged).otherwise(pl.lit("filtered"))


def _external_id(compiled: CompiledMapping) -> pl.Expr:
    value = compiled.program.values.get(EXTERNAL_ID_PATH)
    if value is None:
        return pl.lit(None, dtype=pl.String)
    return pl.col(value.column) if value.column else pl.lit(value.constant, dtype=pl.String)


# --- findings ------------------------------------------------------------------------------------------


def _cell_findings(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    checks = compiled.program.checks
    if not checks or not frame.height:
        return FINDINGS_SCHEMA.to_frame()
    masks = frame.select([check.mask.alias(str(index)) for index, check in enumerate(checks)])
    hits = masks.select(pl.all().any()).row(0)
    found = [
        _found(frame.filter(masks[str(index)]), check, compiled)
        for index, check in enumerate(checks)
        if hits[index]
    ]
    return _in_order(pl.concat(found), compiled) if found else FINDINGS_SCHEMA.to_frame()


def _in_order(findings: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Findings by record, and those of a record in the order of the mapping's file."""
    place = compiled.mapping.document.place
    in_order = sorted(leaves(compiled.mapping.tree), key=lambda leaf: place(leaf.place))
    rank = {leaf.path: index for index, leaf in enumerate(in_order)}
    order = pl.col("field").replace_strict(rank, default=-1, return_dtype=pl.Int32)
    return (
        findings.with_columns(order.alias(_ORDER)).sort(RECORD_NO, _ORDER, maintain_order=True).drop(_ORDER)
    )


def _waiting(
    frame: pl.DataFrame, compiled: CompiledMapping, found: Mapping[str, LookupResult]
) -> pl.DataFrame:
    """The findings of keys without an id."""
    lookups = compiled.program.lookups
    if not lookups or not frame.select(pl.any_horizontal([each.missing for each in lookups]).any()).item():
        return FINDINGS_SCHEMA.to_frame()
    keys = unfound(frame, lookups, found)
    ids = frame.select(RECORD_NO, _external_id(compiled).alias(EXTERNAL_ID))
    return keys.join(ids, on=RECORD_NO, how="left", maintain_order="left").select(FINDING_COLUMNS)


def _found(bad: pl.DataFrame, check: CellCheck, compiled: CompiledMapping) -> pl.DataFrame:
    """The findings of one check, one line a row."""
    bad = bad.with_columns(_shown(bad, check).alias("value"), pl.lit(check.expected).alias("expected"))
    return bad.select(
        pl.col(RECORD_NO),
        pl.col(LINE),
        _external_id(compiled).alias(EXTERNAL_ID),
        pl.lit(check.path).alias("field"),
        pl.lit(check.column, dtype=pl.String).alias("column"),
        pl.col("value"),
        pl.col("expected"),
        _message(bad, check).alias("message"),
    )


def _shown(bad: pl.DataFrame, check: CellCheck) -> pl.Expr:
    """What was found as text, cut short; of SQL, all the cells that it read."""
    if check.read:
        cells = [
            pl.format("{} = {}", pl.lit(name), cut(_cell(bad, name)).fill_null("null")) for name in check.read
        ]
        return pl.concat_str(cells, separator=", ")
    if check.value is None:
        return pl.lit(None, dtype=pl.String)
    return cut(_cell(bad, check.value))


def _cell(bad: pl.DataFrame, column: str) -> pl.Expr:
    listed = isinstance(bad.schema[column], pl.List)
    return (pl.col(column).list.join("; ") if listed else pl.col(column)).cast(pl.String)


def cut(text: pl.Expr) -> pl.Expr:
    """Text as messages show it: cut short."""
    long = text.str.len_chars() > _SHOWN
    return pl.when(long).then(pl.concat_str(text.str.head(_SHOWN), pl.lit("…"))).otherwise(text)


def _message(bad: pl.DataFrame, check: CellCheck) -> pl.Expr:
    if check.read:
        return pl.concat_str(pl.lit("this SQL cannot be computed with "), pl.col("value"))
    if check.value is None:
        whence = f", and {_cells(check.column)} empty" if check.column else ", and its value is null"
        return pl.lit(f"{check.path} is required{whence}")
    wrong = pl.col(check.detail) if check.detail else pl.lit(f"is not {check.expected}")
    words = pl.concat_str(pl.lit('"'), pl.col("value"), pl.lit('" '), wrong)
    if not check.allowed:
        return words
    nearby = {text: nearest(text, check.allowed) for text in bad["value"].unique().drop_nulls()}
    meant = {text: f"; did you mean {name!r}?" for text, name in nearby.items() if name}
    if not meant:
        return words
    hint = pl.col("value").replace_strict(meant, default="", return_dtype=pl.String)
    return pl.concat_str(words, hint)


def _cells(column: str) -> str:
    return f"columns {column} are" if ", " in column else f"column {column} is"


def _with_problems(payloads: Payloads, bad: pl.DataFrame) -> Payloads:
    """Adds the records that could not be read as rows: invalid, with that one finding.

    One that is the header again is no data, and so filtered, without a finding.
    """
    state = pl.when(pl.col(PROBLEM) == REPEATED_HEADER).then(pl.lit("filtered")).otherwise(pl.lit("invalid"))
    rows = bad.select(
        RECORD_NO,
        LINE,
        pl.lit(None, dtype=pl.String).alias(EXTERNAL_ID),
        state.alias(STATE),
        pl.lit(None, dtype=pl.String).alias(CORE),
    )
    findings = bad.filter(pl.col(PROBLEM) != REPEATED_HEADER).select(
        RECORD_NO,
        LINE,
        pl.lit(None, dtype=pl.String).alias(EXTERNAL_ID),
        pl.lit("").alias("field"),
        pl.lit(None, dtype=pl.String).alias("column"),
        pl.lit(None, dtype=pl.String).alias("value"),
        pl.lit("a record that can be read").alias("expected"),
        pl.col(PROBLEM).alias("message"),
    )
    return Payloads(
        pl.concat([payloads.rows, rows]).sort(RECORD_NO),
        pl.concat([payloads.findings, findings]).sort(RECORD_NO, maintain_order=True),
        payloads.computed,
    )
