"""`loader init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loader.cli.next_command import suggest
from loader.cli.options import source_options
from loader.cli.output import command_line, say, say_next, say_out, source_words
from loader.cli.progress import ProgressLines
from loader.cli.stdin import kept_sources
from loader.errors import LoaderError
from loader.mapping.json_schema import schema_name, schema_text
from loader.pipeline.authoring import exists_already, propose_mapping, write_new
from loader.resources import BUILT_IN, find_record_type
from loader.text import count

if TYPE_CHECKING:
    from loader.pipeline.authoring import ProposedMapping
    from loader.resources import RecordType


@click.command("init")
@click.argument("source")
@click.option("-r", "--resource", required=True, help="Propose a mapping to this record type.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the mapping to this new file; left out: to stdout.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Look at the first N rows.",
)
@source_options
def init_command(
    source: str, resource: str, output: Path | None, rows: int, overrides: dict[str, Any]
) -> int:
    """Propose a mapping for SOURCE from its header and its values.

    SOURCE is a file, a glob, or - for standard input. A sure match becomes a rule, with the evidence in a
    comment. Doubtful, missing and ambiguous fields are commented out: uncomment these lines and complete
    them. Nothing is sent, and no file is overwritten.

    Example: loader init runs.csv -r billing-run -o runs.yaml
    """
    try:
        record_type = find_record_type(resource, BUILT_IN)
    except LoaderError:
        suggest(command_line("loader", "schema"))
        raise
    if output is not None and output.exists():
        raise exists_already(output)
    (source,) = kept_sources([source], overrides)
    proposed = propose_mapping(
        source, record_type, overrides, types=BUILT_IN, rows=rows, observer=ProgressLines()
    )
    if output is None:
        say_out(proposed.proposal.text.rstrip("\n"))
    else:
        write_new(output, proposed.proposal.text)
        _write_schema(output, record_type)
    _report(proposed, output)
    if output is None:
        words = [source, "-r", resource, "-o", f"{resource}.yaml", *source_words(overrides)]
        say_next(command_line("loader", "init", *words))
    else:
        say_next(command_line("loader", "check", output, source))
    return 0


def _write_schema(mapping: Path, record_type: RecordType) -> None:
    """Write the schema that the mapping's first line names beside it, unless it exists."""
    schema = mapping.with_name(schema_name(record_type))
    if not schema.exists():
        write_new(schema, schema_text(record_type))
        say(f"{schema}: written, too: editors use it to complete and check the mapping")


def _report(proposed: ProposedMapping, output: Path | None) -> None:
    """Show on stderr what was found, what was guessed and what is missing."""
    proposal = proposed.proposal
    part = "all" if proposed.complete else "the first"
    mapped = f"{len(proposal.mapped)} of {count(len(proposal.columns), 'column')} mapped"
    say(f"looked at {part} {count(proposed.read, 'record')}; {mapped}")
    for note in proposal.notes:
        say(f"note: {note}")
    for path in proposal.missing:
        say(f"missing: {path} is required, and nothing fills it")
    if proposed.states is not None:
        order = ("ready", "invalid", "filtered")
        states = ", ".join(f"{proposed.states[name]:,} {name}" for name in order if name in proposed.states)
        say(f"with this mapping, these records would be: {states}")
    if output is not None:
        say(f"written: {output}")
