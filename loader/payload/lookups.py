"""Lookups: where a row has the key of a record that an earlier load has created, its payload gets the id.

Nothing is looked up here. A batch's keys go out (`lookup_keys`), what is known of them comes in as plain
values (`LookupResult`), and each key without an id becomes a finding (`missing_keys`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from loader.findings import Finding, dump_params
from loader.payload.finding_frames import shorten_expr
from loader.payload.results import LookupResult
from loader.records import LINE, RECORD_NO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.program import Lookup

_NOTHING_KNOWN: Final = LookupResult({}, {})


def placeholders(keys: Mapping[str, Sequence[str]]) -> dict[str, LookupResult]:
    """Return texts such as `<billing-template T07>` in place of ids, where these cannot be known.

    For examples, previews and dry runs without a tenant: never for what is sent.

    Args:
        keys: Record type -> keys.
    """
    return {
        record_type: LookupResult({key: f"<{record_type} {key}>" for key in type_keys}, {})
        for record_type, type_keys in keys.items()
    }


def lookup_keys(frame: pl.DataFrame, lookups: Sequence[Lookup]) -> dict[str, list[str]]:
    """Return the different keys of a computed batch by record type: sorted, no nulls, no empty lists."""
    columns: dict[str, list[pl.Series]] = {}
    for lookup in lookups:
        keys = frame[lookup.key]
        columns.setdefault(lookup.record_type, []).append(
            keys.list.explode(keep_nulls=False, empty_as_null=False) if lookup.is_list else keys
        )
    keys_by_type = {
        record_type: pl.concat([keys.rename("") for keys in parts]).drop_nulls().unique().sort().to_list()
        for record_type, parts in columns.items()
    }
    return {record_type: keys for record_type, keys in keys_by_type.items() if keys}


def with_ids(
    frame: pl.DataFrame, lookups: Sequence[Lookup], lookup_results: Mapping[str, LookupResult]
) -> pl.DataFrame:
    """Add two columns for each lookup: its ids, and a mask of the rows with a key that has none."""
    for lookup in lookups:
        ids = lookup_results.get(lookup.record_type, _NOTHING_KNOWN).ids
        key = pl.col(lookup.key)
        if lookup.is_list:
            row_ids = key.list.eval(_id_of(pl.element(), ids)).list.drop_nulls()
            missing = key.list.len() != row_ids.list.len()
        else:
            row_ids = _id_of(key, ids)
            missing = key.is_not_null() & row_ids.is_null()
        frame = frame.with_columns(
            row_ids.alias(lookup.id), missing.fill_null(value=False).alias(lookup.missing)
        )
    return frame


def _id_of(key: pl.Expr, ids: Mapping[str, str]) -> pl.Expr:
    return key.replace_strict(list(ids), list(ids.values()), default=None, return_dtype=pl.String)


def missing_keys(
    frame: pl.DataFrame, lookups: Sequence[Lookup], lookup_results: Mapping[str, LookupResult]
) -> pl.DataFrame:
    """Return the keys without an id, one line each, in the order of the lookups.

    Args:
        frame: As `with_ids` gives it.
        lookups: Those of the mapping.
        lookup_results: What is known of their keys.

    Returns:
        RECORD_NO, LINE, field, column, value, code, params.
    """
    return pl.concat(
        _missing_keys(
            frame.filter(pl.col(lookup.missing)),
            lookup,
            lookup_results.get(lookup.record_type, _NOTHING_KNOWN),
        )
        for lookup in lookups
    )


def _missing_keys(bad: pl.DataFrame, lookup: Lookup, result: LookupResult) -> pl.DataFrame:
    keys = bad.select(RECORD_NO, LINE, pl.col(lookup.key).alias("key"))
    if lookup.is_list:
        keys = keys.explode("key")
    keys = keys.filter(~pl.col("key").is_in(list(result.ids))).unique(maintain_order=True)
    unknown = Finding("lookup.not_found", params={"record_type": lookup.record_type})
    # Many rows have the same few keys: code and params are made once for each different one.
    different = keys["key"].unique().to_list()
    reasons = [result.reasons.get(key, unknown) for key in different]
    codes = [reason.code for reason in reasons]
    params = [dump_params(reason.params) for reason in reasons]
    return keys.select(
        RECORD_NO,
        LINE,
        pl.lit(lookup.path).alias("field"),
        pl.lit(lookup.column).alias("column"),
        shorten_expr(pl.col("key")).alias("value"),
        pl.col("key").replace_strict(different, codes, return_dtype=pl.String).alias("code"),
        pl.col("key").replace_strict(different, params, return_dtype=pl.String).alias("params"),
    )
