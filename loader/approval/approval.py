"""What a person approves by signing a dry run's report, and the short code that identifies it.

A dry run with a report writes an approval into its `summary.json`. `load --approved` makes the approval of
what it is about to send, and `loader.approval.signed_report` compares the two.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from loader import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loader.mapping import MappingPlan
    from loader.records import SourceFile

_RFC_4648: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U, which are misread or misheard
_TO_CROCKFORD: Final = str.maketrans(_RFC_4648, _CROCKFORD)
_AS_MEANT: Final = str.maketrans("OIL", "011", "- ")
_CODE_BYTES: Final = 5  # 40 bits: eight characters of five bits


@dataclass(frozen=True, slots=True)
class ApprovedFile:
    """A file that was approved: its name without folders, its size in bytes, its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Approval:
    """What decides what a load sends.

    The server is not part of it: a dry run knows none, and one paper is enough for the rehearsal in a sandbox
    and for the load itself. Neither is how fast and how much of it is sent, nor where files are.

    Attributes:
        tenant: The tenant to load into; None for a dry run without one, which approves no load.
        resource: The record type's name.
        service_path: Where its records are posted to, below the service's URL.
        mapping: The mapping's file name. It may change: the file's text counts.
        mapping_sha256: Of the mapping's text, in hex.
        source_options: The mapping's `source:` section with the overrides of `-s`, as JSON has it.
        files: The source files in their order. Their names count, since each record carries one.
        joined_files: The second files with joined rows, in the order of the mapping.
        made_at: When; whole seconds, UTC. It does not count.
        loader_version: By which version of the loader. It does not count.
    """

    tenant: str | None
    resource: str
    service_path: str
    mapping: str
    mapping_sha256: str
    source_options: Mapping[str, Any]
    files: tuple[ApprovedFile, ...]
    joined_files: tuple[ApprovedFile, ...]
    made_at: datetime
    loader_version: str = __version__

    @property
    def code(self) -> str:
        """Return eight characters to read out, such as `K7QM-3F2X`; the same for the same parts."""
        return code_of(self.parts())

    def parts(self) -> dict[str, Any]:
        """Return all that counts, as JSON has it."""
        return {
            "tenant": self.tenant,
            "resource": self.resource,
            "service_path": self.service_path,
            "mapping_sha256": self.mapping_sha256,
            "source_options": dict(self.source_options),
            "files": [_file_as_json(file) for file in self.files],
            "joined_files": [_file_as_json(file) for file in self.joined_files],
        }

    def as_json(self) -> dict[str, Any]:
        """Return the object that a dry run's `summary.json` has."""
        about = {"mapping": self.mapping, "loader_version": self.loader_version}
        made_at = self.made_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {"code": self.code, "made_at": made_at, **about, **self.parts()}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the approval that `as_json` gave.

        Raises:
            ValueError: It gave another, or none: the code does not fit the parts, or a part is missing, of a
                wrong type or unknown.
        """
        try:
            return cls._read(data)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not an approval: {error}") from None

    @classmethod
    def _read(cls, data: Any) -> Self:
        read = cls(
            tenant=data["tenant"],
            resource=data["resource"],
            service_path=data["service_path"],
            mapping=data["mapping"],
            mapping_sha256=data["mapping_sha256"],
            source_options=dict(data["source_options"]),
            files=tuple(_file_of(file) for file in data["files"]),
            joined_files=tuple(_file_of(file) for file in data["joined_files"]),
            made_at=datetime.fromisoformat(data["made_at"]),
            loader_version=data["loader_version"],
        )
        texts = (read.resource, read.service_path, read.mapping, read.mapping_sha256, read.loader_version)
        if not all(isinstance(text, str) for text in (*texts, data["code"], read.tenant or "")):
            raise TypeError("expected a text")
        if not same_code(data["code"], read.code):
            raise ValueError("the code does not fit the parts")
        # What is read must write the same again: a part of another type, or one more, is no approval of ours.
        if read.as_json() != {**data, "code": read.code}:
            raise ValueError("it has unknown parts")
        return read


def approval_of(
    mapping: MappingPlan,
    tenant: str | None,
    *,
    files: Iterable[SourceFile],
    joined_files: Iterable[SourceFile],
    now: datetime,
) -> Approval:
    """Return the approval of what is about to be validated or sent.

    Args:
        mapping: How rows become records, with overrides of its `source:` section applied.
        tenant: The tenant to load into; None: it is not known.
        files: The source files, in order.
        joined_files: The second files, in the order of the mapping.
        now: The time, aware.
    """
    return Approval(
        tenant=tenant,
        resource=mapping.record_type.name,
        service_path=mapping.record_type.path,
        mapping=mapping.name,
        mapping_sha256=mapping.fingerprint,
        source_options=mapping.source.model_dump(mode="json", exclude_unset=True),
        files=tuple(_approved(file) for file in files),
        joined_files=tuple(_approved(file) for file in joined_files),
        made_at=now.replace(microsecond=0),
    )


def code_of(parts: Mapping[str, Any]) -> str:
    """Return a short code for parts, such as `K7QM-3F2X`.

    It is 40 bits of a SHA-256: enough that no two papers of a migration share one by chance, not enough
    against somebody who wants to forge one. The loader itself always compares the parts in full.

    Args:
        parts: As JSON has them. Parts that are empty or null are left out, so that a part that is added
            later leaves the codes of those that lack it as they are.
    """
    present = {name: part for name, part in parts.items() if part not in (None, (), [], {})}
    text = json.dumps(present, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("ascii")).digest()
    code = base64.b32encode(digest[:_CODE_BYTES]).decode("ascii").translate(_TO_CROCKFORD)
    return f"{code[:4]}-{code[4:]}"


def same_code(one: str, other: str) -> bool:
    """Return whether two codes are the same, however they were written down.

    Case, dashes and spaces do not matter; O counts as 0, I and L as 1.
    """
    return one.upper().translate(_AS_MEANT) == other.upper().translate(_AS_MEANT)


def _approved(file: SourceFile) -> ApprovedFile:
    return ApprovedFile(file.name, file.size, file.fingerprint)


def _file_as_json(file: ApprovedFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}


def _file_of(data: Mapping[str, Any]) -> ApprovedFile:
    file = ApprovedFile(data["name"], data["size"], data["sha256"])
    if not isinstance(file.size, int) or not isinstance(file.name, str) or not isinstance(file.sha256, str):
        raise TypeError("a file has a name, a size and a sha256")
    return file
