"""What is to be loaded, and how: a mapping, its sources and the settings, held together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import ValidationError

from loader.errors import ConfigurationError
from loader.mapping import parse_mapping
from loader.mapping.words import wanted
from loader.pipeline.rows.grouped import (
    SecondFiles,
    frozen_several,
    open_second_files,
    several_notes,
    several_rows,
    thawed_layout,
)
from loader.settings import RunSettings, SourceOptions
from loader.source import Source, open_source
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

    from loader.grouping import GroupedSource
    from loader.mapping import MappingPlan
    from loader.pipeline.events import Observer
    from loader.pipeline.rows.transform import Transformer
    from loader.records import Load
    from loader.resources import Record


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is read: a mapping and the sources that it is for.

    Attributes:
        mapping: The mapping, with overrides of its `source:` section applied.
        source: Its files, opened.
        overrides: Those overrides.
        mapping_path: Where the mapping's file is, to tell later whether it has changed; None: nowhere.
        second: The second files that the mapping takes rows of.
    """

    mapping: MappingPlan
    source: Source | GroupedSource
    overrides: Mapping[str, Any]
    mapping_path: Path | None = None
    second: SecondFiles = field(default_factory=lambda: SecondFiles({}))


def read_mapping(path: Path) -> tuple[str, str]:
    """A mapping file's text and name.

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
            f"{path}: the mapping is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None


def open_inputs(
    text: str,
    name: str,
    paths: Sequence[str],
    overrides: Mapping[str, Any],
    *,
    spool: Path | None = None,
    mapping_path: Path | None = None,
    kept: Mapping[str, Any] | None = None,
) -> Inputs:
    """Parses a mapping and opens its sources.

    Args:
        text: The mapping's text.
        name: Its file name.
        paths: The sources, globs among them; `-` is standard input.
        overrides: Keys of `source:` that win over the mapping's.
        spool: Where standard input is kept; None: in a temporary folder.
        mapping_path: Where its file is: second files are looked for beside it too; None: nowhere.
        kept: What `frozen` gave when the load began; None for a new one.

    Raises:
        MappingError: The mapping cannot be used.
        SourceError: A source, or a second file, cannot be read.
        SourceChanged: A second file is not what it was.
        ConfigurationError: An override is wrong.
    """
    kept = kept or {}
    mapping = parse_mapping(text, name)
    options = source_options(mapping.source, overrides)
    mapping = replace(mapping, file=mapping.file.model_copy(update={"source": options}))
    source = open_source(paths, options, spool)
    mapping, second = open_second_files(mapping, source, mapping_path, kept.get("second_files", {}))
    records = several_rows(mapping, source, second, thawed_layout(kept))
    return Inputs(mapping, records, overrides, mapping_path, second)


def source_options(options: SourceOptions, overrides: Mapping[str, Any]) -> SourceOptions:
    """A `source:` section with overrides.

    Raises:
        ConfigurationError: A key or value is wrong; names all of them.
    """
    try:
        return SourceOptions.model_validate({**options.model_dump(exclude_unset=True), **overrides})
    except ValidationError as error:
        wrong = [_wrong_option(each) for each in error.errors(include_url=False)]
        known = ", ".join(SourceOptions.model_fields)
        raise ConfigurationError("\n".join(wrong), next_step=f"the keys are {known}") from None


def _wrong_option(error: ErrorDetails) -> str:
    key, *_ = (str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        meant = nearest(key, list(SourceOptions.model_fields))
        return f"-s {key}: unknown key{f'; did you mean {meant}?' if meant else ''}"
    takes = wanted(error)
    message = f"expected {takes}" if takes else error["msg"].removeprefix("Value error, ")
    return f"-s {key}: {message}; found {str(error['input'])[:60]!r}"


def tell_inputs(inputs: Inputs, preparer: Transformer, watcher: Observer) -> None:
    """Compiles the mapping for every file and says aloud what was detected and warned of.

    Raises:
        MappingError: The mapping and a file's columns do not go together.
        SourceError: Records of several rows cannot be made of the source's rows without a doubt.
    """
    said: set[str] = set()
    for file in inputs.source.files:
        notes = [f"{file.name}: {note}" for note in file.notes]
        notes += [f"{each.severity}: {each}" for each in preparer.compile(file).warnings]
        for note in notes:
            if note not in said:
                said.add(note)
                watcher.note(note)
    for note in several_notes(inputs.source, inputs.second):
        watcher.note(note)


def base_url_of(settings: RunSettings, record: type[Record]) -> str:
    """Where a record type's service is."""
    return (settings.base_url or record.service_url).rstrip("/")


def post_url(base_url: str, record: type[Record], tenant: str) -> str:
    """Where a record type's records are posted to."""
    return base_url + record.path.format(tenantId=quote(tenant, safe=""))


def frozen(inputs: Inputs, settings: RunSettings, approved: Mapping[str, str] | None = None) -> str:
    """What a resumed load has to know again, as JSON; no secrets.

    Args:
        inputs: What is loaded.
        settings: How.
        approved: What is kept of the report that approves it; None: none does.

    Raises:
        SourceError: Records of several rows cannot be made of the source's rows without a doubt.
    """
    paths = [str(Path(file.path).absolute()) for file in inputs.source.files]
    mapping_path = str(inputs.mapping_path.absolute()) if inputs.mapping_path else None
    kept = {"sources": paths, "source_options": dict(inputs.overrides), "mapping_path": mapping_path}
    kept |= frozen_several(inputs.source, inputs.second)
    signed = {"approved": dict(approved)} if approved else {}
    return json.dumps({**kept, **signed, "settings": settings.model_dump(mode="json")})


def thawed(load: Load, changes: Mapping[str, Any]) -> tuple[Inputs, RunSettings]:
    """A load's inputs and settings as they were, with this run's changes to the settings.

    Raises:
        SourceError: A source is not there any more.
        SourceChanged: It is, and is not what it was.
    """
    kept = json.loads(load.settings)
    paths, overrides = kept["sources"], kept["source_options"]
    inputs = open_inputs(load.mapping_text, load.mapping_name, paths, overrides, kept=kept)
    inputs.source.checked(load.files)
    return inputs, thawed_settings(load, changes)


def changed_mapping(load: Load) -> str | None:
    """What to say where a mapping's file has changed since its load began; None where it has not.

    A resumed load goes on with the mapping as it was: a load half through one mapping and half through
    another would be neither.
    """
    path = json.loads(load.settings).get("mapping_path")
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
    return (
        f"{load.mapping_name} has changed since the load began, from line {number} on "
        f"({was.strip()[:60]!r} is now {now.strip()[:60]!r}); the load goes on with the mapping as it was"
    )


def thawed_settings(load: Load, changes: Mapping[str, Any]) -> RunSettings:
    """A load's settings as they were, with this run's changes."""
    return RunSettings.model_validate({**json.loads(load.settings)["settings"], **changes})
