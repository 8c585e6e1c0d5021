"""Propose a mapping from a source's first records, and try it on them."""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.atomic_file import AtomicFile
from loader.errors import ConfigurationError, SourceError
from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build
from loader.pipeline.events import SourceNote
from loader.pipeline.rows.inputs import source_options
from loader.records import PROBLEM, STATE
from loader.settings import SourceOptions
from loader.source import open_source
from loader.suggest import Proposal, SourceSample, propose
from loader.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.pipeline.events import Observer
    from loader.records import Batch, SourceFile
    from loader.resources import RecordType, RecordTypes
    from loader.source import Source

_BATCH: Final = 1_000
_MOST_BYTES: Final = 256 * 1024 * 1024  # of cells in memory, whatever number of records was asked for


@dataclass(frozen=True, slots=True)
class ProposedMapping:
    """A proposal, and what it makes of the records that it comes from.

    Attributes:
        proposal: The mapping, with what there is to report about it.
        read: How many records were looked at.
        complete: Whether these are all that there are.
        states: How many of them would be ready, invalid or filtered; None where a required field is missing,
            so that the mapping is not complete yet.
    """

    proposal: Proposal
    read: int
    complete: bool
    states: Mapping[str, int] | None


def propose_mapping(
    path: str,
    record_type: RecordType,
    overrides: Mapping[str, Any],
    *,
    types: RecordTypes,
    rows: int,
    observer: Observer,
) -> ProposedMapping:
    """Propose a mapping for a source.

    Args:
        path: The source; of a glob the first file is looked at.
        record_type: What the rows are to become.
        overrides: Keys of `source:`.
        types: All record types: a mapping may look up ids of others.
        rows: How many rows to look at, at most.
        observer: Learns what was detected.

    Raises:
        SourceError: The source cannot be read, or has no records.
        ConfigurationError: An override is wrong.
    """
    options = source_options(SourceOptions(), overrides)
    source = open_source([path], options)
    file, *others = source.files
    for note in file.notes:
        observer.on_event(SourceNote(file.name, note))
    if others:
        observer.on_event(SourceNote(file.name, f"the first of {count(len(source.files), 'file')}"))
    batches, complete = _first_batches(source, rows)
    if not batches:
        raise SourceError(
            f"{path}: no records below the header; a mapping is proposed from values",
            next_step="Use a file with records.",
        )
    read = pl.concat([batch.rows for batch in batches])
    readable = read.filter(pl.col(PROBLEM).is_null()).select(list(file.schema))
    sample = SourceSample(readable, read.height, complete, file.name, _source_section(file, options))
    proposal = propose(sample, record_type, types)
    states = None if proposal.missing else _try(proposal, file, batches, types)
    return ProposedMapping(proposal, read.height, complete, states)


def _first_batches(source: Source, rows: int) -> tuple[list[Batch], bool]:
    """Return the first file's first records, and whether these are all of them."""
    batches: list[Batch] = []
    size, read = 0.0, 0
    # One record more than asked for shows whether there are more.
    for batch in source.batches(_BATCH, limit=rows + 1):
        if batch.file.file_no:
            break
        if size > _MOST_BYTES or read >= rows:
            return batches, False
        batches.append(batch)
        size += batch.rows.estimated_size()
        read += batch.rows.height
    if read > rows:
        last = batches[-1]
        return [*batches[:-1], replace(last, rows=last.rows.head(rows - read))], False
    return batches, True


def _source_section(file: SourceFile, options: SourceOptions) -> dict[str, Any]:
    """Return the `source:` section: the options that were given, and what was detected for the others."""
    detected: dict[str, Any] = {"format": file.format}
    if (dialect := file.dialect) is not None:
        detected |= {"delimiter": dialect.delimiter, "quote": dialect.quote}
        detected |= {"escape": dialect.escape} if dialect.escape else {}
        detected["encoding"] = dialect.encoding
        line_end = r"\r\n?|\n" if dialect.newline == "\r" else r"\n"
        above, below = (len(re.findall(line_end, text)) for text in (dialect.preamble, dialect.footer))
        detected |= {"skip_lines": above} if above else {}
        detected |= {} if dialect.header else {"header": False}
        detected |= {"header": dialect.header_lines} if dialect.header_lines > 1 else {}
        detected |= {"skip_footer": below} if below else {}
    return {**detected, **options.model_dump(exclude_unset=True, mode="json")}


def _try(
    proposal: Proposal, file: SourceFile, batches: Sequence[Batch], types: RecordTypes
) -> dict[str, int]:
    """Return what the proposal makes of the records, by state."""
    compiled = compile_mapping(parse_mapping(proposal.text, "proposal", types), file.schema)
    states: Counter[str] = Counter()
    for batch in batches:
        states.update(build(batch.rows, compiled).rows[STATE].to_list())
    return dict(states)


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet, whole or not at all.

    Raises:
        ConfigurationError: It exists, or cannot be written.
    """
    try:
        if not path.parent.is_dir():  # `AtomicFile` would make it, and a misspelt path with it
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        draft = AtomicFile(path)
        try:
            draft.file.write(text.encode())
            # A draft is its owner's alone. A mapping is meant to be shared like any file of an editor.
            draft.draft_path.chmod(0o666 & ~_umask())
            draft.publish(overwrite=False)
        finally:
            draft.discard()
    except FileExistsError:
        raise exists_already(path) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)  # it can only be read by setting it
    os.umask(mask)
    return mask


def exists_already(path: Path) -> ConfigurationError:
    """Return the error for a file that must not be overwritten."""
    return ConfigurationError(
        f"{path}: exists already, and init overwrites nothing",
        next_step="Choose another name with -o, or move that file away.",
    )
