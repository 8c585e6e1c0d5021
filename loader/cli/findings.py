"""What is wrong with a mapping, as a compiler shows it: the place, the line, the word underlined."""

from __future__ import annotations

import os
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Final

import click
from rich.cells import cell_len

from loader.cli.output import say_out
from loader.mapping.yaml_paths import split_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.records import MappingFinding

_COLOURS: Final = {"error": "red", "warning": "yellow", "note": "cyan"}
_SECTIONS: Final = frozenset({"fields", "examples", "ignore", "where"})
_DIFF_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


def show_findings(findings: Sequence[MappingFinding], texts: Mapping[str, str]) -> None:
    """Shows findings on stdout; of several at one place the line is shown once, below the last.

    Args:
        findings: In their order.
        texts: The texts of files by their names; a finding of another file is shown without its line.
    """
    lines = {name: split_lines(text) for name, text in texts.items()}
    colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for _, together in groupby(findings, lambda each: (each.file, each.line, each.column, each.end_column)):
        same = list(together)
        for each in same:
            say_out(_heading(each, colourful=colourful))
        last = same[-1]
        if last.line and last.end_column and last.file in lines:
            for line in _excerpt(last, lines[last.file][last.line - 1], colourful=colourful):
                say_out(line)
        for each in same:
            for line in each.detail.splitlines():
                say_out("    " + _painted(line, colourful=colourful))


def _heading(finding: MappingFinding, *, colourful: bool) -> str:
    place = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part)
    severity = f"{finding.severity}:"
    if colourful:
        place = click.style(place, bold=True)
        severity = click.style(severity, fg=_COLOURS[finding.severity], bold=True)
    advice = f" ({finding.suggestion})" if finding.suggestion else ""
    return f"{place}: {severity} {_where(finding)}{finding.message}{advice}"


def _where(finding: MappingFinding) -> str:
    """The path, where neither the message nor the place names it."""
    known = not finding.path or finding.path in finding.message or finding.path in _SECTIONS
    return "" if known else f"{finding.path}: "


def _excerpt(finding: MappingFinding, line: str, *, colourful: bool) -> list[str]:
    start, end = (finding.column or 1) - 1, (finding.end_column or 2) - 1
    ahead = "".join("\t" if letter == "\t" else " " * cell_len(letter) for letter in line[:start])
    under = "^" * max(1, cell_len(line[start:end]))
    if colourful:
        under = click.style(under, fg=_COLOURS[finding.severity], bold=True)
    return [f"{finding.line:>5} | {line}", f"      | {ahead}{under}"]


def _painted(line: str, *, colourful: bool) -> str:
    colour = _DIFF_COLOURS.get(line[:1])
    return click.style(line, fg=colour) if colourful and colour else line
