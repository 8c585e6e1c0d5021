"""`loader check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from loader import wording
from loader.cli.findings import show_findings
from loader.cli.options import source_options
from loader.cli.output import command_line, say_next, say_out, source_words
from loader.cli.progress import ProgressLines
from loader.cli.stdin import kept_sources
from loader.findings import CODES, Location
from loader.pipeline.authoring.check import check
from loader.pipeline.rows.inputs import read_mapping
from loader.resources import BUILT_IN
from loader.text import count

if TYPE_CHECKING:
    from loader.findings import Finding
    from loader.pipeline.authoring.check import CheckResult

_HAS_ERRORS: Final = 2
"""The exit code for a mapping that cannot be used."""


@click.command("check")
@click.argument("mapping", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1)
@source_options
@click.option(
    "--json", "as_json", is_flag=True, envvar="LOADER_JSON", help="Print the findings as one JSON object."
)
def check_command(
    mapping: Path, sources: tuple[str, ...], overrides: dict[str, Any], *, as_json: bool
) -> int:
    """Check MAPPING and its columns, without reading rows.

    With SOURCES (- is standard input), the columns are compared with theirs.
    All errors are shown at once, each with its place in the file. It also runs the mapping's examples.

    Example: loader check runs.yaml runs.csv
    """
    text, _ = read_mapping(mapping)
    sources = kept_sources(sources, overrides)
    result = check(text, str(mapping), sources, overrides, types=BUILT_IN, observer=ProgressLines())
    if as_json:
        findings = [_as_json(finding) for finding in result.findings]
        click.echo(json.dumps({"findings": findings}, ensure_ascii=False))
    else:
        show_findings(result.findings, {str(mapping): text})
        say_out(_summary(result))
    if result.errors:
        say_next(command_line("loader", "check", mapping, *sources, *source_words(overrides)))
        return _HAS_ERRORS
    say_next(command_line("loader", "validate", mapping, *(sources or ["SOURCE"]), *source_words(overrides)))
    return 0


def _as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as `--json` has it; more lines for people are below the message."""
    location = finding.location or Location()
    detail = wording.detail(finding)
    return {
        "code": finding.code,
        "severity": CODES[finding.code].severity,
        "file": location.file,
        "line": location.line,
        "column": location.column,
        "path": finding.field,
        "message": wording.message(finding) + (f"\n{detail}" if detail else ""),
        "suggestion": finding.params.get("suggestion"),
    }


def _summary(result: CheckResult) -> str:
    """Return how many findings there are, and how many examples were run."""
    parts = []
    for severity in ("error", "warning", "note"):
        number = sum(CODES[finding.code].severity == severity for finding in result.findings)
        if number or severity == "error":
            parts.append(count(number, severity) if number else "no errors")
    if result.examples:
        parts.append(f"{count(result.examples, 'example')} run")
    return ", ".join(parts)
