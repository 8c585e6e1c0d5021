"""The shell: one file a command, options in, exit code out."""

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
from loader.cli.interrupts import Terminated, following_of, terminating
from loader.cli.load import load_command
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

    Exit codes: 0 all is well; 2 wrong usage, mapping or configuration; 3 some rows were rejected; 4 the
    outcome of some rows is unknown; 5 stopped early; 6 somebody else is at work; 130, 143 interrupted.
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
    """Runs a command line and gives its exit code; errors are shown, not raised.

    Args:
        arguments: Without the program's name; None: the process's own.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    with terminating():
        try:
            code = _invoke(given)
            sys.stdout.flush()
        except click.exceptions.Exit as done:
            return done.exit_code
        except BrokenPipeError:
            drop_output()
            return 0
        except click.ClickException as error:
            return _told_usage(error)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug, too, ends as the others do
            return _told(error, command_line("loader", *given))
    return code


def _told_usage(error: click.ClickException) -> int:
    error.show()
    context = error.ctx if isinstance(error, click.UsageError) else None
    say_next(f"{context.command_path if context else 'loader'} --help")
    return error.exit_code


def _told(error: Exception | KeyboardInterrupt, same: str) -> int:
    """Shows what ended a command; `same` is the command itself, to be run again where nothing else fits."""
    code = LoaderError.exit_code
    if isinstance(error, KeyboardInterrupt):
        by_term = isinstance(error, Terminated)
        say(f"interrupted by {'SIGTERM' if by_term else 'Ctrl-C'}")
        code = _TERMINATED if by_term else _INTERRUPTED
    elif isinstance(error, LoaderError):
        show_error(error)
        code = error.exit_code
    else:
        traceback.print_exception(error)
        say("error: this is a fault of the program: please report it with the lines above")
    say_next(following_of(error) or same)
    return code


def _invoke(arguments: Sequence[str]) -> int:
    """Click's `main`, but for what it does with interrupts and with pipes that nobody reads."""
    with cli.make_context("loader", list(arguments)) as context:
        code = cli.invoke(context)
    return code if isinstance(code, int) else 0


def main() -> None:
    """The `loader` command."""
    code = run()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the work is done: a late signal must not change its exit code
    sys.exit(code)
