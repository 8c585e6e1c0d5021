"""YAML to values that still know how they were written, and where.

YAML's own typing is left to whoever reads a value, since only the grammar knows what a place wants: a
key of a `map` is text even where it looks like a number or a flag (`01`, `NO`), a constant is typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import yaml

from loader.errors import MappingError
from loader.mapping.yaml_paths import LineIndex, Place, Span
from loader.records import MappingFinding

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Keys and list indexes from the root."""

Part = Literal["key", "value"]
"""What of an entry is meant."""

_MOST_NODES: Final = 100_000
_DEEPEST: Final = 50
_TOO_LARGE: Final = "it is too large or too deep, or an anchor holds itself"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NOWHERE: Final = frozenset({"", "\0", "\n", "\r", "\x85", "\u2028", "\u2029"})
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


class Scalar(str):
    """A scalar as it was written; `typed` is what YAML 1.2 makes of it.

    One difference from YAML: digits with a leading zero are text, for `007` is a key and not seven.
    """

    __slots__ = ("plain",)
    plain: bool

    @property
    def typed(self) -> Any:
        """None, a bool, an int, a float or a str."""
        text = str(self)
        if not self.plain:
            return text
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INT.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text


def is_null(value: Any) -> bool:
    """Whether YAML makes nothing of a scalar: `null`, `~`, or nothing at all, without quotes."""
    return isinstance(value, Scalar) and value.typed is None


def typed(value: Any) -> Any:
    """The value with every `Scalar` in it replaced by what YAML makes of it."""
    if isinstance(value, Scalar):
        return value.typed
    if isinstance(value, dict):
        return {str(key): typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    return value


@dataclass(slots=True)
class Document:
    """A YAML text as values (`dict` with text keys, `list`, `Scalar`) with their places.

    Attributes:
        data: The root.
        file: The file's name, for messages.
        lines: The text.
        keys: Where the key of an entry stands, by its path.
        values: Where a value stands, by its path: of an entry, an item, or the root.
        texts: The scalars among the values.
        repeated: Paths whose key stands twice, with the places of the second.
    """

    data: Any
    file: str = ""
    lines: LineIndex = field(default_factory=lambda: LineIndex(""))
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    texts: dict[Path, Scalar] = field(default_factory=dict)
    repeated: list[tuple[Path, tuple[int, int]]] = field(default_factory=list)

    def place(self, path: Path) -> tuple[int | None, int | None]:
        """Line and column, both from 1, of the nearest known key or item at or above the path."""
        found = self.find(path)
        return (found.line, found.column) if found else (None, None)

    def find(self, path: Path, part: Part = "key", word: str = "", offset: int = -1) -> Place | None:
        """The nearest known place at or above the path; None where the text is empty.

        A text that stands for a list of one, or a column's name that stands for a rule, has the places of
        what it stands for.

        Args:
            path: Of an entry or an item.
            part: The entry's key or its value; an item is its value.
            word: What of it is meant; empty: all of it.
            offset: Where the word begins in the value as read; less than 0: the first there is.
        """
        while path and path not in self.values:
            path = path[:-1]
            if path not in self.texts:
                part, word = "key", ""
        if path not in self.values:
            return None
        if not path:
            start = self.lines.place(self.values[path])
            return Place(start.line, start.column, None)
        span, text = self.values[path], str(self.texts.get(path, ""))
        if path in self.keys and (part == "key" or not self._is_short(path)):
            span, text = self.keys[path], str(path[-1])
        found = self.lines.word(span, text, word, offset) or span
        return self.lines.place(found)

    def _is_short(self, path: Path) -> bool:
        """Whether a value is fit to be underlined: text that is there, or what stands in one line."""
        span = self.values[path]
        return span.end > span.start and (path in self.texts or self.lines.one_line(span))


def read_document(text: str, file: str = "") -> Document:
    """Reads YAML text.

    Raises:
        MappingError: It is no YAML; names line and column.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise MappingError([_syntax(error.problem or "cannot be read", file, mark)]) from None
    except RecursionError:
        raise MappingError([_syntax(_TOO_LARGE, file, None)]) from None
    except yaml.reader.ReaderError as error:
        problem = f"the character {chr(error.character)!r} may not stand in it"
        before = text[: error.position]
        line, column = before.count("\n"), len(before.rpartition("\n")[2])
        mark = yaml.Mark("", error.position, line, column, text, error.position)
        raise MappingError([_syntax(problem, file, mark)]) from None
    except yaml.YAMLError as error:
        raise MappingError([_syntax(str(error), file, None)]) from None
    document = Document(None, file, LineIndex(text))
    if root is not None:
        document.data = _Builder(document).build(root, ())
    return document


def _syntax(problem: str, file: str, mark: yaml.Mark | None) -> MappingFinding:
    return MappingFinding(
        severity="error",
        message=f"this is not YAML: {problem}",
        file=file,
        line=mark.line + 1 if mark else None,
        column=mark.column + 1 if mark else None,
        end_column=mark.column + 2 if mark and _is_in_line(mark) else None,
    )


def _is_in_line(mark: yaml.Mark) -> bool:
    """Whether a character stands there that can be underlined."""
    return (mark.buffer or "")[mark.pointer : mark.pointer + 1] not in _NOWHERE


class _Builder:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or len(path) > _DEEPEST:
            raise MappingError([_syntax(_TOO_LARGE, self._document.file, node.start_mark)])
        self._document.values[path] = _span(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(each, (*path, index)) for index, each in enumerate(node.value)]
        if _HALF_PAIR.search(node.value):
            problem = "half of a surrogate pair stands alone"
            raise MappingError([_syntax(problem, self._document.file, node.start_mark)])
        scalar = Scalar(node.value)
        scalar.plain = getattr(node, "style", None) is None
        self._document.texts[path] = scalar
        return scalar

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in _own(node):
            key = self._key(key_node)
            below = (*path, key)
            if key in built:
                self._document.repeated.append((below, _place(key_node)))
            self._document.keys[below] = _span(key_node)
            built[key] = self.build(value_node, below)
        for key_node, value_node in _merged(node, {id(node)}):
            key = self._key(key_node)
            if key not in built:
                self._document.keys[(*path, key)] = _span(key_node)
                built[key] = self.build(value_node, (*path, key))
        return built

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            return "?"
        if _HALF_PAIR.search(node.value):
            problem = "half of a surrogate pair stands alone"
            raise MappingError([_syntax(problem, self._document.file, node.start_mark)])
        return str(node.value)


_Entry = tuple[yaml.Node, yaml.Node]


def _own(node: yaml.MappingNode) -> Iterator[_Entry]:
    """The entries that an object has by itself."""
    return (entry for entry in node.value if not _merges(entry))


def _merged(node: yaml.MappingNode, seen: set[int]) -> Iterator[_Entry]:
    """The entries of the objects that `<<` names, those that win first; `seen` has objects by their ids."""
    for _, value in filter(_merges, node.value):
        for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if id(each) not in seen:
                seen.add(id(each))
                yield from _own(each)
                yield from _merged(each, seen)


def _merges(entry: _Entry) -> bool:
    """Whether an entry is `<<: *anchor`, or a list of such."""
    key, value = entry
    if not isinstance(key, yaml.ScalarNode) or key.value != "<<" or getattr(key, "style", None) is not None:
        return False
    named = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return bool(named) and all(isinstance(each, yaml.MappingNode) for each in named)


def _span(node: yaml.Node) -> Span:
    return Span(node.start_mark.index, node.end_mark.index)


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
