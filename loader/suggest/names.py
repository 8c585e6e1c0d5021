"""Names as the concepts in them: `Abrechnungslauf-Nr`, `BillingRunId` and `billing run no` are the same."""

from __future__ import annotations

import difflib
import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from loader.suggest.vocabulary import CONCEPTS, PHRASES

if TYPE_CHECKING:
    from collections.abc import Sequence

Token = frozenset[str]
"""The concepts that one word of a name may mean."""

_BREAKS: Final = re.compile(
    r"(?<=[a-z0-9ß])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])"
)
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_LIKENESS: Final = 0.86
"""How alike a misspelt word and a known one are, as `difflib` measures it: one wrong letter in seven."""
_LONGEST_NAME: Final = 200
_SHORTEST_PART: Final = 3
_LINKS: Final = ("", "s", "n", "es", "en")

_BY_WORD: Final[dict[str, Token]] = {}
for _concept, _synonyms in CONCEPTS.items():
    for _word in {_concept, *_synonyms.split()}:
        _BY_WORD[_word] = _BY_WORD.get(_word, frozenset()) | {_concept}


@cache
def tokens(name: str) -> tuple[Token, ...]:
    """Return the concepts of a name, word by word; an unknown word is a concept of its own."""
    words = _words(name[:_LONGEST_NAME])
    name_tokens: list[Token] = []
    at = 0
    while at < len(words):
        length, concepts = _phrase(words, at)
        if not length:
            length, concepts = 1, _concepts(words[at])
        name_tokens += concepts
        at += length
    return tuple(name_tokens)


def _words(name: str) -> list[str]:
    spaced = _BREAKS.sub(" ", unicodedata.normalize("NFC", name))
    folded = spaced.lower().translate(_UMLAUTS)
    letters = unicodedata.normalize("NFD", folded)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain)


def _phrase(words: Sequence[str], at: int) -> tuple[int, list[Token]]:
    for phrase, concepts in PHRASES.items():
        if tuple(words[at : at + len(phrase)]) == phrase:
            return len(phrase), [frozenset({concept}) for concept in concepts]
    return 0, []


def _concepts(word: str) -> list[Token]:
    if known := _BY_WORD.get(word):
        return [known]
    if parts := _compound(word):
        return parts
    close = difflib.get_close_matches(word, list(_BY_WORD), n=1, cutoff=_LIKENESS) if len(word) > 4 else []  # noqa: PLR2004 - a shorter word is like too many
    return [_BY_WORD[close[0]]] if close else [frozenset({_singular(word)})]


def _singular(word: str) -> str:
    return (
        word[:-1] if len(word) > _SHORTEST_PART and word.endswith("s") and not word.endswith("ss") else word
    )


def _compound(word: str) -> list[Token]:
    """Return the parts of a compound word (`rechnungsvorlage`); empty where it is none."""
    for end in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
        if (first := _BY_WORD.get(word[:end])) is None:
            continue
        for link in _LINKS:
            if not word.startswith(link, end):
                continue
            rest = word[end + len(link) :]
            if len(rest) < _SHORTEST_PART:
                continue
            below = [_BY_WORD[rest]] if rest in _BY_WORD else _compound(rest)
            if below:
                return [first, *below]
    return []
