"""The mapping's `fields` as a tree that follows the record type's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loader.resources.fields import Field, FieldKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from loader.mapping.grammar import Each, Rule
    from loader.mapping.yaml_paths import YamlPath


@dataclass(slots=True)
class Leaf:
    """A field that a rule fills.

    Attributes:
        path: As the payload has it, list items by index: `options.reminders[0].name`.
        target: The record type's field, or the items of a list field.
        rule: Where its value comes from.
        yaml_path: Where the rule is in the mapping file.
    """

    path: str
    target: Field
    rule: Rule
    yaml_path: YamlPath

    @property
    def item(self) -> Field:
        """Return the field that the rule's single values become: a list's items, or the field itself."""
        return self.target.item if self.target.kind is FieldKind.LIST and self.target.item else self.target


@dataclass(slots=True)
class ObjectNode:
    """An object of the payload.

    Attributes:
        path: As in `Leaf`; empty for the record itself.
        target: As in `Leaf`.
        members: Its fields by name, in payload order.
        item: Whether it is an item of a list.
        failed: Names of its fields with errors in their rules, so that none is reported as unmapped, too.
    """

    path: str
    target: Field
    members: dict[str, Node] = field(default_factory=dict)
    item: bool = False
    failed: set[str] = field(default_factory=set)

    def path_of(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name


@dataclass(slots=True)
class ListNode:
    """A list of the payload, with rules or objects of rules as items."""

    path: str
    target: Field
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class EachNode:
    """A list of the payload with one item for every row of a group or of a second file.

    Attributes:
        path: As in `Leaf`.
        target: As in `Leaf`.
        item: What each row becomes; its path is the list's with `[]` behind it.
        spec: The keys beside it in the mapping.
        yaml_path: As in `Leaf`.
    """

    path: str
    target: Field
    item: Node
    spec: Each
    yaml_path: YamlPath


Node = Leaf | ObjectNode | ListNode | EachNode


def child_nodes(node: Node) -> Collection[Node]:
    """Return the nodes right below one, in payload order."""
    if isinstance(node, Leaf):
        return ()
    if isinstance(node, EachNode):
        return (node.item,)
    return node.members.values() if isinstance(node, ObjectNode) else node.items


def own_nodes(node: Node) -> Collection[Node]:
    """Return the nodes right below one that are made of the record's own row: none below `each`."""
    return () if isinstance(node, EachNode) else child_nodes(node)


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves below a node that read the record's own row, in payload order."""
    if isinstance(node, Leaf):
        yield node
    for child in own_nodes(node):
        yield from leaves(child)


def all_leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves below a node, those of items of `each` among them, in payload order."""
    if isinstance(node, Leaf):
        yield node
    for child in child_nodes(node):
        yield from all_leaves(child)


def each_nodes(node: Node) -> Iterator[EachNode]:
    """Yield the lists below a node that have an item for every row, in payload order."""
    if isinstance(node, EachNode):
        yield node
    for child in own_nodes(node):
        yield from each_nodes(child)


def is_constant(node: Node) -> bool:
    """Return whether nothing below a node reads the row: all of it is `value`."""
    return all(leaf.rule.origin == "value" for leaf in all_leaves(node))


def unlisted(path: str, kind: FieldKind = FieldKind.ANY) -> Field:
    """Return a field that an open object does not list."""
    return Field(path=path, kind=kind)


def unfillable(target: Field, path: str) -> list[str]:
    """Return the required fields at and below an unmapped one; none where `{}` or `[]` may be sent.

    Args:
        target: The field.
        path: Its path in the payload.
    """
    if target.kind is FieldKind.LIST:
        return []
    if target.kind is not FieldKind.OBJECT:
        return [path]
    required = {name: child for name, child in (target.children or {}).items() if child.required}
    return [below for name, child in required.items() for below in unfillable(child, f"{path}.{name}")]
