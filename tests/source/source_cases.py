"""Share what the tests of this room need: write a file, open it, read all of it, decode its problems."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loader.findings import Finding, dump_findings, load_findings
from loader.records import LINE, PROBLEM, RECORD_NO, Position
from loader.settings import SourceOptions
from loader.source import Source, open_source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from loader.records import Batch


def problem(code: str, /, *, column: str | None = None, value: str | None = None, **params: Any) -> str:
    """Return a PROBLEM with one finding."""
    return dump_findings([Finding(code, column=column, value=value, params=params)])


def ragged(cells: int, columns: int, basis: str = "header") -> str:
    """Return the PROBLEM of a record with another number of cells than there are columns."""
    code = "row.too_few_cells" if cells < columns else "row.too_many_cells"
    return problem(code, cells=cells, columns=columns, basis=basis)


def codes(text: str | None) -> list[str]:
    """Return the codes in a PROBLEM; none for a sound record."""
    return [finding.code for finding in load_findings(text)] if text else []


@dataclass
class Read:
    """All that a source gives."""

    cells: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    problems: list[str | None] = field(default_factory=list)
    extra: dict[int, tuple[str, ...]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)


def opened(folder: Path, content: bytes, name: str = "rows.csv", **options: Any) -> Source:
    """Write a file and open it."""
    path = folder / name
    path.write_bytes(content)
    return open_source([str(path)], SourceOptions(**options))


def read(source: Source, rows: int = 1000, start: Position | None = None, limit: int | None = None) -> Read:
    """Read a source from a position on."""
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
    """Write a file and read all of it."""
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
