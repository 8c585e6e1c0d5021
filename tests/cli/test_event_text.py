"""The sentence that a person sees for each event of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from loader import __version__
from loader.cli.event_text import event_text
from loader.cli.progress import ProgressLines
from loader.findings import Finding
from loader.pipeline.events import (
    AlreadyFinished,
    Event,
    FindingReported,
    LoadApproved,
    LoadIdObserver,
    MappingChanged,
    Observers,
    PageFailed,
    Progress,
    Reconciled,
    ReconcileStarted,
    RejectsNote,
    RetryingRows,
    RowsCutOff,
    RunStarted,
    SecondFileNotLinked,
    SilentObserver,
    SourceNote,
    Stopping,
    WaitingForService,
)
from loader.pipeline.notes import NoteCollector
from loader.records import Requests

NOON = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
NO_LIST = Finding("readback.no_value")
TEXTS: list[tuple[Event, str | None]] = [
    (RunStarted("L1", 5), "load L1"),
    (RunStarted(None, 5), None),
    (Progress({}, Requests()), None),
    (SourceNote("a.csv", "delimiter ;"), "a.csv: delimiter ;"),
    (SourceNote("", "a.csv: rows apart"), "a.csv: rows apart"),
    (
        FindingReported(Finding("mapping.no_external_id")),
        "warning: ",
    ),
    (LoadApproved("K7QM-3F2X"), "approved: K7QM-3F2X"),
    (
        LoadApproved("K7QM-3F2X", 1_141, NOON),
        "approved: K7QM-3F2X, for 1,141 rows, by the dry run of 22 November 2026 10:15 UTC",
    ),
    (
        LoadApproved("K7QM-3F2X", 1, NOON, "0.0.9"),
        (
            "approved: K7QM-3F2X, for 1 row, by the dry run of 22 November 2026 10:15 UTC; loader 0.0.9 "
            f"wrote that report; this is {__version__} and may decide differently"
        ),
    ),
    (AlreadyFinished("L1"), "load L1 is finished: nothing is left to send"),
    (
        MappingChanged("m.yaml", 3, "a: 1", "a: 2"),
        (
            "m.yaml has changed since the load started, from line 3 on ('a: 1' is now 'a: 2'); the load "
            "continues with the old mapping"
        ),
    ),
    (RowsCutOff(1), "1 row was in progress when the last run ended: now in doubt"),
    (RowsCutOff(2), "2 rows were in progress when the last run ended: now in doubt"),
    (ReconcileStarted(2), "looking up 2 rows in doubt: the outcome is unknown"),
    (Reconciled("L1", 1, 2, 0, None, "", needs_person=False), "rows in doubt: 1 stored, 2 not stored"),
    (
        Reconciled("L1", 0, 0, 3, NO_LIST, "runs.csv: is gone", needs_person=True),
        (
            "rows in doubt: 3 still in doubt: the service lists records only by a field that these rows do "
            "not have; runs.csv: is gone\n"
            "to decide by hand: loader reconcile L1 --as created|unsent [--rows FILE]"
        ),
    ),
    (RetryingRows(1), "trying 1 row again: the service had no record that it refers to"),
    (Stopping(), "stopping: waiting for the requests in progress; press Ctrl-C again to stop at once"),
    (
        WaitingForService(Finding("connection.failed", params={"words": "refused"})),
        "waiting for the service: no connection: refused",
    ),
    (RejectsNote("out/rejects.csv", "sheet x"), "out/rejects.csv: sheet x"),
    (
        SecondFileNotLinked("out/rejects.csv", "more.csv", "/data/more.csv"),
        "out/rejects.csv: to load it again, put /data/more.csv beside it as more.csv",
    ),
    (
        PageFailed("L1", "report.html", "no room"),
        (
            "warning: report.html cannot be written: no room; the load and its other files are not affected. "
            "To try again: loader report L1"
        ),
    ),
]


@pytest.mark.parametrize(("event", "text"), TEXTS, ids=lambda value: getattr(value, "code", None))
def test_each_event_has_its_sentence(event: Event, text: str | None) -> None:
    """As the terminal shows it; that of a finding is made by the wording room."""
    shown = event_text(event)
    if isinstance(event, FindingReported):
        assert shown is not None
        assert shown.startswith(text or "")
    else:
        assert shown == text


def test_every_event_is_listed_here() -> None:
    """A new type of event needs a sentence, and a stable code that no other has."""
    kinds = get_args(Event)
    assert {type(event) for event, _ in TEXTS} == set(kinds)
    codes = [kind.code for kind in kinds if kind is not FindingReported]
    assert len(set(codes)) == len(codes)


def test_something_else_has_no_sentence() -> None:
    """What is no event is a bug of whoever reports it."""
    with pytest.raises(TypeError):
        event_text("text")


def test_notes_are_kept_and_everything_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The report of a dry run lists what was detected, and the terminal shows it with all the rest."""
    collector = NoteCollector(ProgressLines())
    for event, _ in TEXTS:
        collector.on_event(event)
    assert collector.notes[:2] == ["a.csv: delimiter ;", "a.csv: rows apart"]
    assert len(collector.notes) == 5
    shown = capsys.readouterr().err
    assert all(text in shown for _, text in TEXTS if text)


def test_several_observers_in_order() -> None:
    """Each event goes to each observer, in the order in which they were added."""
    calls: list[tuple[str, Event]] = []

    class Named:
        def __init__(self, name: str) -> None:
            self._name = name

        def on_event(self, event: Event) -> None:
            calls.append((self._name, event))

    observers = Observers(Named("first"))
    observers.add(Named("second"))
    for event, _ in TEXTS:
        observers.on_event(event)
    assert calls == [(name, event) for event, _ in TEXTS for name in ("first", "second")]


def test_load_id_of_a_run() -> None:
    """The load's id comes from the start of the run; a dry run has none."""
    observer = LoadIdObserver()
    load_ids = [observer.load_id]
    for event in (Stopping(), RunStarted("L1", None), Stopping(), RunStarted(None, None)):
        observer.on_event(event)
        load_ids.append(observer.load_id)
    assert load_ids == [None, None, "L1", "L1", None]


def test_a_run_may_be_ignored() -> None:
    """Nothing is shown, whatever happens."""
    for event, _ in TEXTS:
        SilentObserver().on_event(event)
