"""What a run reads, and how: a mapping, its sources and the options for them, opened together."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import ValidationError

from loader import wording
from loader.approval import approval_of
from loader.errors import ConfigurationError
from loader.manifest import Manifest
from loader.mapping import parse_mapping
from loader.mapping.document import read_document
from loader.mapping.findings import Findings
from loader.mapping.grammar_errors import add_grammar_errors
from loader.pipeline.events import FindingReported, MappingChanged, SourceNote
from loader.pipeline.rows.grouped import (
    SecondFiles,
    group_notes,
    kept_groups,
    known_groups,
    open_second_files,
    with_groups,
)
from loader.settings import RunSettings, SourceOptions
from loader.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from loader.approval import Approval
    from loader.grouping import GroupedSource
    from loader.manifest import ApprovedReport
    from loader.mapping import MappingPlan
    from loader.pipeline.events import Note
    from loader.pipeline.rows.transform import Transformer
    from loader.records import Load
    from loader.resources import RecordType, RecordTypes
    from loader.source import Source


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is read: a mapping and the sources that it is for.

    Attributes:
        mapping: The mapping, with overrides of its `source:` section applied.
        source: Its files, opened.
        overrides: Those overrides.
        mapping_path: Where the mapping's file is, to notice later whether it changed; None: nowhere.
        second: The second files that the mapping takes rows of.
    """

    mapping: MappingPlan
    source: Source | GroupedSource
    overrides: Mapping[str, Any]
    mapping_path: Path | None = None
    second: SecondFiles = field(default_factory=lambda: SecondFiles({}))

    def approval(self, tenant: str | None, now: datetime) -> Approval:
        """Return what a person approves who signs for these inputs; `tenant` as in `approval_of`."""
        return approval_of(
            self.mapping,
            tenant,
            files=self.source.files,
            joined_files=[second.file for second in self.second.files.values()],
            now=now,
        )


def read_mapping(path: Path) -> tuple[str, str]:
    """Return a mapping file's text and name.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig"), path.name
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{path}: the mapping cannot be read: {reason}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: the mapping is not UTF-8 (byte {error.start})", next_step="Save the mapping as UTF-8."
        ) from None


def open_inputs(
    text: str,
    name: str,
    paths: Sequence[str],
    overrides: Mapping[str, Any],
    *,
    types: RecordTypes,
    spool: Path | None = None,
    mapping_path: Path | None = None,
    manifest: Manifest | None = None,
) -> Inputs:
    """Parse a mapping and open its sources.

    Args:
        text: The mapping's text.
        name: Its file name.
        paths: The sources, globs among them; `-` is standard input.
        overrides: Keys of `source:` that win over the mapping's.
        types: The record types that a mapping may name.
        spool: Where standard input is kept; None: in a temporary folder.
        mapping_path: Where its file is: second files are looked for beside it too; None: nowhere.
        manifest: What the load kept when it started; None for a new one.

    Raises:
        MappingError: The mapping cannot be used.
        SourceError: A source, or a second file, cannot be read.
        SourceChanged: A second file is not what it was.
        ConfigurationError: An override is wrong.
    """
    mapping = parse_mapping(text, name, types)
    options = source_options(mapping.source, overrides)
    mapping = mapping.with_source(options)
    source = open_source(paths, options, spool)
    kept_files = manifest.second_files if manifest else {}
    mapping, second = open_second_files(mapping, source, mapping_path, kept_files)
    records = with_groups(mapping, source, second, known_groups(manifest.groups if manifest else None))
    return Inputs(mapping, records, overrides, mapping_path, second)


def source_options(options: SourceOptions, overrides: Mapping[str, Any]) -> SourceOptions:
    """Return a `source:` section with overrides.

    Raises:
        ConfigurationError: A key or value is wrong; names all of them.
    """
    try:
        return SourceOptions.model_validate({**options.model_dump(exclude_unset=True), **overrides})
    except ValidationError as error:
        # An option has the rules of the key that it overrides, and so the same words for what is wrong.
        findings = Findings(read_document("{}", "-s"))
        add_grammar_errors(error, (), "", SourceOptions, findings)
        known = ", ".join(SourceOptions.model_fields)
        raise ConfigurationError(
            "\n".join(f"-s: {wording.line(finding)}" for finding in findings.errors),
            next_step=f"The keys are {known}.",
        ) from None


def input_notes(inputs: Inputs, transformer: Transformer) -> Iterator[Note]:
    """Compile the mapping for every file, and yield what was detected and warned of, each once.

    Raises:
        MappingError: The mapping and a file's columns do not go together.
        SourceError: Records of several rows cannot be made of the source's rows without a doubt.
    """
    warnings: set[str] = set()
    for file in inputs.source.files:
        yield from (SourceNote(file.name, text) for text in file.notes)
        for finding in transformer.compile(file).warnings:
            # Files with the same columns have the same warnings. A finding holds lists and has no hash.
            if (key := repr(finding)) not in warnings:
                warnings.add(key)
                yield FindingReported(finding)
    yield from group_notes(inputs.source, inputs.second)


def base_url_of(settings: RunSettings, record_type: RecordType) -> str:
    """Return where a record type's service is, without a slash at the end."""
    return (settings.base_url or record_type.service_url).rstrip("/")


def post_url(base_url: str, record_type: RecordType, tenant: str) -> str:
    """Return where a record type's records are posted to."""
    return base_url + record_type.path.format(tenantId=quote(tenant, safe=""))


def manifest_of(inputs: Inputs, settings: RunSettings, approved: ApprovedReport | None = None) -> Manifest:
    """Return what a resumed load needs again.

    Args:
        inputs: What is loaded.
        settings: How.
        approved: The report that approves it; None: none does.

    Raises:
        SourceError: Records of several rows cannot be made of the source's rows without a doubt.
    """
    return Manifest(
        settings=settings,
        sources=tuple(str(Path(file.path).absolute()) for file in inputs.source.files),
        source_options=dict(inputs.overrides),
        mapping_path=str(inputs.mapping_path.absolute()) if inputs.mapping_path else None,
        second_files=inputs.second.kept(),
        groups=kept_groups(inputs.source),
        approved=approved,
    )


def reopen_inputs(load: Load, types: RecordTypes) -> Inputs:
    """Return a load's inputs as they were when it started.

    Raises:
        SourceError: A source is no longer there.
        SourceChanged: It is there, and not what it was.
    """
    manifest = load.manifest
    inputs = open_inputs(
        load.mapping_text,
        load.mapping_name,
        manifest.sources,
        manifest.source_options,
        types=types,
        manifest=manifest,
    )
    inputs.source.checked(load.files)
    return inputs


def changed_settings_of(load: Load, changes: Mapping[str, Any]) -> RunSettings:
    """Return a load's settings as they were, with this run's changes."""
    return RunSettings.model_validate({**load.manifest.settings.model_dump(), **changes})


def mapping_change(load: Load) -> MappingChanged | None:
    """Return where a mapping's file differs from what its load uses; None where it does not, or is gone.

    A resumed load continues with the mapping as it was: a load half through one mapping and half through
    another would be neither.
    """
    path = load.manifest.mapping_path
    try:
        text = Path(path).read_text(encoding="utf-8-sig") if path else load.mapping_text
    except (OSError, UnicodeDecodeError):
        return None
    if text == load.mapping_text:
        return None
    pairs = zip_longest(load.mapping_text.splitlines(), text.splitlines(), fillvalue="")
    number, was, now = next(
        ((number, *pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1]), (1, "", "")
    )
    return MappingChanged(load.mapping_name, number, was.strip(), now.strip())
