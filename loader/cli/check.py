"""`loader check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from loader.cli.findings import show_findings
from loader.cli.options import source_options
from loader.cli.output import command_line, say_next, say_out, source_words
from loader.cli.progress import ProgressLines
from loader.cli.stdin import kept_sources
from loader.pipeline import check, read_mapping

if TYPE_CHECKING:
    from loader.records import MappingFinding

_WRONG: Final = 2
_KEYS: Final = ("severity", "file", "line", "column", "path", "message", "suggestion")


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
    """Check MAPPING, and its columns against those of SOURCES (- is standard input), without reading rows.

    All that is wrong is told at once, each with its place. The mapping's examples are run.
    """
    text, _ = read_mapping(mapping)
    sources = kept_sources(sources, overrides)
    checked = check(text, str(mapping), sources, overrides, ProgressLines())
    if as_json:
        click.echo(json.dumps({"findings": [_told(each) for each in checked.findings]}, ensure_ascii=False))
    else:
        show_findings(checked.findings, {str(mapping): text})
        say_out(_counted(checked.findings, checked.examples))
    words = [mapping, *(sources or ["SOURCE"]), *source_words(overrides)]
    if checked.errors:
        say_next(command_line("loader", "check", mapping, *sources, *source_words(overrides)))
        return _WRONG
    say_next(command_line("loader", "validate", *words))
    return 0


def _told(finding: MappingFinding) -> dict[str, Any]:
    """A finding as JSON has it: these keys and no others; more lines for people stand below the message."""
    told = {key: getattr(finding, key) for key in _KEYS}
    return {**told, "message": f"{finding.message}\n{finding.detail}"} if finding.detail else told


def _counted(findings: tuple[MappingFinding, ...], examples: int) -> str:
    told = []
    for severity in ("error", "warning", "note"):
        count = sum(each.severity == severity for each in findings)
        if count or severity == "error":
            told.append(f"{count or 'no'} {severity}{'' if count == 1 else 's'}")
    if examples:
        told.append(f"{examples} example{'' if examples == 1 else 's'} run")
    return ", ".join(told)
