"""Which column fills which field: by name and by value, all at once, so that the total is best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from loader.resources.fields import FieldKind
from loader.suggest.assign import assign
from loader.suggest.column_types import ColumnReading, looks_like_email, read
from loader.suggest.names import tokens
from loader.suggest.vocabulary import WEAK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.suggest.assign import Scores
    from loader.suggest.dates import DateReading
    from loader.suggest.profile import ColumnProfile
    from loader.suggest.targets import Target, Targets

CONFIDENT: Final = 0.6
"""The score from which a match becomes a rule; below it, it is commented out."""
_WORTH_SHOWING: Final = 0.4
_TIE: Final = 0.05
_BONUS: Final = 0.08
_NEIGHBOURS: Final = 2
"""So many columns on either side count as neighbours."""
_EMAIL_VALUE: Final = 0.75
"""How much e-mail addresses count as a name: they show what they are, whatever the column is called."""
_FIT_SHARE: Final = 0.6
"""The part of a score that depends on how well the values fit; the rest is the name alone."""


@dataclass(frozen=True, slots=True)
class Match:
    """A column and the field that it seems to fill.

    Attributes:
        column: The column.
        target: The field.
        reading: How it fills it.
        score: How sure that is, 0 to about 1.
        others: Fields that it fits as well; the match is then not to be relied on.
        more: Columns to take the value from where the first has none.
    """

    column: ColumnProfile
    target: Target
    reading: ColumnReading
    score: float
    others: tuple[str, ...] = ()
    more: tuple[ColumnProfile, ...] = ()

    @property
    def sure(self) -> bool:
        """Return whether a mapping may rely on it."""
        return self.score >= CONFIDENT and not self.others and self.reading.question is None


def find_matches(
    columns: Sequence[ColumnProfile],
    dates: Mapping[str, DateReading],
    targets: Targets,
    filled: Sequence[str],
) -> list[Match]:
    """Pair columns with fields.

    Args:
        columns: Those that nothing else uses.
        dates: How columns write dates, by name.
        targets: The record type's fields.
        filled: Paths of lists that numbered columns fill.

    Returns:
        One match a column at most, in the order of the columns.
    """
    fields = [target for target in targets.fields if target.path not in filled]
    readings = {
        (row, place): reading
        for row, column in enumerate(columns)
        for place, target in enumerate(fields)
        if (name := targets.likeness(tokens(column.name), target) or _value_likeness(column, target)) > 0
        and (reading := read(column, dates.get(column.name), target.field)) is not None
        and name * reading.fit > 0
    }
    scores = np.zeros((len(columns), len(fields)))
    for (row, place), reading in readings.items():
        scores[row, place] = _score(columns[row], fields[place], reading, targets)
    scores[scores < _WORTH_SHOWING] = 0
    _favour_fields_about(filled, scores, fields)
    # Where a column belongs depends on its neighbours' places, so a first assignment decides those.
    _favour_neighbours(scores, fields, dict(assign(scores)))
    pairs = assign(scores)
    taken = {place for _, place in pairs}
    matches = [
        Match(
            columns[row],
            fields[place],
            readings[row, place],
            float(scores[row, place]),
            _ties(scores[row], place, taken, fields),
        )
        for row, place in pairs
    ]
    return _without_overlaps(_with_more(matches, columns))


def _value_likeness(column: ColumnProfile, target: Target) -> float:
    """Return how much a column's values alone show that it fills a field."""
    return _EMAIL_VALUE if _is_email_of(column, target) else 0.0


def _is_email_of(column: ColumnProfile, target: Target) -> bool:
    takes_email = target.field.kind is FieldKind.TEXT and "email" in target.field.name
    return takes_email and looks_like_email(column)


def _score(column: ColumnProfile, target: Target, reading: ColumnReading, targets: Targets) -> float:
    name = targets.likeness(tokens(column.name), target)
    if _is_email_of(column, target):
        name = _EMAIL_VALUE + (1 - _EMAIL_VALUE) * name
    return name * (1 - _FIT_SHARE + _FIT_SHARE * reading.fit)


def _favour_fields_about(filled: Sequence[str], scores: Scores, fields: Sequence[Target]) -> None:
    """Raise the scores of fields named after a part of the path of a list that numbered columns fill."""
    for path in filled:
        words = {word for token in tokens(path) for word in token}
        for place, target in enumerate(fields):
            own = {word for token in target.own for word in token} - WEAK
            if own and own <= words:
                scores[:, place] = np.where(scores[:, place] > 0, scores[:, place] + _BONUS, 0)


def _favour_neighbours(scores: Scores, fields: Sequence[Target], pairs: Mapping[int, int]) -> None:
    """Raise the scores of fields of an object that neighbouring columns fill."""
    for row in range(len(scores)):
        parents = {
            fields[pairs[other]].parent
            for other in range(row - _NEIGHBOURS, row + _NEIGHBOURS + 1)
            if other != row and other in pairs
        } - {""}
        for place, target in enumerate(fields):
            if target.parent in parents and scores[row, place] > 0:
                scores[row, place] += _BONUS


def _ties(scores: Scores, place: int, taken: set[int], fields: Sequence[Target]) -> tuple[str, ...]:
    close = [other for other in np.flatnonzero(scores > scores[place] - _TIE).tolist() if other not in taken]
    return tuple(fields[other].path for other in close)


def _with_more(matches: list[Match], columns: Sequence[ColumnProfile]) -> list[Match]:
    """Add columns of e-mail addresses that nothing uses, to be taken where the first has none."""
    used = {match.column.name for match in matches}
    spare = [column for column in columns if column.name not in used and looks_like_email(column)]
    extended = []
    for match in matches:
        # Only where a cell is empty: else the first column always has a value, and no other one is reached.
        candidates = [match.column, *spare]
        if spare and _is_email_of(match.column, match.target) and any(item.empty for item in candidates):
            # Addresses of persons before those of an office: the column with more different ones wins.
            first, *more = sorted(candidates, key=lambda column: -column.distinct)
            reading = read(first, None, match.target.field) or match.reading
            extended.append(replace(match, column=first, more=tuple(more), reading=reading))
            spare = []
        else:
            extended.append(match)
    return extended


def _without_overlaps(matches: list[Match]) -> list[Match]:
    """Leave out fields of an object that another column fills as a whole."""
    objects = [match.target.path for match in matches if match.target.field.kind is FieldKind.OBJECT]
    return [
        match for match in matches if not any(match.target.path.startswith(f"{path}.") for path in objects)
    ]
