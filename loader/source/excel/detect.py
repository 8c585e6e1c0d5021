"""Recognize an Excel workbook by its first bytes, and refuse archives and old workbooks."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError

if TYPE_CHECKING:
    from loader.source.bytes import FileHead

_ZIP_MAGIC: Final = b"PK\x03\x04"
_OLD_OFFICE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def is_workbook(head: FileHead) -> bool:
    """Return whether a file is a workbook; a zip archive inside of gzip or zstd is taken for one.

    Raises:
        SourceError: It is a workbook of the old format, or a zip archive that is damaged or no workbook.
    """
    if head.data.startswith(_OLD_OFFICE_MAGIC):
        raise SourceError(
            f"{head.path}: is an old Excel workbook (.xls), or one with a password",
            next_step="Save it as .xlsx without a password, or save the sheet as CSV (UTF-8).",
        )
    if not head.data.startswith(_ZIP_MAGIC):
        return False
    # An archive has its contents at its end, which only a file that is not compressed again can give.
    return bool(head.packing) or _holds_workbook(head.path)


def _holds_workbook(path: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise SourceError(
            f"{path}: is a zip archive or an Excel workbook that is damaged or cut short: {error}",
            next_step="Download it again.",
        ) from error
    if "xl/workbook.xml" not in names:
        raise SourceError(
            f"{path}: is a zip archive but not an .xlsx workbook; CSV, NDJSON, Parquet or Excel was expected",
            next_step="Unpack it, or save the sheet as .xlsx or as CSV (UTF-8).",
        )
    return True
