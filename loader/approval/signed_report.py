"""Check that a load is what was approved by signing a dry run's report, and name every difference."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loader.approval.approval import Approval
from loader.errors import ConfigurationError
from loader.manifest import ApprovedReport
from loader.text import SHOWN_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from loader.approval.approval import ApprovedFile

_VALIDATE_AGAIN: Final = "Validate again with --report, and have the new report signed."
_WHICH_FOLDER: Final = "Pass the folder that `loader validate --report` wrote."


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

    def kept(self) -> ApprovedReport:
        """Return what the load keeps of it."""
        return ApprovedReport(code=self.approval.code, folder=str(self.folder.absolute()))


def check_approved(folder: Path, now: Approval) -> SignedReport:
    """Compare what is about to be sent with what a dry run's report was signed for.

    Args:
        folder: The folder of the report, with its `summary.json`.
        now: The approval of what is about to be sent, with a tenant.

    Raises:
        ConfigurationError: The folder has no report that approves anything, or it approves something else;
            names every difference.
    """
    signed = _read_report(folder)
    if deviations := list(differences(signed.approval, now)):
        heading = f"{folder}: this load differs from what {signed.approval.code} approves:"
        next_step = f"Load what was approved. Or: {_VALIDATE_AGAIN[:1].lower()}{_VALIDATE_AGAIN[1:]}"
        if signed.approval.tenant is None:
            next_step = f"Validate again with --tenant {now.tenant} and --report, and have the report signed."
        raise ConfigurationError("\n- ".join([heading, *deviations]), next_step=next_step)
    return signed


def differences(was: Approval, now: Approval) -> Iterator[str]:
    """Yield what keeps an approval from being that of a load, a sentence each; nothing where it is the same.

    Args:
        was: What was approved.
        now: What is about to be sent.
    """
    # All differences at once: whoever has to get another signature should have to do so once.
    if was.tenant is None:
        yield "the dry run had no --tenant, so no tenant is approved"
    elif was.tenant != now.tenant:
        yield f"tenant: {was.tenant} was approved, this load goes to {now.tenant}"
    if was.resource != now.resource:
        yield f"record type: {was.resource} was approved, this load creates {now.resource}"
    elif was.service_path != now.service_path:
        yield f"path: {was.service_path} was approved, records now go to {now.service_path}"
    if was.mapping_sha256 != now.mapping_sha256:
        yield (
            f"mapping: {was.mapping} with the hash {_short(was.mapping_sha256)} was approved, "
            f"{now.mapping} now has {_short(now.mapping_sha256)}"
        )
    yield from _other_options(was.source_options, now.source_options)
    yield from _other_files(was.files, now.files, "file")
    yield from _other_files(was.joined_files, now.joined_files, "second file")


def _other_options(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(was.keys() | now.keys()):
        if (key in was, was.get(key)) != (key in now, now.get(key)):
            before, after = _option(was, key), _option(now, key)
            yield f"source option {key} (of the mapping, or -s): {before} was approved, it is now {after}"


def _option(options: Mapping[str, Any], key: str) -> str:
    return repr(options[key])[:SHOWN_CHARACTERS] if key in options else "no value"


def _other_files(was: Sequence[ApprovedFile], now: Sequence[ApprovedFile], kind: str) -> Iterator[str]:
    # Files of one name may come from several folders: each is compared with the same one of its name.
    before, after = _by_name(was), _by_name(now)
    gone = [file for key, file in before.items() if key not in after]
    for key, file in before.items():
        if key in after and after[key] != file:
            yield f"{kind} {file.name} has other content: {_other_content(file, after[key])}"
    for file in gone:
        yield f"{kind} {file.name} was approved and is missing"
    for key, file in after.items():
        if key not in before:
            yield f"{kind} {file.name} was not approved{_other_name(file, gone)}"
    common = [[key for key in keys if key in before and key in after] for keys in (before, after)]
    if common[0] != common[1]:
        approved, given = (", ".join(name for name, _ in keys) for keys in common)
        yield f"{kind}s in another order: {approved} was approved, it is now {given}"


def _by_name(files: Sequence[ApprovedFile]) -> dict[tuple[str, int], ApprovedFile]:
    """Return files by name; where several have one name, by which of them it is, from 0."""
    counts: Counter[str] = Counter()
    named = {}
    for file in files:
        named[file.name, counts[file.name]] = file
        counts[file.name] += 1
    return named


def _other_content(was: ApprovedFile, now: ApprovedFile) -> str:
    sizes = "as many as now" if was.size == now.size else f"now {now.size:,}"
    hashes = f"{_short(was.sha256)} was approved, it is now {_short(now.sha256)}"
    return f"{hashes} (it had {was.size:,} bytes, {sizes})"


def _other_name(file: ApprovedFile, gone: Sequence[ApprovedFile]) -> str:
    """Return what to add where a file that is missing is there under another name."""
    for missing in gone:
        if missing.sha256 == file.sha256:
            return f": it is {missing.name} under another name, and every record carries the name of its file"
    return ""


def _short(sha256: str) -> str:
    return f"{sha256[:16]}…"


def _read_report(folder: Path) -> SignedReport:
    path = folder / "summary.json"
    summary = _read_summary(path)
    if summary["load_id"] is not None:
        problem = f"this is the summary of load {summary['load_id']}, expected that of a dry run"
        raise ConfigurationError(f"{path}: {problem}", next_step=_WHICH_FOLDER)
    if summary["state"] != "finished":
        problem = (
            f"this dry run did not read all rows: its state is {summary['state']!r}, expected 'finished'"
        )
        raise ConfigurationError(f"{path}: {problem}", next_step=_VALIDATE_AGAIN)
    if "approval" not in summary:
        problem = "it has no approval: expected the summary of a dry run with --report"
        raise ConfigurationError(f"{path}: {problem}", next_step=_VALIDATE_AGAIN)
    try:
        approval = Approval.from_json(summary["approval"])
        rows = _valid_rows(summary, approval)
    except ValueError as error:
        problem = f"{error}: the file was changed after the dry run wrote it, or another loader wrote it"
        raise ConfigurationError(f"{path}: {problem}", next_step=_VALIDATE_AGAIN) from None
    return SignedReport(approval, rows, folder)


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise ConfigurationError(f"{path}: {problem}", next_step=_WHICH_FOLDER) from None
    except (ValueError, RecursionError):
        raise ConfigurationError(
            f"{path}: not a summary: it is not valid JSON", next_step=_WHICH_FOLDER
        ) from None
    if not isinstance(read, dict) or not {"load_id", "state", "rows"} <= read.keys():
        problem = "not a summary: expected an object with load_id, state and rows"
        raise ConfigurationError(f"{path}: {problem}", next_step=_WHICH_FOLDER)
    return read


def _valid_rows(summary: Mapping[str, Any], approval: Approval) -> int:
    """Return how many rows the dry run found valid.

    Raises:
        ValueError: The summary contradicts its approval, or its rows do not add up.
    """
    for key in ("tenant", "resource"):
        if summary.get(key) != getattr(approval, key):
            raise ValueError(f"its {key} is not that of its approval")
    rows = summary["rows"]
    if not isinstance(rows, dict) or not all(isinstance(count, int) for count in rows.values()):
        raise ValueError("its rows are not counts")
    # The parts add up to `read`, so all counts together are twice that.
    if not {"read", "valid"} <= rows.keys() or 2 * rows["read"] != sum(rows.values()):
        raise ValueError("its rows do not add up")
    valid: int = rows["valid"]
    return valid
