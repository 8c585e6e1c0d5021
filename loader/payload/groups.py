"""Records made of several rows: each row judged by itself, its items put into its record, all column-wise.

What a row becomes is computed by the very function that computes records, over the frame of the rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.conversions import null_if, trim
from loader.mapping.expressions import as_text, is_list, is_nested, is_text
from loader.mapping.groups import ITEM, joins_of
from loader.mapping.keys import keys_of
from loader.payload.results import Payloads
from loader.payload.rows import FINDINGS_SCHEMA, build, cut
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loader.mapping import CompiledMapping
    from loader.mapping.groups import Items

    Build = Callable[[pl.DataFrame, CompiledMapping], Payloads]

SEVERAL_SCHEMA: Final = pl.Schema({**FINDINGS_SCHEMA, ROW_NO: pl.Int64()})
"""The columns of a frame of findings where records are made of several rows."""

_JUDGED: Final = pl.Schema({**SEVERAL_SCHEMA, STATE: pl.String()})
_OWN: Final = {RECORD_NO: pl.Int64(), LINE: pl.Int64(), PROBLEM: pl.String()}
_BEFORE: Final = f'{{"{ITEM}":'


def build_records(
    rows: pl.DataFrame,
    children: Mapping[str, pl.DataFrame],
    compiled: CompiledMapping,
    build: Build = build,
) -> Payloads:
    """Maps and judges records that are made of several rows.

    Args:
        rows: As in `Batch`: one line a record.
        children: As in `Batch`.
        compiled: The mapping, compiled for these columns; it has a grouping.
        build: What maps and judges rows.

    Returns:
        As `build`, one line a record; the findings have ROW_NO too.
    """
    if (grouping := compiled.grouping) is None:
        return build(rows, compiled)
    if ROW_NO not in rows.columns:
        rows = rows.with_columns(pl.col(RECORD_NO).alias(ROW_NO))
    found: list[pl.DataFrame] = []
    made: list[tuple[CompiledMapping, pl.DataFrame]] = []
    files = {items.child: items.file for items in grouping.items}
    for items in grouping.items:
        lists, wrong, computed = _lists(_counting(children[items.child]), items, build)
        rows = rows.join(lists, left_on=RECORD_NO, right_on=PARENT, how="left", maintain_order="left")
        found.append(wrong)
        made.append((items.rows, computed))
    for name, child in children.items():
        found.append(_unreadable(child, rows, files.get(name)))
    if GROUP in children:
        own = _counting(children[GROUP])
        found += [_strays(children[GROUP], grouping.group_by), _differing(own, rows, compiled)]
        if grouping.filter is not None:
            found.append(_judged(_others(own, rows), grouping.filter, build)[1])
    return replace(_together(build(rows, compiled), rows, found), items=tuple(made))


def kept_rows(rows: pl.DataFrame, compiled: CompiledMapping, build: Build = build) -> pl.Series:
    """Which rows the mapping's `where` does not leave out of their records.

    Args:
        rows: The source's columns, RECORD_NO, LINE and PROBLEM.
        compiled: The mapping, compiled for these columns.
        build: What maps and judges rows.

    Returns:
        Flags, as long as `rows`. A row that cannot be read, or that `where` cannot be computed for, is kept.
    """
    if compiled.grouping is None or compiled.grouping.filter is None:
        return pl.repeat(value=True, n=rows.height, eager=True)
    return build(rows, compiled.grouping.filter).rows[STATE] != "filtered"


def record_rows(own: pl.DataFrame) -> pl.DataFrame:
    """One line a record: the cells of its first row that counts, under the number of its first row.

    Args:
        own: The rows of records, as `Batch.children` has them.

    Returns:
        The same columns and ROW_NO. A row counts if it was read as one and is not left out; where none
        does, it is the first that is not left out, else the first.
    """
    counts = pl.col(PROBLEM).is_null() & ~pl.col(LEFT_OUT)
    rank = pl.when(counts).then(0).when(~pl.col(LEFT_OUT)).then(1).otherwise(2)
    rows = own.with_columns(pl.col(RECORD_NO).alias(ROW_NO), pl.col(PARENT).alias(RECORD_NO))
    if not own.select(counts.all()).item():
        rows = rows.filter(rank == rank.min().over(PARENT))
    return rows.filter(pl.col(PARENT).is_first_distinct())


def example_records(
    own: pl.DataFrame, second: Mapping[str, pl.DataFrame], compiled: CompiledMapping
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """What an example of a mapping gives `build_records`.

    Args:
        own: The example's rows, in the source's columns, with RECORD_NO, LINE and PROBLEM: all rows of one
            group where the mapping groups, else one record a row.
        second: The rows of second files, by the name that the mapping has for them; files that are left out
            have none.
        compiled: The mapping, compiled for these columns; it has a grouping.

    Returns:
        `rows` and `children`, as in `Batch`.
    """
    children: dict[str, pl.DataFrame] = {}
    rows = own.with_columns(pl.col(RECORD_NO).alias(ROW_NO))
    if compiled.mapping.file.group_by is not None:
        left_out = (~kept_rows(own, compiled)).alias(LEFT_OUT)
        parent, stray = (
            pl.col(RECORD_NO).first().alias(PARENT),
            pl.lit(None, dtype=pl.String).alias(INCOMPLETE),
        )
        children[GROUP] = own.with_columns(parent, left_out, stray)
        rows = record_rows(children[GROUP]).drop(PARENT, LEFT_OUT, INCOMPLETE)
    nulls = compiled.mapping.source.null_values
    nulls = ("",) if nulls is None else nulls
    for join in joins_of(compiled.mapping.tree):
        theirs = nulls if join.source.null_values is None else join.source.null_values
        ours = rows.select(RECORD_NO, keys_of(rows, join.equals, nulls).alias(PARENT))
        if (found := second.get(join.file)) is None:
            schema = {**compiled.mapping.joined.get(join.file, {}), **_OWN}
            found = pl.DataFrame(schema=schema)
        keyed = found.with_columns(keys_of(found, join.key, theirs).alias(PARENT))
        pairs = ours.drop_nulls().rename({RECORD_NO: ROW_NO})
        joined = pairs.join(keyed, on=PARENT, how="inner", maintain_order="left_right")
        children[join.name] = joined.with_columns(pl.col(ROW_NO).alias(PARENT)).drop(ROW_NO)
    return rows, children


# --- rows ----------------------------------------------------------------------------------------------


def _counting(child: pl.DataFrame) -> pl.DataFrame:
    """The rows that a record is made of: read as rows, and not left out."""
    counts = pl.col(PROBLEM).is_null()
    if LEFT_OUT in child.columns:
        counts &= ~pl.col(LEFT_OUT)
    return child.filter(counts)


def _others(own: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of groups beside those that stand for them in `rows`."""
    return own.join(
        rows.select(ROW_NO), left_on=RECORD_NO, right_on=ROW_NO, how="anti", maintain_order="left"
    )


def _lists(
    child: pl.DataFrame, items: Items, build: Build
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The JSON of each record's list, by PARENT, the findings of its rows, and what was computed of them."""
    judged, found, computed = _judged(child, items.rows, build)
    item = pl.col(CORE).str.strip_prefix(_BEFORE).str.strip_suffix("}")
    written = judged.filter(pl.col(CORE).is_not_null() & (pl.col(CORE) != "{}")).select(PARENT, item)
    joined = written.group_by(PARENT, maintain_order=True).agg(pl.col(CORE).str.join(","))
    lists = joined.select(PARENT, pl.format("[{}]", CORE).alias(items.column))
    return lists, found if items.file is None else _named(found, items.file), computed


def _judged(
    child: pl.DataFrame, compiled: CompiledMapping, build: Build
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What rows become, with their PARENT; their findings, with the STATE each makes; what was computed."""
    number = pl.int_range(1, child.height + 1, dtype=pl.Int64)
    places = child.select(number.alias(RECORD_NO), PARENT, pl.col(RECORD_NO).alias(ROW_NO))
    payloads = build(child.with_columns(number.alias(RECORD_NO)), compiled)
    judged = payloads.rows.join(places, on=RECORD_NO, how="left", maintain_order="left")
    about = judged.select(RECORD_NO, PARENT, ROW_NO, STATE)
    found = payloads.findings.join(about, on=RECORD_NO, how="left", maintain_order="left")
    found = found.with_columns(pl.col(PARENT).alias(RECORD_NO)).select(_JUDGED.names())
    return judged, found, payloads.computed


def _named(found: pl.DataFrame, file: str) -> pl.DataFrame:
    """Findings about rows of a second file: their messages say which, for they are no rows of the source."""
    place = pl.format("{}, record {}", pl.lit(file), pl.col(ROW_NO))
    line = pl.when(pl.col(LINE).is_not_null()).then(pl.format(", line {}", LINE)).otherwise(pl.lit(""))
    message = pl.concat_str(place, line, pl.lit(": "), pl.col("message"))
    nowhere = pl.lit(None, dtype=pl.Int64)
    return found.with_columns(message.alias("message"), nowhere.alias(LINE), nowhere.alias(ROW_NO))


# --- findings ------------------------------------------------------------------------------------------


def _findings(
    bad: pl.DataFrame,
    message: pl.Expr,
    *,
    field: str = "",
    column: str | None = None,
    value: pl.Expr | None = None,
    expected: str,
) -> pl.DataFrame:
    """Findings about rows, one line a row."""
    nothing = pl.lit(None, dtype=pl.String)
    return bad.select(
        pl.col(PARENT).alias(RECORD_NO),
        pl.col(LINE),
        nothing.alias(EXTERNAL_ID),
        pl.lit(field).alias("field"),
        pl.lit(column, dtype=pl.String).alias("column"),
        (nothing if value is None else value).alias("value"),
        pl.lit(expected).alias("expected"),
        message.alias("message"),
        pl.col(RECORD_NO).alias(ROW_NO),
        pl.lit("invalid").alias(STATE),
    )


def _unreadable(child: pl.DataFrame, rows: pl.DataFrame, file: str | None) -> pl.DataFrame:
    """The rows of records that could not be read; of those in `rows`, `build` tells."""
    bad = child.filter(pl.col(PROBLEM).is_not_null() & (pl.col(PROBLEM) != REPEATED_HEADER))
    if file is None:
        bad = _others(bad, rows)
    found = _findings(bad, pl.col(PROBLEM), expected="a record that can be read")
    return found if file is None else _named(found, file)


def _strays(child: pl.DataFrame, column: str | None) -> pl.DataFrame:
    """What keeps records from being known to be whole."""
    bad = child.filter(pl.col(INCOMPLETE).is_not_null() & pl.col(PROBLEM).is_null())
    return _findings(
        bad, pl.col(INCOMPLETE), column=column, expected="all rows of one record, one below the other"
    )


def _differing(own: pl.DataFrame, rows: pl.DataFrame, compiled: CompiledMapping) -> pl.DataFrame:
    """The cells that the record itself would be made of, and that are others in another row of its group."""
    grouping = compiled.grouping
    shared = [] if grouping is None else [each for each in grouping.shared if each[0] in rows.columns]
    others = _others(own, rows)
    if not shared or not others.height:
        return _JUDGED.to_frame()
    nulls = compiled.mapping.source.null_values
    cells = [_comparable(name, rows.schema[name], ("",) if nulls is None else nulls) for name, _ in shared]
    here = others.select(PARENT, RECORD_NO, LINE, *(each.alias(f"here {n}") for n, each in enumerate(cells)))
    first = rows.select(
        pl.col(RECORD_NO).alias(PARENT), *(each.alias(f"first {n}") for n, each in enumerate(cells))
    )
    both = here.join(first, on=PARENT, how="left", maintain_order="left")
    found = [_JUDGED.to_frame()]
    for number, (name, path) in enumerate(shared):
        cell, other = pl.col(f"here {number}"), pl.col(f"first {number}")
        bad = both.filter(cell.is_not_null() & cell.ne_missing(other))
        if bad.height:
            found.append(_difference(bad, cell, other, name, path, nested=is_nested_or_list(rows, name)))
    return pl.concat(found)


def is_nested_or_list(rows: pl.DataFrame, name: str) -> bool:
    """Whether a column's cells are lists or objects."""
    return is_list(rows.schema[name]) or is_nested(rows.schema[name])


def _comparable(name: str, dtype: pl.DataType, nulls: Sequence[str]) -> pl.Expr:
    """A cell to compare with others: trimmed text, and null where it stands for nothing."""
    if is_list(dtype) or is_nested(dtype):
        return pl.col(name)
    if not is_text(dtype):
        return as_text(pl.col(name), dtype)
    return null_if(trim(null_if(pl.col(name).cast(pl.String), list(nulls))), list(nulls))


def _difference(
    bad: pl.DataFrame, cell: pl.Expr, other: pl.Expr, name: str, path: str, *, nested: bool
) -> pl.DataFrame:
    expected = "what the first row of its record has"
    if nested:
        return _findings(bad, pl.lit(f"is not {expected}"), field=path, column=name, expected=expected)
    value = cut(cell)
    has = (
        pl.when(other.is_null())
        .then(pl.lit("nothing"))
        .otherwise(pl.concat_str(pl.lit('"'), cut(other), pl.lit('"')))
    )
    message = pl.format('"{}" is not {}: {}', value, pl.lit(expected), has)
    return _findings(bad, message, field=path, column=name, value=value, expected=expected)


def _together(payloads: Payloads, rows: pl.DataFrame, found: Sequence[pl.DataFrame]) -> Payloads:
    """Adds the findings of rows to those of their records: these are invalid, or wait as their rows do."""
    numbers = rows.select(RECORD_NO, ROW_NO)
    own = payloads.findings.join(numbers, on=RECORD_NO, how="left", maintain_order="left")
    more = pl.concat([_JUDGED.to_frame(), *found])
    if not more.height:
        return replace(payloads, findings=own)
    judged = payloads.rows.filter(pl.col(STATE) != "filtered").select(RECORD_NO, EXTERNAL_ID)
    more = more.drop(EXTERNAL_ID).join(judged, on=RECORD_NO, how="inner", maintain_order="left")
    invalid, blocked = (
        pl.col(RECORD_NO).is_in(more.filter(pl.col(STATE) == state)[RECORD_NO].unique().implode())
        for state in ("invalid", "blocked")
    )
    state = (
        pl.when(invalid)
        .then(pl.lit("invalid"))
        .when(blocked & (pl.col(STATE) == "ready"))
        .then(pl.lit("blocked"))
        .otherwise(pl.col(STATE))
    )
    findings = pl.concat([own, more.select(SEVERAL_SCHEMA.names())])
    return replace(
        payloads,
        rows=payloads.rows.with_columns(
            state.alias(STATE), pl.when(~invalid & ~blocked).then(pl.col(CORE)).alias(CORE)
        ),
        findings=findings.sort(RECORD_NO, ROW_NO, nulls_last=True, maintain_order=True),
    )
