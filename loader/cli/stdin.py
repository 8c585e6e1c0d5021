"""Standard input as a source: where it is kept, and what a person needs to know of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from loader.cli.output import say
from loader.settings import Format
from loader.source import STDIN, with_stdin_spooled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.grouping import GroupedSource
    from loader.source import Source

_USUAL_HOME: Final = ".loader"


def spool_for(sources: Sequence[str], home: Path | None = None) -> Path:
    """Return the folder that standard input is kept in; ask for records where it is a terminal.

    Args:
        sources: What was named on the command line.
        home: Where journal and loads are; None for commands without --home.
    """
    if STDIN in sources and sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty():
        say("standard input is a terminal: type the records, then Ctrl-D; or pipe them into this command")
    return (home or Path(os.environ.get("LOADER_HOME") or _USUAL_HOME)) / "spool"


def kept_sources(sources: Sequence[str], overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sources, with the file that standard input is kept in where one is `-`.

    Raises:
        SourceError: Standard input is empty, or cannot be kept.
    """
    option = overrides.get("format")
    known = option if option in get_args(Format) else None
    return tuple(with_stdin_spooled(sources, spool_for(sources), known))


def named_sources(sources: Sequence[str], opened: Source | GroupedSource) -> list[str]:
    """Return the sources for the next command line: in place of `-` the file that it is kept in."""
    if STDIN not in sources:
        return list(sources)
    kept = next(file.path for file in opened.files if Path(file.name).stem.partition(".")[0] == "stdin")
    say(f"standard input is kept in {kept}")
    return [kept if source == STDIN else source for source in sources]
