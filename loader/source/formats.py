"""How a file is written: as said, by its name, or by its content."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loader.errors import SourceError
from loader.source.bytes import Packing, SourceContent, packing_of

if TYPE_CHECKING:
    from loader.records import Format

_SAMPLE: Final = 64 * 1024
_PARQUET_MAGIC: Final = b"PAR1"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_OLD_OFFICE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_JSON: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*["}]')
_PACKED_ENDINGS: Final = frozenset({".gz", ".zst"})
_ENDINGS: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
_BINARY: Final = frozenset({"parquet", "xlsx"})


def kind_of(path: str, said: Format | None) -> Format:
    """How a file is written: as said, else by its name, else by its first bytes.

    Raises:
        SourceError: It cannot be opened, is packed in a way that its format does not know, or is an
            archive or a document of another kind.
    """
    packing = packing_of(path)
    with SourceContent(path, packing).open(0) as stream:
        head = stream.read(_SAMPLE)
    if packing and head.startswith(_ZIP_MAGIC):
        raise _packed_binary(path, packing, "xlsx")
    found = _by_content(path, head)
    kind = said or _by_name(path) or found or "csv"
    if found == "xlsx" and kind != "xlsx":
        raise SourceError(
            f"{path}: is an Excel workbook, not {_told(kind)}",
            next_step=f"Leave source.format out, or say source.format: xlsx, not {kind}."
            if said
            else "Say source.format: xlsx, or rename it.",
        )
    if packing and kind in _BINARY:
        raise _packed_binary(path, packing, kind)
    return kind


def _by_name(path: str) -> Format | None:
    endings = [ending.lower() for ending in Path(path).suffixes if ending.lower() not in _PACKED_ENDINGS]
    return _ENDINGS.get(endings[-1]) if endings else None


def _by_content(path: str, head: bytes) -> Format | None:
    """What the first bytes show; None where they could be any text."""
    if head.startswith(_ZIP_MAGIC):
        return _in_zip(path)
    if head.startswith(_OLD_OFFICE_MAGIC):
        raise SourceError(
            f"{path}: is an old Excel workbook (.xls) or one that is protected by a password",
            next_step="Save it as .xlsx without a password, or the sheet as CSV (UTF-8).",
        )
    if head.startswith(_PARQUET_MAGIC):
        return "parquet"
    return "ndjson" if _JSON.match(head) else None


def _in_zip(path: str) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise SourceError(
            f"{path}: is a zip archive or an Excel workbook, and is damaged or cut short: {error}",
            next_step="Fetch it again.",
        ) from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise SourceError(
        f"{path}: is a zip archive and no .xlsx workbook; CSV, NDJSON, Parquet or Excel was expected",
        next_step="Unpack it, or save the sheet as .xlsx or as CSV (UTF-8).",
    )


def _packed_binary(path: str, packing: Packing, kind: Format) -> SourceError:
    return SourceError(
        f"{path}: is {packing} around {_told(kind)}, which is packed in itself",
        next_step="Unpack it first.",
    )


def _told(kind: Format) -> str:
    return {"csv": "CSV", "ndjson": "NDJSON", "parquet": "Parquet", "xlsx": "an Excel workbook"}[kind]
