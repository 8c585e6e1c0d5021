"""From files to frames: dialects, records with their numbers and lines, fingerprints.

`open_source` finds and opens the files; `Source.batches` reads them. Of a CSV file every cell is text,
exactly as it stands between its quotes; other formats have types, which are kept. A record that cannot
be read as a row stays in its batch, with the reason in the PROBLEM column.
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
