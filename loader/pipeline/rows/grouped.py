"""Sources whose records are made of several rows: their second files found, and what a resume must know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loader.errors import SourceChanged
from loader.grouping import GroupedSource, GroupIndex, JoinedRows, find_second_file, open_second_file
from loader.mapping import compile_mapping
from loader.mapping.groups import is_several, joined_columns, joins_of
from loader.payload import kept_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    @property
    def notes(self) -> list[str]:
        """Which files they are, and what was detected of each, for people."""
        found = []
        for name, second in self.files.items():
            rows = f"{second.rows.height:,} rows are held in memory"
            found.append(f"{name}: the second file is {second.file.path}; {rows}")
            found += [f"{name}: {note}" for note in second.file.notes]
        return found

    def frozen(self) -> dict[str, dict[str, Any]]:
        """What tells later whether they are what they were."""
        return {
            name: {
                "path": str(Path(second.file.path).absolute()),
                "size": second.file.size,
                "fingerprint": second.file.fingerprint,
            }
            for name, second in self.files.items()
        }


def open_second_files(
    mapping: MappingPlan,
    source: Source,
    mapping_path: Path | None,
    kept: Mapping[str, Mapping[str, Any]],
) -> tuple[MappingPlan, SecondFiles]:
    """Finds and reads the second files of a mapping.

    Each is looked for beside the source's files, then beside the mapping, then in the working directory.

    Args:
        mapping: The mapping.
        source: The source.
        mapping_path: Where the mapping's file is; None: nowhere.
        kept: What `SecondFiles.frozen` gave when the load began; empty for a new one.

    Returns:
        The mapping, which knows their columns now, and the files.

    Raises:
        SourceError: One is missing or cannot be read.
        SourceChanged: One is not what it was when the load began.
    """
    folders = second_file_folders([file.path for file in source.files], mapping_path)
    opened: dict[str, SecondFile] = {}
    for join in joins_of(mapping.tree):
        if join.file not in opened:
            was = kept.get(join.file)
            path = was["path"] if was else find_second_file(join.file, folders)
            columns = joined_columns(mapping.tree, join.file)
            second = open_second_file(join.file, path, join.source, columns)
            _check_unchanged(second, was)
            opened[join.file] = second
    schemas = {name: second.file.schema for name, second in opened.items()}
    return replace(mapping, joined=schemas), SecondFiles(opened)


def second_file_folders(sources: Sequence[str], mapping_path: Path | None) -> list[Path]:
    """Where second files are looked for: beside the sources, beside the mapping, in the working directory."""
    beside = [Path(path).parent for path in sources]
    return [*beside, *([mapping_path.parent] if mapping_path else []), Path()]


def _check_unchanged(second: SecondFile, was: Mapping[str, Any] | None) -> None:
    now = second.file
    if was is None or (was["size"], was["fingerprint"]) == (now.size, now.fingerprint):
        return
    same = f"has the size that it had when the load began, {now.size} bytes, but other content"
    other = f"has {now.size} bytes, and had {was['size']} when the load began"
    raise SourceChanged(
        f"{now.path}: {same if was['size'] == now.size else other}",
        next_step="Give the files as they were when the load began, or start a new load with the new ones.",
    )


def several_rows(
    mapping: MappingPlan, source: Source, second: SecondFiles, layout: GroupIndex | None
) -> Source | GroupedSource:
    """The source read record by record; the source itself where a row is a record.

    Args:
        mapping: The mapping, which knows the second files' columns.
        source: Its source.
        second: The second files.
        layout: How the records lie, where an earlier pass has found that they lie plainly.
    """
    if not is_several(mapping):
        return source
    nulls = mapping.source.null_values
    nulls = ("",) if nulls is None else nulls
    joins = [JoinedRows(join, second.files[join.file], nulls) for join in joins_of(mapping.tree)]
    kept = _Filter(mapping)
    by = mapping.file.group_by
    return GroupedSource(source, by=by, nulls=nulls, kept=kept, joined=joins, layout=layout)


class _Filter:
    """Says which rows of a file the mapping's `where` keeps."""

    def __init__(self, mapping: MappingPlan) -> None:
        self._mapping = mapping
        self._compiled: dict[int, CompiledMapping] = {}

    def __call__(self, file: SourceFile, rows: pl.DataFrame) -> pl.Series:
        """Flags, as long as `rows`.

        Raises:
            MappingError: The mapping and the file's columns do not go together.
        """
        if file.file_no not in self._compiled:
            self._compiled[file.file_no] = compile_mapping(self._mapping, file.schema)
        return kept_rows(rows, self._compiled[file.file_no])


def frozen_several(source: Source | GroupedSource, second: SecondFiles) -> dict[str, Any]:
    """What a resumed load has to know again; empty where a row is a record.

    Raises:
        SourceError: Records cannot be made of the source's rows without a doubt.
    """
    if not isinstance(source, GroupedSource):
        return {}
    layout = source.layout
    plain = {"records": layout.records} if layout.is_plain else None
    return {"second_files": second.frozen(), "plain_layout": plain}


def thawed_layout(kept: Mapping[str, Any]) -> GroupIndex | None:
    """How the records of an earlier load lie, where they lie plainly: the source need not be read for it."""
    plain = kept.get("plain_layout")
    return None if plain is None else GroupIndex(records=plain["records"])


def several_notes(source: Source | GroupedSource, second: SecondFiles) -> Sequence[str]:
    """What people should know of second files, and of records made of several rows.

    Raises:
        SourceError: Records cannot be made of the source's rows without a doubt.
    """
    if not isinstance(source, GroupedSource):
        return ()
    layout = source.layout
    records = [] if layout.records is None else [f"group_by: the rows are {layout.records:,} records"]
    return (*second.notes, *layout.notes, *records)


def link_second_files(folder: Path, source: Source | GroupedSource) -> list[str]:
    """Puts links to the second files beside a rejects file, so that it loads with the same mapping.

    Returns:
        Notes for people: the files that no link could be made to.
    """
    second = source.second_files if isinstance(source, GroupedSource) else {}
    return [
        f"to load it again, put {path} beside it as {name}"
        for name, path in second.items()
        if ".." in Path(name).parts or not _is_linked(folder, name, Path(path))
    ]


def _is_linked(folder: Path, name: str, path: Path) -> bool:
    """Whether a file stands below the folder under that name; if none does, a link is made."""
    link = folder / name
    if link.exists():
        return True
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.absolute())
    except OSError:
        return False
    return True
