"""A delimited text file: what it is, and its records from any position on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from loader.errors import SourceError
from loader.source.bytes import BLOCK
from loader.source.csv.fast_parser import read_plain
from loader.source.csv.strict_parser import Exact, too_long_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.records import Position, SourceFile
    from loader.source.bytes import SourceContent
    from loader.source.csv.bytes_dialect import BytesDialect, Chunk
    from loader.source.csv.strict_parser import ParsedRecord

_SMALL_WINDOW: Final = 64 * 1024
_MOST_AT_ONCE: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A text file that was opened once and can be read from any position.

    Attributes:
        file: What others may know of it.
        content: Its bytes.
        form: How they are cut into records.
        columns: The columns that are given out; without REJECT_COLUMNS where the file has all of them.
        data_at: The offset of what follows the header.
        data_line: The line of it.
        stop: The offset after the last record: the end of the content or the beginning of a footer; None
            where it is not known before it is reached.
        hint: About how many records it has.
    """

    file: SourceFile
    content: SourceContent
    form: BytesDialect
    columns: tuple[str, ...]
    data_at: int
    data_line: int
    stop: int | None
    hint: int

    def chunks(self, start: Position) -> Iterator[Chunk]:
        """Reads the records from a position of this file on.

        Raises:
            SourceError: It cannot be read on, or a line has no end.
        """
        at, line = (start.offset, start.line) if start.line else (self.data_at, self.data_line)
        with self.content.open(at) as stream:
            reading = CsvReadState(self.form, stream, at, line, stop=self.stop)
            yield from reading.chunks()
        if reading.missing:
            raise SourceError(
                f"{self.file.path}: ends {reading.missing} bytes earlier than when it was opened",
                next_step="Let nothing write to the file while it is loaded; give it as it was, and resume.",
            )


class Readable(Protocol):
    """What bytes come from: fewer than asked for only at the end."""

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes."""


class CsvReadState:
    """One pass over a file.

    Args:
        form: How it is written.
        stream: Its content from `offset` on.
        offset: Where the first record begins.
        line: The line that it begins on, from 1.
        stop: The offset to stop at; None: the end.
        block: Bytes read, and records looked at, at once; fewer after something odd was found.
    """

    def __init__(
        self,
        form: BytesDialect,
        stream: Readable,
        offset: int,
        line: int,
        *,
        stop: int | None = None,
        block: int = BLOCK,
    ) -> None:
        self._form = form
        self._exact = Exact(form)
        self._stream = stream
        self._data = b""
        self._at = 0
        self._offset = offset  # of the first byte of _data
        self._line = line
        self._left = None if stop is None else max(0, stop - offset)
        self._ended = False
        self._block = block

    @property
    def missing(self) -> int:
        """Bytes that were expected and did not come, once all was read."""
        return self._left or 0

    def chunks(self) -> Iterator[Chunk]:
        """Reads to the end.

        Raises:
            SourceError: The file cannot be read on, or a line has no end.
        """
        window = self._block
        while self._has_more(window):
            if chunk := self._plain(window):
                window = min(window * 2, self._block)
            else:
                window = min(_SMALL_WINDOW, self._block)
                chunk = self._plain(window) or self._exactly(window)
            if chunk.height:
                yield chunk

    def _has_more(self, size: int) -> bool:
        while len(self._data) - self._at < size and not self._ended:
            self._read()
        return self._at < len(self._data)

    def _read(self) -> None:
        size = max(self._block, min(len(self._data) - self._at, _MOST_AT_ONCE))
        wanted = size if self._left is None else min(size, self._left)
        block = self._stream.read(wanted)
        self._ended = len(block) < size
        if self._left is not None:
            self._left -= len(block)
        self._data = self._data[self._at :] + block
        self._offset += self._at
        self._at = 0

    def _plain(self, window: int) -> Chunk | None:
        stop = self._at + window
        final = self._ended and stop >= len(self._data)
        base = self._offset + self._at
        found = read_plain(self._data[self._at : stop], self._form, base, self._line, final=final)
        if found is None:
            return None
        chunk, consumed, self._line = found
        self._at += consumed
        return chunk

    def _exactly(self, window: int) -> Chunk:
        """Reads records one by one, at least one and at least `window` bytes of them if there are.

        A record that is too long to be held is given by itself.
        """
        records: list[ParsedRecord] = []
        begun, first_line = self._at, self._line
        while self._at < len(self._data) and self._at - begun < window:
            record = self._exact.record(self._data, self._at, self._line, final=self._ended)
            if records and (record is None or record.goes_on):
                break
            if record is None:
                self._read()
                begun = self._at
                continue
            if record.goes_on:
                return self._skipped(record)
            self._at, self._line = record.end, self._line + record.breaks
            records.append(record)
        return self._exact.chunk(records, begun, self._offset, first_line)

    def _skipped(self, record: ParsedRecord) -> Chunk:
        """A record that is not held: reads on to its line end, and keeps nothing of what comes."""
        begun, line = self._offset + self._at, self._line
        self._at = record.end
        while (match := self._exact.cutter.line_end(self._data, self._at, final=self._ended)) is None:
            left = 0 if self._ended else int(self._data.endswith(b"\r"))
            self._at = len(self._data) - left
            if self._ended:
                break
            self._read()
        self._at = match.end() if match else self._at
        breaks = record.breaks + (match is not None)
        self._line += breaks
        end = self._offset + self._at
        whole = replace(record, end=end, breaks=breaks, problem=too_long_problem(end - begun))
        return self._exact.chunk([whole], begun, 0, line)
