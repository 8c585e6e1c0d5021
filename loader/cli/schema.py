"""`loader schema`."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from loader import wording
from loader.cli.next_command import suggest
from loader.cli.output import command_line, out_console, say_next, say_out
from loader.errors import ConfigurationError
from loader.findings import CODES, Code, Finding
from loader.mapping.json_schema import any_schema_text, schema_text
from loader.resources import BUILT_IN, RecordType, find_record_type
from loader.resources.fields import Field, FieldKind


@click.command("schema")
@click.argument("resource", required=False)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: the JSON Schema of requests, or the codes."
)
@click.option("--mapping", "of_mapping", is_flag=True, help="Print the JSON Schema of mappings, for editors.")
@click.option("--codes", "of_codes", is_flag=True, help="List the codes of findings and what they mean.")
def schema_command(resource: str | None, *, as_json: bool, of_mapping: bool, of_codes: bool) -> int:
    """List record types, or show the fields of RESOURCE.

    With --mapping and RESOURCE, the schema knows the fields of that record type.

    Example: loader schema billing-run
    """
    if of_codes and (resource or of_mapping):
        raise ConfigurationError(
            "--codes takes no record type and no --mapping", next_step="Run `loader schema --codes`."
        )
    if of_codes:
        following = _show_codes(as_json=as_json)
    elif of_mapping:
        text = schema_text(_record_type(resource)) if resource else any_schema_text(BUILT_IN)
        click.echo(text, nl=False)
        following = command_line("loader", "check", "MAPPING")
    elif resource is None:
        following = _show_types(as_json=as_json)
    else:
        following = _show_fields(_record_type(resource), as_json=as_json)
    say_next(following)
    return 0


def _record_type(name: str) -> RecordType:
    suggest(command_line("loader", "schema"))
    return find_record_type(name, BUILT_IN)


def _show_types(*, as_json: bool) -> str:
    """Print the record types; return the command to run next, as the other functions do."""
    if as_json:
        schemas = {name: record_type.request_schema for name, record_type in BUILT_IN.items()}
        say_out(json.dumps(schemas, indent=2))
    else:
        table = _table("record type", "what it is", "posted to", "version")
        for name, record_type in BUILT_IN.items():
            table.add_row(
                name, record_type.title, record_type.service_url + record_type.path, record_type.version
            )
        out_console().print(table)
    return command_line("loader", "schema", next(iter(BUILT_IN)))


def _show_fields(record_type: RecordType, *, as_json: bool) -> str:
    if as_json:
        say_out(json.dumps(record_type.request_schema, indent=2, ensure_ascii=False))
    else:
        table = _table("field", "type", "required", "meaning")
        for field in record_type.root.walk():
            if field.path:
                table.add_row(Text(field.path), _type(field), _required(field), Text(_meaning(field)))
        out_console().print(table)
    return command_line("loader", "preview", "SOURCE", "-m", "MAPPING")


def _type(field: Field) -> str:
    if field.kind is FieldKind.LIST and field.item:
        return f"list of {'objects' if field.item.kind is FieldKind.OBJECT else field.item.kind.value}"
    return "relative date" if field.is_relative_date else field.kind.value


def _required(field: Field) -> str:
    if field.required:
        return "yes"
    return "by the server" if field.required_on_page else ""


def _meaning(field: Field) -> str:
    sentences = [field.description]
    if field.enum:
        sentences.append(f"One of: {', '.join(field.enum)}.")
    if field.bulk_load:
        sentences.append("The loader fills it.")
    return " ".join(sentences)


def _show_codes(*, as_json: bool) -> str:
    if as_json:
        say_out(json.dumps([code_entry(code) for code in CODES.values()], indent=2, ensure_ascii=False))
    else:
        table = _table("code", "about", "severity", "meaning")
        for code in CODES.values():
            entry = code_entry(code)
            table.add_row(code.name, code.subject, code.severity, Text(entry["meaning"]))
        out_console().print(table)
    return command_line("loader", "check", "MAPPING")


def code_entry(code: Code) -> dict[str, Any]:
    """Return what a code means, as JSON has it; where a finding has a value, the sentences have `…`."""
    sample = Finding(code.name, field="…", column="…", value="…")
    return {
        "code": code.name,
        "subject": code.subject,
        "severity": code.severity,
        "meaning": wording.reason(sample),
        "expected": wording.expected(sample),
        "fix": wording.fix(sample),
        "params": list(code.params),
    }


def _table(*headings: str) -> Table:
    return Table(*headings, box=None, pad_edge=False)
