"""`loader preview`."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.markup import escape
from rich.table import Table

from loader.cli.options import source_options as source_option
from loader.cli.output import command_line, out_console, say, say_next, source_words
from loader.cli.progress import Lines
from loader.pipeline import (
    findings_of,
    open_inputs,
    preview_payloads,
    preview_rows,
    read_mapping,
    told_of,
)
from loader.records import CORE, EXTERNAL_ID, LINE, PROBLEM, RECORD_NO, STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loader.records import Batch, Payloads

_OWN: Final = (RECORD_NO, LINE, PROBLEM)
_PAYLOAD_COLUMNS: Final = ("record_no", "line", "external_id", "state", "payload", "findings")
_WIDE: Final = 12


@click.command("preview")
@click.argument("source")
@click.option(
    "-m", "--mapping", type=click.Path(path_type=Path), help="Show payloads as this mapping makes them."
)
@click.option(
    "--limit", type=click.IntRange(0), default=10, show_default=True, help="The first N rows; 0: all rows."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to show them.",
)
@source_option
def preview_command(
    source: str, mapping: Path | None, limit: int, form: str, overrides: dict[str, Any]
) -> int:
    """Show the rows of SOURCE as they are read, or with -m the payloads that they become.

    Payloads are shown without the sys_bulk_load_* fields, which depend on the load.
    """
    wanted = limit or None
    words = [source, *source_words(overrides)]
    if mapping is None:
        columns, batches = preview_rows(source, overrides, wanted, Lines())
        _show(form, _rows(batches), columns)
        say_next(command_line("loader", "schema"))
        return 0
    inputs = open_inputs(*read_mapping(mapping), [source], overrides, mapping_path=mapping)
    found = preview_payloads(inputs, wanted, Lines())
    if form == "table":
        _as_blocks(_payloads(found, as_text=False))
    else:
        _show(form, _payloads(found, as_text=form == "csv"), _PAYLOAD_COLUMNS)
    say_next(command_line("loader", "validate", mapping, *words))
    return 0


def _rows(batches: Iterable[Batch]) -> Iterator[dict[str, Any]]:
    """Cells by column; records that cannot be read are named on stderr."""
    for batch in batches:
        for row in batch.rows.iter_rows(named=True):
            record_no, line, problem = (row.pop(name) for name in _OWN)
            surplus = batch.extra.get(record_no, ())
            if problem:
                where = f"record {record_no}" + (f", line {line}" if line else "")
                say(f"{where}: {problem}")
            yield {**row, **{f"(surplus {number})": cell for number, cell in enumerate(surplus, 1)}}


def _payloads(batches: Iterable[tuple[Batch, Payloads]], *, as_text: bool) -> Iterator[dict[str, Any]]:
    for _, payloads in batches:
        found: dict[int, list[dict[str, Any]]] = {}
        for record_no, finding in findings_of(payloads):
            found.setdefault(record_no, []).append(finding)
        for row in payloads.rows.iter_rows(named=True):
            findings = found.get(row[RECORD_NO], [])
            told: Any = "; ".join(told_of(each) for each in findings) if as_text else findings
            yield {
                "record_no": row[RECORD_NO],
                "line": row[LINE],
                "external_id": row[EXTERNAL_ID],
                "state": row[STATE],
                "payload": row[CORE] if as_text else json.loads(row[CORE] or "null"),
                "findings": told,
            }


def _as_blocks(rows: Iterator[dict[str, Any]]) -> None:
    """A payload a block, laid out as JSON, with what is wrong in its place."""
    console = out_console()
    for row in rows:
        named = [f"line {row['line']}"] if row["line"] else []
        named += [f"external id {row['external_id']}"] if row["external_id"] else []
        about = f" ({', '.join(named)})" if named else ""
        console.print(f"record {row['record_no']}{about}: {row['state']}", markup=False, style="bold")
        for each in row["findings"]:
            told = told_of(each) if not each["field"] else f"{each['field']}: {told_of(each)}"
            console.print(f"  {told}", markup=False, style="red")
        if row["payload"] is not None:
            console.print(json.dumps(row["payload"], ensure_ascii=False, indent=2), markup=False)


def _show(form: str, rows: Iterator[dict[str, Any]], columns: Sequence[str]) -> None:
    if form == "json":
        _as_json(rows)
    elif form == "csv":
        _as_csv(rows, columns)
    else:
        _as_table(list(rows))


def _as_json(rows: Iterator[dict[str, Any]]) -> None:
    """A JSON array, a row a line, written as the rows come."""
    separator = "[\n"
    for row in rows:
        sys.stdout.write(separator + json.dumps(row, ensure_ascii=False, default=str))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def _as_csv(rows: Iterator[dict[str, Any]], columns: Sequence[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _as_table(rows: list[dict[str, Any]]) -> None:
    """Across where the columns are few, else a block for each row."""
    console = out_console()
    if not rows:
        console.print("no rows")
    elif max(len(row) for row in rows) <= _WIDE // 2:
        table = Table(*rows[0], box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(_short(value) for value in row.values()))
        console.print(table)
    else:
        for number, row in enumerate(rows, 1):
            table = Table(title=f"row {number}", title_justify="left", box=None, show_header=False)
            for name, value in row.items():
                table.add_row(name, _short(value))
            console.print(table)


def _short(value: object) -> str:
    return escape("" if value is None else str(value))
