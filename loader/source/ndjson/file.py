"""An NDJSON file: what it is, and its records from any position on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from loader.errors import SourceError
from loader.findings import load_findings
from loader.records import PROBLEM, REJECT_COLUMNS, Batch, Position, SourceFile
from loader.source.batches import Chunk, in_batches
from loader.source.bytes import SourceContent, packing_of
from loader.source.columns import check_names
from loader.source.encoding import encoding_of
from loader.source.ndjson.infer import InferredColumn, InferredShape, column_of, series_of
from loader.source.ndjson.lines import RAW, lines_of, record_of
from loader.source.paths import fingerprint
from loader.text import count
from loader.wording import message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loader.settings import SourceOptions
    from loader.source.ndjson.lines import NdjsonLine, NdjsonRecord

_MOST_COLUMNS: Final = 10_000
_HEAD: Final = 1024
_AS_LINES: Final = (
    "Write one JSON object per line: `jq -c '.[]' FILE` does so with an array, `jq -c . FILE` with objects "
    "that span several lines."
)


@dataclass(frozen=True, slots=True)
class NdjsonFile:
    """An NDJSON file that was opened once and can be read from any position.

    Attributes:
        file: What others may know of it.
        content: Its bytes.
        encoding: The file's encoding, for findings.
        columns: How each column is read.
        height: How many records it has.
    """

    file: SourceFile
    content: SourceContent
    encoding: str
    columns: Mapping[str, InferredColumn]
    height: int

    def batches(self, size: int, start: Position, limit: int | None) -> Iterator[Batch]:
        """Read batches of records from a position on; as in `SourceReader`."""
        return in_batches(self.file, self._chunks(start, size), size, start, limit)

    def _chunks(self, start: Position, size: int) -> Iterator[Chunk]:
        offset, number = (start.offset, start.line) if start.line else (self.content.first, 1)
        record_no = start.record_no
        waiting: list[tuple[NdjsonLine, NdjsonRecord]] = []
        with self.content.open(offset) as stream:
            for line in lines_of(stream, offset, number):
                waiting.append((line, record_of(line, self.encoding)))
                if len(waiting) == size:
                    yield self._chunk(waiting)
                    record_no, waiting = record_no + size, []
        if waiting:
            yield self._chunk(waiting)
        if (height := record_no - 1 + len(waiting)) != self.height:
            raise self._changed(f"{height} records in place of {self.height}")

    def _chunk(self, pairs: list[tuple[NdjsonLine, NdjsonRecord]]) -> Chunk:
        members = [record.members for _, record in pairs]
        rows = pl.DataFrame([self._series(name, members) for name in self.columns])
        problems = pl.Series(PROBLEM, [record.problem for _, record in pairs], pl.String)
        lines = np.array([line.number for line, _ in pairs], dtype=np.int64)
        return Chunk(
            rows=rows.with_columns(problems),
            starts=np.array([line.start for line, _ in pairs], dtype=np.int64),
            ends=np.array([line.end for line, _ in pairs], dtype=np.int64),
            lines=lines,
            next_lines=lines + 1,
            raw=pl.Series(RAW, [record.raw for _, record in pairs], pl.String),
        )

    def _series(self, name: str, members: list[dict[str, Any]]) -> pl.Series:
        try:
            return series_of(name, [member.get(name) for member in members], self.columns[name])
        except (pl.exceptions.PolarsError, TypeError, ValueError, AttributeError) as error:
            raise self._changed("other values") from error

    def _changed(self, what: str) -> SourceError:
        return SourceError(
            f"{self.file.path}: has {what} since it was opened",
            next_step="Keep the file as it is while it is loaded. Restore it, and resume the load.",
        )


def open_ndjson(path: str, file_no: int, options: SourceOptions) -> NdjsonFile:
    """Read an NDJSON file to its end for the columns and their types, and fingerprint it.

    Raises:
        SourceError: It cannot be read, has no line with a JSON object, or its keys cannot be columns.
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
    return NdjsonFile(file, content, encoding, columns, survey.height)


def _content(path: str, options: SourceOptions) -> tuple[SourceContent, str]:
    """Return the content as UTF-8, and its encoding: by the option, by the byte-order mark, else UTF-8."""
    packing = packing_of(path)
    with SourceContent(path, packing).open(0) as stream:
        head = stream.read(_HEAD)
    _, mark = encoding_of(path, head, None, whole=len(head) < _HEAD)
    # JSON is UTF-8 (RFC 8259), so that the bytes are no evidence for another encoding.
    option = options.encoding or (None if mark else "utf-8")
    encoding, bom = encoding_of(path, head, option, whole=len(head) < _HEAD)
    return SourceContent(path, packing, bom, None if encoding == "utf-8" else encoding), encoding


@dataclass(slots=True)
class _Survey:
    """What one pass over a file gives.

    Attributes:
        shapes: What each key's values are, in the order in which the keys appear.
        height: How many records there are.
        sound: How many of them can be read.
        first_problem: What is wrong with the first one that cannot be read, and where.
        is_rejects: Whether there are records of a rejects file.
    """

    shapes: dict[str, InferredShape]
    height: int = 0
    sound: int = 0
    first_problem: str = ""
    is_rejects: bool = False

    def see(self, line: NdjsonLine, record: NdjsonRecord) -> None:
        """Take a record into account."""
        self.height += 1
        self.is_rejects = self.is_rejects or record.was_rejected
        if record.problem:
            self.first_problem = self.first_problem or _first_problem(line, record.problem)
            return
        self.sound += 1
        shapes = self.shapes
        for name, value in record.members.items():
            shape = shapes.get(name)
            if shape is None:
                shape = shapes[name] = InferredShape()
            shape.see(value)


def _first_problem(line: NdjsonLine, problem: str) -> str:
    return f"line {line.number}: {'; '.join(map(message, load_findings(problem)))}"


def _surveyed(content: SourceContent, encoding: str) -> _Survey:
    survey = _Survey({})
    with content.open(content.first) as stream:
        for line in lines_of(stream, content.first, 1):
            survey.see(line, record_of(line, encoding))
            if len(survey.shapes) > _MOST_COLUMNS:
                raise SourceError(
                    f"{content.path}: has more than {_MOST_COLUMNS} different keys by line {line.number}",
                    next_step="Keys are columns. If they are data, write them as values.",
                )
    if not survey.height:
        raise SourceError(
            f"{content.path}: is empty; one JSON object per line was expected",
            next_step="Check the export that wrote this file.",
        )
    if not survey.sound:
        raise SourceError(
            f"{content.path}: no line is a JSON object; {survey.first_problem}", next_step=_AS_LINES
        )
    if not survey.shapes:
        raise SourceError(
            f"{content.path}: has no columns of its own", next_step="Check the export that wrote this file."
        )
    return survey


def _notes(
    content: SourceContent, encoding: str, columns: Mapping[str, InferredColumn], survey: _Survey
) -> Iterator[str]:
    parts: list[str] = [content.packed] if content.packed else []
    parts += [encoding] if encoding != "utf-8" else []
    yield f"detected: {', '.join([*parts, 'NDJSON', count(len(columns), 'column')])}"
    for name, column in columns.items():
        if column.why:
            text = "JSON text" if column.is_json else "text, as in the file"
            yield f"column {name!r} has {column.why}: read as {text}"
    if survey.is_rejects:
        yield f"left out: {', '.join(REJECT_COLUMNS)} (the keys that a rejects file adds)"
