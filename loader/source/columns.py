"""Which of a file's columns are given out."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import count, zip_longest
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS, REPEATED_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MARK: Final = "\ufeff"  # a byte-order mark inside a text: it stood at the beginning of another file
_LISTED: Final = 5
_SHOWN: Final = 60


def kept_columns(path: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leaves out what a rejects file adds, so that a mended one loads as it is.

    Returns:
        The columns that are left, and notes for people: one line if some were left out, else none.

    Raises:
        SourceError: None is left.
    """
    mended = set(REJECT_COLUMNS) <= set(names)
    kept = tuple(name for name in names if not mended or name not in REJECT_COLUMNS)
    if not kept:
        raise SourceError(
            f"{path}: has no columns of its own", next_step="Check that the export wrote this file."
        )
    if not mended:
        return kept, ()
    return kept, (f"left out: {', '.join(REJECT_COLUMNS)} (the columns that a rejects file adds)",)


def with_header_again(frame: pl.DataFrame, header: Sequence[Sequence[str]]) -> pl.DataFrame:
    """Marks records that are the header once more, as where exports were glued together.

    Args:
        frame: Every column of the file, and PROBLEM.
        header: The header's cells as they stand, a sequence a line.

    Returns:
        The frame; PROBLEM is HEADER_AGAIN where a record was sound and is such a line.
    """
    names = frame.columns[:-1]
    again: list[int] = []
    for cells in header:
        first = [cells[0], _MARK + cells[0]]
        places = frame[names[0]].is_in(first) & frame[PROBLEM].is_null()
        if any(cells) and places.any():
            wanted = tuple(cells[1 : len(names)])
            padded = wanted + ("",) * (len(names) - 1 - len(wanted))
            again += [index for index in places.arg_true() if frame.row(index)[1:-1] == padded]
    if not again:
        return frame
    told = frame[PROBLEM].to_list()
    for index in again:
        told[index] = REPEATED_HEADER
    return frame.with_columns(pl.Series(PROBLEM, told, pl.String))


def column_names(header: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Makes columns of a header.

    Args:
        header: Its cells as they stand, a sequence a line; the lines' names are joined with a blank.

    Returns:
        The columns' names, and notes for people on what was changed.
    """
    found = [_joined(parts) for parts in zip_longest(*header, fillvalue="")]
    found[0] = _without_mark(found[0])
    width = next((place for place in range(len(found), 0, -1) if found[place - 1]), len(found))
    notes = []
    if dropped := len(found) - width:
        notes.append(f"the header ends in {dropped} empty {_names(dropped)}: no {_columns(dropped)}")
    tidied = [name for name, cell in zip(found, header[0], strict=False) if name and name != cell]
    if len(header) == 1 and tidied:
        notes.append(f"blanks and line breaks taken out of {_names(len(tidied))}: {_listed(tidied)}")
    names, unnamed, doubled = named_once(found[:width])
    if unnamed:
        notes.append(f"without a name in the header: {_listed(unnamed)}")
    notes += doubled
    return tuple(names), tuple(notes)


def _without_mark(name: str) -> str:
    """The first name without a byte-order mark that stands there twice, and the quotes behind it."""
    if not name.startswith(_MARK):
        return name
    name = name.strip(f"{_MARK} ")
    return name[1:-1].strip() if re.fullmatch(r"(['\"]).*\1", name) else name


def _joined(parts: Sequence[str]) -> str:
    return " ".join(" ".join(parts).split())


def named_once(found: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Names without gaps and repetitions.

    Args:
        found: The header's names; empty where there is none.

    Returns:
        The names, those among them that stand for empty ones, and a note for each that stood there before.
    """
    names: list[str] = []
    unnamed: list[str] = []
    doubled: list[str] = []
    taken, used = set(found), set[str]()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for place, name in enumerate(found, 1):
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
            doubled.append(f'the {_nth(place)} column is called "{_cut(free)}": its name stands before it')
    more = [f"and {len(doubled) - _LISTED} more names that stand twice"] if len(doubled) > _LISTED else []
    return names, unnamed, doubled[:_LISTED] + more


def _names(number: int) -> str:
    return "name" if number == 1 else "names"


def _columns(number: int) -> str:
    return "column" if number == 1 else "columns"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{_cut(name)}"' for name in names[:_LISTED])
    return shown + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _cut(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"


def check_names(path: str, names: Sequence[str]) -> None:
    """Checks that names can be columns.

    Raises:
        SourceError: One is a name that the loader needs for itself.
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
