"""What a person sees: errors, summaries, and the next command, always last."""

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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.pipeline import LoadResult, Reason
    from loader.report import Summary

_MEANINGS: Final = {
    "created": "new records",
    "valid": "would be sent",
    "already_loaded": "created by an earlier load, not sent again",
    "filtered": "left out by where, or the header again",
    "invalid": "wrong, not sent",
    "blocked": "wait for something else, not sent",
    "refused": "not taken by the service",
    "in_doubt": "sent, and nobody knows whether they were stored",
    "pending": "not sent yet",
}
_LONG: Final = 200
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
        """Leaves it to the shell's door; rich would end the program with code 1."""
        raise BrokenPipeError


def error_console() -> Console:
    """What a person watches goes to stderr."""
    return _Console(stderr=True, highlight=False, width=_width(sys.stderr))


def out_console() -> Console:
    """Results go to stdout."""
    return _Console(highlight=False, width=_width(sys.stdout))


def drop_output() -> None:
    """Whoever read our output has seen enough: what is left of it must not complain at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _width(stream: TextIO) -> int | None:
    """No limit where nobody's window sets one, so that a table in a pipe is whole; None: the window's."""
    return None if stream.isatty() else _NO_LIMIT


def say(text: str) -> None:
    """A line for whoever watches."""
    click.echo(text, err=True)


def say_out(text: str) -> None:
    """A line of the result."""
    click.echo(text)


def say_next(command: str) -> None:
    """The exact command to run next: the last line on stderr."""
    click.echo(f"next: {command}", err=True)


def show_error(error: LoaderError) -> None:
    """An error, and what can be done about it."""
    colourful = is_terminal() and not os.environ.get("NO_COLOR")
    heading = click.style("error:", fg="red", bold=True) if colourful else "error:"
    click.echo(f"{heading} {error.message}", err=True)
    if error.next_step:
        click.echo(f"hint: {error.next_step}", err=True)


def command_line(*words: str | Path, home: Path | None = None) -> str:
    """A command that can be copied into a shell; `--home` is named where it is not the usual one."""
    told = [str(word) for word in words]
    if home is not None and (str(home) != ".loader" or _was_given("home")):
        told += ["--home", str(home)]
    return shlex.join(told)


def _was_given(name: str) -> bool:
    """Whether an option of the command that runs came from anywhere but its default."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(name) not in {None, ParameterSource.DEFAULT}


def source_words(overrides: Mapping[str, Any]) -> list[str]:
    """The `-s KEY=VALUE` that gave these overrides."""
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
    """A summary as a table on stdout."""
    say_out(title)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_column(style="dim")
    table.add_row(f"{summary.rows['read']:,}", "read", "")
    for name, count in summary.rows.items():
        if name != "read" and (count or name in {"created", "valid", "invalid"}):
            style = _COLOURS.get(name, "") if count else ""
            table.add_row(f"{count:,}", name.replace("_", " "), _MEANINGS[name], style=style)
    out_console().print(table)
    requests = summary.requests
    if requests.sent:
        more = [f"{requests.retried:,} repeated"] if requests.retried else []
        more += [f"{requests.throttled:,} throttled"] if requests.throttled else []
        rate = f", {requests.sent / summary.seconds:,.0f}/s" if summary.seconds else ""
        say_out("; ".join([f"{requests.sent:,} requests in {summary.seconds:.1f} s{rate}", *more]))
    for name, path in summary.files.items():
        say_out(f"{name}: {path}")
    if summary.approval:
        say_out(f"code: {summary.approval['code']}")
    if summary.approved:
        say_out(f"approved: {summary.approved}")


def show_reasons(reasons: Sequence[Reason], most: int = 12) -> None:
    """What was wrong, most frequent first, on stderr."""
    for reason in reasons[:most]:
        more = ", …" if reason.count > len(reason.places) else ""
        words = reason.words if len(reason.words) <= _LONG else f"{reason.words[:_LONG]}…"
        say(f"{reason.count:>7,}  {words}  (record {', '.join(reason.places)}{more})")
    if len(reasons) > most:
        say(f"         and {len(reasons) - most:,} more reasons")


def finish(result: LoadResult, *, title: str, as_json: bool, following: str) -> int:
    """Shows how a command ended.

    Args:
        result: The end.
        title: The heading of the table.
        as_json: Whether stdout gets the JSON object in its place.
        following: The command to run next.

    Returns:
        The exit code.
    """
    show_reasons(result.reasons)
    try:
        if as_json:
            click.echo(result.summary.to_json())
        else:
            show_summary(result.summary, title=title)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
    if result.reason:
        show_error(result.reason)
    say_next(following)
    return result.exit_code


def next_after_load(summary: Summary, code: int, home: Path, *, again: Sequence[str] | None = None) -> str:
    """What to run after a load.

    Args:
        summary: What it came to.
        code: What the program ends with.
        home: Where its files are.
        again: The mapping to load mended rejects with, and options that this needs; None: it is not known.
    """
    load_id = summary.load_id or ""
    if code == STOPPED_EARLY or code > 128:  # noqa: PLR2004 - a signal's
        return command_line("loader", "resume", load_id, home=home)
    if code == SOME_IN_DOUBT:
        return command_line("loader", "reconcile", load_id, home=home)
    if code == SOME_REJECTED and all(summary.rows[each] == 0 for each in REJECTED - {Status.BLOCKED}):
        return command_line("loader", "resume", load_id, home=home)
    if code == SOME_REJECTED and "rejects" in summary.files and again:
        mapping, *options = again
        rejects = summary.files["rejects"]
        return command_line(
            "loader", "load", mapping, rejects, *options, "--tenant", summary.tenant or "", home=home
        )
    return command_line("loader", "status", load_id, home=home)


def is_terminal() -> bool:
    """Whether somebody watches stderr."""
    return sys.stderr.isatty()
