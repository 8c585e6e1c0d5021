"""Whether a load is what was approved by signing a dry run's report: every difference is named."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from loader import __version__
from loader.approval.approval import Approval
from loader.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from loader.approval.approval import ApprovedFile

_AGAIN: Final = "validate again with --report, and have the new report signed"
_WHICH: Final = "name the folder that loader validate --report wrote"
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A dry run that approves a load.

    Attributes:
        approval: What it approves.
        rows: How many rows it found valid: those that are to be sent.
        folder: Where its report is.
    """

    approval: Approval
    rows: int
    folder: Path

    @property
    def words(self) -> str:
        """For whoever starts the load: the code, and which paper it must stand on."""
        at = self.approval.made_at.astimezone(UTC)
        rows = f"{self.rows:,} {'row' if self.rows == 1 else 'rows'}"
        told = f"approved: {self.approval.code}, for {rows}, by the dry run of {at.day} {at:%B %Y %H:%M} UTC"
        version = self.approval.loader_version
        if version == __version__:
            return told
        return f"{told}, which loader {version} made; this is {__version__} and may judge rows otherwise"

    def kept(self) -> dict[str, str]:
        """What the load's settings keep of it."""
        return {"code": self.approval.code, "folder": str(self.folder.absolute())}


def check_approved(folder: Path, now: Approval) -> SignedReport:
    """Holds what is about to be sent against what a dry run's report was signed for.

    Args:
        folder: The folder of the report, with its `summary.json`.
        now: The approval of what is about to be sent, with a tenant.

    Raises:
        ConfigurationError: The folder has no report that approves anything, or it approves something else;
            names every difference.
    """
    signed = _signed(folder)
    if found := list(differences(signed.approval, now)):
        told = [f"{folder}: this load is not what {signed.approval.code} was given for:", *found]
        tenantless = signed.approval.tenant is None
        raise ConfigurationError(
            "\n- ".join(told),
            next_step=f"validate again with --tenant {now.tenant} and --report, and have the report signed"
            if tenantless
            else f"load what was approved; or {_AGAIN}",
        )
    return signed


def differences(was: Approval, now: Approval) -> Iterator[str]:
    """What keeps an approval from being that of a load, a sentence each; nothing where it is the same.

    Args:
        was: What was approved.
        now: What is about to be sent.
    """
    if was.tenant is None:
        yield "the dry run had no --tenant: nobody has approved whose records they become"
    elif was.tenant != now.tenant:
        yield f"tenant: {was.tenant} was approved, this load goes to {now.tenant}"
    if was.resource != now.resource:
        yield f"record type: {was.resource} was approved, this load makes {now.resource}"
    elif was.service_path != now.service_path:
        yield f"records go to {now.service_path} by now; {was.service_path} was approved"
    if was.mapping_sha256 != now.mapping_sha256:
        yield (
            f"the mapping {now.mapping} has changed since: its hash is {_short(now.mapping_sha256)}, "
            f"{was.mapping} with {_short(was.mapping_sha256)} was approved"
        )
    yield from _other_options(was.source_options, now.source_options)
    yield from _other_files(was.files, now.files, "file")
    yield from _other_files(was.joined_files, now.joined_files, "second file")


def _other_options(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(was.keys() | now.keys()):
        if (key in was, was.get(key)) != (key in now, now.get(key)):
            before, after = _option(was, key), _option(now, key)
            yield f"source option {key} (of the mapping, or -s): {before} was approved, it is {after} now"


def _option(options: Mapping[str, Any], key: str) -> str:
    return repr(options[key])[:_SHOWN] if key in options else "none given"


def _other_files(was: Sequence[ApprovedFile], now: Sequence[ApprovedFile], kind: str) -> Iterator[str]:
    before, after = _by_name(was), _by_name(now)
    gone = [file for key, file in before.items() if key not in after]
    for key, file in before.items():
        if key in after and after[key] != file:
            yield f"{kind} {file.name} has another fingerprint: {_other_content(file, after[key])}"
    for file in gone:
        yield f"{kind} {file.name} was approved and is missing"
    for key, file in after.items():
        if key not in before:
            yield f"{kind} {file.name} was not approved{_other_name(file, gone)}"
    common = [[key for key in keys if key in before and key in after] for keys in (before, after)]
    if common[0] != common[1]:
        approved, given = (", ".join(name for name, _ in keys) for keys in common)
        yield f"{kind}s in another order: {approved} was approved, it is {given} now"


def _by_name(files: Sequence[ApprovedFile]) -> dict[tuple[str, int], ApprovedFile]:
    """Files by name; where several have one name, by which of them it is, from 0."""
    met: Counter[str] = Counter()
    found = {}
    for file in files:
        found[file.name, met[file.name]] = file
        met[file.name] += 1
    return found


def _other_content(was: ApprovedFile, now: ApprovedFile) -> str:
    sizes = "as many as now" if was.size == now.size else f"now {now.size:,}"
    hashes = f"{_short(was.sha256)} was approved, it is {_short(now.sha256)} now"
    return f"{hashes} (it had {was.size:,} bytes, {sizes})"


def _other_name(file: ApprovedFile, gone: Sequence[ApprovedFile]) -> str:
    """What to say where a file that is missing stands under another name."""
    for each in gone:
        if each.sha256 == file.sha256:
            return f": it is {each.name} under another name, and every record carries the name of its file"
    return ""


def _short(sha256: str) -> str:
    return f"{sha256[:16]}…"


def _signed(folder: Path) -> SignedReport:
    path = folder / "summary.json"
    summary = _read_summary(path)
    if summary["load_id"] is not None:
        told = f"this is the summary of load {summary['load_id']}; a dry run's was expected"
        raise ConfigurationError(f"{path}: {told}", next_step=_WHICH)
    if summary["state"] != "finished":
        told = f"this dry run did not read all rows: its state is {summary['state']!r}, finished was expected"
        raise ConfigurationError(f"{path}: {told}", next_step=_AGAIN)
    if "approval" not in summary:
        told = "it has no approval; the summary of a dry run with a report has one"
        raise ConfigurationError(f"{path}: {told}", next_step=_AGAIN)
    try:
        approval = Approval.from_json(summary["approval"])
        rows = _valid_rows(summary, approval)
    except ValueError as error:
        told = f"{error}: it has been changed since the dry run wrote it, or another loader wrote it"
        raise ConfigurationError(f"{path}: {told}", next_step=_AGAIN) from None
    return SignedReport(approval, rows, folder)


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        told = f"cannot be read: {error.strerror or error}"
        raise ConfigurationError(f"{path}: {told}", next_step=_WHICH) from None
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{path}: not a summary: it is no JSON", next_step=_WHICH) from None
    if not isinstance(read, dict) or not {"load_id", "state", "rows"} <= read.keys():
        told = "not a summary: expected an object with load_id, state and rows"
        raise ConfigurationError(f"{path}: {told}", next_step=_WHICH)
    return read


def _valid_rows(summary: Mapping[str, Any], approval: Approval) -> int:
    """How many rows the dry run found valid.

    Raises:
        ValueError: The summary and its approval do not go together, or its rows do not balance.
    """
    for key in ("tenant", "resource"):
        if summary.get(key) != getattr(approval, key):
            raise ValueError(f"its {key} is not that of its approval")
    rows = summary["rows"]
    if not isinstance(rows, dict) or not all(isinstance(count, int) for count in rows.values()):
        raise ValueError("its rows are not counts")
    if not {"read", "valid"} <= rows.keys() or 2 * rows["read"] != sum(rows.values()):
        raise ValueError("its rows do not add up")
    valid: int = rows["valid"]
    return valid
