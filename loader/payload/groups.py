"""Records made of several rows: each row is mapped and checked alone, its items go into its record.

A row becomes its item by the same function that makes records, run over the frame of all rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping import ITEM, joins_of
from loader.mapping.conversions import cell_text, escape
from loader.mapping.expressions import as_text, is_list, is_nested, is_text
from loader.mapping.keys import keys_of
from loader.payload.finding_frames import (
    FILE,
    GROUPED_SCHEMA,
    expand_findings,
    shorten_expr,
)
from loader.payload.rows import build
from loader.records import (
    CORE,
    EXTERNAL_ID,
    GROUP,
    INCOMPLETE,
    LEFT_OUT,
    LINE,
    PARENT,
    PROBLEM,
    RECORD_NO,
    REPEATED_HEADER,
    ROW_NO,
    STATE,
    RowFate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loader.mapping import CompiledMapping, Items
    from loader.payload.results import Payloads

    Build = Callable[[pl.DataFrame, CompiledMapping], Payloads]

_ROW_FINDINGS: Final = pl.Schema({**GROUPED_SCHEMA, STATE: pl.String()})
"""The columns of findings about rows: STATE is what each makes of its record."""

_SECOND_FILE_COLUMNS: Final = {RECORD_NO: pl.Int64(), LINE: pl.Int64(), PROBLEM: pl.String()}
_PLACE: Final = (PARENT, RECORD_NO, LINE)
_BEFORE_ITEM: Final = f'{{"{ITEM}":'
_NO_TEXT: Final = pl.lit(None, dtype=pl.String)


def build_records(
    rows: pl.DataFrame,
    children: Mapping[str, pl.DataFrame],
    compiled: CompiledMapping,
    build: Build = build,
) -> Payloads:
    """Map and check records that are made of several rows.

    Args:
        rows: As in `Batch`: one line a record.
        children: As in `Batch`.
        compiled: The mapping, compiled for these columns; it has a grouping.
        build: Maps and checks rows.

    Returns:
        As `build`, one line a record; the findings have GROUPED_SCHEMA.
    """
    if (grouping := compiled.grouping) is None:
        return build(rows, compiled)
    if ROW_NO not in rows.columns:
        rows = rows.with_columns(pl.col(RECORD_NO).alias(ROW_NO))
    findings: list[pl.DataFrame] = []
    computed_items: list[tuple[CompiledMapping, pl.DataFrame]] = []
    files = {items.child: items.file for items in grouping.items}
    for items in grouping.items:
        lists, list_findings, computed = _lists(_usable_rows(children[items.child]), items, build)
        rows = rows.join(lists, left_on=RECORD_NO, right_on=PARENT, how="left", maintain_order="left")
        findings.append(list_findings)
        computed_items.append((items.rows, computed))
    for name, child in children.items():
        findings.append(_unreadable(child, rows, files.get(name)))
    if GROUP in children:
        own = _usable_rows(children[GROUP])
        findings += [_incomplete(children[GROUP]), _differing(own, rows, compiled)]
        if grouping.filter is not None:
            # `build` below meets only the first usable row of a record: the others are filtered here.
            findings.append(_built(_other_rows(own, rows), grouping.filter, build)[1])
    return replace(_combined(build(rows, compiled), rows, findings), items=tuple(computed_items))


def kept_rows(rows: pl.DataFrame, compiled: CompiledMapping, build: Build = build) -> pl.Series:
    """Return which rows the mapping's `where` keeps in their records.

    Args:
        rows: The source's columns, RECORD_NO, LINE and PROBLEM.
        compiled: The mapping, compiled for these columns.
        build: Maps and checks rows.

    Returns:
        Flags, as long as `rows`. A row that cannot be read, or that `where` cannot be computed for, is kept.
    """
    if compiled.grouping is None or compiled.grouping.filter is None:
        return pl.repeat(value=True, n=rows.height, eager=True)
    return build(rows, compiled.grouping.filter).rows[STATE] != RowFate.FILTERED


def record_rows(own: pl.DataFrame) -> pl.DataFrame:
    """Return one line a record: the cells of its first row that counts, under the number of its first row.

    Args:
        own: The rows of records, as `Batch.children` has them.

    Returns:
        The same columns and ROW_NO. A row counts if it can be read and `where` keeps it. Where no row of a
        record does, it is the first that `where` keeps, else the first.
    """
    counts = pl.col(PROBLEM).is_null() & ~pl.col(LEFT_OUT)
    rank = pl.when(counts).then(0).when(~pl.col(LEFT_OUT)).then(1).otherwise(2)
    rows = own.with_columns(pl.col(RECORD_NO).alias(ROW_NO), pl.col(PARENT).alias(RECORD_NO))
    if not own.select(counts.all()).item():
        rows = rows.filter(rank == rank.min().over(PARENT))
    return rows.filter(pl.col(PARENT).is_first_distinct())


def example_records(
    own: pl.DataFrame, second_files: Mapping[str, pl.DataFrame], compiled: CompiledMapping
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Return what an example of a mapping gives `build_records`.

    Args:
        own: The example's rows, in the source's columns, with RECORD_NO, LINE and PROBLEM: all rows of one
            group where the mapping groups, else one record a row.
        second_files: The rows of second files, by the name that the mapping has for them; files that are
            left out have none.
        compiled: The mapping, compiled for these columns; it has a grouping.

    Returns:
        `rows` and `children`, as in `Batch`.
    """
    mapping = compiled.mapping
    children: dict[str, pl.DataFrame] = {}
    rows = own.with_columns(pl.col(RECORD_NO).alias(ROW_NO))
    if mapping.spec.group_by is not None:
        children[GROUP] = own.with_columns(
            pl.col(RECORD_NO).first().alias(PARENT),
            (~kept_rows(own, compiled)).alias(LEFT_OUT),
            _NO_TEXT.alias(INCOMPLETE),
        )
        rows = record_rows(children[GROUP]).drop(PARENT, LEFT_OUT, INCOMPLETE)
    nulls = mapping.draft.null_values
    for join in joins_of(mapping.tree):
        child_nulls = nulls if join.source.null_values is None else join.source.null_values
        own_keys = rows.select(RECORD_NO, keys_of(rows, join.equals, nulls).alias(PARENT))
        if (child := second_files.get(join.file)) is None:
            child = pl.DataFrame(schema={**mapping.joined.get(join.file, {}), **_SECOND_FILE_COLUMNS})
        keyed = child.with_columns(keys_of(child, join.key, child_nulls).alias(PARENT))
        pairs = own_keys.drop_nulls().rename({RECORD_NO: ROW_NO})
        joined = pairs.join(keyed, on=PARENT, how="inner", maintain_order="left_right")
        children[join.name] = joined.with_columns(pl.col(ROW_NO).alias(PARENT)).drop(ROW_NO)
    return rows, children


# --- Rows ----------------------------------------------------------------------------------------------


def _usable_rows(child: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that a record is made of: those that can be read and that `where` keeps."""
    usable = pl.col(PROBLEM).is_null()
    if LEFT_OUT in child.columns:
        usable &= ~pl.col(LEFT_OUT)
    return child.filter(usable)


def _other_rows(own: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of groups without those in `rows`, each the first of its record that counts."""
    return own.join(
        rows.select(ROW_NO), left_on=RECORD_NO, right_on=ROW_NO, how="anti", maintain_order="left"
    )


def _lists(
    child: pl.DataFrame, items: Items, build: Build
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the JSON of each record's list by PARENT, the findings of its rows, and the computed rows."""
    built, findings, computed = _built(child, items.rows, build)
    # A row's core is `{"item":…}`: without the wrapping it is the item, and joined by commas the list.
    item = pl.col(CORE).str.strip_prefix(_BEFORE_ITEM).str.strip_suffix("}")
    with_item = built.filter(pl.col(CORE).is_not_null() & (pl.col(CORE) != "{}")).select(PARENT, item)
    joined = with_item.group_by(PARENT, maintain_order=True).agg(pl.col(CORE).str.join(","))
    lists = joined.select(PARENT, pl.format("[{}]", CORE).alias(items.column))
    return lists, _in_file(findings, items.file), computed


def _built(
    child: pl.DataFrame, compiled: CompiledMapping, build: Build
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return what rows become, with their PARENT; their findings, with the STATE each makes; computed rows.

    Rows are numbered anew for `build`: a row of a second file may belong to several records, and so be
    there several times under one RECORD_NO.
    """
    number = pl.int_range(1, child.height + 1, dtype=pl.Int64)
    places = child.select(number.alias(RECORD_NO), PARENT, pl.col(RECORD_NO).alias(ROW_NO))
    payloads = build(child.with_columns(number.alias(RECORD_NO)), compiled)
    built = payloads.rows.join(places, on=RECORD_NO, how="left", maintain_order="left")
    states = built.select(RECORD_NO, PARENT, ROW_NO, STATE)
    findings = payloads.findings.join(states, on=RECORD_NO, how="left", maintain_order="left")
    findings = findings.with_columns(pl.col(PARENT).alias(RECORD_NO), _NO_TEXT.alias(FILE))
    return built, findings.select(_ROW_FINDINGS.names()), payloads.computed


def _in_file(findings: pl.DataFrame, file: str | None) -> pl.DataFrame:
    """Mark findings as being about rows of a second file; None: of the source."""
    return findings.with_columns(pl.lit(file, dtype=pl.String).alias(FILE))


# --- Findings ------------------------------------------------------------------------------------------


def _about_rows(findings: pl.DataFrame) -> pl.DataFrame:
    """Complete findings about rows.

    Args:
        findings: PARENT, RECORD_NO and LINE of the rows, field, column, value, code, params.
    """
    return findings.select(
        pl.col(PARENT).alias(RECORD_NO),
        LINE,
        _NO_TEXT.alias(EXTERNAL_ID),
        "field",
        "column",
        "value",
        "code",
        "params",
        pl.col(RECORD_NO).alias(ROW_NO),
        _NO_TEXT.alias(FILE),
        pl.lit(RowFate.INVALID).alias(STATE),
    )


def _unreadable(child: pl.DataFrame, rows: pl.DataFrame, file: str | None) -> pl.DataFrame:
    """Return the findings of rows that could not be read; `build` has those of the rows in `rows`."""
    bad = child.filter(pl.col(PROBLEM).is_not_null() & (pl.col(PROBLEM) != REPEATED_HEADER))
    if file is None:
        bad = _other_rows(bad, rows)
    return _in_file(_about_rows(expand_findings(bad.select(*_PLACE, PROBLEM), PROBLEM)), file)


def _incomplete(child: pl.DataFrame) -> pl.DataFrame:
    """Return why records may lack rows."""
    bad = child.filter(pl.col(INCOMPLETE).is_not_null() & pl.col(PROBLEM).is_null())
    return _about_rows(expand_findings(bad.select(*_PLACE, INCOMPLETE), INCOMPLETE))


def _differing(own: pl.DataFrame, rows: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """Return the cells that differ from the one that the record itself is made of."""
    grouping = compiled.grouping
    shared = [] if grouping is None else [pair for pair in grouping.shared if pair[0] in rows.columns]
    others = _other_rows(own, rows)
    if not shared or not others.height:
        return _ROW_FINDINGS.to_frame()
    nulls = compiled.mapping.draft.null_values
    # The same column twice, side by side: names of the source's columns cannot clash with these.
    cells = [_comparable(name, rows.schema[name], nulls) for name, _ in shared]
    here = others.select(*_PLACE, *(cell.alias(f"here {number}") for number, cell in enumerate(cells)))
    first = rows.select(
        pl.col(RECORD_NO).alias(PARENT), *(cell.alias(f"first {number}") for number, cell in enumerate(cells))
    )
    both = here.join(first, on=PARENT, how="left", maintain_order="left")
    findings = [_ROW_FINDINGS.to_frame()]
    for number, (name, path) in enumerate(shared):
        cell, other = pl.col(f"here {number}"), pl.col(f"first {number}")
        # An empty cell is not another value: exports often fill a record's own cells in its first row only.
        bad = both.filter(cell.is_not_null() & cell.ne_missing(other))
        if bad.height:
            nested = is_list(rows.schema[name]) or is_nested(rows.schema[name])
            value, params = (_NO_TEXT, _NO_TEXT) if nested else (shorten_expr(cell), _first_cell(other))
            difference = bad.select(
                *_PLACE,
                pl.lit(path).alias("field"),
                pl.lit(name).alias("column"),
                value.alias("value"),
                pl.lit("group.cells_differ").alias("code"),
                params.alias("params"),
            )
            findings.append(_about_rows(difference))
    return pl.concat(findings)


def _comparable(name: str, dtype: pl.DataType, nulls: Sequence[str]) -> pl.Expr:
    """Return a cell to compare with others: trimmed text, null where it counts as null."""
    if is_list(dtype) or is_nested(dtype):
        return pl.col(name)
    if not is_text(dtype):
        return as_text(pl.col(name), dtype)
    return cell_text(pl.col(name).cast(pl.String), nulls)


def _first_cell(cell: pl.Expr) -> pl.Expr:
    """Return the params of `group.cells_differ` as JSON: the first row's cell, null where it is empty."""
    text = escape(shorten_expr(cell))
    return pl.coalesce(pl.concat_str(pl.lit('{"first":"'), text, pl.lit('"}')), pl.lit('{"first":null}'))


def _combined(payloads: Payloads, rows: pl.DataFrame, findings: Sequence[pl.DataFrame]) -> Payloads:
    """Add the findings of rows to those of their records.

    A record is invalid if one of its rows is, and else blocked if one of its rows is.
    """
    numbers = rows.select(RECORD_NO, ROW_NO)
    own = payloads.findings.join(numbers, on=RECORD_NO, how="left", maintain_order="left")
    own = _in_file(own, None)
    row_findings = pl.concat([_ROW_FINDINGS.to_frame(), *findings])
    if not row_findings.height:
        return replace(payloads, findings=own)
    kept = payloads.rows.filter(pl.col(STATE) != RowFate.FILTERED).select(RECORD_NO, EXTERNAL_ID)
    row_findings = row_findings.drop(EXTERNAL_ID).join(kept, on=RECORD_NO, how="inner", maintain_order="left")
    invalid, blocked = (
        pl.col(RECORD_NO).is_in(row_findings.filter(pl.col(STATE) == state)[RECORD_NO].unique().implode())
        for state in (RowFate.INVALID, RowFate.BLOCKED)
    )
    state = (
        pl.when(invalid)
        .then(pl.lit(RowFate.INVALID))
        .when(blocked & (pl.col(STATE) == RowFate.READY))
        .then(pl.lit(RowFate.BLOCKED))
        .otherwise(pl.col(STATE))
    )
    # Numbers of a second file's rows are not comparable with those of the source: such findings come last.
    row_in_source = pl.when(pl.col(FILE).is_null()).then(pl.col(ROW_NO))
    combined = pl.concat([own, row_findings.select(GROUPED_SCHEMA.names())])
    return replace(
        payloads,
        rows=payloads.rows.with_columns(
            state.alias(STATE), pl.when(~invalid & ~blocked).then(pl.col(CORE)).alias(CORE)
        ),
        findings=combined.sort(RECORD_NO, row_in_source, nulls_last=True, maintain_order=True),
    )
