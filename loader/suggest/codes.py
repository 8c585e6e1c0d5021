"""Codes of a legacy column as members of an enum: guessed from words, first letters and usual meanings."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.suggest.vocabulary import MEANINGS, USUAL_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALIKE: Final = 0.84
_RARE: Final = 0.005
_MANY: Final = 200
_MOST_CODES: Final = 40


@dataclass(frozen=True, slots=True)
class Codes:
    """What values of an enum's column mean.

    Attributes:
        table: Value -> member, for values whose meaning is clear or can be guessed.
        how: Value -> on what the guess rests.
        outside: Values without a meaning, with their counts; most frequent first.
        share: The part of all cells that the table covers.
        case: "lower" or "upper" where changing case is all that is needed; None where a table is.
    """

    table: dict[str, str]
    how: dict[str, str]
    outside: tuple[tuple[str, int], ...]
    share: float
    case: str | None = None

    @property
    def exact(self) -> bool:
        """Whether the values are members as they stand."""
        return bool(self.table) and all(value == member for value, member in self.table.items())


def read_codes(values: Sequence[tuple[str, int]], members: Sequence[str]) -> Codes | None:
    """Guesses what values mean; None where they are too many for codes.

    Args:
        values: Distinct values with their counts, most frequent first.
        members: The enum's.
    """
    total = sum(count for _, count in values)
    if not total or len(values) > _MOST_CODES:
        return None
    how: dict[str, str] = {}
    table: dict[str, str] = {}
    for value, count in values:
        if _is_rare(value, count, total, values):
            continue
        if found := _by_word(value, members):
            table[value], how[value] = found
    letters = [(v, c) for v, c in values if len(v) == 1 and v not in table and v.isalpha()]
    letters = [(v, c) for v, c in letters if not _is_rare(v, c, total, values)]
    for value, member in _by_letter([value for value, _ in letters], members, set(table.values())).items():
        table[value], how[value] = member, "first letter"
    covered = sum(count for value, count in values if value in table)
    outside = tuple((value, count) for value, count in values if value not in table)
    ordered = {value: table[value] for value, _ in values if value in table}
    case = next(
        (
            case
            for case in ("lower", "upper")
            if ordered and all(_cased(value, case) == member for value, member in ordered.items())
        ),
        None,
    )
    return Codes(ordered, how, outside, covered / total, case)


def _cased(value: str, case: str) -> str:
    return value.lower() if case == "lower" else value.upper()


def _is_rare(value: str, count: int, total: int, values: Sequence[tuple[str, int]]) -> bool:
    """Whether it may be a slip of the pen: hardly ever there, beside the same in other case."""
    others = [each for each, _ in values if each != value and each.lower() == value.lower()]
    return bool(others) and total >= _MANY and count < _RARE * total


def _by_word(value: str, members: Sequence[str]) -> tuple[str, str] | None:
    folded = " ".join(value.lower().replace("_", " ").replace("-", " ").split()) or value
    for member in members:
        if folded == member.lower():
            return member, "same word"
    for member in members:
        if folded in MEANINGS.get(member, "").split():
            return member, "usual meaning"
    long = [member for member in members if len(folded) >= 3 and member.lower().startswith(folded)]  # noqa: PLR2004 - two letters are an abbreviation of too much
    shortest = min(long, key=len, default="")
    if long and all(member.startswith(shortest) for member in long):
        return shortest, "beginning"
    close = difflib.get_close_matches(folded, [member.lower() for member in members], n=1, cutoff=_ALIKE)
    return (next(each for each in members if each.lower() == close[0]), "spelling") if close else None


def _by_letter(letters: Sequence[str], members: Sequence[str], taken: set[str]) -> dict[str, str]:
    """One-letter codes: the members not yet taken that begin so, single words before phrases."""
    found: dict[str, str] = {}
    left = list(letters)
    while left:
        best: tuple[str, str] | None = None
        for letter in left:
            free = [each for each in members if each not in taken and each[0].lower() == letter.lower()]
            words = [each for each in free if " " not in each] or free
            if len(words) == 1:
                best = (letter, words[0])
                break
        if best is None:
            best = next(
                (
                    (letter, member)
                    for letter in left
                    if (member := USUAL_CODES.get(letter.lower(), "")) in members and member not in taken
                ),
                None,
            )
        if best is None:
            return found
        letter, member = best
        found[letter] = member
        taken.add(member)
        left.remove(letter)
    return found
