"""Records of several rows, row by row in plain Python: the column-wise way is compared with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

NAMES = {"a": "n-a", "b": "n-b"}
"""The table of the mapping that the oracle is for."""


@dataclass
class Row:
    """A row of the file.

    Attributes:
        key: The cell in the group's column; empty for none.
        name: A cell of the record itself.
        where: "x" where the mapping leaves the row out.
        notice: What becomes an item; empty for none, "z" for one that is wrong.
        fault: "short" for a row without its last cell, "bytes" for one whose key is no text.
        number: Its record number.
    """

    key: str
    name: str = "N"
    where: str = ""
    notice: str = "a"
    fault: str = ""
    number: int = 0

    @property
    def known(self) -> str:
        """Return the key, as far as it can be read."""
        return "" if self.fault == "bytes" else self.key.strip()

    @property
    def kept(self) -> bool:
        """Return whether it counts, or cannot be read."""
        return bool(self.fault) or self.where != "x"

    def line(self) -> bytes:
        """Return it as the file has it."""
        cells = [self.key, self.name, self.where, self.notice]
        written = ";".join(cells[:-1] if self.fault == "short" else cells).encode()
        return (b"\xff" + written if self.fault == "bytes" else written) + b"\n"


@dataclass
class Made:
    """A record: its number, what it is, its items where it is ready, and the numbers of its rows."""

    number: int
    state: str
    items: list[str] | None = None
    rows: list[int] = field(default_factory=list)


class ScatteredError(Exception):
    """A row that may belong to any record is in a file whose rows have no order."""


def records_of(rows: list[Row]) -> list[Made]:
    """Return what rows become, in order.

    Raises:
        ScatteredError: It is unknown which record a row belongs to.
    """
    for number, row in enumerate(rows, 1):
        row.number = number
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row.known or row.number)]
    sound = {run[0].known for run in runs if run[0].known and any(not row.fault for row in run if row.kept)}
    doubtful = [_is_doubtful(run, sound) for run in runs]
    groups = _groups(runs)
    scattered = len([group for group in groups if len(group) > 1])
    if scattered and any(doubtful):
        raise ScatteredError
    tainted = _tainted(runs, doubtful)
    return [_made([row for index in group for row in runs[index]], tainted) for group in groups]


def _is_doubtful(run: list[Row], sound: set[str]) -> bool:
    if not run[0].known:
        return run[0].kept
    return all(row.fault for row in run) and run[0].known not in sound


def _groups(runs: list[list[Row]]) -> list[list[int]]:
    """Return the indexes of each record's runs: kept runs with one key, one of which can be read, are one."""
    alike: dict[str, list[int]] = {}
    groups: list[list[int]] = []
    readable = {
        run[0].known for run in runs if any(row.kept for row in run) and not all(r.fault for r in run)
    }
    for index, run in enumerate(runs):
        key = run[0].known
        if key and key in readable and any(row.kept for row in run):
            if key in alike:
                alike[key].append(index)
                continue
            alike[key] = [index]
            groups.append(alike[key])
        else:
            groups.append([index])
    return groups


def _tainted(runs: list[list[Row]], doubtful: list[bool]) -> set[int]:
    """Return the rows beside those that may belong to their record."""
    solid = [not bad and (run[0].known or run[0].kept) for run, bad in zip(runs, doubtful, strict=True)]
    tainted: set[int] = set()
    for index, bad in enumerate(doubtful):
        if not bad:
            continue
        above = [other for other in range(index) if solid[other]]
        below = [other for other in range(index + 1, len(runs)) if solid[other]]
        tainted |= {runs[above[-1]][-1].number} if above else set()
        tainted |= {runs[below[0]][0].number} if below else set()
    return tainted


def _made(rows: list[Row], tainted: set[int]) -> Made:
    numbers = [row.number for row in rows]
    if not any(row.kept for row in rows):
        return Made(rows[0].number, "filtered", None, numbers)
    counting = [row for row in rows if row.kept and not row.fault]
    names = [row.name for row in counting]
    wrong = (
        any(row.fault for row in rows)
        or not rows[0].known
        or bool(tainted & set(numbers))
        or not names[0]
        or any(name not in {"", names[0]} for name in names)
        or any(row.notice == "z" for row in counting)
    )
    if wrong:
        return Made(rows[0].number, "invalid", None, numbers)
    items = [NAMES[row.notice] for row in counting if row.notice]
    return Made(rows[0].number, "ready", items, numbers)
