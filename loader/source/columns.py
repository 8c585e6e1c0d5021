"""Name a file's columns, and decide which of them are data."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import count, zip_longest
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS, REPEATED_HEADER
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MARK: Final = "\ufeff"  # a byte-order mark inside of a text: it was at the start of another file
_LISTED: Final = 5


def kept_columns(path: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Drop the columns that a rejects file adds, so that it loads as it is once it is fixed.

    Returns:
        The columns that are kept, and notes for people: one line if some were dropped, else none.

    Raises:
        SourceError: None is kept.
    """
    is_rejects = set(REJECT_COLUMNS) <= set(names)
    kept = tuple(name for name in names if not is_rejects or name not in REJECT_COLUMNS)
    if not kept:
        raise SourceError(
            f"{path}: has no columns of its own", next_step="Check the export that wrote this file."
        )
    if not is_rejects:
        return kept, ()
    return kept, (f"left out: {', '.join(REJECT_COLUMNS)} (the columns that a rejects file adds)",)


def with_repeated_headers(rows: pl.DataFrame, header: Sequence[Sequence[str]]) -> pl.DataFrame:
    """Mark records that repeat the header, as in exports that were joined into one file.

    Args:
        rows: All columns of the file, then PROBLEM.
        header: The header's cells as they are in the file, a sequence for each line.

    Returns:
        The rows; PROBLEM is REPEATED_HEADER where a sound record is a line of the header.
    """
    names = rows.columns[:-1]
    repeated: list[int] = []
    for cells in header:
        # The file that was joined to this one may have had a byte-order mark of its own.
        first = [cells[0], _MARK + cells[0]]
        places = rows[names[0]].is_in(first) & rows[PROBLEM].is_null()
        if any(cells) and places.any():
            others = tuple(cells[1 : len(names)])
            padded = others + ("",) * (len(names) - 1 - len(others))
            repeated += [index for index in places.arg_true() if rows.row(index)[1:-1] == padded]
    if not repeated:
        return rows
    problems = rows[PROBLEM].to_list()
    for index in repeated:
        problems[index] = REPEATED_HEADER
    return rows.with_columns(pl.Series(PROBLEM, problems, pl.String))


def column_names(header: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make column names from a header.

    Args:
        header: Its cells as they are in the file, a sequence for each line; the names of several lines are
            joined with a space.

    Returns:
        The columns' names, and notes for people about what was changed.
    """
    cells = [_joined(parts) for parts in zip_longest(*header, fillvalue="")]
    cells[0] = _without_mark(cells[0])
    width = next((place for place in range(len(cells), 0, -1) if cells[place - 1]), len(cells))
    notes = []
    if dropped := len(cells) - width:
        what = "name, which is not a column" if dropped == 1 else "names, which are not columns"
        notes.append(f"the header ends in {dropped} empty {what}")
    trimmed = [name for name, cell in zip(cells, header[0], strict=False) if name and name != cell]
    if len(header) == 1 and trimmed:
        names_of = "name" if len(trimmed) == 1 else "names"
        notes.append(f"spaces and line breaks removed from the {names_of} {_listed(trimmed)}")
    names, unnamed, renamed = unique_names(cells[:width])
    if unnamed:
        notes.append(f"without a name in the header: {_listed(unnamed)}")
    notes += renamed
    return tuple(names), tuple(notes)


def _without_mark(name: str) -> str:
    """Return the first name without a second byte-order mark, and without the quotes behind it."""
    if not name.startswith(_MARK):
        return name
    name = name.strip(f"{_MARK} ")
    return name[1:-1].strip() if re.fullmatch(r"(['\"]).*\1", name) else name


def _joined(parts: Sequence[str]) -> str:
    return " ".join(" ".join(parts).split())


def unique_names(header: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Fill in and number a header's names, so that each column has its own.

    Args:
        header: The names; empty where there is none.

    Returns:
        The names, those among them that were empty, and a note for each that was already used.
    """
    names: list[str] = []
    unnamed: list[str] = []
    renamed: list[str] = []
    taken, used = set(header), set[str]()
    # A counter for each name: thousands of equal names would otherwise be tried against each other.
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for place, name in enumerate(header, 1):
        own = name or f"column_{place}"
        free = own
        while free in (used if name and free == own else taken):
            free = f"{own}_{next(numbers[own])}"
        names.append(free)
        used.add(free)
        taken.add(free)
        if not name:
            unnamed.append(free)
        elif free != own:
            renamed.append(f'the {_nth(place)} column is named "{shorten(free)}": its name is already used')
    more = [f"and {len(renamed) - _LISTED} more names that are used twice"] if len(renamed) > _LISTED else []
    return names, unnamed, renamed[:_LISTED] + more


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{shorten(name)}"' for name in names[:_LISTED])
    return shown + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def check_names(path: str, names: Sequence[str]) -> None:
    """Check that names can be columns.

    Raises:
        SourceError: One is a name that the loader uses itself.
    """
    for place, name in enumerate(names, 1):
        if name in (RECORD_NO, LINE, PROBLEM):
            raise SourceError(
                f'{path}: the {_nth(place)} column has the name "{name}", which the loader uses itself',
                next_step="Rename it in the file.",
            )


def _nth(place: int) -> str:
    teens = 10 <= place % 100 <= 20  # noqa: PLR2004 - 11th, 12th, 13th
    return f"{place}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"
