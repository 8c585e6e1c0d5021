"""How a load or a dry run ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.errors import LoaderError
    from loader.report import Summary
    from loader.report.values import FindingGroup


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How a load or a dry run ended.

    Attributes:
        summary: What it came to.
        exit_code: What the program ends with.
        error: Why it stopped early; None where it did not.
        groups: Why rows were rejected or are in doubt, most frequent first.
    """

    summary: Summary
    exit_code: int
    error: LoaderError | None = None
    groups: Sequence[FindingGroup] = ()
