"""A delimited text file: what it is, and its records from any position on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from loader.errors import SourceError
from loader.source.batches import in_batches
from loader.source.bytes import BLOCK
from loader.source.columns import with_repeated_headers
from loader.source.csv.fast_parser import parse_fast
from loader.source.csv.strict_parser import StrictParser, too_long
from loader.source.unfixed_rejects import with_unfixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.records import Batch, Position, SourceFile
    from loader.source.batches import Chunk
    from loader.source.bytes import SourceContent
    from loader.source.csv.layout import CsvLayout
    from loader.source.csv.strict_parser import ParsedRecord

_SMALL_WINDOW: Final = 64 * 1024
_MOST_AT_ONCE: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A text file that was opened once and can be read from any position.

    Attributes:
        file: What others may know of it.
        content: Its bytes.
        layout: How they are split into records.
        data_at: The offset of what follows the header.
        data_line: The line of it.
        stop: The offset after the last record: the end of the content or the start of a footer; None where it
            is not known before it is reached.
        height: About how many records it has.
    """

    file: SourceFile
    content: SourceContent
    layout: CsvLayout
    data_at: int
    data_line: int
    stop: int | None
    height: int

    def batches(self, size: int, start: Position, limit: int | None) -> Iterator[Batch]:
        """Read batches of records from a position on; as in `SourceReader`."""
        return in_batches(self.file, self._chunks(start), size, start, limit)

    def _chunks(self, start: Position) -> Iterator[Chunk]:
        at, line = (start.offset, start.line) if start.line else (self.data_at, self.data_line)
        columns, quote = list(self.file.schema), self.layout.dialect.quote
        with self.content.open(at) as stream:
            state = CsvReadState(self.layout, stream, at, line, stop=self.stop)
            for chunk in state.chunks():
                rows = with_unfixed(chunk.rows, columns, quote)
                yield replace(chunk, rows=with_repeated_headers(rows, self.layout.header))
        if state.missing:
            raise SourceError(
                f"{self.file.path}: ends {state.missing} bytes earlier than when it was opened",
                next_step="Keep the file as it is while it is loaded. Restore it, and resume the load.",
            )


class Readable(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Read `size` bytes; fewer only at the end."""


class CsvReadState:
    """One pass over a file.

    Args:
        layout: How it is written.
        stream: Its content from `offset` on.
        offset: Where the first record starts.
        line: The line that it starts on, from 1.
        stop: The offset to stop at; None: the end.
        block: Bytes that are read and parsed at once; fewer after the fast parser refused some.
    """

    def __init__(
        self,
        layout: CsvLayout,
        stream: Readable,
        offset: int,
        line: int,
        *,
        stop: int | None = None,
        block: int = BLOCK,
    ) -> None:
        self._layout = layout
        self._strict_parser = StrictParser(layout)
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
        """Return how many bytes were expected and are not there, once all has been read."""
        return self._left or 0

    def chunks(self) -> Iterator[Chunk]:
        """Read to the end.

        Raises:
            SourceError: The file cannot be read any further.
        """
        window = self._block
        while self._has_more(window):
            if chunk := self._parse_fast(window):
                window = min(window * 2, self._block)
            else:
                # One odd record makes the fast parser refuse all of its window. A small one keeps most of the
                # file on the fast path, and grows again where no other odd record follows.
                window = min(_SMALL_WINDOW, self._block)
                chunk = self._parse_fast(window) or self._parse_strictly(window)
            if chunk.height:
                yield chunk

    def _has_more(self, size: int) -> bool:
        while len(self._data) - self._at < size and not self._ended:
            self._read()
        return self._at < len(self._data)

    def _read(self) -> None:
        # As much again as is waiting: a record of many blocks is then copied a few times, not once a block.
        size = max(self._block, min(len(self._data) - self._at, _MOST_AT_ONCE))
        allowed = size if self._left is None else min(size, self._left)
        block = self._stream.read(allowed)
        self._ended = len(block) < size
        if self._left is not None:
            self._left -= len(block)
        self._data = self._data[self._at :] + block
        self._offset += self._at
        self._at = 0

    def _parse_fast(self, window: int) -> Chunk | None:
        stop = self._at + window
        final = self._ended and stop >= len(self._data)
        base = self._offset + self._at
        parsed = parse_fast(self._data[self._at : stop], self._layout, base, self._line, final=final)
        if parsed is None:
            return None
        chunk, consumed, self._line = parsed
        self._at += consumed
        return chunk

    def _parse_strictly(self, window: int) -> Chunk:
        """Parse records one by one: at least one, and `window` bytes of them if there are as many.

        A record that is too long to be held in memory makes a chunk of its own.
        """
        records: list[ParsedRecord] = []
        first, first_line = self._at, self._line
        while self._at < len(self._data) and self._at - first < window:
            record = self._strict_parser.record(self._data, self._at, self._line, final=self._ended)
            if records and (record is None or record.goes_on):
                break
            if record is None:
                self._read()
                first = self._at
                continue
            if record.goes_on:
                return self._skip(record)
            self._at, self._line = record.end, self._line + record.breaks
            records.append(record)
        return self._strict_parser.chunk(records, first, self._offset, first_line)

    def _skip(self, record: ParsedRecord) -> Chunk:
        """Read on to the line end of a record that is too long, and keep nothing of what comes."""
        first, line = self._offset + self._at, self._line
        self._at = record.end
        while (
            match := self._strict_parser.splitter.line_end(self._data, self._at, final=self._ended)
        ) is None:
            left = 0 if self._ended else int(self._data.endswith(b"\r"))
            self._at = len(self._data) - left
            if self._ended:
                break
            self._read()
        self._at = match.end() if match else self._at
        breaks = record.breaks + (match is not None)
        self._line += breaks
        end = self._offset + self._at
        complete = replace(record, end=end, breaks=breaks, findings=(too_long(end - first),))
        return self._strict_parser.chunk([complete], first, 0, line)
