"""Which of a file's columns are given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def check_names(path: str, names: Sequence[str]) -> None:
    """Checks that names can be columns.

    Raises:
        SourceError: One stands twice, or is a name that the loader needs for itself.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if name in places:
            raise SourceError(
                f'{path}: two columns have the name "{name}": the {_nth(places[name])} and the {_nth(place)}',
                next_step="Rename one of them in the header.",
            )
        if name in (RECORD_NO, LINE, PROBLEM):
            raise SourceError(
                f'{path}: the {_nth(place)} column has the name "{name}", which the loader uses itself',
                next_step="Rename it in the file.",
            )
        places[name] = place


def _nth(place: int) -> str:
    teens = 10 <= place % 100 <= 20  # noqa: PLR2004 - 11th, 12th, 13th
    return f"{place}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"
