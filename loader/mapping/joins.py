"""Which rows and columns a mapping's lists of rows are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loader.mapping.expressions import columns_of
from loader.mapping.tree import each_nodes, leaves
from loader.settings import SourceOptions

if TYPE_CHECKING:
    from loader.mapping.grammar import MappingSpec
    from loader.mapping.tree import EachNode, Leaf, ObjectNode
    from loader.mapping.yaml_paths import Span, YamlPath


@dataclass(frozen=True, slots=True)
class Join:
    """How the rows of a second file find their records.

    Attributes:
        file: The second file, as the mapping names it.
        key: Its column that names the record of a row.
        equals: The source's column that it is compared with.
        source: How to read it.
    """

    file: str
    key: str
    equals: str
    source: SourceOptions = field(default_factory=SourceOptions)

    @property
    def name(self) -> str:
        """Return the name of its rows in `Batch.children`."""
        return f"{self.file}: {self.key} = {self.equals}"


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """A column that a mapping names.

    Attributes:
        name: The column.
        yaml_path: Where the mapping names it: a text, or what it is part of.
        field: The payload's path, or the mapping's own key.
        span: The part of that text that is the name; None: all of it.
    """

    name: str
    yaml_path: YamlPath
    field: str
    span: Span | None = None


def join_of(node: EachNode) -> Join | None:
    """Return how a list's rows find their records; None where they are the group's own."""
    spec = node.spec
    if spec.rows is None or spec.key is None:
        return None
    return Join(spec.rows, spec.key, spec.equals or spec.key, spec.source)


def joins_of(tree: ObjectNode) -> tuple[Join, ...]:
    """Return the joins of all lists, equal ones once."""
    joins = [join for node in each_nodes(tree) if (join := join_of(node))]
    return tuple({join.name: join for join in joins}.values())


def joined_columns(tree: ObjectNode, file: str) -> frozenset[str]:
    """Return the columns of a second file that a mapping reads, keys among them."""
    columns: set[str] = set()
    for node in each_nodes(tree):
        if (join := join_of(node)) and join.file == file:
            columns.add(join.key)
            columns.update(name for leaf in leaves(node.item) for name in columns_of(leaf.rule))
    return frozenset(columns)


def columns_beside_rules(spec: MappingSpec, tree: ObjectNode) -> tuple[ColumnReference, ...]:
    """Return the source's columns that `group_by` and `equals` name."""
    group_by = [] if spec.group_by is None else [ColumnReference(spec.group_by, ("group_by",), "group_by")]
    keys = [
        ColumnReference(join.equals, (*node.yaml_path, "equals" if node.spec.equals else "key"), node.path)
        for node in each_nodes(tree)
        if (join := join_of(node))
    ]
    return (*group_by, *keys)


def row_leaves(tree: ObjectNode) -> list[Leaf]:
    """Return the leaves that read rows of the source: the record's own, and items of its group's rows."""
    items = [leaf for node in each_nodes(tree) if node.spec.rows is None for leaf in leaves(node.item)]
    return [*leaves(tree), *items]
