"""An NDJSON file: what it is, and its records from any position on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from loader.errors import SourceError
from loader.records import LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS, Batch, Position, SourceFile
from loader.source.bytes import SourceContent, packing_of
from loader.source.columns import check_names
from loader.source.encoding import encoding_of
from loader.source.ndjson.infer import InferredColumn, InferredShape, column_of, series_of
from loader.source.ndjson.lines import RAW, lines_of, record_of
from loader.source.paths import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loader.settings import SourceOptions
    from loader.source.ndjson.lines import NdjsonLine, NdjsonRecord

_MOST_COLUMNS: Final = 10_000
_HEAD: Final = 1024
_AS_LINES: Final = (
    "One JSON object a line is read; `jq -c '.[]' FILE` makes them of an array, `jq -c .` of objects that "
    "go over several lines."
)


@dataclass(frozen=True, slots=True)
class NdjsonFile:
    """An NDJSON file that was opened once and can be read from any position.

    Attributes:
        file: What others may know of it.
        content: Its bytes.
        encoding: What it is in, for messages.
        columns: How each column is given out.
        height: How many records it has.
        end: The offset after the last line.
    """

    file: SourceFile
    content: SourceContent
    encoding: str
    columns: Mapping[str, InferredColumn]
    height: int
    end: int

    def batches(self, rows: int, start: Position, stop: int | None) -> Iterator[Batch]:
        """Reads batches of `rows` records from a position on.

        Args:
            rows: Records a batch; the last one may have fewer.
            start: Where to begin.
            stop: The `seq` to stop before; None: the end of the file.

        Raises:
            SourceError: It cannot be read on, or has changed.
        """
        at = start
        if not at.line:
            at = Position(at.seq, self.file.file_no, at.record_no, 1, self.content.first)
        waiting: list[tuple[NdjsonLine, NdjsonRecord]] = []
        with self.content.open(at.offset) as stream:
            for line in lines_of(stream, at.offset, at.line):
                if stop is not None and at.seq + len(waiting) >= stop:
                    break
                waiting.append((line, record_of(line, self.encoding)))
                if len(waiting) == rows:
                    yield (batch := self._batch(at, waiting))
                    at, waiting = batch.end, []
        if waiting:
            yield (batch := self._batch(at, waiting))
            at = batch.end
        if (stop is None or at.seq < stop) and at.record_no != self.height + 1:
            raise self._changed(at.record_no - 1)

    def _batch(self, start: Position, read: list[tuple[NdjsonLine, NdjsonRecord]]) -> Batch:
        first, last = read[0][0], read[-1][0]
        members = [record.members for _, record in read]
        rows = pl.DataFrame([self._series(name, members) for name in self.columns])
        after = start.record_no + len(read)
        return Batch(
            file=self.file,
            start=Position(start.seq, start.file_no, start.record_no, first.number, first.start),
            end=Position(start.seq + len(read), start.file_no, after, last.number + 1, last.end),
            rows=rows.with_columns(
                pl.int_range(start.record_no, after, dtype=pl.Int64, eager=True).alias(RECORD_NO),
                pl.Series(LINE, [line.number for line, _ in read], pl.Int64),
                pl.Series(PROBLEM, [record.problem for _, record in read], pl.String),
            ),
            raw=pl.Series(RAW, [record.raw for _, record in read], pl.String),
            offsets=np.array([line.start for line, _ in read], dtype=np.int64),
        )

    def _series(self, name: str, members: list[dict[str, Any]]) -> pl.Series:
        try:
            return series_of(name, [each.get(name) for each in members], self.columns[name])
        except (pl.exceptions.PolarsError, TypeError, ValueError, AttributeError) as error:
            raise self._changed(None) from error

    def _changed(self, found: int | None) -> SourceError:
        what = "other values" if found is None else f"{found} records in place of {self.height}"
        return SourceError(
            f"{self.file.path}: has {what} since it was opened",
            next_step="Let nothing write to the file while it is loaded; give it as it was, and resume.",
        )


def open_ndjson(path: str, file_no: int, options: SourceOptions) -> NdjsonFile:
    """Reads an NDJSON file to its end for the columns and their types, and fingerprints it.

    Raises:
        SourceError: It cannot be read, holds no JSON object in a line, or its keys cannot be columns.
    """
    size, digest = fingerprint(path)
    content, encoding = _content(path, options)
    survey = _surveyed(content, encoding)
    check_names(path, list(survey.shapes))
    columns = {name: column_of(shape) for name, shape in survey.shapes.items()}
    file = SourceFile(
        file_no=file_no,
        path=path,
        name=Path(path).name,
        size=size,
        fingerprint=digest,
        format="ndjson",
        dialect=None,
        schema={name: column.dtype for name, column in columns.items()},
        notes=tuple(_notes(content, encoding, columns, survey)),
    )
    return NdjsonFile(file, content, encoding, columns, survey.height, survey.end)


def _content(path: str, options: SourceOptions) -> tuple[SourceContent, str]:
    """The content as UTF-8, and the encoding that it is in: as said, as its mark says, else UTF-8."""
    packing = packing_of(path)
    with SourceContent(path, packing).open(0) as stream:
        head = stream.read(_HEAD)
    marked = encoding_of(path, head, None, whole=len(head) < _HEAD)
    said = options.encoding or ("utf-8" if not marked[1] else None)
    encoding, bom = encoding_of(path, head, said, whole=len(head) < _HEAD)
    return SourceContent(path, packing, bom, None if encoding == "utf-8" else encoding), encoding


@dataclass(slots=True)
class _Survey:
    """What one pass over a file found.

    Attributes:
        shapes: What each key's values are, in the order in which the keys came.
        height: How many records there are.
        end: The offset after the last of them.
        sound: How many of them can be read.
        first_problem: What is wrong with the first of the others, and where.
        mended: Whether there are records out of a rejects file.
    """

    shapes: dict[str, InferredShape]
    height: int = 0
    end: int = 0
    sound: int = 0
    first_problem: str = ""
    mended: bool = False

    def see(self, line: NdjsonLine, record: NdjsonRecord) -> None:
        """Takes a record into account."""
        self.height += 1
        self.end = line.end
        self.mended = self.mended or record.was_rejected
        if record.problem:
            self.first_problem = self.first_problem or f"line {line.number} {record.problem}"
            return
        self.sound += 1
        shapes = self.shapes
        for name, value in record.members.items():
            shape = shapes.get(name)
            if shape is None:
                shape = shapes[name] = InferredShape()
            shape.see(value)


def _surveyed(content: SourceContent, encoding: str) -> _Survey:
    survey = _Survey({})
    with content.open(content.first) as stream:
        for line in lines_of(stream, content.first, 1):
            survey.see(line, record_of(line, encoding))
            if len(survey.shapes) > _MOST_COLUMNS:
                raise SourceError(
                    f"{content.path}: has more than {_MOST_COLUMNS} different keys by line {line.number}",
                    next_step="Keys are columns; where they are data, put them into values.",
                )
    if not survey.height:
        raise SourceError(
            f"{content.path}: is empty; one JSON object a line was expected",
            next_step="Check that the export wrote this file.",
        )
    if not survey.sound:
        raise SourceError(
            f"{content.path}: no line is a JSON object; {survey.first_problem}", next_step=_AS_LINES
        )
    if not survey.shapes:
        raise SourceError(
            f"{content.path}: has no columns of its own", next_step="Check that the export wrote this file."
        )
    return survey


def _notes(
    content: SourceContent, encoding: str, columns: Mapping[str, InferredColumn], survey: _Survey
) -> Iterator[str]:
    how: list[str] = [content.packed] if content.packed else []
    how += [encoding] if encoding != "utf-8" else []
    yield f"detected: {', '.join([*how, 'NDJSON', f'{len(columns)} columns'])}"
    for name, column in columns.items():
        if column.why:
            told = "JSON text" if column.is_json else "text, as written"
            yield f"column {name!r} holds {column.why}: read as {told}"
    if survey.mended:
        yield f"left out: {', '.join(REJECT_COLUMNS)} (the keys that a rejects file adds)"
