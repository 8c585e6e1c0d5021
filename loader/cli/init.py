"""`loader init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loader.cli.interrupts import with_following
from loader.cli.options import source_options
from loader.cli.output import command_line, say, say_next, say_out, source_words
from loader.cli.progress import ProgressLines
from loader.cli.stdin import kept_sources
from loader.errors import LoaderError
from loader.mapping.json_schema import schema_name, schema_text
from loader.pipeline import propose_mapping, there_already, write_new
from loader.resources import record_type

if TYPE_CHECKING:
    from loader.pipeline import ProposedMapping
    from loader.resources import Record


@click.command("init")
@click.argument("source")
@click.option("-r", "--resource", required=True, help="The record type that rows are to become.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write the mapping, which must not be there yet; left out: to stdout.",
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
    """Propose a mapping for SOURCE (- is standard input), from its header and its values.

    What is sure becomes a rule, with the evidence behind it; what is doubtful, missing or ambiguous stands
    in it as a comment. Nothing is sent, and no file is overwritten.
    """
    try:
        record = record_type(resource)
    except LoaderError as error:
        raise with_following(error, command_line("loader", "schema")) from None
    if output is not None and output.exists():
        raise there_already(output)
    (source,) = kept_sources([source], overrides)
    proposed = propose_mapping(source, record, overrides, rows=rows, watcher=ProgressLines())
    if output is None:
        say_out(proposed.proposal.text.rstrip("\n"))
    else:
        write_new(output, proposed.proposal.text)
        _write_schema(output, record)
    _tell(proposed, output)
    if output is None:
        words = [source, "-r", resource, "-o", f"{resource}.yaml", *source_words(overrides)]
        say_next(command_line("loader", "init", *words))
    else:
        say_next(command_line("loader", "check", output, source))
    return 0


def _write_schema(mapping: Path, record: type[Record]) -> None:
    """Puts the file that the mapping's first line names beside it, where it is not there yet."""
    schema = mapping.with_name(schema_name(record))
    if not schema.exists():
        write_new(schema, schema_text(record))
        say(f"{schema}: written too; editors complete and check the mapping by it")


def _tell(proposed: ProposedMapping, output: Path | None) -> None:
    """What was found, what was guessed and what is missing; on stderr."""
    proposal = proposed.proposal
    looked_at = f"{'all' if proposed.whole else 'the first'} {proposed.read:,} records looked at"
    say(f"{looked_at}; {len(proposal.mapped)} of {len(proposal.columns)} columns mapped")
    for line in proposal.aloud:
        say(f"look at: {line}")
    for path in proposal.missing:
        say(f"missing: {path} is required, and nothing fills it")
    if proposed.states is not None:
        order = ("ready", "invalid", "filtered")
        told = ", ".join(f"{proposed.states[state]:,} {state}" for state in order if state in proposed.states)
        say(f"as it stands, these records would be: {told}")
    if output is not None:
        say(f"written: {output}")
