"""`rejects.ndjson`: the source's own objects as they were written, with what is wrong in each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, Final

from loader.atomic_file import AtomicFile
from loader.records import REJECT_COLUMNS
from loader.report.atomic import write_errors
from loader.report.json_text import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loader.records import SourceFile
    from loader.report.rejects.protocol import RejectedRows

_RAW: Final = "_raw"  # has the text of a line that was not a JSON object; reading the fixed file takes it out


class NdjsonRejects:
    """Writes rejected rows as JSON objects, one a line, in UTF-8; see `RejectsFile`.

    The first object has a null for each column of the source that it lacks, so that a mapping finds all of
    them in the file.
    """

    file_name: ClassVar[str] = "rejects.ndjson"
    keeps_nested: ClassVar[bool] = True
    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path, first: SourceFile, columns: Sequence[str]) -> None:  # noqa: ARG002 - a RejectsFile
        self.path = folder / self.file_name
        self._missing: Sequence[str] = columns
        self._draft: AtomicFile | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there was no row so far."""
        return self._draft is None

    def add(self, rows: RejectedRows) -> None:
        """Write rows."""
        with write_errors(self.path):
            self._draft = self._draft or AtomicFile(self.path)
            for place, added in enumerate(rows.added.iter_rows()):
                members = json_text(dict(zip(REJECT_COLUMNS, added, strict=True)))
                line = _with_members(self._source_text(rows, place, added[1]), members)
                self._draft.file.write(line.encode() + b"\n")

    def _source_text(self, rows: RejectedRows, place: int, record_no: int) -> str:
        if rows.texts is None:
            surplus = rows.surplus.get(record_no, ())
            return self._complete(_object_of(rows.cells.row(place, named=True), surplus))
        text, sound = rows.texts[place]
        return self._complete(text) if sound else json_text({_RAW: text})

    def _complete(self, text: str) -> str:
        """Return the first object with a null for each column that it lacks; others as they are."""
        if not self._missing:
            return text
        present = json.loads(text)
        missing = {name: None for name in self._missing if name not in present}
        self._missing = ()
        return _with_members(text, json_text(missing)) if missing else text

    def publish(self) -> None:
        """Give the file its name."""
        if self._draft:
            with write_errors(self.path):
                self._draft.publish()

    def discard(self) -> None:
        """Remove what was written and not published."""
        if self._draft:
            self._draft.discard()


def _object_of(cells: Mapping[str, object], surplus: Sequence[str]) -> str:
    named = {name: value for name, value in cells.items() if value is not None}
    return json_text({**named, **{f"(surplus {place})": cell for place, cell in enumerate(surplus, 1)}})


def _with_members(text: str, more: str) -> str:
    """Return an object's text with the members of another behind its own, which stay as they were written."""
    opened = text.rstrip().removesuffix("}").rstrip()
    return opened + ("" if opened.endswith("{") else ",") + more[1:]
