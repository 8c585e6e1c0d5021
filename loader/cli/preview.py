"""`loader preview`."""

from __future__ import annotations

import io
import json
import sys
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Column, Table
from rich.text import Text

from loader.cli.options import source_options as source_option
from loader.cli.output import command_line, out_console, say, say_next, source_words
from loader.cli.progress import ProgressLines
from loader.cli.stdin import named_sources, spool_for
from loader.pipeline import (
    PAYLOAD_COLUMNS,
    findings_of,
    open_inputs,
    payload_table,
    preview_payloads,
    preview_rows,
    read_mapping,
    told_of,
)
from loader.records import CORE, EXTERNAL_ID, LINE, PROBLEM, RECORD_NO, REPEATED_HEADER, STATE
from loader.report.table_csv import cell_text, csv_line, csv_lines, json_value, with_whole_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from loader.payload.results import Payloads
    from loader.records import Batch

_OWN: Final = (RECORD_NO, LINE, PROBLEM)
_WIDE: Final = 6
_AT_ONCE: Final = 1000  # rows laid out as one table


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
    help="How to show them; csv is comma-separated UTF-8 whatever the source is.",
)
@source_option
def preview_command(
    source: str, mapping: Path | None, limit: int, form: str, overrides: dict[str, Any]
) -> int:
    """Show the rows of SOURCE as they are read, or with -m the payloads that they become.

    SOURCE is a file, a glob, or - for standard input.

    Rows that cannot be read as such are shown too, as far as their cells can be told apart: missing cells
    are empty, surplus ones stand behind. What is wrong with them is said on stderr. With -m, findings stand
    beside the payloads, which are shown without the sys_bulk_load_* fields: those depend on the load.
    """
    wanted = limit or None
    spool = spool_for([source])
    if mapping is None:
        columns, batches = preview_rows(source, overrides, wanted, ProgressLines(), spool=spool)
        _show_rows(form, map(_told, batches), columns)
        say_next(command_line("loader", "schema"))
        return 0
    inputs = open_inputs(*read_mapping(mapping), [source], overrides, spool=spool, mapping_path=mapping)
    words = [*named_sources([source], inputs.source), *source_words(overrides)]
    _show_payloads(form, _unsaid(preview_payloads(inputs, wanted, ProgressLines())))
    say_next(command_line("loader", "validate", mapping, *words))
    return 0


def _told(batch: Batch) -> Batch:
    """The batch; its records that cannot be read as rows are named on stderr."""
    _tell(batch, lambda _: True)
    return batch


def _tell(batch: Batch, is_told: Callable[[str], bool]) -> None:
    for record_no, line, problem in batch.rows.select(_OWN).drop_nulls(PROBLEM).iter_rows():
        if is_told(problem):
            where = f"record {record_no}" + (f", line {line}" if line else "")
            say(f"{batch.file.name}: {where}: {problem}")


def _unsaid(found: Iterable[tuple[Batch, Payloads]]) -> Iterator[tuple[Batch, Payloads]]:
    """The payloads; records filtered for what they are, and so without a finding, are named on stderr."""
    for batch, payloads in found:
        _tell(batch, lambda problem: problem == REPEATED_HEADER)
        yield batch, payloads


def _show_rows(form: str, batches: Iterator[Batch], columns: Sequence[str]) -> None:
    if form == "csv":
        _write(chain([csv_line(columns)], (_as_csv(batch, columns) for batch in batches)))
    elif form == "json":
        _write(_as_json(_rows(batches)))
    else:
        _as_tables(_rows(batches))


def _show_payloads(form: str, found: Iterable[tuple[Batch, Payloads]]) -> None:
    if form == "csv":
        tables = (payload_table(payloads) for _, payloads in found)
        lines = (csv_lines(table, PAYLOAD_COLUMNS, {}) for table in tables)
        _write(chain([csv_line(PAYLOAD_COLUMNS)], lines))
    elif form == "json":
        _write(_as_json(_payloads(found)))
    else:
        _as_blocks(_payloads(found))


def _write(parts: Iterable[bytes]) -> None:
    """Bytes to stdout: what is read by a program is UTF-8, whatever the terminal's encoding."""
    sys.stdout.flush()
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _as_csv(batch: Batch, columns: Sequence[str]) -> bytes:
    first = batch.start.record_no
    surplus = {record_no - first: cells for record_no, cells in batch.extra.items()}
    return csv_lines(batch.rows, columns, surplus)


def _rows(batches: Iterable[Batch]) -> Iterator[dict[str, Any]]:
    """Cells by column, then surplus cells and what is wrong under names in brackets."""
    for batch in batches:
        for row in with_whole_times(batch.rows).iter_rows(named=True):
            record_no, _, problem = (row.pop(name) for name in _OWN)
            surplus = enumerate(batch.extra.get(record_no, ()), 1)
            cells = {name: json_value(value) for name, value in row.items()}
            told = {"(problem)": problem} if problem else {}
            yield {**cells, **{f"(surplus {number})": cell for number, cell in surplus}, **told}


def _payloads(batches: Iterable[tuple[Batch, Payloads]]) -> Iterator[dict[str, Any]]:
    for _, payloads in batches:
        found: dict[int, list[dict[str, Any]]] = {}
        for record_no, finding in findings_of(payloads):
            found.setdefault(record_no, []).append(finding)
        for row in payloads.rows.iter_rows(named=True):
            yield {
                "record_no": row[RECORD_NO],
                "line": row[LINE],
                "external_id": row[EXTERNAL_ID],
                "state": row[STATE],
                "payload": json.loads(row[CORE] or "null"),
                "findings": found.get(row[RECORD_NO], []),
            }


def _as_blocks(rows: Iterator[dict[str, Any]]) -> None:
    """A payload a block, laid out as JSON, with what is wrong in its place."""
    _spare_the_terminal()
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


def _as_json(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """A JSON array, a row a line, written as the rows come."""
    separator = "[\n"
    for row in rows:
        yield (separator + json.dumps(row, ensure_ascii=False)).encode("utf-8", "replace")
        separator = ",\n"
    yield b"[]\n" if separator == "[\n" else b"\n]\n"


def _as_tables(rows: Iterator[dict[str, Any]]) -> None:
    """Across where the columns are few, else a block for each row."""
    _spare_the_terminal()
    console = out_console()
    shown = 0
    while part := list(islice(rows, _AT_ONCE)):
        names = list(dict.fromkeys(name for row in part for name in row))
        if len(names) <= _WIDE:
            table = Table(*(Column(Text(name)) for name in names), box=None, pad_edge=False)
            for row in part:
                table.add_row(*(_short(row.get(name)) for name in names))
            console.print(table)
        else:
            for number, row in enumerate(part, shown + 1):
                table = Table(title=f"row {number}", title_justify="left", box=None, show_header=False)
                for name, value in row.items():
                    table.add_row(Text(name), _short(value))
                console.print(table)
        shown += len(part)
    if not shown:
        console.print("no rows")


def _spare_the_terminal() -> None:
    """Letters that the terminal's encoding does not have are escaped, instead of ending the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _short(value: object) -> Text:
    """A cell as it is, whatever signs it ends with."""
    return Text(cell_text(value))
