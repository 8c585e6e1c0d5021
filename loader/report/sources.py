"""A source file, told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.report.page.values import SourceSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.records import Dialect, SourceFile

_NEWLINES: Final = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}
_MARKS: Final = {"\t": "tab", " ": "blank"}


def told_source(file: SourceFile, records: int) -> SourceSummary:
    """A file as the report shows it.

    Args:
        file: The file.
        records: How many of its records were read.
    """
    read_as = [("format", file.format), *(_dialect(file.dialect) if file.dialect else ())]
    if file.sheet:
        read_as.append(("sheet", file.sheet.name))
    return SourceSummary(file.name, file.size, file.fingerprint, tuple(read_as), records)


def _dialect(dialect: Dialect) -> Iterator[tuple[str, str]]:
    yield "delimiter", _MARKS.get(dialect.delimiter, dialect.delimiter)
    yield "quote", dialect.quote or "none"
    if dialect.escape:
        yield "escape", dialect.escape
    yield "encoding", dialect.encoding + (" with a byte-order mark" if dialect.bom else "")
    yield "line end", _NEWLINES.get(dialect.newline, dialect.newline)
    if not dialect.header:
        yield "header", "none"
    for name, text in (("lines above the header", dialect.preamble), ("lines below", dialect.footer)):
        if text:
            yield name, str(len(text.splitlines()))
