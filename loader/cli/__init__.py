"""The shell: options in, exit code out; one file for each command."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import TYPE_CHECKING

import click

from loader import __version__
from loader.cli.check import check_command
from loader.cli.demo import demo_command
from loader.cli.init import init_command
from loader.cli.interrupts import Terminated, terminating
from loader.cli.load import load_command
from loader.cli.next_command import NextCommand
from loader.cli.output import command_line, drop_output, say, say_next, show_error
from loader.cli.preview import preview_command
from loader.cli.reconcile import reconcile_command
from loader.cli.report import report_command
from loader.cli.resume import resume_command
from loader.cli.sandbox import sandbox_command
from loader.cli.schema import schema_command
from loader.cli.status import status_command
from loader.cli.validate import validate_command
from loader.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130
_TERMINATED = 143


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="loader")
def cli() -> None:
    """Load billing records through a REST API: each row once, with a receipt.

    Exit codes: 0 success; 2 wrong usage, mapping or configuration; 3 some rows were rejected; 4 the
    outcome of some rows is unknown; 5 stopped early; 6 another process is at work; 130, 143 interrupted.
    """


for _command in (
    demo_command,
    init_command,
    preview_command,
    check_command,
    validate_command,
    load_command,
    resume_command,
    reconcile_command,
    status_command,
    report_command,
    schema_command,
    sandbox_command,
):
    cli.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; errors are shown, not raised.

    Args:
        arguments: Without the program's name; None: the process's own.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    next_command = NextCommand()
    with terminating():
        try:
            code = _invoke(given, next_command)
            sys.stdout.flush()
        except click.exceptions.Exit as done:
            return done.exit_code
        except BrokenPipeError:
            # `loader preview file | head -1`: whoever read the output has seen enough.
            drop_output()
            return 0
        except click.ClickException as error:
            return _show_usage(error)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug, too, ends as the others do
            code = _show_failure(error)
            # Where nothing else fits, the same command is what to run once the cause is gone.
            say_next(next_command.line or command_line("loader", *given))
    return code


def _show_usage(error: click.ClickException) -> int:
    error.show()
    context = error.ctx if isinstance(error, click.UsageError) else None
    say_next(f"{context.command_path if context else 'loader'} --help")
    return error.exit_code


def _show_failure(error: Exception | KeyboardInterrupt) -> int:
    """Show what ended a command, and return its exit code."""
    if isinstance(error, Terminated):
        say("interrupted by SIGTERM")
        return _TERMINATED
    if isinstance(error, KeyboardInterrupt):
        say("interrupted by Ctrl-C")
        return _INTERRUPTED
    if isinstance(error, LoaderError):
        show_error(error)
        return error.exit_code
    traceback.print_exception(error)
    say("error: this is a bug in the loader: please report it with the lines above")
    return LoaderError.exit_code


def _invoke(arguments: Sequence[str], next_command: NextCommand) -> int:
    """Do what Click's `main` does, but for interrupts and for pipes that nobody reads."""
    with cli.make_context("loader", list(arguments), obj=next_command) as context:
        code = cli.invoke(context)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the `loader` command, and end the process."""
    code = run()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the work is done: a late signal must not change its exit code
    sys.exit(code)
