"""YAML as values that keep how and where they were written.

YAML's own typing is left to whoever reads a value, since only the grammar knows what a key takes: a key of
a `map` is text even where it looks like a number or a flag (`01`, `NO`), a constant is typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import yaml

from loader.findings import Finding, Location
from loader.mapping.errors import mapping_error
from loader.mapping.yaml_paths import LineIndex, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.findings import JsonValue
    from loader.mapping.yaml_paths import Part, YamlPath

_MOST_NODES: Final = 100_000
_DEEPEST: Final = 50
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_NOWHERE: Final = frozenset({"", "\0", "\n", "\r", "\x85", "\u2028", "\u2029"})
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


class Scalar(str):
    """A scalar as it was written; `typed` is what YAML 1.2 makes of it.

    One difference from YAML: digits with a leading zero are text, for `007` is a key and not seven.
    """

    __slots__ = ("plain",)
    plain: bool

    @property
    def typed(self) -> Any:
        """Return None, a bool, an int, a float or a str."""
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
    """Return whether a scalar is null in YAML: `null`, `~`, or nothing at all, without quotes."""
    return isinstance(value, Scalar) and value.typed is None


def typed(value: Any) -> Any:
    """Return the value with every `Scalar` in it replaced by what YAML makes of it."""
    if isinstance(value, Scalar):
        return value.typed
    if isinstance(value, dict):
        return {str(key): typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return value


@dataclass(slots=True)
class Document:
    """A YAML text as values (`dict` with text keys, `list`, `Scalar`) with their places.

    Attributes:
        data: The root.
        file: The file's name, for messages.
        lines: The text.
        keys: Where the key of an entry is, by its path.
        values: Where a value is, by its path: of an entry, an item, or the root.
        texts: The scalars among the values.
        repeated: Paths of keys that are used twice, with the line of the second.
    """

    data: Any
    file: str = ""
    lines: LineIndex = field(default_factory=lambda: LineIndex(""))
    keys: dict[YamlPath, Span] = field(default_factory=dict)
    values: dict[YamlPath, Span] = field(default_factory=dict)
    texts: dict[YamlPath, Scalar] = field(default_factory=dict)
    repeated: list[tuple[YamlPath, int]] = field(default_factory=list)

    def position(self, yaml_path: YamlPath) -> tuple[int, int]:
        """Return line and column, from 1, of the nearest known entry at or above a path; (0, 0) for none."""
        location = self.locate(yaml_path)
        return (location.line or 0, location.column or 0) if location else (0, 0)

    def locate(self, yaml_path: YamlPath, part: Part = "key", span: Span | None = None) -> Location | None:
        """Return where the nearest known entry at or above a path is; None where the text is empty.

        A text that is written in place of a list of one, or a column's name in place of a rule, has the
        location of what it is written for.

        Args:
            yaml_path: Of an entry or an item.
            part: The entry's key or its value; an item is its value.
            span: A stretch of the key or of the value as read; None: all of it.
        """
        while yaml_path and yaml_path not in self.values:
            yaml_path = yaml_path[:-1]
            if yaml_path not in self.texts:
                part, span = "key", None
        if yaml_path not in self.values:
            return None
        if not yaml_path:
            return replace(self.lines.locate(self.values[()]), file=self.file, end_column=None)
        written, text = self.values[yaml_path], str(self.texts.get(yaml_path, ""))
        if yaml_path in self.keys and (part == "key" or not self._is_short(yaml_path)):
            written, text = self.keys[yaml_path], str(yaml_path[-1])
        if span is not None:
            written = self.lines.part_of_scalar(written, text, span) or written
        return replace(self.lines.locate(written), file=self.file)

    def _is_short(self, yaml_path: YamlPath) -> bool:
        """Return whether a value can be underlined: text that is there, or what is written in one line."""
        span = self.values[yaml_path]
        return span.end > span.start and (yaml_path in self.texts or self.lines.is_one_line(span))


def read_document(text: str, file: str = "") -> Document:
    """Return a YAML text as values with their places.

    Args:
        text: The YAML.
        file: The file's name, for messages.

    Raises:
        MappingError: It is not YAML, or too large; with line and column.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise mapping_error([_syntax_error(error.problem or "cannot be read", file, mark)]) from None
    except RecursionError:
        raise mapping_error([Finding("yaml.too_large", location=Location(file=file))]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n"), len(before.rpartition("\n")[2])
        mark = yaml.Mark("", error.position, line, column, text, error.position)
        character = repr(chr(error.character))
        raise mapping_error([_finding("yaml.bad_character", file, mark, character=character)]) from None
    except yaml.YAMLError as error:
        raise mapping_error([_syntax_error(str(error), file, None)]) from None
    document = Document(None, file, LineIndex(text))
    if root is not None:
        document.data = _ValueBuilder(document).build(root, ())
    return document


def _syntax_error(problem: str, file: str, mark: yaml.Mark | None) -> Finding:
    return _finding("yaml.syntax", file, mark, words=problem)


def _finding(code: str, file: str, mark: yaml.Mark | None, **params: JsonValue) -> Finding:
    location = Location(
        file=file,
        line=mark.line + 1 if mark else None,
        column=mark.column + 1 if mark else None,
        end_column=mark.column + 2 if mark and _is_in_line(mark) else None,
    )
    return Finding(code, params=params, location=location)


def _is_in_line(mark: yaml.Mark) -> bool:
    """Return whether there is a character at a mark that can be underlined."""
    return (mark.buffer or "")[mark.pointer : mark.pointer + 1] not in _NOWHERE


class _ValueBuilder:
    """Makes values of YAML nodes, and notes their places in the document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def build(self, node: yaml.Node, yaml_path: YamlPath) -> Any:
        """Return the value of a node and of all below it.

        Raises:
            MappingError: There are too many nodes or levels, as aliases of aliases make them.
        """
        self._nodes += 1
        if self._nodes > _MOST_NODES or len(yaml_path) > _DEEPEST:
            raise mapping_error([_finding("yaml.too_large", self._document.file, node.start_mark)])
        self._document.values[yaml_path] = _span(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, yaml_path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*yaml_path, index)) for index, item in enumerate(node.value)]
        scalar = Scalar(self._text(node))
        scalar.plain = getattr(node, "style", None) is None
        self._document.texts[yaml_path] = scalar
        return scalar

    def _mapping(self, node: yaml.MappingNode, yaml_path: YamlPath) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key_node, value_node in _own_entries(node):
            key = self._key(key_node)
            below = (*yaml_path, key)
            if key in members:
                self._document.repeated.append((below, key_node.start_mark.line + 1))
            self._document.keys[below] = _span(key_node)
            members[key] = self.build(value_node, below)
        for key_node, value_node in _merged_entries(node, {id(node)}):
            key = self._key(key_node)
            if key not in members:
                self._document.keys[(*yaml_path, key)] = _span(key_node)
                members[key] = self.build(value_node, (*yaml_path, key))
        return members

    def _key(self, node: yaml.Node) -> str:
        return self._text(node) if isinstance(node, yaml.ScalarNode) else "?"

    def _text(self, node: yaml.Node) -> str:
        if _HALF_PAIR.search(node.value):
            raise mapping_error([_finding("yaml.surrogate", self._document.file, node.start_mark)])
        return str(node.value)


_Entry = tuple[yaml.Node, yaml.Node]


def _own_entries(node: yaml.MappingNode) -> Iterator[_Entry]:
    """Yield the entries that an object has by itself."""
    return (entry for entry in node.value if not _is_merge(entry))


def _merged_entries(node: yaml.MappingNode, visited: set[int]) -> Iterator[_Entry]:
    """Yield the entries of the objects that `<<` names, those that win first.

    Args:
        node: The object with the `<<`.
        visited: The ids of nodes that have been taken: an object may name itself.
    """
    for _, value in filter(_is_merge, node.value):
        for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if id(source) not in visited:
                visited.add(id(source))
                yield from _own_entries(source)
                yield from _merged_entries(source, visited)


def _is_merge(entry: _Entry) -> bool:
    """Return whether an entry is `<<: *anchor`, or `<<` with a list of such."""
    key, value = entry
    if not isinstance(key, yaml.ScalarNode) or key.value != "<<" or getattr(key, "style", None) is not None:
        return False
    sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return bool(sources) and all(isinstance(source, yaml.MappingNode) for source in sources)


def _span(node: yaml.Node) -> Span:
    return Span(node.start_mark.index, node.end_mark.index)
