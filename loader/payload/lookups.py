"""Lookups: where a row has the key of a record that an earlier load has created, its payload gets the id.

What is known of a key is not asked here. A batch's keys go out (`wanted`), what was found comes in as plain
values (`LookupResult`), and keys without an id are told as findings (`unfound`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.words import SHOWN
from loader.payload.results import LookupResult
from loader.records import LINE, RECORD_NO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.program import Lookup

_NOBODY_KNOWS: Final = "of which nothing is known"
_NOTHING: Final = LookupResult({}, {})


def placeholders(keys: Mapping[str, Sequence[str]]) -> dict[str, LookupResult]:
    """Texts such as `<billing-template T07>` in place of ids, where these cannot be known.

    For examples, previews and dry runs without a tenant: never for what is sent.

    Args:
        keys: Record type -> keys.
    """
    return {
        record_type: LookupResult({key: f"<{record_type} {key}>" for key in wanted_keys}, {})
        for record_type, wanted_keys in keys.items()
    }


def wanted(frame: pl.DataFrame, lookups: Sequence[Lookup]) -> dict[str, list[str]]:
    """The different keys that a computed batch has, by record type; sorted, no nulls, no empty lists."""
    columns: dict[str, list[pl.Series]] = {}
    for each in lookups:
        keys = frame[each.key]
        columns.setdefault(each.record_type, []).append(
            keys.list.explode(keep_nulls=False, empty_as_null=False) if each.listed else keys
        )
    found = {
        record_type: pl.concat([keys.rename("") for keys in some]).drop_nulls().unique().sort().to_list()
        for record_type, some in columns.items()
    }
    return {record_type: keys for record_type, keys in found.items() if keys}


def with_ids(
    frame: pl.DataFrame, lookups: Sequence[Lookup], found: Mapping[str, LookupResult]
) -> pl.DataFrame:
    """Adds for each lookup the column of its ids, and the one that is true where a key has none."""
    for each in lookups:
        ids = found.get(each.record_type, _NOTHING).ids
        key = pl.col(each.key)
        if each.listed:
            made = key.list.eval(_identified(pl.element(), ids)).list.drop_nulls()
            missing = key.list.len() != made.list.len()
        else:
            made = _identified(key, ids)
            missing = key.is_not_null() & made.is_null()
        frame = frame.with_columns(made.alias(each.id), missing.fill_null(False).alias(each.missing))  # noqa: FBT003 - an expression's value
    return frame


def _identified(key: pl.Expr, ids: Mapping[str, str]) -> pl.Expr:
    return key.replace_strict(list(ids), list(ids.values()), default=None, return_dtype=pl.String)


def unfound(
    frame: pl.DataFrame, lookups: Sequence[Lookup], found: Mapping[str, LookupResult]
) -> pl.DataFrame:
    """The keys without an id, one line each, in the order of the lookups.

    Args:
        frame: As `with_ids` gives it.
        lookups: Those of the mapping.
        found: What is known of their keys.

    Returns:
        RECORD_NO, LINE, field, column, value, expected, message.
    """
    lines = [
        _unfound(frame.filter(pl.col(each.missing)), each, found.get(each.record_type, _NOTHING))
        for each in lookups
    ]
    return pl.concat(lines)


def _unfound(bad: pl.DataFrame, lookup: Lookup, found: LookupResult) -> pl.DataFrame:
    keys = bad.select(RECORD_NO, LINE, pl.col(lookup.key).alias("key"))
    if lookup.listed:
        keys = keys.explode("key")
    keys = keys.filter(~pl.col("key").is_in(list(found.ids))).unique(maintain_order=True)
    different = keys["key"].unique().to_list()
    shown = [_cut(key) for key in different]
    messages = [_message(key, lookup, found) for key in different]
    return keys.select(
        RECORD_NO,
        LINE,
        pl.lit(lookup.path).alias("field"),
        pl.lit(lookup.column).alias("column"),
        pl.col("key").replace_strict(different, shown, return_dtype=pl.String).alias("value"),
        pl.lit(f"the external id of a {lookup.record_type} that a load has created").alias("expected"),
        pl.col("key").replace_strict(different, messages, return_dtype=pl.String).alias("message"),
    )


def _message(key: str, lookup: Lookup, found: LookupResult) -> str:
    reason = found.reasons.get(key, _NOBODY_KNOWS)
    return f'{lookup.path} waits for {lookup.record_type} "{_cut(key)}" (column {lookup.column}), {reason}'


def _cut(key: str) -> str:
    return key if len(key) <= SHOWN else f"{key[:SHOWN]}…"
