"""`loader schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from loader.cli.interrupts import with_following
from loader.cli.output import command_line, out_console, say_next
from loader.errors import LoaderError
from loader.mapping.json_schema import schema_text
from loader.resources import TYPES, record_type
from loader.resources.fields import Field, FieldKind, field_tree
from loader.resources.schema import json_schema

if TYPE_CHECKING:
    from loader.resources import Record


@click.command("schema")
@click.argument("resource", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON Schema of what may be sent.")
@click.option(
    "--mapping",
    "of_mapping",
    is_flag=True,
    help="Print the JSON Schema of a mapping, for editors; with RESOURCE it knows the fields.",
)
def schema_command(resource: str | None, *, as_json: bool, of_mapping: bool) -> int:
    """List record types; or show the fields of RESOURCE."""
    if of_mapping:
        click.echo(schema_text(_record(resource) if resource else None), nl=False)
        say_next(command_line("loader", "check", "MAPPING"))
        return 0
    if resource is None:
        chosen = list(TYPES.values())
        if as_json:
            click.echo(json.dumps({each.name_of_type: json_schema(each) for each in chosen}, indent=2))
        else:
            _types()
        say_next(command_line("loader", "schema", chosen[0].name_of_type))
        return 0
    record = _record(resource)
    if as_json:
        click.echo(json.dumps(json_schema(record), indent=2, ensure_ascii=False))
    else:
        _fields(field_tree(record))
    say_next(command_line("loader", "preview", "SOURCE", "-m", "MAPPING"))
    return 0


def _record(name: str) -> type[Record]:
    try:
        return record_type(name)
    except LoaderError as error:
        raise with_following(error, command_line("loader", "schema")) from None


def _types() -> None:
    table = Table("record type", "what it is", "posted to", "version", box=None, pad_edge=False)
    for name, record in TYPES.items():
        table.add_row(name, record.title, record.service_url + record.path, record.version)
    out_console().print(table)


def _fields(root: Field) -> None:
    table = Table("field", "type", "required", "meaning", box=None, pad_edge=False)
    for each in root.walk():
        if each.path:
            table.add_row(Text(each.path), Text(_type(each)), _required(each), Text(_meaning(each)))
    out_console().print(table)


def _type(each: Field) -> str:
    if each.kind is FieldKind.LIST and each.item:
        return f"list of {'objects' if each.item.kind is FieldKind.OBJECT else each.item.kind.value}"
    if each.is_relative_date:
        return "relative date"
    return each.kind.value


def _required(each: Field) -> str:
    return "yes" if each.required else "by the server" if each.required_on_page else ""


def _meaning(each: Field) -> str:
    told = each.description
    if each.enum:
        told += f" One of: {', '.join(each.enum)}."
    if each.bulk_load:
        told += " The loader fills it."
    return told
