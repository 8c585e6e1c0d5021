"""What the tests of this room share: writing a file, opening it, reading all of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loader.records import LINE, PROBLEM, RECORD_NO, Position
from loader.settings import SourceOptions
from loader.source import Source, open_source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from loader.records import Batch


@dataclass
class Read:
    """All that a source gave."""

    cells: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    problems: list[str | None] = field(default_factory=list)
    extra: dict[int, tuple[str, ...]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)


def opened(folder: Path, content: bytes, name: str = "rows.csv", **options: Any) -> Source:
    """Writes a file and opens it."""
    path = folder / name
    path.write_bytes(content)
    return open_source([str(path)], SourceOptions(**options))


def read(source: Source, rows: int = 1000, start: Position | None = None, limit: int | None = None) -> Read:
    """Reads a source from a position on."""
    result = Read()
    for batch in source.batches(rows, start or Position(), limit):
        own = (RECORD_NO, LINE, PROBLEM)
        result.cells += batch.rows.drop(own).rows()
        result.numbers += batch.rows[RECORD_NO].to_list()
        result.lines += batch.rows[LINE].to_list()
        result.problems += batch.rows[PROBLEM].to_list()
        result.extra.update(batch.extra)
        result.batches.append(batch)
    return result


def read_bytes(folder: Path, content: bytes, name: str = "rows.csv", **options: Any) -> Read:
    """Writes a file and reads all of it."""
    return read(opened(folder, content, name, **options))


def lower_limit(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    """Lower a limit of the reading wherever it is used, so that a test passes it with a small file."""
    users = [
        module
        for path, module in list(sys.modules.items())
        if path.startswith("loader.source.") and hasattr(module, name)
    ]
    assert users
    for module in users:
        monkeypatch.setattr(module, name, value)
