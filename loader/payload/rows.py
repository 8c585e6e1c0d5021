"""A frame of cells and a compiled mapping become JSON bodies and findings, column by column."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.findings import CODES, dump_params
from loader.mapping import EXTERNAL_ID_PATH
from loader.mapping.conversions import cell_text
from loader.mapping.expressions import is_text
from loader.payload.finding_frames import FINDINGS_SCHEMA, expand_findings, merge_params, shorten_expr
from loader.payload.json_bodies import body
from loader.payload.lookups import lookup_keys, missing_keys, placeholders, with_ids
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
    RowFate,
)
from loader.resources.fields import Role
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from loader.mapping import CompiledMapping
    from loader.mapping.program import CellCheck
    from loader.payload.results import LookupResult

_VALUE: Final = "__value"
_ORDER: Final = "__order"
_NO_TEXT: Final = pl.lit(None, dtype=pl.String)


@dataclass(frozen=True, slots=True)
class PayloadDraft:
    """A batch, computed as far as it goes without the ids of its lookups.

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
        """Return the different keys that lookups need the ids of, by record type; empty without lookups."""
        return lookup_keys(self.frame, self.compiled.program.lookups)


def draft(rows: pl.DataFrame, compiled: CompiledMapping) -> PayloadDraft:
    """Map a batch, except for its lookups.

    Args:
        rows: The source's columns, RECORD_NO, LINE and PROBLEM; in file order.
        compiled: The mapping, compiled for these columns.
    """
    readable = rows[PROBLEM].is_null()
    frame = rows if readable.all() else rows.filter(readable)
    return PayloadDraft(rows, _compute(frame, compiled), compiled)


def build(rows: pl.DataFrame, compiled: CompiledMapping) -> Payloads:
    """Map and check a batch by itself; lookups give texts such as `<billing-template T07>`, never ids.

    Arguments and result are those of `draft` and `finish`. Use these for what is sent.
    """
    drafted = draft(rows, compiled)
    return finish(drafted, placeholders(drafted.keys))


def finish(drafted: PayloadDraft, lookup_results: Mapping[str, LookupResult]) -> Payloads:
    """Check a batch, and write the bodies of the rows without findings.

    Args:
        drafted: The batch.
        lookup_results: What is known of its `keys`, by record type; what is not named is not known.
    """
    rows, compiled = drafted.rows, drafted.compiled
    frame = with_ids(drafted.frame, compiled.program.lookups, lookup_results)
    findings = _cell_findings(frame, compiled)
    lookup_findings = _lookup_findings(frame, compiled, lookup_results)
    frame = frame.with_columns(
        _state(compiled, findings, lookup_findings).alias(STATE), _external_id(compiled).alias(EXTERNAL_ID)
    )
    if lookup_findings.height:
        findings = _in_order(pl.concat([findings, lookup_findings]), compiled)
    # Checks run over all rows at once; what they find in rows that `where` leaves out is dropped here.
    rejected = frame.filter(pl.col(STATE).is_in([RowFate.INVALID, RowFate.BLOCKED]))
    findings = findings.join(rejected.select(RECORD_NO), on=RECORD_NO, how="semi")
    results = frame.select(RECORD_NO, LINE, EXTERNAL_ID, STATE).join(
        _bodies(frame, compiled), on=RECORD_NO, how="left", maintain_order="left"
    )
    payloads = Payloads(results, findings, frame)
    if frame.height == rows.height:
        return payloads
    return _with_unreadable(payloads, rows.filter(pl.col(PROBLEM).is_not_null()))


def _bodies(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Return RECORD_NO and CORE of the rows that are ready."""
    columns = {value.column for value in compiled.program.values.values() if value.column}
    columns |= _input_columns(compiled)
    # Only what bodies are made of is filtered: the source's own columns are often most of the frame.
    ready = frame.select(RECORD_NO, STATE, *sorted(columns)).filter(pl.col(STATE) == RowFate.READY)
    return ready.select(RECORD_NO, body(ready, compiled).alias(CORE))


def stamp(
    rows: pl.DataFrame,
    names: Mapping[Role, str],
    *,
    load_id: str,
    tenant: str,
    source_file: str,
    processed_at: datetime,
) -> pl.DataFrame:
    """Add BODY to ready rows: the core with the platform's bulk-load fields behind it.

    Args:
        rows: RECORD_NO and CORE; no nulls.
        names: The names of the bulk-load fields, as `RecordType.bulk_load_fields` has them; a field that
            the record type does not have is left out.
        load_id: The load.
        tenant: The tenant; with the load it makes the load key.
        source_file: The file's name, no folders.
        processed_at: When the rows were processed; an aware time in UTC.
    """
    moment = processed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    by_role = {
        Role.LOADED_AT: moment,
        Role.LOAD_ID: load_id,
        Role.LOAD_KEY: f"{tenant}:{load_id}",
        Role.SOURCE_FILE: source_file,
    }
    constants = {names[role]: value for role, value in by_role.items() if role in names}
    members = [json.dumps(constants, ensure_ascii=False, separators=(",", ":"))[1:-1]] if constants else []
    number: list[pl.Expr] = []
    if name := names.get(Role.RECORD_NO):
        members.append(f"{json.dumps(name, ensure_ascii=False)}:")
        number.append(pl.col(RECORD_NO))
    if not members:
        return rows.with_columns(pl.col(CORE).cast(pl.Binary).alias(BODY))
    # The core is a JSON object already: appending text is exact, and far faster than parsing it again.
    stamped = pl.concat_str(
        pl.col(CORE).str.strip_suffix("}"),
        pl.when(pl.col(CORE) == "{}").then(pl.lit("")).otherwise(pl.lit(",")),
        pl.lit(",".join(members)),
        *number,
        pl.lit("}"),
    )
    return rows.with_columns(stamped.cast(pl.Binary).alias(BODY))


# --- Computing -----------------------------------------------------------------------------------------


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
    """Add SQL columns, and beside each a mask (`!`) of rows that it cannot be computed for."""
    cells = _sql_cells(frame, compiled)
    for name, expression in guarded.items():
        value, failed = _guard(cells, expression.alias(name))
        frame = frame.with_columns(value.alias(name), failed.alias(f"{name}!"))
    return frame


def _sql_cells(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Return the source's cells as SQL gets them: not trimmed, `null_values` as null."""
    nulls = compiled.mapping.draft.null_values
    names = {name for sql in compiled.program.guarded.values() for name in sql.meta.root_names()}
    texts = [name for name, dtype in frame.schema.items() if is_text(dtype) and name in names]
    return frame.with_columns([cell_text(pl.col(name), nulls, trimmed=False) for name in texts])


def _guard(cells: pl.DataFrame, expression: pl.Expr) -> tuple[pl.Series, pl.Series]:
    """Return the values of SQL, and a mask of the rows that it cannot be computed for.

    Polars evaluates a batch as a whole, so one cell that a strict cast refuses fails it for every row.
    Halving the batch until the failing rows are alone costs log2(rows) more evaluations for each of them,
    and nothing where none fails.
    """
    name = expression.meta.output_name()
    try:
        return cells.with_columns(expression)[name], pl.repeat(value=False, n=cells.height, eager=True)
    except pl.exceptions.PolarsError:
        if cells.height > 1:
            half = cells.height // 2
            first, first_failed = _guard(cells.head(half), expression)
            second, second_failed = _guard(cells.slice(half), expression)
            # Relaxed: a half without any value has the type Null.
            values = pl.concat([first.to_frame(), second.to_frame()], how="vertical_relaxed")
            return values.to_series(), first_failed.append(second_failed)
        dtype = cells.lazy().select(expression).collect_schema().dtypes()[0]
        return pl.Series(name, [None], dtype=dtype), pl.Series([True])


def _input_columns(compiled: CompiledMapping) -> set[str]:
    """Return the columns that show whether an item of a list has any input."""
    return {name for value in compiled.program.values.values() for name in value.has_input.meta.root_names()}


def _state(compiled: CompiledMapping, findings: pl.DataFrame, lookup_findings: pl.DataFrame) -> pl.Expr:
    """Return the state of each row.

    The strongest comes last: a row that `where` leaves out is filtered whatever is wrong with it, and one
    with a wrong cell is invalid, not blocked, since the missing record alone would not help it. A row that
    `where` itself cannot be computed for is invalid: to filter it would lose it without a word.
    """
    state = pl.lit(RowFate.READY)
    for frame, name in ((lookup_findings, RowFate.BLOCKED), (findings, RowFate.INVALID)):
        if frame.height:
            records = frame[RECORD_NO].unique().implode()
            state = pl.when(pl.col(RECORD_NO).is_in(records)).then(pl.lit(name)).otherwise(state)
    if compiled.where is None:
        return state
    kept = pl.col(compiled.where).fill_null(False) | pl.col(f"{compiled.where}!")  # noqa: FBT003 - a value
    return pl.when(kept).then(state).otherwise(pl.lit(RowFate.FILTERED))


def _external_id(compiled: CompiledMapping) -> pl.Expr:
    value = compiled.program.values.get(EXTERNAL_ID_PATH)
    if value is None:
        return _NO_TEXT
    return pl.col(value.column) if value.column else pl.lit(value.constant, dtype=pl.String)


# --- Findings ------------------------------------------------------------------------------------------


def _cell_findings(frame: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Return what the mapping's checks find, by record and then in the mapping's order."""
    checks = compiled.program.checks
    if not checks or not frame.height:
        return FINDINGS_SCHEMA.to_frame()
    # All masks in one pass; a frame is filtered only for the few checks that find something.
    masks = frame.select([check.mask.alias(str(index)) for index, check in enumerate(checks)])
    hits = masks.select(pl.all().any()).row(0)
    findings = [
        _check_findings(frame.filter(masks[str(index)]), check, compiled)
        for index, check in enumerate(checks)
        if hits[index]
    ]
    return _in_order(pl.concat(findings), compiled) if findings else FINDINGS_SCHEMA.to_frame()


def _in_order(findings: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Sort findings by record, and those of a record in the order of the mapping's file."""
    # The external id and `where` are not in it: they come first.
    ranks = compiled.mapping.field_order
    order = pl.col("field").replace_strict(ranks, default=-1, return_dtype=pl.Int32)
    return (
        findings.with_columns(order.alias(_ORDER)).sort(RECORD_NO, _ORDER, maintain_order=True).drop(_ORDER)
    )


def _lookup_findings(
    frame: pl.DataFrame, compiled: CompiledMapping, lookup_results: Mapping[str, LookupResult]
) -> pl.DataFrame:
    """Return a finding for each key without an id."""
    lookups = compiled.program.lookups
    if not lookups or not frame.select(pl.any_horizontal([item.missing for item in lookups]).any()).item():
        return FINDINGS_SCHEMA.to_frame()
    keys = missing_keys(frame, lookups, lookup_results)
    ids = frame.select(RECORD_NO, _external_id(compiled).alias(EXTERNAL_ID))
    return keys.join(ids, on=RECORD_NO, how="left", maintain_order="left").select(FINDING_COLUMNS)


def _check_findings(bad: pl.DataFrame, check: CellCheck, compiled: CompiledMapping) -> pl.DataFrame:
    """Return the findings of one check, one line for each of its rows."""
    bad = bad.with_columns(_shown_value(bad, check).alias(_VALUE))
    return bad.select(
        pl.col(RECORD_NO),
        pl.col(LINE),
        _external_id(compiled).alias(EXTERNAL_ID),
        pl.lit(check.path).alias("field"),
        pl.lit(check.column, dtype=pl.String).alias("column"),
        pl.col(_VALUE).alias("value"),
        pl.lit(check.code).alias("code"),
        _params(bad, check).alias("params"),
    )


def _shown_value(bad: pl.DataFrame, check: CellCheck) -> pl.Expr:
    """Return what was found as text, cut short; of SQL, all the cells that it read."""
    if check.read:
        cells = [
            pl.format("{} = {}", pl.lit(name), shorten_expr(_as_text(bad, name)).fill_null("null"))
            for name in check.read
        ]
        return pl.concat_str(cells, separator=", ")
    return _NO_TEXT if check.value is None else shorten_expr(_as_text(bad, check.value))


def _as_text(bad: pl.DataFrame, column: str) -> pl.Expr:
    cell = pl.col(column)
    return (cell.list.join("; ") if isinstance(bad.schema[column], pl.List) else cell).cast(pl.String)


def _params(bad: pl.DataFrame, check: CellCheck) -> pl.Expr:
    """Return the params of each row as JSON: those of the check, the nearest allowed value, the row's own."""
    params = dump_params(check.params)
    if check.row_params is not None:
        return merge_params(params, pl.col(check.row_params))
    allowed = check.params.get("allowed")
    if not isinstance(allowed, list) or "suggestion" not in CODES[check.code].params:
        return pl.lit(params, dtype=pl.String)
    names = [str(name) for name in allowed]
    # A suggestion costs a comparison with every name: it is looked up once for each different value.
    suggestions = {text: nearest(text, names) for text in bad[_VALUE].unique().drop_nulls()}
    by_value = {
        text: dump_params({**check.params, "suggestion": name}) for text, name in suggestions.items() if name
    }
    if not by_value:
        return pl.lit(params, dtype=pl.String)
    return pl.col(_VALUE).replace_strict(by_value, default=params, return_dtype=pl.String)


def _with_unreadable(payloads: Payloads, unreadable: pl.DataFrame) -> Payloads:
    """Add the records that could not be read as rows: invalid, with the reader's findings.

    A record that repeats the header is not data: it is filtered, without a finding.
    """
    repeated_header = pl.col(PROBLEM) == REPEATED_HEADER
    rows = unreadable.select(
        RECORD_NO,
        LINE,
        _NO_TEXT.alias(EXTERNAL_ID),
        pl.when(repeated_header)
        .then(pl.lit(RowFate.FILTERED))
        .otherwise(pl.lit(RowFate.INVALID))
        .alias(STATE),
        _NO_TEXT.alias(CORE),
    )
    places = unreadable.filter(~repeated_header).select(RECORD_NO, LINE, PROBLEM)
    findings = expand_findings(places, PROBLEM).with_columns(_NO_TEXT.alias(EXTERNAL_ID))
    return Payloads(
        pl.concat([payloads.rows, rows]).sort(RECORD_NO),
        pl.concat([payloads.findings, findings.select(FINDING_COLUMNS)]).sort(RECORD_NO, maintain_order=True),
        payloads.computed,
    )
