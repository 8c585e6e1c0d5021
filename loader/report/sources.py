"""A source file, described for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.report.page.values import SourceSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.records import Dialect, SourceFile

_NEWLINES: Final = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}
_DELIMITERS: Final = {"\t": "tab", " ": "blank"}


def describe_source(file: SourceFile, records: int) -> SourceSummary:
    """Return a file as the page shows it.

    Args:
        file: The file.
        records: How many of its records were read.
    """
    dialect = [("format", file.format), *(_dialect(file.dialect) if file.dialect else ())]
    if file.sheet:
        dialect.append(("sheet", file.sheet.name))
    return SourceSummary(file.name, file.size, file.fingerprint, tuple(dialect), records)


def _dialect(dialect: Dialect) -> Iterator[tuple[str, str]]:
    yield "delimiter", _DELIMITERS.get(dialect.delimiter, dialect.delimiter)
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
