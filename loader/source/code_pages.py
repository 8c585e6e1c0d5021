"""Find out which single-byte encoding a text is in, by how well its letters go with their neighbours.

Any bytes are text in any of these encodings, so nothing is proof. Each encoding has a cost for what people do
not write: a sign inside a word, a capital behind a small letter, a letter that the language of the others
does not have. cp1252 is what most systems write, and is kept unless another encoding is clearly better.
(General detectors take a few hundred bytes of German for cp1250 or cp437; files of records often have no
more than that.)
"""

from __future__ import annotations

import codecs
from collections import Counter
from typing import Final

_DEFAULT: Final = "cp1252"
_GERMAN: Final = "äöüß"
_WEST: Final = (
    _GERMAN + "àâæçéèêëîïìòóôœùúûÿá",  # with French, Italian and Dutch
    "áàâãéêíóôõúüçñïè",  # Spanish, Portuguese, Catalan
    _GERMAN + "åæøéèáóí",  # Danish, Norwegian, Swedish, Finnish
    _GERMAN + "õšž",  # Estonian
    "áéíóúýþæöð",  # Icelandic
)
_CENTRAL: Final = (
    _GERMAN + "ąćęłńóśźżé",  # Polish
    _GERMAN + "áčďéěíňóřšťúůýž",  # Czech
    _GERMAN + "áäčďéíĺľňóôŕšťúýž",  # Slovak
    _GERMAN + "áéíóőúű",  # Hungarian
    _GERMAN + "čćđšžé",  # Croatian, Slovenian
    _GERMAN + "ăâîşţé",  # Romanian
)
_TURKISH: Final = ("çğıöşüâîİ",)
_CYRILLIC: Final = ("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґў№",)
_GREEK: Final = ("αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋ",)
_ALPHABETS: Final = {  # of two that are equally good, the first wins
    _DEFAULT: _WEST,
    "iso8859-15": _WEST,
    "cp1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "cp850": _WEST,
    "mac-roman": _WEST,
    "cp1254": _TURKISH,
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp1253": _GREEK,
}
_OWN_SCRIPT: Final = frozenset({_CYRILLIC, _GREEK})
_APOSTROPHE: Final = "\u2019"
_SIGNS: Final = frozenset(  # with the dashes and quotation marks of typography
    "€£§°«»„“”…·•©®™±µºª¿¡\xa0\xd7\u2013\u2014\u2018\u201a" + _APOSTROPHE
)
_RAISED: Final = frozenset("¹²³")
_FRACTIONS: Final = frozenset("½¼¾")
_LOST: Final = "\ufffd"  # what a byte without a meaning becomes
_PLACES: Final = 20_000  # bytes beyond ASCII that are used

_UNLIKELY, _ODD, _WRONG = 0.3, 0.5, 1.0
_CONTROL: Final = 5.0
_MARGIN: Final = 0.1


def likeliest(data: bytes) -> str:
    """Return the single-byte encoding that a text is most likely in.

    Args:
        data: A part of it, with bytes beyond ASCII.

    Returns:
        A codec's name; cp1252 where no other one is clearly better.
    """
    places = _places(data)
    costs = {encoding: _costs(places, encoding) for encoding in _ALPHABETS}
    total = {
        encoding: sum(cost * places[place] for place, cost in costs[encoding].items()) for encoding in costs
    }
    best = min(total, key=lambda encoding: total[encoding])
    return best if best != _DEFAULT and _is_clear(places, costs[_DEFAULT], costs[best], best) else _DEFAULT


def _places(data: bytes) -> Counter[bytes]:
    """Count each byte beyond ASCII together with its two neighbours.

    A letter alone counts once, however often it occurs: it is nearly as good a word in one language as in
    another, and one cell ("à", "é") may be repeated in every record.
    """
    counts: Counter[bytes] = Counter()
    padded = b" " + data + b" "
    total = 0
    for index in range(1, len(padded) - 1):
        if padded[index] > 0x7F:  # noqa: PLR2004 - the last ASCII byte
            counts[padded[index - 1 : index + 2]] += 1
            total += 1
            if total == _PLACES:
                break
    return Counter({place: 1 if _is_alone(place) else count for place, count in counts.items()})


def _is_alone(place: bytes) -> bool:
    before, after = place[:1], place[2:]
    return all(side.isascii() and not side.isalpha() for side in (before, after))


def _is_clear(
    places: Counter[bytes], default: dict[bytes, float], other: dict[bytes, float], name: str
) -> bool:
    """Return whether another encoding is better than the default by enough, where the two differ."""
    differing = [place for place in places if _decoded(place, name) != _decoded(place, _DEFAULT)]
    gain = sum((default[place] - other[place]) * places[place] for place in differing)
    return gain >= max(_WRONG, _MARGIN * sum(places[place] for place in differing))


def _decoded(place: bytes, encoding: str) -> str:
    return codecs.decode(place, encoding, "replace")


def _costs(places: Counter[bytes], encoding: str) -> dict[bytes, float]:
    """Return what each place costs, by the alphabet of this encoding that fits best."""
    alphabets = _ALPHABETS[encoding]
    every = frozenset("".join(alphabets))
    own_script = alphabets in _OWN_SCRIPT
    # One file is mostly in one language, so that its letters are held against one alphabet at a time.
    candidates = [
        {
            place: _cost(_decoded(place, encoding), frozenset(alphabet), every, own_script=own_script)
            for place in places
        }
        for alphabet in alphabets
    ]
    return min(candidates, key=lambda costs: sum(cost * places[place] for place, cost in costs.items()))


def _cost(three: str, alphabet: frozenset[str], every: frozenset[str], *, own_script: bool) -> float:
    """Return how unlikely it is that somebody wrote the middle one of three characters."""
    before, letter, after = three[0], three[1], three[2]
    if letter < "\xa0" or letter == _LOST:
        return _CONTROL
    if letter in _SIGNS or letter in _RAISED or letter in _FRACTIONS:
        return _WRONG if _is_misplaced(before, letter, after) else 0.0
    if not letter.isalpha() or not {letter, letter.lower()} & every:
        return _WRONG
    if letter.isupper() and before.islower():
        return _WRONG
    cost = 0.0 if {letter, letter.lower()} & alphabet else _ODD
    if own_script:
        alone = not before.isalpha() and not after.isalpha()
        mixed = _is_ascii_letter(before) or _is_ascii_letter(after)
        return cost + (_WRONG if mixed else _UNLIKELY if alone else 0.0)
    return cost + _beside(before, letter, after, alphabet)


def _is_misplaced(before: str, sign: str, after: str) -> bool:
    """Return whether a sign is beside letters in a way that no language has."""
    if sign in _RAISED:
        return before.isalpha() and (before != "m" or after.isalpha())
    if sign in _FRACTIONS:
        return before.isalpha() or after.isalpha()
    return before.isalpha() and after.isalpha() and sign != _APOSTROPHE


def _beside(before: str, letter: str, after: str, alphabet: frozenset[str]) -> float:
    """Return what a Latin letter costs for its neighbours."""
    if letter == "õ" and "ö" not in alphabet and after not in "eso":  # in Portuguese: ões, õe
        return _WRONG
    if letter == "þ" and not after.isalpha():  # in Icelandic it begins a word or syllable
        return _WRONG
    alone = not before.isalpha() and not after.isalpha()
    return _UNLIKELY if alone or (before > "\x7f" and before.isalpha()) else 0.0


def _is_ascii_letter(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()
