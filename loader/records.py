"""The frozen values that pass between rooms.

Frames are Polars `DataFrame`s; columns that the loader adds to the source's own begin with two
underscores and are named here, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from loader.findings import Finding, dump_findings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from loader.manifest import Manifest
    from loader.settings import Format

# --- Columns the reader adds to a source's own -------------------------------------------------------
RECORD_NO: Final = "__record_no"  # Int64: the record's number in its file, from 1, the header not counted
LINE: Final = "__line"  # Int64: the line or sheet row that the record begins on, from 1; null in Parquet
PROBLEM: Final = "__problem"
"""String: why the record could not be read as a row, as `dump_findings` writes it; null for a sound one."""

REPEATED_HEADER: Final = dump_findings([Finding("row.repeated_header")])
"""The PROBLEM of a record that repeats the header: it is no data, so its row is filtered, not invalid."""

# --- Columns of the rows of a record that is made of several -------------------------------------------
PARENT: Final = "__parent"  # Int64: the RECORD_NO of the record that the row is part of
LEFT_OUT: Final = "__left_out"  # Boolean: whether the mapping's `where` leaves the row out of its record
INCOMPLETE: Final = (
    "__incomplete"  # String: why its record may be incomplete, written like PROBLEM; mostly null
)
ROW_NO: Final = "__row_no"  # Int64: the number in its file of the row that something comes from
RAW: Final = "__raw"  # String: the row's own text, for NDJSON

GROUP: Final = ""
"""The name in `Batch.children` of the source's own rows, where `group_by` makes records of them."""

# --- Columns of the frame that the payload room makes ------------------------------------------------
EXTERNAL_ID: Final = "__external_id"  # String: the row's identity across loads; null where there is none
STATE: Final = "__state"  # String: a `RowFate`
CORE: Final = "__core"  # String: the JSON body without the bulk-load fields; null unless ready
BODY: Final = "__body"  # Binary: the JSON body as it is sent, UTF-8; null unless ready

# --- Columns that `rejects.*` adds, and that reading leaves out --------------------------------------
REJECT_COLUMNS: Final = ("_status", "_record_no", "_line", "_field", "_code", "_message")

# --- Columns of a frame of findings, one line a finding ----------------------------------------------
FINDING_COLUMNS: Final = (RECORD_NO, LINE, EXTERNAL_ID, "field", "column", "value", "code", "params")


class RowFate(StrEnum):
    """What the payload room makes of a row; its names are in the column STATE, and in previews."""

    READY = "ready"
    FILTERED = "filtered"
    INVALID = "invalid"
    BLOCKED = "blocked"


class Status(StrEnum):
    """What became of a row; the names are those of `results.csv` and `--json`."""

    CREATED = "created"
    ALREADY_LOADED = "already_loaded"
    FILTERED = "filtered"
    INVALID = "invalid"
    BLOCKED = "blocked"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    PENDING = "pending"


REJECTED: Final = frozenset({Status.INVALID, Status.BLOCKED, Status.REFUSED})
"""The statuses of rows that `rejects.*` lists."""

LoadState = Literal["running", "finished", "stopped", "interrupted"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on: the next record to be read.

    Attributes:
        seq: The record's number over all files of the load, from 0.
        file_no: The index of its file in the load, from 0.
        record_no: Its number in that file, from 1.
        line: The line that it begins on, from 1; 0 where the format has no lines.
        offset: Bytes before it in the file's decompressed content; 0 where the format has no offsets.
    """

    seq: int = 0
    file_no: int = 0
    record_no: int = 1
    line: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""How a delimited text file is written.

    Attributes:
        delimiter: What separates two cells, one or more characters.
        quote: What encloses a cell that holds delimiters or line breaks; None where nothing does.
        escape: What precedes a quote inside a quoted cell; None where quotes are doubled.
        encoding: A Python codec name, such as `utf-8`, `cp1252`, `utf-16-le`.
        bom: Whether the file begins with a byte-order mark.
        newline: The line end of the header line: LF, CRLF or CR.
        header: Whether a header line names the columns.
        preamble: The lines above the header as they are, line ends included; decoded text.
        footer: The lines below the last record that are not data, likewise.
        header_lines: How many lines the header takes; their names are joined. 1 where there is none.
        lone_cr: Whether a CR alone ends a line, as LF and CRLF do.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    bom: bool = False
    newline: str = "\n"
    header: bool = True
    preamble: str = ""
    footer: str = ""
    header_lines: int = 1
    lone_cr: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet of a workbook that is read.

    Attributes:
        name: As its tab says.
        first_row: The row of the header or, without one, of the first record; from 1.
        header: Whether a header row names the columns.
    """

    name: str
    first_row: int
    header: bool


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source.

    Attributes:
        file_no: Its index in the load, from 0.
        path: Where it is, as the user wrote it or as a glob found it.
        name: Its file name without folders.
        size: Bytes as stored.
        fingerprint: SHA-256 of the bytes as stored, in hex.
        format: How it is read.
        dialect: How its text is written; None for other formats than CSV.
        schema: Its columns in order with their types (all String for CSV); the reader's own columns and
            REJECT_COLUMNS left out.
        notes: What was detected and assumed, one line each, for people.
        sheet: Which sheet is read; None where it is no workbook.
    """

    file_no: int
    path: str
    name: str
    size: int
    fingerprint: str
    format: Format
    dialect: Dialect | None
    schema: Mapping[str, pl.DataType]
    notes: tuple[str, ...] = ()
    sheet: Sheet | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one file.

    Attributes:
        file: The file they come from.
        start: The position of the first record.
        end: The position after the last one: where reading goes on.
        rows: The source's columns (text cells exactly as they are between their quotes; absent cells
            of a short record are null), then RECORD_NO, LINE and PROBLEM; in file order. Where records are
            made of several rows, one line a record with the cells of its first row that counts (sound, and
            not left out), RECORD_NO that of the record's first row, and ROW_NO that of the row.
        extra: For records with more cells than columns: RECORD_NO -> the surplus cells' text.
        raw: Each record's own text, one a row, for NDJSON; None for other formats.
        offsets: Bytes before each of `rows`, as in `Position`; None where the format has no offsets.
        children: The rows that records are made of, by name, each with a PARENT, in order of PARENT and
            then of their file. GROUP: all rows of the records, with the source's columns, RECORD_NO, LINE,
            PROBLEM, LEFT_OUT and STRAY, and for NDJSON RAW. Any other: rows of a second file, with those
            of its columns that are used, and its own RECORD_NO, LINE and PROBLEM.
    """

    file: SourceFile
    start: Position
    end: Position
    rows: pl.DataFrame
    extra: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    raw: pl.Series | None = None
    offsets: NDArray[np.int64] | None = None
    children: Mapping[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendableRow:
    """A row that is to be sent.

    Attributes:
        seq: Its number over all files of the load, from 0; its key in the journal.
        file_no: The index of its file.
        record_no: Its number in its file, from 1.
        external_id: Its identity across loads; None where the mapping has none.
        body: The JSON body as it is sent, UTF-8.
        payload_hash: 16 bytes over the body without the bulk-load fields.
    """

    seq: int
    file_no: int
    record_no: int
    external_id: str | None
    body: bytes
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """A row with a status that is known without sending it (filtered, invalid, already loaded, …).

    Attributes:
        seq: As in `SendableRow`; likewise `file_no`, `record_no` and `external_id`.
        status: What it is.
        id: The id of the record it already is, for `already_loaded`; else None.
        findings: Why; none for rows that the mapping's `where` leaves out.
        line: The line in the file; None where the format has none.
        payload_hash: As in `SendableRow`; None where there is no payload.
    """

    seq: int
    file_no: int
    record_no: int
    external_id: str | None
    status: Status
    id: str | None = None
    findings: tuple[Finding, ...] = ()
    line: int | None = None
    payload_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row that was sent.

    Attributes:
        seq: The row.
        status: CREATED, REFUSED, IN_DOUBT, or PENDING where it is certain that nothing was stored and
            the row may be sent again later.
        id: The new record's id, for CREATED.
        http_status: The last answer's status; None where none came.
        attempts: How often it was sent, this time.
        findings: What the service answered, or what went wrong, subject "answer"; none for CREATED.
    """

    seq: int
    status: Status
    id: str | None = None
    http_status: int | None = None
    attempts: int = 1
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row of a load as the journal knows it: one line of `results.csv`, and more.

    Attributes are those of `SendableRow`, `DecidedRow` and `Outcome`; `findings` has the field names.
    """

    seq: int
    file_no: int
    record_no: int
    line: int | None
    external_id: str | None
    status: Status
    id: str | None
    http_status: int | None
    attempts: int
    findings: tuple[Finding, ...]

    @property
    def code(self) -> str | None:
        """The code of its first finding; None where there is none."""
        return self.findings[0].code if self.findings else None


@dataclass(frozen=True, slots=True)
class Requests:
    """How many requests a load made: all, those that repeated a row, those answered with 429."""

    sent: int = 0
    retried: int = 0
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """A load as the journal keeps it.

    Attributes:
        load_id: Sortable and unique, like `20261122T101500Z-8f3a2c1d`.
        resource: The record type's name.
        tenant: The tenant that they are loaded into.
        base_url: Where they were first sent.
        mapping_name: The mapping's file name.
        mapping_text: The mapping as it was when the load began.
        manifest: What it keeps of its start: settings, sources, options.
        files: Its files, with fingerprints.
        created_at: When it began, UTC.
        state: How far it is.
        requests: Over all its runs.
        seconds: Time spent over all its runs.
        reason: Why it stopped; empty otherwise.
    """

    load_id: str
    resource: str
    tenant: str
    base_url: str
    mapping_name: str
    mapping_text: str
    manifest: Manifest
    files: tuple[SourceFile, ...]
    created_at: datetime
    state: LoadState = "running"
    requests: Requests = field(default_factory=Requests)
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExistingRecord:
    """What the journal knows of an external id in a tenant and record type.

    Attributes:
        status: CREATED, IN_DOUBT (sent, outcome unknown) or another status of the row that carried it.
        load_id: The load that the row belongs to.
        file_no: The index of its file in that load.
        record_no: Its number there.
        id: The record's id, for CREATED.
        payload_hash: As it was sent; None where nothing was.
    """

    status: Status
    load_id: str
    file_no: int
    record_no: int
    id: str | None
    payload_hash: bytes | None
