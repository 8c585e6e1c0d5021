"""What a person sees: errors, summaries, and the next command, always last."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table

from loader.report.summary import SOME_REJECTED, STOPPED_EARLY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loader.errors import LoaderError
    from loader.pipeline import Reason, Result
    from loader.report import Summary

_MEANINGS: Final = {
    "created": "new records",
    "valid": "would be sent",
    "already_loaded": "created by an earlier load, not sent again",
    "filtered": "left out by where",
    "invalid": "wrong, not sent",
    "blocked": "wait for something else, not sent",
    "refused": "not taken by the service",
    "in_doubt": "sent, and nobody knows whether they were stored",
    "pending": "not sent yet",
}
_LONG: Final = 200
_COLOURS: Final = {
    "created": "green",
    "valid": "green",
    "invalid": "red",
    "refused": "red",
    "blocked": "yellow",
    "in_doubt": "yellow",
    "pending": "yellow",
}


def error_console() -> Console:
    """What a person watches goes to stderr."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def out_console() -> Console:
    """Results go to stdout."""
    return Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A line for whoever watches."""
    click.echo(text, err=True)


def say_next(command: str | None) -> None:
    """The exact command to run next: the last line on stderr."""
    if command:
        click.echo(f"next: {command}", err=True)


def show_error(error: LoaderError) -> None:
    """An error, and what to do about it."""
    click.echo(click.style("error: ", fg="red", bold=True) + error.message, err=True)
    if error.next_step:
        click.echo(f"next: {error.next_step}", err=True)


def command_line(*words: str | Path, home: Path | None = None) -> str:
    """A command that can be copied into a shell; `--home` is named where it is not the usual one."""
    told = [str(word) for word in words]
    if home is not None and str(home) != ".loader":
        told += ["--home", str(home)]
    return shlex.join(told)


def show_summary(summary: Summary, *, title: str) -> None:
    """A summary as a table on stdout."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_column(style="dim")
    table.add_row(f"{summary.rows['read']:,}", "read", "")
    for name, count in summary.rows.items():
        if name != "read" and (count or name in {"created", "valid", "invalid"}):
            style = _COLOURS.get(name, "") if count else ""
            table.add_row(f"{count:,}", name.replace("_", " "), _MEANINGS[name], style=style)
    console = out_console()
    console.print(table)
    requests = summary.requests
    if requests.sent:
        more = [f"{requests.retried:,} repeated"] if requests.retried else []
        more += [f"{requests.throttled:,} throttled"] if requests.throttled else []
        rate = f", {requests.sent / summary.seconds:,.0f}/s" if summary.seconds else ""
        console.print(f"{requests.sent:,} requests in {summary.seconds:.1f} s{rate}", *more, sep="; ")
    for name, path in summary.files.items():
        console.print(f"{name}: {path}")


def show_reasons(reasons: Sequence[Reason], most: int = 12) -> None:
    """What was wrong, most frequent first, on stderr."""
    for reason in reasons[:most]:
        more = ", …" if reason.count > len(reason.places) else ""
        words = reason.words if len(reason.words) <= _LONG else f"{reason.words[:_LONG]}…"
        say(f"{reason.count:>7,}  {words}  (record {', '.join(reason.places)}{more})")
    if len(reasons) > most:
        say(f"         and {len(reasons) - most:,} more reasons")


def finish(result: Result, *, title: str, as_json: bool, following: str) -> int:
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
    if as_json:
        click.echo(result.summary.to_json())
    else:
        show_summary(result.summary, title=title)
    if result.reason:
        show_error(result.reason)
    say_next(following)
    return result.exit_code


def next_after_load(summary: Summary, code: int, home: Path, mapping: str | None) -> str:
    """What to run after a load."""
    load_id = summary.load_id or ""
    if code == STOPPED_EARLY or code > 128:  # noqa: PLR2004 - a signal's
        return command_line("loader", "resume", load_id, home=home)
    if code == SOME_REJECTED and "rejects" in summary.files and mapping:
        mended = [mapping, summary.files["rejects"], "--tenant", summary.tenant or ""]
        return command_line("loader", "load", *mended, home=home)
    return command_line("loader", "status", load_id, home=home)


def is_terminal() -> bool:
    """Whether somebody watches stderr."""
    return sys.stderr.isatty()
