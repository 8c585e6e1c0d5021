"""Turn files into frames of records with their numbers and lines.

`open_source` finds and opens the files, and `Source.batches` reads them. Every cell of a CSV file is text,
exactly as it is between its quotes; other formats have types, which are kept. A record that cannot be read as
a row stays in its batch, with its findings in the PROBLEM column.
"""

from __future__ import annotations

from loader.source.reader import Source, SourceColumns, open_source, read_columns
from loader.source.stdin import STDIN, with_stdin_spooled

__all__ = [
    "STDIN",
    "Source",
    "SourceColumns",
    "open_source",
    "read_columns",
    "with_stdin_spooled",
]
