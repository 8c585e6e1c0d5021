"""Lines of YAML with their comments: nested, aligned, and what is not to count behind a `#`."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from loader.suggest.yaml_text import comment, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH: Final = 118
_ALIGNED: Final = 62
_STEP: Final = "  "


@dataclass(frozen=True, slots=True)
class YamlLine:
    """One line.

    Attributes:
        words: YAML, without indentation; empty for a line that is all comment.
        why: The comment behind it.
        depth: How far it is indented.
        off: Whether it stands behind a `#`.
    """

    words: str
    why: str = ""
    depth: int = 0
    off: bool = False

    @property
    def code(self) -> str:
        """The line without its comment."""
        return f"{_STEP * self.depth}{'# ' if self.off and self.words else ''}{self.words}"


@dataclass(frozen=True, slots=True)
class YamlEntry:
    """A field and its rule, as lines that begin at depth 0.

    Attributes:
        path: The field's dotted path.
        lines: Its lines; the first begins with the field's name.
        on: Whether it counts.
    """

    path: str
    lines: tuple[YamlLine, ...]
    on: bool = True


@dataclass(slots=True)
class _Node:
    entries: list[YamlEntry] = field(default_factory=list)
    below: dict[str, _Node] = field(default_factory=dict)

    @property
    def on(self) -> bool:
        return any(each.on for each in self.entries) or any(each.on for each in self.below.values())


def nested(entries: Iterable[YamlEntry], depth: int) -> list[YamlLine]:
    """Entries as nested lines: each object's own fields first, then the objects in it."""
    root = _Node()
    for entry in entries:
        node = root
        for name in entry.path.split(".")[:-1]:
            node = node.below.setdefault(name, _Node())
        node.entries.append(entry)
    return list(_lines(root, depth))


def _lines(node: _Node, depth: int) -> Iterator[YamlLine]:
    for entry in sorted(node.entries, key=lambda each: not each.on):
        for line in entry.lines:
            yield replace(line, depth=line.depth + depth, off=line.off or not entry.on)
    for name, below in node.below.items():
        yield YamlLine(f"{text(name)}:", depth=depth, off=not below.on)
        yield from _lines(below, depth + 1)


def written(lines: Sequence[YamlLine]) -> Iterator[str]:
    """Lines as text: comments aligned; one that is too long for its line stands above it."""
    places = [len(line.code) for line in lines if line.words and line.why and len(line.code) < _ALIGNED]
    column = max(places, default=0) + 2
    for line in lines:
        why = comment(line.why)
        if not why:
            yield line.code
            continue
        if not line.words:
            yield from _above(why, line.depth)
            continue
        behind = (f"{line.code:<{column - 2}}  # {why}", f"{line.code}  # {why}")
        short = [each for each in behind if len(each) <= WIDTH]
        if not short:
            yield from _above(why, line.depth)
        yield short[0] if short else line.code


def _above(why: str, depth: int) -> Iterator[str]:
    mark = f"{_STEP * depth}# "
    for part in textwrap.wrap(why, WIDTH - len(mark), break_on_hyphens=False):
        yield mark + part
