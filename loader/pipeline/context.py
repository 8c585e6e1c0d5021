"""Where a command works: its home, the record types it knows, and who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from loader.pipeline.events import Observer
    from loader.resources import RecordTypes


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all commands that look at loads, or make one, have in common.

    Attributes:
        home: The folder with the journal and the files of loads.
        types: The record types that mappings may name.
        observer: Watches.
    """

    home: Path
    types: RecordTypes
    observer: Observer
