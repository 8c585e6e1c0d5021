"""A mapping proposed from a source's first records, and tried on them."""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.errors import ConfigurationError, SourceError
from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build
from loader.pipeline.rows.inputs import source_options
from loader.records import PROBLEM, STATE
from loader.settings import SourceOptions
from loader.source import open_source
from loader.suggest import Proposal, SourceSample, propose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.pipeline.events import Observer
    from loader.records import Batch, SourceFile
    from loader.resources import Record
    from loader.source import Source

_BATCH: Final = 1_000
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})  # a file system without hard links
_MOST_BYTES: Final = 256 * 1024 * 1024  # of cells in memory, whatever number of records was asked for


@dataclass(frozen=True, slots=True)
class ProposedMapping:
    """A proposal, and what it makes of the records that it comes from.

    Attributes:
        proposal: The mapping, with what there is to say about it.
        read: So many records were looked at.
        whole: Whether these are all that there are.
        states: How many of them would be ready, invalid or filtered; None where a required field is missing,
            so that it is no whole mapping yet.
    """

    proposal: Proposal
    read: int
    whole: bool
    states: Mapping[str, int] | None


def propose_mapping(
    path: str, record: type[Record], overrides: Mapping[str, Any], *, rows: int, watcher: Observer
) -> ProposedMapping:
    """Proposes a mapping for a source.

    Args:
        path: The source; of a glob the first file is looked at.
        record: The record type's model.
        overrides: Keys of `source:`.
        rows: Look at so many records at most.
        watcher: Is told what was detected.

    Raises:
        SourceError: The source cannot be read, or has no records.
        ConfigurationError: An override is wrong.
    """
    options = source_options(SourceOptions(), overrides)
    source = open_source([path], options)
    file, *others = source.files
    for note in file.notes:
        watcher.note(f"{file.name}: {note}")
    if others:
        watcher.note(f"{file.name}: looked at; it is one of {len(source.files)} files")
    batches, whole = _first(source, rows)
    if not batches:
        raise SourceError(
            f"{path}: has no records below its header; a mapping is proposed from values",
            next_step="Give a file with records.",
        )
    read = pl.concat([batch.rows for batch in batches])
    sound = read.filter(pl.col(PROBLEM).is_null()).select(list(file.schema))
    proposal = propose(SourceSample(sound, read.height, whole, file.name, _section(file, options)), record)
    return ProposedMapping(
        proposal, read.height, whole, None if proposal.missing else _tried(proposal, file, batches)
    )


def _first(source: Source, rows: int) -> tuple[list[Batch], bool]:
    """The first file's first records, and whether these are all of them."""
    batches: list[Batch] = []
    size, read = 0.0, 0
    for batch in source.batches(_BATCH, limit=rows + 1):
        if batch.file.file_no:
            break
        if size > _MOST_BYTES or read >= rows:
            return batches, False
        batches.append(batch)
        size += batch.rows.estimated_size()
        read += batch.rows.height
    if read > rows:
        return [*batches[:-1], _cut(batches[-1], rows - read)], False
    return batches, True


def _cut(batch: Batch, behind: int) -> Batch:
    return type(batch)(batch.file, batch.start, batch.end, batch.rows.head(behind), batch.extra)


def _section(file: SourceFile, options: SourceOptions) -> dict[str, Any]:
    """The `source:` section: what was said, and what was found where nothing was said."""
    found: dict[str, Any] = {"format": file.format}
    if (dialect := file.dialect) is not None:
        found |= {"delimiter": dialect.delimiter, "quote": dialect.quote}
        found |= {"escape": dialect.escape} if dialect.escape else {}
        found["encoding"] = dialect.encoding
        lines = r"\r\n?|\n" if dialect.newline == "\r" else r"\n"
        above, below = (len(re.findall(lines, text)) for text in (dialect.preamble, dialect.footer))
        found |= {"skip_lines": above} if above else {}
        found |= {} if dialect.header else {"header": False}
        found |= {"header": dialect.header_lines} if dialect.header_lines > 1 else {}
        found |= {"skip_footer": below} if below else {}
    said = options.model_dump(exclude_unset=True, mode="json")
    return {**found, **said}


def _tried(proposal: Proposal, file: SourceFile, batches: Sequence[Batch]) -> dict[str, int]:
    """What the proposal makes of the records, by state."""
    compiled = compile_mapping(parse_mapping(proposal.text), file.schema)
    states: Counter[str] = Counter()
    for batch in batches:
        states.update(build(batch.rows, compiled).rows[STATE].to_list())
    return dict(states)


def write_new(path: Path, text: str) -> None:
    """Writes a file that must not be there yet: whole or not at all.

    Raises:
        ConfigurationError: It is there already, or cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _put(draft, path)
    except FileExistsError:
        raise there_already(path) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from None


def _put(draft: Path, path: Path) -> None:
    """Gives a draft its name, unless the name is taken; a link tells that in one step."""
    try:
        path.hardlink_to(draft)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(path) from None
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def there_already(path: Path) -> ConfigurationError:
    """What to say of a file that must not be overwritten."""
    return ConfigurationError(
        f"{path}: is there already, and init overwrites nothing",
        next_step="Say another name with -o, or move that file away.",
    )
