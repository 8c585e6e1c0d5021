"""YAML text with comments: values as scalars and flows, lines nested and aligned, some commented out."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_WIDTH: Final = 118
"""The longest line, in characters."""
_ALIGNED: Final = 62
"""Comments are aligned behind lines shorter than this: a longer one would push them all to the right."""
_STEP: Final = "  "

# --- Values --------------------------------------------------------------------------------------------

_PLAIN: Final = re.compile(r"[^\W\d_](?:[\w/+.-]|[ ](?=[\w/+.-]))*")
_NOT_TEXT: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"})
"""Words that some reader of YAML takes for another value than text; in lower case."""
_BOOLEAN_KEYS: Final = {"true", "false"}  # the two keys of `boolean`, which are written bare
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def scalar(value: str) -> str:
    """Return a text as a YAML scalar for any place: plain where that is safe, else in quotes.

    This project's reader, and any other of YAML 1.1 or 1.2, reads it back as the same text.
    """
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT and value.isprintable():
        return value
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def flow(value: Any) -> str:
    """Return a value on one line: texts, numbers, true and false, null, lists and objects of them."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, dict):
        key = str if set(value) == _BOOLEAN_KEYS else scalar
        return "{" + ", ".join(f"{key(name)}: {flow(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return json.dumps(value)


def comment_text(words: str) -> str:
    """Return words for a comment: on one line, with a blank for each unprintable character."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(words.split()))


# --- Lines ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class YamlLine:
    """One line.

    Attributes:
        content: YAML, without indentation; empty for a line that is all comment.
        comment: The comment behind it.
        depth: How far it is indented.
        off: Whether it is commented out.
    """

    content: str
    comment: str = ""
    depth: int = 0
    off: bool = False

    @property
    def code(self) -> str:
        """Return the line without its comment."""
        return f"{_STEP * self.depth}{'# ' if self.off and self.content else ''}{self.content}"


@dataclass(frozen=True, slots=True)
class YamlEntry:
    """A field and its rule, as lines that begin at depth 0.

    Attributes:
        path: The field's dotted path.
        lines: Its lines; the first begins with the field's name.
        on: Whether it counts; else it is commented out.
    """

    path: str
    lines: tuple[YamlLine, ...]
    on: bool = True


@dataclass(slots=True)
class _EntryNode:
    entries: list[YamlEntry] = field(default_factory=list)
    below: dict[str, _EntryNode] = field(default_factory=dict)

    @property
    def on(self) -> bool:
        return any(entry.on for entry in self.entries) or any(node.on for node in self.below.values())


def nested(entries: Iterable[YamlEntry], depth: int) -> list[YamlLine]:
    """Return entries as nested lines: each object's own fields first, then the objects in it."""
    root = _EntryNode()
    for entry in entries:
        node = root
        for name in entry.path.split(".")[:-1]:
            node = node.below.setdefault(name, _EntryNode())
        node.entries.append(entry)
    return list(_nested_lines(root, depth))


def _nested_lines(node: _EntryNode, depth: int) -> Iterator[YamlLine]:
    for entry in sorted(node.entries, key=lambda entry: not entry.on):
        for line in entry.lines:
            yield replace(line, depth=line.depth + depth, off=line.off or not entry.on)
    for name, below in node.below.items():
        yield YamlLine(f"{scalar(name)}:", depth=depth, off=not below.on)
        yield from _nested_lines(below, depth + 1)


def render(lines: Sequence[YamlLine]) -> Iterator[str]:
    """Yield lines as text: comments aligned, and those that are too long above their line."""
    lengths = [len(line.code) for line in lines if line.content and line.comment]
    column = max((length for length in lengths if length < _ALIGNED), default=0) + 2
    for line in lines:
        comment = comment_text(line.comment)
        if not comment:
            yield line.code
            continue
        if not line.content:
            yield from _comment_lines(comment, line.depth)
            continue
        candidates = (f"{line.code:<{column - 2}}  # {comment}", f"{line.code}  # {comment}")
        fitting = [candidate for candidate in candidates if len(candidate) <= _WIDTH]
        if not fitting:
            yield from _comment_lines(comment, line.depth)
        yield fitting[0] if fitting else line.code


def _comment_lines(comment: str, depth: int) -> Iterator[str]:
    mark = f"{_STEP * depth}# "
    for part in textwrap.wrap(comment, _WIDTH - len(mark), break_on_hyphens=False):
        yield mark + part
