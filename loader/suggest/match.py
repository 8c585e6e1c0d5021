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
    from loader.suggest.dates import Dates
    from loader.suggest.profile import ColumnProfile
    from loader.suggest.targets import Target, Targets

CONFIDENT: Final = 0.6
_WORTH_SAYING: Final = 0.4
_TIE: Final = 0.05
_NEAR: Final = 0.08
_IN_SIGHT: Final = 2
_EMAIL_SAYS: Final = 0.75


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
        """Whether a mapping may rely on it."""
        return self.score >= CONFIDENT and not self.others and self.reading.open is None


def find_matches(
    columns: Sequence[ColumnProfile], dates: Mapping[str, Dates], targets: Targets, filled: Sequence[str]
) -> list[Match]:
    """Pairs columns with fields.

    Args:
        columns: Those that nothing else uses.
        dates: How columns write dates, by name.
        targets: The record type's fields.
        filled: Paths of lists that numbered columns fill.

    Returns:
        One match a column at most, in the order of the columns.
    """
    fields = [each for each in targets.fields if each.path not in filled]
    readings = {
        (row, place): reading
        for row, column in enumerate(columns)
        for place, target in enumerate(fields)
        if (name := targets.alike(tokens(column.name), target) or _by_value(column, target)) > 0
        and (reading := read(column, dates.get(column.name), target.field)) is not None
        and name * reading.fit > 0
    }
    scores = np.zeros((len(columns), len(fields)))
    for (row, place), reading in readings.items():
        scores[row, place] = _score(columns[row], fields[place], reading, targets)
    scores[scores < _WORTH_SAYING] = 0
    _speak_of(scores, fields, filled)
    pairs = assign(scores)
    _stand_near(scores, fields, dict(pairs))
    pairs = assign(scores)
    taken = {place for _, place in pairs}
    found = [
        Match(
            columns[row],
            fields[place],
            readings[row, place],
            float(scores[row, place]),
            _ties(scores[row], place, taken, fields),
        )
        for row, place in pairs
    ]
    return _without_overlaps(_with_more(found, columns))


def _by_value(column: ColumnProfile, target: Target) -> float:
    """What values alone say: an e-mail address is one, whatever its column is called."""
    return _EMAIL_SAYS if _is_email_of(column, target) else 0.0


def _is_email_of(column: ColumnProfile, target: Target) -> bool:
    wanted = target.field.kind is FieldKind.TEXT and "email" in target.field.name
    return wanted and looks_like_email(column)


def _score(column: ColumnProfile, target: Target, reading: ColumnReading, targets: Targets) -> float:
    name = targets.alike(tokens(column.name), target)
    if _is_email_of(column, target):
        name = _EMAIL_SAYS + (1 - _EMAIL_SAYS) * name
    return name * (0.4 + 0.6 * reading.fit)


def _speak_of(scores: Scores, fields: Sequence[Target], filled: Sequence[str]) -> None:
    """Favours fields that speak of a list which the file's own columns fill."""
    for path in filled:
        said = {word for token in tokens(path) for word in token}
        for place, target in enumerate(fields):
            own = {word for token in target.own for word in token} - WEAK
            if own and own <= said:
                scores[:, place] = np.where(scores[:, place] > 0, scores[:, place] + _NEAR, 0)


def _stand_near(scores: Scores, fields: Sequence[Target], pairs: Mapping[int, int]) -> None:
    """Favours fields of an object that the columns beside are mapped into."""
    for row in range(len(scores)):
        beside = {
            fields[pairs[other]].parent
            for other in range(row - _IN_SIGHT, row + _IN_SIGHT + 1)
            if other != row and other in pairs
        } - {""}
        for place, target in enumerate(fields):
            if target.parent in beside and scores[row, place] > 0:
                scores[row, place] += _NEAR


def _ties(scores: Scores, place: int, taken: set[int], fields: Sequence[Target]) -> tuple[str, ...]:
    close = [other for other in np.flatnonzero(scores > scores[place] - _TIE).tolist() if other not in taken]
    return tuple(fields[other].path for other in close)


def _with_more(found: list[Match], columns: Sequence[ColumnProfile]) -> list[Match]:
    """Adds columns of e-mail addresses that nothing uses, to be taken where the first has none."""
    used = {match.column.name for match in found}
    spare = [each for each in columns if each.name not in used and looks_like_email(each)]
    joined = []
    for match in found:
        both = [match.column, *spare]
        gaps = any(each.filled < each.rows for each in both)
        if spare and gaps and _is_email_of(match.column, match.target):
            first, *more = sorted(both, key=lambda each: -each.distinct)
            reading = read(first, None, match.target.field) or match.reading
            joined.append(replace(match, column=first, more=tuple(more), reading=reading))
            spare = []
        else:
            joined.append(match)
    return joined


def _without_overlaps(found: list[Match]) -> list[Match]:
    """Leaves out fields of an object that another column fills as a whole."""
    whole = [match.target.path for match in found if match.target.field.kind is FieldKind.OBJECT]
    return [match for match in found if not any(match.target.path.startswith(f"{path}.") for path in whole)]
