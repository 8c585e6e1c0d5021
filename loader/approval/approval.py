"""What a person approves by signing a dry run's report, and the short code that stands for it.

A dry run with a report writes an approval into its `summary.json`. `load --approved` makes the approval of
what it is about to send, and `loader.approval.signed_report` holds the two against each other.
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
    from collections.abc import Mapping

    from loader.pipeline.rows.inputs import Inputs
    from loader.records import Load, SourceFile

_RFC_4648: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U, which are misread or misheard
_WRITTEN: Final = str.maketrans(_RFC_4648, _CROCKFORD)
_MEANT: Final = str.maketrans("OIL", "011", "- ")
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

    The server is not part of it: a dry run knows none, and one paper serves for the rehearsal in a sandbox
    and for the load itself. Neither is how fast and how much of it is sent, nor where files are.

    Attributes:
        tenant: Whose records; None for a dry run without one, which approves no load.
        resource: The record type's name.
        service_path: Where its records are posted to, below the service's URL.
        mapping: The mapping's file name. It may change: what the file says counts.
        mapping_sha256: Of the mapping's text, in hex.
        source_options: The mapping's `source:` section with the overrides of `-s`, as JSON has it.
        files: The source files in their order. Their names count, since each record carries one.
        joined_files: The second files whose rows are joined, in the order of the mapping.
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
        """Eight characters that a person can read out, such as `K7QM-3F2X`; the same for the same parts."""
        return code_of(self.parts())

    def parts(self) -> dict[str, Any]:
        """All that counts, as JSON has it."""
        return {
            "tenant": self.tenant,
            "resource": self.resource,
            "service_path": self.service_path,
            "mapping_sha256": self.mapping_sha256,
            "source_options": dict(self.source_options),
            "files": [_file_as_json(each) for each in self.files],
            "joined_files": [_file_as_json(each) for each in self.joined_files],
        }

    def as_json(self) -> dict[str, Any]:
        """The object that stands in a dry run's `summary.json`."""
        about = {"mapping": self.mapping, "loader_version": self.loader_version}
        made_at = self.made_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {"code": self.code, "made_at": made_at, **about, **self.parts()}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The approval that `as_json` gave.

        Raises:
            ValueError: It gave another, or none: the code does not fit the parts, or a part is missing, of a
                wrong kind or unknown.
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
            files=tuple(_file_of(each) for each in data["files"]),
            joined_files=tuple(_file_of(each) for each in data["joined_files"]),
            made_at=datetime.fromisoformat(data["made_at"]),
            loader_version=data["loader_version"],
        )
        texts = (read.resource, read.service_path, read.mapping, read.mapping_sha256, read.loader_version)
        if not all(isinstance(each, str) for each in (*texts, data["code"], read.tenant or "")):
            raise TypeError("a text was expected")
        if not same_code(data["code"], read.code):
            raise ValueError("the code does not fit the parts")
        if read.as_json() != {**data, "code": read.code}:
            raise ValueError("it has parts that are not known")
        return read


def approval_of(inputs: Inputs, tenant: str | None, *, now: datetime | None = None) -> Approval:
    """The approval of what is about to be validated or sent.

    Args:
        inputs: What is read, and how it is mapped.
        tenant: Whose records they become; None: it is not known.
        now: The time; None: the clock's.
    """
    mapping = inputs.mapping
    return Approval(
        tenant=tenant,
        resource=mapping.record.name_of_type,
        service_path=mapping.record.path,
        mapping=mapping.name,
        mapping_sha256=mapping.fingerprint,
        source_options=mapping.source.model_dump(mode="json", exclude_unset=True),
        files=tuple(_approved(each) for each in inputs.source.files),
        joined_files=tuple(_approved(each.file) for each in inputs.second.files.values()),
        made_at=(now or datetime.now(UTC)).replace(microsecond=0),
    )


def code_of(parts: Mapping[str, Any]) -> str:
    """A short code for parts, such as `K7QM-3F2X`.

    It is 40 bits of a SHA-256: enough that no two papers of a migration share one by chance, not enough
    against somebody who sets out to forge one. The loader itself always compares the parts in full.

    Args:
        parts: As JSON has them. Parts that are empty or null are left out, so that a part that is added
            later leaves the codes of those that lack it as they are.
    """
    told = {name: part for name, part in parts.items() if part not in (None, (), [], {})}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("ascii")).digest()
    code = base64.b32encode(digest[:_CODE_BYTES]).decode("ascii").translate(_WRITTEN)
    return f"{code[:4]}-{code[4:]}"


def same_code(one: str, other: str) -> bool:
    """Whether two codes are the same, however they were written down.

    Case, dashes and spaces do not matter; O counts as 0, I and L as 1.
    """
    return one.upper().translate(_MEANT) == other.upper().translate(_MEANT)


def approved_of(load: Load) -> Mapping[str, str] | None:
    """The `code` that a load was begun with, and the `folder` of its report; None where it had none."""
    kept: Mapping[str, str] | None = json.loads(load.settings).get("approved")
    return kept


def approved_code(load: Load) -> str | None:
    """The code that a load was begun with; None where it had none."""
    kept = approved_of(load)
    return kept["code"] if kept else None


def _approved(file: SourceFile) -> ApprovedFile:
    return ApprovedFile(file.name, file.size, file.fingerprint)


def _file_as_json(file: ApprovedFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}


def _file_of(data: Mapping[str, Any]) -> ApprovedFile:
    file = ApprovedFile(data["name"], data["size"], data["sha256"])
    if not isinstance(file.size, int) or not isinstance(file.name, str) or not isinstance(file.sha256, str):
        raise TypeError("a file has a name, a size and a sha256")
    return file
