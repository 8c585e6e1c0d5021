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

from loader import wording
from loader.cli.options import source_options as source_option
from loader.cli.output import command_line, out_console, say, say_next, source_words
from loader.cli.progress import ProgressLines
from loader.cli.stdin import named_sources, spool_for
from loader.findings import load_findings
from loader.payload import findings_by_record
from loader.pipeline.authoring import PAYLOAD_COLUMNS, payload_table, preview_payloads, preview_rows
from loader.pipeline.rows import open_inputs, read_mapping
from loader.records import CORE, EXTERNAL_ID, LINE, PROBLEM, RECORD_NO, REPEATED_HEADER, STATE
from loader.report.json_text import json_text
from loader.report.table_csv import cell_text, csv_line, csv_lines, with_exact_times
from loader.resources import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from loader.findings import Finding
    from loader.payload.results import Payloads
    from loader.records import Batch

_READER_COLUMNS: Final = (RECORD_NO, LINE, PROBLEM)
_WIDE: Final = 6
_TABLE_ROWS: Final = 1000
"""So many rows are laid out as one table: its columns are as wide as their widest cell."""


@click.command("preview")
@click.argument("source")
@click.option(
    "-m", "--mapping", type=click.Path(path_type=Path), help="Show payloads as this mapping makes them."
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Show the first N rows; 0: all rows.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="Choose a form; csv is comma-separated UTF-8 for any source.",
)
@source_option
def preview_command(
    source: str, mapping: Path | None, limit: int, form: str, overrides: dict[str, Any]
) -> int:
    """Show the rows of SOURCE or, with -m, the payloads.

    SOURCE is a file, a glob, or - for standard input. Nothing is sent.

    Rows that cannot be read are shown as far as their cells are known: missing cells are empty, surplus
    cells come last. Stderr has what is wrong with them. With -m, findings are shown beside the
    payloads. Payloads are shown without the sys_bulk_load_* fields, which depend on the load.

    Example: loader preview runs.csv -m runs.yaml --limit 3
    """
    most = limit or None
    spool = spool_for([source])
    if mapping is None:
        columns, batches = preview_rows(source, overrides, most, ProgressLines(), spool=spool)
        _show_rows(form, map(_with_report, batches), columns)
        say_next(command_line("loader", "schema"))
        return 0
    inputs = open_inputs(
        *read_mapping(mapping), [source], overrides, types=BUILT_IN, spool=spool, mapping_path=mapping
    )
    words = [*named_sources([source], inputs.source), *source_words(overrides)]
    _show_payloads(form, _with_repeated_headers(preview_payloads(inputs, most, ProgressLines())))
    say_next(command_line("loader", "validate", mapping, *words))
    return 0


def _with_report(batch: Batch) -> Batch:
    """Return the batch; report its records that cannot be read as rows on stderr."""
    _report(batch, lambda _: True)
    return batch


def _report(batch: Batch, is_reported: Callable[[str], bool]) -> None:
    for record_no, line, problem in batch.rows.select(_READER_COLUMNS).drop_nulls(PROBLEM).iter_rows():
        if is_reported(problem):
            place = f"record {record_no}" + (f", line {line}" if line else "")
            say(f"{batch.file.name}: {place}: {_in_words(load_findings(problem))}")


def _in_words(findings: Iterable[Finding]) -> str:
    return "; ".join(map(wording.line, findings))


def _with_repeated_headers(
    results: Iterable[tuple[Batch, Payloads]],
) -> Iterator[tuple[Batch, Payloads]]:
    """Yield the payloads; report on stderr the records that repeat the header: they have no finding."""
    for batch, payloads in results:
        _report(batch, lambda problem: problem == REPEATED_HEADER)
        yield batch, payloads


def _show_rows(form: str, batches: Iterator[Batch], columns: Sequence[str]) -> None:
    if form == "csv":
        _write(chain([csv_line(columns)], (_as_csv(batch, columns) for batch in batches)))
    elif form == "json":
        _write(_as_json(_rows(batches)))
    else:
        _as_tables(_rows(batches))


def _show_payloads(form: str, results: Iterable[tuple[Batch, Payloads]]) -> None:
    if form == "csv":
        tables = (payload_table(payloads) for _, payloads in results)
        lines = (csv_lines(table, PAYLOAD_COLUMNS, {}) for table in tables)
        _write(chain([csv_line(PAYLOAD_COLUMNS)], lines))
    elif form == "json":
        _write(_as_json(_payloads(results)))
    else:
        _as_blocks(results)


def _write(parts: Iterable[bytes]) -> None:
    """Write bytes to stdout: what programs read is UTF-8, whatever the terminal's encoding."""
    sys.stdout.flush()
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _as_csv(batch: Batch, columns: Sequence[str]) -> bytes:
    first = batch.start.record_no
    surplus = {record_no - first: cells for record_no, cells in batch.extra.items()}
    return csv_lines(batch.rows, columns, surplus)


def _rows(batches: Iterable[Batch]) -> Iterator[dict[str, Any]]:
    """Yield cells by column; surplus cells and what is wrong have names in parentheses."""
    for batch in batches:
        for row in with_exact_times(batch.rows).iter_rows(named=True):
            record_no, _, problem = (row.pop(name) for name in _READER_COLUMNS)
            surplus = enumerate(batch.extra.get(record_no, ()), 1)
            problems = {"(problem)": _in_words(load_findings(problem))} if problem else {}
            yield {**row, **{f"(surplus {number})": cell for number, cell in surplus}, **problems}


def _payloads(results: Iterable[tuple[Batch, Payloads]]) -> Iterator[dict[str, Any]]:
    for row, findings in _rows_with_findings(results):
        yield {
            "record_no": row[RECORD_NO],
            "line": row[LINE],
            "external_id": row[EXTERNAL_ID],
            "state": row[STATE],
            "payload": json.loads(row[CORE] or "null"),
            "findings": [_as_object(finding) for finding in findings],
        }


def _rows_with_findings(
    results: Iterable[tuple[Batch, Payloads]],
) -> Iterator[tuple[dict[str, Any], Sequence[Finding]]]:
    for _, payloads in results:
        findings = findings_by_record(payloads)
        for row in payloads.rows.iter_rows(named=True):
            yield row, findings.get(row[RECORD_NO], ())


def _as_object(finding: Finding) -> dict[str, Any]:
    location = finding.location
    place = {} if location is None else {"record_no": location.record_no, "line": location.line}
    file = {"file": location.file} if location and location.file else {}
    return {
        "code": finding.code,
        "field": finding.field,
        "column": finding.column,
        "value": finding.value,
        "expected": wording.expected(finding),
        "message": wording.message(finding),
        **place,
        **file,
    }


def _as_blocks(results: Iterable[tuple[Batch, Payloads]]) -> None:
    """Show a payload a block, laid out as JSON, or in its place what is wrong."""
    _escape_unencodable()
    console = out_console()
    for row, findings in _rows_with_findings(results):
        names = [f"line {row[LINE]}"] if row[LINE] else []
        names += [f"external id {row[EXTERNAL_ID]}"] if row[EXTERNAL_ID] else []
        about = f" ({', '.join(names)})" if names else ""
        console.print(f"record {row[RECORD_NO]}{about}: {row[STATE]}", markup=False, style="bold")
        for finding in findings:
            console.print(f"  {wording.line(finding)}", markup=False, style="red")
        if row[CORE] is not None:
            payload = json.loads(row[CORE])
            console.print(json.dumps(payload, ensure_ascii=False, indent=2), markup=False)


def _as_json(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a JSON array, a row a line, as the rows come."""
    separator = "[\n"
    for row in rows:
        yield (separator + json_text(row)).encode("utf-8", "replace")
        separator = ",\n"
    yield b"[]\n" if separator == "[\n" else b"\n]\n"


def _as_tables(rows: Iterator[dict[str, Any]]) -> None:
    """Show a line a row where there are few columns, else a block a row."""
    _escape_unencodable()
    console = out_console()
    shown = 0
    while part := list(islice(rows, _TABLE_ROWS)):
        names = list(dict.fromkeys(name for row in part for name in row))
        if len(names) <= _WIDE:
            table = Table(*(Column(Text(name)) for name in names), box=None, pad_edge=False)
            for row in part:
                table.add_row(*(_cell(row.get(name)) for name in names))
            console.print(table)
        else:
            for number, row in enumerate(part, shown + 1):
                table = Table(title=f"row {number}", title_justify="left", box=None, show_header=False)
                for name, value in row.items():
                    table.add_row(Text(name), _cell(value))
                console.print(table)
        shown += len(part)
    if not shown:
        console.print("no rows")


def _escape_unencodable() -> None:
    """Escape letters that the terminal's encoding does not have, so that they do not end the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _cell(value: object) -> Text:
    """Return a cell as plain text: brackets in it are not markup."""
    return Text(cell_text(value))
