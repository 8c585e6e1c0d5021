"""All cases of the corpus by name: "room: what is in the file"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.source.corpus import charsets, delimiters, footers, headers, quotes

if TYPE_CHECKING:
    from tests.source.corpus.case import Case

CASES: Final[dict[str, Case]] = {
    f"{room.__name__.rpartition('.')[2]}: {name}": case
    for room in (delimiters, quotes, charsets, headers, footers)
    for name, case in room.CASES.items()
}
