"""The error of a mapping that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader import wording
from loader.errors import MappingError
from loader.findings import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.findings import Finding


def mapping_error(findings: Sequence[Finding]) -> MappingError:
    """Return the error for findings, whose message has them in words, one line each."""
    return MappingError("\n".join(map(_line, findings)), findings)


def _line(finding: Finding) -> str:
    location = finding.location or Location()
    position = (location.file, location.line, location.column)
    return ": ".join(filter(None, [":".join(str(part) for part in position if part), wording.line(finding)]))
