"""Show a person errors, summaries, and the next command, always last."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from loader.records import REJECTED, Status
from loader.report.summary import SOME_IN_DOUBT, SOME_REJECTED, STOPPED_EARLY
from loader.text import count, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.pipeline.result import LoadResult
    from loader.report import Summary
    from loader.report.values import FindingGroup

_MEANINGS: Final = {
    "created": "new records",
    "valid": "would be sent",
    "already_loaded": "created by an earlier load, not sent again",
    "filtered": "left out by where, or a repeated header",
    "invalid": "have errors, not sent",
    "blocked": "wait for other records, not sent",
    "refused": "refused by the service",
    "in_doubt": "sent, outcome unknown",
    "pending": "not sent yet",
}
_LONGEST_REASON: Final = 200  # characters
_NO_LIMIT: Final = 100_000  # columns
_COLOURS: Final = {
    "created": "green",
    "valid": "green",
    "invalid": "red",
    "refused": "red",
    "blocked": "yellow",
    "in_doubt": "yellow",
    "pending": "yellow",
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise, so that `run` decides the exit code; rich would end the program with code 1."""
        raise BrokenPipeError


def error_console() -> Console:
    """Return a console on stderr, for what a person watches."""
    return _Console(stderr=True, highlight=False, width=_width(sys.stderr))


def out_console() -> Console:
    """Return a console on stdout, for results."""
    return _Console(highlight=False, width=_width(sys.stdout))


def drop_output() -> None:
    """Send the rest of the output nowhere: its reader has left, and that is no error at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _width(stream: TextIO) -> int | None:
    """Return a console's width; None: that of the window. A table in a pipe is never cut."""
    return None if stream.isatty() else _NO_LIMIT


def say(text: str) -> None:
    """Print a line for a person, on stderr."""
    click.echo(text, err=True)


def say_out(text: str) -> None:
    """Print a line of the result, on stdout."""
    click.echo(text)


def say_next(command: str) -> None:
    """Print the exact command to run next: the last line on stderr."""
    click.echo(f"next: {command}", err=True)


def show_error(error: LoaderError) -> None:
    """Print an error, and what to do about it."""
    colourful = is_terminal() and not os.environ.get("NO_COLOR")
    heading = click.style("error:", fg="red", bold=True) if colourful else "error:"
    click.echo(f"{heading} {error.message}", err=True)
    if error.next_step:
        click.echo(f"hint: {error.next_step}", err=True)


def command_line(*words: str | Path, home: Path | None = None) -> str:
    """Return a command that can be copied into a shell; with `--home` where it is not the usual one."""
    line = [str(word) for word in words]
    if home is not None and (str(home) != ".loader" or _was_given("home")):
        line += ["--home", str(home)]
    return shlex.join(line)


def _was_given(name: str) -> bool:
    """Return whether an option of the running command came from anywhere but its default."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(name) not in {None, ParameterSource.DEFAULT}


def source_words(overrides: Mapping[str, Any]) -> list[str]:
    """Return the `-s KEY=VALUE` that gave these overrides."""
    words: list[str] = []
    for key, value in overrides.items():
        words += ["-s", f"{key}={_as_option(value)}"]
    return words


def _as_option(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def show_summary(summary: Summary, *, title: str) -> None:
    """Print a summary as a table on stdout."""
    say_out(title)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_column(style="dim")
    table.add_row(f"{summary.rows['read']:,}", "read", "")
    for name, number in summary.rows.items():
        if name != "read" and (number or name in {"created", "valid", "invalid"}):
            style = _COLOURS.get(name, "") if number else ""
            table.add_row(f"{number:,}", name.replace("_", " "), _MEANINGS[name], style=style)
    out_console().print(table)
    requests = summary.requests
    if requests.sent:
        more = [f"{requests.retried:,} repeated"] if requests.retried else []
        more += [f"{requests.throttled:,} throttled"] if requests.throttled else []
        rate = f", {requests.sent / summary.seconds:,.0f}/s" if summary.seconds else ""
        say_out("; ".join([f"{count(requests.sent, 'request')} in {summary.seconds:.1f} s{rate}", *more]))
    for name, path in summary.files.items():
        say_out(f"{name}: {path}")
    if summary.approval:
        say_out(f"code: {summary.approval['code']}")
    if summary.approved:
        say_out(f"approved: {summary.approved}")


def show_groups(groups: Sequence[FindingGroup], most: int = 12) -> None:
    """Print what was wrong, most frequent first, on stderr."""
    for group in groups[:most]:
        more = ", …" if group.rows > len(group.record_nos) else ""
        records = ", ".join(str(record_no) for record_no in group.record_nos)
        say(f"{group.rows:>7,}  {shorten(group.title, _LONGEST_REASON)}  (record {records}{more})")
    if len(groups) > most:
        say(f"         and {count(len(groups) - most, 'more reason')}")


def load_title(summary: Summary) -> str:
    """Return the heading of a load's summary."""
    return f"{summary.resource} into {summary.tenant}: load {summary.load_id}"


def finish(result: LoadResult, *, title: str, as_json: bool, next_line: str | None) -> int:
    """Show how a command ended.

    Args:
        result: The end.
        title: The heading of the table.
        as_json: Whether stdout gets the JSON object in its place.
        next_line: The command to run next; None: there is none until a person has fixed something.

    Returns:
        The exit code.
    """
    # stderr first: in a terminal the table then comes last, just above what to run next.
    show_groups(result.groups)
    try:
        if as_json:
            click.echo(result.summary.to_json())
        else:
            show_summary(result.summary, title=title)
        sys.stdout.flush()
    except BrokenPipeError:
        # The load is what it is: a reader that left early must not change the exit code.
        drop_output()
    if result.error:
        show_error(result.error)
    if next_line is not None:
        say_next(next_line)
    return result.exit_code


def next_after_load(summary: Summary, code: int, home: Path, *, again: Sequence[str] | None = None) -> str:
    """Return what to run after a load.

    Args:
        summary: What it came to.
        code: What the program ends with.
        home: Where its files are.
        again: The mapping to load fixed rejects with, and options that this needs; None: it is not known.
    """
    load_id = summary.load_id or ""
    if code == STOPPED_EARLY or code > 128:  # noqa: PLR2004 - a signal's
        return command_line("loader", "resume", load_id, home=home)
    if code == SOME_IN_DOUBT:
        return command_line("loader", "reconcile", load_id, home=home)
    if code == SOME_REJECTED and all(summary.rows[status] == 0 for status in REJECTED - {Status.BLOCKED}):
        return command_line("loader", "resume", load_id, home=home)
    if code == SOME_REJECTED and "rejects" in summary.files and again:
        mapping, *options = again
        rejects = summary.files["rejects"]
        return command_line(
            "loader", "load", mapping, rejects, *options, "--tenant", summary.tenant or "", home=home
        )
    return command_line("loader", "status", load_id, home=home)


def is_terminal() -> bool:
    """Return whether a person watches stderr."""
    return sys.stderr.isatty()
