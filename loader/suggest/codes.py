"""Codes of a legacy column as members of an enum: guessed from words, first letters and usual meanings."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.suggest.vocabulary import MEANINGS, USUAL_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIKENESS: Final = 0.84
"""How alike a code and a member are that differ in their spelling alone, as `difflib` measures it."""
_SHORTEST_BEGINNING: Final = 3
"""Two letters are an abbreviation of too much."""
_RARE: Final = 0.005
_MANY: Final = 200
_MOST_CODES: Final = 40

SAME_WORD: Final = "same word"


@dataclass(frozen=True, slots=True)
class CodeMeanings:
    """What the values of an enum's column mean.

    Attributes:
        table: Value -> member, for values with a clear or guessable meaning.
        reasons: Value -> what the guess is based on.
        unknown: Values without a meaning, with their counts; most frequent first.
        share: The part of all cells that the table covers.
        case: "lower" or "upper" where changing case is all that is needed; None where a table is.
    """

    table: dict[str, str]
    reasons: dict[str, str]
    unknown: tuple[tuple[str, int], ...]
    share: float
    case: str | None = None

    @property
    def exact(self) -> bool:
        """Return whether the values are members as they are."""
        return bool(self.table) and all(value == member for value, member in self.table.items())


def read_codes(values: Sequence[tuple[str, int]], members: Sequence[str]) -> CodeMeanings | None:
    """Guess what values mean; None where they are too many for codes.

    Args:
        values: Distinct values with their counts, most frequent first.
        members: The enum's.
    """
    total = sum(count for _, count in values)
    if not total or len(values) > _MOST_CODES:
        return None
    reasons: dict[str, str] = {}
    table: dict[str, str] = {}
    likely = [value for value, count in values if not _is_typing_error(value, count, total, values)]
    for value in likely:
        if guess := _by_word(value, members):
            table[value], reasons[value] = guess
    # Words first: a letter may then mean only a member that no word has taken.
    letters = [value for value in likely if len(value) == 1 and value not in table and value.isalpha()]
    for value, member in _by_letter(letters, members, set(table.values())).items():
        table[value], reasons[value] = member, "first letter"
    covered = sum(count for value, count in values if value in table)
    unknown = tuple((value, count) for value, count in values if value not in table)
    ordered = {value: table[value] for value, _ in values if value in table}
    return CodeMeanings(ordered, reasons, unknown, covered / total, _case(ordered))


def _case(table: dict[str, str]) -> str | None:
    """Return the change of case that makes members of all values; None where that is not enough."""
    if table and all(value.lower() == member for value, member in table.items()):
        return "lower"
    if table and all(value.upper() == member for value, member in table.items()):
        return "upper"
    return None


def is_rare(count: int, total: int) -> bool:
    """Return whether so few of many cells may be typing errors."""
    return total >= _MANY and count < _RARE * total


def _is_typing_error(value: str, count: int, total: int, values: Sequence[tuple[str, int]]) -> bool:
    """Return whether a value may be a typing error: it is rare, and there is the same in other case."""
    others = [other for other, _ in values if other != value and other.lower() == value.lower()]
    return bool(others) and is_rare(count, total)


def _by_word(value: str, members: Sequence[str]) -> tuple[str, str] | None:
    folded = " ".join(value.lower().replace("_", " ").replace("-", " ").split()) or value
    for member in members:
        if folded == member.lower():
            return member, SAME_WORD
    for member in members:
        if folded in MEANINGS.get(member, "").split():
            return member, "usual meaning"
    if len(folded) >= _SHORTEST_BEGINNING:
        longer = [member for member in members if member.lower().startswith(folded)]
        shortest = min(longer, key=len, default="")
        # `ready` means `ready for execution`, but `sched` is `scheduled`, not `scheduled for execution`.
        if longer and all(member.startswith(shortest) for member in longer):
            return shortest, "beginning"
    close = difflib.get_close_matches(folded, [member.lower() for member in members], n=1, cutoff=_LIKENESS)
    return (next(member for member in members if member.lower() == close[0]), "spelling") if close else None


def _by_letter(letters: Sequence[str], members: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Return the members that one-letter codes mean, each member once.

    A letter that only one free member begins with decides first, single words before phrases; that may leave
    just one for the next letter. Only where no letter decides, its usual meaning does.

    Args:
        letters: The codes.
        members: The enum's.
        taken: Members that other codes mean; those found here are added.
    """
    table: dict[str, str] = {}
    left = list(letters)
    while left and (best := _only_member(left, members, taken) or _usual_code(left, members, taken)):
        letter, member = best
        table[letter] = member
        taken.add(member)
        left.remove(letter)
    return table


def _only_member(letters: Sequence[str], members: Sequence[str], taken: set[str]) -> tuple[str, str] | None:
    for letter in letters:
        free = [member for member in members if member not in taken and member[0].lower() == letter.lower()]
        words = [member for member in free if " " not in member] or free
        if len(words) == 1:
            return letter, words[0]
    return None


def _usual_code(letters: Sequence[str], members: Sequence[str], taken: set[str]) -> tuple[str, str] | None:
    for letter in letters:
        member = USUAL_CODES.get(letter.lower(), "")
        if member in members and member not in taken:
            return letter, member
    return None
