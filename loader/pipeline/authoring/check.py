"""A mapping held against itself, its sources' columns and its own examples: all that is wrong, at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loader.errors import MappingError, SourceError
from loader.grouping import find_second_file
from loader.mapping import MappingPlan, examine, examine_columns
from loader.mapping.expressions import ignored
from loader.mapping.findings import Findings
from loader.mapping.groups import join_of
from loader.mapping.prune import sound_part
from loader.mapping.tree import each_nodes
from loader.payload.examples import run_examples
from loader.pipeline.rows.grouped import second_file_folders
from loader.pipeline.rows.inputs import source_options
from loader.records import MappingFinding
from loader.source import read_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from loader.mapping import MappingDraft
    from loader.pipeline.events import Observer
    from loader.source import SourceColumns


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found.

    Attributes:
        findings: In the order of the mapping's file; those about a source itself behind them.
        text: The mapping's text.
        examples: How many examples were run.
    """

    findings: tuple[MappingFinding, ...]
    text: str
    examples: int

    @property
    def errors(self) -> int:
        """How many findings keep the mapping from being used."""
        return sum(each.severity == "error" for each in self.findings)


def check(
    text: str, name: str, sources: Sequence[str], overrides: Mapping[str, Any], watcher: Observer
) -> CheckResult:
    """Checks a mapping without reading rows.

    Args:
        text: The mapping's text.
        name: What findings call its file.
        sources: Sources that it is for, globs among them; none: it is held against no columns.
        overrides: Keys of `source:` that win over the mapping's.
        watcher: Is told what was detected.

    Raises:
        ConfigurationError: An override is wrong.
    """
    try:
        found = examine(text, name)
    except MappingError as error:
        return CheckResult(error.findings, text, 0)
    options = source_options(found.file.source, overrides)
    found = replace(found, file=found.file.model_copy(update={"source": options}))
    files, unreadable = _open(sources, found, watcher)
    joined = _second_files(found, files, Path(name)) if files else {}
    by_file = {file.path: examine_columns(found, file.schema, joined) for file in files}
    findings = [*found.findings.of("error", "warning", "note"), *_merged(by_file)]
    findings += _idle_patterns(found, files)
    tried, examples = _examples(found, files[0].schema if files else None, by_file, joined)
    findings += [each for each in tried if each not in findings]
    ordered = sorted(findings, key=lambda each: (each.line or 0, each.column or 0))
    return CheckResult((*ordered, *unreadable), text, examples)


def _open(
    sources: Sequence[str], found: MappingDraft, watcher: Observer
) -> tuple[list[SourceColumns], list[MappingFinding]]:
    """The columns of each source; one that cannot be read is a finding of its own."""
    files: list[SourceColumns] = []
    unreadable: list[MappingFinding] = []
    for source in sources:
        try:
            opened = read_columns([source], found.file.source)
        except SourceError as error:
            path, colon, message = error.message.partition(": ")
            message = message if colon else error.message
            unreadable.append(MappingFinding("error", message, suggestion=error.next_step, file=path))
            continue
        for each in opened:
            for note in each.notes:
                watcher.note(f"{each.name}: {note}")
        files += opened
    return files, unreadable


def _second_files(
    found: MappingDraft, files: Sequence[SourceColumns], mapping_path: Path
) -> dict[str, Mapping[str, pl.DataType]]:
    """The columns of the second files that can be read; what is wrong with others goes into the findings."""
    folders = second_file_folders([file.path for file in files], mapping_path)
    columns: dict[str, Mapping[str, pl.DataType]] = {}
    for node in each_nodes(found.tree):
        if (join := join_of(node)) is None or join.file in columns:
            continue
        try:
            (opened,) = read_columns([find_second_file(join.file, folders)], join.source)
        except SourceError as error:
            place = (*node.place, "rows")
            found.findings.error(place, node.path, error.message, suggestion=error.next_step, part="value")
        else:
            columns[join.file] = opened.schema
    return columns


def _merged(by_file: Mapping[str, Findings]) -> list[MappingFinding]:
    """The findings of each file; equal ones once, and with their files where not all have them."""
    whose: dict[MappingFinding, list[str]] = {}
    for path, findings in by_file.items():
        for each in findings.of("error", "warning", "note"):
            whose.setdefault(each, []).append(path)
    return [
        each
        if len(paths) == len(by_file) and each.severity == "error"
        else replace(each, message=f"{', '.join(paths)}: {each.message}")
        for each, paths in whose.items()
    ]


def _idle_patterns(found: MappingDraft, files: Sequence[SourceColumns]) -> list[MappingFinding]:
    """Patterns of `ignore` that no column of any file matches."""
    findings = Findings(found.document)
    columns = [name for file in files for name in file.schema]
    for number, pattern in enumerate(found.file.ignore if files else ()):
        if not any(ignored(name, [pattern]) for name in columns):
            message = f"no column matches {pattern!r}"
            findings.add("warning", ("ignore", number), "ignore", message, part="value")
    return findings.of("warning")


def _examples(
    found: MappingDraft,
    schema: Mapping[str, pl.DataType] | None,
    by_file: Mapping[str, Findings],
    joined: Mapping[str, Mapping[str, pl.DataType]],
) -> tuple[list[MappingFinding], int]:
    """Runs the examples through what of the mapping is sound; fields whose rules are wrong are left out."""
    examples = found.file.examples
    if found.record is None or not examples:
        return [], 0
    of_columns = next(iter(by_file.values()), found.findings)

    def wrong(place: tuple[str | int, ...]) -> bool:
        return found.findings.wrong_at(place) or of_columns.wrong_at(place)

    tree, free = sound_part(found.tree, wrong)
    external_id = None if wrong(("external_id",)) else found.external_id
    if external_id is None:
        free = (*free, "sys_external_id", "external_id")
    where = None if wrong(("where",)) else found.file.where
    free = free if where == found.file.where else (*free, "where")
    mapping = MappingPlan(
        text=found.text,
        name=found.name,
        file=found.file.model_copy(update={"where": where}),
        record=found.record,
        tree=tree,
        external_id=external_id,
        warnings=(),
        document=found.document,
        joined=joined,
    )
    skipped = [number for number in range(len(examples)) if found.findings.wrong_at(("examples", number))]
    findings = Findings(found.document)
    try:
        differences = run_examples(mapping, schema, free, skipped)
    except MappingError as error:
        return list(error.findings), 0
    for each in differences:
        findings.add(
            each.severity,
            each.place,
            each.path,
            each.message,
            suggestion=each.suggestion,
            part=each.part,
            detail=each.detail,
        )
    return findings.of("error", "warning"), len(examples) - len(skipped)
