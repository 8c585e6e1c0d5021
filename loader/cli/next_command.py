"""The command to run next, where a command ends in an error: the last line that a person sees."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from loader.cli.output import command_line, source_words
from loader.errors import MappingError
from loader.pipeline.events import LoadIdObserver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from loader.pipeline.events import Observers


@dataclass(slots=True)
class NextCommand:
    """What the running command suggests to run after it, should it fail; None: nothing in particular."""

    line: str | None = None


def suggest(line: str) -> None:
    """Suggest a command to run next if the running command fails."""
    context = click.get_current_context(silent=True)
    if context is not None and (next_command := context.find_object(NextCommand)) is not None:
        next_command.line = line


@contextmanager
def suggest_check(mapping: Path, sources: Sequence[str], overrides: Mapping[str, Any]) -> Iterator[None]:
    """Suggest `loader check` if errors of the mapping end the block: the same command would fail again."""
    try:
        yield
    except MappingError:
        suggest(command_line("loader", "check", mapping, *sources, *source_words(overrides)))
        raise


@contextmanager
def resumable(observers: Observers, home: Path) -> Iterator[None]:
    """Suggest to resume the load if anything ends the block after the load started.

    Args:
        observers: Who watches the run; it gets one more, which remembers the load.
        home: Where the load's journal is.
    """
    observer = LoadIdObserver()
    observers.add(observer)
    try:
        yield
    except BaseException:
        if observer.load_id:
            suggest(command_line("loader", "resume", observer.load_id, home=home))
        raise
