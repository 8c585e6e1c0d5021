"""The notes of a run as lines of text: the report of a dry run lists what the shell shows.

They are worded here, below both, so that the two cannot differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader import wording
from loader.pipeline.events import FindingReported, Note, RejectsNote, SecondFileNotLinked, SourceNote

if TYPE_CHECKING:
    from loader.pipeline.events import Event, Observer


class NoteCollector:
    """Keeps the notes of a run, and passes all events on.

    Args:
        observer: Gets the events.

    Attributes:
        notes: The notes, in order, one line each.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.notes: list[str] = []

    def on_event(self, event: Event) -> None:
        """Keep the event if it is a note, and pass it on."""
        if isinstance(event, Note):
            self.notes.append(note_text(event))
        self._observer.on_event(event)


def note_text(note: Note) -> str:
    """Return a note as one line, with its severity in front where it is a finding."""
    match note:
        case SourceNote(subject, text):
            return f"{subject}: {text}" if subject else text
        case FindingReported(finding):
            return f"{note.severity}: {wording.line(finding)}"
        case RejectsNote(path, text):
            return f"{path}: {text}"
        case SecondFileNotLinked(path, name, target):
            return f"{path}: to load it again, put {target} beside it as {name}"
