"""`rejects.ndjson`: the source's own objects as they were written, with what is wrong in each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from loader.records import REJECT_COLUMNS
from loader.report.atomic import AtomicFile, speaking
from loader.report.json_text import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

_RAW: Final = "_raw"  # holds the text of a line that was no JSON object; reading a mended file takes it out


class NdjsonRejects:
    """Writes rejected rows as JSON objects, one a line, in UTF-8.

    Args:
        path: The file; made with the first row.
        columns: The source's columns. The first object names those that it does not have as null, so that
            a mapping finds all of them in the file.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self._missing: Sequence[str] = columns
        self._draft: AtomicFile | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was rejected so far."""
        return self._draft is None

    def add(
        self,
        rows: pl.DataFrame,
        added: pl.DataFrame,
        extra: Mapping[int, Sequence[str]],
        raw: Sequence[tuple[str, bool]] | None,
    ) -> None:
        """Writes rows.

        Args:
            rows: The source's columns, or some of them.
            added: REJECT_COLUMNS, a line a row.
            extra: Record number -> surplus cells; of a file of another format.
            raw: Each record's own text and whether it is a JSON object; None for other formats.
        """
        if self._draft is None:
            self._draft = AtomicFile(self.path)
        for place, own in enumerate(added.iter_rows()):
            if raw is None:
                text = self._whole(_object_of(rows.row(place, named=True), extra.get(own[1], ())))
            else:
                found, sound = raw[place]
                text = self._whole(found) if sound else json_text({_RAW: found})
            line = _with_members(text, json_text(dict(zip(REJECT_COLUMNS, own, strict=True))))
            with speaking(self.path):
                self._draft.file.write(line.encode() + b"\n")

    def _whole(self, text: str) -> str:
        """The first object with a null for each column that it does not have; others as they are."""
        if not self._missing:
            return text
        has = json.loads(text)
        missing = {name: None for name in self._missing if name not in has}
        self._missing = ()
        return _with_members(text, json_text(missing)) if missing else text

    def keep(self) -> None:
        """Puts the file in its place."""
        if self._draft:
            self._draft.keep()

    def drop(self) -> None:
        """Removes what was written and not kept."""
        if self._draft:
            self._draft.drop()


def _object_of(cells: Mapping[str, object], surplus: Sequence[str]) -> str:
    named = {name: value for name, value in cells.items() if value is not None}
    return json_text({**named, **{f"(surplus {place})": cell for place, cell in enumerate(surplus, 1)}})


def _with_members(text: str, more: str) -> str:
    """An object's text with the members of another behind its own, which stay as they were written."""
    opened = text.rstrip().removesuffix("}").rstrip()
    return opened + ("" if opened.endswith("{") else ",") + more[1:]
