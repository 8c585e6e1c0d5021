"""The sentence for each event of a run, as a terminal or a log shows it: one function a type."""

from __future__ import annotations

from datetime import UTC
from functools import singledispatch

from loader import __version__, wording
from loader.pipeline.events import (
    AlreadyFinished,
    FindingReported,
    LoadApproved,
    MappingChanged,
    PageFailed,
    Progress,
    Reconciled,
    ReconcileStarted,
    RejectsNote,
    RetryingRows,
    RowsCutOff,
    RunStarted,
    SecondFileNotLinked,
    SourceNote,
    Stopping,
    WaitingForService,
)
from loader.pipeline.notes import note_text
from loader.text import count, shorten


@singledispatch
def event_text(event: object) -> str | None:
    """Return one or more lines for an event; None for one that only moves a progress display."""
    raise TypeError(f"no text for the event {event!r}")


@event_text.register
def _progress(_event: Progress) -> None:
    return None


@event_text.register
def _started(event: RunStarted) -> str | None:
    return f"load {event.load_id}" if event.load_id else None


@event_text.register(SourceNote)
@event_text.register(FindingReported)
@event_text.register(RejectsNote)
@event_text.register(SecondFileNotLinked)
def _note(event: SourceNote | FindingReported | RejectsNote | SecondFileNotLinked) -> str:
    return note_text(event)


@event_text.register
def _approved(event: LoadApproved) -> str:
    text = f"approved: {event.approval_code}"
    if event.rows is not None and event.made_at is not None:
        at = event.made_at.astimezone(UTC)
        text += f", for {count(event.rows, 'row')}, by the dry run of {at.day} {at:%B %Y %H:%M} UTC"
    if event.loader_version is not None:
        text += (
            f"; loader {event.loader_version} wrote that report; this is {__version__} and may decide "
            "differently"
        )
    return text


@event_text.register
def _finished(event: AlreadyFinished) -> str:
    return f"load {event.load_id} is finished: nothing is left to send"


@event_text.register
def _mapping_changed(event: MappingChanged) -> str:
    return (
        f"{event.name} has changed since the load started, from line {event.line} on "
        f"({shorten(event.was)!r} is now {shorten(event.now)!r}); the load continues with the old mapping"
    )


@event_text.register
def _cut_off(event: RowsCutOff) -> str:
    were = "was" if event.rows == 1 else "were"
    return f"{count(event.rows, 'row')} {were} in progress when the last run ended: now in doubt"


@event_text.register
def _reconcile_started(event: ReconcileStarted) -> str:
    return f"looking up {count(event.rows, 'row')} in doubt: the outcome is unknown"


@event_text.register
def _reconciled(event: Reconciled) -> str:
    parts = [f"{event.created:,} stored"] if event.created else []
    parts += [f"{event.not_stored:,} not stored"] if event.not_stored else []
    if event.in_doubt:
        reasons = [wording.message(event.finding)] if event.finding else []
        reasons += [event.detail] if event.detail else []
        parts.append(": ".join([f"{event.in_doubt:,} still in doubt", "; ".join(reasons)]))
    text = f"rows in doubt: {', '.join(parts)}"
    if event.needs_person:
        text += f"\nto decide by hand: loader reconcile {event.load_id} --as created|unsent [--rows FILE]"
    return text


@event_text.register
def _retrying(event: RetryingRows) -> str:
    refers = "it refers" if event.rows == 1 else "they refer"
    return f"trying {count(event.rows, 'row')} again: the service had no record that {refers} to"


@event_text.register
def _stopping(_event: Stopping) -> str:
    return "stopping: waiting for the requests in progress; press Ctrl-C again to stop at once"


@event_text.register
def _waiting(event: WaitingForService) -> str:
    return f"waiting for the service: {wording.message(event.finding)}"


@event_text.register
def _page_failed(event: PageFailed) -> str:
    return (
        f"warning: {event.name} cannot be written: {event.reason}; the load and its other files are not "
        f"affected. To try again: loader report {event.load_id}"
    )
