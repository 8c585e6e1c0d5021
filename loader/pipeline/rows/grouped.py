"""Sources with records of several rows: open their second files, and keep what a resume needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from loader.errors import SourceChanged
from loader.grouping import GroupedSource, GroupIndex, JoinedRows, find_second_file, open_second_file
from loader.manifest import KeptFile, KeptGroups
from loader.mapping import compile_mapping, joined_columns, joins_of
from loader.payload import kept_rows
from loader.pipeline.events import SourceNote
from loader.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from loader.grouping import SecondFile
    from loader.mapping import CompiledMapping, MappingPlan
    from loader.records import SourceFile
    from loader.source import Source


@dataclass(frozen=True, slots=True)
class SecondFiles:
    """The second files of a mapping, opened.

    Attributes:
        files: By the name that the mapping has for them.
    """

    files: Mapping[str, SecondFile]

    def notes(self) -> Iterator[SourceNote]:
        """Yield which files they are, and what was detected of each."""
        for name, second in self.files.items():
            rows = count(second.rows.height, "row")
            yield SourceNote(name, f"the second file is {second.file.path}; {rows} kept in memory")
            yield from (SourceNote(name, note) for note in second.file.notes)

    def kept(self) -> dict[str, KeptFile]:
        """Return what shows later whether they are what they were."""
        return {
            name: KeptFile(
                path=str(Path(second.file.path).absolute()),
                size=second.file.size,
                fingerprint=second.file.fingerprint,
            )
            for name, second in self.files.items()
        }


def open_second_files(
    mapping: MappingPlan,
    source: Source,
    mapping_path: Path | None,
    kept: Mapping[str, KeptFile],
) -> tuple[MappingPlan, SecondFiles]:
    """Find and read the second files of a mapping.

    Each is looked for beside the source's files, then beside the mapping, then in the working directory.

    Args:
        mapping: The mapping.
        source: The source.
        mapping_path: Where the mapping's file is; None: nowhere.
        kept: The second files as they were when the load started; empty for a new one.

    Returns:
        The mapping, which knows their columns now, and the files.

    Raises:
        SourceError: One is missing or cannot be read.
        SourceChanged: One is not what it was when the load started.
    """
    folders = second_file_folders([file.path for file in source.files], mapping_path)
    opened: dict[str, SecondFile] = {}
    for join in joins_of(mapping.tree):
        if join.file not in opened:
            was = kept.get(join.file)
            path = was.path if was else find_second_file(join.file, folders)
            columns = joined_columns(mapping.tree, join.file)
            second = open_second_file(join.file, path, join.source, columns)
            _check_unchanged(second, was)
            opened[join.file] = second
    schemas = {name: second.file.schema for name, second in opened.items()}
    return replace(mapping, joined=schemas), SecondFiles(opened)


def second_file_folders(sources: Sequence[str], mapping_path: Path | None) -> list[Path]:
    """Return where second files are looked for: by the sources, by the mapping, in the working directory."""
    beside = [Path(path).parent for path in sources]
    return [*beside, *([mapping_path.parent] if mapping_path else []), Path()]


def _check_unchanged(second: SecondFile, was: KeptFile | None) -> None:
    now = second.file
    if was is None or (was.size, was.fingerprint) == (now.size, now.fingerprint):
        return
    same = f"has {count(now.size, 'byte')}, as when the load started, but other content"
    other = f"has {count(now.size, 'byte')}; when the load started it had {was.size:,}"
    raise SourceChanged(
        f"{now.path}: {same if was.size == now.size else other}",
        next_step="Restore the files as they were when the load started, or start a new load.",
    )


def with_groups(
    mapping: MappingPlan, source: Source, second: SecondFiles, index: GroupIndex | None
) -> Source | GroupedSource:
    """Return the source read record by record; the source itself where a row is a record.

    Args:
        mapping: The mapping, which knows the second files' columns.
        source: Its source.
        second: The second files.
        index: How rows make records, where an earlier run found it out; None: it is found out when needed.
    """
    if not mapping.is_grouped:
        return source
    nulls = mapping.source.null_values
    nulls = ("",) if nulls is None else nulls
    joins = [JoinedRows(join, second.files[join.file], nulls) for join in joins_of(mapping.tree)]
    kept = _WhereFilter(mapping)
    by = mapping.spec.group_by
    return GroupedSource(source, by=by, nulls=nulls, kept=kept, joined=joins, index=index)


class _WhereFilter:
    """Decides which rows of a file the mapping's `where` keeps."""

    def __init__(self, mapping: MappingPlan) -> None:
        self._mapping = mapping
        self._compiled: dict[int, CompiledMapping] = {}

    def __call__(self, file: SourceFile, rows: pl.DataFrame) -> pl.Series:
        """Return flags, as long as `rows`.

        Raises:
            MappingError: The mapping and the file's columns do not go together.
        """
        if file.file_no not in self._compiled:
            self._compiled[file.file_no] = compile_mapping(self._mapping, file.schema)
        return kept_rows(rows, self._compiled[file.file_no])


def kept_groups(source: Source | GroupedSource) -> KeptGroups | None:
    """Return how rows make records, so that a resumed load need not read the source for it; None otherwise.

    Raises:
        SourceError: Records cannot be made of the source's rows without a doubt.
    """
    if not isinstance(source, GroupedSource) or not source.index.is_plain:
        return None
    return KeptGroups(records=source.index.records)


def known_groups(kept: KeptGroups | None) -> GroupIndex | None:
    """Return what `kept_groups` kept as the grouping room has it; None where nothing is known."""
    return None if kept is None else GroupIndex(records=kept.records)


def group_notes(source: Source | GroupedSource, second: SecondFiles) -> Iterator[SourceNote]:
    """Yield what people should know of second files, and of records made of several rows.

    Raises:
        SourceError: Records cannot be made of the source's rows without a doubt.
    """
    if not isinstance(source, GroupedSource):
        return
    index = source.index
    yield from second.notes()
    yield from (SourceNote("", note) for note in index.notes)
    if index.records is not None:
        yield SourceNote("group_by", f"the rows make {count(index.records, 'record')}")


def unlinked_second_files(folder: Path, source: Source | GroupedSource) -> dict[str, str]:
    """Link the second files beside a rejects file, so that it loads with the same mapping.

    Returns:
        The files that no link could be made to: the name that they need there -> where they are.
    """
    second = source.second_files if isinstance(source, GroupedSource) else {}
    return {
        name: path
        for name, path in second.items()
        # A name that leads out of the folder could replace somebody's file.
        if ".." in Path(name).parts or not _is_linked(folder, name, Path(path))
    }


def _is_linked(folder: Path, name: str, path: Path) -> bool:
    """Return whether a file of that name is below the folder; if none is, make a link first."""
    link = folder / name
    if link.exists():
        return True
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.absolute())
    except OSError:
        return False
    return True
