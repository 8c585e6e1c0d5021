"""Short texts for people: the nearest name, cut values, counts that agree with their noun."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

SHOWN_CHARACTERS: Final = 60
"""How many characters of a value a message shows."""

_SEPARATORS: Final = re.compile(r"[\s_\-.]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain_name(name: str) -> str:
    """Fold case, camel case and separators: `ProgramIDs`, `program-ids` and `program_ids` are one."""
    return _SEPARATORS.sub("", _CAMEL.sub("_", name)).lower()


def nearest(name: str, names: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """Return the name most like `name`, or None where none is alike enough.

    Args:
        name: What was written; case, camel case and separators do not count.
        names: The real names; of equally near ones the first wins.
        cutoff: How alike it must be, 0 to 1, as `difflib` measures it.
    """
    # Reversed, so that of names that fold to the same text the first one stays.
    folded = {plain_name(candidate): candidate for candidate in reversed(list(names))}
    matches = difflib.get_close_matches(plain_name(name), list(folded), n=1, cutoff=cutoff)
    return folded[matches[0]] if matches else None


def did_you_mean(name: str, names: Collection[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest name, or an empty text where none is alike enough."""
    suggestion = nearest(name, names)
    return f"; did you mean {suggestion!r}?" if suggestion else ""


def shorten(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return the text, cut after `limit` characters and then marked with an ellipsis."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Return the number with its noun: `1 row`, `2,000 rows`."""
    noun = singular if number == 1 else plural or f"{singular}s"
    return f"{number:,} {noun}"
