"""`rejects.*`: the rows that were invalid, blocked or refused, as they were, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from loader.errors import ConfigurationError, LoaderError
from loader.records import (
    GROUP,
    INCOMPLETE,
    LEFT_OUT,
    LINE,
    PARENT,
    PROBLEM,
    RAW,
    RECORD_NO,
    REJECT_COLUMNS,
    Status,
)
from loader.report.atomic import speaking
from loader.report.json_text import with_json_text
from loader.report.rejects_csv import CsvRejects
from loader.report.rejects_ndjson import NdjsonRejects
from loader.report.rejects_parquet import ParquetRejects
from loader.report.rejects_xlsx import XlsxRejects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.records import Batch, SourceFile

_OWN: Final = (RECORD_NO, LINE, PROBLEM, PARENT, RAW)
_BETWEEN: Final = "; "


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a record was rejected.

    Attributes:
        status: INVALID, BLOCKED or REFUSED.
        findings: Every finding, with `field` (a payload path; empty or None for the whole row) and `message`,
            and `row`, the number of the row that it is about, where that is not the record's first.
        message: Why, where there are no findings; not used where there are.
    """

    status: Status
    findings: Sequence[Mapping[str, Any]] = ()
    message: str = ""

    @property
    def field_text(self) -> str:
        """The fields of all findings."""
        return _BETWEEN.join(each["field"] for each in self.findings if each.get("field"))

    @property
    def message_text(self) -> str:
        """The messages of all findings, else the row's own."""
        return _BETWEEN.join(each["message"] for each in self.findings) or self.message

    def of_row(self, number: int, record_no: int) -> Rejected:
        """Why one of a record's rows was rejected: what is wrong with itself, else with the record."""
        own = [each for each in self.findings if each.get("row", record_no) == number]
        if own or (number == record_no and not self.findings):
            return replace(self, findings=own)
        told = f"its record (the one that begins with record {record_no}) is {self.status.value}"
        return replace(self, findings=(), message=told)


class RejectsWriter:
    """Writes the rejected rows of a load or a dry run, in the form of its source.

    CSV sources give `rejects.csv`, in the first file's dialect, encoding, columns and frame of preamble and
    footer lines, never packed; NDJSON sources `rejects.ndjson`, each object as it was written; Parquet
    sources `rejects.parquet`, with their own types; workbooks `rejects.xlsx`, with a sheet of the same name
    that begins in the same row. The first file decides. Behind the source's columns (those that only later
    files have behind the first file's) come `REJECT_COLUMNS`, then the surplus cells of records that had
    more cells than columns. Nothing stands under the final name before `close`; leaving a `with` block
    without it drops what was written.

    Args:
        directory: Where the file goes; made, for its owner only, where it is missing.
        files: The source's files; at least one.

    Raises:
        ConfigurationError: The file would replace one of the source's own.
    """

    def __init__(self, directory: Path, files: Sequence[SourceFile]) -> None:
        first = files[0]
        self._columns = tuple(dict.fromkeys(name for file in files for name in file.schema))
        self._writer: CsvRejects | NdjsonRejects | ParquetRejects | XlsxRejects
        if first.dialect:
            self._writer = CsvRejects(directory / "rejects.csv", first.dialect, self._columns)
        elif first.format == "ndjson":
            self._writer = NdjsonRejects(directory / "rejects.ndjson", self._columns)
        elif first.sheet:
            self._writer = XlsxRejects(directory / "rejects.xlsx", first.sheet, self._columns)
        else:
            self._writer = ParquetRejects(directory / "rejects.parquet", self._columns)
        self._as_json = _told_as_json(files)
        _refuse_source(self._writer.path, files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._writer.drop()

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must know to load the file again, one line each; mostly nothing."""
        return self._writer.notes

    def add(self, batch: Batch, rejected: Mapping[int, Rejected]) -> None:
        """Writes the rejected rows of a batch, in its order.

        Args:
            batch: The batch; batches come in the order of the source.
            rejected: Record number in the batch's file -> why.

        Raises:
            LoaderError: A record is not in the batch, or a column not in the files that were named.
            Stopped: It cannot be written.
        """
        if not rejected:
            return
        rows = _rows_of(batch).filter(pl.col(PARENT).is_in(list(rejected)))
        if rows[PARENT].n_unique() != len(rejected):
            raise LoaderError(
                f"{batch.file.name}: a rejected record is not in the batch it was said to be in"
            )
        if strange := set(rows.columns).difference(self._columns, _OWN):
            raise LoaderError(f"{batch.file.name}: rejects have no columns for {', '.join(sorted(strange))}")
        added = pl.DataFrame(
            [
                _added(number, line, rejected[parent].of_row(number, parent))
                for number, line, parent in rows.select(RECORD_NO, LINE, PARENT).iter_rows()
            ],
            schema=dict(
                zip(REJECT_COLUMNS, (pl.String, pl.Int64, pl.Int64, pl.String, pl.String), strict=True)
            ),
            orient="row",
        )
        cells, raw = rows.drop(_OWN, strict=False), _raw_of(rows)
        if isinstance(self._writer, NdjsonRejects):
            self._writer.add(cells, added, batch.extra, raw)
            return
        extra = dict(batch.extra)
        if raw:
            pairs = zip(added.iter_rows(), raw, strict=True)
            extra |= {own[1]: (text,) for own, (text, sound) in pairs if not sound}
        self._writer.add(with_json_text(cells, self._as_json), added, extra)

    def close(self) -> Path | None:
        """Puts the file in its place.

        Returns:
            Where it is; None where nothing was rejected: then there is no file, nor one of an earlier run.

        Raises:
            Stopped: It cannot be written.
        """
        if self._writer.is_empty:
            with speaking(self._writer.path):
                self._writer.path.unlink(missing_ok=True)
            return None
        self._writer.keep()
        return self._writer.path


def _rows_of(batch: Batch) -> pl.DataFrame:
    """All rows of the batch's records, with their PARENT, and RAW where their format keeps it."""
    if GROUP in batch.children:
        return batch.children[GROUP].drop(LEFT_OUT, INCOMPLETE)
    rows = batch.rows if batch.raw is None else batch.rows.with_columns(batch.raw.alias(RAW))
    return rows.with_columns(pl.col(RECORD_NO).alias(PARENT))


def _raw_of(rows: pl.DataFrame) -> list[tuple[str, bool]] | None:
    """The text of each of a batch's rows and whether it is sound; None where its format keeps none."""
    if RAW not in rows.columns:
        return None
    return list(zip(rows[RAW], rows[PROBLEM].is_null(), strict=True))


def _told_as_json(files: Sequence[SourceFile]) -> set[str]:
    """Columns that no one type holds in the rejects: nested ones in text, or beside other types."""
    types: dict[str, set[pl.DataType]] = {}
    for file in files:
        for name, kind in file.schema.items():
            types.setdefault(name, set()).add(kind)
    typed = files[0].format == "parquet"
    return {
        name
        for name, kinds in types.items()
        if any(kind.is_nested() for kind in kinds) and (not typed or len(kinds) > 1)
    }


def _added(number: int, line: int | None, why: Rejected) -> tuple[str, int, int | None, str, str]:
    return why.status.value, number, line, why.field_text, why.message_text


def _refuse_source(path: Path, files: Sequence[SourceFile]) -> None:
    if any(Path(file.path).resolve() == path.resolve() for file in files):
        raise ConfigurationError(
            f"{path}: the rejects would replace the source", next_step="name another folder for the report"
        )
