"""The shell: one file a command, options in, exit code out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from loader import __version__
from loader.cli.demo import demo_command
from loader.cli.load import load_command
from loader.cli.output import show_error
from loader.cli.preview import preview_command
from loader.cli.resume import resume_command
from loader.cli.sandbox import sandbox_command
from loader.cli.schema import schema_command
from loader.cli.status import status_command
from loader.cli.validate import validate_command
from loader.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="loader")
def cli() -> None:
    """Load billing records through a REST API: each row once, with a receipt.

    Exit codes: 0 all is well; 2 wrong usage, mapping or configuration; 3 some rows were rejected; 4 the
    outcome of some rows is unknown; 5 stopped early; 6 somebody else is at work; 130, 143 interrupted.
    """


for _command in (
    demo_command,
    preview_command,
    validate_command,
    load_command,
    resume_command,
    status_command,
    schema_command,
    sandbox_command,
):
    cli.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and gives its exit code; errors are shown, not raised.

    Args:
        arguments: Without the program's name; None: the process's own.
    """
    try:
        code = cli.main(args=arguments, prog_name="loader", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        usage = getattr(error, "ctx", None)
        click.echo(f"next: {usage.command_path if usage else 'loader'} --help", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except LoaderError as error:
        show_error(error)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough; closing stdout once more must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def main() -> None:
    """The `loader` command."""
    sys.exit(run())
