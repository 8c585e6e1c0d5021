"""Check a mapping by itself, with its sources' columns and with its own examples, all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loader.errors import MappingError, SourceError
from loader.findings import CODES, Finding, Location
from loader.grouping import find_second_file
from loader.mapping import check_schema, join_of, read_draft
from loader.mapping.expressions import ignored
from loader.mapping.findings import Findings, in_file_order
from loader.mapping.prune import prune
from loader.mapping.tree import each_nodes
from loader.payload.examples import run_examples
from loader.pipeline.events import SourceNote
from loader.pipeline.rows.grouped import second_file_folders
from loader.pipeline.rows.inputs import source_options
from loader.source import read_columns
from loader.source.paths import expand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from loader.findings import JsonValue
    from loader.mapping import MappingDraft
    from loader.pipeline.events import Observer
    from loader.resources import RecordTypes
    from loader.source import SourceColumns


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found.

    Attributes:
        findings: In the order of the mapping's file; those about a source itself behind them.
        examples: How many examples were run.
    """

    findings: tuple[Finding, ...]
    examples: int

    @property
    def errors(self) -> int:
        """Return how many findings keep the mapping from being used."""
        return sum(CODES[finding.code].severity == "error" for finding in self.findings)


def check(
    text: str,
    name: str,
    sources: Sequence[str],
    overrides: Mapping[str, Any],
    *,
    types: RecordTypes,
    observer: Observer,
) -> CheckResult:
    """Check a mapping without reading rows.

    Args:
        text: The mapping's text.
        name: What findings call its file: its path, beside which second files may be.
        sources: Sources that it is for, globs among them; none: it is held against no columns.
        overrides: Keys of `source:` that win over the mapping's.
        types: The record types that a mapping may name.
        observer: Learns what was detected of the sources.

    Raises:
        ConfigurationError: An override is wrong.
    """
    try:
        draft = read_draft(text, name, types)
    except MappingError as error:
        return CheckResult(error.findings, 0)
    options = source_options(draft.source, overrides)
    draft = replace(draft, spec=draft.spec.model_copy(update={"source": options}))
    files, unreadable = _open_sources(sources, draft, observer)
    joined = _open_second_files(draft, files, Path(name)) if files else {}
    by_file = {file.path: check_schema(draft, file.schema, joined) for file in files}
    findings = [*draft.findings.of(), *_merge(by_file), *_find_idle_patterns(draft, files)]
    schema = files[0].schema if files else None
    of_examples, examples = _run_examples(draft, schema, next(iter(by_file.values()), draft.findings), joined)
    findings += [finding for finding in of_examples if finding not in findings]
    return CheckResult((*in_file_order(findings), *unreadable), examples)


def _open_sources(
    sources: Sequence[str], draft: MappingDraft, observer: Observer
) -> tuple[list[SourceColumns], list[Finding]]:
    """Return the columns of each file, and a finding for each that cannot be read."""
    files: list[SourceColumns] = []
    unreadable: list[Finding] = []
    for source in sources:
        try:
            paths = expand([source])
        except SourceError as error:
            unreadable.append(_unreadable(source, error))
            continue
        for path in paths:
            try:
                files += read_columns([path], draft.source)
            except SourceError as error:
                unreadable.append(_unreadable(path, error))
    for file in files:
        for note in file.notes:
            observer.on_event(SourceNote(file.name, note))
    return files, unreadable


def _unreadable(path: str, error: SourceError) -> Finding:
    return Finding("source.unreadable", params=_words(error), location=Location(file=path))


def _words(error: SourceError) -> dict[str, JsonValue]:
    return {"words": error.message, **({"next_step": error.next_step} if error.next_step else {})}


def _open_second_files(
    draft: MappingDraft, files: Sequence[SourceColumns], mapping_path: Path
) -> dict[str, Mapping[str, pl.DataType]]:
    """Return the columns of the second files that can be read; the draft gets a finding for each other."""
    folders = second_file_folders([file.path for file in files], mapping_path)
    columns: dict[str, Mapping[str, pl.DataType]] = {}
    for node in each_nodes(draft.tree):
        if (join := join_of(node)) is None or join.file in columns:
            continue
        try:
            (file,) = read_columns([find_second_file(join.file, folders)], join.source)
        except SourceError as error:
            place = (*node.yaml_path, "rows")
            draft.findings.add("mapping.second_file", place, node.path, part="value", params=_words(error))
        else:
            columns[join.file] = file.schema
    return columns


def _merge(by_file: Mapping[str, Findings]) -> list[Finding]:
    """Return the findings of all files, equal ones once; with their files, but for errors that all have."""
    sources: dict[Finding, list[str]] = {}
    for path, findings in by_file.items():
        for finding in findings.of():
            sources.setdefault(finding, []).append(path)
    return [
        finding
        if len(paths) == len(by_file) and CODES[finding.code].severity == "error"
        else replace(finding, params={**finding.params, "sources": [*paths]})
        for finding, paths in sources.items()
    ]


def _find_idle_patterns(draft: MappingDraft, files: Sequence[SourceColumns]) -> list[Finding]:
    """Return a finding for each pattern of `ignore` that no column of any file matches."""
    findings = Findings(draft.document)
    columns = [name for file in files for name in file.schema]
    for number, pattern in enumerate(draft.spec.ignore if files else ()):
        if not any(ignored(name, [pattern]) for name in columns):
            place = ("ignore", number)
            findings.add("mapping.idle_pattern", place, "ignore", part="value", pattern=pattern)
    return findings.of()


def _run_examples(
    draft: MappingDraft,
    schema: Mapping[str, pl.DataType] | None,
    known: Findings,
    joined: Mapping[str, Mapping[str, pl.DataType]],
) -> tuple[list[Finding], int]:
    """Run the examples through what of the mapping has no errors; other fields are not compared.

    Args:
        draft: The mapping.
        schema: The columns of a source; None where there is none.
        known: All that is wrong between the mapping and these columns.
        joined: The columns of second files, by name.

    Returns:
        What was found, and how many examples were run.
    """
    examples = draft.spec.examples
    if draft.record_type is None or not examples:
        return [], 0
    plan, left_out = prune(draft, draft.record_type, joined, known)
    skipped = [number for number in range(len(examples)) if draft.findings.wrong_at(("examples", number))]
    findings = Findings(draft.document)
    try:
        run_examples(plan, findings, schema, left_out, skipped)
    except MappingError as error:
        return list(error.findings), 0
    return findings.of(), len(examples) - len(skipped)
