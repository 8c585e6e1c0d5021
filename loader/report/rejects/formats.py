"""The formats of rejects: each is one module beside this one, and an entry here."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from loader.report.rejects.csv import CsvRejects
from loader.report.rejects.ndjson import NdjsonRejects
from loader.report.rejects.parquet import ParquetRejects
from loader.report.rejects.xlsx import XlsxRejects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.report.rejects.protocol import RejectsFile
    from loader.settings import Format

FORMATS: Final[Mapping[Format, type[RejectsFile]]] = MappingProxyType(
    {"csv": CsvRejects, "parquet": ParquetRejects, "ndjson": NdjsonRejects, "xlsx": XlsxRejects}
)
"""By the format of the source, how its rejects are written."""
