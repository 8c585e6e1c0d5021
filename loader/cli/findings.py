"""Findings about a mapping as a compiler shows them: the place, the line, the word underlined."""

from __future__ import annotations

import os
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Final

import click
from rich.cells import cell_len

from loader import wording
from loader.cli.output import say_out
from loader.findings import CODES, Location
from loader.mapping.yaml_paths import split_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.findings import Finding

_COLOURS: Final = {"error": "red", "warning": "yellow", "note": "cyan"}
_DIFF_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}
_NAMES_ITS_FILE: Final = frozenset({"source.unreadable"})
"""Codes with a message that begins with the file."""


def show_findings(findings: Sequence[Finding], texts: Mapping[str, str]) -> None:
    """Print findings on stdout; of several at one place the line is printed once, below the last.

    Args:
        findings: In their order.
        texts: The texts of files by their names; a finding of another file is printed without its line.
    """
    lines = {name: split_lines(text) for name, text in texts.items()}
    has_colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for location, group in groupby(findings, lambda finding: finding.location or Location()):
        together = list(group)
        for finding in together:
            say_out(_heading(finding, location, has_colours=has_colours))
        if location.line and location.end_column and location.file in lines:
            severity = CODES[together[-1].code].severity
            colour = _COLOURS[severity] if has_colours else None
            for line in _excerpt(location, lines[location.file][location.line - 1], colour):
                say_out(line)
        for finding in together:
            for line in _advice(finding):
                say_out("    " + _painted(line, has_colours=has_colours))


def _heading(finding: Finding, location: Location, *, has_colours: bool) -> str:
    parts = (location.file, location.line, location.column)
    place = "" if finding.code in _NAMES_ITS_FILE else ":".join(str(part) for part in parts if part)
    severity = CODES[finding.code].severity
    label = f"{severity}:"
    if has_colours:
        place = click.style(place, bold=True) if place else place
        label = click.style(label, fg=_COLOURS[severity], bold=True)
    return f"{place + ': ' if place else ''}{label} {wording.line(finding)} [{finding.code}]"


def _advice(finding: Finding) -> list[str]:
    """Return the lines below a finding: details, and what to do where the message does not suggest it."""
    detail = wording.detail(finding).splitlines()
    return detail if finding.params.get("suggestion") else [*detail, f"fix: {wording.fix(finding)}"]


def _excerpt(location: Location, line: str, colour: str | None) -> list[str]:
    start, end = (location.column or 1) - 1, (location.end_column or 2) - 1
    # Tabs stay tabs, and wide letters count double, so that the signs below are in their columns.
    ahead = "".join("\t" if letter == "\t" else " " * cell_len(letter) for letter in line[:start])
    under = "^" * max(1, cell_len(line[start:end]))
    if colour:
        under = click.style(under, fg=colour, bold=True)
    return [f"{location.line:>5} | {line}", f"      | {ahead}{under}"]


def _painted(line: str, *, has_colours: bool) -> str:
    colour = _DIFF_COLOURS.get(line[:1])
    return click.style(line, fg=colour) if has_colours and colour else line
