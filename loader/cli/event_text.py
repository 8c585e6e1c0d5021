"""The sentence for each event of a run, as a terminal or a log shows it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from loader import __version__, wording
from loader.pipeline import events
from loader.text import count, shorten

if TYPE_CHECKING:
    from loader.pipeline.events import Event


def event_text(event: Event) -> str | None:
    """Return one or more lines for an event; None for one that only moves a progress display."""
    match event:
        case events.RunStarted(load_id):
            return f"load {load_id}" if load_id else None
        case events.Progress():
            return None
        case events.LoadApproved():
            return _approved(event)
        case events.AlreadyFinished(load_id):
            return f"load {load_id} is finished: nothing is left to send"
        case events.MappingChanged():
            return (
                f"{event.name} has changed since the load started, from line {event.line} on "
                f"({shorten(event.was)!r} is now {shorten(event.now)!r}); the load continues with the mapping "
                "as it was"
            )
        case events.RowsCutOff(rows):
            return f"{_rows(rows)} under way when the last run ended: they are in doubt"
        case events.ReconcileStarted(rows):
            return f"looking up {count(rows, 'row')} whose outcome is unknown"
        case events.Reconciled():
            return _reconciled(event)
        case events.RetryingRows(rows):
            return f"trying {count(rows, 'row')} again that referred to a record that was not there"
        case events.Stopping():
            return "stopping: waiting for the requests under way; press Ctrl-C again to stop at once"
        case events.WaitingForService(finding):
            return f"waiting for the service: {wording.message(finding)}"
        case events.PageFailed(load_id, name, reason):
            return (
                f"warning: {name} cannot be made: {reason}; the load and its other files are not affected. "
                f"To try again: loader report {load_id}"
            )
        case _:
            return events.note_text(event)


def _rows(number: int) -> str:
    return f"{count(number, 'row')} {'was' if number == 1 else 'were'}"


def _approved(event: events.LoadApproved) -> str:
    text = f"approved: {event.approval_code}"
    if event.rows is not None and event.made_at is not None:
        at = event.made_at.astimezone(UTC)
        text += f", for {count(event.rows, 'row')}, by the dry run of {at.day} {at:%B %Y %H:%M} UTC"
    if event.loader_version is not None:
        text += f"; loader {event.loader_version} made it, and this is {__version__}: it may decide otherwise"
    return text


def _reconciled(event: events.Reconciled) -> str:
    parts = [f"{event.created:,} stored"] if event.created else []
    parts += [f"{event.not_stored:,} not stored"] if event.not_stored else []
    if event.in_doubt:
        reason = f": {wording.message(event.finding)}" if event.finding else ""
        parts.append(f"{event.in_doubt:,} still in doubt{reason}")
    text = f"rows in doubt: {', '.join(parts)}"
    if event.by_hand:
        text += f"\nto decide by hand: loader reconcile {event.load_id} --as created|unsent [--rows FILE]"
    return text
