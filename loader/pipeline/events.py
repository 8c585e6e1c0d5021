"""What happens in a run, as typed values, for whoever watches: a terminal, a log, a test.

An event has a stable `code`, a `severity` and its own fields, and no sentence: the shell words it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

from loader.findings import CODES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from loader.findings import Finding, Severity
    from loader.records import Requests, Status


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run starts to read.

    Attributes:
        load_id: The load; None for a dry run.
        total: How many records there are, about; None where nobody knows.
    """

    code: ClassVar[str] = "run.started"
    severity: ClassVar[Severity] = "note"
    load_id: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, after each commit or batch.

    Attributes:
        rows: Rows by status, over all runs of the load; of a dry run, PENDING are those that are valid.
        requests: The load's requests, over all its runs.
    """

    code: ClassVar[str] = "run.progress"
    severity: ClassVar[Severity] = "note"
    rows: Mapping[Status, int]
    requests: Requests


@dataclass(frozen=True, slots=True)
class SourceNote:
    """What was detected or assumed about a source.

    Attributes:
        subject: A file's name, or a key of the mapping; empty where the text names it.
        text: What the source room has to report, in its own words.
    """

    code: ClassVar[str] = "source.detected"
    severity: ClassVar[Severity] = "note"
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class FindingReported:
    """Something was found about the mapping as a whole.

    Attributes:
        finding: What; it has the code and the severity.
    """

    finding: Finding

    @property
    def code(self) -> str:
        """Return the finding's code."""
        return self.finding.code

    @property
    def severity(self) -> Severity:
        """Return the severity that the catalogue gives the code."""
        return CODES[self.finding.code].severity


@dataclass(frozen=True, slots=True)
class LoadApproved:
    """A signed dry run approves the load.

    Attributes:
        approval_code: Its short code.
        rows: How many rows it found valid; None for a resumed load, which does not read the report again.
        made_at: When the dry run was, aware; None likewise.
        loader_version: The loader that made it, where that is another version; None where it is this one.
    """

    code: ClassVar[str] = "load.approved"
    severity: ClassVar[Severity] = "note"
    approval_code: str
    rows: int | None = None
    made_at: datetime | None = None
    loader_version: str | None = None


@dataclass(frozen=True, slots=True)
class AlreadyFinished:
    """There is nothing left to send: the load is finished."""

    code: ClassVar[str] = "load.already_finished"
    severity: ClassVar[Severity] = "note"
    load_id: str


@dataclass(frozen=True, slots=True)
class MappingChanged:
    """The mapping's file is no longer what the load uses.

    Attributes:
        name: The mapping's file name.
        line: The first line that differs, from 1.
        was: That line as the load uses it.
        now: That line as it is now.
    """

    code: ClassVar[str] = "load.mapping_changed"
    severity: ClassVar[Severity] = "warning"
    name: str
    line: int
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class RowsCutOff:
    """The last run ended while requests were in progress: their rows are in doubt now."""

    code: ClassVar[str] = "load.rows_cut_off"
    severity: ClassVar[Severity] = "warning"
    rows: int


@dataclass(frozen=True, slots=True)
class ReconcileStarted:
    """Rows in doubt are looked for in the service."""

    code: ClassVar[str] = "reconcile.started"
    severity: ClassVar[Severity] = "note"
    rows: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The search for rows in doubt ended.

    Attributes:
        load_id: The load.
        created: Rows that are stored.
        not_stored: Rows that are certainly not stored.
        in_doubt: Rows that stay in doubt.
        finding: Why they stay in doubt; None where none does.
        detail: What else kept them from being found, such as a source that is gone; mostly empty.
        needs_person: Whether only a person can decide them: another search would end the same way.
    """

    code: ClassVar[str] = "reconcile.ended"
    severity: ClassVar[Severity] = "note"
    load_id: str
    created: int
    not_stored: int
    in_doubt: int
    finding: Finding | None
    detail: str
    needs_person: bool


@dataclass(frozen=True, slots=True)
class RetryingRows:
    """Rows that referred to a record that was not there are tried again."""

    code: ClassVar[str] = "load.retrying_rows"
    severity: ClassVar[Severity] = "note"
    rows: int


@dataclass(frozen=True, slots=True)
class Stopping:
    """A signal came: the loader sends nothing new, and waits for the requests in progress."""

    code: ClassVar[str] = "run.stopping"
    severity: ClassVar[Severity] = "warning"


@dataclass(frozen=True, slots=True)
class WaitingForService:
    """The service does not answer, or fails: sending pauses until it is back.

    Attributes:
        finding: What went wrong last.
    """

    code: ClassVar[str] = "run.waiting"
    severity: ClassVar[Severity] = "warning"
    finding: Finding


@dataclass(frozen=True, slots=True)
class RejectsNote:
    """What a person must know to load a rejects file again.

    Attributes:
        path: The rejects file.
        text: What the report room has to say about it.
    """

    code: ClassVar[str] = "rejects.note"
    severity: ClassVar[Severity] = "warning"
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class SecondFileNotLinked:
    """A rejects file needs a second file beside it, and no link could be made.

    Attributes:
        path: The rejects file.
        name: The name that the second file needs there.
        target: Where the second file is.
    """

    code: ClassVar[str] = "rejects.second_file_not_linked"
    severity: ClassVar[Severity] = "warning"
    path: str
    name: str
    target: str


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A load's report could not be made; the load and its other files are not affected.

    Attributes:
        load_id: The load.
        name: The report's file name.
        reason: What went wrong.
    """

    code: ClassVar[str] = "report.failed"
    severity: ClassVar[Severity] = "warning"
    load_id: str
    name: str
    reason: str


Note: TypeAlias = SourceNote | FindingReported | RejectsNote | SecondFileNotLinked
"""What the report of a dry run lists too, as the notes of the run."""

Event: TypeAlias = (
    RunStarted
    | Progress
    | Note
    | LoadApproved
    | AlreadyFinished
    | MappingChanged
    | RowsCutOff
    | ReconcileStarted
    | Reconciled
    | RetryingRows
    | Stopping
    | WaitingForService
    | PageFailed
)


class Observer(Protocol):
    """Watches a run.

    Calls come from the thread that started the run, one at a time, and must return quickly: sending waits
    for them.
    """

    def on_event(self, event: Event) -> None:
        """Take note of an event."""


class SilentObserver:
    """Watches a run and ignores it."""

    def on_event(self, event: Event) -> None:
        """Ignore the event."""


class Observers:
    """Passes each event on to several observers, in order.

    Args:
        observers: The first ones.
    """

    def __init__(self, *observers: Observer) -> None:
        self._observers = list(observers)

    def add(self, observer: Observer) -> None:
        """Pass events on to this one, too, after the others."""
        self._observers.append(observer)

    def on_event(self, event: Event) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.on_event(event)


class LoadIdObserver:
    """Remembers which load a run works on.

    Attributes:
        load_id: The load, once it has started; None before, and for a dry run.
    """

    def __init__(self) -> None:
        self.load_id: str | None = None

    def on_event(self, event: Event) -> None:
        """Take the load's id from the event that has it."""
        if isinstance(event, RunStarted):
            self.load_id = event.load_id
