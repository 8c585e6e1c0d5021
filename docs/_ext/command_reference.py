"""The directive `{command-reference}`: a section for every command, from Click's own description of it."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

import click
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _ext.markup import definitions, paragraph, section
from loader.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

_KEEP_LINES = "\b\n"  # Click's sign for a block that is not wrapped
_EXAMPLE = "Example: "


class CommandReference(SphinxDirective):
    """Show every command's usage, description and options."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each command, in the order of the program's own help."""
        self.env.note_reread()  # the commands' files are not among the pages that Sphinx watches
        root = click.Context(cli, info_name="loader", **cli.context_settings)
        return [self._section(context) for context in _commands(cli, root)]

    def _section(self, context: click.Context) -> nodes.section:
        command = context.command
        path = context.command_path
        result = section(nodes.literal(path, path), path.replace(" ", "-"), self.state.document)
        usage = " ".join((path, *command.collect_usage_pieces(context)))
        result += nodes.literal_block(usage, usage, language="none")
        result += list(_blocks(command.help or ""))
        if options := list(_options(context)):
            result += definitions(*options)
        result += list(_blocks(command.epilog or ""))
        return result


def _commands(group: click.Group, context: click.Context) -> Iterator[click.Context]:
    """Yield the context of every command below a group that is not hidden, subcommands included."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(command, own)
        else:
            yield own


def _blocks(text: str) -> Iterator[nodes.Node]:
    """Yield the paragraphs of a help text; the command of an example becomes code."""
    for block in cleandoc(text).partition("\f")[0].strip().split("\n\n"):
        if block.startswith(_KEEP_LINES):
            lines = block.removeprefix(_KEEP_LINES)
            yield nodes.literal_block(lines, lines, language="none")
        elif block.startswith(_EXAMPLE):
            example = " ".join(block.removeprefix(_EXAMPLE).split())
            yield paragraph(f"{_EXAMPLE}`{example}`")
        elif block:
            yield paragraph(" ".join(block.split()))


def _options(context: click.Context) -> Iterator[tuple[nodes.Node, nodes.Node]]:
    """Yield each option as `--help` shows it, with its environment variable."""
    for parameter in context.command.params:
        record = parameter.get_help_record(context)
        if record is None or not isinstance(parameter, click.Option):
            continue
        names, meaning = record
        if isinstance(parameter.envvar, str):
            meaning += f" Environment: `{parameter.envvar}`"
        yield nodes.literal(names, names), paragraph(" ".join(meaning.split()))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("command-reference", CommandReference)
    return {"parallel_read_safe": True}
