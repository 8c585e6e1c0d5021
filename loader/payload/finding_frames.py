"""Frames of findings: their columns, and how stored findings and params become lines of them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.findings import Finding, Location, dump_params, load_params
from loader.records import EXTERNAL_ID, LINE, RECORD_NO, ROW_NO
from loader.text import SHOWN_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import JsonValue
    from loader.payload.results import Payloads

FINDINGS_SCHEMA: Final = pl.Schema(
    {
        RECORD_NO: pl.Int64(),
        LINE: pl.Int64(),
        EXTERNAL_ID: pl.String(),
        "field": pl.String(),
        "column": pl.String(),
        "value": pl.String(),
        "code": pl.String(),
        "params": pl.String(),
    }
)
"""The columns of a frame of findings, with their types: FINDING_COLUMNS."""

FILE: Final = "file"
"""String: the second file with the row that a finding is about; null for a row of the source."""

GROUPED_SCHEMA: Final = pl.Schema({**FINDINGS_SCHEMA, ROW_NO: pl.Int64(), FILE: pl.String()})
"""The columns where records are made of several rows: LINE and ROW_NO are those of one row, in `FILE`."""

_STORED_SCHEMA: Final = pl.Schema(
    {name: FINDINGS_SCHEMA[name] for name in ("field", "column", "value", "code", "params")}
)


def shorten_expr(text: pl.Expr) -> pl.Expr:
    """Return texts as `loader.text.shorten` cuts them; null stays null."""
    cut = pl.concat_str(text.str.head(SHOWN_CHARACTERS), pl.lit("…"))
    return pl.when(text.str.len_chars() > SHOWN_CHARACTERS).then(cut).otherwise(text)


def merge_params(params: str | None, row_params: pl.Expr) -> pl.Expr:
    """Return the params of a whole check and those of each row as one JSON object; null where there are none.

    Args:
        params: A JSON object, or None; its names are others than those of the rows.
        row_params: JSON objects; null or `{}` where a row has none of its own.
    """
    own = pl.when(row_params != "{}").then(row_params)
    if params is None:
        return own
    merged = pl.concat_str(pl.lit(f"{params[:-1]},"), own.str.strip_prefix("{"))
    return pl.coalesce(merged, pl.lit(params))


def expand_findings(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return one line for each finding that a column holds, in the order of the rows.

    Args:
        rows: Any columns but those of `_STORED_SCHEMA`.
        column: What `dump_findings` wrote, without nulls; it goes.

    Returns:
        The other columns of the row, then `field`, `column`, `value`, `code` and `params`.

    Raises:
        ValueError: A text is not a JSON list.
    """
    # Most rows that cannot be read have one of a few texts: each different one is parsed once, and all of
    # them together, since a call for each would take several times as long.
    texts = rows[column].unique(maintain_order=True).to_list()
    lines = [
        (
            text,
            item.get("field", ""),
            item.get("column"),
            item.get("value"),
            item["code"],
            dump_params(item.get("params", {})),
        )
        for text, items in zip(texts, json.loads(f"[{','.join(texts)}]"), strict=True)
        for item in items
    ]
    stored = pl.DataFrame(lines, schema={column: pl.String(), **_STORED_SCHEMA}, orient="row")
    return rows.join(stored, on=column, how="inner", maintain_order="left_right").drop(column)


def findings_by_record(payloads: Payloads) -> dict[int, tuple[Finding, ...]]:
    """Return the findings of each record that has any, in their order, by record number."""
    records: dict[int, list[Finding]] = {}
    for line in payloads.findings.iter_rows(named=True):
        records.setdefault(line[RECORD_NO], []).append(_finding(line))
    return {record_no: tuple(findings) for record_no, findings in records.items()}


def _finding(line: Mapping[str, Any]) -> Finding:
    return Finding(
        line["code"],
        line["field"],
        line["column"],
        line["value"],
        _params(line["params"]),
        location_of(line[RECORD_NO], line[LINE], line.get(ROW_NO), line.get(FILE)),
    )


def location_of(record_no: int, line: int | None, row_no: int | None, file: str | None) -> Location | None:
    """Return where a finding is, if not in its record's first row; None for that row.

    Args:
        record_no: The record's number.
        line: The line of the row that the finding is about; None where its format has none.
        row_no: The number of that row; None where a row is a record.
        file: The second file that the row is in; None for the source.
    """
    if file is None and row_no in {None, record_no}:
        return None
    return Location(file=file or "", line=line, record_no=row_no)


@lru_cache(maxsize=1024)
def _params(text: str | None) -> Mapping[str, JsonValue]:
    # The findings of a batch repeat a handful of texts: parsing each once keeps them cheap.
    return load_params(text)
